"""What is asked of the disk: rows of the ledger, and records.  Writes nothing itself."""

from __future__ import annotations

import msgspec


class Row(msgspec.Struct, frozen=True):
    """A durable message as the disk has it.

    ``worth`` 0: never given up; 1: a periodic reading, the first to go when the budget is full; 2: another event in
    the course of a transaction.  ``boot`` is the start of the station in which it was made, ``provisional`` that the
    time of day was not known then.
    """

    id: int
    action: str
    message: bytes
    transaction_id: str = ""
    seq_no: int = 0
    worth: int = 0
    boot: int = 0
    provisional: bool = False
    attempts: int = 0


class Insert(msgspec.Struct, frozen=True):
    """Add a row."""

    row: Row


class Answered(msgspec.Struct, frozen=True):
    """The CSMS has it."""

    id: int


class Refused(msgspec.Struct, frozen=True):
    """The CSMS did not take it; it is said again."""

    id: int
    attempts: int
    reason: str


class Park(msgspec.Struct, frozen=True):
    """Kept, listed, but not sent any more until somebody says so."""

    id: int
    attempts: int
    reason: str


class Put(msgspec.Struct, frozen=True):
    """Remember, or with None forget."""

    key: str
    value: bytes | None


class LogSecurity(msgspec.Struct, frozen=True):
    """Into the security log; ``at_ms`` since 1970, ``boot`` and ``provisional`` as in ``Row``."""

    type: str
    at_ms: int
    tech_info: str
    boot: int
    provisional: bool


class MoveSecurityTimes(msgspec.Struct, frozen=True):
    """What this start logged from ``since_ms`` on, before it knew the time, was off by so much."""

    boot: int
    by_ms: int
    since_ms: int


class ChangeList(msgspec.Struct, frozen=True):
    """The local authorization list: empty it first where it is to be replaced, then drop, then put."""

    replace: bool
    put: tuple[tuple[bytes, bytes], ...]
    drop: tuple[bytes, ...]


Write = Insert | Answered | Refused | Park | Put | ChangeList | LogSecurity | MoveSecurityTimes


class ReadRows(msgspec.Struct, frozen=True):
    """Wanted: the oldest rows behind this id that are to be sent.  The answer is a list of rows."""

    after: int
    limit: int


class Thin(msgspec.Struct, frozen=True):
    """Wanted: room.  Give up every second reading behind this id; the answer is a ``Thinned``."""

    behind: int


class Thinned(msgspec.Struct, frozen=True):
    """What was given up."""

    bytes: int
    by_transaction: dict[str, int]

    def events(self) -> int:
        """How many in all."""
        return sum(self.by_transaction.values())


class Resend(msgspec.Struct, frozen=True):
    """Wanted: these parked rows back in the queue (none named: all).  The answer is a list of them."""

    ids: tuple[int, ...] = ()


class Waiting(msgspec.Struct, frozen=True):
    """What waits to be sent, and how much room it takes."""

    events: int = 0
    bytes: int = 0
    by_transaction: dict[str, int] = {}


Question = ReadRows | Thin | Resend
