"""Stations that are wrong on purpose: the harness must find each of them out.  Built in after ``watched``."""

from collections.abc import Callable, Sequence
from types import ModuleType

import agent.link.csms
import agent.powered
from agent.edge.database import Contents
from agent.link.conversation import Conversation
from agent.link.disk import Answered, Write
from agent.link.outbox import Entry
from agent.ocpp.messages.base import Request
from tests.scenarios.power_cut.watched import WatchedDatabase


class TellsBeforeCommit(WatchedDatabase):
    """Sent first, committed afterwards."""

    def write(self, writes: Sequence[Write], done: Callable[[bool], None] | None = None) -> None:
        super().write(writes)
        if done is not None:
            self._hand_over(lambda: done(True))


class NeverSyncs(WatchedDatabase):
    """Tells what the disk has not got yet."""

    def _connect(self) -> Contents:
        contents = super()._connect()
        self._connection.execute("PRAGMA synchronous = OFF")
        return contents


class ForgetsWhatItSends(Conversation):
    """Does not wait for the answer."""

    def _call(self, request: Request, entry: Entry | None, mono: float) -> bool:
        called = super()._call(request, entry, mono)
        if entry is not None:
            self._commands.append(Answered(entry.id))
        return called


FAULTS: dict[str, tuple[ModuleType, str, type]] = {
    "commits after sending": (agent.powered, "Database", TellsBeforeCommit),
    "tells before it is synced": (agent.powered, "Database", NeverSyncs),
    "forgets before the answer": (agent.link.csms, "Conversation", ForgetsWhatItSends),
}


def build_in(fault: str) -> None:
    """From now on, stations of this process have it."""
    where, name, kind = FAULTS[fault]
    assert hasattr(where, name)
    setattr(where, name, kind)
