"""A ledger whose power goes before and after every single write and sync: what was committed is there, the rest is not.

The whole model in one process: the layer beneath SQLite, what a disk loses, and SQLite's own recovery.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from agent.edge.ledger import SCHEMA, Ledger
from agent.link.disk import Answered, Insert, Row
from tests.scenarios.power_cut.disk import lose_unsynced
from tests.scenarios.power_cut.moments import Blade
from tests.scenarios.power_cut.vfs import Layer

COMMITS = 16
TRIES = 2


@dataclass
class Snapshot:
    """Every file at one moment, and how many commits had begun and had returned."""

    moment: str
    files: dict[str, bytes]
    begun: int
    returned: int

    def restore(self, folder: Path) -> None:
        for path in folder.iterdir():
            path.unlink()
        for name, content in self.files.items():
            (folder / name).write_bytes(content)


class Camera(Blade):
    """Cuts nothing; keeps what a cut would find."""

    def __init__(self, folder: Path) -> None:
        super().__init__(None, 0, lambda moment: None)
        self._folder = folder
        self.begun = self.returned = 0
        self.album: list[Snapshot] = []

    def at(self, moment: str) -> None:
        files = {path.name: path.read_bytes() for path in self._folder.iterdir()}
        self.album.append(Snapshot(moment, files, self.begun, self.returned))


def write_a_ledger(folder: Path, synchronous: str) -> list[Snapshot]:
    """Some commits of two rows each, the older ones answered; small enough a WAL that checkpoints come often."""
    camera = Camera(folder)
    layer = Layer(folder, camera)
    layer.register(default=False)
    with closing(sqlite3.connect(f"file:{folder}/x.db?vfs={layer.name}", uri=True, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        connection.execute("PRAGMA wal_autocheckpoint = 12")
        connection.executescript(SCHEMA)
        ledger = Ledger(connection)
        for number in range(COMMITS):
            camera.begun += 1
            commit(connection, ledger, number)
            camera.returned += 1
    layer.unregister()
    return camera.album


def commit(connection: sqlite3.Connection, ledger: Ledger, number: int) -> None:
    connection.execute("BEGIN IMMEDIATE")
    for id in (2 * number + 1, 2 * number + 2):
        ledger.perform(Insert(Row(id, "TransactionEvent", b'{"n":%d}' % id * 60, "t1", id)))
    if number:
        ledger.perform(Answered(2 * number - 1))
    connection.execute("COMMIT")


def rows_after_a_cut(snapshot: Snapshot, folder: Path, dice: Random) -> int:
    """What a station finds: it is sound, and has so many rows."""
    snapshot.restore(folder)
    lose_unsynced(folder / "x.db", folder, dice)
    with closing(sqlite3.connect(folder / "x.db")) as connection:
        connection.execute("PRAGMA synchronous = OFF")  # closing it makes a checkpoint, which nobody needs
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'memory'").fetchone():
            return 0
        assert Ledger(connection).verify().problems == ()
        return int(connection.execute("SELECT count(*) FROM ledger").fetchone()[0])


def cuts(album: list[Snapshot], folder: Path) -> Iterator[tuple[Snapshot, int]]:
    for number, snapshot in enumerate(album):
        for attempt in range(TRIES):
            yield snapshot, rows_after_a_cut(snapshot, folder, Random(number * TRIES + attempt))


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    written, left = tmp_path / "written", tmp_path / "left"
    written.mkdir()
    left.mkdir()
    return written, left


def test_at_every_write_and_sync_a_commit_that_returned_is_whole_and_none_is_half(folders: tuple[Path, Path]) -> None:
    written, left = folders
    album = write_a_ledger(written, "FULL")
    assert {"before a write to the WAL", "before a write to the database", "after a sync of the database"} <= {
        snapshot.moment for snapshot in album
    }
    for snapshot, rows in cuts(album, left):
        assert rows % 2 == 0
        assert 2 * snapshot.returned <= rows <= 2 * snapshot.begun


def test_without_syncs_commits_that_returned_are_lost(folders: tuple[Path, Path]) -> None:
    """The model has teeth: it does not keep what nobody made safe."""
    written, left = folders
    lost = 0
    for snapshot in write_a_ledger(written, "NORMAL"):
        lost += rows_after_a_cut(snapshot, left, Random(1)) < 2 * snapshot.returned
    assert lost > COMMITS
