"""What is synced stays, whatever a disk loses; what is not may be lost in every way."""

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.scenarios.power_cut.disk import SECTOR, Loss, Overwritten, decode, encode, lose_unsynced, undone

WAYS = [way.__name__ for way in Loss(Random(1)).ways]
SYNCED = bytes(range(256)) * 16

Way = Callable[[bytes, bytes, list[Overwritten]], bytes]


def write(content: bytes, offset: int, data: bytes) -> tuple[bytes, Overwritten]:
    """The file afterwards, and what is remembered of it."""
    old = content[offset : offset + len(data)]
    padded = content.ljust(offset, b"\0")
    return padded[:offset] + data + padded[offset + len(data) :], Overwritten(offset, len(data), len(content), old)


def cut_off(content: bytes, length: int) -> tuple[bytes, Overwritten]:
    return content[:length], Overwritten(length, 0, len(content), content[length:])


@st.composite
def histories(draw: st.DrawFn) -> tuple[bytes, bytes, list[Overwritten]]:
    """A file as it was synced, as it is, and what was done to it."""
    before = now = draw(st.binary(max_size=3000))
    unsynced = []
    for _ in range(draw(st.integers(1, 6))):
        if draw(st.booleans()):
            now, done = write(now, draw(st.integers(0, len(now) + 700)), draw(st.binary(min_size=1, max_size=1500)))
        else:
            now, done = cut_off(now, draw(st.integers(0, len(now))))
        unsynced.append(done)
    return before, now, unsynced


def test_the_journal_is_read_as_it_was_written_but_for_a_torn_end() -> None:
    entries = [Overwritten(0, 3, 100, b"abc"), Overwritten(4096, 24, 4096, b"")]
    data = b"".join(encode(each.offset, each.written, each.size_before, each.old) for each in entries)
    assert list(decode(data)) == entries
    assert list(decode(data[:-1])) == entries[:1]


@given(histories())
def test_the_synced_file_is_found_again(history: tuple[bytes, bytes, list[Overwritten]]) -> None:
    before, now, unsynced = history
    assert undone(now, unsynced) == before


@given(histories())
def test_a_write_that_was_noted_and_never_begun_is_undone_too(
    history: tuple[bytes, bytes, list[Overwritten]],
) -> None:
    before, now, unsynced = history
    never_begun = Overwritten(len(now), 40, len(now), b"")
    assert undone(now, [*unsynced, never_begun]) == before


@pytest.mark.parametrize("name", WAYS)
@given(history=histories(), seed=st.integers(0, 50))
def test_no_way_to_lose_touches_what_was_synced(
    name: str, history: tuple[bytes, bytes, list[Overwritten]], seed: int
) -> None:
    before, now, unsynced = history
    way: Way = getattr(Loss(Random(seed)), name)
    left = way(before, now, unsynced)
    written: set[int] = set()
    for each in unsynced:
        written.update(range(min(each.offset, each.size_before), each.offset + max(each.written, len(each.old))))
    for at, byte in enumerate(before):
        if at not in written:
            assert left[at] == byte


@pytest.mark.parametrize("name", ["tail", "sectors", "noise"])
def test_what_is_left_lies_between_all_and_nothing(name: str) -> None:
    """Over some seeds: not always the one and not always the other."""
    now, done = write(SYNCED, len(SYNCED), b"x" * 5000)
    left = {getattr(Loss(Random(seed)), name)(SYNCED, now, [done]) for seed in range(20)}
    assert len(left - {now, SYNCED}) > 10
    assert all(each.startswith(SYNCED) for each in left)


def test_noise_spares_the_head_where_a_sector_is_written_whole() -> None:
    now, done = write(SYNCED, 0, bytes(2 * SECTOR))
    for seed in range(50):
        left = Loss(Random(seed), whole_bytes=SECTOR).noise(SYNCED, now, [done])
        assert all(byte in (old, 0) for byte, old in zip(left[:SECTOR], SYNCED, strict=False))


def test_a_file_without_unsynced_writes_is_left_alone_and_the_index_of_the_WAL_is_lost(tmp_path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        (tmp_path / f"x.db{suffix}").write_bytes(SYNCED)
    (tmp_path / "wal.unsynced").touch()
    for seed in range(8):
        assert lose_unsynced(tmp_path / "x.db", tmp_path, Random(seed)) == {}
        assert not (tmp_path / "x.db-shm").exists() or (tmp_path / "x.db-shm").read_bytes() != SYNCED
    assert (tmp_path / "x.db").read_bytes() == (tmp_path / "x.db-wal").read_bytes() == SYNCED
