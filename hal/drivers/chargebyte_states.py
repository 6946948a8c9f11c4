"""What a chargebyte safety controller tells, as events, and what a wish is in its terms.  Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import UNSET

from hal.drivers.pilot_news import Fault, PilotNews, Words
from hal.events import CpState, Event, FaultCode
from hal.ports import PilotIntent
from hal.wire.chargebyte import FULL_DUTY, ChargeState, Control, Temperature
from hal.wire.duty import LEAST_A, duty_for

HOST_SILENT, RCM_TRIPPED, RCM_TEST_FAILED = 2, 20, 21

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
    RCM_TRIPPED: ("GroundFailure", "residual current"),
    RCM_TEST_FAILED: ("InternalError", "self test of the residual current monitor failed"),
}
"""Reason of the safe state -> what it means."""

CABLE_A: dict[int, float | None] = {0: None, 1: 13.0, 2: 20.0, 3: 32.0, 4: 63.0, 5: None, 6: None}


def control_for(intent: PilotIntent, max_a: float, contactors: frozenset[int]) -> Control:
    """State F when not available, x1 when nothing is offered, else the duty; contactors only with an offer."""
    if not intent.available:
        return Control(pwm=True, duty=0)
    limit_a = min(intent.limit_a or 0.0, max_a)
    if limit_a < LEAST_A:
        return Control(pwm=True, duty=FULL_DUTY)
    return Control(True, duty_for(limit_a, FULL_DUTY), contactors if intent.permit_power else frozenset())


class Seen:
    """What was told last; ``look`` gives what is new.  ``way_out``: how a safe state is left on this board."""

    def __init__(self, evse: int, connector: int, contactors: Sequence[int], way_out: str) -> None:
        self._contactors = contactors
        self._way_out = way_out
        self._news = PilotNews(evse, connector)
        self._hot: dict[Fault, Words] = {}
        self.state: ChargeState | None = None

    def forget(self) -> None:
        """Nothing of it is known to be true any more; a fault stays until it is seen to be gone."""
        self.state = None
        self._news.forget()

    @property
    def is_latched(self) -> bool:
        """It is in its safe state, and stays there until it is reset."""
        return self.state is not None and self.state.safe_state is True

    @property
    def is_drawing(self) -> bool:
        """The contactor is closed and the vehicle has not opened its own switch."""
        return self.state is not None and self._news.closed is True and self.state.cp in ("C", "D")

    def look(self, state: ChargeState) -> Iterator[Event]:
        self.state = state
        cable_a = CABLE_A.get(state.pp, UNSET)
        yield from self._news.look(_pilot(state), self._is_closed(state), self._faults(state), cable_a)

    def look_at_heat(self, channels: Sequence[Temperature]) -> Iterator[Event]:
        """Only the verdict of the controller; the temperatures themselves are a thermometer's."""
        self._hot.clear()
        for number, channel in enumerate(channels, 1):
            if channel.stops_charging:
                text = f"temperature sensor {number} stops charging at {channel.celsius} degC"
                self._hot["HighTemperature", None] = (f"PT1000 {number}", text)
        if self.state is not None:
            yield from self._news.look_at_faults(self._faults(self.state))

    def _faults(self, state: ChargeState) -> dict[Fault, Words]:
        faults = dict(self._hot)
        for code, vendor_code, text in _signs(state):
            faults[code, None] = (vendor_code, text)
        if state.safe_state:
            code, text = REASONS.get(state.reason, ("OtherError", "a reason that is not described"))
            faults[code, None] = (f"safe state {state.reason}", f"safe state: {text}; {self._way_out}")
        return faults

    def _is_closed(self, state: ChargeState) -> bool | None:
        """None: not known, as between a command and its feedback."""
        told = [state.contactors[number - 1] for number in self._contactors if number <= len(state.contactors)]
        if "closed" in told:
            return True
        return False if told and all(each == "open" for each in told) else None


def _pilot(state: ChargeState) -> tuple[CpState, bool] | None:
    """None also in INIT: nobody has told it yet what to show."""
    if not (state.pwm or state.safe_state) or state.cp in ("unknown", "invalid"):
        return None
    return CpState(state.cp), state.pwm and 0 < state.duty < FULL_DUTY


def _signs(state: ChargeState) -> Iterator[tuple[FaultCode, str, str]]:
    """What is wrong just now, latched or not."""
    for number in state.estops:
        yield "EmergencyStop", f"emergency stop {number}", f"emergency stop {number} is pressed"
    if state.rcm == "fault" and state.reason != RCM_TEST_FAILED:
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
