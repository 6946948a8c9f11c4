"""Block L: the station is updated (L01), and says at every step how far it is.

Knows neither how a bundle travels nor how it is installed: it gives orders and hears how they ended.  The new release
is written beside the one that runs; it starts when nobody charges, and is Installed when it has shown that it works.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from agent.blocks.base import BOOT_REASON, Block, Desk, objection_to
from agent.blocks.l_update import AT_WORK, NO_WAY_BACK, WRITTEN, Stage, Update, refused, update_of
from agent.model.catalogue import ALLOW_NEW_SESSIONS_PENDING_UPDATE, FILE_TRANSFER_PROTOCOLS
from agent.ocpp.messages import l_firmware as m
from agent.session.evse import Evse
from agent.vocabulary.commands import Answer, KeepRecord, Send
from agent.vocabulary.facts import SecurityNoted, TriggerRequested
from agent.vocabulary.firmware import (
    CheckFirmware,
    DownloadFirmware,
    DropFirmware,
    FirmwareNews,
    FirmwareProved,
    FirmwareStepEnded,
    InstallFirmware,
    JudgeSigner,
    RestartBoard,
    SignerJudged,
    Trial,
    TryFirmware,
)
from agent.vocabulary.incoming import CallFailed
from agent.vocabulary.values import Now

UPDATE = "firmware/update"
BUSY = "the firmware is updated"
NO_SLOTS = "this host was not started from one of two slots (rauc.slot= on the kernel's command line)"

FAREWELL_S = 10.0
"""How long the board waits for the CSMS to hear that it restarts."""

SETTLED_S = 1.0
"""How long after its end a session has something to say."""

LAST_WORDS_S = 600.0
"""How long a release that does not work waits for the CSMS to hear what it has charged."""

MOST_TRIES = 3
"""Power cuts while it is installed, or restarts that were asked for, before an update is given up."""


class FirmwareUpdate(Block):
    """One update at a time, the newest."""

    letter = "L"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.slot = ""
        self.unable = NO_SLOTS
        self.trial: Trial = ""
        self._update: Update | None = None
        self._judging: dict[str, m.UpdateFirmwareRequest] = {}
        self._due_mono: float | None = None
        self._wait_mono = float("-inf")
        self._ordered = False
        self._quiet_mono = float("inf")

    def runs_from(self, slot: str, trial: Trial) -> None:
        """Said before anything is remembered: this slot runs, and this became of a release on trial."""
        self.unable, self.slot, self.trial = "", slot, trial

    # ---- what the CSMS wants ----

    def asked(self, request: m.UpdateFirmwareRequest, now: Now) -> m.UpdateFirmwareResponse | None:
        """Answered when the certificate was judged (L01.FR.21)."""
        objection = self._objection(request)
        if objection is not None:
            return objection
        self._judging[self.desk.message_id] = request
        pem = request.firmware.signing_certificate or ""
        self.desk.tell(JudgeSigner(self.desk.message_id, pem, now.wall if self.desk.clock_known else None))
        return None

    calls = {m.UpdateFirmwareRequest: asked}

    def _objection(self, request: m.UpdateFirmwareRequest) -> m.UpdateFirmwareResponse | None:
        if self.unable:
            return refused("Rejected", "UnsupportedRequest", self.unable)
        if self.desk.unbreakable:  # L01.FR.27
            return refused("Rejected", "FwUpdateInProgress", self.desk.unbreakable)
        if not request.firmware.signing_certificate:  # TC_L_18
            return refused("Rejected", "MissingParam", "no signingCertificate: only signed firmware is taken here")
        why = objection_to(request.firmware.location, self.desk.model[FILE_TRANSFER_PROTOCOLS])
        return refused("Rejected", "InvalidURL", f"location: {why}") if why else None

    def _judged(self, event: SignerJudged, now: Now) -> None:
        request = self._judging.pop(event.message_id, None)
        if request is None:
            return
        if event.verdict == "trusted":
            self._accept(event.message_id, request, now)
        elif event.verdict == "unable":
            self._answer(event.message_id, refused("Rejected", "UnsupportedRequest", event.reason))
        else:  # L01.FR.22, L01.FR.02
            self._answer(event.message_id, refused("InvalidCertificate", "InvalidCertificate", event.reason))
            self.desk.post(SecurityNoted(0, "InvalidFirmwareSigningCertificate", event.reason))

    def _accept(self, message_id: str, request: m.UpdateFirmwareRequest, now: Now) -> None:
        if self.desk.unbreakable:  # it came so far while the certificate was judged
            self._answer(message_id, refused("Rejected", "FwUpdateInProgress", self.desk.unbreakable))
            return
        canceled = self._update is not None and self._update.stage != "over"
        if canceled:
            self.desk.tell(DropFirmware())
        self._update = update_of(request, self.slot)
        self._keep()
        status: m.UpdateFirmwareStatus = "AcceptedCanceled" if canceled else "Accepted"  # L01.FR.24
        self._answer(message_id, m.UpdateFirmwareResponse(status=status))
        if not self._is_due(self._update.retrieve_at, now):
            self._enter("scheduled", "DownloadScheduled")  # L01.FR.13

    def _answer(self, message_id: str, response: m.UpdateFirmwareResponse) -> None:
        self.desk.tell(Answer(message_id, response))

    # ---- what comes next ----

    def look(self, now: Now) -> None:
        """Whatever happened may be what an update waits for: a time, the end of a session, a variable."""
        self._due_mono = None
        update = self._update
        if update is not None:
            self._go_on(update, now)
        self._close()

    def _go_on(self, update: Update, now: Now) -> None:
        match update.stage:
            case "scheduled" if self._is_due(update.retrieve_at, now):
                self._download(update)
            case "paused" if self._has_waited(now):
                self._download(update)
            case "ready" if self._is_due(update.install_at, now):
                self._install(update)
            case "written" if self._is_idle():
                self._say_farewell(update, now)
            case "rebooting" if self._has_waited(now) and not self._ordered:
                self._ordered = True
                self.desk.tell(TryFirmware(update.request_id, update.version))
            case "leaving" if self._is_idle() and self._is_told(now) and not self._ordered:
                self._ordered = True
                self.desk.tell(RestartBoard(f"the new release in slot {self.slot} does not work here"))

    def _is_due(self, at: datetime | None, now: Now) -> bool:
        if at is None or now.wall >= at:
            return True
        self._due_mono = now.mono + (at - now.wall).total_seconds()
        return False

    def _has_waited(self, now: Now) -> bool:
        if now.mono >= self._wait_mono:
            return True
        self._due_mono = self._wait_mono
        return False

    def _is_told(self, now: Now) -> bool:
        """What this release has charged is with the CSMS: the way back is one to the memory of the one before it."""
        self._quiet_mono = min(self._quiet_mono, now.mono + SETTLED_S)
        if now.mono < self._quiet_mono:
            self._due_mono = self._quiet_mono
            return False
        return self._has_waited(now) or not self.desk.waiting(None)

    def next_deadline(self) -> float | None:
        return self._due_mono

    def _is_idle(self) -> bool:
        """Nobody charges, nobody's cable is held, nothing else is under way (L01.FR.33)."""
        return not self.desk.busy - {BUSY} and not any(_in_use(evse) for evse in self.desk.site.evses.values())

    # ---- orders ----

    def _download(self, update: Update) -> None:
        self._enter("downloading", "Downloading")
        self.desk.tell(DownloadFirmware(update.request_id, update.url))

    def _install(self, update: Update) -> None:
        update.tries += 1
        self._enter("installing", "Installing")  # L01.FR.05
        self.desk.tell(InstallFirmware(update.request_id))

    def _say_farewell(self, update: Update, now: Now) -> None:
        """What is kept before the restart is there after it, also where the boot loader goes back."""
        update.tries += 1
        self._wait_mono, self._ordered = now.mono + FAREWELL_S, False
        self.desk.tell(KeepRecord(BOOT_REASON, b"FirmwareUpdate"))
        self._enter("rebooting", "InstallRebooting")  # L01.FR.32 (a)
        self._has_waited(now)

    def heard(
        self,
        request: m.FirmwareStatusNotificationRequest,
        outcome: m.FirmwareStatusNotificationResponse | CallFailed,
        now: Now,
    ) -> None:
        """The CSMS knows that the board restarts."""
        if self._update is not None and (request.status, self._update.stage) == ("InstallRebooting", "rebooting"):
            self._wait_mono = now.mono

    answers = {m.FirmwareStatusNotificationRequest: heard}

    # ---- how they ended ----

    def news(self, event: FirmwareNews, now: Now) -> None:
        match event:
            case SignerJudged():
                self._judged(event, now)
            case FirmwareProved(good=good):
                self._proved(good=good, now=now)
            case FirmwareStepEnded(request_id=request_id) if self._update and request_id == self._update.request_id:
                self._step_ended(self._update, event, now)

    def _step_ended(self, update: Update, event: FirmwareStepEnded, now: Now) -> None:
        match event.step, update.stage:
            case "download", "downloading":
                self._downloaded(update, event, now)
            case "check", "checking":
                self._checked(update, event, now)
            case "install", "installing":
                self._installed(update, event)
            case "try", "rebooting":
                self._to_be_tried(update, event)

    def _downloaded(self, update: Update, event: FirmwareStepEnded, now: Now) -> None:
        if event.outcome == "done":
            self._check(update)
            return
        update.tries += 1
        if not update.may_retry(hopeless=event.outcome == "unfit"):
            self._fail("DownloadFailed", event.reason)  # L01.FR.30
            return
        self._wait_mono = now.mono + update.retry_s
        self._enter("paused", "DownloadPaused", event.reason)  # L01.FR.14

    def _check(self, update: Update) -> None:
        self._enter("checking", "Downloaded")
        self.desk.tell(CheckFirmware(update.request_id, update.certificate, update.signature))

    def _checked(self, update: Update, event: FirmwareStepEnded, now: Now) -> None:
        if event.outcome == "failed":
            self._fail("DownloadFailed", event.reason)
        elif event.outcome == "unfit":
            self._fail("InvalidSignature", event.reason)
            self.desk.post(SecurityNoted(0, "InvalidFirmwareSignature", event.reason))  # L01.FR.03
        else:
            update.tries = 0
            self._enter("ready", "SignatureVerified")
            if not self._is_due(update.install_at, now):
                self._enter("ready", "InstallScheduled")  # L01.FR.16

    def _installed(self, update: Update, event: FirmwareStepEnded) -> None:
        if event.outcome == "done":
            update.version, update.tries = event.version, 0
            self._enter("written")
        else:
            self._fail("InstallVerificationFailed" if event.outcome == "unfit" else "InstallationFailed", event.reason)

    def _to_be_tried(self, update: Update, event: FirmwareStepEnded) -> None:
        if event.outcome == "done":
            self.desk.tell(RestartBoard(f"release {update.version} is tried"))
            return
        self.desk.tell(KeepRecord(BOOT_REASON, None))
        self._fail("InstallationFailed", event.reason)

    # ---- after the restart ----

    def remember(self, records: Mapping[str, bytes], now: Now) -> None:
        """Whatever the power ended is told as it is, and goes on where it can."""
        self._update = self.desk.read_record(UPDATE, records[UPDATE], Update) if UPDATE in records else None
        if self._update is not None and self._update.stage != "over":
            self._came_back(self._update)
        elif self.trial:  # its end was cut off, or nobody remembers its beginning
            self.desk.tell(DropFirmware())
        self._mark()

    def _came_back(self, update: Update) -> None:
        if self.unable:
            self._fail("InstallationFailed", self.unable)
        elif self.slot != update.slot and update.stage in WRITTEN:
            self._is_new(update)
        elif update.stage in ("downloading", "paused"):
            self._download(update)
        elif update.stage == "checking":
            self.desk.tell(CheckFirmware(update.request_id, update.certificate, update.signature))
        elif update.stage in WRITTEN - {"written"}:
            self._was_cut_off(update)

    def _is_new(self, update: Update) -> None:
        """The other slot runs: on trial, or proved when it could not be said."""
        if self.trial == "installed":
            self._succeed(update)
        elif update.tries >= MOST_TRIES:
            self._fail("InstallationFailed", f"the boot loader does not leave slot {self.slot}")
        else:
            self._enter("proving")

    def _was_cut_off(self, update: Update) -> None:
        if self.trial == "rolled back":
            self._fail("InstallationFailed", f"the boot loader went back to slot {self.slot}")
        elif update.tries >= MOST_TRIES:
            self._fail("InstallationFailed", f"it was cut off {update.tries} times")
        elif update.stage == "installing":
            self._install(update)
        else:
            self._enter("written")

    def _proved(self, *, good: bool, now: Now) -> None:
        update = self._update
        if update is None or update.stage != "proving":
            return
        if good:
            self._succeed(update)
            return
        update.tries += 1
        self._wait_mono, self._ordered = now.mono + LAST_WORDS_S, False
        self._enter("leaving")

    # ---- the end ----

    def _succeed(self, update: Update) -> None:
        self._enter("over", "Installed")  # L01.FR.28
        self.desk.post(SecurityNoted(0, "FirmwareUpdated", update.version))  # L01.FR.31
        self.desk.tell(DropFirmware())

    def _fail(self, status: m.FirmwareStatus, reason: str) -> None:
        self._enter("over", status, reason)
        self.desk.tell(DropFirmware())

    # ---- what others see of it ----

    def _enter(self, stage: Stage, status: m.FirmwareStatus | None = None, reason: str = "") -> None:
        """Every new state is told, and kept (L01.FR.01, L01.FR.10)."""
        update = self._update
        assert update is not None
        update.stage, update.reason = stage, reason
        if status is not None:
            update.told = status
            notice = m.FirmwareStatusNotificationRequest(status=status, request_id=update.request_id)
            self.desk.tell(Send(notice, durable=True))
        self._keep()

    def _keep(self) -> None:
        self.desk.tell(KeepRecord(UPDATE, msgspec.json.encode(self._update)))
        self._mark()

    def _mark(self) -> None:
        stage = None if self._update is None else self._update.stage
        (self.desk.busy.add if stage in AT_WORK else self.desk.busy.discard)(BUSY)
        self.desk.unbreakable = "new firmware is installed" if stage in NO_WAY_BACK else ""

    def _close(self) -> None:
        """Nobody begins on what is to restart, unless the CSMS has it so (L01.FR.07)."""
        stage = None if self._update is None else self._update.stage
        pending = stage in ("installing", "written", "proving")
        allowed = pending and self.desk.model[ALLOW_NEW_SESSIONS_PENDING_UPDATE]
        closing = stage in ("rebooting", "leaving") or (pending and not allowed)
        for evse in self.desk.site.evses.values():
            evse.updating = closing and evse.authorization is None and not _in_use(evse)

    def triggered(self, fact: TriggerRequested, now: Now) -> None:
        """What was told last (L01.FR.25, L01.FR.26); that nothing is under way where nothing was (F06.FR.16)."""
        if fact.message == "FirmwareStatusNotification":
            idle = m.FirmwareStatusNotificationRequest(status="Idle")
            self.desk.send(idle if self._update is None else self._update.status(), asked_for=True)

    facts = {TriggerRequested: triggered}

    def status(self) -> dict[str, object] | None:
        """For people: how far the update is, or how the last one ended."""
        update = self._update
        if update is None:
            return None
        return {
            "request_id": update.request_id,
            "status": update.told,
            "stage": update.stage,
            "version": update.version,
            "reason": update.reason,
        }


def _in_use(evse: Evse) -> bool:
    return evse.transaction is not None or evse.holds_cable()
