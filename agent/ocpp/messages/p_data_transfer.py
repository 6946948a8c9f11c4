"""Block P, data transfer: whatever two vendors agreed on.  No behaviour."""

from __future__ import annotations

from typing import Any, Literal

from agent.ocpp.messages.base import Request, Response
from agent.ocpp.messages.common import StatusInfo, String50, String255

DataTransferStatus = Literal["Accepted", "Rejected", "UnknownMessageId", "UnknownVendorId"]


class DataTransferResponse(Response, frozen=True):
    action = "DataTransfer"

    status: DataTransferStatus
    status_info: StatusInfo | None = None
    data: Any = None


class DataTransferRequest(Request, frozen=True):
    """Sent by either side."""

    action = "DataTransfer"
    response = DataTransferResponse

    vendor_id: String255
    message_id: String50 | None = None
    data: Any = None
