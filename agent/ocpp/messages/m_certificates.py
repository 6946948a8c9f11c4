"""Block M, certificates: installed ones, their status, those of the EV.  No behaviour."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from agent.ocpp.messages.base import In201, Message, NonNegative, OneOrMore, Request, Response, Since21, Time
from agent.ocpp.messages.common import (
    CertificateHashData,
    OCSPRequestData,
    StatusInfo,
    String50,
    String255,
    String2000,
    String10000,
    String11000,
    String17000,
    String18000,
)

CertificateAction = Literal["Install", "Update"]

CertificateStatusEnum = Literal["Good", "Revoked", "Unknown", "Failed"]

CertificateStatusSource = Literal["CRL", "OCSP"]

DeleteCertificateStatus = Literal["Accepted", "Failed", "NotFound"]

GetCertificateIdUse = Annotated[
    Literal[
        "V2GRootCertificate",
        "MORootCertificate",
        "CSMSRootCertificate",
        "V2GCertificateChain",
        "ManufacturerRootCertificate",
        "OEMRootCertificate",
    ],
    Since21("OEMRootCertificate"),
]

GetCertificateStatus = Literal["Accepted", "Failed"]

GetInstalledCertificateStatus = Literal["Accepted", "NotFound"]

InstallCertificateStatus = Literal["Accepted", "Rejected", "Failed"]

InstallCertificateUse = Annotated[
    Literal[
        "V2GRootCertificate",
        "MORootCertificate",
        "ManufacturerRootCertificate",
        "CSMSRootCertificate",
        "OEMRootCertificate",
    ],
    Since21("OEMRootCertificate"),
]

Iso15118EVCertificateStatus = Literal["Accepted", "Failed"]


class CertificateHashDataChain(Message, frozen=True):
    certificate_hash_data: CertificateHashData
    certificate_type: GetCertificateIdUse
    child_certificate_hash_data: Annotated[OneOrMore[CertificateHashData], Meta(max_length=4)] | None = None


class CertificateStatusRequestInfo(Message, frozen=True):
    certificate_hash_data: CertificateHashData
    source: CertificateStatusSource
    urls: Annotated[OneOrMore[String2000], Meta(max_length=5)]


class CertificateStatus(Message, frozen=True):
    certificate_hash_data: CertificateHashData
    source: CertificateStatusSource
    status: CertificateStatusEnum
    next_update: Time


class DeleteCertificateResponse(Response, frozen=True):
    action = "DeleteCertificate"

    status: DeleteCertificateStatus
    status_info: StatusInfo | None = None


class DeleteCertificateRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action = "DeleteCertificate"
    response = DeleteCertificateResponse

    certificate_hash_data: CertificateHashData


class Get15118EVCertificateResponse(Response, frozen=True):
    action = "Get15118EVCertificate"

    status: Iso15118EVCertificateStatus
    exi_response: Annotated[String17000, In201(max_length=7500)]
    status_info: StatusInfo | None = None
    remaining_contracts: Annotated[NonNegative | None, Since21] = None


class Get15118EVCertificateRequest(Request, frozen=True):
    """Sent by the station."""

    action = "Get15118EVCertificate"
    response = Get15118EVCertificateResponse

    iso15118_schema_version: String50
    certificate_action: CertificateAction = field(name="action")
    exi_request: Annotated[String11000, In201(max_length=5600)]
    maximum_contract_certificate_chains: Annotated[NonNegative | None, Since21] = None
    prioritized_emaids: Annotated[Annotated[OneOrMore[String255], Meta(max_length=8)] | None, Since21] = field(
        default=None, name="prioritizedEMAIDs"
    )


class GetCertificateChainStatusResponse(Response, frozen=True):
    action = "GetCertificateChainStatus"

    certificate_status: Annotated[OneOrMore[CertificateStatus], Meta(max_length=4)]


class GetCertificateChainStatusRequest(Request, frozen=True):
    """Sent by the station."""

    action = "GetCertificateChainStatus"
    response = GetCertificateChainStatusResponse

    certificate_status_requests: Annotated[OneOrMore[CertificateStatusRequestInfo], Meta(max_length=4)]


class GetCertificateStatusResponse(Response, frozen=True):
    action = "GetCertificateStatus"

    status: GetCertificateStatus
    status_info: StatusInfo | None = None
    ocsp_result: Annotated[String18000, In201(max_length=5500)] | None = None


class GetCertificateStatusRequest(Request, frozen=True):
    """Sent by the station."""

    action = "GetCertificateStatus"
    response = GetCertificateStatusResponse

    ocsp_request_data: OCSPRequestData


class GetInstalledCertificateIdsResponse(Response, frozen=True):
    action = "GetInstalledCertificateIds"

    status: GetInstalledCertificateStatus
    status_info: StatusInfo | None = None
    certificate_hash_data_chain: OneOrMore[CertificateHashDataChain] | None = None


class GetInstalledCertificateIdsRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action = "GetInstalledCertificateIds"
    response = GetInstalledCertificateIdsResponse

    certificate_type: OneOrMore[GetCertificateIdUse] | None = None


class InstallCertificateResponse(Response, frozen=True):
    action = "InstallCertificate"

    status: InstallCertificateStatus
    status_info: StatusInfo | None = None


class InstallCertificateRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action = "InstallCertificate"
    response = InstallCertificateResponse

    certificate_type: InstallCertificateUse
    certificate: Annotated[String10000, In201(max_length=5500)]
