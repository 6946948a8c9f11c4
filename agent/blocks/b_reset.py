"""Block B: reset of the station or of one EVSE, at once or when it is idle (B11, B12).  Ends no transaction itself.

An EVSE that is reset drops the right to charge and its cable, is out of service for a moment with its pilot in state F,
and its pilot controller is asked to leave what it latched.  The station starts anew as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from agent.blocks.base import BOOT_REASON, Block, Desk
from agent.model.catalogue import RESET_RETRIES
from agent.ocpp.messages import b_provisioning as m
from agent.ocpp.messages.common import StatusInfo
from agent.session.evse import Evse
from agent.vocabulary.commands import ClearFault, KeepRecord, Restart
from agent.vocabulary.facts import AuthorizationEnded, ResetRequested, TransactionEnded
from agent.vocabulary.incoming import OutboxDrained, TechnicianAsked
from agent.vocabulary.values import Now

RESET_PATIENCE_S = 10.0
"""How long a reset waits for the CSMS to take the last events; they are on disk anyway (B12.FR.05)."""

ANSWER_LEAVES_S = 1.0
"""How long the answer to the request has to leave."""

EVSE_RESET_S = 5.0
"""How long an EVSE that is reset is out of service.

A vehicle that sees state F for 4 s starts its session anew (T_step_EF of ISO 15118-3).
"""

LOOK_AGAIN_S = 5.0
"""How often a reset that waits for something else than a transaction looks whether that is over."""

MACHINE, STOPPED = "boot/machine", "boot/stopped"
"""Which start of the machine the agent ran in last, and in which it was stopped in an orderly way."""


class Resets(Block):
    """What is to be reset, and what it still waits for."""

    letter = "B"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._reason: str | None = None
        self._restart_by: float | None = None
        self._look_at: float | None = None
        self._waiting: set[int] = set()
        self._back_at: dict[int, float] = {}
        self._retries: dict[int, int] = {}

    # ---- what the CSMS asks ----

    def reset(self, request: m.ResetRequest, now: Now) -> m.ResetResponse:
        if request.type == "ImmediateAndResume":
            return _rejected("UnsupportedParam", "transactions are not resumed after a reset")
        if not self.desk.disk_works:  # B11.FR.06, B12.FR.10
            return _rejected("OutOfStorage", "the disk refuses writes: events that are kept in memory would be lost")
        if request.evse_id is None:
            return self._reset_station(request.type, now)
        evse = self.desk.site.evses.get(request.evse_id)
        if evse is None:
            return _rejected("UnknownEvse", f"there is no EVSE {request.evse_id}")
        if not evse.layout.resettable:  # B11.FR.09, B12.FR.09
            return _rejected("UnsupportedRequest", f"EVSE {evse.id} cannot be reset by itself")
        return self._reset_evse(evse, request.type, now)

    def _reset_station(self, kind: str, now: Now) -> m.ResetResponse:
        if kind == "OnIdle" and self._busy():
            self._reason, self._look_at = "ScheduledReset", now.mono + LOOK_AGAIN_S
            self._close_what_is_free()
            return m.ResetResponse(status="Scheduled")  # B12.FR.01
        if self.desk.unbreakable:  # B11.FR.06
            return _rejected("FwUpdateInProgress", self.desk.unbreakable)
        self._reason, self._look_at = "RemoteReset", None
        self._restart_by = now.mono + RESET_PATIENCE_S
        self.desk.post(ResetRequested(0, "ResetCommand", "ImmediateReset"))
        return m.ResetResponse(status="Accepted")  # B12.FR.02

    def _reset_evse(self, evse: Evse, kind: str, now: Now) -> m.ResetResponse:
        if kind == "OnIdle" and _in_use(evse):
            self._waiting.add(evse.id)
            self._look_at = now.mono + LOOK_AGAIN_S
            return m.ResetResponse(status="Scheduled")
        if evse.transaction is not None:  # B12.FR.08
            self._waiting.add(evse.id)
            self.desk.post(ResetRequested(evse.id, "ResetCommand", "ImmediateReset"))
        else:
            self._start_anew(evse, now)
        return m.ResetResponse(status="Accepted")

    calls = {m.ResetRequest: reset}

    def asked_locally(self, event: TechnicianAsked, now: Now) -> None:
        """A technician wants a restart."""
        if event.wish != "restart":
            return
        self._reason, self._look_at = "LocalReset", None
        self._restart_by = now.mono + RESET_PATIENCE_S
        self.desk.post(ResetRequested(0, "ResetCommand", "Reboot"))

    # ---- what it waits for ----

    def _busy(self) -> bool:
        """Idle is more than being without a transaction (erratum 2.14)."""
        return bool(self.desk.busy) or any(_in_use(evse) for evse in self.desk.site.evses.values())

    def _close_what_is_free(self) -> None:
        """Nobody shall begin while the others finish (B12, 3a).

        An EVSE whose vehicle leaves meanwhile is Available for as long as it takes to look again (TC_B_41, step 5).
        """
        for evse in self.desk.site.evses.values():
            if evse.authorization is None and evse.plugged is None and not _in_use(evse):
                evse.resetting = True

    def transaction_ended(self, fact: TransactionEnded, now: Now) -> None:
        evse = self.desk.site.evses[fact.evse]
        if evse.id in self._waiting and not _in_use(evse):
            self._start_anew(evse, now)
        if self._reason == "ScheduledReset" and not self._busy():
            self._restart_by = now.mono + RESET_PATIENCE_S

    def outbox_drained(self, event: OutboxDrained, now: Now) -> None:
        """Nothing keeps a reset waiting any more."""
        if self._restart_by is not None and not self.desk.site.running():
            self._restart_by = now.mono

    incoming = {TechnicianAsked: asked_locally, OutboxDrained: outbox_drained}

    def reset_asked(self, fact: ResetRequested, now: Now) -> None:
        """E has ended what ran; without transactions there is nothing to wait for."""
        if fact.evse == 0 and not self.desk.site.running():
            self._restart_by = now.mono + (ANSWER_LEAVES_S if self.desk.online else 0.0)

    facts = {TransactionEnded: transaction_ended, ResetRequested: reset_asked}

    # ---- one EVSE ----

    def _start_anew(self, evse: Evse, now: Now) -> None:
        self._waiting.discard(evse.id)
        if evse.authorization is not None:
            evse.deauthorize()
            self.desk.post(AuthorizationEnded(evse.id, "ResetCommand", "ImmediateReset"))
        evse.release()
        evse.resetting = evse.pilot_off = True
        self._retries[evse.id] = self.desk.model[RESET_RETRIES]
        self._try(evse, now)

    def _try(self, evse: Evse, now: Now) -> None:
        self._back_at[evse.id] = now.mono + EVSE_RESET_S
        self.desk.tell(ClearFault(evse.id))

    def _back(self, now: Now) -> None:
        """An EVSE that is faulted all the same was not reset: again, as often as ``ResetRetries`` allows."""
        for evse_id, back_at in list(self._back_at.items()):
            evse = self.desk.site.evses[evse_id]
            if now.mono >= back_at and evse.faulted() and self._retries[evse_id] > 0:
                self._retries[evse_id] -= 1
                self._try(evse, now)
            elif now.mono >= back_at:
                del self._back_at[evse_id], self._retries[evse_id]
                evse.resetting = evse.pilot_off = False
                if self._reason == "ScheduledReset":
                    self._close_what_is_free()

    # ---- time ----

    def next_deadline(self) -> float | None:
        times = (self._restart_by, self._look_at, *self._back_at.values())
        return min((time for time in times if time is not None), default=None)

    def expire(self, now: Now) -> None:
        self._back(now)
        if self._look_at is not None and now.mono >= self._look_at:
            self._look(now)
        if self._restart_by is not None and now.mono >= self._restart_by:
            self._restart(now)

    def _look(self, now: Now) -> None:
        """A cable that is held, or what another block is busy with, is no transaction whose end is told."""
        for evse_id in sorted(self._waiting):
            evse = self.desk.site.evses[evse_id]
            if not _in_use(evse):
                self._start_anew(evse, now)
        waits = self._reason == "ScheduledReset" and self._restart_by is None
        if waits:
            self._close_what_is_free()
        if waits and not self._busy():
            self._restart_by = now.mono + (RESET_PATIENCE_S if self.desk.waiting(None) else 0.0)
        self._look_at = now.mono + LOOK_AGAIN_S if waits or self._waiting else None

    def _restart(self, now: Now) -> None:
        self._restart_by = None
        if self._reason == "ScheduledReset" and self._busy():  # B12.FR.03
            self._look_at = now.mono + LOOK_AGAIN_S
            return
        reason, self._reason, self._look_at = self._reason or "Unknown", None, None
        self.desk.tell(KeepRecord(BOOT_REASON, reason.encode()))
        self.desk.tell(Restart(reason))

    def remember(self, records: Mapping[str, bytes], now: Now) -> None:
        """Why we start: what the last reset said, else what the machine tells by itself (B01.FR.09)."""
        reason = records.get(BOOT_REASON)
        if reason is not None:
            known = reason.decode(errors="replace")
            self.desk.boot_reason = known if known in get_args(m.BootReason) else "Unknown"
            self.desk.tell(KeepRecord(BOOT_REASON, None))
        else:
            self.desk.boot_reason = self._unasked(records)
        end = self.desk.last_end
        if end is not None and end.died:
            self.desk.boot_detail = str(end)
        if STOPPED in records:
            self.desk.tell(KeepRecord(STOPPED, None))
        machine = self.desk.machine_start.encode()
        if machine and machine != records.get(MACHINE):
            self.desk.tell(KeepRecord(MACHINE, machine))

    def _unasked(self, records: Mapping[str, bytes]) -> str:
        """The power came back; or the machine never lost it: then somebody restarted the program, or it died."""
        end = self.desk.last_end
        if end is not None and end.died:  # also where the machine was started anew because it died too often
            return "Watchdog" if end.result == "watchdog" else "ApplicationReset"
        machine = self.desk.machine_start.encode()
        if not machine or records.get(MACHINE) != machine:
            self.desk.boot_detail = self.desk.board_reset
            return "Watchdog" if self.desk.board_reset else "PowerUp"
        return "LocalReset" if records.get(STOPPED) == machine else "ApplicationReset"


def _in_use(evse: Evse) -> bool:
    return evse.transaction is not None or evse.holds_cable()


def _rejected(reason_code: str, why: str) -> m.ResetResponse:
    return m.ResetResponse(status="Rejected", status_info=StatusInfo(reason_code=reason_code, additional_info=why))
