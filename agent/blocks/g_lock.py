"""Block G, lock failure: the CSMS hears when a connector lock does not do what it is told, and when it does again.

Moves no lock and keeps no power away: an EVSE gives none through a connector that is not secured (G05.FR.01).
"""

from __future__ import annotations

from agent.blocks.base import Block, Desk
from agent.blocks.events import HARDWARE_FAILURE, EventNotices, part_of
from agent.session.connector import Connector
from agent.session.evse import Evse
from agent.vocabulary.facts import EvseFaulted, EvseHealed, Fact, LockReported
from agent.vocabulary.values import Now

LOCK_COMPONENT = "ConnectorPlugRetentionLock"

BURST = 20
"""How often at once a lock may have a problem and have none: each is a row on disk and waits for the CSMS."""

PACE_S = 10.0
"""After that, once in this time."""


class LockWatch(Block):
    """Problem of every ConnectorPlugRetentionLock (G05.FR.02)."""

    letter = "G"

    def __init__(self, desk: Desk, events: EventNotices) -> None:
        super().__init__(desk)
        self._events = events
        self._locks = [
            (evse, connector, Told())
            for evse in desk.site.evses.values()
            for connector in evse.connectors.values()
            if connector.layout.has_lock
        ]

    def may_have_changed(self, fact: Fact, now: Now) -> None:
        self.expire(now)

    facts = {LockReported: may_have_changed, EvseFaulted: may_have_changed, EvseHealed: may_have_changed}

    def next_deadline(self) -> float | None:
        times = [connector.lock_answer_by_mono for _, connector, _ in self._locks if not connector.lock_failed]
        times += [told.may_at_mono() for _, connector, told in self._locks if told.problem is not connector.lock_failed]
        return min((time for time in times if time is not None), default=None)

    def expire(self, now: Now) -> None:
        """See every lock, and tell what is new of it, at the pace that the CSMS can bear."""
        for evse, connector, told in self._locks:
            failed = evse.lock_faulted(connector.id) or connector.lock_disobeys(now.mono)
            connector.lock_failed = connector.lock_failed if failed is None else failed
            if told.problem is not connector.lock_failed and now.mono >= told.may_at_mono():
                told.take(connector.lock_failed, now.mono)
                self._tell(evse, connector, now)

    def _tell(self, evse: Evse, connector: Connector, now: Now) -> None:
        """Durable: it is grave enough to wait for the CSMS, as OfflineQueuingSeverity is on a new station."""
        failed = connector.lock_failed
        here = evse.transaction is not None and evse.plugged == connector.id
        event = self._events.hard_wired(
            now,
            part_of(LOCK_COMPONENT, evse.id, connector.id),
            "Problem",
            "true" if failed else "false",
            tech_info=f"the lock is {connector.lock_position}" if failed else None,
            cleared=None if failed else True,
            transaction_id=evse.transaction.id if here and evse.transaction is not None else None,
        )
        self._events.notify(now, HARDWARE_FAILURE, event)


class Told:
    """What the CSMS knows of a lock; of one that always worked, nothing."""

    def __init__(self) -> None:
        self.problem = False
        self._spent_until_mono = float("-inf")

    def may_at_mono(self) -> float:
        """When there may be something new of it."""
        return self._spent_until_mono - (BURST - 1) * PACE_S

    def take(self, problem: bool, mono: float) -> None:
        """It is told now."""
        self.problem = problem
        self._spent_until_mono = max(self._spent_until_mono, mono) + PACE_S
