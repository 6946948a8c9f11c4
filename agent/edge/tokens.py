"""The local list's table: changed by the one writer in its commit, read by the loop on a connection of its own.

A reader sees what is committed: of a change that is being written, nothing.
"""

from __future__ import annotations

import logging
import sqlite3
from contextlib import suppress
from pathlib import Path

from agent.link.disk import ChangeList

log = logging.getLogger(__name__)

SCHEMA = """
CREATE TABLE IF NOT EXISTS local_list (token BLOB PRIMARY KEY, entry BLOB NOT NULL) WITHOUT ROWID;
"""


def change_list(connection: sqlite3.Connection, change: ChangeList) -> None:
    """Change the list, inside a commit."""
    if change.replace:
        connection.execute("DELETE FROM local_list")
    connection.executemany("DELETE FROM local_list WHERE token = ?", ((key,) for key in change.drop))
    connection.executemany("INSERT OR REPLACE INTO local_list (token, entry) VALUES (?, ?)", change.put)


class TokenReader:
    """Looks up one entry at a time; never writes, never waits for the writer (WAL)."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
        self._connection.execute("PRAGMA cache_size = -256")
        self._told = False

    def find(self, key: bytes) -> bytes | None:
        """What is stored under the key.  A disk that cannot be read knows nobody, and is told of once."""
        try:
            row = self._connection.execute("SELECT entry FROM local_list WHERE token = ?", (key,)).fetchone()
        except sqlite3.Error as error:
            if not self._told:
                log.error("! the local authorization list cannot be read: %s", error)
            self._told = True
            return None
        self._told = False
        return None if row is None else bytes(row[0])

    def close(self) -> None:
        """No more looking up."""
        with suppress(sqlite3.Error):
            self._connection.close()
