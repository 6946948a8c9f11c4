"""Block G, availability: connector status, heartbeat, taking out of service.  No behaviour."""

from __future__ import annotations

from typing import ClassVar, Literal

from agent.ocpp.messages.base import Natural, Request, Response, Time
from agent.ocpp.messages.common import EVSE, StatusInfo

ChangeAvailabilityStatus = Literal["Accepted", "Rejected", "Scheduled"]

ConnectorStatus = Literal["Available", "Occupied", "Reserved", "Unavailable", "Faulted"]

OperationalStatus = Literal["Inoperative", "Operative"]


class ChangeAvailabilityResponse(Response, frozen=True):
    action: ClassVar[str] = "ChangeAvailability"

    status: ChangeAvailabilityStatus
    status_info: StatusInfo | None = None


class ChangeAvailabilityRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action: ClassVar[str] = "ChangeAvailability"
    response: ClassVar[type[Response]] = ChangeAvailabilityResponse

    operational_status: OperationalStatus
    evse: EVSE | None = None


class HeartbeatResponse(Response, frozen=True):
    action: ClassVar[str] = "Heartbeat"

    current_time: Time


class HeartbeatRequest(Request, frozen=True):
    """Sent by the station."""

    action: ClassVar[str] = "Heartbeat"
    response: ClassVar[type[Response]] = HeartbeatResponse


class StatusNotificationResponse(Response, frozen=True):
    action: ClassVar[str] = "StatusNotification"


class StatusNotificationRequest(Request, frozen=True):
    """Sent by the station."""

    action: ClassVar[str] = "StatusNotification"
    response: ClassVar[type[Response]] = StatusNotificationResponse

    timestamp: Time
    connector_status: ConnectorStatus
    evse_id: Natural
    connector_id: Natural
