"""Block E, transactions: what happened between plugging in and leaving.  No behaviour."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from agent.ocpp.messages.base import In21, Message, Natural, OneOrMore, Request, Response, Since21, Time
from agent.ocpp.messages.common import (
    EVSE,
    IdToken,
    IdTokenInfo,
    MessageContent,
    MeterValue,
    OperationMode,
    Price,
    String3,
    String36,
    String60,
    String500,
)

ChargingState = Literal["EVConnected", "Charging", "SuspendedEV", "SuspendedEVSE", "Idle"]

CostDimensionEnum = Literal["Energy", "MaxCurrent", "MinCurrent", "MaxPower", "MinPower", "IdleTIme", "ChargingTime"]

PreconditioningStatus = Literal["Unknown", "Ready", "NotReady", "Preconditioning"]

Reason = Annotated[
    Literal[
        "DeAuthorized",
        "EmergencyStop",
        "EnergyLimitReached",
        "EVDisconnected",
        "GroundFault",
        "ImmediateReset",
        "MasterPass",
        "Local",
        "LocalOutOfCredit",
        "Other",
        "OvercurrentFault",
        "PowerLoss",
        "PowerQuality",
        "Reboot",
        "Remote",
        "SOCLimitReached",
        "StoppedByEV",
        "TimeLimitReached",
        "Timeout",
        "ReqEnergyTransferRejected",
    ],
    Since21("ReqEnergyTransferRejected"),
]

TariffCost = Literal["NormalCost", "MinCost", "MaxCost"]

TransactionEvent = Literal["Ended", "Started", "Updated"]

TriggerReason = Annotated[
    Literal[
        "AbnormalCondition",
        "Authorized",
        "CablePluggedIn",
        "ChargingRateChanged",
        "ChargingStateChanged",
        "CostLimitReached",
        "Deauthorized",
        "EnergyLimitReached",
        "EVCommunicationLost",
        "EVConnectTimeout",
        "EVDeparted",
        "EVDetected",
        "LimitSet",
        "MeterValueClock",
        "MeterValuePeriodic",
        "OperationModeChanged",
        "RemoteStart",
        "RemoteStop",
        "ResetCommand",
        "RunningCost",
        "SignedDataReceived",
        "SoCLimitReached",
        "StopAuthorized",
        "TariffChanged",
        "TariffNotAccepted",
        "TimeLimitReached",
        "Trigger",
        "TxResumed",
        "UnlockCommand",
    ],
    Since21(
        "CostLimitReached",
        "LimitSet",
        "OperationModeChanged",
        "RunningCost",
        "SoCLimitReached",
        "TariffChanged",
        "TariffNotAccepted",
        "TxResumed",
    ),
]


class CostDimension(Message, frozen=True):
    type: CostDimensionEnum
    volume: float


class TotalPrice(Message, frozen=True):
    excl_tax: float | None = None
    incl_tax: float | None = None


class TotalUsage(Message, frozen=True):
    energy: float
    charging_time: int
    idle_time: int
    reservation_time: int | None = None


class TransactionLimit(Message, frozen=True):
    max_cost: float | None = None
    max_energy: float | None = None
    max_time: int | None = None
    max_soc: Annotated[int, Meta(ge=0, le=100)] | None = field(default=None, name="maxSoC")


class ChargingPeriod(Message, frozen=True):
    start_period: Time
    dimensions: OneOrMore[CostDimension] | None = None
    tariff_id: String60 | None = None


class TotalCost(Message, frozen=True):
    currency: String3
    type_of_cost: TariffCost
    total: TotalPrice
    fixed: Price | None = None
    energy: Price | None = None
    charging_time: Price | None = None
    idle_time: Price | None = None
    reservation_time: Price | None = None
    reservation_fixed: Price | None = None


class Transaction(Message, frozen=True):
    transaction_id: String36
    charging_state: ChargingState | None = None
    time_spent_charging: int | None = None
    stopped_reason: Reason | None = None
    remote_start_id: int | None = None
    operation_mode: Annotated[OperationMode | None, Since21] = None
    tariff_id: Annotated[String60 | None, Since21] = None
    transaction_limit: Annotated[TransactionLimit | None, Since21] = None


class CostDetails(Message, frozen=True):
    total_cost: TotalCost
    total_usage: TotalUsage
    charging_periods: OneOrMore[ChargingPeriod] | None = None
    failure_to_calculate: bool | None = None
    failure_reason: String500 | None = None


class GetTransactionStatusResponse(Response, frozen=True):
    action = "GetTransactionStatus"

    messages_in_queue: bool
    ongoing_indicator: bool | None = None


class GetTransactionStatusRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action = "GetTransactionStatus"
    response = GetTransactionStatusResponse

    transaction_id: String36 | None = None


class TransactionEventResponse(Response, frozen=True):
    action = "TransactionEvent"

    total_cost: float | None = None
    charging_priority: int | None = None
    id_token_info: IdTokenInfo | None = None
    transaction_limit: Annotated[TransactionLimit | None, Since21] = None
    updated_personal_message: MessageContent | None = None
    updated_personal_message_extra: Annotated[
        Annotated[OneOrMore[MessageContent], Meta(max_length=4)] | None, Since21
    ] = None


class TransactionEventRequest(Request, frozen=True):
    """Sent by the station."""

    action = "TransactionEvent"
    response = TransactionEventResponse

    event_type: TransactionEvent
    timestamp: Time
    trigger_reason: TriggerReason
    seq_no: Natural
    transaction_info: Transaction
    cost_details: Annotated[CostDetails | None, Since21] = None
    meter_value: OneOrMore[MeterValue] | None = None
    offline: bool | None = None
    number_of_phases_used: Annotated[int, In21(ge=0, le=3)] | None = None
    cable_max_current: int | None = None
    reservation_id: Natural | None = None
    preconditioning_status: Annotated[PreconditioningStatus | None, Since21] = None
    evse_sleep: Annotated[bool | None, Since21] = None
    evse: EVSE | None = None
    id_token: IdToken | None = None
