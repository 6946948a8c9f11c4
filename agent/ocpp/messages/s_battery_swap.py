"""Block S, battery swapping (2.1).  No behaviour."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from agent.ocpp.messages.base import Message, NonNegative, OneOrMore, Request, Response, Time
from agent.ocpp.messages.common import GenericStatus, IdToken, StatusInfo, String50, String500

BatterySwapEvent = Literal["BatteryIn", "BatteryOut", "BatteryOutTimeout"]


class BatteryData(Message, frozen=True):
    evse_id: NonNegative
    serial_number: String50
    soc: Annotated[float, Meta(ge=0, le=100)] = field(name="soC")
    soh: Annotated[float, Meta(ge=0, le=100)] = field(name="soH")
    production_date: Time | None = None
    vendor_info: String500 | None = None


class BatterySwapResponse(Response, frozen=True):
    action = "BatterySwap"


class BatterySwapRequest(Request, frozen=True):
    """Sent by the station."""

    action = "BatterySwap"
    response = BatterySwapResponse

    battery_data: OneOrMore[BatteryData]
    event_type: BatterySwapEvent
    id_token: IdToken
    request_id: int


class RequestBatterySwapResponse(Response, frozen=True):
    action = "RequestBatterySwap"

    status: GenericStatus
    status_info: StatusInfo | None = None


class RequestBatterySwapRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action = "RequestBatterySwap"
    response = RequestBatterySwapResponse

    id_token: IdToken
    request_id: int
