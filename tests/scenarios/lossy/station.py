"""A station in virtual time, put together as ``agent.powered`` does it: only disk, wire and hardware are simulated."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any

from agent.edge.clock import Clock
from agent.edge.network import Network
from agent.edge.websocket import Target
from agent.edges import Observer
from agent.link.csms import CsmsLink
from agent.link.outbox import Outbox
from agent.loop import Loop
from agent.ocpp.messages.b_provisioning import ChargingStation
from agent.parts import Buses, build_parts, layouts_of
from agent.powered import last_known_time, outbox_from
from agent.station import Station
from agent.vocabulary.certificates import CertificateOrder
from agent.vocabulary.commands import UploadLog
from agent.vocabulary.firmware import FirmwareOrder
from board.descriptor import find_board, read_board
from hal.events import Event
from tests.bench import spot, text
from tests.scenarios.lossy.store import MemoryStore

NO_TIME_SERVER = Path("no/time/server")


class NoCertificates:
    """Nobody installs any."""

    def obey(self, job: CertificateOrder) -> None: ...


class NoFirmware:
    """Nobody updates the station."""

    def obey(self, order: FirmwareOrder) -> None: ...


class NoFiles:
    """Nobody asks for a log in these days."""

    def start(self, wanted: UploadLog) -> None:
        raise AssertionError(wanted)

    def cancel(self) -> None: ...


class Powered:
    """A station with its power on.  ``world`` and ``store`` outlive it.

    Args:
        tasks: where its drivers and its connection run.
        store: its disk.
        kept_buses: the simulated world, made with the first station.
        chance: its entropy.
        variables: what it is delivered with.
        system_s: what the system's clock says.
        synchronized: is there when a time server keeps that clock.
        outbox: another one than the disk's.

    """

    def __init__(
        self,
        tasks: asyncio.TaskGroup,
        store: MemoryStore,
        kept_buses: dict[str, Any],
        *,
        chance: Random,
        variables: Mapping[str, object],
        system_s: Callable[[], float],
        synchronized: Path = NO_TIME_SERVER,
        outbox: Outbox | None = None,
    ) -> None:
        board, contents = read_board(find_board("sim")), store.open()
        parts = build_parts(board, Buses(board, {}, kept_buses), self._post)
        defaults = {spot(name): text(value) for name, value in variables.items()}
        identity = ChargingStation(model="Simulated", vendor_name="Table")
        self.contents = contents
        self.world = kept_buses["world"].world
        self.station = Station(layouts_of(board, parts), identity, chance, defaults=defaults)
        self.link = CsmsLink(outbox_from(contents, board.storage) if outbox is None else outbox, chance)
        self.clock = Clock(
            last_known_time(contents.records),
            system_s=system_s,
            mono_s=asyncio.get_running_loop().time,
            synchronized=synchronized,
        )
        self.station.desk.waiting = self.link.outbox.waiting
        self.station.desk.clock_known = self.clock.known
        self._tasks = tasks
        self._drivers = parts.all
        self._running: list[asyncio.Task[None]] = []
        self._records = contents.records
        self._network = Network(Target("ws://csms/ocpp", "CS001"), None, tasks)
        self.loop = Loop(
            self.station,
            self.link,
            clock=self.clock,
            store=store,
            socket=self._network,
            hardware=parts,
            files=NoFiles(),
            firmware=NoFirmware(),
            certificates=NoCertificates(),
            on_restart=lambda reason: None,
        )
        self._network.listener = self.loop

    def _post(self, event: Event) -> None:
        self.loop.post(event)

    def power_on(self, *observers: Observer) -> None:
        """Start the drivers and connect."""
        for observer in observers:
            self.loop.watch(observer)
        self.world.power_restored()
        self.loop.power_on(self._records)
        self._running = [self._tasks.create_task(driver.run()) for driver in self._drivers]

    async def cut(self) -> None:
        """The power is gone: no farewell; vehicles stay plugged in."""
        self.world.power_lost()
        self.loop.stop()
        self._network.cut()
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
