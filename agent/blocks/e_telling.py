"""What is told of a transaction and what is kept of it, in the order in which it came about.  Decides nothing."""

from __future__ import annotations

from datetime import datetime

import msgspec

from agent.blocks.base import Desk
from agent.blocks.e_event import next_event
from agent.blocks.e_watch import Watch
from agent.blocks.readings import Context, Wording
from agent.model.catalogue import SAMPLED_TX_STARTED, SAMPLED_TX_UPDATED
from agent.ocpp.messages import common
from agent.ocpp.messages import e_transactions as m
from agent.session.evse import Evse
from agent.session.metering import present_reading
from agent.session.transaction import Course, Ending, Transaction
from agent.vocabulary.commands import KeepRecord, Send
from agent.vocabulary.values import ClockShift, Now, Token

KEEP_READING_S = 300.0
"""How often a reading is stored between two events: what a power cut may cost when the meter forgets, too."""


class Telling:
    """Each event goes to the outbox, and each with the state of its transaction to the disk."""

    def __init__(self, desk: Desk, watches: dict[int, Watch]) -> None:
        self._desk = desk
        self._watches = watches
        self._wording = Wording(desk)

    def started(self, evse: Evse, transaction: Transaction, trigger: str, now: Now) -> None:
        """The first event."""
        self.take_begin(evse, transaction)
        begin = self._begin_value(transaction)
        transaction.told_begin = begin is not None
        self._tell(evse, transaction, "Started", trigger, now.wall, now.mono, (begin,))

    def updated(
        self,
        evse: Evse,
        transaction: Transaction,
        trigger: str,
        now: Now,
        *,
        token: Token | None = None,
        context: Context = "Sample.Periodic",
        values: bool = False,
        value: common.MeterValue | None = None,
    ) -> None:
        """An event in its course; ``values`` adds the present reading, ``value`` one that was taken before."""
        self.take_begin(evse, transaction)
        meter_values = [self._begin_once_known(evse, transaction, now)]
        if values:
            reading = present_reading(evse, now)
            self._watches[evse.id].told_reading = reading
            meter_values.append(self._wording.sampled(reading, SAMPLED_TX_UPDATED, context, transaction))
        self._tell(evse, transaction, "Updated", trigger, now.wall, now.mono, (*meter_values, value), token)

    def ended(self, evse: Evse, transaction: Transaction, ending: Ending, mono: float) -> None:
        """The last event."""
        values = self._wording.of_end(transaction)
        self._tell(evse, transaction, "Ended", ending.trigger, ending.at, mono, values, ending.token)

    def take_begin(self, evse: Evse, transaction: Transaction) -> None:
        """The reading that it begins with; none yet while its driver may go to another EVSE (E01.FR.09, J02.FR.22)."""
        right = evse.authorization
        may_move = evse.plugged is None and right is not None and not right.pinned
        if transaction.begin is None and evse.reading is not None and not may_move:
            transaction.begin = transaction.last = evse.reading

    def _begin_value(self, transaction: Transaction) -> common.MeterValue | None:
        return self._wording.sampled(transaction.begin, SAMPLED_TX_STARTED, "Transaction.Begin", transaction)

    def _begin_once_known(self, evse: Evse, transaction: Transaction, now: Now) -> common.MeterValue | None:
        """The beginning again, where the Started could not have it or could not say of which EVSE it was.

        It goes with the first event that names the EVSE (Part 6: TC_J_08_CS) and, if the Started had none, with the
        first in which energy flows (E01.FR.17): the same reading, and only once where both are one event.
        """
        names_evse = evse.plugged is not None and transaction.connector is None
        starts_energy = evse.charging_state(now.mono) == "Charging" and not transaction.told_begin
        value = self._begin_value(transaction) if names_evse or starts_energy else None
        transaction.told_begin = transaction.told_begin or (starts_energy and value is not None)
        return value

    def _tell(
        self,
        evse: Evse,
        transaction: Transaction,
        event_type: m.TransactionEvent,
        trigger: str,
        at: datetime,
        mono: float,
        values: tuple[common.MeterValue | None, ...],
        token: Token | None = None,
    ) -> None:
        transaction.told_at = at
        request = next_event(evse, transaction, event_type, trigger, at=at, mono=mono, values=values, token=token)
        self.keep(evse, transaction)
        self._desk.tell(
            Send(
                request,
                durable=True,
                transaction_id=transaction.id,
                seq_no=request.seq_no,
                worth=_worth(event_type, trigger),
            )
        )

    def keep(self, evse: Evse, transaction: Transaction) -> None:
        """Store the state of the transaction, without what is collected for its end."""
        transaction.right = evse.authorization
        bare = msgspec.structs.replace(transaction, course=Course())
        self._desk.tell(KeepRecord(transaction_key(evse), msgspec.json.encode(bare)))

    def keep_course(self, evse: Evse, course: Course) -> None:
        """Store what is collected for the end of a transaction."""
        self._desk.tell(KeepRecord(course_key(evse), msgspec.json.encode(course)))

    def move_times(self, evse: Evse, shift: ClockShift) -> None:
        """Correct them here and on the disk; a reading that was told stays told."""
        watch = self._watches[evse.id]
        told = watch.told_reading is evse.reading
        evse.move_times(shift)
        watch.told_reading = evse.reading if told else watch.told_reading
        if evse.transaction is not None:
            self.keep(evse, evse.transaction)
            if evse.transaction.course.transaction_id:
                self.keep_course(evse, evse.transaction.course)

    def keep_reading(self, evse: Evse, transaction: Transaction, now: Now) -> None:
        """A reading now and then, for the case that the power goes between two events."""
        watch = self._watches[evse.id]
        if now.mono >= watch.keep_at_mono:
            watch.keep_at_mono = now.mono + KEEP_READING_S
            self.keep(evse, transaction)

    def forget(self, evse: Evse, transaction: Transaction) -> None:
        """Nothing of it need be known after a power cut."""
        self._desk.tell(KeepRecord(transaction_key(evse), None))
        if transaction.course.transaction_id:
            self._desk.tell(KeepRecord(course_key(evse), None))


def _worth(event_type: m.TransactionEvent, trigger: str) -> int:
    if event_type != "Updated":
        return 0
    return 1 if trigger in ("MeterValuePeriodic", "MeterValueClock") else 2


def transaction_key(evse: Evse) -> str:
    """Where the state of its transaction is kept."""
    return f"transaction/{evse.id}"


def course_key(evse: Evse) -> str:
    """Where is kept what was collected for the end of its transaction."""
    return f"course/{evse.id}"
