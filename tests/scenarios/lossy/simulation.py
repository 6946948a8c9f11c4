"""A whole station in virtual time: everything is real but the wire, the disk, the vehicles and the hours."""

import asyncio
from collections.abc import Mapping
from random import Random

from agent.link.outbox import Outbox
from tests.scenarios.lossy.csms import WireCsms
from tests.scenarios.lossy.station import Powered
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
        self.powered = Powered(
            tasks,
            self._store,
            {},
            chance=Random(seed),
            variables={"AuthCtrlr.OfflineTxForUnknownIdEnabled": True, **variables},
            system_s=lambda: NEVER_SET_S,
            outbox=outbox,
        )
        self.link, self.clock, self.world = self.powered.link, self.powered.clock, self.powered.world

    # ---- the day ----

    async def live(self, hours: float) -> None:
        """Let it all happen; then fair weather, until everything is told."""
        until = self._time() + hours * 3600
        self.wire.unreachable_until = self._time() + OFFLINE_AT_FIRST_S
        self.powered.power_on(lambda topic, seen: self.trace.observe(topic, seen, self._time()))
        evses = self.powered.station.site.evses
        await asyncio.gather(self.weather.rage(until), *(self._charge_all_day(evse, until) for evse in evses))
        await asyncio.sleep(CALM_AT_LAST_S)
        self.ended_at = self._time()
        await self.powered.cut()
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
