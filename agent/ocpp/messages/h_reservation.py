"""Block H, reservation.  No behaviour."""

from __future__ import annotations

from typing import Annotated, Literal

from agent.ocpp.messages.base import In201, Natural, Request, Response, Since21, Time
from agent.ocpp.messages.common import IdToken, StatusInfo, String20

CancelReservationStatus = Literal["Accepted", "Rejected"]

Connector = Literal[
    "cCCS1",
    "cCCS2",
    "cG105",
    "cTesla",
    "cType1",
    "cType2",
    "s309-1P-16A",
    "s309-1P-32A",
    "s309-3P-16A",
    "s309-3P-32A",
    "sBS1361",
    "sCEE-7-7",
    "sType2",
    "sType3",
    "Other1PhMax16A",
    "Other1PhOver16A",
    "Other3Ph",
    "Pan",
    "wInductive",
    "wResonant",
    "Undetermined",
    "Unknown",
]  # 2.0.1; an open string since 2.1

ReservationUpdateStatus = Annotated[Literal["Expired", "Removed", "NoTransaction"], Since21("NoTransaction")]

ReserveNowStatus = Literal["Accepted", "Faulted", "Occupied", "Rejected", "Unavailable"]


class CancelReservationResponse(Response, frozen=True):
    action = "CancelReservation"

    status: CancelReservationStatus
    status_info: StatusInfo | None = None


class CancelReservationRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action = "CancelReservation"
    response = CancelReservationResponse

    reservation_id: Natural


class ReservationStatusUpdateResponse(Response, frozen=True):
    action = "ReservationStatusUpdate"


class ReservationStatusUpdateRequest(Request, frozen=True):
    """Sent by the station."""

    action = "ReservationStatusUpdate"
    response = ReservationStatusUpdateResponse

    reservation_id: Natural
    reservation_update_status: ReservationUpdateStatus


class ReserveNowResponse(Response, frozen=True):
    action = "ReserveNow"

    status: ReserveNowStatus
    status_info: StatusInfo | None = None


class ReserveNowRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action = "ReserveNow"
    response = ReserveNowResponse

    id: Natural
    expiry_date_time: Time
    id_token: IdToken
    connector_type: Annotated[String20, In201(Connector)] | None = None
    evse_id: Natural | None = None
    group_id_token: IdToken | None = None
