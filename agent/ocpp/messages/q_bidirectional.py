"""Block Q, bidirectional power transfer (2.1).  No behaviour."""

from __future__ import annotations

from typing import Literal

from agent.ocpp.messages.base import OneOrMore, Request, Response, Time
from agent.ocpp.messages.common import EnergyTransferMode, GenericStatus, StatusInfo, String36

NotifyAllowedEnergyTransferStatus = Literal["Accepted", "Rejected"]


class AFRRSignalResponse(Response, frozen=True):
    action = "AFRRSignal"

    status: GenericStatus
    status_info: StatusInfo | None = None


class AFRRSignalRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action = "AFRRSignal"
    response = AFRRSignalResponse

    timestamp: Time
    signal: int


class NotifyAllowedEnergyTransferResponse(Response, frozen=True):
    action = "NotifyAllowedEnergyTransfer"

    status: NotifyAllowedEnergyTransferStatus
    status_info: StatusInfo | None = None


class NotifyAllowedEnergyTransferRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action = "NotifyAllowedEnergyTransfer"
    response = NotifyAllowedEnergyTransferResponse

    transaction_id: String36
    allowed_energy_transfer: OneOrMore[EnergyTransferMode]
