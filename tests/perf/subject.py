"""What is measured: a station in a process of its own, a CSMS for it, and its control socket.  Knows no figure."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from tests.perf.csms import BenchCsms

STATION_ID = "CS001"
# A plug-in alone opens a transaction, an unplugged cable ends it.
PLUG_STARTS = [
    {"component": "TxCtrlr", "variable": name, "value": "EVConnected"} for name in ("TxStartPoint", "TxStopPoint")
]


class SubjectGone(Exception):
    """The process has ended, and nobody ended it."""


class BenchFailed(Exception):
    """A subject did not do what the bench asked; says which, and where its output is."""


@dataclass(frozen=True)
class Subject:
    """A program that can be a station.

    ``command``: its arguments, from the CSMS' URL, the control socket and the data folder.
    ``waits``: it takes its settings from a ``start`` command, when it is not measured from its spawn.
    """

    name: str
    command: Callable[[str, Path, Path], list[str]]
    waits: bool


def agent_command(url: str, control: Path, data: Path) -> list[str]:
    place = ["--csms", url, "--id", STATION_ID, "--control", str(control), "--data", str(data)]
    return ["-m", "agent", "run", "--board", "board/sim.toml", *place]


def ocpp_station_command(url: str, control: Path, _data: Path) -> list[str]:
    return ["-m", "tests.perf.mobility_station", "--url", url, "--id", STATION_ID, "--control", str(control)]


AGENT = Subject("agent", agent_command, waits=True)
OCPP_STATION = Subject("ocpp station", ocpp_station_command, waits=False)
SUBJECTS = {subject.name: subject for subject in (AGENT, OCPP_STATION)}


class Control:
    """A client of the control socket: one line out, one line back."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._last_id = 0

    async def send(self, command: str, **arguments: Any) -> float:
        """Send a command and wait for its answer.

        Returns:
            When the line was written (perf_counter).

        Raises:
            BenchFailed: the answer is an error.

        """
        self._last_id += 1
        line = json.dumps({"id": self._last_id, "cmd": command, **arguments}).encode() + b"\n"
        written_s = perf_counter()
        self._writer.write(line)
        answer = json.loads(await self._reader.readline() or b"{}")
        if not answer.get("ok"):
            raise BenchFailed(f"{command} {arguments}: {answer.get('error', 'the control socket closed')}")
        return written_s

    def close(self) -> None:
        self._writer.close()


@dataclass
class Running:
    """A subject at work."""

    name: str
    pid: int
    spawned_s: float  # perf_counter, just before
    csms: BenchCsms
    control: Path

    @asynccontextmanager
    async def controlled(self) -> AsyncIterator[Control]:
        client = Control(*await asyncio.open_unix_connection(self.control))
        try:
            yield client
        finally:
            client.close()


@asynccontextmanager
async def spawned(subject: Subject, data: Path, *extra: str) -> AsyncIterator[Running]:
    """A process of the subject, ended at the end of the block; its output goes to ``data``."""
    data.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="bench-") as folder:  # short: a socket's path has room for 107 bytes
        control = Path(folder) / "control"
        async with BenchCsms() as csms:
            with (data / "output.txt").open("ab") as output:
                command = [sys.executable, *subject.command(csms.url, control, data), *extra]
                spawned_s = perf_counter()
                process = await asyncio.create_subprocess_exec(*command, stdout=output, stderr=output)
            watch = asyncio.create_task(give_up_after(process, csms))
            try:
                yield Running(subject.name, process.pid, spawned_s, csms, control)
            except (TimeoutError, SubjectGone) as error:
                raise BenchFailed(f"{subject.name}: {error}; its output: {data / 'output.txt'}") from None
            finally:
                watch.cancel()
                await end(process)


@asynccontextmanager
async def charging(subject: Subject, data: Path) -> AsyncIterator[Running]:
    """The subject, registered and quiet, with a plug-in that opens a transaction."""
    async with spawned(subject, data, *(["--wait"] if subject.waits else [])) as running:
        await until_exists(running.control)
        if subject.waits:
            async with running.controlled() as control:
                await control.send("start", station={"variables": PLUG_STARTS})
        await running.csms.wait_for("StatusNotification", connectorStatus="Available")
        await running.csms.quiet(1.0)
        yield running


async def give_up_after(process: asyncio.subprocess.Process, csms: BenchCsms) -> None:
    """Who waits for a process that has ended waits in vain."""
    csms.give_up(SubjectGone(f"ended with status {await process.wait()}"))


async def until_exists(path: Path) -> None:
    """A path that another process makes; nothing tells us, so we look."""
    async with asyncio.timeout(30):
        while not path.exists():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), 5)
    except TimeoutError:
        process.kill()
        await process.wait()
