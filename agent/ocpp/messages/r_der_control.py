"""Block R, control of distributed energy resources (2.1).  No behaviour."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from agent.ocpp.messages.base import Message, NonNegative, OneOrMore, Request, Response, Time
from agent.ocpp.messages.common import DERControl, StatusInfo, String36, String200

DERControlStatus = Literal["Accepted", "Rejected", "NotSupported", "NotFound"]

DERUnit = Literal["Not_Applicable", "PctMaxW", "PctMaxVar", "PctWAvail", "PctVarAvail", "PctEffectiveV"]

GridEventFault = Literal[
    "CurrentImbalance",
    "LocalEmergency",
    "LowInputPower",
    "OverCurrent",
    "OverFrequency",
    "OverVoltage",
    "PhaseRotation",
    "RemoteEmergency",
    "UnderFrequency",
    "UnderVoltage",
    "VoltageImbalance",
]

PowerDuringCessation = Literal["Active", "Reactive"]


class DERCurvePoints(Message, frozen=True):
    x: float
    y: float


class EnterService(Message, frozen=True):
    priority: NonNegative
    high_voltage: float
    low_voltage: float
    high_freq: float
    low_freq: float
    delay: float | None = None
    random_delay: float | None = None
    ramp_rate: float | None = None


class FixedPF(Message, frozen=True):
    priority: NonNegative
    displacement: float
    excitation: bool
    start_time: Time | None = None
    duration: float | None = None


class FixedVar(Message, frozen=True):
    priority: NonNegative
    setpoint: float
    unit: DERUnit
    start_time: Time | None = None
    duration: float | None = None


class FreqDroop(Message, frozen=True):
    priority: NonNegative
    over_freq: float
    under_freq: float
    over_droop: float
    under_droop: float
    response_time: float
    start_time: Time | None = None
    duration: float | None = None


class Gradient(Message, frozen=True):
    priority: NonNegative
    gradient: float
    soft_gradient: float


class Hysteresis(Message, frozen=True):
    hysteresis_high: float | None = None
    hysteresis_low: float | None = None
    hysteresis_delay: float | None = None
    hysteresis_gradient: float | None = None


class ReactivePowerParams(Message, frozen=True):
    v_ref: float | None = None
    autonomous_vref_enable: bool | None = field(default=None, name="autonomousVRefEnable")
    autonomous_vref_time_constant: float | None = field(default=None, name="autonomousVRefTimeConstant")


class VoltageParams(Message, frozen=True):
    hv10_min_mean_value: float | None = None
    hv10_min_mean_trip_delay: float | None = None
    power_during_cessation: PowerDuringCessation | None = None


class DERCurve(Message, frozen=True):
    curve_data: Annotated[OneOrMore[DERCurvePoints], Meta(max_length=10)]
    priority: NonNegative
    y_unit: DERUnit
    hysteresis: Hysteresis | None = None
    reactive_power_params: ReactivePowerParams | None = None
    voltage_params: VoltageParams | None = None
    response_time: float | None = None
    start_time: Time | None = None
    duration: float | None = None


class EnterServiceGet(Message, frozen=True):
    enter_service: EnterService
    id: String36


class FixedPFGet(Message, frozen=True):
    fixed_pf: FixedPF = field(name="fixedPF")
    id: String36
    is_default: bool
    is_superseded: bool


class FixedVarGet(Message, frozen=True):
    fixed_var: FixedVar
    id: String36
    is_default: bool
    is_superseded: bool


class FreqDroopGet(Message, frozen=True):
    freq_droop: FreqDroop
    id: String36
    is_default: bool
    is_superseded: bool


class GradientGet(Message, frozen=True):
    gradient: Gradient
    id: String36


class DERCurveGet(Message, frozen=True):
    curve: DERCurve
    id: String36
    curve_type: DERControl
    is_default: bool
    is_superseded: bool


class LimitMaxDischarge(Message, frozen=True):
    priority: NonNegative
    pct_max_discharge_power: float | None = None
    power_monitoring_must_trip: DERCurve | None = None
    start_time: Time | None = None
    duration: float | None = None


class LimitMaxDischargeGet(Message, frozen=True):
    id: String36
    is_default: bool
    is_superseded: bool
    limit_max_discharge: LimitMaxDischarge


class ClearDERControlResponse(Response, frozen=True):
    action = "ClearDERControl"

    status: DERControlStatus
    status_info: StatusInfo | None = None


class ClearDERControlRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action = "ClearDERControl"
    response = ClearDERControlResponse

    is_default: bool
    control_type: DERControl | None = None
    control_id: String36 | None = None


class GetDERControlResponse(Response, frozen=True):
    action = "GetDERControl"

    status: DERControlStatus
    status_info: StatusInfo | None = None


class GetDERControlRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action = "GetDERControl"
    response = GetDERControlResponse

    request_id: int
    is_default: bool | None = None
    control_type: DERControl | None = None
    control_id: String36 | None = None


class NotifyDERAlarmResponse(Response, frozen=True):
    action = "NotifyDERAlarm"


class NotifyDERAlarmRequest(Request, frozen=True):
    """Sent by the station."""

    action = "NotifyDERAlarm"
    response = NotifyDERAlarmResponse

    control_type: DERControl
    timestamp: Time
    grid_event_fault: GridEventFault | None = None
    alarm_ended: bool | None = None
    extra_info: String200 | None = None


class NotifyDERStartStopResponse(Response, frozen=True):
    action = "NotifyDERStartStop"


class NotifyDERStartStopRequest(Request, frozen=True):
    """Sent by the station."""

    action = "NotifyDERStartStop"
    response = NotifyDERStartStopResponse

    control_id: String36
    started: bool
    timestamp: Time
    superseded_ids: Annotated[OneOrMore[String36], Meta(max_length=24)] | None = None


class ReportDERControlResponse(Response, frozen=True):
    action = "ReportDERControl"


class ReportDERControlRequest(Request, frozen=True):
    """Sent by the station."""

    action = "ReportDERControl"
    response = ReportDERControlResponse

    request_id: int
    curve: Annotated[OneOrMore[DERCurveGet], Meta(max_length=24)] | None = None
    enter_service: Annotated[OneOrMore[EnterServiceGet], Meta(max_length=24)] | None = None
    fixed_pf_absorb: Annotated[OneOrMore[FixedPFGet], Meta(max_length=24)] | None = field(
        default=None, name="fixedPFAbsorb"
    )
    fixed_pf_inject: Annotated[OneOrMore[FixedPFGet], Meta(max_length=24)] | None = field(
        default=None, name="fixedPFInject"
    )
    fixed_var: Annotated[OneOrMore[FixedVarGet], Meta(max_length=24)] | None = None
    freq_droop: Annotated[OneOrMore[FreqDroopGet], Meta(max_length=24)] | None = None
    gradient: Annotated[OneOrMore[GradientGet], Meta(max_length=24)] | None = None
    limit_max_discharge: Annotated[OneOrMore[LimitMaxDischargeGet], Meta(max_length=24)] | None = None
    tbc: bool | None = None


class SetDERControlResponse(Response, frozen=True):
    action = "SetDERControl"

    status: DERControlStatus
    status_info: StatusInfo | None = None
    superseded_ids: Annotated[OneOrMore[String36], Meta(max_length=24)] | None = None


class SetDERControlRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action = "SetDERControl"
    response = SetDERControlResponse

    is_default: bool
    control_id: String36
    control_type: DERControl
    curve: DERCurve | None = None
    enter_service: EnterService | None = None
    fixed_pf_absorb: FixedPF | None = field(default=None, name="fixedPFAbsorb")
    fixed_pf_inject: FixedPF | None = field(default=None, name="fixedPFInject")
    fixed_var: FixedVar | None = None
    freq_droop: FreqDroop | None = None
    gradient: Gradient | None = None
    limit_max_discharge: LimitMaxDischarge | None = None
