"""Block A, security: certificates of the station, security events.  No behaviour."""

from __future__ import annotations

from typing import Annotated, Literal

from agent.ocpp.messages.base import Request, Response, Since21, Time
from agent.ocpp.messages.common import (
    CertificateHashData,
    GenericStatus,
    StatusInfo,
    String50,
    String255,
    String5500,
    String10000,
)

CertificateSignedStatus = Literal["Accepted", "Rejected"]

CertificateSigningUse = Annotated[
    Literal["ChargingStationCertificate", "V2GCertificate", "V2G20Certificate"], Since21("V2G20Certificate")
]


class CertificateSignedResponse(Response, frozen=True):
    action = "CertificateSigned"

    status: CertificateSignedStatus
    status_info: StatusInfo | None = None


class CertificateSignedRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action = "CertificateSigned"
    response = CertificateSignedResponse

    certificate_chain: String10000
    certificate_type: CertificateSigningUse | None = None
    request_id: Annotated[int | None, Since21] = None


class SecurityEventNotificationResponse(Response, frozen=True):
    action = "SecurityEventNotification"


class SecurityEventNotificationRequest(Request, frozen=True):
    """Sent by the station."""

    action = "SecurityEventNotification"
    response = SecurityEventNotificationResponse

    type: String50
    timestamp: Time
    tech_info: String255 | None = None


class SignCertificateResponse(Response, frozen=True):
    action = "SignCertificate"

    status: GenericStatus
    status_info: StatusInfo | None = None


class SignCertificateRequest(Request, frozen=True):
    """Sent by the station."""

    action = "SignCertificate"
    response = SignCertificateResponse

    csr: String5500
    certificate_type: CertificateSigningUse | None = None
    hash_root_certificate: Annotated[CertificateHashData | None, Since21] = None
    request_id: Annotated[int | None, Since21] = None
