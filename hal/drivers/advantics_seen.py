"""What an Advantics SECC has said, and which events that is.  Knows no bus, no clock and no wish but the permission."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from hal.events import (
    CpState,
    DcDemanded,
    DcPhase,
    DcVehicleTold,
    EimChosen,
    Event,
    HardwareFaulted,
    HardwareHealed,
    PilotChanged,
    PowerChanged,
    VehicleEnded,
)
from hal.wire.advantics import (
    Battery,
    ChargeLimits,
    ControlPilot,
    EmergencyStop,
    Evccid,
    Finished,
    Function,
    NewSession,
    PowerControl,
    Said,
    State,
    Status,
    Voltages,
)

PHASES: dict[State, DcPhase] = {
    State.INIT: "unavailable",
    State.WAITING_FOR_EV: "idle",
    State.NEGOTIATING: "setup",
    State.CONNECTED: "setup",
    State.INSULATION_TEST: "cable_check",
    State.PRECHARGE: "precharge",
    State.WAITING_FOR_CHARGE: "precharge",
    State.CHARGING: "charging",
    State.ENDING: "stopping",
    State.WELDING_DETECTION: "welding_detection",
    State.CLOSING: "stopping",
    State.AUTHORISATION: "authorization",
    State.NOT_AVAILABLE: "unavailable",
    State.PAUSE: "pause",
}

PILOT = {12: CpState.A, 9: CpState.B, 6: CpState.C, 3: CpState.D}
POWERED = (Function.INSULATION_TEST, Function.PRECHARGE, Function.TRANSFER)
EMERGENCY_OVER_S = 1.0


class Seen:
    """The controller as it was heard last; ``session`` lasts from New_Charge_Session to Charge_Session_Finished."""

    def __init__(self, evse: int) -> None:
        self._evse = evse
        self._emergency_mono: float | None = None
        self._vehicle = DcVehicleTold(evse, "")
        self.forget()

    def forget(self) -> None:
        """Nothing has been heard; an emergency stays one until the controller is heard without it."""
        self.state: State | None = None
        self.session = False
        self.heard_mono = float("-inf")
        self._ended = False
        self._control: PowerControl | None = None
        self._pilot: CpState | None = None
        self._closed: bool | None = None
        self._demand = DcDemanded(self._evse, "idle")

    @property
    def unplugged(self) -> bool:
        """No vehicle is there."""
        return self._pilot is CpState.A

    def take(self, said: Said, mono: float, *, permitted: bool) -> Iterator[Event]:
        """What is new with this; causes come first."""
        match said:
            case Status(state=state):
                self.heard_mono = mono
                yield from self._status(state, permitted)
            case NewSession(protocol=protocol):
                yield from self._begun(protocol)
            case PowerControl():
                self._control = said
                yield from self._path(said.contactors)
            case Finished():
                yield from self._over(permitted)
            case EmergencyStop(origin=origin):
                if self._emergency_mono is None:
                    text = f"the controller has stopped the session at once, because of the {origin}"
                    yield HardwareFaulted(self._evse, "OtherError", None, f"EmergencyStop/{origin}", text)
                self._emergency_mono = mono
            case ControlPilot(volts=volts, duty_percent=duty_percent):
                yield from self._pilot_seen(volts, duty_percent)
            case Battery(soc_percent=soc_percent):
                yield from self._vehicle_said(soc_percent=soc_percent)
            case Voltages(max_v=max_v):
                yield from self._vehicle_said(max_v=max_v)
            case ChargeLimits(max_a=max_a, max_w=max_w):
                yield from self._vehicle_said(max_a=max_a, max_w=max_w)
            case Evccid(text=evccid):
                yield from self._vehicle_said(evccid=evccid)
        yield from self._demanded()

    def silent(self) -> Iterator[Event]:
        """The heartbeat is missing: nothing that was demanded holds any more."""
        self._control = None
        yield from self._demanded()

    def look(self, mono: float) -> Iterator[Event]:
        """An emergency that is not said again is over."""
        if self._emergency_mono is not None and mono - self._emergency_mono > EMERGENCY_OVER_S:
            self._emergency_mono = None
            yield HardwareHealed(self._evse, "OtherError")

    def _status(self, state: State, permitted: bool) -> Iterator[Event]:
        before, self.state = self.state, state
        if state is State.ENDING and before is not state and permitted:
            yield from self._vehicle_ended()
        if self.session and state is State.WAITING_FOR_EV:  # its end was not heard
            yield from self._over(permitted)
        elif state in (State.INIT, State.WAITING_FOR_EV):  # also after a controller that was lost within a session
            yield from self._path(False)

    def _begun(self, protocol: str) -> Iterator[Event]:
        if self.session:
            return
        self.session, self._ended, self._control = True, False, None
        yield EimChosen(self._evse)
        yield from self._vehicle_said(protocol=protocol)

    def _over(self, permitted: bool) -> Iterator[Event]:
        if permitted and self.session:
            yield from self._vehicle_ended()
        self.session, self._control = False, None
        self._vehicle = DcVehicleTold(self._evse, "")
        yield from self._path(False)

    def _vehicle_ended(self) -> Iterator[Event]:
        if not self._ended:
            self._ended = True
            yield VehicleEnded(self._evse)

    def _path(self, closed: bool) -> Iterator[Event]:
        if closed is not self._closed:
            self._closed = closed
            yield PowerChanged(self._evse, closed)

    def _pilot_seen(self, volts: int, duty_percent: float) -> Iterator[Event]:
        """0 V is E or F; a controller that is not available shows F."""
        away = CpState.F if self.state in (State.NOT_AVAILABLE, State.INIT, None) else CpState.E
        pilot = PILOT.get(volts, away)
        if pilot is not self._pilot:
            self._pilot = pilot
            yield PilotChanged(self._evse, pilot, pwm=duty_percent < 100)

    def _vehicle_said(self, **news: float | str) -> Iterator[Event]:
        vehicle = msgspec.structs.replace(self._vehicle, **news)
        if vehicle != self._vehicle:
            self._vehicle = vehicle
            yield vehicle

    def _demanded(self) -> Iterator[Event]:
        phase = "idle" if self.state is None else PHASES[self.state]
        control = self._control
        demand = DcDemanded(self._evse, phase)
        if self.session and control is not None and control.function in POWERED:
            demand = DcDemanded(self._evse, phase, control.voltage_v, max(0.0, control.max_a))
        if demand != self._demand:
            self._demand = demand
            yield demand
