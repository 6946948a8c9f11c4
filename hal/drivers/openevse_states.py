"""What an OpenEVSE tells of itself, and which events that makes.  Pure: frames in, events out."""

from __future__ import annotations

from collections.abc import Iterator

from hal.events import CpState, Event, FaultCode, HardwareFaulted, HardwareHealed, PilotChanged, PowerChanged
from hal.wire.rapi import TripCounts

UNKNOWN, CHARGING, SLEEPING, DISABLED = 0x00, 0x03, 0xFE, 0xFF
HARD_FAULT = 0x0002
AUTH_LOCKED, RELAY_ON, EV_CONNECTED, BOOT_LOCKED, LOCK_BY_HOST = 0x0008, 0x0040, 0x0100, 0x4000, 0x8000

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


_OWN_MIND = {
    0x0004: "it sleeps at a limit of its own",
    0x0010: "a time limit is set",
    0x1000: "its delay timer is on",
    0x2000: "a charge limit is set",
}

_TRIPS = {"residual current": "residual_current", "no earth": "no_earth", "stuck relay": "stuck_relay"}
_MOST_TRIPS = 0xFF


def own_mind(vflags: int) -> list[str]:
    """What was set at the controller itself and may end a charge that the agent wants."""
    return [words for bit, words in _OWN_MIND.items() if vflags & bit]


def trips_since(before: TripCounts | None, now: TripCounts) -> list[str]:
    """What was tripped since ``before``, in words; None: in the life of the controller."""
    told = []
    for words, name in _TRIPS.items():
        count: int = getattr(now, name)
        if count > (0 if before is None else getattr(before, name)):
            told.append(f"{words} {count}{' or more' if count == _MOST_TRIPS else ''}")
    return told


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
        yield from self._fault_events(state, vflags)
        if not closed:
            yield from self._relay_events(closed)
        yield from self._pilot_events(pilot_of(state, pilot_state, vflags), pwm=state in (0x02, 0x03, 0x04))
        if closed:
            yield from self._relay_events(closed)

    def _fault_events(self, state: int, vflags: int) -> Iterator[Event]:
        if state in (UNKNOWN, self._fault_state):
            return
        code, text = FAULTS.get(state, (None, ""))
        before, self._fault, self._fault_state = self._fault, code, state
        if before not in (None, code):
            yield HardwareHealed(self._evse, before)
        if code is not None:
            hard = ", latched until it is unplugged or restarted" if vflags & HARD_FAULT else ""
            yield HardwareFaulted(self._evse, code, vendor_code=f"{state:02X}", text=text + hard)

    def _relay_events(self, closed: bool) -> Iterator[Event]:
        if closed != self.relay:
            self.relay = closed
            yield PowerChanged(self._evse, closed)

    def _pilot_events(self, pilot: CpState | None, pwm: bool) -> Iterator[Event]:
        if pilot is not None and (pilot, pwm) != self._pilot:
            self._pilot = (pilot, pwm)
            yield PilotChanged(self._evse, pilot, pwm=pwm)
