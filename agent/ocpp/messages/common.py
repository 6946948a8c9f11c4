"""Data types that more than one block uses.  No behaviour."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from agent.ocpp.messages.base import In21, In201, Message, Natural, NonNegative, OneOrMore, Since21, Time

String3 = Annotated[str, Meta(max_length=3)]
String6 = Annotated[str, Meta(max_length=6)]
String8 = Annotated[str, Meta(max_length=8)]
String16 = Annotated[str, Meta(max_length=16)]
String20 = Annotated[str, Meta(max_length=20)]
String25 = Annotated[str, Meta(max_length=25)]
String32 = Annotated[str, Meta(max_length=32)]
String36 = Annotated[str, Meta(max_length=36)]
String40 = Annotated[str, Meta(max_length=40)]
String48 = Annotated[str, Meta(max_length=48)]
String50 = Annotated[str, Meta(max_length=50)]
String60 = Annotated[str, Meta(max_length=60)]
String64 = Annotated[str, Meta(max_length=64)]
String80 = Annotated[str, Meta(max_length=80)]
String88 = Annotated[str, Meta(max_length=88)]
String100 = Annotated[str, Meta(max_length=100)]
String128 = Annotated[str, Meta(max_length=128)]
String160 = Annotated[str, Meta(max_length=160)]
String200 = Annotated[str, Meta(max_length=200)]
String255 = Annotated[str, Meta(max_length=255)]
String256 = Annotated[str, Meta(max_length=256)]
String500 = Annotated[str, Meta(max_length=500)]
String512 = Annotated[str, Meta(max_length=512)]
String800 = Annotated[str, Meta(max_length=800)]
String1000 = Annotated[str, Meta(max_length=1000)]
String1024 = Annotated[str, Meta(max_length=1024)]
String2000 = Annotated[str, Meta(max_length=2000)]
String2500 = Annotated[str, Meta(max_length=2500)]
String5500 = Annotated[str, Meta(max_length=5500)]
String10000 = Annotated[str, Meta(max_length=10000)]
String11000 = Annotated[str, Meta(max_length=11000)]
String17000 = Annotated[str, Meta(max_length=17000)]
String18000 = Annotated[str, Meta(max_length=18000)]
String32768 = Annotated[str, Meta(max_length=32768)]


AuthorizationStatus = Literal[
    "Accepted",
    "Blocked",
    "ConcurrentTx",
    "Expired",
    "Invalid",
    "NoCredit",
    "NotAllowedTypeEVSE",
    "NotAtThisLocation",
    "NotAtThisTime",
    "Unknown",
]

ChargingProfileKind = Annotated[Literal["Absolute", "Recurring", "Relative", "Dynamic"], Since21("Dynamic")]

ChargingProfilePurpose = Annotated[
    Literal[
        "ChargingStationExternalConstraints",
        "ChargingStationMaxProfile",
        "TxDefaultProfile",
        "TxProfile",
        "PriorityCharging",
        "LocalGeneration",
    ],
    Since21("PriorityCharging", "LocalGeneration"),
]

ChargingRateUnit = Literal["W", "A"]

CostKind = Literal["CarbonDioxideEmission", "RelativePricePercentage", "RenewableGenerationPercentage"]

DERControl = Literal[
    "EnterService",
    "FreqDroop",
    "FreqWatt",
    "FixedPFAbsorb",
    "FixedPFInject",
    "FixedVar",
    "Gradients",
    "HFMustTrip",
    "HFMayTrip",
    "HVMustTrip",
    "HVMomCess",
    "HVMayTrip",
    "LimitMaxDischarge",
    "LFMustTrip",
    "LVMustTrip",
    "LVMomCess",
    "LVMayTrip",
    "PowerMonitoringMustTrip",
    "VoltVar",
    "VoltWatt",
    "WattPF",
    "WattVar",
]

DayOfWeek = Literal["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]

EnergyTransferMode = Annotated[
    Literal[
        "AC_single_phase",
        "AC_two_phase",
        "AC_three_phase",
        "DC",
        "AC_BPT",
        "AC_BPT_DER",
        "AC_DER",
        "DC_BPT",
        "DC_ACDP",
        "DC_ACDP_BPT",
        "WPT",
    ],
    Since21("AC_BPT", "AC_BPT_DER", "AC_DER", "DC_BPT", "DC_ACDP", "DC_ACDP_BPT", "WPT"),
]

EvseKind = Literal["AC", "DC"]

GenericDeviceModelStatus = Literal["Accepted", "Rejected", "NotSupported", "EmptyResultSet"]

GenericStatus = Literal["Accepted", "Rejected"]

HashAlgorithm = Literal["SHA256", "SHA384", "SHA512"]

IdTokenEnum = Literal[
    "Central", "eMAID", "ISO14443", "ISO15693", "KeyCode", "Local", "MacAddress", "NoAuthorization"
]  # 2.0.1; an open string since 2.1

Location = Annotated[Literal["Body", "Cable", "EV", "Inlet", "Outlet", "Upstream"], Since21("Upstream")]

Measurand = Annotated[
    Literal[
        "Current.Export",
        "Current.Export.Offered",
        "Current.Export.Minimum",
        "Current.Import",
        "Current.Import.Offered",
        "Current.Import.Minimum",
        "Current.Offered",
        "Display.PresentSOC",
        "Display.MinimumSOC",
        "Display.TargetSOC",
        "Display.MaximumSOC",
        "Display.RemainingTimeToMinimumSOC",
        "Display.RemainingTimeToTargetSOC",
        "Display.RemainingTimeToMaximumSOC",
        "Display.ChargingComplete",
        "Display.BatteryEnergyCapacity",
        "Display.InletHot",
        "Energy.Active.Export.Interval",
        "Energy.Active.Export.Register",
        "Energy.Active.Import.Interval",
        "Energy.Active.Import.Register",
        "Energy.Active.Import.CableLoss",
        "Energy.Active.Import.LocalGeneration.Register",
        "Energy.Active.Net",
        "Energy.Active.Setpoint.Interval",
        "Energy.Apparent.Export",
        "Energy.Apparent.Import",
        "Energy.Apparent.Net",
        "Energy.Reactive.Export.Interval",
        "Energy.Reactive.Export.Register",
        "Energy.Reactive.Import.Interval",
        "Energy.Reactive.Import.Register",
        "Energy.Reactive.Net",
        "EnergyRequest.Target",
        "EnergyRequest.Minimum",
        "EnergyRequest.Maximum",
        "EnergyRequest.Minimum.V2X",
        "EnergyRequest.Maximum.V2X",
        "EnergyRequest.Bulk",
        "Frequency",
        "Power.Active.Export",
        "Power.Active.Import",
        "Power.Active.Setpoint",
        "Power.Active.Residual",
        "Power.Export.Minimum",
        "Power.Export.Offered",
        "Power.Factor",
        "Power.Import.Offered",
        "Power.Import.Minimum",
        "Power.Offered",
        "Power.Reactive.Export",
        "Power.Reactive.Import",
        "SoC",
        "Voltage",
        "Voltage.Minimum",
        "Voltage.Maximum",
    ],
    Since21(
        "Current.Export.Offered",
        "Current.Export.Minimum",
        "Current.Import.Offered",
        "Current.Import.Minimum",
        "Display.PresentSOC",
        "Display.MinimumSOC",
        "Display.TargetSOC",
        "Display.MaximumSOC",
        "Display.RemainingTimeToMinimumSOC",
        "Display.RemainingTimeToTargetSOC",
        "Display.RemainingTimeToMaximumSOC",
        "Display.ChargingComplete",
        "Display.BatteryEnergyCapacity",
        "Display.InletHot",
        "Energy.Active.Import.CableLoss",
        "Energy.Active.Import.LocalGeneration.Register",
        "Energy.Active.Setpoint.Interval",
        "EnergyRequest.Target",
        "EnergyRequest.Minimum",
        "EnergyRequest.Maximum",
        "EnergyRequest.Minimum.V2X",
        "EnergyRequest.Maximum.V2X",
        "EnergyRequest.Bulk",
        "Power.Active.Setpoint",
        "Power.Active.Residual",
        "Power.Export.Minimum",
        "Power.Export.Offered",
        "Power.Import.Offered",
        "Power.Import.Minimum",
        "Voltage.Minimum",
        "Voltage.Maximum",
    ),
]

MessageFormat = Annotated[Literal["ASCII", "HTML", "URI", "UTF8", "QRCODE"], Since21("QRCODE")]

OperationMode = Literal[
    "Idle",
    "ChargingOnly",
    "CentralSetpoint",
    "ExternalSetpoint",
    "ExternalLimits",
    "CentralFrequency",
    "LocalFrequency",
    "LocalLoadBalancing",
]

Phase = Literal["L1", "L2", "L3", "N", "L1-N", "L2-N", "L3-N", "L1-L2", "L2-L3", "L3-L1"]

ReadingContext = Literal[
    "Interruption.Begin",
    "Interruption.End",
    "Other",
    "Sample.Clock",
    "Sample.Periodic",
    "Transaction.Begin",
    "Transaction.End",
    "Trigger",
]

RecurrencyKind = Literal["Daily", "Weekly"]


class AdditionalInfo(Message, frozen=True):
    additional_id_token: Annotated[String255, In201(max_length=36)]
    type: String50


class CertificateHashData(Message, frozen=True):
    hash_algorithm: HashAlgorithm
    issuer_name_hash: String128
    issuer_key_hash: String128
    serial_number: String40


class Cost(Message, frozen=True):
    cost_kind: CostKind
    amount: int
    amount_multiplier: int | None = None


class EVSE(Message, frozen=True):
    id: Natural
    connector_id: Natural | None = None


class LimitAtSoC(Message, frozen=True):
    soc: Annotated[int, Meta(ge=0, le=100)]
    limit: float


class MessageContent(Message, frozen=True):
    format: MessageFormat
    content: Annotated[String1024, In201(max_length=512)]
    language: String8 | None = None


class OCSPRequestData(Message, frozen=True):
    hash_algorithm: HashAlgorithm
    issuer_name_hash: String128
    issuer_key_hash: String128
    serial_number: String40
    responder_url: Annotated[String2000, In201(max_length=512)] = field(name="responderURL")


class PriceLevelScheduleEntry(Message, frozen=True):
    duration: int
    price_level: NonNegative


class RationalNumber(Message, frozen=True):
    exponent: int
    value: int


class RelativeTimeInterval(Message, frozen=True):
    start: int
    duration: int | None = None


class SignedMeterValue(Message, frozen=True):
    signed_meter_data: Annotated[String32768, In201(max_length=2500)]
    encoding_method: String50
    signing_method: Annotated[String50 | None, In201(required=True)] = None
    public_key: Annotated[String2500 | None, In201(required=True)] = None


class StatusInfo(Message, frozen=True):
    reason_code: String20
    additional_info: Annotated[String1024, In201(max_length=512)] | None = None


class TariffConditionsFixed(Message, frozen=True):
    start_time_of_day: str | None = None
    end_time_of_day: str | None = None
    day_of_week: Annotated[OneOrMore[DayOfWeek], Meta(max_length=7)] | None = None
    valid_from_date: str | None = None
    valid_to_date: str | None = None
    evse_kind: EvseKind | None = None
    payment_brand: String20 | None = None
    payment_recognition: String20 | None = None


class TariffConditions(Message, frozen=True):
    start_time_of_day: str | None = None
    end_time_of_day: str | None = None
    day_of_week: Annotated[OneOrMore[DayOfWeek], Meta(max_length=7)] | None = None
    valid_from_date: str | None = None
    valid_to_date: str | None = None
    evse_kind: EvseKind | None = None
    min_energy: float | None = None
    max_energy: float | None = None
    min_current: float | None = None
    max_current: float | None = None
    min_power: float | None = None
    max_power: float | None = None
    min_time: int | None = None
    max_time: int | None = None
    min_charging_time: int | None = None
    max_charging_time: int | None = None
    min_idle_time: int | None = None
    max_idle_time: int | None = None


class TaxRate(Message, frozen=True):
    type: String20
    tax: float
    stack: NonNegative | None = None


class UnitOfMeasure(Message, frozen=True):
    unit: String20 | None = None
    multiplier: int | None = None


class V2XFreqWattPoint(Message, frozen=True):
    frequency: float
    power: float


class V2XSignalWattPoint(Message, frozen=True):
    signal: int
    power: float


class Variable(Message, frozen=True):
    name: String50
    instance: String50 | None = None


class AdditionalSelectedServices(Message, frozen=True):
    service_fee: RationalNumber
    service_name: String80


class ChargingSchedulePeriod(Message, frozen=True):
    start_period: int
    limit: Annotated[float | None, In201(required=True)] = None
    limit_l2: Annotated[float | None, Since21] = field(default=None, name="limit_L2")
    limit_l3: Annotated[float | None, Since21] = field(default=None, name="limit_L3")
    number_phases: Annotated[int, In21(ge=0, le=3)] | None = None
    phase_to_use: Annotated[int, In21(ge=0, le=3)] | None = None
    discharge_limit: Annotated[Annotated[float, Meta(le=0)] | None, Since21] = None
    discharge_limit_l2: Annotated[Annotated[float, Meta(le=0)] | None, Since21] = field(
        default=None, name="dischargeLimit_L2"
    )
    discharge_limit_l3: Annotated[Annotated[float, Meta(le=0)] | None, Since21] = field(
        default=None, name="dischargeLimit_L3"
    )
    setpoint: Annotated[float | None, Since21] = None
    setpoint_l2: Annotated[float | None, Since21] = field(default=None, name="setpoint_L2")
    setpoint_l3: Annotated[float | None, Since21] = field(default=None, name="setpoint_L3")
    setpoint_reactive: Annotated[float | None, Since21] = None
    setpoint_reactive_l2: Annotated[float | None, Since21] = field(default=None, name="setpointReactive_L2")
    setpoint_reactive_l3: Annotated[float | None, Since21] = field(default=None, name="setpointReactive_L3")
    preconditioning_request: Annotated[bool | None, Since21] = None
    evse_sleep: Annotated[bool | None, Since21] = None
    v2x_baseline: Annotated[float | None, Since21] = None
    operation_mode: Annotated[OperationMode | None, Since21] = None
    v2x_freq_watt_curve: Annotated[Annotated[OneOrMore[V2XFreqWattPoint], Meta(max_length=20)] | None, Since21] = None
    v2x_signal_watt_curve: Annotated[Annotated[OneOrMore[V2XSignalWattPoint], Meta(max_length=20)] | None, Since21] = (
        None
    )


class Component(Message, frozen=True):
    name: String50
    evse: EVSE | None = None
    instance: String50 | None = None


class ConsumptionCost(Message, frozen=True):
    start_value: float
    cost: Annotated[OneOrMore[Cost], Meta(max_length=3)]


class IdToken(Message, frozen=True):
    id_token: Annotated[String255, In201(max_length=36)]
    type: Annotated[String20, In201(IdTokenEnum)]
    additional_info: OneOrMore[AdditionalInfo] | None = None


class OverstayRule(Message, frozen=True):
    overstay_fee: RationalNumber
    start_time: int
    overstay_fee_period: int
    overstay_rule_description: String32 | None = None


class PriceLevelSchedule(Message, frozen=True):
    price_level_schedule_entries: Annotated[OneOrMore[PriceLevelScheduleEntry], Meta(max_length=100)]
    time_anchor: Time
    price_schedule_id: NonNegative
    number_of_price_levels: NonNegative
    price_schedule_description: String32 | None = None


class PriceRule(Message, frozen=True):
    energy_fee: RationalNumber
    power_range_start: RationalNumber
    parking_fee_period: int | None = None
    carbon_dioxide_emission: NonNegative | None = None
    renewable_generation_percentage: Annotated[int, Meta(ge=0, le=100)] | None = None
    parking_fee: RationalNumber | None = None


class Price(Message, frozen=True):
    excl_tax: float | None = None
    incl_tax: float | None = None
    tax_rates: Annotated[OneOrMore[TaxRate], Meta(max_length=5)] | None = None


class SampledValue(Message, frozen=True):
    value: float
    measurand: Measurand | None = None
    context: ReadingContext | None = None
    phase: Phase | None = None
    location: Location | None = None
    signed_meter_value: SignedMeterValue | None = None
    unit_of_measure: UnitOfMeasure | None = None


class TariffEnergyPrice(Message, frozen=True):
    price_kwh: float
    conditions: TariffConditions | None = None


class TariffFixedPrice(Message, frozen=True):
    price_fixed: float
    conditions: TariffConditionsFixed | None = None


class TariffTimePrice(Message, frozen=True):
    price_minute: float
    conditions: TariffConditions | None = None


class TaxRule(Message, frozen=True):
    tax_rule_id: NonNegative = field(name="taxRuleID")
    applies_to_energy_fee: bool
    applies_to_parking_fee: bool
    applies_to_overstay_fee: bool
    applies_to_minimum_maximum_cost: bool
    tax_rate: RationalNumber
    tax_rule_name: String100 | None = None
    tax_included_in_price: bool | None = None


class ComponentVariable(Message, frozen=True):
    component: Component
    variable: Variable | None = None


class IdTokenInfo(Message, frozen=True):
    status: AuthorizationStatus
    cache_expiry_date_time: Time | None = None
    charging_priority: int | None = None
    group_id_token: IdToken | None = None
    language1: String8 | None = None
    language2: String8 | None = None
    evse_id: OneOrMore[Natural] | None = None
    personal_message: MessageContent | None = None


class MeterValue(Message, frozen=True):
    sampled_value: OneOrMore[SampledValue]
    timestamp: Time


class OverstayRuleList(Message, frozen=True):
    overstay_rule: Annotated[OneOrMore[OverstayRule], Meta(max_length=5)]
    overstay_power_threshold: RationalNumber | None = None
    overstay_time_threshold: int | None = None


class PriceRuleStack(Message, frozen=True):
    duration: int
    price_rule: Annotated[OneOrMore[PriceRule], Meta(max_length=8)]


class SalesTariffEntry(Message, frozen=True):
    relative_time_interval: RelativeTimeInterval
    e_price_level: NonNegative | None = None
    consumption_cost: Annotated[OneOrMore[ConsumptionCost], Meta(max_length=3)] | None = None


class TariffEnergy(Message, frozen=True):
    prices: OneOrMore[TariffEnergyPrice]
    tax_rates: Annotated[OneOrMore[TaxRate], Meta(max_length=5)] | None = None


class TariffFixed(Message, frozen=True):
    prices: OneOrMore[TariffFixedPrice]
    tax_rates: Annotated[OneOrMore[TaxRate], Meta(max_length=5)] | None = None


class TariffTime(Message, frozen=True):
    prices: OneOrMore[TariffTimePrice]
    tax_rates: Annotated[OneOrMore[TaxRate], Meta(max_length=5)] | None = None


class AbsolutePriceSchedule(Message, frozen=True):
    time_anchor: Time
    price_schedule_id: NonNegative = field(name="priceScheduleID")
    currency: String3
    language: String8
    price_algorithm: String2000
    price_rule_stacks: Annotated[OneOrMore[PriceRuleStack], Meta(max_length=1024)]
    price_schedule_description: String160 | None = None
    minimum_cost: RationalNumber | None = None
    maximum_cost: RationalNumber | None = None
    tax_rules: Annotated[OneOrMore[TaxRule], Meta(max_length=10)] | None = None
    overstay_rule_list: OverstayRuleList | None = None
    additional_selected_services: Annotated[OneOrMore[AdditionalSelectedServices], Meta(max_length=5)] | None = None


class SalesTariff(Message, frozen=True):
    id: Natural
    sales_tariff_entry: Annotated[OneOrMore[SalesTariffEntry], Meta(max_length=1024)]
    sales_tariff_description: String32 | None = None
    num_e_price_levels: Natural | None = None


class Tariff(Message, frozen=True):
    tariff_id: String60
    currency: String3
    description: Annotated[OneOrMore[MessageContent], Meta(max_length=10)] | None = None
    energy: TariffEnergy | None = None
    valid_from: Time | None = None
    charging_time: TariffTime | None = None
    idle_time: TariffTime | None = None
    fixed_fee: TariffFixed | None = None
    reservation_time: TariffTime | None = None
    reservation_fixed: TariffFixed | None = None
    min_cost: Price | None = None
    max_cost: Price | None = None


class ChargingSchedule(Message, frozen=True):
    id: int
    charging_rate_unit: ChargingRateUnit
    charging_schedule_period: Annotated[OneOrMore[ChargingSchedulePeriod], Meta(max_length=1024)]
    limit_at_soc: Annotated[LimitAtSoC | None, Since21] = field(default=None, name="limitAtSoC")
    start_schedule: Time | None = None
    duration: int | None = None
    min_charging_rate: float | None = None
    power_tolerance: Annotated[float | None, Since21] = None
    signature_id: Annotated[NonNegative | None, Since21] = None
    digest_value: Annotated[String88 | None, Since21] = None
    use_local_time: Annotated[bool | None, Since21] = None
    randomized_delay: Annotated[NonNegative | None, Since21] = None
    sales_tariff: SalesTariff | None = None
    absolute_price_schedule: Annotated[AbsolutePriceSchedule | None, Since21] = None
    price_level_schedule: Annotated[PriceLevelSchedule | None, Since21] = None


class ChargingProfile(Message, frozen=True):
    id: int
    stack_level: Natural
    charging_profile_purpose: ChargingProfilePurpose
    charging_profile_kind: ChargingProfileKind
    charging_schedule: Annotated[OneOrMore[ChargingSchedule], Meta(max_length=3)]
    recurrency_kind: RecurrencyKind | None = None
    valid_from: Time | None = None
    valid_to: Time | None = None
    transaction_id: String36 | None = None
    max_offline_duration: Annotated[int | None, Since21] = None
    invalid_after_offline_duration: Annotated[bool | None, Since21] = None
    dyn_update_interval: Annotated[int | None, Since21] = None
    dyn_update_time: Annotated[Time | None, Since21] = None
    price_schedule_signature: Annotated[String256 | None, Since21] = None
