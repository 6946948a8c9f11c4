"""Block I, tariff and cost.  No behaviour."""

from __future__ import annotations

from typing import Literal

from agent.ocpp.messages.base import Message, NonNegative, OneOrMore, Request, Response, Time
from agent.ocpp.messages.common import StatusInfo, String36, String60, String255, Tariff

TariffChangeStatus = Literal[
    "Accepted", "Rejected", "TooManyElements", "ConditionNotSupported", "TxNotFound", "NoCurrencyChange"
]

TariffClearStatus = Literal["Accepted", "Rejected", "NoTariff"]

TariffGetStatus = Literal["Accepted", "Rejected", "NoTariff"]

TariffKind = Literal["DefaultTariff", "DriverTariff"]

TariffSetStatus = Literal["Accepted", "Rejected", "TooManyElements", "ConditionNotSupported", "DuplicateTariffId"]


class ClearTariffsResult(Message, frozen=True):
    status: TariffClearStatus
    status_info: StatusInfo | None = None
    tariff_id: String60 | None = None


class TariffAssignment(Message, frozen=True):
    tariff_id: String60
    tariff_kind: TariffKind
    valid_from: Time | None = None
    evse_ids: OneOrMore[NonNegative] | None = None
    id_tokens: OneOrMore[String255] | None = None


class ChangeTransactionTariffResponse(Response, frozen=True):
    action = "ChangeTransactionTariff"

    status: TariffChangeStatus
    status_info: StatusInfo | None = None


class ChangeTransactionTariffRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action = "ChangeTransactionTariff"
    response = ChangeTransactionTariffResponse

    tariff: Tariff
    transaction_id: String36


class ClearTariffsResponse(Response, frozen=True):
    action = "ClearTariffs"

    clear_tariffs_result: OneOrMore[ClearTariffsResult]


class ClearTariffsRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action = "ClearTariffs"
    response = ClearTariffsResponse

    tariff_ids: OneOrMore[String60] | None = None
    evse_id: NonNegative | None = None


class CostUpdatedResponse(Response, frozen=True):
    action = "CostUpdated"


class CostUpdatedRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action = "CostUpdated"
    response = CostUpdatedResponse

    total_cost: float
    transaction_id: String36


class GetTariffsResponse(Response, frozen=True):
    action = "GetTariffs"

    status: TariffGetStatus
    status_info: StatusInfo | None = None
    tariff_assignments: OneOrMore[TariffAssignment] | None = None


class GetTariffsRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action = "GetTariffs"
    response = GetTariffsResponse

    evse_id: NonNegative


class SetDefaultTariffResponse(Response, frozen=True):
    action = "SetDefaultTariff"

    status: TariffSetStatus
    status_info: StatusInfo | None = None


class SetDefaultTariffRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action = "SetDefaultTariff"
    response = SetDefaultTariffResponse

    evse_id: NonNegative
    tariff: Tariff
