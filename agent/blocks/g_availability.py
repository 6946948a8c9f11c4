"""Block G: connector status, heartbeat, taking out of service.  Does not know why a connector is occupied."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent.blocks.base import Block, Desk
from agent.model.catalogue import HEARTBEAT_INTERVAL, OFFLINE_THRESHOLD
from agent.ocpp.messages import g_availability as m
from agent.session.connector import Connector
from agent.session.evse import Evse
from agent.vocabulary import (
    AuthorizationEnded,
    CallFailed,
    CameOnline,
    ConnectorStatusChanged,
    EvConnected,
    EvDisconnected,
    EvseFaulted,
    EvseHealed,
    Fact,
    KeepRecord,
    Now,
    SetClock,
    TriggerRequested,
)

DAY_S = 86_400.0

Wish = tuple[int, int]
"""(EVSE, connector); 0 stands for the whole station or the whole EVSE."""


class Availability(Block):
    """What the CSMS is told of every connector, and that we are alive."""

    letter = "G"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._told: dict[Wish, str] = {}
        self._unheard: set[Wish] = set()
        self._last_heartbeat_mono = float("-inf")
        self._online_mono = float("-inf")

    # ---- connector status ----

    def look(self, now: Now) -> None:
        """Tell every connector whose status is not what was told of it."""
        if self.desk.accepted and self.desk.online:
            for evse in self.desk.site.evses.values():
                self._notify_changes(evse, now)

    def may_have_changed(self, fact: Fact, now: Now) -> None:
        """Told at once, so that the CSMS hears of the connector before it hears of the transaction (E02, E06)."""
        self._notify_changes(self.desk.site.evses[fact.evse], now)

    def came_online(self, fact: CameOnline, now: Now) -> None:
        """All that changed (B04.FR.02), or after a long time and after a start simply all (B01.FR.05, B04.FR.01)."""
        self._online_mono = now.mono
        if fact.offline_s == float("inf"):  # the answer to BootNotification told the time
            self._last_heartbeat_mono = now.mono
        if fact.offline_s > self.desk.model[OFFLINE_THRESHOLD]:
            self._told.clear()
        for place in self._unheard:
            self._told.pop(place, None)
        self._unheard.clear()

    def triggered(self, fact: TriggerRequested, now: Now) -> None:
        if fact.message == "Heartbeat":
            self._last_heartbeat_mono = now.mono
            self.desk.send(m.HeartbeatRequest(), asked_for=True)
        elif fact.message == "StatusNotification" and fact.connector is not None:
            evse = self.desk.site.evses[fact.evse]
            self._notify(evse, evse.connectors[fact.connector], now, asked_for=True)

    facts = {
        EvConnected: may_have_changed,
        EvDisconnected: may_have_changed,
        EvseFaulted: may_have_changed,
        EvseHealed: may_have_changed,
        CameOnline: came_online,
        TriggerRequested: triggered,
    }

    def status_of(self, evse: Evse, connector: Connector) -> m.ConnectorStatus:
        """The status as ConnectorStatusEnumType defines it."""
        if evse.faulted(connector.id):
            return "Faulted"
        if not evse.in_service(connector.id):
            return "Unavailable"
        return "Occupied" if evse.plugged == connector.id or connector.cable_in else "Available"

    def _notify_changes(self, evse: Evse, now: Now) -> None:
        for connector in evse.connectors.values():
            if self._told.get((evse.id, connector.id)) != self.status_of(evse, connector):
                self._notify(evse, connector, now)

    def _notify(self, evse: Evse, connector: Connector, now: Now, *, asked_for: bool = False) -> None:
        status = self.status_of(evse, connector)
        if not asked_for and not (self.desk.accepted and self.desk.online):
            return
        self._told[evse.id, connector.id] = status
        self.desk.post(ConnectorStatusChanged(evse.id, connector.id, status))
        self.desk.send(
            m.StatusNotificationRequest(
                timestamp=now.wall, connector_status=status, evse_id=evse.id, connector_id=connector.id
            ),
            asked_for=asked_for,
        )

    def status_answered(
        self, request: m.StatusNotificationRequest, outcome: m.StatusNotificationResponse | CallFailed, now: Now
    ) -> None:
        if isinstance(outcome, CallFailed) and outcome.code in ("Offline", "Timeout"):
            self._unheard.add((request.evse_id, request.connector_id))

    # ---- heartbeat ----

    def heartbeat_answered(
        self, request: m.HeartbeatRequest, outcome: m.HeartbeatResponse | CallFailed, now: Now
    ) -> None:
        if not isinstance(outcome, CallFailed):
            self.desk.tell(SetClock(outcome.current_time))  # G02.FR.06

    answers = {m.StatusNotificationRequest: status_answered, m.HeartbeatRequest: heartbeat_answered}

    def next_deadline(self) -> float | None:
        if not (self.desk.accepted and self.desk.online):
            return None
        quiet_since = max(self.desk.heard_mono, self._last_heartbeat_mono, self._online_mono)  # G02.FR.05
        return min(quiet_since + self.desk.model[HEARTBEAT_INTERVAL], self._last_heartbeat_mono + DAY_S)  # G02.FR.07

    def expire(self, now: Now) -> None:
        due = self.next_deadline()
        if due is not None and now.mono >= due:
            self._last_heartbeat_mono = now.mono
            self.desk.send(m.HeartbeatRequest())

    # ---- in and out of service ----

    def change(self, request: m.ChangeAvailabilityRequest, now: Now) -> m.ChangeAvailabilityResponse:
        wish = self._wish(request)
        if wish is None:
            return m.ChangeAvailabilityResponse(status="Rejected")
        operative = request.operational_status == "Operative"
        if self._is(wish, operative) and not operative:
            self._forget_told(wish)  # G04.FR.05: asked again, told again
        self._switch(wish, operative)
        self.desk.tell(KeepRecord(f"availability/{wish[0]}/{wish[1]}", None if operative else b"false"))  # G03.FR.08
        if not operative:
            self._send_away()
        waits = not operative and self._in_use(wish)  # G03.FR.05, G04.FR.06
        return m.ChangeAvailabilityResponse(status="Scheduled" if waits else "Accepted")

    calls = {m.ChangeAvailabilityRequest: change}

    def _wish(self, request: m.ChangeAvailabilityRequest) -> Wish | None:
        if request.evse is None or request.evse.id == 0:
            return 0, 0
        evse = self.desk.site.evses.get(request.evse.id)
        connector = request.evse.connector_id or 0
        if evse is None or (connector and connector not in evse.connectors):
            return None
        return evse.id, connector

    def _is(self, wish: Wish, operative: bool) -> bool:
        evse_id, connector = wish
        if evse_id == 0:
            return self.desk.site.operative is operative
        evse = self.desk.site.evses[evse_id]
        return (evse.connectors[connector].operative if connector else evse.operative) is operative

    def _in_use(self, wish: Wish) -> bool:
        evse_id, connector = wish
        return any(
            evse_id in (0, evse.id) and (connector == 0 or evse.plugged in (None, connector))
            for evse in self.desk.site.running()
        )

    def _forget_told(self, wish: Wish) -> None:
        for place in list(self._told):
            if wish[0] in (0, place[0]) and wish[1] in (0, place[1]):
                del self._told[place]

    def _send_away(self) -> None:
        """Who was authorized and had not begun yet cannot begin any more."""
        for evse in self.desk.site.evses.values():
            if evse.authorization is not None and evse.transaction is None and not evse.serves(evse.plugged):
                evse.deauthorize()
                self.desk.post(AuthorizationEnded(evse.id, "StopAuthorized", "Other"))

    def _switch(self, wish: Wish, operative: bool) -> None:
        evse_id, connector = wish
        if evse_id == 0:
            self.desk.site.set_operative(operative)
        elif connector:
            self.desk.site.evses[evse_id].connectors[connector].operative = operative
        else:
            self.desk.site.evses[evse_id].operative = operative

    def remember(self, records: Mapping[str, bytes], now: Any) -> None:
        """Out of service stays out of service (B01.FR.07, G03.FR.08)."""
        for key in records:
            kind, *place = key.split("/")
            if kind != "availability":
                continue
            if len(place) == 2 and all(number.isdecimal() for number in place):
                self._take_out((int(place[0]), int(place[1])))
            else:
                self.desk.forget_record(key)

    def _take_out(self, wish: Wish) -> None:
        evse = self.desk.site.evses.get(wish[0])
        if wish[0] == 0 or (evse is not None and wish[1] in (0, *evse.connectors)):
            self._switch(wish, operative=False)
