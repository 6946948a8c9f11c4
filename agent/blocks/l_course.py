"""Block L: the course of one update, from the download to the proof; which order follows which news.

The new release is written beside the one that runs; it starts when nobody charges, and is Installed when it has shown
that it works.  Every new state is told and kept (L01.FR.01, L01.FR.10).  Answers no call.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from agent.blocks.base import BOOT_REASON, Desk
from agent.blocks.l_update import AT_WORK, NO_WAY_BACK, WRITTEN, Stage, Update
from agent.ocpp.messages import l_firmware as m
from agent.session.evse import Evse
from agent.vocabulary.commands import KeepRecord, Send
from agent.vocabulary.facts import SecurityNoted
from agent.vocabulary.firmware import (
    CheckFirmware,
    DownloadFirmware,
    DropFirmware,
    FirmwareStepEnded,
    InstallFirmware,
    RestartBoard,
    Trial,
    TryFirmware,
)
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


class Course:
    """``slot`` runs, ``trial`` is what became of a release on trial; ``unable``: why nothing can be installed here."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.slot = ""
        self.unable = NO_SLOTS
        self.trial: Trial = ""
        self.update: Update | None = None
        self.due_mono: float | None = None
        self._wait_mono = float("-inf")
        self._quiet_mono = float("inf")
        self._ordered = False

    @property
    def under_way(self) -> bool:
        """Whether there is anything to cancel."""
        return self.update is not None and self.update.stage != "over"

    def begin(self, update: Update, now: Now) -> None:
        """The first step is taken at the next look."""
        self.update = update
        self._keep()
        if not self._is_due(update.retrieve_at, now):
            self._enter("scheduled", "DownloadScheduled")  # L01.FR.13

    # ---- what comes next ----

    def look(self, now: Now) -> None:
        """Whatever happened may be what an update waits for: a time, the end of a session, a variable."""
        self.due_mono = None
        update = self.update
        if update is not None:
            self._go_on(update, now)

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
            case "rebooting" if self._has_waited(now):
                self._order(TryFirmware(update.request_id, update.version))
            case "leaving" if self._is_idle() and self._is_told(now):
                self._order(RestartBoard(f"the new release in slot {self.slot} does not work here"))

    def _is_due(self, at: datetime | None, now: Now) -> bool:
        if at is None or now.wall >= at:
            return True
        self.due_mono = now.mono + (at - now.wall).total_seconds()
        return False

    def _has_waited(self, now: Now) -> bool:
        if now.mono >= self._wait_mono:
            return True
        self.due_mono = self._wait_mono
        return False

    def _is_told(self, now: Now) -> bool:
        """What this release has charged is with the CSMS: the way back is one to the memory of the one before it."""
        self._quiet_mono = min(self._quiet_mono, now.mono + SETTLED_S)
        if now.mono < self._quiet_mono:
            self.due_mono = self._quiet_mono
            return False
        return self._has_waited(now) or not self.desk.waiting(None)

    def _is_idle(self) -> bool:
        """Nobody charges, nobody's cable is held, nothing else is under way (L01.FR.33)."""
        return not self.desk.busy - {BUSY} and not any(in_use(evse) for evse in self.desk.site.evses.values())

    # ---- orders ----

    def _order(self, order: TryFirmware | RestartBoard) -> None:
        """Once: the restart takes its time."""
        if not self._ordered:
            self._ordered = True
            self.desk.tell(order)

    def _download(self, update: Update) -> None:
        self._enter("downloading", "Downloading")
        self.desk.tell(DownloadFirmware(update.request_id, update.url))

    def _check(self, update: Update) -> None:
        self.desk.tell(CheckFirmware(update.request_id, update.certificate, update.signature))

    def _install(self, update: Update) -> None:
        update.tries += 1
        self._enter("installing", "Installing")  # L01.FR.05
        self.desk.tell(InstallFirmware(update.request_id))

    def _say_farewell(self, update: Update, now: Now) -> None:
        """What is kept before the restart is there after it, also where the boot loader goes back."""
        self._begin_to_wait(update, now.mono + FAREWELL_S)
        self.desk.tell(KeepRecord(BOOT_REASON, b"FirmwareUpdate"))
        self._enter("rebooting", "InstallRebooting")  # L01.FR.32 (a)
        self.due_mono = self._wait_mono

    def farewell_heard(self, now: Now) -> None:
        """The CSMS knows that the board restarts."""
        if self.update is not None and self.update.stage == "rebooting":
            self._wait_mono = now.mono

    def _begin_to_wait(self, update: Update, until_mono: float) -> None:
        update.tries += 1
        self._wait_mono, self._quiet_mono, self._ordered = until_mono, float("inf"), False

    # ---- how they ended ----

    def step_ended(self, event: FirmwareStepEnded, now: Now) -> None:
        """One that nobody waits for any more is no matter."""
        update = self.update
        if update is None or event.request_id != update.request_id:
            return
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
            self._enter("checking", "Downloaded")
            self._check(update)
            return
        update.tries += 1
        if not update.may_retry(hopeless=event.outcome == "unfit"):
            self._fail("DownloadFailed", event.reason)  # L01.FR.30
            return
        self._wait_mono = now.mono + update.retry_s
        self._enter("paused", "DownloadPaused", event.reason)  # L01.FR.14

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

    # ---- after a restart ----

    def take_up(self, records: Mapping[str, bytes]) -> None:
        """Whatever the power ended is told as it is, and goes on where it can."""
        self.update = self.desk.read_record(UPDATE, records[UPDATE], Update) if UPDATE in records else None
        if self.update is not None and self.under_way:
            self._came_back(self.update)
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
            self._check(update)
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

    def proved(self, *, good: bool, now: Now) -> None:
        """What the release that runs is worth; of one that is not on trial nobody asks."""
        update = self.update
        if update is None or update.stage != "proving":
            return
        if good:
            self._succeed(update)
        else:
            self._begin_to_wait(update, now.mono + LAST_WORDS_S)
            self._enter("leaving")

    # ---- the end ----

    def _succeed(self, update: Update) -> None:
        self._enter("over", "Installed")  # L01.FR.28
        self.desk.post(SecurityNoted(0, "FirmwareUpdated", update.version))  # L01.FR.31
        self.desk.tell(DropFirmware())

    def _fail(self, status: m.FirmwareStatus, reason: str) -> None:
        self._enter("over", status, reason)
        self.desk.tell(DropFirmware())

    # ---- told and kept ----

    def _enter(self, stage: Stage, status: m.FirmwareStatus | None = None, reason: str = "") -> None:
        update = self.update
        assert update is not None
        update.stage, update.reason = stage, reason
        if status is not None:
            update.told = status
            notice = m.FirmwareStatusNotificationRequest(status=status, request_id=update.request_id)
            self.desk.tell(Send(notice, durable=True))
        self._keep()

    def _keep(self) -> None:
        self.desk.tell(KeepRecord(UPDATE, msgspec.json.encode(self.update)))
        self._mark()

    def _mark(self) -> None:
        """What a reset waits for, and what it may not interrupt (B11.FR.06)."""
        stage = None if self.update is None else self.update.stage
        (self.desk.busy.add if stage in AT_WORK else self.desk.busy.discard)(BUSY)
        self.desk.unbreakable = "new firmware is installed" if stage in NO_WAY_BACK else ""


def in_use(evse: Evse) -> bool:
    """Somebody charges here, or has left his cable."""
    return evse.transaction is not None or evse.holds_cable()
