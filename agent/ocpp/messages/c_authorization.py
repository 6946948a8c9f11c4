"""Block C, authorization: who may charge, the cache, payment.  No behaviour."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from agent.ocpp.messages.base import In201, Message, NonNegative, OneOrMore, Request, Response, Since21, Time
from agent.ocpp.messages.common import (
    EnergyTransferMode,
    GenericStatus,
    IdToken,
    IdTokenInfo,
    OCSPRequestData,
    StatusInfo,
    String20,
    String36,
    String50,
    String100,
    String255,
    String500,
    String2000,
    String10000,
    Tariff,
)

AuthorizeCertificateStatus = Literal[
    "Accepted",
    "SignatureError",
    "CertificateExpired",
    "CertificateRevoked",
    "NoCertificateAvailable",
    "CertChainError",
    "ContractCancelled",
]

ClearCacheStatus = Literal["Accepted", "Rejected"]

PaymentStatus = Literal["Settled", "Canceled", "Rejected", "Failed"]


class Address(Message, frozen=True):
    name: String50
    address1: String100
    city: String100
    country: String50
    address2: String100 | None = None
    postal_code: String20 | None = None


class AuthorizeResponse(Response, frozen=True):
    action = "Authorize"

    id_token_info: IdTokenInfo
    certificate_status: AuthorizeCertificateStatus | None = None
    allowed_energy_transfer: Annotated[OneOrMore[EnergyTransferMode] | None, Since21] = None
    tariff: Annotated[Tariff | None, Since21] = None


class AuthorizeRequest(Request, frozen=True):
    """Sent by the station."""

    action = "Authorize"
    response = AuthorizeResponse

    id_token: IdToken
    certificate: Annotated[String10000, In201(max_length=5500)] | None = None
    iso15118_certificate_hash_data: Annotated[OneOrMore[OCSPRequestData], Meta(max_length=4)] | None = None


class ClearCacheResponse(Response, frozen=True):
    action = "ClearCache"

    status: ClearCacheStatus
    status_info: StatusInfo | None = None


class ClearCacheRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action = "ClearCache"
    response = ClearCacheResponse


class NotifySettlementResponse(Response, frozen=True):
    action = "NotifySettlement"

    receipt_url: String2000 | None = None
    receipt_id: String50 | None = None


class NotifySettlementRequest(Request, frozen=True):
    """Sent by the station."""

    action = "NotifySettlement"
    response = NotifySettlementResponse

    psp_ref: String255
    status: PaymentStatus
    settlement_amount: float
    settlement_time: Time
    transaction_id: String36 | None = None
    status_info: String500 | None = None
    receipt_id: String50 | None = None
    receipt_url: String2000 | None = None
    vat_company: Address | None = None
    vat_number: String20 | None = None


class NotifyWebPaymentStartedResponse(Response, frozen=True):
    action = "NotifyWebPaymentStarted"


class NotifyWebPaymentStartedRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action = "NotifyWebPaymentStarted"
    response = NotifyWebPaymentStartedResponse

    evse_id: NonNegative
    timeout: int


class VatNumberValidationResponse(Response, frozen=True):
    action = "VatNumberValidation"

    vat_number: String20
    status: GenericStatus
    company: Address | None = None
    status_info: StatusInfo | None = None
    evse_id: NonNegative | None = None


class VatNumberValidationRequest(Request, frozen=True):
    """Sent by the station."""

    action = "VatNumberValidation"
    response = VatNumberValidationResponse

    vat_number: String20
    evse_id: NonNegative | None = None
