"""What is asked of the disk: rows of the queue, and records.  Writes nothing itself."""

from __future__ import annotations

import msgspec


class Row(msgspec.Struct, frozen=True):
    """A durable message as the disk has it."""

    id: int
    action: str
    message: bytes
    transaction_id: str = ""
    seq_no: int = 0


class ReadRows(msgspec.Struct, frozen=True):
    """Wanted from the disk: the oldest rows behind this id."""

    after: int
    limit: int


class Insert(msgspec.Struct, frozen=True):
    """Add a row to the queue."""

    row: Row


class Delete(msgspec.Struct, frozen=True):
    """A row was answered."""

    id: int


class SetAside(msgspec.Struct, frozen=True):
    """A row is kept but not sent any more."""

    id: int
    reason: str


class Put(msgspec.Struct, frozen=True):
    """Remember, or with None forget."""

    key: str
    value: bytes | None


Write = Insert | Delete | SetAside | Put
