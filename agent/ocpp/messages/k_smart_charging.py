"""Block K, smart charging: profiles, schedules, limits, the needs of the EV.  No behaviour."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from agent.ocpp.messages.base import (
    In21,
    In201,
    Message,
    Natural,
    NonNegative,
    OneOrMore,
    Request,
    Response,
    Since21,
    Time,
)
from agent.ocpp.messages.common import (
    ChargingProfile,
    ChargingProfilePurpose,
    ChargingRateUnit,
    ChargingSchedule,
    ChargingSchedulePeriod,
    DERControl,
    EnergyTransferMode,
    GenericStatus,
    StatusInfo,
    String3,
    String20,
    String36,
    String50,
    String2000,
)

ChargingLimitSource = Literal["EMS", "Other", "SO", "CSO"]  # 2.0.1; an open string since 2.1

ChargingProfileStatus = Literal["Accepted", "Rejected"]

ClearChargingProfileStatus = Literal["Accepted", "Unknown"]

ControlMode = Literal["ScheduledControl", "DynamicControl"]

GetChargingProfileStatus = Literal["Accepted", "NoProfiles"]

IslandingDetection = Literal[
    "NoAntiIslandingSupport",
    "RoCoF",
    "UVP_OVP",
    "UFP_OFP",
    "VoltageVectorShift",
    "ZeroCrossingDetection",
    "OtherPassive",
    "ImpedanceMeasurement",
    "ImpedanceAtFrequency",
    "SlipModeFrequencyShift",
    "SandiaFrequencyShift",
    "SandiaVoltageShift",
    "FrequencyJump",
    "RCLQFactor",
    "OtherActive",
]

MobilityNeedsMode = Literal["EVCC", "EVCC_SECC"]

NotifyEVChargingNeedsStatus = Annotated[
    Literal["Accepted", "Rejected", "Processing", "NoChargingProfile"], Since21("NoChargingProfile")
]

PriorityChargingStatus = Literal["Accepted", "Rejected", "NoProfile"]


class ACChargingParameters(Message, frozen=True):
    energy_amount: Annotated[float, In201(int)]
    ev_min_current: Annotated[float, In201(int)]
    ev_max_current: Annotated[float, In201(int)]
    ev_max_voltage: Annotated[float, In201(int)]


class ChargingLimit(Message, frozen=True):
    charging_limit_source: Annotated[String20, In201(ChargingLimitSource)]
    is_local_generation: Annotated[bool | None, Since21] = None
    is_grid_critical: bool | None = None


class ChargingProfileCriterion(Message, frozen=True):
    charging_profile_purpose: ChargingProfilePurpose | None = None
    stack_level: Natural | None = None
    charging_profile_id: OneOrMore[int] | None = None
    charging_limit_source: (
        Annotated[OneOrMore[Annotated[String20, In201(ChargingLimitSource)]], Meta(max_length=4)] | None
    ) = None


class ChargingScheduleUpdate(Message, frozen=True):
    limit: float | None = None
    limit_l2: float | None = field(default=None, name="limit_L2")
    limit_l3: float | None = field(default=None, name="limit_L3")
    discharge_limit: Annotated[float, Meta(le=0)] | None = None
    discharge_limit_l2: Annotated[float, Meta(le=0)] | None = field(default=None, name="dischargeLimit_L2")
    discharge_limit_l3: Annotated[float, Meta(le=0)] | None = field(default=None, name="dischargeLimit_L3")
    setpoint: float | None = None
    setpoint_l2: float | None = field(default=None, name="setpoint_L2")
    setpoint_l3: float | None = field(default=None, name="setpoint_L3")
    setpoint_reactive: float | None = None
    setpoint_reactive_l2: float | None = field(default=None, name="setpointReactive_L2")
    setpoint_reactive_l3: float | None = field(default=None, name="setpointReactive_L3")


class ClearChargingProfile(Message, frozen=True):
    evse_id: Natural | None = None
    charging_profile_purpose: ChargingProfilePurpose | None = None
    stack_level: Natural | None = None


class CompositeSchedule(Message, frozen=True):
    evse_id: Natural
    duration: int
    schedule_start: Time
    charging_rate_unit: ChargingRateUnit
    charging_schedule_period: OneOrMore[ChargingSchedulePeriod]


class DCChargingParameters(Message, frozen=True):
    ev_max_current: Annotated[float, In201(int)]
    ev_max_voltage: Annotated[float, In201(int)]
    ev_max_power: Annotated[float, In201(int)] | None = None
    ev_energy_capacity: Annotated[float, In201(int)] | None = None
    energy_amount: Annotated[float, In201(int)] | None = None
    state_of_charge: Annotated[int, Meta(ge=0, le=100)] | None = None
    full_soc: Annotated[int, Meta(ge=0, le=100)] | None = field(default=None, name="fullSoC")
    bulk_soc: Annotated[int, Meta(ge=0, le=100)] | None = field(default=None, name="bulkSoC")


class DERChargingParameters(Message, frozen=True):
    ev_supported_der_control: OneOrMore[DERControl] | None = field(default=None, name="evSupportedDERControl")
    ev_over_excited_max_discharge_power: float | None = None
    ev_over_excited_power_factor: float | None = None
    ev_under_excited_max_discharge_power: float | None = None
    ev_under_excited_power_factor: float | None = None
    max_apparent_power: float | None = None
    max_charge_apparent_power: float | None = None
    max_charge_apparent_power_l2: float | None = field(default=None, name="maxChargeApparentPower_L2")
    max_charge_apparent_power_l3: float | None = field(default=None, name="maxChargeApparentPower_L3")
    max_discharge_apparent_power: float | None = None
    max_discharge_apparent_power_l2: float | None = field(default=None, name="maxDischargeApparentPower_L2")
    max_discharge_apparent_power_l3: float | None = field(default=None, name="maxDischargeApparentPower_L3")
    max_charge_reactive_power: float | None = None
    max_charge_reactive_power_l2: float | None = field(default=None, name="maxChargeReactivePower_L2")
    max_charge_reactive_power_l3: float | None = field(default=None, name="maxChargeReactivePower_L3")
    min_charge_reactive_power: float | None = None
    min_charge_reactive_power_l2: float | None = field(default=None, name="minChargeReactivePower_L2")
    min_charge_reactive_power_l3: float | None = field(default=None, name="minChargeReactivePower_L3")
    max_discharge_reactive_power: float | None = None
    max_discharge_reactive_power_l2: float | None = field(default=None, name="maxDischargeReactivePower_L2")
    max_discharge_reactive_power_l3: float | None = field(default=None, name="maxDischargeReactivePower_L3")
    min_discharge_reactive_power: float | None = None
    min_discharge_reactive_power_l2: float | None = field(default=None, name="minDischargeReactivePower_L2")
    min_discharge_reactive_power_l3: float | None = field(default=None, name="minDischargeReactivePower_L3")
    nominal_voltage: float | None = None
    nominal_voltage_offset: float | None = None
    max_nominal_voltage: float | None = None
    min_nominal_voltage: float | None = None
    ev_inverter_manufacturer: String50 | None = None
    ev_inverter_model: String50 | None = None
    ev_inverter_serial_number: String50 | None = None
    ev_inverter_sw_version: String50 | None = None
    ev_inverter_hw_version: String50 | None = None
    ev_islanding_detection_method: OneOrMore[IslandingDetection] | None = None
    ev_islanding_trip_time: float | None = None
    ev_maximum_level1_dc_injection: float | None = field(default=None, name="evMaximumLevel1DCInjection")
    ev_duration_level1_dc_injection: float | None = field(default=None, name="evDurationLevel1DCInjection")
    ev_maximum_level2_dc_injection: float | None = field(default=None, name="evMaximumLevel2DCInjection")
    ev_duration_level2_dc_injection: float | None = field(default=None, name="evDurationLevel2DCInjection")
    ev_reactive_susceptance: float | None = None
    ev_session_total_discharge_energy_available: float | None = None


class EVPowerScheduleEntry(Message, frozen=True):
    duration: int
    power: float


class EVPriceRule(Message, frozen=True):
    energy_fee: float
    power_range_start: float


class V2XChargingParameters(Message, frozen=True):
    min_charge_power: float | None = None
    min_charge_power_l2: float | None = field(default=None, name="minChargePower_L2")
    min_charge_power_l3: float | None = field(default=None, name="minChargePower_L3")
    max_charge_power: float | None = None
    max_charge_power_l2: float | None = field(default=None, name="maxChargePower_L2")
    max_charge_power_l3: float | None = field(default=None, name="maxChargePower_L3")
    min_discharge_power: float | None = None
    min_discharge_power_l2: float | None = field(default=None, name="minDischargePower_L2")
    min_discharge_power_l3: float | None = field(default=None, name="minDischargePower_L3")
    max_discharge_power: float | None = None
    max_discharge_power_l2: float | None = field(default=None, name="maxDischargePower_L2")
    max_discharge_power_l3: float | None = field(default=None, name="maxDischargePower_L3")
    min_charge_current: float | None = None
    max_charge_current: float | None = None
    min_discharge_current: float | None = None
    max_discharge_current: float | None = None
    min_voltage: float | None = None
    max_voltage: float | None = None
    ev_target_energy_request: float | None = None
    ev_min_energy_request: float | None = None
    ev_max_energy_request: float | None = None
    ev_min_v2x_energy_request: float | None = field(default=None, name="evMinV2XEnergyRequest")
    ev_max_v2x_energy_request: float | None = field(default=None, name="evMaxV2XEnergyRequest")
    target_soc: Annotated[int, Meta(ge=0, le=100)] | None = field(default=None, name="targetSoC")


class EVAbsolutePriceScheduleEntry(Message, frozen=True):
    duration: int
    ev_price_rule: Annotated[OneOrMore[EVPriceRule], Meta(max_length=8)]


class EVPowerSchedule(Message, frozen=True):
    ev_power_schedule_entries: Annotated[OneOrMore[EVPowerScheduleEntry], Meta(max_length=1024)]
    time_anchor: Time


class EVAbsolutePriceSchedule(Message, frozen=True):
    time_anchor: Time
    currency: String3
    ev_absolute_price_schedule_entries: Annotated[OneOrMore[EVAbsolutePriceScheduleEntry], Meta(max_length=1024)]
    price_algorithm: String2000


class EVEnergyOffer(Message, frozen=True):
    ev_power_schedule: EVPowerSchedule
    ev_absolute_price_schedule: EVAbsolutePriceSchedule | None = None


class ChargingNeeds(Message, frozen=True):
    requested_energy_transfer: EnergyTransferMode
    ac_charging_parameters: ACChargingParameters | None = None
    der_charging_parameters: Annotated[DERChargingParameters | None, Since21] = None
    ev_energy_offer: Annotated[EVEnergyOffer | None, Since21] = None
    dc_charging_parameters: DCChargingParameters | None = None
    v2x_charging_parameters: Annotated[V2XChargingParameters | None, Since21] = None
    available_energy_transfer: Annotated[OneOrMore[EnergyTransferMode] | None, Since21] = None
    control_mode: Annotated[ControlMode | None, Since21] = None
    mobility_needs_mode: Annotated[MobilityNeedsMode | None, Since21] = None
    departure_time: Time | None = None


class ClearChargingProfileResponse(Response, frozen=True):
    action = "ClearChargingProfile"

    status: ClearChargingProfileStatus
    status_info: StatusInfo | None = None


class ClearChargingProfileRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action = "ClearChargingProfile"
    response = ClearChargingProfileResponse

    charging_profile_id: int | None = None
    charging_profile_criteria: ClearChargingProfile | None = None


class ClearedChargingLimitResponse(Response, frozen=True):
    action = "ClearedChargingLimit"


class ClearedChargingLimitRequest(Request, frozen=True):
    """Sent by the station."""

    action = "ClearedChargingLimit"
    response = ClearedChargingLimitResponse

    charging_limit_source: Annotated[String20, In201(ChargingLimitSource)]
    evse_id: Natural | None = None


class GetChargingProfilesResponse(Response, frozen=True):
    action = "GetChargingProfiles"

    status: GetChargingProfileStatus
    status_info: StatusInfo | None = None


class GetChargingProfilesRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action = "GetChargingProfiles"
    response = GetChargingProfilesResponse

    request_id: int
    charging_profile: ChargingProfileCriterion
    evse_id: Natural | None = None


class GetCompositeScheduleResponse(Response, frozen=True):
    action = "GetCompositeSchedule"

    status: GenericStatus
    status_info: StatusInfo | None = None
    schedule: CompositeSchedule | None = None


class GetCompositeScheduleRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action = "GetCompositeSchedule"
    response = GetCompositeScheduleResponse

    duration: int
    evse_id: Natural
    charging_rate_unit: ChargingRateUnit | None = None


class NotifyChargingLimitResponse(Response, frozen=True):
    action = "NotifyChargingLimit"


class NotifyChargingLimitRequest(Request, frozen=True):
    """Sent by the station."""

    action = "NotifyChargingLimit"
    response = NotifyChargingLimitResponse

    charging_limit: ChargingLimit
    charging_schedule: OneOrMore[ChargingSchedule] | None = None
    evse_id: Natural | None = None


class NotifyEVChargingNeedsResponse(Response, frozen=True):
    action = "NotifyEVChargingNeeds"

    status: NotifyEVChargingNeedsStatus
    status_info: StatusInfo | None = None


class NotifyEVChargingNeedsRequest(Request, frozen=True):
    """Sent by the station."""

    action = "NotifyEVChargingNeeds"
    response = NotifyEVChargingNeedsResponse

    evse_id: Annotated[int, In21(ge=1)]
    charging_needs: ChargingNeeds
    max_schedule_tuples: Natural | None = None
    timestamp: Annotated[Time | None, Since21] = None


class NotifyEVChargingScheduleResponse(Response, frozen=True):
    action = "NotifyEVChargingSchedule"

    status: GenericStatus
    status_info: StatusInfo | None = None


class NotifyEVChargingScheduleRequest(Request, frozen=True):
    """Sent by the station."""

    action = "NotifyEVChargingSchedule"
    response = NotifyEVChargingScheduleResponse

    time_base: Time
    charging_schedule: ChargingSchedule
    evse_id: Annotated[int, In21(ge=1)]
    selected_charging_schedule_id: Annotated[NonNegative | None, Since21] = None
    power_tolerance_acceptance: Annotated[bool | None, Since21] = None


class NotifyPriorityChargingResponse(Response, frozen=True):
    action = "NotifyPriorityCharging"


class NotifyPriorityChargingRequest(Request, frozen=True):
    """Sent by the station."""

    action = "NotifyPriorityCharging"
    response = NotifyPriorityChargingResponse

    transaction_id: String36
    activated: bool


class PullDynamicScheduleUpdateResponse(Response, frozen=True):
    action = "PullDynamicScheduleUpdate"

    status: ChargingProfileStatus
    schedule_update: ChargingScheduleUpdate | None = None
    status_info: StatusInfo | None = None


class PullDynamicScheduleUpdateRequest(Request, frozen=True):
    """Sent by the station."""

    action = "PullDynamicScheduleUpdate"
    response = PullDynamicScheduleUpdateResponse

    charging_profile_id: int


class ReportChargingProfilesResponse(Response, frozen=True):
    action = "ReportChargingProfiles"


class ReportChargingProfilesRequest(Request, frozen=True):
    """Sent by the station."""

    action = "ReportChargingProfiles"
    response = ReportChargingProfilesResponse

    request_id: int
    charging_limit_source: Annotated[String20, In201(ChargingLimitSource)]
    charging_profile: OneOrMore[ChargingProfile]
    evse_id: Natural
    tbc: bool | None = None


class SetChargingProfileResponse(Response, frozen=True):
    action = "SetChargingProfile"

    status: ChargingProfileStatus
    status_info: StatusInfo | None = None


class SetChargingProfileRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action = "SetChargingProfile"
    response = SetChargingProfileResponse

    evse_id: Natural
    charging_profile: ChargingProfile


class UpdateDynamicScheduleResponse(Response, frozen=True):
    action = "UpdateDynamicSchedule"

    status: ChargingProfileStatus
    status_info: StatusInfo | None = None


class UpdateDynamicScheduleRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action = "UpdateDynamicSchedule"
    response = UpdateDynamicScheduleResponse

    charging_profile_id: int
    schedule_update: ChargingScheduleUpdate


class UsePriorityChargingResponse(Response, frozen=True):
    action = "UsePriorityCharging"

    status: PriorityChargingStatus
    status_info: StatusInfo | None = None


class UsePriorityChargingRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action = "UsePriorityCharging"
    response = UsePriorityChargingResponse

    transaction_id: String36
    activate: bool
