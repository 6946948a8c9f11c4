"""The disk of a simulated station: the real ledger's table in memory, and a flash that takes its time.  No thread."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

from agent.edge.database import Contents, contents_of
from agent.edge.ledger import SCHEMA, Ledger, Verdict
from agent.link.disk import Insert, Question, Row, Write

COMMIT_S = 0.03


class MemoryStore:
    """Commits in order, and says so on a later turn.  ``on_insert`` hears of every row before it is stored."""

    def __init__(self, on_insert: Callable[[Row], None]) -> None:
        self._on_insert = on_insert
        self._connection = sqlite3.connect(":memory:", isolation_level=None)
        self._connection.executescript(SCHEMA)
        self._ledger = Ledger(self._connection)

    def open(self) -> Contents:
        """What a start finds; it counts as one."""
        return contents_of(self._connection)

    def write(self, writes: Sequence[Write], done: Callable[[bool], None] | None = None) -> None:
        for write in writes:
            if isinstance(write, Insert):
                self._on_insert(write.row)
            self._ledger.perform(write)
        if done is not None:
            asyncio.get_running_loop().call_later(COMMIT_S, done, True)

    def ask(self, question: Question, done: Callable[[Any], None]) -> None:
        asyncio.get_running_loop().call_later(COMMIT_S, done, self._ledger.find(question))

    def parked(self) -> list[tuple[str, int]]:
        """What was given up, as (transaction, seqNo)."""
        return [(entry.transaction_id, entry.seq_no) for entry in self._ledger.entries("parked")]

    def close(self) -> Verdict:
        """What the ledger's own proof says."""
        verdict = self._ledger.verify()
        self._connection.close()
        return verdict
