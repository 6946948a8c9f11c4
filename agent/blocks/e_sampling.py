"""When a running transaction is read, what is told at once and what is collected for its end.  Reads no meter."""

from __future__ import annotations

from agent.blocks.base import Desk
from agent.blocks.e_telling import Telling
from agent.blocks.e_watch import Watch
from agent.blocks.readings import Wording, charging_pace_s, moment_of_clock
from agent.model.catalogue import (
    ALIGNED_INTERVAL,
    ALIGNED_MEASURANDS,
    ALIGNED_TX_ENDED,
    ALIGNED_TX_ENDED_INTERVAL,
    SAMPLED_ENABLED,
    SAMPLED_TX_ENDED,
    SAMPLED_TX_ENDED_INTERVAL,
    SAMPLED_TX_UPDATED,
    SAMPLED_TX_UPDATED_INTERVAL,
)
from agent.session.evse import Evse
from agent.session.metering import CHARGING_PERIOD_S, READING_LASTS_S, present_reading, told_by_transaction
from agent.session.transaction import Transaction
from agent.vocabulary.commands import SampleMeter
from agent.vocabulary.values import Now


class Sampling:
    """Sampled and clock-aligned readings of the transactions of all EVSEs (J01, J02)."""

    def __init__(self, desk: Desk, watches: dict[int, Watch], telling: Telling) -> None:
        self._desk = desk
        self._watches = watches
        self._telling = telling
        self._wording = Wording(desk)

    def periodic(self, evse: Evse, now: Now) -> None:
        """The time for a reading of the running transaction has come: to tell it, or to collect it."""
        transaction, watch = evse.transaction, self._watches[evse.id]
        collect_at, tell_at = self._collect_at(watch), self._tell_at(watch)
        if collect_at is not None and now.mono >= collect_at:
            watch.collected_mono = _on_time(collect_at, now.mono)
            watch.wants_reading = True
            self._desk.tell(SampleMeter(evse.id, charging_pace_s(self._desk)))
        if tell_at is None or now.mono < tell_at:
            return
        watch.sampled_mono = _on_time(tell_at, now.mono)
        reading = present_reading(evse, now, self._told_within_s())
        if transaction is None or transaction.ending is not None or reading is None or reading is watch.told_reading:
            return
        value = self._wording.sampled(reading, SAMPLED_TX_UPDATED, "Sample.Periodic", transaction)
        if value is not None:  # J02.FR.11
            watch.told_reading = reading
            self._telling.updated(evse, transaction, "MeterValuePeriodic", now, value=value)

    def periodic_due(self, evse: Evse) -> float | None:
        """When that is; an interval that is set in the course of a transaction counts at once."""
        watch = self._watches[evse.id]
        times = (self._tell_at(watch), self._collect_at(watch))
        return min((time for time in times if time is not None), default=None)

    def _tell_at(self, watch: Watch) -> float | None:
        return self._at(watch.sampled_mono, self._desk.model[SAMPLED_TX_UPDATED_INTERVAL])

    def _collect_at(self, watch: Watch) -> float | None:
        wanted = self._desk.model[SAMPLED_TX_ENDED]
        return self._at(watch.collected_mono, self._desk.model[SAMPLED_TX_ENDED_INTERVAL]) if wanted else None

    def _at(self, since: float | None, interval_s: int) -> float | None:
        enabled = self._desk.model[SAMPLED_ENABLED]
        return since + interval_s if since is not None and interval_s and enabled else None

    def _told_within_s(self) -> float:
        """How old a periodic reading may be; at the fastest intervals readings come no faster than they are told."""
        interval_s = float(self._desk.model[SAMPLED_TX_UPDATED_INTERVAL])
        return interval_s if interval_s > CHARGING_PERIOD_S else READING_LASTS_S

    def by_the_clock(self, evse: Evse, transaction: Transaction, now: Now) -> None:
        """A reading of a moment of the clock is told in the transaction in which it was taken (J01.FR.22)."""
        moment, watch = moment_of_clock(self._desk, evse, ALIGNED_INTERVAL), self._watches[evse.id]
        if moment is None or moment == watch.told_moment or not told_by_transaction(evse, moment):
            return
        watch.told_moment = moment
        value = self._wording.aligned(evse.reading, ALIGNED_MEASURANDS, transaction=transaction)
        if value is not None:
            self._telling.updated(evse, transaction, "MeterValueClock", now, value=value)

    def collect(self, evse: Evse, transaction: Transaction) -> None:
        """Keep the reading for the Ended, where it is one of those that were asked for."""
        watch, course, reading = self._watches[evse.id], transaction.course, evse.reading
        if reading is None or transaction.begin is None:
            return
        taken = watch.wants_reading and course.periodic.offer(reading)
        watch.wants_reading = False
        signed = reading.sample.signed
        if signed is not None and signed.transaction_id == transaction.id:  # a power cut had closed the meter's session
            course.periodic.readings.append(reading)
            taken = True
        moment = moment_of_clock(self._desk, evse, ALIGNED_TX_ENDED_INTERVAL)
        wanted = moment is not None and moment != watch.collected_moment and self._desk.model[ALIGNED_TX_ENDED]
        if moment is not None and wanted and told_by_transaction(evse, moment):
            watch.collected_moment = moment
            taken = course.aligned.offer(reading) or taken
        if taken:
            course.transaction_id = transaction.id
            self._telling.keep_course(evse, course)


def _on_time(due: float, mono: float) -> float:
    """From when the next interval counts: it does not drift, unless a whole moment was slept through."""
    return due if mono - due < 1.0 else mono
