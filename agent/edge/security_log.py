"""The security log: one row an event, the newest stay.  Decides nothing and sends nothing (A04.FR.04)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import datetime

import msgspec

from agent.link.disk import LogSecurity, MoveSecurityTimes
from agent.vocabulary.times import ms_of, time_of

SCHEMA = """
CREATE TABLE IF NOT EXISTS security_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL,
    type TEXT NOT NULL,
    tech_info TEXT NOT NULL,
    boot INTEGER NOT NULL,
    provisional INTEGER NOT NULL
);
"""

MOST_KEPT = 5000


class LoggedEvent(msgspec.Struct, frozen=True):
    """An event as it is listed and uploaded; ``provisional``: the time of day was never known."""

    id: int
    at: datetime
    type: str
    tech_info: str
    boot: int
    provisional: bool


def keep(connection: sqlite3.Connection, event: LogSecurity) -> None:
    """Write it down, inside a commit; the oldest goes when there is no room."""
    cursor = connection.execute(
        "INSERT INTO security_log (at_ms, type, tech_info, boot, provisional) VALUES (?, ?, ?, ?, ?)",
        (event.at_ms, event.type, event.tech_info, event.boot, event.provisional),
    )
    connection.execute("DELETE FROM security_log WHERE id <= ?", ((cursor.lastrowid or 0) - MOST_KEPT,))


def move_times(connection: sqlite3.Connection, shift: MoveSecurityTimes) -> None:
    """The time of day became known."""
    connection.execute(
        "UPDATE security_log SET at_ms = at_ms + ?, provisional = 0 WHERE boot = ? AND provisional AND at_ms >= ?",
        (shift.by_ms, shift.boot, shift.since_ms),
    )


def events(
    connection: sqlite3.Connection, oldest: datetime | None = None, latest: datetime | None = None
) -> Iterator[LoggedEvent]:
    """What was logged in a time window, oldest first."""
    for id, at_ms, type, tech_info, boot, provisional in connection.execute(
        "SELECT id, at_ms, type, tech_info, boot, provisional FROM security_log"
        " WHERE (?1 IS NULL OR at_ms >= ?1) AND (?2 IS NULL OR at_ms <= ?2) ORDER BY id",
        tuple(None if bound is None else ms_of(bound) for bound in (oldest, latest)),
    ):
        yield LoggedEvent(id, time_of(at_ms), type, tech_info, boot, bool(provisional))
