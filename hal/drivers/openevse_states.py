"""What an OpenEVSE tells of itself, and which events that makes.  Pure: frames in, events out."""

from __future__ import annotations

from collections.abc import Iterator

from hal.events import CpState, Event, FaultCode, HardwareFaulted, HardwareHealed, PilotChanged, PowerChanged

UNKNOWN, CHARGING, SLEEPING, DISABLED = 0x00, 0x03, 0xFE, 0xFF
RELAY_ON, EV_CONNECTED, BOOT_LOCKED = 0x0040, 0x0100, 0x4000

PILOT = {0x01: CpState.A, 0x02: CpState.B, 0x03: CpState.C, 0x04: CpState.D}
"""States of the enabled controller, and of the pilot in any."""

FAULTS: dict[int, tuple[FaultCode, str]] = {
    0x05: ("PilotFailure", "diode check failed"),
    0x06: ("GroundFailure", "residual current (GFCI) tripped"),
    0x07: ("GroundFailure", "no protective earth"),
    0x08: ("WeldedContactor", "relay stuck closed"),
    0x09: ("InternalError", "GFCI self test failed"),
    0x0A: ("HighTemperature", "over temperature"),
    0x0B: ("OverCurrentFailure", "vehicle draws more than offered"),
    0x0C: ("OtherError", "state 0C"),
    0x0D: ("OtherError", "state 0D"),
    0x0E: ("PowerSwitchFailure", "relay did not close"),
}
"""Controller state -> what it means."""

_SAFETY_CHECKS = {
    0x0002: "diode check",
    0x0004: "ventilation check",
    0x0008: "ground check",
    0x0010: "stuck relay check",
    0x0200: "GFCI self test",
    0x0400: "temperature check",
}


def checks_switched_off(flags: int) -> list[str]:
    """The safety checks that the settings flags of ``GE`` switch off."""
    return [name for bit, name in _SAFETY_CHECKS.items() if flags & bit]


def pilot_of(state: int, pilot_state: int, vflags: int) -> CpState | None:
    """The vehicle's side, None: cannot be told.  A sleeping controller sees it too: before authorization it sleeps."""
    if state == DISABLED:
        return CpState.F
    if state == SLEEPING and pilot_state not in PILOT:
        return CpState.B if vflags & EV_CONNECTED else CpState.A
    return PILOT.get(pilot_state)


class Seen:
    """What was told last; ``look`` gives what is new."""

    def __init__(self, evse: int) -> None:
        self._evse = evse
        self._fault: FaultCode | None = None
        self.forget()

    def forget(self) -> None:
        """Nothing of it is known to be true any more; a fault stays until it is seen to be gone."""
        self.state = UNKNOWN
        self.relay: bool | None = None
        self._pilot: tuple[CpState, bool] | None = None
        self._fault_state = UNKNOWN

    @property
    def is_faulted(self) -> bool:
        """The controller keeps the power path open by itself."""
        return self.state in FAULTS

    @property
    def relay_lags(self) -> bool:
        """The relay is not yet where the state will bring it; no frame tells when it is."""
        return self.relay is not (self.state == CHARGING)

    def look(self, state: int, pilot_state: int, vflags: int) -> Iterator[Event]:
        """Causes first: a fault before the contactor; the contactor opens before and closes after the pilot."""
        self.state = state
        closed = bool(vflags & RELAY_ON)
        yield from self._fault_events(state)
        if not closed:
            yield from self._relay_events(closed)
        yield from self._pilot_events(pilot_of(state, pilot_state, vflags), pwm=state in (0x02, 0x03, 0x04))
        if closed:
            yield from self._relay_events(closed)

    def _fault_events(self, state: int) -> Iterator[Event]:
        if state in (UNKNOWN, self._fault_state):
            return
        code, text = FAULTS.get(state, (None, ""))
        before, self._fault, self._fault_state = self._fault, code, state
        if before not in (None, code):
            yield HardwareHealed(self._evse, before)
        if code is not None:
            yield HardwareFaulted(self._evse, code, vendor_code=f"{state:02X}", text=text)

    def _relay_events(self, closed: bool) -> Iterator[Event]:
        if closed != self.relay:
            self.relay = closed
            yield PowerChanged(self._evse, closed)

    def _pilot_events(self, pilot: CpState | None, pwm: bool) -> Iterator[Event]:
        if pilot is not None and (pilot, pwm) != self._pilot:
            self._pilot = (pilot, pwm)
            yield PilotChanged(self._evse, pilot, pwm=pwm)
