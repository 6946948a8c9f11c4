"""Block Q, bidirectional power transfer (2.1).  No behaviour."""

from __future__ import annotations

from typing import ClassVar, Literal

from agent.ocpp.messages.base import OneOrMore, Request, Response, Time
from agent.ocpp.messages.common import EnergyTransferMode, GenericStatus, StatusInfo, String36

NotifyAllowedEnergyTransferStatus = Literal["Accepted", "Rejected"]


class AFRRSignalResponse(Response, frozen=True):
    action: ClassVar[str] = "AFRRSignal"

    status: GenericStatus
    status_info: StatusInfo | None = None


class AFRRSignalRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action: ClassVar[str] = "AFRRSignal"
    response: ClassVar[type[Response]] = AFRRSignalResponse

    timestamp: Time
    signal: int


class NotifyAllowedEnergyTransferResponse(Response, frozen=True):
    action: ClassVar[str] = "NotifyAllowedEnergyTransfer"

    status: NotifyAllowedEnergyTransferStatus
    status_info: StatusInfo | None = None


class NotifyAllowedEnergyTransferRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action: ClassVar[str] = "NotifyAllowedEnergyTransfer"
    response: ClassVar[type[Response]] = NotifyAllowedEnergyTransferResponse

    transaction_id: String36
    allowed_energy_transfer: OneOrMore[EnergyTransferMode]
