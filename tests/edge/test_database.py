"""The database edge on a real file: order, all or nothing, power cuts, a disk that says no and changes its mind."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from agent.edge import database as module
from agent.edge import ledger
from agent.edge.database import Contents, Database
from agent.edge.ledger import verify
from agent.link.disk import Answered, Insert, Park, Put, Question, ReadRows, Refused, Resend, Row, Write
from tests.scenarios.heard import Heard


class Disk:
    """A database as the loop has it, and what it says of itself."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.states: Heard[tuple[bool, str]] = Heard()
        self.told: list[bool] = []
        loop = asyncio.get_running_loop()

        def hand_over(call: Callable[[], None]) -> None:
            loop.call_soon_threadsafe(call)

        self.database = Database(path, hand_over, lambda works, text: self.states.add((works, text)))
        self.contents: Contents = self.database.open()

    def write(self, *writes: Write) -> "asyncio.Future[bool]":
        """Hand in a batch; the future is done when it is on disk."""
        stored: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        def done(works: bool) -> None:
            self.told.append(works)
            if works:
                stored.set_result(True)

        self.database.write(writes, done)
        return stored

    async def ask(self, question: Question) -> Any:
        answered: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.database.ask(question, answered.set_result)
        return await asyncio.wait_for(answered, 10)

    async def waiting(self) -> list[int]:
        return [row.id for row in await self.ask(ReadRows(0, 10_000))]


def ids_of(path: Path) -> list[int]:
    """The rows that are there, in whatever state."""
    with closing(sqlite3.connect(path)) as connection:
        return [id for (id,) in connection.execute("SELECT id FROM ledger ORDER BY id")]


@pytest.fixture
async def disk(tmp_path: Path) -> AsyncIterator[Disk]:
    disk = Disk(tmp_path / "station.db")
    yield disk
    disk.database.close()


def row(id: int, seq_no: int | None = None) -> Row:
    return Row(id, "TransactionEvent", b'{"n":%d}' % id, "T", id if seq_no is None else seq_no)


def reopened(path: Path) -> Contents:
    again = Disk(path)
    again.database.close()
    return again.contents


def problems_of(path: Path) -> tuple[str, ...]:
    with closing(sqlite3.connect(path)) as connection:
        return verify(connection).problems


# Order.


async def test_rows_come_back_as_they_were_in_the_order_in_which_they_came(disk: Disk) -> None:
    rows = [Row(1, "A", b"\x00\xff", "", 0, 2, 7, True), Row(2, "B", b"x" * 100_000, "T", 9)]
    await disk.write(*map(Insert, rows))
    assert await disk.ask(ReadRows(0, 10)) == rows
    assert await disk.ask(ReadRows(1, 10)) == rows[1:]
    assert await disk.ask(ReadRows(0, 1)) == rows[:1]


async def test_a_question_is_answered_after_all_that_was_handed_in_before(disk: Disk) -> None:
    for id in range(1, 501):
        disk.database.write([Insert(row(id))])
    assert await disk.waiting() == list(range(1, 501))


async def test_the_last_of_several_wishes_wins(disk: Disk) -> None:
    for value in (b"1", b"2", None, b"3"):
        disk.database.write([Put("a", value)])
    await disk.write(Put("b", b"x"), Put("b", None))
    disk.database.close()
    contents = reopened(disk.path)
    assert contents.records["a"] == b"3"
    assert "b" not in contents.records
    disk.database = Disk(disk.path).database


async def test_what_nobody_waits_for_shares_a_commit(disk: Disk) -> None:
    await disk.write(Insert(row(1)))
    before = disk.database.flash.commits
    for id in range(2, 52):
        disk.database.write([Insert(row(id))])
    await disk.write(Insert(row(52)))
    assert disk.database.flash.commits - before < 10


# What is kept.


async def test_what_was_answered_waits_no_more_and_its_number_is_never_used_again(disk: Disk) -> None:
    await disk.write(Insert(row(1)), Insert(row(2)), Insert(row(3)))
    await disk.write(Answered(1), Answered(3), Park(2, 3, "GenericError"))
    assert await disk.waiting() == []
    disk.database.close()
    again = Disk(disk.path)
    assert (again.contents.next_id, again.contents.waiting.events, again.contents.boot) == (4, 0, 2)
    assert [row.id for row in await again.ask(Resend())] == [2]
    assert await again.waiting() == [2]
    disk.database = again.database


@pytest.fixture
def keeps_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what is answered, two rows; the others go at once."""
    monkeypatch.setattr(ledger, "KEPT_ANSWERED", 2)
    monkeypatch.setattr(ledger, "PRUNE_EVERY", 1)


async def test_a_refused_event_is_kept_however_many_are_answered_behind_it(disk: Disk, keeps_little: None) -> None:
    for id in range(1, 11):
        await disk.write(Insert(row(id)))
    await disk.write(Refused(2, 1, "GenericError"))
    for id in (1, *range(3, 9)):
        await disk.write(Answered(id))
    assert await disk.waiting() == [2, 9, 10]
    await disk.write(Answered(2))
    await disk.write(Answered(9))
    assert await disk.waiting() == [10]
    assert problems_of(disk.path) == ()


async def test_a_parked_event_holds_up_no_pruning_and_the_chain_stays_proved(disk: Disk, keeps_little: None) -> None:
    for id in range(1, 21):
        await disk.write(Insert(row(id)))
    await disk.write(Park(5, 3, "GenericError"), Park(6, 3, "GenericError"))
    for id in (*range(1, 5), *range(7, 15)):
        await disk.write(Answered(id))
        assert problems_of(disk.path) == ()
    assert ids_of(disk.path) == [5, 6, *range(15, 21)]
    assert [row.id for row in await disk.ask(Resend((5,)))] == [5]
    await disk.write(Answered(5))
    assert await disk.ask(Resend()) != []
    for id in (6, *range(15, 19)):
        await disk.write(Answered(id))
        assert problems_of(disk.path) == ()
    assert ids_of(disk.path) == [19, 20]


async def test_a_row_that_somebody_takes_out_between_gaps_is_missed(disk: Disk, keeps_little: None) -> None:
    for id in range(1, 11):
        await disk.write(Insert(row(id)))
    await disk.write(Park(2, 3, "GenericError"), *(Answered(id) for id in (1, 3, 4, 5)))
    for gone in (6, 8):
        with closing(sqlite3.connect(disk.path)) as other, other:
            other.execute("DELETE FROM ledger WHERE id = ?", (gone,))
        assert problems_of(disk.path)


# The end.


async def test_close_writes_what_was_handed_in(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "station.db")
    for id in range(1, 301):
        disk.database.write([Insert(row(id))])
    disk.database.close()
    assert reopened(disk.path).waiting.events == 300
    assert problems_of(disk.path) == ()


async def test_a_power_cut_loses_nothing_that_was_said_to_be_on_disk(tmp_path: Path) -> None:
    path = tmp_path / "station.db"
    kept = 0
    for _ in range(5):
        disk = Disk(path)
        assert kept <= disk.contents.waiting.events == disk.contents.next_id - 1
        first = disk.contents.next_id
        batches = [disk.write(Insert(row(id)), Insert(row(id + 1))) for id in range(first, first + 100, 2)]
        await batches[9]
        disk.database.cut_power()
        kept = first - 1 + 2 * sum(batch.done() for batch in batches)
    contents = reopened(path)
    assert contents.waiting.events >= kept
    assert contents.waiting.events % 2 == 0  # each batch whole, or not at all
    assert problems_of(path) == ()


# A disk that says no.


def refuse(path: Path, statement: str = "INSERT ON ledger") -> None:
    """From now on, the disk is full as far as this is concerned."""
    with closing(sqlite3.connect(path)) as other:
        other.execute(f"CREATE TRIGGER full BEFORE {statement} BEGIN SELECT RAISE(ABORT, 'disk is full'); END")


def allow(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("DROP TRIGGER full")


async def test_a_refused_batch_is_told_once_kept_whole_and_written_when_it_may(disk: Disk) -> None:
    await disk.write(Insert(row(1)))
    refuse(disk.path)
    first = disk.write(Put("a", b"1"), Insert(row(2)))
    await disk.states.find(lambda state: state == (False, "disk is full"))
    second = disk.write(Insert(row(3)))
    assert await disk.waiting() == [1]
    assert not first.done() and not second.done()
    allow(disk.path)
    third = disk.write(Insert(row(4)))
    await asyncio.gather(first, second, third)
    assert await disk.waiting() == [1, 2, 3, 4]
    assert disk.states.items == [(False, "disk is full"), (True, "")]
    assert disk.told == [True, False, False, True, True, True]
    assert problems_of(disk.path) == ()


async def test_all_of_a_batch_or_nothing(disk: Disk) -> None:
    refuse(disk.path)
    stored = disk.write(Put("a", b"1"), Insert(row(1)), Put("b", b"2"))
    await disk.states.find(lambda state: not state[0])
    with closing(sqlite3.connect(disk.path)) as other:
        assert other.execute("SELECT count(*) FROM memory WHERE key IN ('a', 'b')").fetchone() == (0,)
    allow(disk.path)
    disk.database.write([])
    await stored


async def test_the_disk_is_tried_again_without_anything_new(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_S", 0.02)
    refuse(disk.path)
    stored = disk.write(Insert(row(1)))
    await disk.states.find(lambda state: not state[0])
    allow(disk.path)
    assert await asyncio.wait_for(stored, 10)
    assert disk.states.items[-1] == (True, "")


async def test_what_was_refused_until_the_end_is_tried_once_more_at_the_end(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "station.db")
    refuse(disk.path)
    disk.write(Insert(row(1)))
    await disk.states.find(lambda state: not state[0])
    allow(disk.path)
    disk.database.close()
    assert reopened(disk.path).waiting.events == 1


async def test_a_question_that_the_disk_cannot_answer_is_answered_with_nothing(
    disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(sqlite3.connect(disk.path)) as other:
        other.execute("ALTER TABLE ledger RENAME TO gone")
    assert await disk.waiting() == []
    assert "no such table" in caplog.text
    with closing(sqlite3.connect(disk.path)) as other:
        other.execute("ALTER TABLE gone RENAME TO ledger")
    await disk.write(Insert(row(1)))
    assert await disk.waiting() == [1]


async def test_a_defect_in_the_thread_is_told_and_shows_in_alive(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    disk = Disk(tmp_path / "station.db")
    disk.write(Insert(Row(1, "TransactionEvent", b"{}", "\ud800", 1)))  # no text that can be written
    await disk.states.find(lambda state: state == (False, "a defect of the agent: UnicodeEncodeError"))
    disk.database.close()
    assert not disk.database.alive
    assert "! defect: the database: UnicodeEncodeError" in caplog.text


async def test_too_little_memory_for_a_moment_loses_nothing(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_S", 0.02)
    perform, short = ledger.Ledger.perform, [True, True]

    def cramped(self: ledger.Ledger, write: Write) -> None:
        if short and short.pop():
            raise MemoryError
        perform(self, write)

    monkeypatch.setattr(ledger.Ledger, "perform", cramped)
    assert await asyncio.wait_for(disk.write(Insert(row(1))), 10)
    assert disk.states.items == [(False, "MemoryError"), (True, "")]
    assert await disk.waiting() == [1]


# Files of no use.


@pytest.mark.parametrize("content", [b"nonsense" * 1000, b"SQLite format 3\x00" + b"\xff" * 5000])
async def test_a_damaged_file_is_set_aside_with_its_journal(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "station.db"
    for number in (1, 2):
        path.write_bytes(content)
        disk = Disk(path)
        assert (disk.contents.next_id, disk.contents.records) == (1, {})
        await disk.write(Insert(row(1)))
        disk.database.close()
        kept = path.with_name(f"station.db.damaged-{number}")
        assert kept.read_bytes() == content
        assert caplog.text.count("is damaged") == number


async def test_a_file_of_a_newer_release_is_set_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "station.db"
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA user_version = 999")
    reopened(path)
    assert "newer release" in caplog.text
    assert path.with_name("station.db.damaged-1").exists()


@pytest.mark.parametrize("name", ["nowhere/station.db", "directory"])
async def test_a_place_that_cannot_be_is_an_OSError(tmp_path: Path, name: str) -> None:
    (tmp_path / "directory").mkdir()
    with pytest.raises(OSError, match="unable to open database file"):
        Disk(tmp_path / name)
