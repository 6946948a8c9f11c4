"""What outlives the station's power: the board file, the data directory, the simulated world, the control socket."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from typing import Any, Literal

import msgspec

from agent.edge.durable import keep
from agent.edge.heart import ServiceManager
from agent.edge.log_memory import LogMemory
from agent.edge.websocket import check_url
from agent.errors import BenchRefused, StartFailed
from agent.parts import Buses
from agent.powered import PoweredStation
from agent.provision import SUBPROTOCOLS, EvseProvision, Provision
from agent.story import tell
from board.descriptor import Board, Connector, Evse, Limit, Part

log = logging.getLogger(__name__)

PROVISION = "provision.json"
LOCK = "lock"
BOARD_RESTART = 76
"""The exit status that asks the service manager to start the machine anew, not the program."""

FIRST_ATTEMPT_S = 0.5
TIDY_AFTER_S = 2.0


class Machine:
    """The box: power goes on and off in it."""

    def __init__(
        self,
        board: Board,
        data: Path,
        *,
        given: Provision,
        devices: Mapping[str, str],
    ) -> None:
        self._file_board = board
        self.board = board
        self.data = data
        self.bench = board.control.bench
        self._given = given
        self._devices = devices
        self._kept_buses: dict[str, Any] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self._observers: list[Callable[[str, object], None]] = []
        self._servers: list[Any] = []
        self._until = asyncio.Event()
        self.exit_status = 0
        self.log_memory = LogMemory()
        self._switch = asyncio.Lock()
        self._switched = 0
        self.station: PoweredStation | None = None

    # ---- life ----

    async def run(self, *, control: Path | None, observe: Path | None = None, wait: bool, until: asyncio.Event) -> None:
        """Live until this happens; on ``control`` every command is taken, on ``observe`` those that only look.

        Raises:
            StartFailed: alone or in a group: the station cannot be put together.

        """
        self._until = until
        with claimed(self.data), remembered(self.log_memory):
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                await self._live(control=control, observe=observe, wait=wait, until=until)

    async def _live(self, *, control: Path | None, observe: Path | None, wait: bool, until: asyncio.Event) -> None:
        manager = ServiceManager()
        try:
            if not wait:
                self.power_on()
                await self._first_attempt()
            if control is not None:
                await self._serve(control, "bench")
            if observe is not None:
                await self._serve(observe, "observe")
            manager.tell("READY=1")
            await until.wait()
        finally:
            manager.tell("STOPPING=1")
            if self.station is not None:
                station, self.station = self.station, None
                await station.power_off()
            for server in self._servers:
                await server.stop()

    async def _first_attempt(self) -> None:
        """Let the CSMS hear from us before the control socket costs time; a CSMS that is not there delays it little."""
        assert self.station is not None
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_ATTEMPT_S):
                await self.station.network.attempted.wait()

    async def _serve(self, control: Path, granted: Literal["observe", "bench"]) -> None:
        from agent.shell.server import ControlServer

        server = ControlServer(self, control, granted)
        self._servers.append(server)
        await server.start()

    # ---- power ----

    def power_on(self) -> None:
        """Put the station together and start it.

        Raises:
            StartFailed: the board, a driver or the data directory is not usable.

        """
        assert self._tasks is not None
        self._switched += 1
        provision = self._given.over(read_provision(self.data))
        check_provision(provision, self._file_board)
        self.board = fit_board(self._file_board, provision)
        buses = Buses(self.board, self._devices, self._kept_buses)
        for bus in self._kept_buses.values():
            bus.world.power_restored()
        self.station = PoweredStation(
            self.board,
            provision,
            self.data,
            buses,
            self._tasks,
            log_memory=self.log_memory,
            on_restart=self._restart,
            restart_board=self._restart_board,
        )
        self.station.loop.watch(tell)
        for observer in self._observers:
            self.station.loop.watch(observer)
        self.station.power_on()

    async def start(self, provision: Provision) -> None:
        """Provision, then power on; what is stored wins over what is given now.

        Raises:
            BenchRefused: it runs already, or cannot be made.

        """
        async with self._switch:
            if self.station is not None:
                raise BenchRefused("the station is on already")
            try:
                merged = read_provision(self.data).over(provision)
                check_provision(merged, self._file_board)
                fit_board(self._file_board, merged)
                write_provision(self.data, merged)  # what cannot start is not stored: it would win from then on
                self.power_on()
            except StartFailed as error:
                raise BenchRefused(str(error)) from None

    async def stop(self) -> None:
        """Power off at once."""
        async with self._switch:
            self._switched += 1
            if self.station is not None:
                station, self.station = self.station, None
                for bus in self._kept_buses.values():
                    bus.world.power_lost()
                await station.cut()

    async def power_cycle(self, off_ms: float) -> None:
        """Cut and restore the power, unless somebody uses the switch meanwhile; vehicles stay plugged in."""
        if self.station is None:
            raise BenchRefused("the station is off")
        await self.stop()
        switched = self._switched
        await asyncio.sleep(off_ms / 1000)
        if self._switched == switched:
            self.power_on()

    def _restart(self, reason: str) -> None:
        assert self._tasks is not None
        self._tasks.create_task(self._start_anew())

    def _restart_board(self, reason: str) -> None:
        log.warning("= the board is started anew: %s", reason)
        self.exit_status = BOARD_RESTART
        self._until.set()

    async def _start_anew(self) -> None:
        async with self._switch:
            station, self.station = self.station, None
            if station is None:
                return
            for bus in self._kept_buses.values():
                bus.world.power_lost()
            await station.power_off()
            self.power_on()

    # ---- for those who look ----

    def observe(self, observer: Callable[[str, object], None]) -> Callable[[], None]:
        """Tell this observer everything, over power cuts; returns how to stop it."""
        self._observers.append(observer)
        if self.station is not None:
            self.station.loop.watch(observer)

        def stop() -> None:
            self._observers.remove(observer)
            if self.station is not None:
                self.station.loop.unwatch(observer)

        return stop

    @property
    def world(self) -> Any:
        """The simulated world.

        Raises:
            BenchRefused: this board has none.

        """
        for bus in self._kept_buses.values():
            return bus.world
        raise BenchRefused("unsupported: nothing is simulated on this board")


@contextmanager
def remembered(memory: LogMemory) -> Iterator[None]:
    """Keep the newest lines of the log at hand."""
    logging.getLogger().addHandler(memory)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(memory)


@contextmanager
def claimed(data: Path) -> Iterator[None]:
    """Hold the data directory: two agents in one would use each other's numbers.

    Raises:
        StartFailed: another agent holds it, or it cannot be written.

    """
    try:
        data.mkdir(parents=True, exist_ok=True)
        lock = (data / LOCK).open("w")
    except OSError as error:
        raise StartFailed(f"{data}: {error.strerror}") from None
    with lock:
        try:
            flock(lock, LOCK_EX | LOCK_NB)  # goes with the process, however that ends
        except OSError:
            raise StartFailed(f"{data}: another agent works in this data directory") from None
        yield


def tidy() -> None:
    """What was made at start stays: no later collection of garbage looks at it."""
    gc.collect()
    gc.freeze()
    gc.enable()


def check_provision(provision: Provision, board: Board) -> None:
    """Refuse what no station can start with.

    Raises:
        StartFailed: a version that is not spoken, or a URL that is none.

    """
    version, url = provision.ocpp_version, provision.csms_url or board.csms.url
    if version is not None and version not in SUBPROTOCOLS:
        raise StartFailed(f"ocpp_version {version!r} is not spoken; there are {', '.join(SUBPROTOCOLS)}")
    if url is not None:
        try:
            check_url(url)
        except ValueError as error:
            raise StartFailed(f"csms: {error}") from None


def read_provision(data: Path) -> Provision:
    """What was stored by an earlier ``start``; nothing where nothing was."""
    path = data / PROVISION
    try:
        return msgspec.json.decode(path.read_bytes(), type=Provision)
    except FileNotFoundError:
        return Provision()
    except (OSError, msgspec.DecodeError) as error:
        raise StartFailed(f"{path}: {error}") from None


def write_provision(data: Path, provision: Provision) -> None:
    """Store it, readable by nobody else: it may hold a password."""
    path = data / PROVISION
    try:
        keep(path, msgspec.json.encode(provision))
    except OSError as error:
        raise StartFailed(f"{path}: {error.strerror}") from None


def fit_board(board: Board, provision: Provision) -> Board:
    """The board with the EVSEs that ``start`` asks for; only a simulated one can change its shape.

    Raises:
        StartFailed: EVSEs are asked for on a board that has its own.

    """
    if provision.evses is None:
        return board
    if any(evse.pilot.driver != "sim_pilot" for evse in board.evse):
        raise StartFailed("unsupported: the EVSEs of this board are wired, they cannot be given")
    numbers = [evse.id for evse in provision.evses]
    if numbers != list(range(1, len(numbers) + 1)) or not numbers:
        raise StartFailed(f"evses are numbered 1, 2, 3... in order, not {numbers}")
    evses = tuple(_simulated(evse, board.evse[0]) for evse in provision.evses)
    return msgspec.structs.replace(board, evse=evses)


def _simulated(wanted: EvseProvision, like: Evse) -> Evse:
    limit_a = 32.0 if wanted.max_power_w is None else wanted.max_power_w / (wanted.phases * wanted.voltage)
    count = len(wanted.connectors)
    connectors = tuple(
        Connector(id=each.id, type=each.type, attached=each.type.startswith("c"), lock=_lock_for(each.type, like))
        for each in wanted.connectors
    )
    return Evse(
        id=wanted.id,
        limit_a=min(500.0, max(6.0, limit_a)),
        phases=wanted.phases,
        voltage_v=wanted.voltage,
        connectors=connectors,
        pilot=msgspec.structs.replace(like.pilot, options={"connectors": count}),
        meter=like.meter,
        bay=like.bay,
        secc=like.secc,
        limit=tuple(_fitted(each, wanted.phases) for each in like.limit),
        thermometer=like.thermometer,
    )


def _fitted(limit: Limit, phases: int) -> Limit:
    """The same on another number of phases."""
    each = limit.fallback_a
    fallback_a = (*each, each[-1], each[-1])[:phases] if isinstance(each, tuple) else each
    fewer = None if limit.phases is None else min(limit.phases, phases)
    return msgspec.structs.replace(limit, fallback_a=fallback_a, phases=fewer)


def _lock_for(kind: str, like: Evse) -> Part | None:
    """A captive cable (cType2) has no lock at the station, a socket (sType2) has one."""
    return None if kind.startswith("c") else like.connectors[0].lock


async def run_machine(machine: Machine, *, control: Path | None, observe: Path | None = None, wait: bool) -> None:
    """Until SIGTERM or SIGINT; what goes wrong at the start is one error instead of a group."""
    until = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, until.set)
    loop.call_later(TIDY_AFTER_S, tidy)
    try:
        await machine.run(control=control, observe=observe, wait=wait, until=until)
    except* StartFailed as group:
        raise group.exceptions[0] from None
