"""Block G, connector status: told when it changed, no faster than the CSMS answers.  Knows not why it is occupied.

By StatusNotification, which the change of availability asks for (G03.FR.04, G04.FR.05) and every CSMS understands;
NotifyEvent of AvailabilityState would say the same a second time (G01 wants one of them).  A connector that flaps has
one StatusNotification under way, whatever happens meanwhile; the last status is told when that one was answered, and
with MinimumStatusDuration only when it has lasted.
"""

from __future__ import annotations

from agent.blocks.base import Block, Desk
from agent.model.catalogue import MINIMUM_STATUS_DURATION, OFFLINE_THRESHOLD
from agent.ocpp.messages import g_availability as m
from agent.session.connector import Connector
from agent.session.evse import Evse
from agent.vocabulary.facts import (
    CameOnline,
    ConnectorStatusChanged,
    EvConnected,
    EvDisconnected,
    EvseFaulted,
    EvseHealed,
    Fact,
    TransactionEnded,
    TriggerRequested,
)
from agent.vocabulary.incoming import CallFailed
from agent.vocabulary.values import Now


class Notice:
    """What is true of a connector since when, and what the CSMS was told of it."""

    def __init__(self) -> None:
        self.present: m.ConnectorStatus | None = None
        self.since_mono = float("-inf")
        self.told: m.ConnectorStatus | None = None
        self.unheard = False
        self.closing = False
        self.under_way = 0

    def see(self, status: m.ConnectorStatus, mono: float) -> bool:
        """Whether it is another status than before."""
        if status == self.present:
            return False
        self.present, self.since_mono = status, mono
        return True

    def due_mono(self, minimum_s: float) -> float | None:
        """When it is to be told: what the CSMS knows nothing of at once, else when it has been stable for so long."""
        if self.present == self.told or self.under_way:
            return None
        return float("-inf") if self.told is None else self.since_mono + minimum_s


class ConnectorStatuses(Block):
    """What the CSMS is told of every connector (G01)."""

    letter = "G"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._notices = {
            (evse.id, connector): Notice() for evse in desk.site.evses.values() for connector in evse.connectors
        }

    def status_of(self, evse: Evse, connector: Connector) -> m.ConnectorStatus:
        """The status as ConnectorStatusEnumType defines it."""
        if evse.faulted(connector.id):
            return "Faulted"
        if not evse.in_service(connector.id):
            return "Unavailable"
        if evse.authorization is None and self.desk.site.reservations.reserves(evse):
            return "Reserved"
        if evse.plugged == connector.id or connector.cable_in:
            return "Occupied"
        left = evse.transaction is not None and evse.transaction.connector == connector.id
        return "Unavailable" if left and evse.closed(connector.id) else "Available"  # G01.FR.05

    # ---- what changed ----

    def look(self, now: Now) -> None:
        """Tell every connector whose status is not what was told of it."""
        for evse in self.desk.site.evses.values():
            self._look_at(evse, now)
            runs = evse.transaction is not None and evse.transaction.ending is None
            for connector in evse.connectors:
                notice = self._notices[evse.id, connector]
                notice.closing = runs and notice.present == "Unavailable" and evse.in_service(connector)

    def may_have_changed(self, fact: Fact, now: Now) -> None:
        """Told at once, so that the CSMS hears of the connector before it hears of the transaction (E02, E06)."""
        self._look_at(self.desk.site.evses[fact.evse], now)

    def _look_at(self, evse: Evse, now: Now) -> None:
        for connector in evse.connectors.values():
            notice = self._notices[evse.id, connector.id]
            status = self.status_of(evse, connector)
            changed = notice.see(status, now.mono)
            due_mono = notice.due_mono(self.desk.model[MINIMUM_STATUS_DURATION])
            if not self._heard():
                continue
            if due_mono is not None and now.mono >= due_mono:
                self._notify(evse, connector, now)
            elif changed:
                self.desk.post(ConnectorStatusChanged(evse.id, connector.id, status))

    def transaction_ended(self, fact: TransactionEnded, now: Now) -> None:
        """What waited for it is closed now: told again where the vehicle had left before (G03.FR.04, G03.FR.05)."""
        for (evse, _), notice in self._notices.items():
            if evse == fact.evse and notice.closing:
                notice.told = None

    def _heard(self) -> bool:
        return self.desk.accepted and self.desk.online

    def _notify(self, evse: Evse, connector: Connector, now: Now, *, asked_for: bool = False) -> None:
        status, notice = self.status_of(evse, connector), self._notices[evse.id, connector.id]
        notice.told = status
        notice.under_way += 1
        self.desk.post(ConnectorStatusChanged(evse.id, connector.id, status))
        self.desk.send(
            m.StatusNotificationRequest(
                timestamp=now.wall, connector_status=status, evse_id=evse.id, connector_id=connector.id
            ),
            asked_for=asked_for,
        )

    def next_deadline(self) -> float | None:
        """When a status that had to wait may be told; the look that follows every event tells it."""
        if not self._heard():
            return None
        minimum_s = self.desk.model[MINIMUM_STATUS_DURATION]
        times = (notice.due_mono(minimum_s) for notice in self._notices.values())
        return min((time for time in times if time is not None), default=None)

    # ---- what the CSMS asks for, and what it did not hear ----

    def triggered(self, fact: TriggerRequested, now: Now) -> None:
        if fact.message == "StatusNotification" and fact.connector is not None:
            evse = self.desk.site.evses[fact.evse]
            self._notify(evse, evse.connectors[fact.connector], now, asked_for=True)

    def came_online(self, fact: CameOnline, now: Now) -> None:
        """All that changed (B04.FR.02), or after a long time and after a start simply all (B01.FR.05, B04.FR.01)."""
        for notice in self._notices.values():
            notice.under_way = 0
            if notice.unheard or fact.offline_s > self.desk.model[OFFLINE_THRESHOLD]:
                notice.told, notice.unheard = None, False

    def tell_again(self, evse: int, connector: int) -> None:
        """What was told of these connectors (0: of all) is to be told once more."""
        for place, notice in self._notices.items():
            if evse in (0, place[0]) and connector in (0, place[1]):
                notice.told = None

    def answered(
        self, request: m.StatusNotificationRequest, outcome: m.StatusNotificationResponse | CallFailed, now: Now
    ) -> None:
        notice = self._notices[request.evse_id, request.connector_id]
        notice.under_way = max(0, notice.under_way - 1)
        if isinstance(outcome, CallFailed) and outcome.code in ("Offline", "Timeout"):
            notice.unheard = True

    facts = {
        EvConnected: may_have_changed,
        EvDisconnected: may_have_changed,
        EvseFaulted: may_have_changed,
        EvseHealed: may_have_changed,
        TransactionEnded: transaction_ended,
        CameOnline: came_online,
        TriggerRequested: triggered,
    }
    answers = {m.StatusNotificationRequest: answered}
