"""Block F: what the CSMS may ask the station to do now.  Decides nothing about the charge itself."""

from __future__ import annotations

from agent.blocks.base import Block, Desk, token_of
from agent.blocks.readings import meter_value
from agent.model.catalogue import ALIGNED_MEASURANDS
from agent.ocpp.messages import f_remote_control as m
from agent.session.evse import Evse
from agent.vocabulary.commands import Answer, UnlockConnector
from agent.vocabulary.facts import AuthorizationEnded, LockReported, RemoteStartRequested, TriggerRequested
from agent.vocabulary.values import Now, Token

UNLOCK_PATIENCE_S = 5.0

TRIGGERABLE = frozenset(
    {
        "BootNotification",
        "FirmwareStatusNotification",
        "Heartbeat",
        "LogStatusNotification",
        "MeterValues",
        "StatusNotification",
        "TransactionEvent",
    }
)
"""Each is sent by the block that has what it says, which hears ``TriggerRequested``."""


class WaitingUnlock:
    """An UnlockConnector that is answered when the lock has moved."""

    def __init__(self, message_id: str, evse: int, connector: int, until: float) -> None:
        self.message_id = message_id
        self.evse = evse
        self.connector = connector
        self.until = until


class RemoteControl(Block):
    """Start, stop, unlock, trigger."""

    letter = "F"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._unlocks: list[WaitingUnlock] = []

    # ---- start and stop ----

    def start(self, request: m.RequestStartTransactionRequest, now: Now) -> m.RequestStartTransactionResponse:
        token = token_of(request.id_token)
        group = None if request.group_id_token is None else token_of(request.group_id_token)
        evse = self._evse_for(request.evse_id, token, group)
        if evse is None or not self.desk.accepted:  # F01.FR.23, F01.FR.24, B02.FR.05
            return m.RequestStartTransactionResponse(status="Rejected")
        profile = request.charging_profile
        wrong = None if profile is None else self.desk.judge_profile(evse, profile)
        if wrong is not None:  # F01.FR.26
            return m.RequestStartTransactionResponse(status="Rejected", status_info=wrong)
        transaction_id = None if evse.transaction is None else evse.transaction.id  # F01.FR.13
        self.desk.post(RemoteStartRequested(evse.id, token, request.remote_start_id, group, profile))
        return m.RequestStartTransactionResponse(status="Accepted", transaction_id=transaction_id)

    def stop(self, request: m.RequestStopTransactionRequest, now: Now) -> m.RequestStopTransactionResponse:
        evse = self.desk.site.with_transaction(request.transaction_id)
        if evse is None or not self.desk.accepted:  # F03.FR.08
            return m.RequestStopTransactionResponse(status="Rejected")
        evse.deauthorize()
        self.desk.post(AuthorizationEnded(evse.id, "RemoteStop", "Remote"))
        return m.RequestStopTransactionResponse(status="Accepted")  # F03.FR.07

    def _evse_for(self, evse_id: int | None, token: Token, group: Token | None) -> Evse | None:
        """The EVSE of the request, or the one that suits best (F01.FR.20); none that is kept for somebody else."""
        if evse_id is not None and evse_id not in self.desk.site.evses:
            return None
        return self.desk.site.free_for(token, evse_id or 0, group=group, anew=True)

    # ---- unlock ----

    def unlock(self, request: m.UnlockConnectorRequest, now: Now) -> m.UnlockConnectorResponse | None:
        evse = self.desk.site.evses.get(request.evse_id)
        connector = None if evse is None else evse.connectors.get(request.connector_id)
        if evse is None or connector is None:  # F05.FR.03
            return m.UnlockConnectorResponse(status="UnknownConnector")
        if evse.authorization is not None and evse.transaction is not None and evse.plugged in (None, connector.id):
            return m.UnlockConnectorResponse(status="OngoingAuthorizedTransaction")  # F05.FR.02
        if not connector.layout.has_lock:
            return m.UnlockConnectorResponse(status="UnlockFailed")
        self._unlocks.append(WaitingUnlock(self.desk.message_id, evse.id, connector.id, now.mono + UNLOCK_PATIENCE_S))
        connector.held_for = None
        connector.wish_lock(False, now.mono)
        self.desk.tell(UnlockConnector(evse.id, connector.id))  # F05.FR.06
        return None

    def lock_reported(self, fact: LockReported, now: Now) -> None:
        if fact.position in ("unlocked", "locked"):
            status: m.UnlockStatus = "Unlocked" if fact.position == "unlocked" else "UnlockFailed"
            for waiting in [
                each for each in self._unlocks if (each.evse, each.connector) == (fact.evse, fact.connector)
            ]:
                self._answer_unlock(waiting, status)

    def _answer_unlock(self, waiting: WaitingUnlock, status: m.UnlockStatus) -> None:
        self._unlocks.remove(waiting)
        self.desk.tell(Answer(waiting.message_id, m.UnlockConnectorResponse(status=status)))

    def next_deadline(self) -> float | None:
        return min((waiting.until for waiting in self._unlocks), default=None)

    def expire(self, now: Now) -> None:
        for waiting in [each for each in self._unlocks if now.mono >= each.until]:
            position = self.desk.site.evses[waiting.evse].connectors[waiting.connector].lock_position
            self._answer_unlock(waiting, "Unlocked" if position == "unlocked" else "UnlockFailed")

    # ---- trigger ----

    def trigger(self, request: m.TriggerMessageRequest, now: Now) -> m.TriggerMessageResponse:
        message, place = request.requested_message, request.evse
        if message not in TRIGGERABLE and message not in self.desk.triggers:  # F06.FR.08
            return m.TriggerMessageResponse(status="NotImplemented")
        evse_id = 0 if place is None else place.id
        connector = None if place is None else place.connector_id
        if not self._can_send(message, evse_id, connector):
            return m.TriggerMessageResponse(status="Rejected")
        self.desk.post(TriggerRequested(evse_id, message, connector))
        return m.TriggerMessageResponse(status="Accepted")

    def _can_send(self, message: str, evse_id: int, connector: int | None) -> bool:
        evse = self.desk.site.evses.get(evse_id)
        if message in self.desk.triggers:
            return self.desk.triggers[message]()
        if message == "BootNotification":
            return not self.desk.accepted  # F06.FR.17
        if message == "StatusNotification":  # F06.FR.12
            return evse is not None and connector in evse.connectors
        if message == "TransactionEvent":  # it waits for us to be accepted: it could not be sent now (F06.FR.10)
            return self.desk.accepted and any(evse_id in (0, each.id) for each in self.desk.site.running())
        if message == "MeterValues":
            return any(self._has_reading(each) for each in self.desk.site.evses.values() if evse_id in (0, each.id))
        return True  # of the station as a whole: the EVSE does not matter (F06.FR.03)

    def _has_reading(self, evse: Evse) -> bool:
        return meter_value(evse.reading, self.desk.model[ALIGNED_MEASURANDS], "Trigger") is not None

    calls = {
        m.RequestStartTransactionRequest: start,
        m.RequestStopTransactionRequest: stop,
        m.UnlockConnectorRequest: unlock,
        m.TriggerMessageRequest: trigger,
    }
    facts = {LockReported: lock_reported}
