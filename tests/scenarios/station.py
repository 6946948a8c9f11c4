"""A whole station under test: as a process of its own, or in the test's own loop.  Driven by the control socket alone.

Both end with the test, and fail it when they left a traceback behind.
"""

import asyncio
import ctypes
import logging
import os
import re
import signal
import sys
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from pathlib import Path
from typing import Any, Self

from agent.app import Machine
from agent.provision import Provision
from board.descriptor import find_board, read_board
from tests.csms.waiting import PATIENT_S
from tests.scenarios.control import Answer, ControlClient
from tests.scenarios.heard import Heard

ROOT = Path(__file__).parents[2]
ID = "CS001"
# Nothing here is about how long a station waits: as soon as the ranges allow.
QUICK = {
    "OCPPCommCtrlr.RetryBackOffWaitMinimum": 1,
    "OCPPCommCtrlr.RetryBackOffRandomRange": 0,
    "OCPPCommCtrlr.RetryBackOffRepeatTimes": 0,
    "OCPPCommCtrlr.MessageAttemptInterval[TransactionEvent]": 0,
}


def sim_board(folder: Path, more: str) -> Path:
    """A board file like the simulated one, with more TOML at its end."""
    path = folder / "board.toml"
    path.write_text(find_board("sim").read_text() + more)
    return path


def variable(name: str, value: Any) -> Answer:
    """``OCPPCommCtrlr.MessageTimeout[Default]`` and a value, as the control socket writes it."""
    found = re.fullmatch(r"(\w+)\.(\w+)(?:\[(\w+)\])?", name)
    assert found, name
    named = {"component": found[1], "variable": found[2], "value": value}
    return named if found[3] is None else {**named, "instance": found[3]}


def variables(**given: Any) -> list[Answer]:
    """Quick settings, and those given: ``TxCtrlr_TxStartPoint="EVConnected"``, ``..._Name__Instance=...``."""
    named = {re.sub(r"__(\w+)$", r"[\1]", name).replace("_", ".", 1): value for name, value in given.items()}
    return [variable(name, value) for name, value in {**QUICK, **named}.items()]


class Driven:
    """What both kinds of station share: a folder, a control socket, and what they say in their log."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.socket = folder / "control"
        self.log: Heard[str] = Heard()
        self._client: ControlClient | None = None
        self._guests: list[ControlClient] = []

    @property
    def control(self) -> ControlClient:
        assert self._client is not None, "not running"
        return self._client

    async def cmd(self, name: str, **arguments: Any) -> Answer:
        return await self.control.cmd(name, **arguments)

    async def fact(self, name: str, evse: int = 0) -> Answer:
        return await self.control.fact(name, evse)

    async def said(self, text: str) -> str:
        """Wait until a line of the log has this in it."""
        return await self.log.find(lambda line: text in line)

    def said_times(self, text: str) -> int:
        return sum(text in line for line in self.log.items)

    async def start(self, url: str, station: Answer | None = None, **given: Any) -> None:
        """Power on against this CSMS; ``given`` as ``variables`` takes them, ``station`` more of the command's."""
        wanted = {"identity": ID, "csms_url": url, "variables": variables(**given)}
        await self.cmd("start", station={**wanted, **(station or {})})

    async def client(self) -> ControlClient:
        """One more client of the control socket."""
        guest = await ControlClient.connect(self.socket)
        self._guests.append(guest)
        return guest

    async def _come_in(self, alive: Callable[[], bool]) -> None:
        """As soon as it listens; nothing tells us, so we knock."""
        async with asyncio.timeout(PATIENT_S):
            while self._client is None:
                try:
                    self._client = await ControlClient.connect(self.socket)
                except (FileNotFoundError, ConnectionRefusedError):
                    assert alive(), "\n".join(self.log.items)
                    await asyncio.sleep(0.01)
        await self._client.cmd("watch", topics=["facts"])

    async def _go_out(self) -> None:
        clients = [*self._guests, *([self._client] if self._client else [])]
        self._guests, self._client = [], None
        for client in clients:
            await client.close()


class AgentProcess(Driven):
    """``python -m agent run`` in a process of its own; ``arguments`` come behind ``run``.

    ``async with`` spawns it, and ends it with SIGTERM; ``kill`` is a power cut, ``spawn`` starts it again on the same
    data directory.
    """

    def __init__(self, folder: Path, *arguments: str, board: str = "sim", wait: bool = True) -> None:
        super().__init__(folder)
        places = ("--board", board, "--control", str(self.socket), "--data", str(self.data))
        self._arguments = ("run", *places, *(("--wait",) if wait else ()), *arguments)
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def __aenter__(self) -> Self:
        await self.spawn()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        status = await self.end()
        if kind is None:
            assert status == 0, "\n".join(self.log.items)
            assert not tracebacks(self.log.items), "\n".join(self.log.items)

    async def spawn(self) -> None:
        self.socket.unlink(missing_ok=True)
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "agent", *self._arguments),
            cwd=ROOT,
            env=bare(),
            stderr=asyncio.subprocess.PIPE,
            preexec_fn=die_with_the_test,
        )
        self._reading = asyncio.create_task(self._read(self._process.stderr))
        await self._come_in(lambda: self._process is not None and self._process.returncode is None)

    async def kill(self) -> None:
        """SIGKILL: as when the power goes."""
        assert self._process is not None and self._reading is not None
        self._process.kill()
        await self._process.wait()
        await self._reading
        await self._go_out()
        self._process = None

    async def end(self) -> int:
        """SIGTERM; the exit status."""
        if self._process is None or self._reading is None:
            return 0
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            status = await asyncio.wait_for(self._process.wait(), PATIENT_S)
        except TimeoutError:
            self._process.kill()
            status = await self._process.wait()
        await self._reading
        await self._go_out()
        self._process = None
        return status

    async def _read(self, stderr: asyncio.StreamReader | None) -> None:
        assert stderr is not None
        while line := await stderr.readline():
            self.log.add(line.decode().rstrip("\n"))


class AgentInLoop(Driven):
    """The same machine in the loop of the test: no process to spawn, and the simulated world at hand."""

    def __init__(self, folder: Path, board: Path | None = None, **given: Any) -> None:
        super().__init__(folder)
        self.machine = Machine(read_board(board or find_board("sim")), self.data, given=Provision(**given), devices={})
        self._running: asyncio.Task[None] | None = None
        self._end = asyncio.Event()
        self._tap = LogTap(self)
        self._broken: list[str] = []
        self._level = logging.WARNING

    @property
    def world(self) -> Any:
        return self.machine.world

    async def __aenter__(self) -> Self:
        root = logging.getLogger()
        self._level = root.level
        root.setLevel(logging.INFO)
        root.addHandler(self._tap)
        asyncio.get_running_loop().set_exception_handler(self._exception)
        context = copy_context()
        context.run(SPEAKER.set, self)
        running = self.machine.run(control=self.socket, wait=True, until=self._end)
        self._running = asyncio.create_task(running, context=context)
        await self._come_in(lambda: self._running is not None and not self._running.done())
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        assert self._running is not None
        await self._go_out()
        self._end.set()
        await asyncio.wait([self._running], timeout=PATIENT_S)
        self._running.cancel()
        outcome = (await asyncio.gather(self._running, return_exceptions=True))[0]
        root = logging.getLogger()
        root.removeHandler(self._tap)
        root.setLevel(self._level)
        if kind is None:
            assert outcome is None, outcome
            assert not self._broken, "\n".join(self._broken)
            assert not tracebacks(self.log.items), "\n".join(self.log.items)

    def _exception(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self._broken.append(f"{context['message']}: {context.get('exception')!r}")
        loop.default_exception_handler(context)


SPEAKER: ContextVar[Driven | None] = ContextVar("SPEAKER", default=None)
"""Which of several machines in one loop is at work."""


class LogTap(logging.Handler):
    """What the journal of this machine would have."""

    def __init__(self, agent: Driven) -> None:
        super().__init__(logging.INFO)
        self._agent = agent

    def emit(self, record: logging.LogRecord) -> None:
        if SPEAKER.get() in (self._agent, None):
            for line in self.format(record).splitlines():
                self._agent.log.add(line)


async def ended(*arguments: str) -> tuple[int, list[str]]:
    """Run the command line until it ends by itself: exit status, and the lines on stderr."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "agent", *arguments),
        cwd=ROOT,
        env=bare(),
        stderr=asyncio.subprocess.PIPE,
        preexec_fn=die_with_the_test,
    )
    _, told = await asyncio.wait_for(process.communicate(), PATIENT_S)
    return process.returncode or 0, told.decode().splitlines()


def tracebacks(lines: list[str]) -> list[str]:
    """Lines that no user should ever see."""
    return [line for line in lines if "Traceback" in line or "never retrieved" in line or "Exception in" in line]


def die_with_the_test() -> None:
    """However that ends: a test that is killed leaves no agent behind (PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def bare() -> dict[str, str]:
    """The environment without what would steer the agent."""
    return {name: value for name, value in os.environ.items() if not name.startswith("STATION_")}
