"""The control socket: one JSON object a line each way, answers matched by the caller's id.  Knows no command."""

from __future__ import annotations

import asyncio
import logging
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from agent.app import Machine
from agent.errors import BenchRefused, StartFailed, told_of
from agent.link.veil import veiled, without_key_codes
from agent.shell.arguments import TOPICS as TOPICS
from agent.shell.commands import LATER, Commands, Role
from hal.errors import HalError

log = logging.getLogger(__name__)

LINE_LIMIT = 1 << 20
BACKLOG_LIMIT = 1 << 20


class ControlServer:
    """Listens on a Unix socket; any number of clients, all with the role that this socket grants."""

    def __init__(self, machine: Machine, path: Path, granted: Role = "bench") -> None:
        self._machine = machine
        self._path = path
        self._commands = Commands(machine, granted)
        self._server: asyncio.Server | None = None
        self._clients: dict[Client, asyncio.Task[None]] = {}

    async def start(self) -> None:
        """Listen.

        Raises:
            StartFailed: the path cannot be used, or another agent listens there.

        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._make_room()
            self._server = await asyncio.start_unix_server(self._connected, self._path, limit=LINE_LIMIT)
            self._path.chmod(0o660)
        except OSError as error:
            raise StartFailed(f"control socket {self._path}: {error.strerror or error}") from None

    def _make_room(self) -> None:
        """Remove the socket that an agent left when it died; nothing else that may stand there."""
        if not self._path.is_socket():
            return
        with socket.socket(socket.AF_UNIX) as other:
            try:
                other.connect(str(self._path))
            except ConnectionRefusedError:
                self._path.unlink()
            else:
                raise StartFailed(f"control socket {self._path}: another agent listens there")

    async def stop(self) -> None:
        """Close the socket and every client."""
        if self._server is not None:
            self._server.close()
            self._path.unlink(missing_ok=True)
        tasks = list(self._clients.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = Client(self._machine, self._commands, reader, writer)
        self._clients[client] = asyncio.get_running_loop().create_task(self._serve(client))

    async def _serve(self, client: Client) -> None:
        try:
            await client.run()
        finally:
            del self._clients[client]
            client.close()


class Client:
    """One connection."""

    def __init__(
        self, machine: Machine, commands: Commands, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._machine = machine
        self._commands = commands
        self._reader = reader
        self._writer = writer
        self._unwatch: Any = None
        self._topics: frozenset[str] = frozenset()
        self._log_tap: LogTap | None = None
        self._answering: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Until the client leaves."""
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                try:
                    line = await self._reader.readuntil(b"\n")
                except asyncio.LimitOverrunError:
                    await self._skip_line()
                    self._refuse(None, f"a line may have {LINE_LIMIT} bytes")
                else:
                    if line.strip():
                        self._take(line)

    async def _skip_line(self) -> None:
        while True:
            try:
                await self._reader.readuntil(b"\n")
            except asyncio.LimitOverrunError as over:
                await self._reader.readexactly(over.consumed)
            else:
                return

    def close(self) -> None:
        """Forget the client."""
        self._stop_watching()
        for task in self._answering:
            task.cancel()
        with suppress(ConnectionError, RuntimeError):
            self._writer.close()

    def _take(self, data: bytes) -> None:
        try:
            fields = msgspec.json.decode(data)
        except (ValueError, RecursionError) as error:
            self._refuse(None, f"not a command: {error}")
            return
        if not isinstance(fields, dict):
            self._refuse(None, "not a command: expected an object")
            return
        # Answers may overtake each other: settle waits while others go on.
        task = asyncio.get_running_loop().create_task(self._answer(fields.pop("id", None), fields))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _answer(self, id: Any, fields: dict[str, Any]) -> None:
        try:
            answer = await self._obey(fields.pop("cmd", None), fields) or {}
        except (BenchRefused, StartFailed, HalError) as error:
            self._refuse(id, str(error))
        except Exception as error:
            log.error("! defect: %s", told_of(error))
            log.debug("traceback", exc_info=True)
            self._refuse(id, f"a defect of the agent: {told_of(error)}")
        else:
            self._say({"id": id, "ok": True, **answer})

    def _refuse(self, id: Any, error: str) -> None:
        self._say({"id": id, "ok": False, "error": error})

    async def _obey(self, name: Any, fields: dict[str, Any]) -> dict[str, Any] | None:
        if not isinstance(name, str):
            raise BenchRefused(f"cmd: the name of a command, not {name!r}")
        if name == "watch":
            self._watch(fields)
            return None
        if name in LATER:
            raise BenchRefused(LATER[name])
        entry = self._commands.table.get(name)
        if entry is None:
            known = ", ".join(sorted([*self._commands.table, "watch"]))
            raise BenchRefused(f"unknown command {name!r}; known: {known}")
        role, kind, method = entry
        if not self._commands.may(role):
            raise BenchRefused(f"{name} is for the role {role}, and this socket grants {self._commands.granted}")
        if role == "bench" and not self._machine.bench:
            raise BenchRefused(f"unsupported: {name} is for benches, and this board is none")
        try:
            arguments = msgspec.convert(fields, kind)
        except msgspec.ValidationError as error:
            raise BenchRefused(f"{name}: {error}; it takes {', '.join(kind.__struct_fields__) or 'nothing'}") from None
        return await method(self._commands, arguments)

    # ---- watch ----

    def _watch(self, fields: dict[str, Any]) -> None:
        topics = fields.get("topics", list(TOPICS))
        if not isinstance(topics, list) or not all(topic in TOPICS for topic in topics):
            raise BenchRefused(f"topics: a list of {', '.join(TOPICS)}")
        self._stop_watching()
        self._topics = frozenset(topics)
        self._unwatch = self._machine.observe(self._observed)
        if "log" in self._topics:
            self._log_tap = LogTap(self)
            logging.getLogger().addHandler(self._log_tap)

    def _stop_watching(self) -> None:
        if self._unwatch is not None:
            self._unwatch()
            self._unwatch = None
        if self._log_tap is not None:
            logging.getLogger().removeHandler(self._log_tap)
            self._log_tap = None

    def _observed(self, topic: str, seen: Any) -> None:
        if topic not in self._topics:
            return
        if topic == "ocpp":
            way, frame = seen
            shown = veiled(frame)
            text = shown if isinstance(shown, str) else shown.decode("utf-8", "replace")
            self._say({"event": "ocpp", "direction": "in" if way == "<" else "out", "frame": text})
        else:
            self._say({"event": topic, "what": without_key_codes(msgspec.to_builtins(seen))})

    def say_log(self, line: str) -> None:
        """A line of the log."""
        self._say({"event": "log", "line": line})

    def _say(self, answer: dict[str, Any]) -> None:
        if self._writer.is_closing():
            return
        if self._writer.transport.get_write_buffer_size() > BACKLOG_LIMIT:  # it asks, but does not read
            self._stop_watching()
            self._writer.transport.abort()
            return
        self._writer.write(msgspec.json.encode(answer) + b"\n")


class LogTap(logging.Handler):
    """Copies the log to a client."""

    def __init__(self, client: Client) -> None:
        super().__init__(logging.INFO)
        self._client = client

    def emit(self, record: logging.LogRecord) -> None:
        self._client.say_log(record.getMessage())
