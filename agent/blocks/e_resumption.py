"""What becomes of a transaction that was running when the power went.  Knows nothing of one that runs."""

from __future__ import annotations

from collections.abc import Mapping

from agent.blocks.base import Desk
from agent.blocks.e_life import Lifecycle
from agent.blocks.e_telling import Telling, course_key, transaction_key
from agent.blocks.e_watch import Watch
from agent.model.catalogue import ALLOW_ENERGY_TRANSFER_RESUMPTION, RESUMPTION_TIMEOUT
from agent.session.evse import Evse
from agent.session.transaction import Course, Ending, Transaction
from agent.vocabulary.commands import KeepRecord
from agent.vocabulary.facts import TransactionStarted
from agent.vocabulary.values import Now

RESUME_PATIENCE_S = 20.0
"""How long after power-on the vehicle of an interrupted transaction may take to be seen."""


class Resumption:
    """Takes it up where it may go on and its vehicle is still there; ends it otherwise."""

    def __init__(self, desk: Desk, watches: dict[int, Watch], telling: Telling, life: Lifecycle) -> None:
        self._desk = desk
        self._watches = watches
        self._telling = telling
        self._life = life

    def take_up(self, records: Mapping[str, bytes], now: Now) -> None:
        """What was running when the power went is resumed or ended, as soon as the hardware says what is true."""
        for evse in self._desk.site.evses.values():
            record = records.get(transaction_key(evse))
            if record is None:
                continue
            evse.transaction = transaction = self._desk.read_record(transaction_key(evse), record, Transaction)
            if transaction is None:
                continue
            self._take_up_course(evse, transaction, records)
            if transaction.ending is None and self._may_resume(transaction, now):
                self._wait_for_vehicle(evse, transaction, now)
            else:
                self._end_of_power(evse, transaction, now)

    def _take_up_course(self, evse: Evse, transaction: Transaction, records: Mapping[str, bytes]) -> None:
        key = course_key(evse)
        record = records.get(key)
        course = None if record is None else self._desk.read_record(key, record, Course)
        if course is not None and course.transaction_id == transaction.id:
            transaction.course = course
        elif record is not None:
            self._desk.tell(KeepRecord(key, None))

    def _may_resume(self, transaction: Transaction, now: Now) -> bool:
        """Not longer dark than allowed, by a clock that is known (2.1: E17.FR.10, E17.FR.20)."""
        allowed_s = self._desk.model[RESUMPTION_TIMEOUT]
        dark_s = (now.wall - transaction.last_alive()).total_seconds()
        return self._desk.clock_known and 0 <= dark_s <= allowed_s

    def _wait_for_vehicle(self, evse: Evse, transaction: Transaction, now: Now) -> None:
        evse.authorization = transaction.right
        transaction.energy_blocked = not self._desk.model[ALLOW_ENERGY_TRANSFER_RESUMPTION]  # 2.1: E17.FR.12
        self._watches[evse.id].resume_by = now.mono + RESUME_PATIENCE_S

    def resumed(self, evse: Evse, now: Now) -> None:
        """The vehicle is still there: the transaction goes on (2.1: E17.FR.14; 2.0.1 has no word for TxResumed)."""
        transaction, watch = evse.transaction, self._watches[evse.id]
        watch.resume_by = None
        watch.held = self._life.held(evse)
        watch.offers(evse, now.mono)
        if transaction is not None:
            watch.sampled_mono = watch.collected_mono = now.mono
            self._telling.updated(evse, transaction, "ChargingStateChanged", now)
            self._desk.post(TransactionStarted(evse.id, transaction.id))

    def not_resumed(self, evse: Evse, now: Now) -> None:
        """Nobody is there any more."""
        self._watches[evse.id].resume_by = None
        if evse.transaction is not None:
            self._end_of_power(evse, evse.transaction, now)

    def _end_of_power(self, evse: Evse, transaction: Transaction, now: Now) -> None:
        """End it with the register as it is found now, at the last moment of which something is known."""
        evse.deauthorize()
        reason = "PowerLoss" if self._desk.boot_reason == "PowerUp" else "Reboot"
        if transaction.ending is None:
            transaction.ending = Ending("AbnormalCondition", reason, transaction.last_alive(), in_the_dark=True)
        self._watches[evse.id].await_last_reading(now.mono)
        if not evse.layout.has_meter:
            self._life.finish(evse, now)
