"""Block G, availability: connector status, heartbeat, taking out of service.  No behaviour."""

from __future__ import annotations

from typing import Literal

from agent.ocpp.messages.base import Natural, Request, Response, Time
from agent.ocpp.messages.common import EVSE, StatusInfo

ChangeAvailabilityStatus = Literal["Accepted", "Rejected", "Scheduled"]

ConnectorStatus = Literal["Available", "Occupied", "Reserved", "Unavailable", "Faulted"]

OperationalStatus = Literal["Inoperative", "Operative"]


class ChangeAvailabilityResponse(Response, frozen=True):
    action = "ChangeAvailability"

    status: ChangeAvailabilityStatus
    status_info: StatusInfo | None = None


class ChangeAvailabilityRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action = "ChangeAvailability"
    response = ChangeAvailabilityResponse

    operational_status: OperationalStatus
    evse: EVSE | None = None


class HeartbeatResponse(Response, frozen=True):
    action = "Heartbeat"

    current_time: Time


class HeartbeatRequest(Request, frozen=True):
    """Sent by the station."""

    action = "Heartbeat"
    response = HeartbeatResponse


class StatusNotificationResponse(Response, frozen=True):
    action = "StatusNotification"


class StatusNotificationRequest(Request, frozen=True):
    """Sent by the station."""

    action = "StatusNotification"
    response = StatusNotificationResponse

    timestamp: Time
    connector_status: ConnectorStatus
    evse_id: Natural
    connector_id: Natural
