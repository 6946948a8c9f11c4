"""SimpleEVSE-WB and EVSE-WB-DIN over Modbus RTU: it charges by itself, with the current it is told; 0 A is a pause."""

from __future__ import annotations

import msgspec

from hal.bus.rtu import RtuBus
from hal.drivers.pilot_news import PilotNews
from hal.drivers.rtu_controller import RtuConfig, RtuController
from hal.errors import PartRefused
from hal.events import CpState
from hal.ports import PilotIntent, PilotTraits, Place, Post

CURRENT, STATE, FIRMWARE, CONFIG = 1000, 1002, 1005, 2005
HUNDREDTHS = 1 << 7
HUNDREDTHS_SINCE = 17
MIN_A, MAX_A = 6.0, 80.0

PILOT = {1: CpState.A, 2: CpState.B, 3: CpState.C, 4: CpState.D}


class SimpleEvse(RtuController):
    """Pilot and contactor of one EVSE.

    **When the agent is gone the vehicle goes on charging** at the last current: nothing is known of a supervision of
    the host.  On a clean end the driver sets 0 A.
    """

    model = "SimpleEVSE"
    traits = PilotTraits(style="autonomous", on_host_loss="continues", shows_state_f=False, relay_feedback=False)

    class Config(RtuConfig, frozen=True, forbid_unknown_fields=True):
        """``hundredths``: switch a firmware from 17 on to steps of 0.01 A."""

        hundredths: bool = True

    def __init__(self, config: Config, place: Place, bus: RtuBus, post: Post) -> None:
        super().__init__(config, place, bus, post)
        self._config = config
        self.traits = msgspec.structs.replace(self.traits, max_a=min(place.limit_a, MAX_A))
        self._news = PilotNews(place.evse, place.connector)
        self._intent = PilotIntent()
        self._per_amp = 1
        self.forget()

    def apply(self, intent: PilotIntent) -> None:
        self._intent = intent
        self._wake.set()

    def clear_fault(self) -> None:
        """No register for it is known."""

    def forget(self) -> None:
        self._news.forget()
        self._offered: int | None = None

    async def greet(self) -> None:
        """The unit of the current is settled before any current is."""
        firmware, bits = await self._holding(FIRMWARE), await self._holding(CONFIG)
        if self._config.hundredths and firmware >= HUNDREDTHS_SINCE and not bits & HUNDREDTHS:
            await self._write(CURRENT, 0)  # 16 A must not become 0.16 A, nor the other way
            await self._keep(CONFIG, bits | HUNDREDTHS)
            bits = await self._holding(CONFIG)
        self._per_amp = 100 if firmware >= HUNDREDTHS_SINCE and bits & HUNDREDTHS else 1

    async def say_goodbye(self) -> None:
        await self._write(CURRENT, 0)

    async def turn(self) -> None:
        wanted = self._wanted()
        if self._offered != wanted:
            await self._write(CURRENT, wanted)
            self._offered = wanted
        await self._look()

    def _wanted(self) -> int:
        """In what the register counts in; 0: no power."""
        intent = self._intent
        limit_a = min(intent.limit_a or 0.0, self.traits.max_a)
        if not intent.available or not intent.permit_power or limit_a < MIN_A:
            return 0
        return int(limit_a * self._per_amp + 1e-6)

    async def _write(self, register: int, value: int) -> None:
        """Function 16 is what others are known to write with; nothing is known of function 6."""
        await self._bus.write_registers(self._unit, register, [value])

    async def _look(self) -> None:
        offered, state = await self._holding(CURRENT), await self._holding(STATE)
        if state not in PILOT:
            raise PartRefused(f"register {STATE} says {state}, which is no vehicle status")
        for event in self._news.look((PILOT[state], offered > 0), closed=None, faults={}):
            self._post(event)
        if offered != self._offered:
            self._presence.warn("current", f"register {CURRENT} was set to {offered} by another hand, or a restart")
            self._offered = offered  # and is set right in the next turn
