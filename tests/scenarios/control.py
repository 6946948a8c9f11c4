"""A client of the control socket: asks, waits for its own answer, collects events.  Knows no command."""

import asyncio
import json
from itertools import count
from pathlib import Path
from typing import Any, Self

from tests.csms.waiting import PATIENT_S
from tests.scenarios.heard import Heard

Answer = dict[str, Any]


class Refused(Exception):
    """The agent answered with an error; the text is the error."""


class ControlClient:
    """One connection.  ``events`` has what ``watch`` brought, ``strays`` the answers to lines without a good id."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.events: Heard[Answer] = Heard()
        self.strays: Heard[Answer] = Heard()
        self._writer = writer
        self._ids = count(1)
        self._answers: dict[int, asyncio.Future[Answer]] = {}
        self._listening = asyncio.create_task(self._listen(reader))

    @classmethod
    async def connect(cls, path: Path) -> Self:
        return cls(*await asyncio.open_unix_connection(path, limit=1 << 24))

    async def cmd(self, name: str, **arguments: Any) -> Answer:
        """Send a command and wait for its answer.

        Raises:
            Refused: the answer is an error.
            ConnectionError: the agent has closed the connection.

        """
        if self._listening.done():
            raise ConnectionResetError("the control socket is closed")
        number = next(self._ids)
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        self.say(json.dumps({"id": number, "cmd": name, **arguments}))
        told = await asyncio.wait_for(answer, PATIENT_S)
        if not told["ok"]:
            raise Refused(told["error"])
        return told

    def say(self, line: str | bytes) -> None:
        """Write a line, whatever it is."""
        self._writer.write((line.encode() if isinstance(line, str) else line) + b"\n")

    async def ask(self, line: str | bytes) -> Answer:
        """Write a line that has no id of ours, and wait for what is answered to it."""
        self.say(line)
        return await self.strays.take(lambda answer: True)

    async def fact(self, name: str, evse: int = 0) -> Answer:
        """The next fact of this kind that nobody has waited for yet; needs ``watch`` with ``facts``."""
        told = await self.events.take(
            lambda event: event["event"] == "facts" and (event["what"]["fact"], event["what"]["evse"]) == (name, evse)
        )
        what: Answer = told["what"]
        return what

    async def closed(self) -> None:
        """Wait until the agent has closed the connection."""
        await asyncio.wait_for(asyncio.shield(self._listening), PATIENT_S)

    async def close(self) -> None:
        self._writer.close()
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        try:
            while line := await reader.readline():
                self._hear(json.loads(line))
        except ConnectionError:
            pass
        finally:
            for answer in self._answers.values():
                if not answer.done():
                    answer.set_exception(ConnectionResetError("the control socket closed before the answer"))

    def _hear(self, told: Answer) -> None:
        if "event" in told:
            self.events.add(told)
        elif told.get("id") in self._answers:
            answer = self._answers.pop(told["id"])
            if not answer.done():
                answer.set_result(told)
        else:
            self.strays.add(told)
