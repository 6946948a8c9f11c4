"""Block E: what facts, answers and time mean for a transaction.  How one starts and ends is ``e_life``."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from agent.blocks.base import Block, Desk, token_of
from agent.blocks.e_life import Lifecycle
from agent.blocks.e_rate import Rates
from agent.blocks.e_resumption import Resumption
from agent.blocks.e_sampling import Sampling
from agent.blocks.e_telling import Telling
from agent.blocks.e_watch import FAULT_PATIENCE_S, Watch
from agent.model.catalogue import (
    EV_CONNECTION_TIMEOUT,
    MAX_ENERGY_ON_INVALID_ID,
    STOP_TX_ON_EV_SIDE_DISCONNECT,
    STOP_TX_ON_INVALID_ID,
    TX_STOP_POINT,
    UNLOCK_ON_EV_SIDE_DISCONNECT,
)
from agent.ocpp.messages import common
from agent.ocpp.messages import e_transactions as m
from agent.session.evse import Evse
from agent.vocabulary.facts import (
    AuthorizationEnded,
    AuthorizationGranted,
    BayLeft,
    BayOccupied,
    ConnectorStatusChanged,
    DcPhaseEntered,
    EvConnected,
    EvDisconnected,
    EvEndedSession,
    EvNeedsVentilation,
    EvReleasedPower,
    EvRequestedPower,
    EvseFaulted,
    EvseHealed,
    Fact,
    LimitChanged,
    LockReported,
    MeterRead,
    PowerPathClosed,
    PowerPathOpened,
    ResetRequested,
    TriggerRequested,
)
from agent.vocabulary.incoming import CallFailed
from agent.vocabulary.values import ClockShift, Now

ENDING_FAULTS = {
    "EmergencyStop": "EmergencyStop",
    "GroundFailure": "GroundFault",
    "OverCurrentFailure": "OvercurrentFault",
    "OverVoltage": "PowerQuality",
    "UnderVoltage": "PowerQuality",
    "PowerSwitchFailure": "Other",
    "WeldedContactor": "Other",
    "TiltDetected": "Other",
    "WaterDetected": "Other",
    "OtherError": "Other",
}
"""Faults that end a transaction at once, with the stoppedReason (E06.FR.16)."""


class Transactions(Block):
    """Started, Updated, Ended: each with its number, each on disk before it is sent."""

    letter = "E"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._watches = {evse.id: Watch(evse) for evse in desk.site.evses.values()}
        self._telling = Telling(desk, self._watches)
        self._life = Lifecycle(desk, self._watches, self._telling)
        self._sampling = Sampling(desk, self._watches, self._telling)
        self._resumption = Resumption(desk, self._watches, self._telling, self._life)
        self._rates = Rates(desk)

    # ---- what the vehicle and the driver do ----

    def bay_occupied(self, fact: BayOccupied, now: Now) -> None:
        self._life.step(self._evse(fact), "EVDetected", now, report=True)

    def bay_left(self, fact: BayLeft, now: Now) -> None:
        self._life.step(self._evse(fact), "EVDeparted", now, stopped_reason="Local", report=True)

    def ev_connected(self, fact: EvConnected, now: Now) -> None:
        evse = self._evse(fact)
        if self._watches[evse.id].resume_by is not None:
            self._resumption.resumed(evse, now)
            return
        self._watches[evse.id].connect_by = None
        self._life.move_here(evse, now)
        self._life.step(evse, "CablePluggedIn", now, report=True)

    def ev_disconnected(self, fact: EvDisconnected, now: Now) -> None:
        evse = self._evse(fact)
        authorized = evse.authorization is not None
        if authorized and self.desk.model[STOP_TX_ON_EV_SIDE_DISCONNECT]:  # E09.FR.01, E09.FR.02, E09.FR.03
            evse.deauthorize(keep_cable=not self.desk.model[UNLOCK_ON_EV_SIDE_DISCONNECT])
        elif authorized:
            self._watches[evse.id].connect_by = now.mono + self.desk.model[EV_CONNECTION_TIMEOUT]  # E10.FR.02
        self._life.step(evse, "EVCommunicationLost", now, stopped_reason="EVDisconnected", report=True)

    def authorized(self, fact: AuthorizationGranted, now: Now) -> None:
        evse = self._evse(fact)
        right, transaction = evse.authorization, evse.transaction
        if right is None:
            return
        if transaction is not None:
            transaction.authorized_anew()
            self._watches[evse.id].energy_cap_wh = None
        if evse.plugged is None:
            self._watches[evse.id].connect_by = now.mono + self.desk.model[EV_CONNECTION_TIMEOUT]
        self._life.step(evse, right.trigger, now, report=True)

    def authorization_ended(self, fact: AuthorizationEnded, now: Now) -> None:
        evse = self._evse(fact)
        self._watches[evse.id].connect_by = None
        reason = fact.stopped_reason
        self._life.step(evse, fact.trigger, now, stopped_reason=reason, token=fact.token, report=True, revoked=True)

    def vehicle_ended(self, fact: EvEndedSession, now: Now) -> None:
        evse = self._evse(fact)
        if evse.authorization is not None:  # E15.FR.04, E15.FR.05
            evse.deauthorize()
            self._life.step(evse, "StopAuthorized", now, stopped_reason="StoppedByEV", report=True)

    def charging_state_may_differ(self, fact: Fact, now: Now) -> None:
        self._life.step(self._evse(fact), "ChargingStateChanged", now)

    def limit_changed(self, fact: LimitChanged, now: Now) -> None:
        """It may have to pause, or to go on, or it goes on at another rate (E02.FR.17)."""
        evse = self._evse(fact)
        before = None if evse.transaction is None else evse.transaction.next_seq_no
        self._life.step(evse, "ChargingStateChanged", now)
        transaction = evse.transaction
        told = transaction is None or transaction.ending is not None or transaction.next_seq_no != before
        if self._rates.is_news(evse, fact, told=told) and transaction is not None:
            self._telling.updated(evse, transaction, "ChargingRateChanged", now)

    def may_start_now(self, fact: ConnectorStatusChanged, now: Now) -> None:
        self._life.start_if_missed(self._evse(fact), now)

    # ---- the meter ----

    def meter_read(self, fact: MeterRead, now: Now) -> None:
        evse = self._evse(fact)
        self._life.note_signature(evse, now)
        transaction = evse.transaction
        if transaction is None:
            return
        if evse.reading is not None:
            transaction.learn(evse.reading)
        if transaction.ending is not None:
            self._life.finish_when_settled(evse, now)
            return
        self._telling.take_begin(evse, transaction)
        self._telling.keep_reading(evse, transaction, now)
        self._sampling.collect(evse, transaction)
        self._sampling.by_the_clock(evse, transaction, now)
        self._mind_energy_cap(evse, now)

    # ---- faults ----

    def faulted(self, fact: EvseFaulted, now: Now) -> None:
        evse = self._evse(fact)
        watch = self._watches[evse.id]
        if evse.transaction is None or not evse.faulted(evse.plugged):
            return
        reason = ENDING_FAULTS.get(fact.code)
        if reason is not None:
            self._life.end(evse, "AbnormalCondition", reason, now)
            return
        if watch.heal_by is None:
            watch.heal_by = now.mono + FAULT_PATIENCE_S
        self._life.step(evse, "AbnormalCondition", now)

    def healed(self, fact: EvseHealed, now: Now) -> None:
        evse = self._evse(fact)
        if not evse.faulted(evse.plugged):
            self._watches[evse.id].heal_by = None
        self._life.start_if_missed(evse, now)
        self._life.step(evse, "ChargingStateChanged", now)

    # ---- what the CSMS asks ----

    def reset_requested(self, fact: ResetRequested, now: Now) -> None:
        for evse in self.desk.site.running():  # B12.FR.04, B12.FR.08
            if fact.evse in (0, evse.id):
                self._life.end(evse, fact.trigger, fact.stopped_reason, now)

    def triggered(self, fact: TriggerRequested, now: Now) -> None:
        if fact.message != "TransactionEvent":
            return
        for evse in self.desk.site.running():  # F06.FR.07
            transaction = evse.transaction
            if transaction is not None and transaction.ending is None and fact.evse in (0, evse.id):
                self._telling.updated(evse, transaction, "Trigger", now, context="Trigger", values=True)

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
        DcPhaseEntered: charging_state_may_differ,
        LockReported: charging_state_may_differ,
        LimitChanged: limit_changed,
        ConnectorStatusChanged: may_start_now,
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
            evse.authorization = msgspec.structs.replace(right, group=token_of(group))

    def _invalid_id(self, evse: Evse, now: Now) -> None:
        allowed_wh = self.desk.model[MAX_ENERGY_ON_INVALID_ID]
        stops = self.desk.model[STOP_TX_ON_INVALID_ID]
        if stops and "EnergyTransfer" in self.desk.model[TX_STOP_POINT]:  # E05.FR.10: not when the energy has ended
            self._life.end(evse, "Deauthorized", "DeAuthorized", now, keep_cable=True)
        elif stops:  # E05.FR.09, E05.FR.10
            evse.deauthorize(keep_cable=True)  # E05.FR.11
            self._life.deauthorized(evse, now)
        elif allowed_wh:  # E05.FR.03
            self._watches[evse.id].energy_cap_wh = float(allowed_wh)
            self._mind_energy_cap(evse, now)
        else:
            self._block_energy(evse, now)

    def _mind_energy_cap(self, evse: Evse, now: Now) -> None:
        cap_wh, transaction = self._watches[evse.id].energy_cap_wh, evse.transaction
        energy_wh = None if transaction is None else transaction.energy_wh()
        if cap_wh is not None and energy_wh is not None and energy_wh >= cap_wh:
            self._block_energy(evse, now)

    def _block_energy(self, evse: Evse, now: Now) -> None:
        transaction = evse.transaction
        if transaction is not None and not transaction.energy_blocked:  # E05.FR.02
            transaction.energy_blocked = True
            self._life.step(evse, "ChargingStateChanged", now)

    # ---- time ----

    def next_deadline(self) -> float | None:
        times = [watch.next_deadline() for watch in self._watches.values()]
        times += [self._sampling.periodic_due(evse) for evse in self.desk.site.running()]
        return min((time for time in times if time is not None), default=None)

    def expire(self, now: Now) -> None:
        for evse in self.desk.site.evses.values():
            watch = self._watches[evse.id]
            if watch.connect_by is not None and now.mono >= watch.connect_by:
                watch.connect_by = None
                self._nobody_came(evse, now)
            if watch.settle_by is not None and now.mono >= watch.settle_by:
                self._life.finish(evse, now)
            if watch.deauthorized_by is not None and now.mono >= watch.deauthorized_by:
                watch.deauthorized_by = None
                self._life.step(evse, "Deauthorized", now, report=True)
            if watch.heal_by is not None and now.mono >= watch.heal_by:
                watch.heal_by = None
                self._life.end(evse, "AbnormalCondition", "Other", now)
            if watch.resume_by is not None and now.mono >= watch.resume_by:
                self._resumption.not_resumed(evse, now)
            sample_at = self._sampling.periodic_due(evse)
            if sample_at is not None and now.mono >= sample_at:
                self._sampling.periodic(evse, now)
            if watch.think_by is not None and now.mono >= watch.think_by:
                watch.think_by = None
                self._life.step(evse, "ChargingStateChanged", now)

    def _nobody_came(self, evse: Evse, now: Now) -> None:
        if evse.holds_cable():  # E10.FR.01: it waits for its owner, however long that takes
            self._watches[evse.id].connect_by = now.mono + self.desk.model[EV_CONNECTION_TIMEOUT]
            return
        evse.deauthorize()
        if evse.transaction is None or "ParkingBayOccupancy" in self.desk.model[TX_STOP_POINT]:  # E03.FR.15
            self._life.step(evse, "EVConnectTimeout", now, stopped_reason="Timeout", report=True)
        else:  # E03.FR.05
            self._life.end(evse, "EVConnectTimeout", "Timeout", now)

    # ---- what the CSMS asks of the past ----

    def status(self, request: m.GetTransactionStatusRequest, now: Now) -> m.GetTransactionStatusResponse:
        transaction_id = request.transaction_id
        if transaction_id is None:  # E14.FR.06, E14.FR.07, E14.FR.08
            return m.GetTransactionStatusResponse(messages_in_queue=self.desk.waiting(None))
        return m.GetTransactionStatusResponse(  # E14.FR.01 to E14.FR.05
            messages_in_queue=self.desk.waiting(transaction_id),
            ongoing_indicator=self.desk.site.with_transaction(transaction_id) is not None,
        )

    calls = {m.GetTransactionStatusRequest: status}

    def remember(self, records: Mapping[str, bytes], now: Now) -> None:
        """Resume or end what was running when the power went."""
        self._resumption.take_up(records, now)

    def move_times(self, shift: ClockShift) -> None:
        """The time of day became known: what is kept was stamped with another."""
        for evse in self.desk.site.evses.values():
            self._telling.move_times(evse, shift)

    def _evse(self, fact: Fact) -> Evse:
        return self.desk.site.evses[fact.evse]
