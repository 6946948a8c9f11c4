"""Block F, remote control: start, stop, unlock, trigger.  No behaviour."""

from __future__ import annotations

from typing import Annotated, Literal

from agent.ocpp.messages.base import In21, Natural, Request, Response, Since21
from agent.ocpp.messages.common import EVSE, ChargingProfile, IdToken, StatusInfo, String36, String50

MessageTrigger = Annotated[
    Literal[
        "BootNotification",
        "LogStatusNotification",
        "FirmwareStatusNotification",
        "Heartbeat",
        "MeterValues",
        "SignChargingStationCertificate",
        "SignV2GCertificate",
        "SignV2G20Certificate",
        "StatusNotification",
        "TransactionEvent",
        "SignCombinedCertificate",
        "PublishFirmwareStatusNotification",
        "CustomTrigger",
    ],
    Since21("SignV2G20Certificate", "CustomTrigger"),
]

RequestStartStopStatus = Literal["Accepted", "Rejected"]

TriggerMessageStatus = Literal["Accepted", "Rejected", "NotImplemented"]

UnlockStatus = Literal["Unlocked", "UnlockFailed", "OngoingAuthorizedTransaction", "UnknownConnector"]


class RequestStartTransactionResponse(Response, frozen=True):
    action = "RequestStartTransaction"

    status: RequestStartStopStatus
    status_info: StatusInfo | None = None
    transaction_id: String36 | None = None


class RequestStartTransactionRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action = "RequestStartTransaction"
    response = RequestStartTransactionResponse

    id_token: IdToken
    remote_start_id: int
    evse_id: Annotated[int, In21(ge=1)] | None = None
    group_id_token: IdToken | None = None
    charging_profile: ChargingProfile | None = None


class RequestStopTransactionResponse(Response, frozen=True):
    action = "RequestStopTransaction"

    status: RequestStartStopStatus
    status_info: StatusInfo | None = None


class RequestStopTransactionRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action = "RequestStopTransaction"
    response = RequestStopTransactionResponse

    transaction_id: String36


class TriggerMessageResponse(Response, frozen=True):
    action = "TriggerMessage"

    status: TriggerMessageStatus
    status_info: StatusInfo | None = None


class TriggerMessageRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action = "TriggerMessage"
    response = TriggerMessageResponse

    requested_message: MessageTrigger
    evse: EVSE | None = None
    custom_trigger: Annotated[String50 | None, Since21] = None


class UnlockConnectorResponse(Response, frozen=True):
    action = "UnlockConnector"

    status: UnlockStatus
    status_info: StatusInfo | None = None


class UnlockConnectorRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action = "UnlockConnector"
    response = UnlockConnectorResponse

    evse_id: Natural
    connector_id: Natural
