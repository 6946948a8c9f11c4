"""Block N: a log is uploaded where the CSMS wants it (N01).  Does not know what stands in a log, nor how it travels."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from agent.blocks.base import Block, Desk, objection_to
from agent.model.catalogue import FILE_TRANSFER_PROTOCOLS
from agent.ocpp.messages import n_diagnostics as m
from agent.ocpp.messages.common import StatusInfo
from agent.vocabulary.commands import Answer, CancelUpload, KeepRecord, UploadLog
from agent.vocabulary.facts import CameOnline, TriggerRequested
from agent.vocabulary.incoming import CallFailed, UploadEnded
from agent.vocabulary.values import Now

UPLOADING = "upload/log"
BUSY = "a log is uploaded"
RETRY_S = 60
"""Between two attempts, when the CSMS names no interval."""

FILE_NAMES: Mapping[str, tuple[str, str]] = {
    "DiagnosticsLog": ("diagnostics", "tar.gz"),
    "SecurityLog": ("security", "jsonl.gz"),
}


class Ongoing(msgspec.Struct):
    """An upload: what is wanted, and how many attempts are left."""

    wanted: UploadLog
    retries: int
    retry_s: float
    retry_at: float | None = None


class LogUpload(Block):
    """One upload at a time, the newest; each attempt says that it begins and what came of it (TC_N_26)."""

    letter = "N"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._ongoing: Ongoing | None = None
        self._unheard: m.LogStatusNotificationRequest | None = None

    # ---- what the CSMS wants ----

    def get(self, request: m.GetLogRequest, now: Now) -> m.GetLogResponse | None:
        name = FILE_NAMES.get(request.log_type)
        if name is None:  # N01.FR.05
            return _rejected(
                "UnsupportedRequest", f"there is no {request.log_type} here; there are {', '.join(FILE_NAMES)}"
            )
        if why := objection_to(request.log.remote_location, self.desk.model[FILE_TRANSFER_PROTOCOLS]):
            return _rejected("UnsupportedParam", f"remoteLocation: {why}")
        oldest, latest = request.log.oldest_timestamp, request.log.latest_timestamp
        if oldest is not None and latest is not None and oldest > latest:
            return _rejected("InvalidValue", f"oldestTimestamp {oldest:%FT%TZ} is after {latest:%FT%TZ}")
        canceled = self._cancel()
        stem, suffix = name
        wanted = UploadLog(
            request_id=request.request_id,
            log_type=request.log_type,
            url=request.log.remote_location,
            filename=f"{stem}-{_stamp(now.wall)}.{suffix}",
            oldest=oldest,
            latest=latest,
        )
        self._ongoing = Ongoing(wanted, request.retries or 0, float(request.retry_interval or RETRY_S))
        self.desk.busy.add(BUSY)
        self.desk.tell(KeepRecord(UPLOADING, str(request.request_id).encode()))
        status: m.LogStatus = "AcceptedCanceled" if canceled is not None else "Accepted"  # N01.FR.12
        answer = m.GetLogResponse(status=status, filename=wanted.filename)
        self.desk.tell(Answer(self.desk.message_id, answer))
        if canceled is not None:
            self._say("AcceptedCanceled", canceled)  # N01.FR.20
        self._attempt(self._ongoing)  # behind its answer
        return None

    calls = {m.GetLogRequest: get}

    def _cancel(self) -> int | None:
        """The requestId of what is not wanted any more."""
        if self._ongoing is None:
            return None
        self.desk.tell(CancelUpload())
        canceled, self._ongoing = self._ongoing.wanted.request_id, None
        return canceled

    # ---- attempts ----

    def _attempt(self, ongoing: Ongoing) -> None:
        ongoing.retry_at = None
        self._say("Uploading", ongoing.wanted.request_id)  # N01.FR.08
        self.desk.tell(ongoing.wanted)

    def ended(self, event: UploadEnded, now: Now) -> None:
        """An attempt is over; of one that was cancelled nobody wants to hear."""
        ongoing = self._ongoing
        if ongoing is None or event.request_id != ongoing.wanted.request_id:
            return
        self._say(event.status, event.request_id)  # N01.FR.09, N01.FR.10
        if event.status != "Uploaded" and ongoing.retries > 0:
            ongoing.retries -= 1
            ongoing.retry_at = now.mono + ongoing.retry_s
            return
        self._ongoing = None
        self.desk.busy.discard(BUSY)
        self.desk.tell(KeepRecord(UPLOADING, None))

    def next_deadline(self) -> float | None:
        return None if self._ongoing is None else self._ongoing.retry_at

    def expire(self, now: Now) -> None:
        ongoing = self._ongoing
        if ongoing is not None and ongoing.retry_at is not None and now.mono >= ongoing.retry_at:
            self._attempt(ongoing)

    def remember(self, records: Mapping[str, bytes], now: Now) -> None:
        """An upload that the power ended has failed; the CSMS is told when it is there."""
        request_id = self.desk.read_record(UPLOADING, records[UPLOADING], int) if UPLOADING in records else None
        if request_id is not None:
            self.desk.tell(KeepRecord(UPLOADING, None))
            self._unheard = m.LogStatusNotificationRequest(status="UploadFailure", request_id=request_id)

    # ---- what the CSMS hears ----

    def _say(self, status: m.UploadLogStatus, request_id: int) -> None:
        self._unheard = None
        self.desk.send(m.LogStatusNotificationRequest(status=status, request_id=request_id), asked_for=True)

    def heard(
        self, request: m.LogStatusNotificationRequest, outcome: m.LogStatusNotificationResponse | CallFailed, now: Now
    ) -> None:
        """The last word of an upload is said again when nobody heard it."""
        lost = isinstance(outcome, CallFailed) and outcome.code in ("Offline", "Timeout")
        if lost and request.status not in ("Uploading", "Idle") and self._ongoing is None:
            self._unheard = request

    answers = {m.LogStatusNotificationRequest: heard}
    incoming = {UploadEnded: ended}

    def online(self, fact: CameOnline, now: Now) -> None:
        if self._unheard is not None:
            unheard, self._unheard = self._unheard, None
            self.desk.send(unheard)

    def triggered(self, fact: TriggerRequested, now: Now) -> None:
        """Where it stands; without an upload there is no requestId to name (N01.FR.13)."""
        if fact.message != "LogStatusNotification":
            return
        ongoing = self._ongoing
        request = m.LogStatusNotificationRequest(status="Idle")
        if ongoing is not None and ongoing.retry_at is None:
            request = m.LogStatusNotificationRequest(status="Uploading", request_id=ongoing.wanted.request_id)
        self.desk.send(request, asked_for=True)

    facts = {CameOnline: online, TriggerRequested: triggered}


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _rejected(code: str, text: str) -> m.GetLogResponse:
    return m.GetLogResponse(status="Rejected", status_info=StatusInfo(reason_code=code, additional_info=text[:512]))
