"""A whole station in virtual time: everything is real but the wire, the disk, the vehicles and the hours."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

from agent.edge.clock import Clock
from agent.edge.network import Network
from agent.edge.websocket import Target
from agent.link.csms import CsmsLink
from agent.link.outbox import Outbox
from agent.loop import Loop
from agent.ocpp.messages.b_provisioning import ChargingStation
from agent.powered import Buses, build_parts, layouts_of
from agent.station import Station
from board.descriptor import find_board, read_board
from hal.events import Event
from tests.bench import spot, text
from tests.scenarios.lossy.csms import WireCsms
from tests.scenarios.lossy.store import MemoryStore
from tests.scenarios.lossy.trace import Trace
from tests.scenarios.lossy.virtual_time import VirtualLoop
from tests.scenarios.lossy.weather import Weather
from tests.scenarios.lossy.wire import Wire

NEVER_SET_S = 3600.0
"""What a board without a battery takes for the time of day when it wakes up: one o'clock in 1970."""

OFFLINE_AT_FIRST_S = 2400.0
CALM_AT_LAST_S = 3600.0


class Day:
    """A station, its CSMS, the wire between them, and people who charge."""

    def __init__(
        self,
        loop: VirtualLoop,
        seed: int,
        tasks: asyncio.TaskGroup,
        variables: Mapping[str, object],
        outbox: Outbox | None = None,
    ) -> None:
        self.chance = Random(seed)
        self.csms = WireCsms(loop, Random(seed + 1))
        self.wire = loop.internet = Wire(loop, self.csms, Random(seed + 2))
        self.weather = Weather(self.wire, self.csms, Random(seed + 3))
        self.trace = Trace()
        self.tasks = tasks
        self._time = loop.time
        self._store = MemoryStore(lambda row: self.trace.inserted(row, loop.time()))
        self._assemble(seed, variables, Outbox(boot=1) if outbox is None else outbox)

    def _assemble(self, seed: int, variables: Mapping[str, object], outbox: Outbox) -> None:
        """As ``agent.powered`` does it."""
        board = read_board(find_board("sim"))
        kept: dict[str, Any] = {}
        self._parts = build_parts(board, Buses(board, {}, kept), self._post)
        self.world = kept["world"].world
        settings = {"AuthCtrlr.OfflineTxForUnknownIdEnabled": True, **variables}
        defaults = {spot(name): text(value) for name, value in settings.items()}
        entropy, identity = Random(seed), ChargingStation(model="Simulated", vendor_name="Table")
        self.station = Station(layouts_of(board, self._parts), identity, entropy, defaults=defaults)
        self.link = CsmsLink(outbox, entropy)
        self.station.desk.waiting = outbox.waiting
        self.clock = Clock(system_s=lambda: NEVER_SET_S, mono_s=self._time, synchronized=Path("no/time/server"))
        network = Network(Target("ws://csms/ocpp", "CS001"), None, self.tasks)
        self.loop = Loop(
            self.station,
            self.link,
            clock=self.clock,
            store=self._store,
            socket=network,
            hardware=self._parts,
            on_restart=lambda reason: None,
        )
        network.listener = self.loop
        self.loop.watch(lambda topic, seen: self.trace.observe(topic, seen, self._time()))

    def _post(self, event: Event) -> None:
        self.loop.post(event)

    # ---- the day ----

    async def live(self, hours: float) -> None:
        """Let it all happen; then fair weather, until everything is told."""
        until = self._time() + hours * 3600
        self.wire.unreachable_until = self._time() + OFFLINE_AT_FIRST_S
        self.loop.power_on({})
        drivers = [self.tasks.create_task(driver.run()) for driver in self._parts.all]
        people = [self.tasks.create_task(self._charge_all_day(evse, until)) for evse in self.station.site.evses]
        await asyncio.gather(self.weather.rage(until), *people)
        await asyncio.sleep(CALM_AT_LAST_S)
        for driver in drivers:
            driver.cancel()
        self.loop.stop()
        self.ended_at = self._time()
        self.parked = self._store.parked()
        self.verdict = self._store.close()

    async def _charge_all_day(self, evse: int, until: float) -> None:
        """One driver after the other; each charges, some pause, most stop with their card, some just unplug."""
        chance = Random(self.chance.random())
        while self._time() < until:
            await asyncio.sleep(chance.uniform(5, 1200))
            token = f"CARD{chance.randrange(10**6):06}"
            self.world.plug_in(evse)
            await asyncio.sleep(chance.uniform(1, 20))
            self.world.swipe(token, evse=evse)
            await asyncio.sleep(chance.uniform(30, 5400))
            if chance.random() < 0.3:
                self.world.ev(evse, "paused")
                await asyncio.sleep(chance.uniform(1, 900))
            if chance.random() < 0.7:
                self.world.swipe(token, evse=evse)
                await asyncio.sleep(chance.uniform(1, 60))
            self.world.unplug(evse)
