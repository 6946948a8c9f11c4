"""The ledger for people: list, export, verify, send again.  Reads the file, also beside a running agent."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import msgspec

from agent.edge.ledger import Entry, Ledger, verify
from agent.link.disk import Resend

ROW = "{:>8}  {:<9} {:<24} {:<36} {:>6} {:>8}  {}"


def run(what: str, data: Path, *, state: str | None, transaction: str | None, ids: tuple[int, ...] = ()) -> int:
    """``station-agent ledger WHAT``.

    Returns the exit status: 0 done, 1 the ledger does not verify, 2 there is none.
    """
    path = data / "station.db"
    if not path.is_file():
        print(f"station-agent: {path}: no ledger there; name the data directory with --data", file=sys.stderr)  # noqa: T201
        return 2
    mode = "rw" if what == "resend" else "ro"
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True)) as connection:
            return _obey(what, connection, state, transaction, ids)
    except sqlite3.Error as error:
        print(f"station-agent: {path}: {error}", file=sys.stderr)  # noqa: T201
        return 2


def _obey(
    what: str, connection: sqlite3.Connection, state: str | None, transaction: str | None, ids: tuple[int, ...]
) -> int:
    if what == "verify":
        return _verify(connection)
    ledger = Ledger(connection)
    if what == "resend":
        rows = ledger.resend(Resend(ids))
        connection.commit()
        _say(f"{len(rows)} events are back in the queue")
        return 0
    entries = ledger.entries(state, transaction)
    return _export(entries) if what == "export" else _list(entries)


def _list(entries: Iterable[Entry]) -> int:
    _say(ROW.format("id", "state", "message", "transaction", "seqNo", "attempts", "reason"))
    count = 0
    for entry in entries:
        count += 1
        number = entry.seq_no if entry.transaction_id else "-"
        words = (entry.id, entry.state, entry.action, entry.transaction_id or "-", number, entry.attempts)
        _say(ROW.format(*words, entry.reason or "").rstrip())
    _say(f"{count} events")
    return 0


def _export(entries: Iterable[Entry]) -> int:
    for entry in entries:
        sys.stdout.buffer.write(msgspec.json.encode(entry) + b"\n")
    return 0


def _verify(connection: sqlite3.Connection) -> int:
    verdict = verify(connection)
    for problem in verdict.problems:
        _say(f"PROBLEM {problem}")
    counts = ", ".join(f"{count} {state}" for state, count in sorted(verdict.rows.items())) or "empty"
    judgement = "does NOT verify" if verdict.problems else "verifies: the chain is unbroken, no number is missing"
    _say(f"the ledger {judgement} ({counts}; {verdict.transactions} transactions)")
    return 1 if verdict.problems else 0


def _say(text: str) -> None:
    print(text)  # noqa: T201
