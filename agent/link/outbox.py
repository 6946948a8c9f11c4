"""What to say next.  Durable before it is said, forgotten only when answered.  Reads and writes nothing itself.

The row on disk *is* the message.  In memory there are only the oldest rows (the window) and those that the disk has
not confirmed (the tail); what lies between them is on disk alone and is read when its turn comes.
"""

from __future__ import annotations

from collections import deque
from typing import Literal

import msgspec

from agent.link.disk import ReadRows, Row
from agent.ocpp.messages import dump, load
from agent.ocpp.messages.base import Request

WINDOW = 64


class Entry:
    """A durable message in memory."""

    __slots__ = ("attempts", "durable", "first_attempt_mono", "id", "request", "transaction_id")

    def __init__(self, id: int, request: Request, transaction_id: str, *, durable: bool) -> None:
        self.id = id
        self.request = request
        self.transaction_id = transaction_id
        self.durable = durable
        self.attempts = 0
        self.first_attempt_mono = 0.0


Verdict = Literal["again", "park"]


class Outbox:
    """The queue of durable messages, oldest first, one in flight."""

    def __init__(self, *, next_id: int = 1, on_disk: int = 0) -> None:
        self._next_id = next_id
        self._window: deque[Entry] = deque()
        self._tail: deque[Entry] = deque()
        self._beyond = on_disk
        self._last_read = 0
        self._reading = False
        self._not_before = float("-inf")
        self._offline_up_to = next_id - 1
        self.disk_works = True
        self.attempts = 3
        self.attempt_interval_s = 60.0

    def __len__(self) -> int:
        """How many wait, wherever they are."""
        return len(self._window) + self._beyond + len(self._tail)

    def append(self, request: Request, transaction_id: str = "", seq_no: int = 0) -> Row:
        """Take a message; the row is to be written, and ``stored`` called when it is."""
        entry = Entry(self._next_id, request, transaction_id, durable=False)
        self._next_id += 1
        if self._beyond == 0 and not self._tail and len(self._window) < WINDOW:
            self._window.append(entry)
        else:
            self._tail.append(entry)
        return Row(entry.id, request.action, dump(request), transaction_id, seq_no)

    def stored(self, up_to: int) -> None:
        """Every row up to this id is on disk."""
        for entry in self._window:
            if entry.id <= up_to:
                entry.durable = True
        while self._tail and self._tail[0].id <= up_to:
            entry = self._tail.popleft()
            entry.durable = True
            if self._beyond == 0 and len(self._window) < WINDOW:
                self._window.append(entry)
            else:
                self._beyond += 1

    def take_read(self) -> ReadRows | None:
        """What is to be read from the disk now; ``rows_read`` brings it."""
        if self._reading or self._beyond == 0 or len(self._window) > WINDOW // 2:
            return None
        self._reading = True
        return ReadRows(self._window[-1].id if self._window else self._last_read, WINDOW // 2)

    def rows_read(self, rows: list[Row]) -> None:
        """The rows that ``take_read`` asked for."""
        self._reading = False
        self._beyond = max(0, self._beyond - len(rows)) if rows else 0
        for row in rows:
            self._window.append(Entry(row.id, load(row.action, row.message), row.transaction_id, durable=True))

    def head(self, mono: float) -> Entry | None:
        """The message whose turn it is, if it may go now."""
        if not self._window and self._beyond == 0:
            while self._tail and len(self._window) < WINDOW:
                self._window.append(self._tail.popleft())
        if not self._window or mono < self._not_before:
            return None
        entry = self._window[0]
        return entry if entry.durable or not self.disk_works else None

    def next_deadline(self, mono: float) -> float | None:
        """When a message that waits for its next attempt may go."""
        return self._not_before if self._window and self._not_before > mono else None

    def request_to_send(self, entry: Entry, mono: float) -> Request:
        """The message as it goes out now: what had to wait for a connection says so (E04.FR.03, E11.FR.07)."""
        entry.attempts += 1
        if entry.attempts == 1:
            entry.first_attempt_mono = mono
        request = entry.request
        if entry.id <= self._offline_up_to and "offline" in request.__struct_fields__:
            return msgspec.structs.replace(request, offline=True)
        return request

    def link_changed(self) -> None:
        """The link opened or was lost: whatever waits now was not delivered while it was made."""
        self._offline_up_to = self._next_id - 1
        self._not_before = float("-inf")

    def answered(self, entry: Entry) -> None:
        """The CSMS has it: it can be forgotten."""
        self._remove(entry)

    def refused(self, entry: Entry, mono: float, *, heard_mono: float) -> Verdict:
        """The CSMS did not take it, or said nothing (E13).

        ``heard_mono`` is when the CSMS last answered anything: one that answers nothing at all is out of order, and
        no message is given up for that.
        """
        silent = heard_mono < entry.first_attempt_mono
        if entry.attempts >= self.attempts and not silent:
            self._remove(entry)
            return "park"
        self._not_before = mono + self.attempt_interval_s * entry.attempts  # E13.FR.03
        return "again"

    def unsayable(self, entry: Entry) -> None:
        """It cannot be written in the version that is spoken; it is set aside, the next one goes on."""
        self._remove(entry)

    def _remove(self, entry: Entry) -> None:
        self._last_read = max(self._last_read, entry.id)
        self._window.remove(entry)
        self._not_before = float("-inf")

    def waiting(self, transaction_id: str | None = None) -> bool:
        """Whether something waits, of one transaction or at all, as far as it is in memory."""
        if transaction_id is None:
            return len(self) > 0
        return any(entry.transaction_id == transaction_id for entry in (*self._window, *self._tail))
