"""An update under way, as it outlives the power: what was asked for and how far it is.  Decides nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from agent.ocpp.messages import l_firmware as m
from agent.ocpp.messages.common import StatusInfo

Stage = Literal[
    "scheduled",  # the bundle is not to be fetched yet
    "downloading",
    "paused",  # an attempt failed, another one follows
    "checking",
    "ready",  # it is good, and not to be installed yet
    "installing",
    "written",  # to the other slot, which may start as soon as nobody charges
    "rebooting",
    "proving",  # the new release runs, and has to show that it works
    "leaving",  # it does not
    "over",  # it failed; what was told last is remembered
]

AT_WORK = frozenset({"downloading", "paused", "checking", "installing", "written", "rebooting", "proving", "leaving"})
"""What a reset on idle waits for (erratum 2.14); a time that has not come is no work."""

WRITTEN = frozenset({"installing", "written", "rebooting", "proving", "leaving"})
"""The other slot has it, or part of it."""

NO_WAY_BACK = frozenset({"installing", "rebooting", "proving", "leaving"})
"""What nobody can cancel or interrupt."""

OWN_RETRIES = 3
"""How often a download is tried again where the CSMS leaves it to us."""

OWN_RETRY_S = 60.0


class Update(msgspec.Struct):
    """``slot`` is the one that ran when it was asked for, ``tries`` those of the present stage."""

    request_id: int
    url: str
    certificate: str
    signature: str
    retrieve_at: datetime
    install_at: datetime | None
    slot: str
    retries: int | None = None
    retry_s: float = OWN_RETRY_S
    stage: Stage = "scheduled"
    told: m.FirmwareStatus = "Idle"
    tries: int = 0
    version: str = ""
    reason: str = ""

    def may_retry(self, *, hopeless: bool) -> bool:
        """Whether another attempt to download is due after ``tries`` that failed."""
        allowed = (0 if hopeless else OWN_RETRIES) if self.retries is None else self.retries
        return self.tries <= allowed

    def status(self) -> m.FirmwareStatusNotificationRequest:
        """What was told last; after the end of a good one, or before the first, that nothing is under way."""
        if self.told in ("Installed", "Idle"):
            return m.FirmwareStatusNotificationRequest(status="Idle")
        return m.FirmwareStatusNotificationRequest(status=self.told, request_id=self.request_id)


def update_of(request: m.UpdateFirmwareRequest, slot: str) -> Update:
    """As the CSMS asks for it."""
    firmware = request.firmware
    return Update(
        request_id=request.request_id,
        url=firmware.location,
        certificate=firmware.signing_certificate or "",
        signature=firmware.signature or "",
        retrieve_at=firmware.retrieve_date_time,
        install_at=firmware.install_date_time,
        slot=slot,
        retries=request.retries,
        retry_s=OWN_RETRY_S if request.retry_interval is None else float(max(0, request.retry_interval)),
    )


def refused(status: m.UpdateFirmwareStatus, code: str, why: str) -> m.UpdateFirmwareResponse:
    """An answer with its reason."""
    info = StatusInfo(reason_code=code, additional_info=why[:512])
    return m.UpdateFirmwareResponse(status=status, status_info=info)
