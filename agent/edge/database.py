"""One SQLite file: the queue of durable messages and what the station remembers.  One writer, everything in order.

What is handed in together is committed together, with ``synchronous=FULL``.  When the disk refuses, nothing is thrown
away: the batches wait here, in order, and are tried again.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue

import msgspec

from agent.link.disk import Delete, Insert, Put, ReadRows, Row, SetAside, Write

log = logging.getLogger(__name__)

RETRY_S = 5.0
MOST_BATCHES_A_COMMIT = 256

SCHEMA = """
CREATE TABLE IF NOT EXISTS outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    action TEXT NOT NULL,
    message BLOB NOT NULL,
    transaction_id TEXT NOT NULL,
    seq_no INTEGER NOT NULL,
    parked TEXT
);
CREATE TABLE IF NOT EXISTS memory (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
"""
SCHEMA_VERSION = 1


class Contents(msgspec.Struct, frozen=True):
    """What was on disk at start."""

    next_id: int
    waiting: int
    records: dict[str, bytes]


class Batch(msgspec.Struct):
    """Writes that belong together, and whom to tell."""

    writes: Sequence[Write]
    done: Callable[[bool], None] | None
    told_refused: bool = False


class Read(msgspec.Struct):
    """Rows that are wanted, and whom to give them to."""

    wanted: ReadRows
    done: Callable[[list[Row]], None]


class Stop(msgspec.Struct):
    """No more writing; what is queued is still written unless the power is cut."""


class Database:
    """The file, and the thread that writes it: a commit waits for the flash, and the loop must not."""

    def __init__(
        self,
        path: Path,
        hand_over: Callable[[Callable[[], None]], None],
        on_state: Callable[[bool, str], None],
    ) -> None:
        self._path = path
        self._hand_over = hand_over
        self._on_state = on_state
        self._queue: SimpleQueue[Batch | Read | Stop] = SimpleQueue()
        self._backlog: deque[Batch] = deque()
        self._works = True
        self._cut = False
        self._thread = threading.Thread(target=self._run, name="database", daemon=True)
        self._connection: sqlite3.Connection | None = None

    # ---- from the loop ----

    def open(self) -> Contents:
        """Open or make the file; a damaged one is set aside and a new one made."""
        try:
            self._connection, contents = self._connect()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError) and "disk image" not in str(error):
                raise
            kept = set_aside(self._path)
            log.error("! %s is damaged (%s); kept as %s, starting without memory", self._path, error, kept)
            self._connection, contents = self._connect()
        self._thread.start()
        return contents

    def write(self, writes: Sequence[Write], done: Callable[[bool], None] | None = None) -> None:
        """Write these together; ``done(True)`` is called in the loop when they are on disk.

        When the disk refuses, ``done(False)`` comes first: they are kept, and written when it works again.
        """
        self._queue.put(Batch(writes, done))

    def read(self, wanted: ReadRows, done: Callable[[list[Row]], None]) -> None:
        """Read rows of the queue, after everything that was handed in before."""
        self._queue.put(Read(wanted, done))

    def close(self) -> None:
        """Write what was handed in, then close."""
        self._queue.put(Stop())
        self._thread.join()

    def cut_power(self) -> None:
        """Stop at once; what no commit has taken is gone, as in a power cut."""
        self._cut = True
        self.close()

    # ---- in the thread ----

    def _connect(self) -> tuple[sqlite3.Connection, Contents]:
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA wal_autocheckpoint = 256")
            connection.execute("PRAGMA journal_size_limit = 1048576")
            connection.execute("PRAGMA cache_size = -256")
            connection.executescript(SCHEMA)
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            return connection, contents_of(connection)
        except sqlite3.Error:
            connection.close()
            raise

    def _run(self) -> None:
        assert self._connection is not None
        try:
            while self._turn(self._connection):
                pass
        finally:
            with suppress(sqlite3.Error):
                self._connection.close()

    def _turn(self, connection: sqlite3.Connection) -> bool:
        """Take what waits, commit it, tell; False when it was the last time."""
        try:
            first = self._queue.get(timeout=RETRY_S if self._backlog else None)
        except Empty:
            self._commit(connection)
            return True
        reads: list[Read] = []
        going_on = self._sort(first, reads)
        while going_on and len(self._backlog) < MOST_BATCHES_A_COMMIT:
            try:
                going_on = self._sort(self._queue.get_nowait(), reads)
            except Empty:
                break
        if not self._cut:
            self._commit(connection)
            self._serve(connection, reads)
        return going_on

    def _sort(self, item: Batch | Read | Stop, reads: list[Read]) -> bool:
        if isinstance(item, Batch):
            self._backlog.append(item)
        elif isinstance(item, Read):
            reads.append(item)
        return not isinstance(item, Stop)

    def _commit(self, connection: sqlite3.Connection) -> None:
        if not self._backlog:
            return
        try:
            connection.execute("BEGIN IMMEDIATE")
            for batch in self._backlog:
                for write in batch.writes:
                    perform(connection, write)
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            self._refused(error)
            return
        told = [batch.done for batch in self._backlog if batch.done is not None]
        self._backlog.clear()
        if not self._works:
            self._works = True
            self._hand_over(partial(self._on_state, True, ""))
        if told:
            self._hand_over(partial(call_all, told, True))

    def _refused(self, error: sqlite3.Error) -> None:
        if self._works:
            self._works = False
            self._hand_over(partial(self._on_state, False, str(error)))
        told = [batch.done for batch in self._backlog if batch.done is not None and not batch.told_refused]
        for batch in self._backlog:
            batch.told_refused = True
        self._hand_over(partial(call_all, told, False))

    def _serve(self, connection: sqlite3.Connection, reads: list[Read]) -> None:
        for read in reads:
            rows = rows_behind(connection, read.wanted)
            self._hand_over(partial(read.done, rows))


def call_all(callbacks: Sequence[Callable[[bool], None]], stored: bool) -> None:
    """Tell each, in order."""
    for callback in callbacks:
        callback(stored)


def perform(connection: sqlite3.Connection, write: Write) -> None:
    """One write, inside a commit."""
    match write:
        case Insert(row=row):
            connection.execute(
                "INSERT INTO outbox (id, action, message, transaction_id, seq_no) VALUES (?, ?, ?, ?, ?)",
                (row.id, row.action, row.message, row.transaction_id, row.seq_no),
            )
        case Delete(id=id):
            connection.execute("DELETE FROM outbox WHERE id = ?", (id,))
        case SetAside(id=id, reason=reason):
            connection.execute("UPDATE outbox SET parked = ? WHERE id = ?", (reason, id))
        case Put(key=key, value=None):
            connection.execute("DELETE FROM memory WHERE key = ?", (key,))
        case Put(key=key, value=value):
            connection.execute("INSERT OR REPLACE INTO memory (key, value) VALUES (?, ?)", (key, value))


def rows_behind(connection: sqlite3.Connection, wanted: ReadRows) -> list[Row]:
    """The oldest rows behind an id that are to be sent."""
    found = connection.execute(
        "SELECT id, action, message, transaction_id, seq_no FROM outbox"
        " WHERE id > ? AND parked IS NULL ORDER BY id LIMIT ?",
        (wanted.after, wanted.limit),
    )
    return [Row(*row) for row in found]


def contents_of(connection: sqlite3.Connection) -> Contents:
    """What a start needs to know; ids that were used are never used again, answered or not."""
    used = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'").fetchone()
    (waiting,) = connection.execute("SELECT count(*) FROM outbox WHERE parked IS NULL").fetchone()
    records = dict(connection.execute("SELECT key, value FROM memory"))
    return Contents((used[0] if used else 0) + 1, waiting, records)


def set_aside(path: Path) -> Path:
    """Keep a damaged file under another name, with its journal."""
    number = 1
    while (kept := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    path.rename(kept)
    for suffix in ("-wal", "-shm"):
        journal = path.with_name(path.name + suffix)
        if journal.exists():
            journal.rename(kept.with_name(kept.name + suffix))
    return kept
