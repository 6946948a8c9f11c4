"""Block L, firmware: updating the station, publishing firmware to others.  No behaviour."""

from __future__ import annotations

from typing import Annotated, Literal

from agent.ocpp.messages.base import In201, Message, Natural, OneOrMore, Request, Response, Since21, Time
from agent.ocpp.messages.common import GenericStatus, StatusInfo, String32, String800, String2000, String5500

FirmwareStatus = Literal[
    "Downloaded",
    "DownloadFailed",
    "Downloading",
    "DownloadScheduled",
    "DownloadPaused",
    "Idle",
    "InstallationFailed",
    "Installing",
    "Installed",
    "InstallRebooting",
    "InstallScheduled",
    "InstallVerificationFailed",
    "InvalidSignature",
    "SignatureVerified",
]

PublishFirmwareStatus = Literal[
    "Idle",
    "DownloadScheduled",
    "Downloading",
    "Downloaded",
    "Published",
    "DownloadFailed",
    "DownloadPaused",
    "InvalidChecksum",
    "ChecksumVerified",
    "PublishFailed",
]

UnpublishFirmwareStatus = Literal["DownloadOngoing", "NoFirmware", "Unpublished"]

UpdateFirmwareStatus = Literal["Accepted", "Rejected", "AcceptedCanceled", "InvalidCertificate", "RevokedCertificate"]


class Firmware(Message, frozen=True):
    location: Annotated[String2000, In201(max_length=512)]
    retrieve_date_time: Time
    install_date_time: Time | None = None
    signing_certificate: String5500 | None = None
    signature: String800 | None = None


class FirmwareStatusNotificationResponse(Response, frozen=True):
    action = "FirmwareStatusNotification"


class FirmwareStatusNotificationRequest(Request, frozen=True):
    """Sent by the station."""

    action = "FirmwareStatusNotification"
    response = FirmwareStatusNotificationResponse

    status: FirmwareStatus
    request_id: int | None = None
    status_info: Annotated[StatusInfo | None, Since21] = None


class PublishFirmwareResponse(Response, frozen=True):
    action = "PublishFirmware"

    status: GenericStatus
    status_info: StatusInfo | None = None


class PublishFirmwareRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action = "PublishFirmware"
    response = PublishFirmwareResponse

    location: Annotated[String2000, In201(max_length=512)]
    checksum: String32
    request_id: Natural
    retries: Natural | None = None
    retry_interval: Natural | None = None


class PublishFirmwareStatusNotificationResponse(Response, frozen=True):
    action = "PublishFirmwareStatusNotification"


class PublishFirmwareStatusNotificationRequest(Request, frozen=True):
    """Sent by the station."""

    action = "PublishFirmwareStatusNotification"
    response = PublishFirmwareStatusNotificationResponse

    status: PublishFirmwareStatus
    location: OneOrMore[Annotated[String2000, In201(max_length=512)]] | None = None
    request_id: Natural | None = None
    status_info: Annotated[StatusInfo | None, Since21] = None


class UnpublishFirmwareResponse(Response, frozen=True):
    action = "UnpublishFirmware"

    status: UnpublishFirmwareStatus


class UnpublishFirmwareRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action = "UnpublishFirmware"
    response = UnpublishFirmwareResponse

    checksum: String32


class UpdateFirmwareResponse(Response, frozen=True):
    action = "UpdateFirmware"

    status: UpdateFirmwareStatus
    status_info: StatusInfo | None = None


class UpdateFirmwareRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action = "UpdateFirmware"
    response = UpdateFirmwareResponse

    request_id: int
    firmware: Firmware
    retries: Natural | None = None
    retry_interval: int | None = None
