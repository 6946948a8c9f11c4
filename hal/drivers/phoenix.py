"""Phoenix Contact EV Charge Control Basic over Modbus RTU: it charges by itself, when and with what it is told."""

from __future__ import annotations

import msgspec

from hal.bus.rtu import RtuBus
from hal.drivers.phoenix_line import StatusRegisters
from hal.drivers.phoenix_states import (
    AVAILABLE,
    AVAILABLE_MODE,
    BY_COIL_AVAILABLE,
    BY_COIL_RELEASE,
    CCR,
    CURRENT,
    ENABLE_MODE,
    ERRORS,
    MAX_A,
    MIN_A,
    RELEASE,
    REPLY_CHECK,
    REPLY_INPUT,
    RESTART,
    STATUS,
    STATUS_COUNT,
    Status,
    faults_of,
    read_status,
)
from hal.drivers.pilot_news import PilotNews
from hal.drivers.rtu_controller import RtuConfig, RtuController
from hal.ports import PilotIntent, PilotTraits, Place, Post


class PhoenixPilot(RtuController):
    """Pilot and contactor of one EVSE.  Power is permitted by a current and the release coil, withdrawn by the coil.

    **When the agent is gone the vehicle goes on charging** at the last current: no supervision of the host is in the
    pages of the manual that were read.  On a clean end the driver withdraws the release.
    """

    line_type = StatusRegisters
    model = "Phoenix EV Charge Control Basic"
    traits = PilotTraits(style="autonomous", on_host_loss="continues")

    class Config(RtuConfig, frozen=True, forbid_unknown_fields=True):
        """``availability``: DIP switch S1/2 is on, so that state F can be asked for.

        ``contactor_reply``: a force-guided N/C contact of the contactor is wired to input CCR, which is then checked.
        """

        availability: bool = True
        contactor_reply: bool = False

    def __init__(self, config: Config, place: Place, bus: RtuBus, post: Post) -> None:
        super().__init__(config, place, bus, post)
        self._config = config
        self.traits = msgspec.structs.replace(
            self.traits,
            max_a=min(place.limit_a, MAX_A),
            shows_state_f=config.availability,
            relay_feedback=config.contactor_reply,
        )
        self._status = StatusRegisters(bus, config.unit)
        self._news = PilotNews(place.evse, place.connector)
        self._intent = PilotIntent()
        self._clear_asked = False
        self.forget()

    def apply(self, intent: PilotIntent) -> None:
        self._intent = intent
        self._wake.set()

    def clear_fault(self) -> None:
        """Restart the controller if it reports a fault."""
        self._clear_asked = True
        self._wake.set()

    def forget(self) -> None:
        self._news.forget()
        self._released: bool | None = None
        self._available: bool | None = None
        self._offered_a: int | None = None

    async def greet(self) -> None:
        await self._keep(ENABLE_MODE, BY_COIL_RELEASE)
        if self._config.availability:
            await self._keep(AVAILABLE_MODE, BY_COIL_AVAILABLE, "; is DIP switch S1/2 on?")
        if self._config.contactor_reply:
            await self._keep(REPLY_INPUT, 0)
            await self._keep(REPLY_CHECK, 1)

    async def say_goodbye(self) -> None:
        await self._bus.write_coil(self._unit, RELEASE, False)

    async def turn(self) -> None:
        await self._clear()
        await self._fulfil()
        await self._look()

    # ---- what it shall do ----

    def _wanted_a(self) -> int | None:
        """Whole amps to offer; None: no power."""
        intent = self._intent
        if not intent.available or not intent.permit_power or intent.limit_a is None:
            return None
        whole_a = int(min(intent.limit_a, self.traits.max_a) + 1e-6)
        return whole_a if whole_a >= MIN_A else None

    async def _fulfil(self) -> None:
        """There is no 0 A: to pause is to withdraw the release.  The current comes before the release."""
        wanted_a, available = self._wanted_a(), self._intent.available
        if wanted_a is None and self._released is not False:
            await self._bus.write_coil(self._unit, RELEASE, False)
            self._released = False
        if self._config.availability and self._available is not available:
            await self._bus.write_coil(self._unit, AVAILABLE, available)
            self._available = available
        if wanted_a is None:
            return
        # Written anew before each release: a controller that has restarted meanwhile has forgotten it.
        if self._offered_a != wanted_a or not self._released:
            await self._bus.write_register(self._unit, CURRENT, wanted_a)
            self._offered_a = wanted_a
        if not self._released:
            await self._bus.write_coil(self._unit, RELEASE, True)
            self._released = True

    async def _clear(self) -> None:
        asked, self._clear_asked = self._clear_asked, False
        if asked and self._news.faults:
            await self._bus.write_coil(self._unit, RESTART, True)
            self._released = self._available = None

    # ---- what it tells ----

    async def _look(self) -> None:
        status = read_status(await self._status.read(STATUS, STATUS_COUNT))
        errors = (await self._status.read(ERRORS, 1))[0]
        released, available = await self._bus.read_coils(self._unit, RELEASE, 2)
        faults = faults_of(errors, self._place.connector)
        for event in self._news.look((status.pilot, status.pwm), self._is_closed(status), faults, status.cable_a):
            self._post(event)
        self._compare(status, released, available)

    def _is_closed(self, status: Status) -> bool | None:
        return not status.inputs & CCR if self._config.contactor_reply else None

    def _compare(self, status: Status, released: bool, available: bool) -> None:
        """A controller that has restarted, or that another hand has switched, is told again in the next turn."""
        if released is not self._released or (self._config.availability and available is not self._available):
            self._presence.warn("coils", "the controller has restarted, or somebody else switches it")
            self._released, self._available = released, available
        elif released and status.pwm and self._offered_a is not None and status.signalled_a > self._offered_a:
            self._presence.warn("current", f"signals {status.signalled_a} A instead of {self._offered_a} A")
            self._offered_a = None
