"""The ledger's table: one row an event, its state, and a chain of hashes over all of them.  Commits nothing itself.

States: ``held`` (waits or is in flight), ``refused`` (the CSMS did not take it, it is said again), ``answered`` (the
CSMS has it; the message is emptied, the row stays as proof until it is pruned), ``parked`` (given up for now, kept
whole), ``thinned`` (a reading given up for room; emptied).

Each row carries ``digest`` = SHA-256 of its message, ``prev`` = the hash of the row before it, and ``hash`` = SHA-256
over prev, id, transaction, number and digest: what was once written cannot be changed, left out or put in unseen.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from hashlib import sha256

import msgspec

from agent.edge.security_log import SCHEMA as SECURITY_LOG_SCHEMA
from agent.edge.security_log import keep, move_times
from agent.edge.tokens import SCHEMA as TOKENS_SCHEMA
from agent.edge.tokens import change_list
from agent.link.disk import (
    Answered,
    ChangeList,
    Insert,
    LogSecurity,
    MoveSecurityTimes,
    Park,
    Put,
    Question,
    ReadRows,
    Refused,
    Resend,
    Row,
    Thin,
    Thinned,
    Waiting,
    Write,
)

SCHEMA = f"""{TOKENS_SCHEMA}{SECURITY_LOG_SCHEMA}
CREATE TABLE IF NOT EXISTS ledger (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    state TEXT NOT NULL DEFAULT 'held',
    action TEXT NOT NULL,
    transaction_id TEXT NOT NULL,
    seq_no INTEGER NOT NULL,
    worth INTEGER NOT NULL,
    message BLOB NOT NULL,
    boot INTEGER NOT NULL,
    provisional INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    reason TEXT,
    digest BLOB NOT NULL,
    prev BLOB NOT NULL,
    hash BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS memory (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
"""
SCHEMA_VERSION = 1

GENESIS = bytes(32)
KEPT_ANSWERED = 1000
"""How many answered rows stay as proof."""

PRUNE_EVERY = 256
"""How many answered rows may come before the oldest are looked at again: flash is written in few, larger pieces."""

MOST_THINNED = 5000
"""How many events one thinning may give up: the writing thread is not to be away for long."""

EMPTY = b""
DONE = "('answered', 'thinned')"

GAP_BEFORE = "ledger/gap/"
FORGET_GAPS = f"""
DELETE FROM memory WHERE key LIKE '{GAP_BEFORE}%'
    AND CAST(substr(key, {len(GAP_BEFORE) + 1}) AS INTEGER) NOT IN (SELECT id FROM ledger)
"""


class Entry(msgspec.Struct, frozen=True):
    """A row as it is listed and exported."""

    id: int
    state: str
    action: str
    transaction_id: str
    seq_no: int
    attempts: int
    reason: str | None
    boot: int
    message: msgspec.Raw | None
    hash: str


class Verdict(msgspec.Struct, frozen=True):
    """What ``verify`` found: how many rows of each state, and everything that is not as it must be."""

    rows: dict[str, int]
    transactions: int
    problems: tuple[str, ...]


def hash_of(prev: bytes, id: int, transaction_id: str, seq_no: int, digest: bytes) -> bytes:
    """The link of a row to everything before it."""
    return sha256(b"%b|%d|%b|%d|%b" % (prev, id, transaction_id.encode(), seq_no, digest)).digest()


class Ledger:
    """The table on one connection; knows the end of the chain."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._answered = 0
        self._chain = self._last_hash()

    def _last_hash(self) -> bytes:
        last = self._connection.execute("SELECT hash FROM ledger ORDER BY id DESC LIMIT 1").fetchone()
        return bytes(last[0]) if last else GENESIS

    def rolled_back(self) -> None:
        """A commit failed: the chain ends where the disk says."""
        self._chain = self._last_hash()

    def insert(self, row: Row) -> None:
        """Add a row to the end of the chain."""
        digest = sha256(row.message).digest()
        prev, self._chain = self._chain, hash_of(self._chain, row.id, row.transaction_id, row.seq_no, digest)
        self._connection.execute(
            "INSERT INTO ledger (id, action, transaction_id, seq_no, worth, message, boot, provisional, digest, prev,"
            " hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(row.id, row.action, row.transaction_id, row.seq_no, row.worth, row.message, row.boot),
                *(row.provisional, digest, prev, self._chain),
            ),
        )

    def perform(self, write: Write) -> None:
        """One write, inside a commit."""
        match write:
            case Insert(row=row):
                self.insert(row)
            case Answered(id=id):
                self._answer(id)
            case Refused(id=id, attempts=attempts, reason=reason):
                self._mark(id, "refused", attempts, reason)
            case Park(id=id, attempts=attempts, reason=reason):
                self._mark(id, "parked", attempts, reason)
            case Put(key=key, value=None):
                self._connection.execute("DELETE FROM memory WHERE key = ?", (key,))
            case Put(key=key, value=value):
                self._connection.execute("INSERT OR REPLACE INTO memory (key, value) VALUES (?, ?)", (key, value))
            case ChangeList():
                change_list(self._connection, write)
            case LogSecurity():
                keep(self._connection, write)
            case MoveSecurityTimes():
                move_times(self._connection, write)

    def _answer(self, id: int) -> None:
        """The message goes, the proof stays."""
        self._connection.execute("UPDATE ledger SET state = 'answered', message = ? WHERE id = ?", (EMPTY, id))
        self._answered += 1
        if self._answered >= PRUNE_EVERY:
            self._answered = 0
            self._prune()

    def _mark(self, id: int, state: str, attempts: int, reason: str) -> None:
        self._connection.execute(
            "UPDATE ledger SET state = ?, attempts = ?, reason = ? WHERE id = ?", (state, attempts, reason, id)
        )

    def resend(self, wanted: Resend) -> list[Row]:
        """Take parked rows back into the queue; returns them, oldest first."""
        ids = wanted.ids or tuple(entry.id for entry in self.entries("parked"))
        taken = []
        for id in sorted(ids):
            done = self._connection.execute(
                "UPDATE ledger SET state = 'held', attempts = 0, reason = NULL WHERE id = ? AND state = 'parked'", (id,)
            )
            if done.rowcount:
                taken += self._rows("id = ?", (id,))
        return taken

    def thin(self, wanted: Thin) -> Thinned:
        """Give up every second intermediate reading of each transaction behind an id.

        Periodic readings go first; other Updated events when there are none left.  The first and the last event that a
        transaction has waiting always stay (E04.FR.08).
        """
        for worth in (1, 2):
            found = self._every_second(wanted.behind, worth)
            if found:
                return self._give_up(found)
        return Thinned(0, {})

    def _give_up(self, found: list[tuple[int, str, int]]) -> Thinned:
        by_transaction: dict[str, int] = {}
        for id, transaction_id, _ in found:
            by_transaction[transaction_id] = by_transaction.get(transaction_id, 0) + 1
            self._connection.execute(
                "UPDATE ledger SET state = 'thinned', message = ?, reason = 'the budget was full' WHERE id = ?",
                (EMPTY, id),
            )
        return Thinned(sum(size for _, _, size in found), by_transaction)

    def _every_second(self, behind: int, worth: int) -> list[tuple[int, str, int]]:
        found = self._connection.execute(
            "SELECT id, transaction_id, size FROM (SELECT id, transaction_id, size,"
            "  row_number() OVER (PARTITION BY transaction_id ORDER BY id) AS number"
            "  FROM (SELECT id, worth, transaction_id, length(message) AS size,"
            "   lag(id) OVER (PARTITION BY transaction_id ORDER BY id) AS before,"
            "   lead(id) OVER (PARTITION BY transaction_id ORDER BY id) AS after"
            "   FROM ledger WHERE state IN ('held', 'refused'))"
            "  WHERE id > ? AND worth = ? AND before IS NOT NULL AND after IS NOT NULL)"
            " WHERE number % 2 = 1 ORDER BY id LIMIT ?",
            (behind, worth, MOST_THINNED),
        )
        return found.fetchall()

    def _prune(self) -> None:
        """Drop old answered and thinned rows up to the first that is to be sent; what is parked stays where it is.

        The row behind each gap keeps the hash before it as its own ``prev``; where a gap is, is remembered.
        """
        keep_from = self._connection.execute(
            "SELECT min(id) FROM ledger WHERE state IN ('held', 'refused') OR id > (SELECT max(id) FROM ledger) - ?",
            (KEPT_ANSWERED,),
        ).fetchone()[0]
        behind_gaps = self._connection.execute(
            f"SELECT id, before FROM (SELECT id, state, lag(hash) OVER chain AS before, lag(state) OVER chain AS was"
            f" FROM ledger WHERE id <= ?1 WINDOW chain AS (ORDER BY id)) WHERE was IN {DONE}"
            f" AND (id = ?1 OR state NOT IN {DONE})",
            (keep_from,),
        ).fetchall()
        if not behind_gaps:
            return
        self._connection.execute(f"DELETE FROM ledger WHERE id < ? AND state IN {DONE}", (keep_from,))
        self._connection.executemany(
            "INSERT OR IGNORE INTO memory (key, value) VALUES (?, ?)",  # a gap that grows ends where it ended
            [(f"{GAP_BEFORE}{id}", before) for id, before in behind_gaps],
        )
        self._connection.execute(FORGET_GAPS)

    # ---- reading ----

    def find(self, question: Question) -> list[Row] | Thinned:
        """The answer to a question, inside a commit."""
        match question:
            case ReadRows():
                return self.behind(question)
            case Thin():
                return self.thin(question)
            case Resend():
                return self.resend(question)

    def behind(self, wanted: ReadRows) -> list[Row]:
        """The oldest rows behind an id that are to be sent."""
        return self._rows("id > ? AND state IN ('held', 'refused')", (wanted.after,), wanted.limit)

    def _rows(self, where: str, values: tuple[object, ...], limit: int = 1) -> list[Row]:
        found = self._connection.execute(
            "SELECT id, action, message, transaction_id, seq_no, worth, boot, provisional, attempts FROM ledger"
            f" WHERE {where} ORDER BY id LIMIT ?",
            (*values, limit),
        )
        return [
            Row(id, action, message, transaction_id, seq_no, worth, boot, bool(provisional), attempts)
            for id, action, message, transaction_id, seq_no, worth, boot, provisional, attempts in found
        ]

    def next_id(self) -> int:
        """Ids that were used are never used again, pruned or not."""
        used = self._connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'ledger'").fetchone()
        return (used[0] if used else 0) + 1

    def waiting(self) -> Waiting:
        """What waits to be sent."""
        found = self._connection.execute(
            "SELECT transaction_id, count(*), sum(length(message)) FROM ledger"
            " WHERE state IN ('held', 'refused') GROUP BY transaction_id"
        ).fetchall()
        return Waiting(
            events=sum(count for _, count, _ in found),
            bytes=sum(size for _, _, size in found),
            by_transaction={transaction_id: count for transaction_id, count, _ in found},
        )

    def entries(self, state: str | None = None, transaction_id: str | None = None) -> Iterator[Entry]:
        """Rows for people, oldest first."""
        for row in self._connection.execute(
            "SELECT id, state, action, transaction_id, seq_no, attempts, reason, boot, message, hash FROM ledger"
            " WHERE (?1 IS NULL OR state = ?1) AND (?2 IS NULL OR transaction_id = ?2) ORDER BY id",
            (state, transaction_id),
        ):
            id, state, action, transaction_id, seq_no, attempts, reason, boot, message, hash = row
            raw = msgspec.Raw(message) if message else None
            yield Entry(id, state, action, transaction_id, seq_no, attempts, reason, boot, raw, hash.hex())

    def verify(self) -> Verdict:
        """Prove it: the chain is unbroken, no message was changed, no number is missing."""
        return verify(self._connection)


def verify(connection: sqlite3.Connection) -> Verdict:
    """Walk the whole table once."""
    gaps = {
        int(key.removeprefix(GAP_BEFORE)): bytes(value)
        for key, value in connection.execute(f"SELECT key, value FROM memory WHERE key LIKE '{GAP_BEFORE}%'")
    }
    expected = GENESIS
    states: dict[str, int] = {}
    numbers: dict[str, int] = {}
    seen: set[str] = set()
    problems: list[str] = []
    for id, state, transaction_id, seq_no, message, digest, prev, hash in connection.execute(
        "SELECT id, state, transaction_id, seq_no, message, digest, prev, hash FROM ledger ORDER BY id"
    ):
        states[state] = states.get(state, 0) + 1
        if id in gaps:
            expected = gaps[id]
            numbers.clear()
        if prev != expected:
            problems.append(f"row {id}: the chain is broken before it")
        if hash != hash_of(prev, id, transaction_id, seq_no, digest):
            problems.append(f"row {id}: its hash does not fit what it says")
        if state in ("held", "refused", "parked") and sha256(message).digest() != digest:
            problems.append(f"row {id}: its message was changed")
        if transaction_id:
            last = numbers.get(transaction_id)
            if last is not None and seq_no != last + 1:
                problems.append(f"row {id}: transaction {transaction_id} has {seq_no} after {last}")
            numbers[transaction_id] = seq_no
            seen.add(transaction_id)
        expected = hash
    return Verdict(states, len(seen), tuple(problems))
