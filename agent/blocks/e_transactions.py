"""Block E: when a transaction starts, what is told of it while it runs, and how it ends.  Delivers nothing itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

import msgspec

from agent.blocks.base import Block, Desk
from agent.blocks.readings import Context, meter_value
from agent.model.catalogue import (
    EV_CONNECTION_TIMEOUT,
    MAX_ENERGY_ON_INVALID_ID,
    SAMPLED_ENABLED,
    SAMPLED_TX_ENDED,
    SAMPLED_TX_STARTED,
    SAMPLED_TX_UPDATED,
    SAMPLED_TX_UPDATED_INTERVAL,
    STOP_TX_ON_EV_SIDE_DISCONNECT,
    STOP_TX_ON_INVALID_ID,
    TX_BEFORE_ACCEPTED_ENABLED,
    TX_START_POINT,
    TX_STOP_POINT,
)
from agent.ocpp.messages import common
from agent.ocpp.messages import e_transactions as m
from agent.session.evse import OFFER_GRACE_S, Evse
from agent.session.transaction import Edges, Ending, Reading, Transaction, edges
from agent.vocabulary import (
    AuthorizationEnded,
    AuthorizationGranted,
    BayLeft,
    BayOccupied,
    CallFailed,
    EvConnected,
    EvDisconnected,
    EvEndedSession,
    EvNeedsVentilation,
    EvReleasedPower,
    EvRequestedPower,
    EvseFaulted,
    EvseHealed,
    Fact,
    KeepRecord,
    MeterRead,
    Now,
    PowerPathClosed,
    PowerPathOpened,
    ResetRequested,
    SampleMeter,
    Send,
    Token,
    TransactionEnded,
    TransactionStarted,
    TriggerRequested,
)

LAST_READING_PATIENCE_S = 3.0
"""How long an Ended waits for a reading that was taken after the power path opened."""

FAULT_PATIENCE_S = 300.0
"""How long a transaction waits for a fault to heal that is not a reason to end it at once."""

ENDING_FAULTS = {
    "EmergencyStop": "EmergencyStop",
    "GroundFailure": "GroundFault",
    "OverCurrentFailure": "OvercurrentFault",
    "OverVoltage": "PowerQuality",
    "UnderVoltage": "PowerQuality",
    "PowerSwitchFailure": "Other",
    "WeldedContactor": "Other",
    "OtherError": "Other",
}
"""Faults that end a transaction at once, with the stoppedReason (E06.FR.16)."""


class Watch:
    """What is timed and compared for one EVSE; lost with the power, made anew at start."""

    def __init__(self, evse: Evse) -> None:
        self.held = evse.conditions()
        self.connect_by: float | None = None
        self.think_by: float | None = None
        self.settle_by: float | None = None
        self.heal_by: float | None = None
        self.periodic_at: float | None = None
        self.energy_cap_wh: float | None = None
        self.told_reading: Reading | None = None

    def forget_transaction(self) -> None:
        """The transaction is over."""
        self.settle_by = self.heal_by = self.periodic_at = self.energy_cap_wh = self.told_reading = None

    def offers(self, evse: Evse, mono: float) -> None:
        """Keep the time since when the vehicle could take energy."""
        if not evse.may_give_power():
            evse.offered_at_mono = self.think_by = None
        elif evse.offered_at_mono is None:
            evse.offered_at_mono = mono
            self.think_by = mono + OFFER_GRACE_S

    def next_deadline(self) -> float | None:
        """The earliest of its times."""
        times = (self.connect_by, self.think_by, self.settle_by, self.heal_by, self.periodic_at)
        return min((time for time in times if time is not None), default=None)


class Transactions(Block):
    """Started, Updated, Ended: each with its number, each on disk before it is sent."""

    letter = "E"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._watches = {evse.id: Watch(evse) for evse in desk.site.evses.values()}

    # ---- what the vehicle and the driver do ----

    def bay_occupied(self, fact: BayOccupied, now: Now) -> None:
        self._step(self._evse(fact), "EVDetected", now, report=True)

    def bay_left(self, fact: BayLeft, now: Now) -> None:
        self._step(self._evse(fact), "EVDeparted", now, report=True)

    def ev_connected(self, fact: EvConnected, now: Now) -> None:
        evse = self._evse(fact)
        self._watches[evse.id].connect_by = None
        self._move_here(evse)
        self._step(evse, "CablePluggedIn", now, report=True)

    def ev_disconnected(self, fact: EvDisconnected, now: Now) -> None:
        evse = self._evse(fact)
        if self.desk.model[STOP_TX_ON_EV_SIDE_DISCONNECT]:  # E09.FR.01
            evse.authorization = None
        elif evse.authorization is not None:
            self._watches[evse.id].connect_by = now.mono + self.desk.model[EV_CONNECTION_TIMEOUT]  # E10.FR.02
        self._step(evse, "EVCommunicationLost", now, stopped_reason="EVDisconnected", report=True)

    def authorized(self, fact: AuthorizationGranted, now: Now) -> None:
        evse = self._evse(fact)
        right = evse.authorization
        if right is None:
            return
        if evse.plugged is None:
            self._watches[evse.id].connect_by = now.mono + self.desk.model[EV_CONNECTION_TIMEOUT]
        self._step(evse, right.trigger, now, report=True)

    def authorization_ended(self, fact: AuthorizationEnded, now: Now) -> None:
        evse = self._evse(fact)
        self._watches[evse.id].connect_by = None
        self._step(evse, fact.trigger, now, stopped_reason=fact.stopped_reason, token=fact.token, report=True)

    def vehicle_ended(self, fact: EvEndedSession, now: Now) -> None:
        evse = self._evse(fact)
        if evse.authorization is not None:  # E15.FR.04, E15.FR.05
            evse.authorization = None
            self._step(evse, "StopAuthorized", now, stopped_reason="StoppedByEV", report=True)

    def charging_state_may_differ(self, fact: Fact, now: Now) -> None:
        self._step(self._evse(fact), "ChargingStateChanged", now)

    # ---- the meter ----

    def meter_read(self, fact: MeterRead, now: Now) -> None:
        evse = self._evse(fact)
        transaction, watch = evse.transaction, self._watches[evse.id]
        if transaction is None:
            return
        transaction.last = evse.reading
        if transaction.ending is not None:
            self._finish_when_settled(evse, now)
            return
        self._take_begin(evse, transaction)
        energy_wh = transaction.energy_wh()
        if watch.energy_cap_wh is not None and energy_wh is not None and energy_wh >= watch.energy_cap_wh:
            self._block_energy(evse, now)

    # ---- faults ----

    def faulted(self, fact: EvseFaulted, now: Now) -> None:
        evse = self._evse(fact)
        watch = self._watches[evse.id]
        if evse.transaction is None or not evse.faulted(evse.plugged):
            return
        reason = ENDING_FAULTS.get(fact.code)
        if reason is not None:
            self._end(evse, "AbnormalCondition", reason, now)
            return
        if watch.heal_by is None:
            watch.heal_by = now.mono + FAULT_PATIENCE_S
        self._step(evse, "AbnormalCondition", now)

    def healed(self, fact: EvseHealed, now: Now) -> None:
        evse = self._evse(fact)
        if not evse.faulted(evse.plugged):
            self._watches[evse.id].heal_by = None
        self._step(evse, "ChargingStateChanged", now)

    # ---- what the CSMS asks ----

    def reset_requested(self, fact: ResetRequested, now: Now) -> None:
        for evse in self.desk.site.running():  # B12.FR.04
            self._end(evse, fact.trigger, fact.stopped_reason, now)

    def triggered(self, fact: TriggerRequested, now: Now) -> None:
        if fact.message != "TransactionEvent":
            return
        for evse in self.desk.site.running():  # F06.FR.07
            transaction = evse.transaction
            if transaction is not None and transaction.ending is None and fact.evse in (0, evse.id):
                self._updated(evse, transaction, "Trigger", now, context="Trigger", values=True)

    facts = {
        BayOccupied: bay_occupied,
        BayLeft: bay_left,
        EvConnected: ev_connected,
        EvDisconnected: ev_disconnected,
        AuthorizationGranted: authorized,
        AuthorizationEnded: authorization_ended,
        EvEndedSession: vehicle_ended,
        EvRequestedPower: charging_state_may_differ,
        EvReleasedPower: charging_state_may_differ,
        EvNeedsVentilation: charging_state_may_differ,
        PowerPathClosed: charging_state_may_differ,
        PowerPathOpened: charging_state_may_differ,
        MeterRead: meter_read,
        EvseFaulted: faulted,
        EvseHealed: healed,
        ResetRequested: reset_requested,
        TriggerRequested: triggered,
    }

    def event_answered(
        self, request: m.TransactionEventRequest, outcome: m.TransactionEventResponse | CallFailed, now: Now
    ) -> None:
        """What the CSMS says of the identifier (E05)."""
        if isinstance(outcome, CallFailed) or outcome.id_token_info is None:
            return
        evse = self.desk.site.with_transaction(request.transaction_info.transaction_id)
        if evse is None or evse.transaction is None or evse.transaction.ending is not None:
            return
        if outcome.id_token_info.status == "Accepted":
            self._learn_group(evse, outcome.id_token_info)
        elif evse.authorization is not None:
            self._invalid_id(evse, now)

    answers = {m.TransactionEventRequest: event_answered}

    def _learn_group(self, evse: Evse, info: common.IdTokenInfo) -> None:
        right, group = evse.authorization, info.group_id_token
        if right is not None and group is not None:
            evse.authorization = msgspec.structs.replace(right, group=Token(group.id_token, cast("Any", group.type)))

    def _invalid_id(self, evse: Evse, now: Now) -> None:
        allowed_wh = self.desk.model[MAX_ENERGY_ON_INVALID_ID]
        if self.desk.model[STOP_TX_ON_INVALID_ID]:  # E05.FR.09, E05.FR.10
            evse.authorization = None
            self._step(evse, "Deauthorized", now, stopped_reason="DeAuthorized", report=True)
        elif allowed_wh:  # E05.FR.03
            self._watches[evse.id].energy_cap_wh = float(allowed_wh)
        else:
            self._block_energy(evse, now)

    def _block_energy(self, evse: Evse, now: Now) -> None:
        transaction = evse.transaction
        if transaction is not None and not transaction.energy_blocked:  # E05.FR.02
            transaction.energy_blocked = True
            self._step(evse, "ChargingStateChanged", now, stopped_reason="DeAuthorized")

    # ---- time ----

    def next_deadline(self) -> float | None:
        times = [watch.next_deadline() for watch in self._watches.values()]
        return min((time for time in times if time is not None), default=None)

    def expire(self, now: Now) -> None:
        for evse in self.desk.site.evses.values():
            watch = self._watches[evse.id]
            if watch.connect_by is not None and now.mono >= watch.connect_by:
                watch.connect_by = None
                self._nobody_came(evse, now)
            if watch.settle_by is not None and now.mono >= watch.settle_by:
                self._finish(evse, now)
            if watch.heal_by is not None and now.mono >= watch.heal_by:
                watch.heal_by = None
                self._end(evse, "AbnormalCondition", "Other", now)
            if watch.periodic_at is not None and now.mono >= watch.periodic_at:
                self._periodic(evse, watch, now)
            if watch.think_by is not None and now.mono >= watch.think_by:
                watch.think_by = None
                self._step(evse, "ChargingStateChanged", now)

    def _nobody_came(self, evse: Evse, now: Now) -> None:
        evse.authorization = None
        if evse.transaction is None or "ParkingBayOccupancy" in self.desk.model[TX_STOP_POINT]:  # E03.FR.15
            self._step(evse, "EVConnectTimeout", now, report=True)
        else:  # E03.FR.05
            self._end(evse, "EVConnectTimeout", "Timeout", now)

    def _periodic(self, evse: Evse, watch: Watch, now: Now) -> None:
        transaction = evse.transaction
        self._schedule_periodic(watch, now)
        if transaction is None or transaction.ending is not None or evse.reading is watch.told_reading:
            return
        self._updated(evse, transaction, "MeterValuePeriodic", now, values=True)

    def _schedule_periodic(self, watch: Watch, now: Now) -> None:
        interval_s = self.desk.model[SAMPLED_TX_UPDATED_INTERVAL] if self.desk.model[SAMPLED_ENABLED] else 0
        watch.periodic_at = now.mono + interval_s if interval_s else None

    # ---- the transaction ----

    def _evse(self, fact: Fact) -> Evse:
        return self.desk.site.evses[fact.evse]

    def _step(
        self,
        evse: Evse,
        trigger: str,
        now: Now,
        *,
        stopped_reason: str = "Other",
        token: Token | None = None,
        report: bool = False,
    ) -> None:
        """Compare the EVSE's conditions with those before, and start, tell or end (E01, E02, E06)."""
        transaction, watch = evse.transaction, self._watches[evse.id]
        if transaction is not None and transaction.ending is not None:
            self._finish_when_settled(evse, now)
            return
        held = evse.conditions()
        change, watch.held = edges(watch.held, held), held
        watch.offers(evse, now.mono)
        if transaction is None:
            if change.starts(self.desk.model[TX_START_POINT]) and self._may_start():
                self._start(evse, trigger, now)
        elif change.stops(self.desk.model[TX_STOP_POINT]):
            self._stop(evse, change, trigger, stopped_reason, now, token)
        elif report or evse.charging_state(now.mono) != transaction.charging_state:
            self._updated(evse, transaction, trigger, now, token=token)

    def _may_start(self) -> bool:
        return self.desk.accepted or self.desk.model[TX_BEFORE_ACCEPTED_ENABLED]  # B02.FR.03

    def _start(self, evse: Evse, trigger: str, now: Now) -> None:
        transaction = Transaction(id=self.desk.new_id(), started_at=now.wall)
        evse.transaction = transaction
        watch = self._watches[evse.id]
        watch.forget_transaction()
        self._schedule_periodic(watch, now)
        self._take_begin(evse, transaction)
        self._tell(evse, transaction, "Started", trigger, now.wall, now.mono, (self._begin_value(transaction),))
        self.desk.post(TransactionStarted(evse.id, transaction.id))

    def _updated(
        self,
        evse: Evse,
        transaction: Transaction,
        trigger: str,
        now: Now,
        *,
        token: Token | None = None,
        context: Context = "Sample.Periodic",
        values: bool = False,
    ) -> None:
        meter_values: list[common.MeterValue | None] = []
        if evse.charging_state(now.mono) == "Charging" and not transaction.told_begin:  # E01.FR.17
            meter_values.append(self._begin_value(transaction))
        if values:
            self._watches[evse.id].told_reading = evse.reading
            meter_values.append(meter_value(evse.reading, self.desk.model[SAMPLED_TX_UPDATED], context))
        self._tell(evse, transaction, "Updated", trigger, now.wall, now.mono, tuple(meter_values), token)

    def _stop(
        self, evse: Evse, change: Edges, trigger: str, stopped_reason: str, now: Now, token: Token | None
    ) -> None:
        """A stop point was left.  A pause ends the transaction, not the right: the vehicle may come back for more."""
        only_paused = change.falling == {"EnergyTransfer"} and not evse.faulted() and evse.may_give_power()
        reason = "StoppedByEV" if only_paused else stopped_reason
        self._end(evse, trigger, reason, now, token, keep_right=only_paused)

    def _end(
        self,
        evse: Evse,
        trigger: str,
        stopped_reason: str,
        now: Now,
        token: Token | None = None,
        *,
        keep_right: bool = False,
    ) -> None:
        transaction = evse.transaction
        if transaction is None or transaction.ending is not None:
            return
        watch = self._watches[evse.id]
        watch.connect_by = watch.periodic_at = watch.heal_by = None
        transaction.ending = Ending(trigger, stopped_reason, now.wall, token)
        if not keep_right:
            evse.authorization = None
        watch.held = evse.conditions()
        self._finish_when_settled(evse, now)
        if evse.transaction is not None:
            watch.settle_by = now.mono + LAST_READING_PATIENCE_S
            self._keep(evse, transaction)
            self.desk.tell(SampleMeter(evse.id, 1.0))

    def _finish_when_settled(self, evse: Evse, now: Now) -> None:
        if evse.final_reading_is_in():
            self._finish(evse, now)

    def _finish(self, evse: Evse, now: Now) -> None:
        transaction = evse.transaction
        if transaction is None or transaction.ending is None:
            return
        if evse.reading is not None:
            transaction.last = evse.reading
        self._tell_ended(evse, transaction, transaction.ending, now.mono)
        evse.transaction = None
        self._watches[evse.id].forget_transaction()
        self.desk.tell(KeepRecord(_key(evse), None))
        self.desk.post(TransactionEnded(evse.id, transaction.id, transaction.energy_wh()))
        self._step(evse, evse.authorization.trigger if evse.authorization else "CablePluggedIn", now)

    def _tell_ended(self, evse: Evse, transaction: Transaction, ending: Ending, mono: float) -> None:
        chosen = self.desk.model[SAMPLED_TX_ENDED]
        enabled = self.desk.model[SAMPLED_ENABLED]
        values: tuple[common.MeterValue | None, ...] = ()
        if enabled:
            begin = meter_value(transaction.begin, chosen, "Transaction.Begin")
            values = (begin, meter_value(transaction.last, chosen, "Transaction.End"))
        self._tell(evse, transaction, "Ended", ending.trigger, ending.at, mono, values, ending.token)

    def _take_begin(self, evse: Evse, transaction: Transaction) -> None:
        if transaction.begin is None and evse.reading is not None and not transaction.has_charged:
            transaction.begin = transaction.last = evse.reading

    def _begin_value(self, transaction: Transaction) -> common.MeterValue | None:
        if not self.desk.model[SAMPLED_ENABLED]:
            return None
        value = meter_value(transaction.begin, self.desk.model[SAMPLED_TX_STARTED], "Transaction.Begin")
        transaction.told_begin = value is not None
        return value

    def _move_here(self, evse: Evse) -> None:
        """The driver who was authorized at the station's reader chose this EVSE."""
        source = self.desk.site.movable_to(evse)
        if source is None:
            return
        evse.authorization, source.authorization = source.authorization, None
        evse.transaction, source.transaction = source.transaction, None
        here, there = self._watches[evse.id], self._watches[source.id]
        here.periodic_at, here.held = there.periodic_at, evse.conditions() - {"EVConnected", "PowerPathClosed"}
        there.forget_transaction()
        there.connect_by, there.held = None, source.conditions()
        if evse.transaction is not None:
            self.desk.tell(KeepRecord(_key(source), None))
            self._keep(evse, evse.transaction)

    # ---- the message ----

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
        state = evse.charging_state(mono)
        ending = transaction.ending
        started_charging = state == "Charging" and not transaction.has_charged
        request = m.TransactionEventRequest(
            event_type=event_type,
            timestamp=at,
            trigger_reason=cast("Any", self._trigger(evse, transaction, trigger)),
            seq_no=transaction.take_seq_no(),
            transaction_info=m.Transaction(
                transaction_id=transaction.id,
                charging_state=state,
                stopped_reason=None if ending is None else cast("Any", ending.stopped_reason),
                remote_start_id=self._remote_start_id(evse, transaction),
            ),
            meter_value=tuple(value for value in values if value is not None) or None,
            number_of_phases_used=evse.layout.phases if started_charging else None,  # E02.FR.18
            cable_max_current=self._cable_limit(evse, transaction),
            evse=self._evse_once(evse, transaction),
            id_token=self._token_once(evse, transaction, token),
        )
        transaction.charging_state = state
        transaction.has_charged = transaction.has_charged or state == "Charging"
        self._keep(evse, transaction)
        self.desk.tell(Send(request, durable=True, transaction_id=transaction.id, seq_no=request.seq_no))

    def _keep(self, evse: Evse, transaction: Transaction) -> None:
        self.desk.tell(KeepRecord(_key(evse), msgspec.json.encode(transaction)))

    def _trigger(self, evse: Evse, transaction: Transaction, trigger: str) -> str:
        right = evse.authorization
        if right is not None and right.remote_start_id is not None and not transaction.told_remote_start:
            return "RemoteStart"  # F01.FR.19
        return trigger

    def _remote_start_id(self, evse: Evse, transaction: Transaction) -> int | None:
        right = evse.authorization
        if right is None or right.remote_start_id is None or transaction.told_remote_start:
            return None
        transaction.told_remote_start = True  # F01.FR.25
        return right.remote_start_id

    def _cable_limit(self, evse: Evse, transaction: Transaction) -> int | None:
        if evse.plugged is None or transaction.told_evse:
            return None
        limit_a = evse.connectors[evse.plugged].cable_limit_a
        return None if limit_a is None else int(limit_a)

    def _evse_once(self, evse: Evse, transaction: Transaction) -> common.EVSE | None:
        if evse.plugged is None or transaction.told_evse:  # E01.FR.16
            return None
        transaction.told_evse, transaction.connector = True, evse.plugged
        return common.EVSE(id=evse.id, connector_id=evse.plugged)

    def _token_once(self, evse: Evse, transaction: Transaction, token: Token | None) -> common.IdToken | None:
        right = evse.authorization
        if token is None and right is not None and not transaction.told_token:  # E02.FR.01
            transaction.told_token, transaction.token = True, right.token
            token = right.token
        return None if token is None else common.IdToken(id_token=token.id, type=token.kind)

    # ---- after a restart ----

    def remember(self, records: Mapping[str, bytes], now: Now) -> None:
        """End what was running when the power went (stoppedReason PowerLoss, or what the restart was for)."""
        for evse in self.desk.site.evses.values():
            record = records.get(_key(evse))
            if record is None:
                continue
            transaction = msgspec.json.decode(record, type=Transaction)
            reason = "PowerLoss" if self.desk.boot_reason == "PowerUp" else "Reboot"
            evse.transaction = transaction
            if transaction.ending is None:
                transaction.ending = Ending("AbnormalCondition", reason, now.wall)
            self._tell_ended(evse, transaction, transaction.ending, now.mono)
            evse.transaction = None
            self.desk.tell(KeepRecord(_key(evse), None))
            self.desk.post(TransactionEnded(evse.id, transaction.id, transaction.energy_wh()))


def _key(evse: Evse) -> str:
    return f"transaction/{evse.id}"
