"""The edge of a station under watch: tells the blade what happens and the recorder what was written.

Database, network and loop do all that they do otherwise.
"""

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

import agent.powered
from agent.edge.database import Asked, Contents, Database
from agent.edge.network import Network
from agent.link.disk import Insert, Park, Put, Thin, Write
from agent.loop import Loop
from tests.scenarios.power_cut.blackbox import Recorder
from tests.scenarios.power_cut.moments import Blade


class Statements:
    """A connection that tells of BEGIN and COMMIT."""

    def __init__(self, connection: sqlite3.Connection, blade: Blade, committed: Callable[[], None]) -> None:
        self._connection = connection
        self._blade = blade
        self._committed = committed

    def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        if statement.startswith("BEGIN"):
            self._blade.at("before BEGIN")
        if statement != "COMMIT":
            return self._connection.execute(statement, *values)
        self._blade.at("before COMMIT")
        cursor = self._connection.execute(statement)
        self._committed()
        self._blade.at("after COMMIT, nobody told")
        return cursor

    def close(self) -> None:
        self._connection.close()


class WatchedDatabase(Database):
    """``watch`` before the first is made."""

    blade: Blade
    recorder: Recorder

    def write(self, writes: Sequence[Write], done: Callable[[bool], None] | None = None) -> None:
        rows = [write.row for write in writes if isinstance(write, Insert)]
        self.recorder.handed_in([(row.id, row.transaction_id, row.seq_no) for row in rows if row.transaction_id])
        super().write(writes, None if done is None else self._told(done))
        self.blade.at("batch handed in")

    def _told(self, done: Callable[[bool], None]) -> Callable[[bool], None]:
        def tell(stored: bool) -> None:
            done(stored)
            self.blade.at("after being told")

        return tell

    def _connect(self) -> Contents:
        contents = super()._connect()
        perform = self._ledger.perform

        def watched(write: Write) -> None:
            perform(write)
            self.blade.at("between two writes")

        self._ledger.perform = watched  # type: ignore[method-assign]
        self._connection = Statements(self._connection, self.blade, self._committed)  # type: ignore[assignment]
        return contents

    def _committed(self) -> None:
        writes = [write for batch in self._backlog for write in batch.writes]
        rows = [write.row for write in writes if isinstance(write, Insert)]
        self.recorder.committed(
            [(row.id, row.transaction_id, row.seq_no, row.message.decode()) for row in rows if row.transaction_id],
            [record.decode() for put in writes if isinstance(put, Put) for record in record_of(put)],
            [park.id for park in writes if isinstance(park, Park)],
        )

    def _answer(self, asked: Asked) -> None:
        self.blade.at("before rows are read")
        super()._answer(asked)
        if isinstance(asked.question, Thin):
            thinned = "SELECT transaction_id, seq_no FROM ledger WHERE state = 'thinned'"
            self.recorder.thinned(self._connection.execute(thinned).fetchall())
        self.blade.at("after rows are read")


def record_of(put: Put) -> list[bytes]:
    """What is remembered of a running transaction, if it is that."""
    return [put.value] if put.key.startswith("transaction/") and put.value is not None else []


class WatchedNetwork(Network):
    blade: Blade

    def send(self, text: str) -> None:
        super().send(text)
        self.blade.at("frame sent")


class WatchedLoop(Loop):
    blade: Blade

    def receive_frame(self, frame: str | bytes) -> None:
        self.blade.at("frame heard")
        super().receive_frame(frame)


def watch(blade: Blade, recorder: Recorder) -> None:
    """Every station of this process that gets its power from now on is under watch."""
    WatchedDatabase.blade = WatchedNetwork.blade = WatchedLoop.blade = blade
    WatchedDatabase.recorder = recorder
    for name, kind in (("Database", WatchedDatabase), ("Network", WatchedNetwork), ("Loop", WatchedLoop)):
        setattr(agent.powered, name, kind)
