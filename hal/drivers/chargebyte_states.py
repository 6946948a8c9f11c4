"""What a chargebyte safety controller tells, as events, and what a wish is in its terms.  Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hal.events import (
    CableRated,
    CpState,
    Event,
    FaultCode,
    HardwareFaulted,
    HardwareHealed,
    PilotChanged,
    PowerChanged,
)
from hal.ports import PilotIntent
from hal.wire.chargebyte import FULL_DUTY, ChargeState, Control, Temperature

HOST_SILENT = 2

REASONS: dict[int, tuple[FaultCode, str]] = {
    1: ("InternalError", "internal error"),
    HOST_SILENT: ("InternalError", "it has heard nothing of the agent for too long"),
    3: ("InternalError", "temperature sensor 1 broken"),
    4: ("InternalError", "temperature sensor 2 broken"),
    5: ("InternalError", "temperature sensor 3 broken"),
    6: ("InternalError", "temperature sensor 4 broken"),
    7: ("HighTemperature", "over-temperature at sensor 1"),
    8: ("HighTemperature", "over-temperature at sensor 2"),
    9: ("HighTemperature", "over-temperature at sensor 3"),
    10: ("HighTemperature", "over-temperature at sensor 4"),
    11: ("OtherError", "cable coding (PP)"),
    12: ("PilotFailure", "control pilot"),
    13: ("PilotFailure", "control pilot shorted to earth"),
    14: ("PilotFailure", "no diode in the vehicle"),
    15: ("PowerSwitchFailure", "contactor"),
    16: ("EmergencyStop", "emergency stop 1"),
    17: ("EmergencyStop", "emergency stop 2"),
    18: ("EmergencyStop", "emergency stop 3"),
    20: ("GroundFailure", "residual current"),
    21: ("InternalError", "self test of the residual current monitor failed"),
}
"""Reason of the safe state -> what it means."""

CABLE_A: dict[int, float | None] = {0: None, 1: 13.0, 2: 20.0, 3: 32.0, 4: 63.0, 5: None, 6: None}

Told = tuple[str, str]


def duty_for(limit_a: float) -> int:
    """Tenths of a percent that offer at most ``limit_a`` (6 to 80 A), IEC 61851-1 table A.7."""
    percent = limit_a / 0.6 if limit_a <= 51 else limit_a / 2.5 + 64
    return int(percent * 10 + 1e-6)


def control_for(intent: PilotIntent, max_a: float, contactors: frozenset[int]) -> Control:
    """State F when not available, x1 when nothing is offered, else the duty; contactors only with an offer."""
    if not intent.available:
        return Control(pwm=True, duty=0)
    limit_a = min(intent.limit_a or 0.0, max_a)
    if limit_a < 6:
        return Control(pwm=True, duty=FULL_DUTY)
    return Control(True, duty_for(limit_a), contactors if intent.permit_power else frozenset())


class Seen:
    """What was told last; ``look`` gives what is new.  ``way_out``: how a safe state is left on this board."""

    def __init__(self, evse: int, connector: int, contactors: Sequence[int], way_out: str) -> None:
        self._evse, self._connector = evse, connector
        self._contactors = contactors
        self._way_out = way_out
        self._faults: dict[FaultCode, Told] = {}
        self._hot: dict[int, Told] = {}
        self.forget()

    def forget(self) -> None:
        """Nothing of it is known to be true any more; a fault stays until it is seen to be gone."""
        self.state: ChargeState | None = None
        self._closed: bool | None = None
        self._pilot: tuple[CpState, bool] | None = None
        self._cable: float | str | None = "not told"

    @property
    def is_latched(self) -> bool:
        """It is in its safe state, and stays there until it is reset."""
        return self.state is not None and self.state.safe_state is True

    @property
    def is_drawing(self) -> bool:
        """The contactor is closed and the vehicle has not opened its own switch."""
        return self.state is not None and self._closed is True and self.state.cp in ("C", "D")

    def look(self, state: ChargeState) -> Iterator[Event]:
        """Causes first: a fault before the contactor; the contactor opens before and closes after the pilot."""
        self.state = state
        closed = self._is_closed(state)
        yield from self._fault_events()
        if closed is False:
            yield from self._power_events(closed)
        yield from self._cable_events(state)
        yield from self._pilot_events(state)
        if closed:
            yield from self._power_events(closed)

    def look_at_heat(self, channels: Sequence[Temperature]) -> Iterator[Event]:
        """Only the verdict of the controller; the temperatures themselves are a thermometer's."""
        self._hot = {
            number: (f"PT1000 {number}", f"temperature sensor {number} stops charging at {channel.celsius} degC")
            for number, channel in enumerate(channels, 1)
            if channel.stops_charging
        }
        yield from self._fault_events()

    def _fault_events(self) -> Iterator[Event]:
        before, self._faults = self._faults, self._present_faults()
        for code in before:
            if code not in self._faults:
                yield HardwareHealed(self._evse, code)
        for code, (vendor_code, text) in self._faults.items():
            if code not in before or before[code][0] != vendor_code:
                yield HardwareFaulted(self._evse, code, vendor_code=vendor_code, text=text)

    def _present_faults(self) -> dict[FaultCode, Told]:
        faults: dict[FaultCode, Told] = {}
        for told in self._hot.values():
            faults["HighTemperature"] = told
        if self.state is None:
            return self._faults | faults
        for code, vendor_code, text in _signs(self.state):
            faults[code] = (vendor_code, text)
        if self.state.safe_state:
            reason = self.state.reason
            code, text = REASONS.get(reason, ("OtherError", "a reason that is not described"))
            faults[code] = (f"safe state {reason}", f"safe state: {text}; {self._way_out}")
        return faults

    def _is_closed(self, state: ChargeState) -> bool | None:
        """None: not known, as between a command and its feedback."""
        told = [state.contactors[number - 1] for number in self._contactors if number <= len(state.contactors)]
        if "closed" in told:
            return True
        return False if told and all(each == "open" for each in told) else None

    def _power_events(self, closed: bool) -> Iterator[Event]:
        if closed != self._closed:
            self._closed = closed
            yield PowerChanged(self._evse, closed)

    def _cable_events(self, state: ChargeState) -> Iterator[Event]:
        if state.pp in CABLE_A and CABLE_A[state.pp] != self._cable:
            self._cable = CABLE_A[state.pp]
            yield CableRated(self._evse, CABLE_A[state.pp], self._connector)

    def _pilot_events(self, state: ChargeState) -> Iterator[Event]:
        if not (state.pwm or state.safe_state) or state.cp in ("unknown", "invalid"):
            return  # INIT: nobody has told it yet what to show
        pilot = (CpState(state.cp), state.pwm and 0 < state.duty < FULL_DUTY)
        if pilot != self._pilot:
            self._pilot = pilot
            yield PilotChanged(self._evse, pilot[0], self._connector, pwm=pilot[1])


def _signs(state: ChargeState) -> Iterator[tuple[FaultCode, str, str]]:
    """What is wrong just now, latched or not."""
    for number in state.estops:
        yield "EmergencyStop", f"emergency stop {number}", f"emergency stop {number} is pressed"
    if state.rcm == "fault":
        yield "GroundFailure", "RCM", "the residual current monitor has tripped, or is broken"
    if state.rcm == "test failed":
        yield "InternalError", "RCM test", "the self test of the residual current monitor failed"
    if state.cp_short:
        yield "PilotFailure", "CP short", "control pilot shorted to earth"
    if state.diode_fault:
        yield "PilotFailure", "diode", "no diode in the vehicle"
    for number, contactor in enumerate(state.contactors, 1):
        if contactor == "fault":
            yield "PowerSwitchFailure", f"contactor {number}", f"contactor {number} does not obey"
