"""The life of a transaction: what starts it, what is worth telling, what ends it.  Hears no fact, obeys no call."""

from __future__ import annotations

from agent.blocks.base import Desk
from agent.blocks.e_telling import Telling, transaction_key
from agent.blocks.e_watch import OPENING_PATIENCE_S, Watch
from agent.model.catalogue import SAMPLED_SIGN_READINGS, TX_START_POINT, TX_STOP_POINT, UNLOCK_ON_EV_SIDE_DISCONNECT
from agent.session.evse import Evse
from agent.session.metering import meter_is_gone
from agent.session.transaction import Edges, Ending, Transaction, edges
from agent.vocabulary.commands import KeepRecord, SampleMeter
from agent.vocabulary.facts import TransactionEnded, TransactionStarted
from agent.vocabulary.values import Now, Token


class Lifecycle:
    """The transactions of all EVSEs, at most one on each."""

    def __init__(self, desk: Desk, watches: dict[int, Watch], telling: Telling) -> None:
        self._desk = desk
        self._watches = watches
        self._telling = telling

    def _watch(self, evse: Evse) -> Watch:
        return self._watches[evse.id]

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
        transaction, watch = evse.transaction, self._watch(evse)
        if watch.resume_by is not None:  # nothing is known yet of what the transaction will find
            return
        if transaction is not None and transaction.ending is not None:
            self.finish_when_settled(evse, now)
            return
        held = self.held(evse)
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
            self._telling.updated(evse, transaction, watch.trigger_of(trigger), now, token=token)

    def deauthorized(self, evse: Evse, now: Now) -> None:
        """Told with the state in which nothing flows any more (C15.FR.03), or after a while as it is (E05.FR.09)."""
        flows = evse.energy_flows()
        if flows:
            self._watch(evse).deauthorized_by = now.mono + OPENING_PATIENCE_S
        self.step(evse, "Deauthorized", now, stopped_reason="DeAuthorized", report=not flows)
        if flows and evse.transaction is not None:
            self._telling.keep(evse, evse.transaction)

    def held(self, evse: Evse) -> frozenset[str]:
        """What holds of the start and stop points, DataSigned among them (E01.FR.04)."""
        watch = self._watch(evse)
        watch.signs = watch.signs and _ready_to_sign(evse)
        return evse.conditions() | {"DataSigned"} if watch.signs else evse.conditions()

    def note_signature(self, evse: Evse, now: Now) -> None:
        """The first signed reading for a driver and his vehicle is a point at which a transaction may start."""
        reading, watch = evse.reading, self._watch(evse)
        signed = reading is not None and reading.sample.signed is not None
        if signed and not watch.signs and _ready_to_sign(evse) and self._desk.model[SAMPLED_SIGN_READINGS]:
            watch.signs = True
            if evse.transaction is None:
                self.step(evse, "SignedDataReceived", now)
            else:
                watch.held |= {"DataSigned"}

    def _start_if_due(self, evse: Evse, change: Edges, trigger: str, now: Now) -> None:
        """A start point came about, now or while none might start; or a new driver finds one that still holds (E01)."""
        watch, points = self._watch(evse), self._desk.model[TX_START_POINT]
        anew = "Authorized" in change.rising or watch.missed_start
        due = change.starts(points) or (anew and not watch.held.isdisjoint(points))
        may_start = self._desk.may_charge and evse.serves(evse.plugged)
        watch.missed_start = due and not may_start
        if due and may_start:
            self._start(evse, trigger, now)

    def start_if_missed(self, evse: Evse, now: Now) -> None:
        """What kept a transaction from starting may be gone: not accepted yet, out of service, a fault."""
        if self._watch(evse).missed_start:
            self.step(evse, _what_holds(evse), now)

    def _start(self, evse: Evse, trigger: str, now: Now) -> None:
        transaction = Transaction(id=self._desk.new_id(), started_at=now.wall)
        evse.transaction = transaction
        watch = self._watch(evse)
        watch.forget_transaction()
        watch.sampled_mono = watch.collected_mono = now.mono
        self._telling.started(evse, transaction, trigger, now)
        self._desk.post(TransactionStarted(evse.id, transaction.id))

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
        watch = self._watch(evse)
        watch.connect_by = watch.sampled_mono = watch.collected_mono = watch.heal_by = watch.deauthorized_by = None
        transaction.ending = Ending(trigger, stopped_reason, now.wall, token)
        if evse.authorization is not None:
            evse.deauthorize(keep_cable=keep_cable)
        if not evse.layout.has_relay_feedback:
            evse.opened_at_mono = now.mono
        watch.held = self.held(evse)
        self.finish_when_settled(evse, now)
        if evse.transaction is not None:
            watch.await_last_reading(now.mono)
            self._telling.keep(evse, transaction)
            self._desk.tell(SampleMeter(evse.id, 1.0))

    def finish_when_settled(self, evse: Evse, now: Now) -> None:
        """A reading of the open power path ends it; where nobody is there to say that it opened, what is known does."""
        nobody_will_say = evse.power_closed and evse.faults.pilot_is_gone
        if nobody_will_say or evse.final_reading_is_in():
            self.finish(evse, now)

    def finish(self, evse: Evse, now: Now) -> None:
        transaction = evse.transaction
        if transaction is None or transaction.ending is None:
            return
        if evse.reading is not None:
            transaction.learn(evse.reading)
        self._telling.ended(evse, transaction, transaction.ending, now.mono)
        evse.transaction = None
        self._watch(evse).forget_transaction()
        self._telling.forget(evse, transaction)
        final = evse.final_reading_is_in()
        self._desk.post(TransactionEnded(evse.id, transaction.id, transaction.energy_wh(), final))
        self.step(evse, _what_holds(evse), now)

    def move_here(self, evse: Evse, now: Now) -> None:
        """The driver who was authorized at the station's reader chose this EVSE."""
        source = self._desk.site.movable_to(evse)
        if source is None or source.authorization is None:
            return
        right = source.authorization
        source.deauthorize()
        evse.authorize(right)
        there = self._watch(source)
        there.connect_by, there.held = None, self.held(source)
        if source.transaction is not None:
            self._move_transaction(source, evse)
        elif evse.transaction is not None:
            self.step(evse, right.trigger, now, report=True)  # E02.FR.20: a plain cable event must not swallow it

    def _move_transaction(self, source: Evse, evse: Evse) -> None:
        here, there = self._watch(evse), self._watch(source)
        evse.transaction, source.transaction = source.transaction, None
        here.sampled_mono, here.collected_mono = there.sampled_mono, there.collected_mono
        here.held |= {"Authorized"}
        there.forget_transaction()
        self._desk.tell(KeepRecord(transaction_key(source), None))
        if evse.transaction is not None:
            self._telling.keep(evse, evse.transaction)


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
    ours = evse.faulted(evse.plugged) or evse.limits.offer.limit_a == 0
    return "Other" if ours else "StoppedByEV"
