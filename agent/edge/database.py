"""One SQLite file: the ledger of durable messages and what the station remembers.  One writer, everything in order.

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
from typing import Any

import msgspec

from agent.edge.flash import FlashMeter
from agent.edge.ledger import SCHEMA, SCHEMA_VERSION, Ledger
from agent.errors import told_of
from agent.link.disk import Question, ReadRows, Resend, Row, Thin, Thinned, Waiting, Write

log = logging.getLogger(__name__)

RETRY_S = 5.0
GATHER_S = 0.2
"""How long what nobody waits for may wait for company: one commit for many answered rows spares the flash."""

MOST_BATCHES_A_COMMIT = 256
WAL_PAGES = 256
BOOT_COUNT = "boot/count"

CANNOT_NOW = (sqlite3.Error, MemoryError)
"""What may go by: it is tried again."""


class Contents(msgspec.Struct, frozen=True):
    """What was on disk at start.  ``boot`` counts the starts of this station, this one included.

    ``damaged`` is the name under which a file that could not be read was kept.
    """

    next_id: int
    waiting: Waiting
    records: dict[str, bytes]
    boot: int
    damaged: str = ""


class Batch(msgspec.Struct):
    """Writes that belong together, and whom to tell."""

    writes: Sequence[Write]
    done: Callable[[bool], None] | None
    told_refused: bool = False


class Asked(msgspec.Struct):
    """Something that is wanted of the disk, and whom to give it to."""

    question: Question
    done: Callable[[Any], None]


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
        self._queue: SimpleQueue[Batch | Asked | Stop] = SimpleQueue()
        self._backlog: deque[Batch] = deque()
        self._works = True
        self._cut = False
        self._thread = threading.Thread(target=self._run, name="database", daemon=True)
        self._connection: sqlite3.Connection
        self._ledger: Ledger
        self.flash = FlashMeter()

    # ---- from the loop ----

    def open(self) -> Contents:
        """Open or make the file; a damaged one is set aside and a new one made.

        Raises:
            OSError: the file cannot be opened or made where it should be.

        """
        try:
            contents = self._connect()
        except sqlite3.OperationalError as error:
            raise OSError(str(error)) from None
        except sqlite3.DatabaseError as error:
            kept = set_aside(self._path)
            log.error("! %s is damaged (%s); kept as %s, starting without memory", self._path, error, kept)
            contents = msgspec.structs.replace(self._connect(), damaged=kept.name)
        self._thread.start()
        return contents

    def write(self, writes: Sequence[Write], done: Callable[[bool], None] | None = None) -> None:
        """Write these together; ``done(True)`` is called in the loop when they are on disk.

        When the disk refuses, ``done(False)`` comes first: they are kept, and written when it works again.  Without
        ``done`` they may wait a moment for company.
        """
        self._queue.put(Batch(writes, done))

    def ask(self, question: Question, done: Callable[[Any], None]) -> None:
        """Ask, after everything that was handed in before; the answer comes in the loop."""
        self._queue.put(Asked(question, done))

    @property
    def alive(self) -> bool:
        """Whether somebody writes what is handed in."""
        return self._thread.is_alive()

    def close(self) -> None:
        """Write what was handed in, then close."""
        self._queue.put(Stop())
        self._thread.join()

    def cut_power(self) -> None:
        """Stop at once; what no commit has taken is gone, as in a power cut."""
        self._cut = True
        self.close()

    # ---- in the thread ----

    def _connect(self) -> Contents:
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        try:
            check_version(connection)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES}")
            connection.execute("PRAGMA journal_size_limit = 1048576")
            connection.execute("PRAGMA cache_size = -256")
            connection.executescript(SCHEMA)
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            contents = contents_of(connection)
        except sqlite3.Error:
            connection.close()
            raise
        self._connection, self._ledger = connection, Ledger(connection)
        return contents

    def _run(self) -> None:
        try:
            while self._turn():
                pass
        except Exception as error:  # nobody writes any more: ``alive`` says so, and the watchdog hears nothing
            log.error("! defect: the database: %s", told_of(error))
            log.debug("traceback", exc_info=True)
            self._hand_over(partial(self._on_state, False, f"a defect of the agent: {type(error).__name__}"))
        finally:
            with suppress(sqlite3.Error):
                self._connection.close()

    def _turn(self) -> bool:
        """Take what waits, commit it, tell; False when it was the last time."""
        asked: list[Asked] = []
        going_on = self._take(asked)
        if not self._cut:
            self._commit()
            for each in asked:
                self._answer(each)
        return going_on

    def _take(self, asked: list[Asked]) -> bool:
        """Everything that is there.  Nothing there: wait, for ever, for company, or until the next try of the disk."""
        wait_s: float | None = RETRY_S if self._backlog else None
        while True:
            try:
                item = self._queue.get(timeout=wait_s)
            except Empty:
                return True
            if isinstance(item, Stop):
                return False
            if isinstance(item, Asked):
                asked.append(item)
            else:
                self._backlog.append(item)
            if len(self._backlog) >= MOST_BATCHES_A_COMMIT:
                return True
            urgent = bool(asked) or any(batch.done is not None for batch in self._backlog)
            wait_s = 0.0 if urgent else GATHER_S

    def _commit(self) -> None:
        if not self._backlog:
            return
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for batch in self._backlog:
                for write in batch.writes:
                    self._ledger.perform(write)
            self._connection.execute("COMMIT")
        except CANNOT_NOW as error:
            self._roll_back()
            self._refused(error)
            return
        self.flash.committed()
        told = [batch.done for batch in self._backlog if batch.done is not None]
        self._backlog.clear()
        if not self._works:
            self._works = True
            self._hand_over(partial(self._on_state, True, ""))
        if told:
            self._hand_over(partial(call_all, told, True))

    def _roll_back(self) -> None:
        with suppress(sqlite3.Error):
            self._connection.execute("ROLLBACK")
        with suppress(sqlite3.Error):
            self._ledger.rolled_back()

    def _refused(self, error: Exception) -> None:
        if self._works:
            self._works = False
            self._hand_over(partial(self._on_state, False, str(error) or type(error).__name__))
        told = [batch.done for batch in self._backlog if batch.done is not None and not batch.told_refused]
        for batch in self._backlog:
            batch.told_refused = True
        self._hand_over(partial(call_all, told, False))

    def _answer(self, asked: Asked) -> None:
        answer: list[Row] | Thinned | None
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            answer = self._ledger.find(asked.question)
            self._connection.execute("COMMIT")
        except CANNOT_NOW as error:
            self._roll_back()
            log.error("! the disk does not answer %s: %s", type(asked.question).__name__, error)
            answer = NOTHING[type(asked.question)]
        self._hand_over(partial(asked.done, answer))


NOTHING: dict[type[Question], list[Row] | None] = {ReadRows: [], Thin: None, Resend: []}
"""What is answered when the disk cannot."""


def call_all(callbacks: Sequence[Callable[[bool], None]], stored: bool) -> None:
    """Tell each, in order."""
    for callback in callbacks:
        callback(stored)


def check_version(connection: sqlite3.Connection) -> None:
    """Refuse a file that a newer release wrote: what it means is not known here."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA_VERSION:
        raise sqlite3.DatabaseError(f"written by a newer release: schema {version}, this one knows {SCHEMA_VERSION}")


FORGET_SHIFTS = """
DELETE FROM memory WHERE key LIKE 'clock/shift/%' AND CAST(substr(key, 13) AS INTEGER)
    NOT IN (SELECT boot FROM ledger WHERE provisional AND state IN ('held', 'refused', 'parked'))
"""
"""What was learned of the clock of an earlier start is of use only as long as something of that start is to be sent."""


def contents_of(connection: sqlite3.Connection) -> Contents:
    """What a start needs to know, and the start counted."""
    connection.execute(FORGET_SHIFTS)
    records = dict(connection.execute("SELECT key, value FROM memory"))
    boot = int(records.get(BOOT_COUNT, b"0")) + 1
    connection.execute("INSERT OR REPLACE INTO memory (key, value) VALUES (?, ?)", (BOOT_COUNT, str(boot).encode()))
    ledger = Ledger(connection)
    return Contents(ledger.next_id(), ledger.waiting(), records, boot)


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
