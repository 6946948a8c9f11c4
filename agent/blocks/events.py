"""NotifyEvent: each event has a number of its own and, when it is grave enough, waits for the CSMS on disk.

Does not know what happened, nor who watches what: a block makes the ``EventData`` and says how grave it is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Literal, NamedTuple

from agent.blocks.base import Block, Desk
from agent.model.catalogue import ACTIVE_MONITORING_LEVEL, OFFLINE_QUEUING_SEVERITY
from agent.ocpp.messages.common import EVSE, Component, Variable
from agent.ocpp.messages.n_diagnostics import EventData, NotifyEventRequest, NotifyEventResponse
from agent.vocabulary.commands import KeepRecord, Send
from agent.vocabulary.facts import CameOnline
from agent.vocabulary.incoming import CallFailed
from agent.vocabulary.values import Now

HARDWARE_FAILURE = 1
"""The severity of a part that keeps the station from its work (SetVariableMonitoring)."""

NEXT_ID = "event/next-id"
IDS_A_WRITE = 1000
GREATEST_ID = 2**31 - 1


MOST_RECENT = 100
"""Events that a technician can look at."""

Way = Literal["durable", "sent", "offline", "below the level", "unknown to the CSMS"]
"""What became of an event: on disk until the CSMS has it, sent, or not told and why."""

NOT_KNOWN = ("NotImplemented", "NotSupported")


class Noticed(NamedTuple):
    """An event, as a technician sees it."""

    event: EventData
    severity: int
    way: Way


class EventNotices(Block):
    """The numbers of events, and the way of an event to the CSMS.

    ``notify(now, severity, event, ...)`` with events whose ``event_id`` is ``new_id()`` is one NotifyEvent, the first
    part and the last.  A severity above ActiveMonitoringLevel is not told at all.  One that OfflineQueuingSeverity
    covers is durable, offline or not; the rest is told when there is a CSMS to hear it, and lost otherwise.
    ``hard_wired`` makes the event of something that no monitor watches.
    """

    letter = "N"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._next_id = 0
        self._reserved = 0
        self._in_vain = False
        self.recent: deque[Noticed] = deque(maxlen=MOST_RECENT)

    def new_id(self) -> int:
        """A number that no event had before, after a restart neither; written down once in a thousand."""
        if self._next_id >= GREATEST_ID:
            self._next_id = self._reserved = 0
        if self._next_id >= self._reserved:
            self._reserved = self._next_id + IDS_A_WRITE
            self.desk.tell(KeepRecord(NEXT_ID, str(self._reserved).encode()))
        self._next_id += 1
        return self._next_id

    def remember(self, records: Mapping[str, bytes], now: Now) -> None:
        """Go on behind every number that may have been given."""
        if NEXT_ID in records:
            known = self.desk.read_record(NEXT_ID, records[NEXT_ID], int)
            self._next_id = self._reserved = min(max(known or 0, 0), GREATEST_ID)

    def hard_wired(
        self,
        now: Now,
        component: Component,
        variable: str,
        value: str,
        *,
        tech_code: str | None = None,
        tech_info: str | None = None,
        cleared: bool | None = None,
        transaction_id: str | None = None,
    ) -> EventData:
        """An event that the station reports by itself: the variable has this value now.

        The trigger is Delta, as the certification asks for (TC_G_20), though Alerting is allowed, too.
        """
        return EventData(
            event_id=self.new_id(),
            timestamp=now.wall,
            trigger="Delta",
            actual_value=value,
            component=component,
            event_notification_type="HardWiredNotification",
            variable=Variable(name=variable),
            tech_code=None if tech_code is None else tech_code[:50],
            tech_info=None if tech_info is None else tech_info[:500],
            cleared=cleared,
            transaction_id=transaction_id,
        )

    def notify(self, now: Now, severity: int, *events: EventData, worth: int = 0) -> None:
        """Tell the CSMS of these events, as far as they are grave enough (N07.FR.04, N07.FR.07, N07.FR.15).

        ``worth`` says what is given up first when too much waits, as in ``Send``.
        """
        way = self._way(severity)
        self.recent.extend(Noticed(event, severity, way) for event in events)
        request = NotifyEventRequest(generated_at=now.wall, seq_no=0, event_data=events)
        if way == "durable":
            self.desk.tell(Send(request, durable=True, worth=worth))
        elif way == "sent":
            self.desk.send(request)

    def _way(self, severity: int) -> Way:
        if severity > self.desk.model[ACTIVE_MONITORING_LEVEL]:
            return "below the level"
        if self._in_vain:
            return "unknown to the CSMS"
        if severity <= self.desk.model[OFFLINE_QUEUING_SEVERITY]:
            return "durable"
        return "sent" if self.desk.accepted and self.desk.online else "offline"

    def answered(self, request: NotifyEventRequest, outcome: NotifyEventResponse | CallFailed, now: Now) -> None:
        """A CSMS without device model management is not told again on this connection, and nothing is kept for it."""
        self._in_vain = isinstance(outcome, CallFailed) and outcome.code in NOT_KNOWN

    answers = {NotifyEventRequest: answered}

    def connected(self, fact: CameOnline, now: Now) -> None:
        self._in_vain = False

    facts = {CameOnline: connected}


def part_of(name: str, evse: int, connector: int | None = None) -> Component:
    """A component of an EVSE, or of one of its connectors."""
    return Component(name=name, evse=EVSE(id=evse, connector_id=connector))
