"""Block L: the CSMS updates the station (L01): what it asks for and is answered, who may begin to charge meanwhile.

Knows neither how a bundle travels nor how it is installed, and publishes none for others (L03, L04).
"""

from __future__ import annotations

from collections.abc import Mapping

from agent.blocks.base import Block, Desk, objection_to
from agent.blocks.l_course import Course, in_use
from agent.blocks.l_update import refused, update_of
from agent.model.catalogue import ALLOW_NEW_SESSIONS_PENDING_UPDATE, FILE_TRANSFER_PROTOCOLS
from agent.ocpp.messages import l_firmware as m
from agent.vocabulary.commands import Answer
from agent.vocabulary.facts import SecurityNoted, TriggerRequested
from agent.vocabulary.firmware import (
    DropFirmware,
    FirmwareProved,
    FirmwareStepEnded,
    JudgeSigner,
    SignerJudged,
    Trial,
)
from agent.vocabulary.incoming import CallFailed
from agent.vocabulary.values import Now


class FirmwareUpdate(Block):
    """One update at a time, the newest."""

    letter = "L"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._course = Course(desk)
        self._judging: dict[str, m.UpdateFirmwareRequest] = {}

    def runs_from(self, slot: str, trial: Trial) -> None:
        """Said before anything is remembered: this slot runs, and this became of a release on trial."""
        self._course.unable, self._course.slot, self._course.trial = "", slot, trial

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
        if self._course.unable:
            return refused("Rejected", "UnsupportedRequest", self._course.unable)
        if self.desk.unbreakable:  # L01.FR.27
            return refused("Rejected", "FwUpdateInProgress", self.desk.unbreakable)
        if not self.desk.disk_works:
            return refused("Rejected", "OutOfStorage", "the disk refuses writes: there is nowhere to put it")
        if not request.firmware.signing_certificate:  # TC_L_18
            return refused("Rejected", "MissingParam", "no signingCertificate: only signed firmware is taken here")
        why = objection_to(request.firmware.location, self.desk.model[FILE_TRANSFER_PROTOCOLS])
        return refused("Rejected", "InvalidURL", f"location: {why}") if why else None

    def judged(self, event: SignerJudged, now: Now) -> None:
        request = self._judging.pop(event.message_id, None)
        if request is None:
            return
        if event.verdict == "invalid":  # L01.FR.22, L01.FR.02
            self._answer(event.message_id, refused("InvalidCertificate", "InvalidCertificate", event.reason))
            self.desk.post(SecurityNoted(0, "InvalidFirmwareSigningCertificate", event.reason))
        elif event.verdict == "unable":
            self._answer(event.message_id, refused("Rejected", "UnsupportedRequest", event.reason))
        elif self.desk.unbreakable:  # it came so far while the certificate was judged
            self._answer(event.message_id, refused("Rejected", "FwUpdateInProgress", self.desk.unbreakable))
        else:
            self._accept(event.message_id, request, now)

    def _accept(self, message_id: str, request: m.UpdateFirmwareRequest, now: Now) -> None:
        status: m.UpdateFirmwareStatus = "Accepted"
        if self._course.under_way:  # L01.FR.24
            status = "AcceptedCanceled"
            self.desk.tell(DropFirmware())
        self._answer(message_id, m.UpdateFirmwareResponse(status=status))
        self._course.begin(update_of(request, self._course.slot), now)

    def _answer(self, message_id: str, response: m.UpdateFirmwareResponse) -> None:
        self.desk.tell(Answer(message_id, response))

    # ---- what happens ----

    def step_ended(self, event: FirmwareStepEnded, now: Now) -> None:
        self._course.step_ended(event, now)

    def proved(self, event: FirmwareProved, now: Now) -> None:
        self._course.proved(good=event.good, now=now)

    def heard(
        self,
        request: m.FirmwareStatusNotificationRequest,
        outcome: m.FirmwareStatusNotificationResponse | CallFailed,
        now: Now,
    ) -> None:
        if request.status == "InstallRebooting":
            self._course.farewell_heard(now)

    answers = {m.FirmwareStatusNotificationRequest: heard}
    incoming = {SignerJudged: judged, FirmwareStepEnded: step_ended, FirmwareProved: proved}

    def look(self, now: Now) -> None:
        """Go on where that is due, and let nobody begin on what is to restart, unless the CSMS has it so."""
        self._course.look(now)
        closing = self._closes()
        for evse in self.desk.site.evses.values():
            evse.updating = closing and evse.authorization is None and not in_use(evse)

    def _closes(self) -> bool:
        """L01.FR.07; where new sessions are allowed they are until the board restarts."""
        update = self._course.update
        stage = None if update is None else update.stage
        if stage in ("installing", "written", "proving"):
            return not self.desk.model[ALLOW_NEW_SESSIONS_PENDING_UPDATE]
        return stage in ("rebooting", "leaving")

    def remember(self, records: Mapping[str, bytes], now: Now) -> None:
        self._course.take_up(records)

    def next_deadline(self) -> float | None:
        return self._course.due_mono

    # ---- what others see of it ----

    def triggered(self, fact: TriggerRequested, now: Now) -> None:
        """What was told last (L01.FR.25, L01.FR.26); that nothing is under way where nothing was (F06.FR.16)."""
        if fact.message == "FirmwareStatusNotification":
            update = self._course.update
            idle = m.FirmwareStatusNotificationRequest(status="Idle")
            self.desk.send(idle if update is None else update.status(), asked_for=True)

    facts = {TriggerRequested: triggered}

    def status(self) -> dict[str, object] | None:
        """For people: how far the update is, or how the last one ended."""
        update = self._course.update
        if update is None:
            return None
        return {
            "request_id": update.request_id,
            "status": update.told,
            "stage": update.stage,
            "version": update.version,
            "reason": update.reason,
        }
