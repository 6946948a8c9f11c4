"""Block O, messages on the station's display.  No behaviour."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from agent.ocpp.messages.base import Message, Natural, OneOrMore, Request, Response, Since21, Time
from agent.ocpp.messages.common import Component, MessageContent, StatusInfo, String36

ClearMessageStatus = Annotated[Literal["Accepted", "Unknown", "Rejected"], Since21("Rejected")]

DisplayMessageStatus = Annotated[
    Literal[
        "Accepted",
        "NotSupportedMessageFormat",
        "Rejected",
        "NotSupportedPriority",
        "NotSupportedState",
        "UnknownTransaction",
        "LanguageNotSupported",
    ],
    Since21("LanguageNotSupported"),
]

GetDisplayMessagesStatus = Literal["Accepted", "Unknown"]

MessagePriority = Literal["AlwaysFront", "InFront", "NormalCycle"]

MessageState = Annotated[
    Literal["Charging", "Faulted", "Idle", "Unavailable", "Suspended", "Discharging"],
    Since21("Suspended", "Discharging"),
]


class MessageInfo(Message, frozen=True):
    id: Natural
    priority: MessagePriority
    message: MessageContent
    display: Component | None = None
    state: MessageState | None = None
    start_date_time: Time | None = None
    end_date_time: Time | None = None
    transaction_id: String36 | None = None
    message_extra: Annotated[Annotated[OneOrMore[MessageContent], Meta(max_length=4)] | None, Since21] = None


class ClearDisplayMessageResponse(Response, frozen=True):
    action = "ClearDisplayMessage"

    status: ClearMessageStatus
    status_info: StatusInfo | None = None


class ClearDisplayMessageRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action = "ClearDisplayMessage"
    response = ClearDisplayMessageResponse

    id: Natural


class GetDisplayMessagesResponse(Response, frozen=True):
    action = "GetDisplayMessages"

    status: GetDisplayMessagesStatus
    status_info: StatusInfo | None = None


class GetDisplayMessagesRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action = "GetDisplayMessages"
    response = GetDisplayMessagesResponse

    request_id: int
    id: OneOrMore[Natural] | None = None
    priority: MessagePriority | None = None
    state: MessageState | None = None


class NotifyDisplayMessagesResponse(Response, frozen=True):
    action = "NotifyDisplayMessages"


class NotifyDisplayMessagesRequest(Request, frozen=True):
    """Sent by the station."""

    action = "NotifyDisplayMessages"
    response = NotifyDisplayMessagesResponse

    request_id: int
    message_info: OneOrMore[MessageInfo] | None = None
    tbc: bool | None = None


class SetDisplayMessageResponse(Response, frozen=True):
    action = "SetDisplayMessage"

    status: DisplayMessageStatus
    status_info: StatusInfo | None = None


class SetDisplayMessageRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action = "SetDisplayMessage"
    response = SetDisplayMessageResponse

    message: MessageInfo
