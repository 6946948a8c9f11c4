"""How fast an event gets on disk, and off it: the outbox over its database, beside bare SQLite."""

import sqlite3
from contextlib import closing
from pathlib import Path
from time import perf_counter

# As long as a TransactionEvent with one meter value.
ROW = '{"eventType":"Updated","meterValue":[]}'.ljust(600, " ")


def raw_appends_per_s(folder: Path, rows: int) -> float:
    """WAL, synchronous=FULL, a commit a row: what the disk gives to anybody."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "raw.db"
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.execute("CREATE TABLE outbox (id INTEGER PRIMARY KEY, message TEXT NOT NULL)")
        began_s = perf_counter()
        for _ in range(rows):
            database.execute("INSERT INTO outbox (message) VALUES (?)", (ROW,))
        return rows / (perf_counter() - began_s)


def raw_drains_per_s(folder: Path, rows: int) -> float:
    """Take the oldest row and delete it, a commit each, of what ``raw_appends_per_s`` left."""
    with closing(sqlite3.connect(folder / "raw.db", isolation_level=None)) as database:
        database.execute("PRAGMA synchronous=FULL")
        began_s = perf_counter()
        for _ in range(rows):
            (oldest, _) = database.execute("SELECT id, message FROM outbox ORDER BY id LIMIT 1").fetchone()
            database.execute("DELETE FROM outbox WHERE id = ?", (oldest,))
        return rows / (perf_counter() - began_s)
