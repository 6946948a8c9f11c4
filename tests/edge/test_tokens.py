"""The local list on a real disk: one commit or nothing, read beside the writer, 100,000 entries looked up at once."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from random import Random
from time import perf_counter

import pytest

from agent.edge.database import Database
from agent.edge.tokens import TokenReader
from agent.link.disk import ChangeList, Put, Write
from agent.session.local_list import LocalList
from agent.session.tokens import Entry, key_of
from agent.vocabulary.values import Token


class Disk:
    """A station's database and the reader beside it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.database = Database(path, lambda call: call(), lambda works, text: None)
        self.contents = self.database.open()
        self.reader = TokenReader(path)

    def write(self, *writes: Write) -> bool:
        """Whether they are on disk."""
        told: list[bool] = []
        arrived = threading.Event()

        def done(stored: bool) -> None:
            told.append(stored)
            arrived.set()

        self.database.write(writes, done)
        assert arrived.wait(60)
        return told[0]

    def close(self) -> None:
        self.reader.close()
        self.database.close()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    disk = Disk(tmp_path / "station.db")
    yield disk
    disk.close()


def put(*items: tuple[bytes, bytes], replace: bool = False, drop: tuple[bytes, ...] = ()) -> ChangeList:
    return ChangeList(replace, items, drop)


def test_what_is_put_is_found_and_what_is_not_there_is_not(disk: Disk):
    disk.write(put((b"a", b"1"), (b"b", b"2")))
    assert [disk.reader.find(key) for key in (b"a", b"b", b"c")] == [b"1", b"2", None]


def test_a_change_drops_and_overwrites(disk: Disk):
    disk.write(put((b"a", b"1"), (b"b", b"2")))
    disk.write(put((b"b", b"3"), drop=(b"a", b"nobody")))
    assert [disk.reader.find(key) for key in (b"a", b"b")] == [None, b"3"]


def test_D01_FR_15_a_full_list_replaces(disk: Disk):
    disk.write(put((b"a", b"1")))
    disk.write(put((b"b", b"2"), replace=True))
    assert [disk.reader.find(key) for key in (b"a", b"b")] == [None, b"2"]


def test_D01_FR_10_the_list_is_there_after_a_restart(tmp_path: Path):
    disk = Disk(tmp_path / "station.db")
    disk.write(put((b"a", b"1")), Put("local-list/state", b"{}"))
    disk.close()
    again = Disk(tmp_path / "station.db")
    assert again.reader.find(b"a") == b"1"
    assert again.contents.records["local-list/state"] == b"{}"
    again.close()


def test_a_power_cut_before_the_commit_leaves_the_old_list_whole(tmp_path: Path):
    disk = Disk(tmp_path / "station.db")
    disk.write(put((b"a", b"1")), Put("local-list/state", b"old"))
    other = sqlite3.connect(disk.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")  # the writer has to wait, and the power goes meanwhile
    disk.database.write([put((b"b", b"2"), replace=True), Put("local-list/state", b"new")])
    cut = threading.Thread(target=disk.database.cut_power)
    cut.start()
    other.close()
    cut.join(60)
    disk.reader.close()
    again = Disk(tmp_path / "station.db")
    found = (again.reader.find(b"a"), again.reader.find(b"b"), again.contents.records["local-list/state"])
    assert found in ((b"1", None, b"old"), (None, b"2", b"new"))
    again.close()


def test_a_reader_sees_nothing_of_a_change_that_is_not_committed(disk: Disk):
    disk.write(put((b"a", b"1")))
    writer = sqlite3.connect(disk.path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("DELETE FROM local_list")
    assert disk.reader.find(b"a") == b"1"
    writer.execute("ROLLBACK")
    writer.close()


def test_a_list_that_cannot_be_read_knows_nobody_and_that_is_told_once(disk: Disk, caplog: pytest.LogCaptureFixture):
    disk.reader.close()
    assert disk.reader.find(b"a") is None
    assert disk.reader.find(b"a") is None
    assert len([record for record in caplog.records if "cannot be read" in record.message]) == 1


def test_100000_entries_are_looked_up_from_disk(disk: Disk):
    entry = Entry(status="Accepted", group=Token("FLEET", "Central"))
    local_list = LocalList(100_000, 32 << 20)
    local_list.read = disk.reader.find
    began = perf_counter()
    for first in range(0, 100_000, 10_000):
        entries = {key_of(Token(f"04{number:06X}")): entry for number in range(first, first + 10_000)}
        change = local_list.differential(first + 1, dict(entries))
        assert change is not None
        assert disk.write(put(*change.put))
    built_s = perf_counter() - began
    wanted = [Token(f"04{number:06X}") for number in Random(1).sample(range(100_000), 2_000)]
    began = perf_counter()
    assert all(local_list.find(token) == entry for token in wanted)
    found_us = (perf_counter() - began) / len(wanted) * 1e6
    began = perf_counter()
    assert all(local_list.find(Token(f"05{number:06X}")) is None for number in range(2_000))
    missed_us = (perf_counter() - began) / 2_000 * 1e6
    assert local_list.state.entries == 100_000
    assert disk.write(put(replace=True))
    assert local_list.find(wanted[0]) is None
    print(f"100,000 entries written in {built_s:.1f} s, found in {found_us:.0f} us, missed in {missed_us:.0f} us")
