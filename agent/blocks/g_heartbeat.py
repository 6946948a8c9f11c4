"""Block G, heartbeat: the CSMS hears that we live, and tells us the time.  Does not know what else is said."""

from __future__ import annotations

from agent.blocks.base import Block, Desk
from agent.model.catalogue import HEARTBEAT_INTERVAL
from agent.ocpp.messages.g_availability import HeartbeatRequest, HeartbeatResponse
from agent.vocabulary.commands import SetClock
from agent.vocabulary.facts import CameOnline, TriggerRequested
from agent.vocabulary.incoming import CallFailed
from agent.vocabulary.values import Now

DAY_S = 86_400.0


class Heartbeats(Block):
    """After so much silence, and once a day in any case (G02)."""

    letter = "G"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._last_mono = float("-inf")
        self._online_mono = float("-inf")

    def came_online(self, fact: CameOnline, now: Now) -> None:
        self._online_mono = now.mono
        if fact.offline_s == float("inf"):  # the answer to BootNotification told the time
            self._last_mono = now.mono

    def triggered(self, fact: TriggerRequested, now: Now) -> None:
        if fact.message == "Heartbeat":
            self._last_mono = now.mono
            self.desk.send(HeartbeatRequest(), asked_for=True)

    def answered(self, request: HeartbeatRequest, outcome: HeartbeatResponse | CallFailed, now: Now) -> None:
        if not isinstance(outcome, CallFailed):
            self.desk.tell(SetClock(outcome.current_time))  # G02.FR.06

    facts = {CameOnline: came_online, TriggerRequested: triggered}
    answers = {HeartbeatRequest: answered}

    def next_deadline(self) -> float | None:
        if not (self.desk.accepted and self.desk.online):
            return None
        quiet_since = max(self.desk.heard_mono, self._last_mono, self._online_mono)  # G02.FR.05
        return min(quiet_since + self.desk.model[HEARTBEAT_INTERVAL], self._last_mono + DAY_S)  # G02.FR.07

    def expire(self, now: Now) -> None:
        due = self.next_deadline()
        if due is not None and now.mono >= due:
            self._last_mono = now.mono
            self.desk.send(HeartbeatRequest())
