"""A client of the control socket for tests and the player: one question, one answer, events beside them."""

from __future__ import annotations

import asyncio
import json
from asyncio.subprocess import Process
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self


class Refused(Exception):
    """The agent answered with an error."""


class Control:
    """One connection.  ``on_line`` hears every event of ``watch``."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._next_id = 0
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._arrived = asyncio.Event()
        self._listening: asyncio.Task[None] | None = None
        self.on_line: Callable[[dict[str, Any]], None] = lambda line: None

    @classmethod
    async def connect(cls, path: Path, agent: Process | None = None) -> Control | None:
        """Connect as soon as the agent listens; None when it ended instead."""
        while agent is None or agent.returncode is None:
            try:
                reader, writer = await asyncio.open_unix_connection(path, limit=1 << 22)
                return cls(reader, writer)
            except (FileNotFoundError, ConnectionRefusedError):
                await asyncio.sleep(0.01)
        return None

    async def __aenter__(self) -> Self:
        self._listening = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._listening is not None:
            self._listening.cancel()
        self._writer.close()

    async def ask(self, cmd: str, **arguments: Any) -> dict[str, Any]:
        """Send a command and wait for its answer.

        Raises:
            Refused: the answer is an error.
            ConnectionError: the agent is gone.

        """
        self._next_id += 1
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._answers[self._next_id] = answer
        self._writer.write(json.dumps({"id": self._next_id, "cmd": cmd, **arguments}).encode() + b"\n")
        said = await answer
        if not said["ok"]:
            raise Refused(said["error"])
        return said

    async def next_line(self) -> None:
        """Wait for the next event of ``watch``."""
        self._arrived.clear()
        await self._arrived.wait()

    async def _listen(self) -> None:
        async for data in self._reader:
            line = json.loads(data)
            waiting = self._answers.pop(line["id"], None) if "id" in line else None
            if waiting is not None:
                waiting.set_result(line)
            else:
                self.on_line(line)
                self._arrived.set()
        for waiting in self._answers.values():
            waiting.set_exception(ConnectionError("the agent closed the control socket"))
        self._answers.clear()
        self._arrived.set()
