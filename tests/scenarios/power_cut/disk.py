"""What a disk has after a power cut: all that was synced, and of the rest what it likes.  Knows no SQL.

``vfs.py`` writes down what was overwritten since the last sync of each file; here the files are made as they may be.
"""

import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

MAIN, WAL, ROLLBACK = "main", "wal", "rollback"
NAMES = {MAIN: "database", WAL: "WAL", ROLLBACK: "rollback journal"}
SUFFIXES = {MAIN: "", WAL: "-wal", ROLLBACK: "-journal"}
SECTOR = 512
WHOLE_BYTES = {MAIN: SECTOR, WAL: 0, ROLLBACK: 0}
"""SQLite looks at the head of a database before it looks for the WAL that may mend it: disks write a sector whole."""

HEAD = struct.Struct("<QQQQ")


@dataclass(frozen=True)
class Overwritten:
    """One write, or truncation, that no sync has covered: ``old`` is what it overwrote or cut off."""

    offset: int
    written: int
    size_before: int
    old: bytes


def encode(offset: int, written: int, size_before: int, old: bytes) -> bytes:
    """An entry of the journal."""
    return HEAD.pack(offset, written, size_before, len(old)) + old


def decode(data: bytes) -> Iterator[Overwritten]:
    """The entries, oldest first; one that is not whole belongs to a write that has not begun."""
    at = 0
    while at + HEAD.size <= len(data):
        offset, written, size_before, length = HEAD.unpack_from(data, at)
        at += HEAD.size + length
        if at <= len(data):
            yield Overwritten(offset, written, size_before, data[at - length : at])


def undone(content: bytes, unsynced: list[Overwritten]) -> bytes:
    """The file as it was when it was synced last."""
    before = bytearray(content)
    for write in reversed(unsynced):
        if len(before) < write.offset:  # killed before it was written
            continue
        before[write.offset : write.offset + len(write.old)] = write.old
        del before[write.size_before :]
    return bytes(before)


def sectors(unsynced: Iterable[Overwritten]) -> list[int]:
    """The numbers of all sectors that were written to."""
    numbers: set[int] = set()
    for write in unsynced:
        numbers.update(range(write.offset // SECTOR, (write.offset + write.written - 1) // SECTOR + 1))
    return sorted(numbers)


class Loss:
    """The ways in which a disk loses what was not synced; each takes the file before, the file now, and the writes.

    ``whole_bytes`` at the beginning of the file are old or new, but never noise.
    """

    def __init__(self, dice: Random, whole_bytes: int = 0) -> None:
        self._dice = dice
        self._whole_bytes = whole_bytes

    def nothing(self, before: bytes, now: bytes, unsynced: list[Overwritten]) -> bytes:
        return now

    def everything(self, before: bytes, now: bytes, unsynced: list[Overwritten]) -> bytes:
        return before

    def tail(self, before: bytes, now: bytes, unsynced: list[Overwritten]) -> bytes:
        """Everything behind a random byte."""
        first = min(write.offset for write in unsynced)
        last = max(write.offset + max(write.written, len(write.old)) for write in unsynced)
        kept = now[: self._dice.randint(first, last)]
        return kept + before[len(kept) :]

    def sectors(self, before: bytes, now: bytes, unsynced: list[Overwritten]) -> bytes:
        """Any of them: a disk writes in the order that it likes."""
        mixed = bytearray(before)
        for number in sectors(unsynced):
            start = number * SECTOR
            if self._dice.random() < 0.5:
                new = now[start : start + SECTOR]
                mixed.extend(bytes(max(0, min(start, len(now)) - len(mixed))))
                mixed[start : start + len(new)] = new
        return bytes(mixed)

    def noise(self, before: bytes, now: bytes, unsynced: list[Overwritten]) -> bytes:
        """As ``tail`` or ``sectors``, with bits flipped in what was being written; its neighbours keep theirs."""
        left = bytearray(self._dice.choice((self.tail, self.sectors))(before, now, unsynced))
        for _ in range(self._dice.randint(1, 20)):
            write = self._dice.choice(unsynced)
            at = write.offset + self._dice.randrange(max(1, write.written))
            if self._whole_bytes <= at < min(len(left), write.offset + write.written):
                left[at] ^= 1 << self._dice.randrange(8)
        return bytes(left)

    @property
    def ways(self) -> tuple[Callable[[bytes, bytes, list[Overwritten]], bytes], ...]:
        return self.nothing, self.everything, self.tail, self.sectors, self.noise


def lose_unsynced(database: Path, traces: Path, dice: Random) -> dict[str, str]:
    """Leave of the database what a power cut may leave; returns what was lost of which file."""
    lost = {}
    for kind, suffix in SUFFIXES.items():
        path, journal = database.with_name(database.name + suffix), traces / f"{kind}.unsynced"
        unsynced = list(decode(journal.read_bytes())) if journal.exists() else []
        if unsynced and path.exists():
            way = dice.choice(Loss(dice, WHOLE_BYTES[kind]).ways)
            now = path.read_bytes()
            path.write_bytes(way(undone(now, unsynced), now, unsynced))
            lost[kind] = way.__name__
        journal.unlink(missing_ok=True)
    _forget_index(database.with_name(database.name + "-shm"), dice)
    return lost


def _forget_index(path: Path, dice: Random) -> None:
    if path.exists() and dice.random() < 0.5:
        path.unlink()
    elif path.exists():
        path.write_bytes(dice.randbytes(path.stat().st_size))
