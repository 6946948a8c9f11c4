"""The life of a transaction: when it starts, what is told while it runs, how it ends.  Hears no fact, obeys no call."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from agent.blocks.base import Desk
from agent.blocks.e_event import next_event
from agent.blocks.e_watch import LAST_READING_PATIENCE_S, Watch
from agent.blocks.readings import Context, Wording, charging_pace_s, moment_of_clock
from agent.model.catalogue import (
    ALIGNED_INTERVAL,
    ALIGNED_MEASURANDS,
    ALIGNED_TX_ENDED,
    ALIGNED_TX_ENDED_INTERVAL,
    ALLOW_ENERGY_TRANSFER_RESUMPTION,
    RESUMPTION_TIMEOUT,
    SAMPLED_ENABLED,
    SAMPLED_SIGN_READINGS,
    SAMPLED_TX_ENDED,
    SAMPLED_TX_ENDED_INTERVAL,
    SAMPLED_TX_STARTED,
    SAMPLED_TX_UPDATED,
    SAMPLED_TX_UPDATED_INTERVAL,
    TX_START_POINT,
    TX_STOP_POINT,
    UNLOCK_ON_EV_SIDE_DISCONNECT,
)
from agent.ocpp.messages import common
from agent.ocpp.messages import e_transactions as m
from agent.session.evse import Evse
from agent.session.metering import (
    CHARGING_PERIOD_S,
    READING_LASTS_S,
    meter_is_gone,
    present_reading,
    told_by_transaction,
)
from agent.session.transaction import Course, Edges, Ending, Transaction, edges
from agent.vocabulary import (
    ClockShift,
    KeepRecord,
    Now,
    SampleMeter,
    Send,
    Token,
    TransactionEnded,
    TransactionStarted,
)

RESUME_PATIENCE_S = 20.0
"""How long after power-on the vehicle of an interrupted transaction may take to be seen."""

KEEP_READING_S = 300.0
"""How often a reading is stored between two events: what a power cut may cost when the meter forgets, too."""


class Lifecycle:
    """The transactions of all EVSEs, at most one on each."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._wording = Wording(desk)
        self.watches = {evse.id: Watch(evse) for evse in desk.site.evses.values()}

    def watch(self, evse: Evse) -> Watch:
        """What is timed and compared for this EVSE."""
        return self.watches[evse.id]

    # ---- from one moment to the next ----

    def step(
        self,
        evse: Evse,
        trigger: str,
        now: Now,
        *,
        stopped_reason: str | None = None,
        token: Token | None = None,
        report: bool = False,
        revoked: bool = False,
    ) -> None:
        """Compare the EVSE's conditions with those before, and start, tell or end (E01, E02, E06).

        Args:
            evse: where something happened.
            trigger: what to tell of it.
            now: this moment.
            stopped_reason: why, if it ends the authorization or the transaction.
            token: whose identifier ended the authorization.
            report: it is worth an Updated even where the charging state is as before.
            revoked: the authorization is over, or will not be given: as good as one that ended (F03.FR.03).

        """
        transaction, watch = evse.transaction, self.watch(evse)
        if watch.resume_by is not None:  # nothing is known yet of what the transaction will find
            return
        if transaction is not None and transaction.ending is not None:
            self.finish_when_settled(evse, now)
            return
        held = self._held(evse)
        change, watch.held = edges(watch.held, held), held
        watch.offers(evse, now.mono)
        if revoked:
            change = Edges(change.rising, change.falling | {"Authorized"})
        if transaction is None:
            self._start_if_due(evse, change, trigger, now)
            return
        if "Authorized" in change.falling:
            transaction.stopped_reason = stopped_reason
        if change.stops(self._desk.model[TX_STOP_POINT]):
            self._stop(evse, change, trigger, stopped_reason, now, token)
        elif report or evse.charging_state(now.mono) != transaction.charging_state:
            self.updated(evse, transaction, trigger, now, token=token)

    def _held(self, evse: Evse) -> frozenset[str]:
        """What holds of the start and stop points, DataSigned among them (E01.FR.04)."""
        watch = self.watch(evse)
        watch.signs = watch.signs and _ready_to_sign(evse)
        return evse.conditions() | {"DataSigned"} if watch.signs else evse.conditions()

    def note_signature(self, evse: Evse, now: Now) -> None:
        """The first signed reading for a driver and his vehicle is a point at which a transaction may start."""
        reading, watch = evse.reading, self.watch(evse)
        signed = reading is not None and reading.sample.signed is not None
        if signed and not watch.signs and _ready_to_sign(evse) and self._desk.model[SAMPLED_SIGN_READINGS]:
            watch.signs = True
            if evse.transaction is None:
                self.step(evse, "SignedDataReceived", now)
            else:
                watch.held |= {"DataSigned"}

    def _start_if_due(self, evse: Evse, change: Edges, trigger: str, now: Now) -> None:
        """A start point came about, now or while none might start; or a new driver finds one that still holds (E01)."""
        watch, points = self.watch(evse), self._desk.model[TX_START_POINT]
        anew = "Authorized" in change.rising or watch.missed_start
        due = change.starts(points) or (anew and not watch.held.isdisjoint(points))
        may_start = self._desk.may_charge and evse.serves(evse.plugged)
        watch.missed_start = due and not may_start
        if due and may_start:
            self._start(evse, trigger, now)

    def start_if_missed(self, evse: Evse, now: Now) -> None:
        """What kept a transaction from starting may be gone: not accepted yet, out of service, a fault."""
        if self.watch(evse).missed_start:
            self.step(evse, _what_holds(evse), now)

    def _start(self, evse: Evse, trigger: str, now: Now) -> None:
        transaction = Transaction(id=self._desk.new_id(), started_at=now.wall)
        evse.transaction = transaction
        watch = self.watch(evse)
        watch.forget_transaction()
        watch.sampled_mono = watch.collected_mono = now.mono
        self.take_begin(evse, transaction)
        self._tell(evse, transaction, "Started", trigger, now.wall, now.mono, (self._begin_value(transaction),))
        self._desk.post(TransactionStarted(evse.id, transaction.id))

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
        meter_values: list[common.MeterValue | None] = []
        self.take_begin(evse, transaction)
        if evse.charging_state(now.mono) == "Charging" and not transaction.told_begin:  # E01.FR.17
            meter_values.append(self._begin_value(transaction))
        if values:
            reading = present_reading(evse, now)
            self.watch(evse).told_reading = reading
            meter_values.append(self._wording.sampled(reading, SAMPLED_TX_UPDATED, context, transaction))
        self._tell(evse, transaction, "Updated", trigger, now.wall, now.mono, (*meter_values, value), token)

    def _stop(
        self, evse: Evse, change: Edges, trigger: str, stopped_reason: str | None, now: Now, token: Token | None
    ) -> None:
        """A stop point was left.  Why its authorization ended before counts more than what ends it now."""
        told = None if evse.transaction is None else evse.transaction.stopped_reason
        reason = told or stopped_reason or _why_paused(evse)
        # E09.FR.03: its owner comes for it
        keep_cable = "EVConnected" in change.falling and not self._desk.model[UNLOCK_ON_EV_SIDE_DISCONNECT]
        self.end(evse, trigger, reason, now, token, keep_cable=keep_cable)

    def end(
        self,
        evse: Evse,
        trigger: str,
        stopped_reason: str,
        now: Now,
        token: Token | None = None,
        *,
        keep_cable: bool = False,
    ) -> None:
        """End it, and the authorization with it (erratum 2.17); the Ended follows the last reading."""
        transaction = evse.transaction
        if transaction is None or transaction.ending is not None:
            return
        watch = self.watch(evse)
        watch.connect_by = watch.sampled_mono = watch.collected_mono = watch.heal_by = None
        transaction.ending = Ending(trigger, stopped_reason, now.wall, token)
        if evse.authorization is not None:
            evse.deauthorize(keep_cable=keep_cable)
        if not evse.layout.has_relay_feedback:
            evse.opened_at_mono = now.mono
        watch.held = self._held(evse)
        self.finish_when_settled(evse, now)
        if evse.transaction is not None:
            watch.settle_by = now.mono + LAST_READING_PATIENCE_S
            self._keep(evse, transaction)
            self._desk.tell(SampleMeter(evse.id, 1.0))

    def finish_when_settled(self, evse: Evse, now: Now) -> None:
        if evse.final_reading_is_in():
            self.finish(evse, now)

    def finish(self, evse: Evse, now: Now) -> None:
        transaction = evse.transaction
        if transaction is None or transaction.ending is None:
            return
        if evse.reading is not None:
            transaction.learn(evse.reading)
        self._tell_ended(evse, transaction, transaction.ending, now.mono)
        evse.transaction = None
        self.watch(evse).forget_transaction()
        self._desk.tell(KeepRecord(_key(evse), None))
        if transaction.course.transaction_id:
            self._desk.tell(KeepRecord(_course_key(evse), None))
        self._desk.post(TransactionEnded(evse.id, transaction.id, transaction.energy_wh()))
        self.step(evse, _what_holds(evse), now)

    def _tell_ended(self, evse: Evse, transaction: Transaction, ending: Ending, mono: float) -> None:
        values = self._wording.of_end(transaction)
        self._tell(evse, transaction, "Ended", ending.trigger, ending.at, mono, values, ending.token)

    def take_begin(self, evse: Evse, transaction: Transaction) -> None:
        """The reading that it begins with; none yet while its driver may go to another EVSE (E01.FR.09, J02.FR.22)."""
        right = evse.authorization
        may_move = evse.plugged is None and right is not None and not right.pinned
        if transaction.begin is None and evse.reading is not None and not may_move:
            transaction.begin = transaction.last = evse.reading

    def _begin_value(self, transaction: Transaction) -> common.MeterValue | None:
        value = self._wording.sampled(transaction.begin, SAMPLED_TX_STARTED, "Transaction.Begin", transaction)
        transaction.told_begin = value is not None
        return value

    def move_here(self, evse: Evse, now: Now) -> None:
        """The driver who was authorized at the station's reader chose this EVSE."""
        source = self._desk.site.movable_to(evse)
        if source is None or source.authorization is None:
            return
        right = source.authorization
        source.deauthorize()
        evse.authorize(right)
        there = self.watch(source)
        there.connect_by, there.held = None, self._held(source)
        if source.transaction is not None:
            self._move_transaction(source, evse)
        elif evse.transaction is not None:
            self.step(evse, right.trigger, now, report=True)  # E02.FR.20: a plain cable event must not swallow it

    def _move_transaction(self, source: Evse, evse: Evse) -> None:
        here, there = self.watch(evse), self.watch(source)
        evse.transaction, source.transaction = source.transaction, None
        here.sampled_mono, here.collected_mono = there.sampled_mono, there.collected_mono
        here.held |= {"Authorized"}
        there.forget_transaction()
        self._desk.tell(KeepRecord(_key(source), None))
        if evse.transaction is not None:
            self._keep(evse, evse.transaction)

    def periodic(self, evse: Evse, now: Now) -> None:
        """The time for a reading of the running transaction has come: to tell it, or to collect it."""
        transaction, watch = evse.transaction, self.watch(evse)
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
            self.updated(evse, transaction, "MeterValuePeriodic", now, value=value)

    def periodic_due(self, evse: Evse) -> float | None:
        """When that is; an interval that is set in the course of a transaction counts at once."""
        watch = self.watch(evse)
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
        moment, watch = moment_of_clock(self._desk, evse, ALIGNED_INTERVAL), self.watch(evse)
        if moment is None or moment == watch.told_moment or not told_by_transaction(evse, moment):
            return
        watch.told_moment = moment
        value = self._wording.aligned(evse.reading, ALIGNED_MEASURANDS, transaction=transaction)
        if value is not None:
            self.updated(evse, transaction, "MeterValueClock", now, value=value)

    def collect(self, evse: Evse, transaction: Transaction) -> None:
        """Keep the reading for the Ended, where it is one of those that were asked for."""
        watch, course, reading = self.watch(evse), transaction.course, evse.reading
        if reading is None or transaction.begin is None:
            return
        taken = watch.wants_reading and course.periodic.offer(reading)
        watch.wants_reading = False
        moment = moment_of_clock(self._desk, evse, ALIGNED_TX_ENDED_INTERVAL)
        wanted = moment is not None and moment != watch.collected_moment and self._desk.model[ALIGNED_TX_ENDED]
        if moment is not None and wanted and told_by_transaction(evse, moment):
            watch.collected_moment = moment
            taken = course.aligned.offer(reading) or taken
        if taken:
            course.transaction_id = transaction.id
            self._keep_course(evse, course)

    # ---- out ----

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
        self._keep(evse, transaction)
        self._desk.tell(
            Send(
                request,
                durable=True,
                transaction_id=transaction.id,
                seq_no=request.seq_no,
                worth=_worth(event_type, trigger),
            )
        )

    def _keep(self, evse: Evse, transaction: Transaction) -> None:
        transaction.right = evse.authorization
        bare = msgspec.structs.replace(transaction, course=Course())
        self._desk.tell(KeepRecord(_key(evse), msgspec.json.encode(bare)))

    def _keep_course(self, evse: Evse, course: Course) -> None:
        self._desk.tell(KeepRecord(_course_key(evse), msgspec.json.encode(course)))

    def move_times(self, evse: Evse, shift: ClockShift) -> None:
        """Correct them here and on the disk; a reading that was told stays told."""
        watch = self.watch(evse)
        told = watch.told_reading is evse.reading
        evse.move_times(shift)
        watch.told_reading = evse.reading if told else watch.told_reading
        if evse.transaction is not None:
            self._keep(evse, evse.transaction)
            if evse.transaction.course.transaction_id:
                self._keep_course(evse, evse.transaction.course)

    def keep_reading(self, evse: Evse, transaction: Transaction, now: Now) -> None:
        """A reading now and then, for the case that the power goes between two events."""
        watch = self.watch(evse)
        if now.mono >= watch.keep_at_mono:
            watch.keep_at_mono = now.mono + KEEP_READING_S
            self._keep(evse, transaction)

    # ---- after a restart ----

    def take_up(self, records: Mapping[str, bytes], now: Now) -> None:
        """What was running when the power went is resumed or ended, as soon as the hardware says what is true."""
        for evse in self._desk.site.evses.values():
            record = records.get(_key(evse))
            if record is None:
                continue
            evse.transaction = transaction = self._desk.read_record(_key(evse), record, Transaction)
            if transaction is None:
                continue
            self._take_up_course(evse, transaction, records)
            if transaction.ending is None and self._may_resume(transaction, now):
                self._wait_for_vehicle(evse, transaction, now)
            else:
                self._end_of_power(evse, transaction, now)

    def _take_up_course(self, evse: Evse, transaction: Transaction, records: Mapping[str, bytes]) -> None:
        key = _course_key(evse)
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
        self.watch(evse).resume_by = now.mono + RESUME_PATIENCE_S

    def resumed(self, evse: Evse, now: Now) -> None:
        """The vehicle is still there: the transaction goes on (2.1: E17.FR.14; 2.0.1 has no word for TxResumed)."""
        transaction, watch = evse.transaction, self.watch(evse)
        watch.resume_by = None
        watch.held = self._held(evse)
        watch.offers(evse, now.mono)
        if transaction is not None:
            watch.sampled_mono = watch.collected_mono = now.mono
            self.updated(evse, transaction, "ChargingStateChanged", now)
            self._desk.post(TransactionStarted(evse.id, transaction.id))

    def not_resumed(self, evse: Evse, now: Now) -> None:
        """Nobody is there any more."""
        self.watch(evse).resume_by = None
        if evse.transaction is not None:
            self._end_of_power(evse, evse.transaction, now)

    def _end_of_power(self, evse: Evse, transaction: Transaction, now: Now) -> None:
        """End it with the register as it is found now, at the last moment of which something is known."""
        evse.deauthorize()
        reason = "PowerLoss" if self._desk.boot_reason == "PowerUp" else "Reboot"
        if transaction.ending is None:
            transaction.ending = Ending("AbnormalCondition", reason, transaction.last_alive(), in_the_dark=True)
        self.watch(evse).settle_by = now.mono + LAST_READING_PATIENCE_S
        if not evse.layout.has_meter:
            self.finish(evse, now)


def _ready_to_sign(evse: Evse) -> bool:
    """Whether there is a driver with his vehicle whose energy could be measured, and a meter to do it."""
    present = evse.transaction is not None or (evse.authorization is not None and evse.plugged is not None)
    return present and not meter_is_gone(evse)


def _what_holds(evse: Evse) -> str:
    """The trigger of a start that comes later than what it starts for."""
    if evse.authorization is not None:
        return evse.authorization.trigger
    return "CablePluggedIn" if evse.plugged is not None else "EVDetected"


def _why_paused(evse: Evse) -> str:
    """The reason when it is the end of the energy that ends the transaction."""
    transaction = evse.transaction
    if transaction is not None and transaction.energy_blocked:
        return "DeAuthorized"
    return "Other" if evse.faulted(evse.plugged) else "StoppedByEV"


def _worth(event_type: m.TransactionEvent, trigger: str) -> int:
    if event_type != "Updated":
        return 0
    return 1 if trigger in ("MeterValuePeriodic", "MeterValueClock") else 2


def _key(evse: Evse) -> str:
    return f"transaction/{evse.id}"


def _course_key(evse: Evse) -> str:
    return f"course/{evse.id}"


def _on_time(due: float, mono: float) -> float:
    """From when the next interval counts: it does not drift, unless a whole moment was slept through."""
    return due if mono - due < 1.0 else mono
