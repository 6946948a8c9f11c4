"""What to say next.  Durable before it is said, forgotten only when answered.  Reads and writes nothing itself.

The row on disk *is* the message.  In memory there are only the oldest rows (the window) and those that the disk has
not confirmed (the tail); what lies between them is on disk alone and is read when its turn comes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Literal

import msgspec

from agent.link.disk import ReadRows, Row, Thin, Thinned, Waiting
from agent.link.times import shifted
from agent.ocpp.messages import dump, load
from agent.ocpp.messages.base import Request
from agent.vocabulary.values import ClockShift

WINDOW = 64

MOST_EVENTS = 100_000
MOST_BYTES = 100_000_000

CUT_OFFS_IN_DOUBT, MOST_CUT_OFFS = 3, 8
"""How often a connection may end with the same message in flight before that is looked at, and before it is parked."""

Verdict = Literal["again", "park"]


class Entry:
    """A durable message in memory."""

    __slots__ = (
        "attempts",
        "boot",
        "cut_offs",
        "durable",
        "first_attempt_mono",
        "id",
        "provisional",
        "request",
        "size",
        "transaction_id",
    )

    def __init__(self, row: Row, request: Request, *, durable: bool) -> None:
        self.id = row.id
        self.request = request
        self.transaction_id = row.transaction_id
        self.size = len(row.message)
        self.boot = row.boot
        self.provisional = row.provisional
        self.attempts = row.attempts
        self.durable = durable
        self.first_attempt_mono = 0.0
        self.cut_offs = 0


class Outbox:
    """The queue of durable messages, oldest first, one in flight.

    ``clock_shifts`` has, for each start of the station whose time of day was learned late, how what was stamped before
    is corrected.
    """

    def __init__(
        self,
        *,
        next_id: int = 1,
        waiting: Waiting | None = None,
        boot: int = 0,
        clock_shifts: Mapping[int, ClockShift] | None = None,
        most_events: int = MOST_EVENTS,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        waiting = waiting or Waiting()
        self._next_id = next_id
        self._window: deque[Entry] = deque()
        self._tail: deque[Entry] = deque()
        self._beyond = waiting.events
        self._bytes = waiting.bytes
        self._by_transaction = dict(waiting.by_transaction)
        self.boot = boot
        self._last_gone = 0
        self._reading = self._thinning = False
        self._thin_again_at = 0
        self._most_events, self._most_bytes = most_events, most_bytes
        self._not_before = float("-inf")
        self._offline_up_to = next_id - 1
        self.clock_shifts = dict(clock_shifts or {})
        self._shift_at_risk = False
        self.disk_works = True
        self.attempts = 3
        self.attempt_interval_s = 60.0
        self.thinned_events = 0

    def __len__(self) -> int:
        """How many wait, wherever they are."""
        return len(self._window) + self._beyond + len(self._tail)

    @property
    def waiting_bytes(self) -> int:
        """How much room they take."""
        return self._bytes

    def waiting(self, transaction_id: str | None = None) -> bool:
        """Whether something waits: of one transaction, or of any (E14)."""
        if transaction_id is None:
            return any(count for name, count in self._by_transaction.items() if name)
        return self._by_transaction.get(transaction_id, 0) > 0

    def learned_time(self, shift: ClockShift) -> int:
        """The time of day became known: what was stamped in this start is off; returns its number.

        Nothing of it goes out before ``shift_stored``: after a power cut it would be said again with another time.
        """
        self.clock_shifts[self.boot] = shift
        self._shift_at_risk = True
        return self.boot

    def shift_stored(self) -> None:
        """What was learned of the time is on disk."""
        self._shift_at_risk = False

    # ---- in ----

    def append(
        self,
        request: Request,
        transaction_id: str = "",
        seq_no: int = 0,
        *,
        worth: int = 0,
        provisional: bool = False,
    ) -> Row:
        """Take a message; the row is to be written, and ``stored`` called when it is."""
        row = Row(self._next_id, request.action, dump(request), transaction_id, seq_no, worth, self.boot, provisional)
        self._next_id += 1
        self._count(transaction_id, 1, len(row.message))
        self._enter(Entry(row, request, durable=False))
        return row

    def _enter(self, entry: Entry) -> None:
        if self._beyond == 0 and not self._tail and len(self._window) < WINDOW:
            self._window.append(entry)
        else:
            self._tail.append(entry)

    def _count(self, transaction_id: str, events: int, size: int) -> None:
        self._bytes += size
        count = self._by_transaction.get(transaction_id, 0) + events
        if count > 0:
            self._by_transaction[transaction_id] = count
        else:
            self._by_transaction.pop(transaction_id, None)

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

    # ---- from disk ----

    def take_read(self) -> ReadRows | None:
        """What is to be read from the disk now; ``rows_read`` brings it."""
        if self._reading or self._thinning or self._beyond == 0 or len(self._window) > WINDOW // 2:
            return None
        self._reading = True
        return ReadRows(self._last_in_memory(), WINDOW // 2)

    def rows_read(self, rows: list[Row]) -> list[Row]:
        """The rows that ``take_read`` asked for; returns those that nobody here can read, to be parked.

        No row at all: the disk has lost what it was said to have.
        """
        self._reading = False
        self._beyond = max(0, self._beyond - len(rows)) if rows else 0
        return [row for row in rows if not self._take_in(row)]

    def _take_in(self, row: Row) -> bool:
        try:
            request = load(row.action, row.message)
        except ValueError:  # of another release, or damaged
            self._last_gone = max(self._last_gone, row.id)
            self._count(row.transaction_id, -1, -len(row.message))
            return False
        self._window.append(Entry(row, request, durable=True))
        return True

    def _last_in_memory(self) -> int:
        return self._window[-1].id if self._window else self._last_gone

    def resent(self, rows: list[Row]) -> None:
        """Parked rows that are to be said after all: before everything younger."""
        known = {entry.id for entry in self._window}
        for row in rows:
            self._count(row.transaction_id, 1, len(row.message))
            if row.id > self._last_in_memory() and self._beyond:
                self._beyond += 1
            elif row.id not in known:
                self._window.append(Entry(row, load(row.action, row.message), durable=True))
        self._window = deque(sorted(self._window, key=lambda entry: entry.id))

    # ---- the budget ----

    def take_thin(self) -> Thin | None:
        """Room is wanted: readings behind the window are to be thinned; ``thinned`` says what came of it."""
        over = len(self) > self._most_events or self._bytes > self._most_bytes
        if not over or self._thinning or self._reading or self._beyond == 0 or len(self) < self._thin_again_at:
            return None
        self._thinning = True
        return Thin(self._last_in_memory())

    def thinned(self, done: Thinned | None) -> int:
        """What the disk gave up; returns how many events.  Nothing left to give up: it is asked again later."""
        self._thinning = False
        if done is None or not done.by_transaction:
            self._thin_again_at = len(self) + 1000
            return 0
        self._bytes -= done.bytes
        for transaction_id, events in done.by_transaction.items():
            self._count(transaction_id, -events, 0)
        self._beyond = max(0, self._beyond - done.events())
        self.thinned_events += done.events()
        return done.events()

    # ---- out ----

    def head(self, mono: float) -> Entry | None:
        """The message whose turn it is, if it may go now."""
        if not self._window and self._beyond == 0:
            while self._tail and len(self._window) < WINDOW:
                self._window.append(self._tail.popleft())
        if not self._window or mono < self._not_before:
            return None
        entry = self._window[0]
        return entry if self._is_safe(entry) or not self.disk_works else None

    def _is_safe(self, entry: Entry) -> bool:
        corrected = entry.provisional and entry.boot == self.boot
        return entry.durable and not (corrected and self._shift_at_risk)

    def next_deadline(self, mono: float) -> float | None:
        """When a message that waits for its next attempt may go."""
        return self._not_before if self._window and self._not_before > mono else None

    def request_to_send(self, entry: Entry, mono: float) -> Request:
        """The message as it goes out now: what had to wait for a connection says so (E04.FR.03, E11.FR.07)."""
        entry.attempts += 1
        if not entry.first_attempt_mono:
            entry.first_attempt_mono = mono
        request = entry.request
        shift = self.clock_shifts.get(entry.boot) if entry.provisional else None
        if shift is not None:
            request = shifted(request, shift)
        if entry.id <= self._offline_up_to and "offline" in request.__struct_fields__:
            request = msgspec.structs.replace(request, offline=True)
        return request

    def link_changed(self) -> None:
        """The link opened or was lost: whatever waits now was not delivered while it was made."""
        self._offline_up_to = self._next_id - 1

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

    def cut_off(self, entry: Entry, *, heard_mono: float) -> Verdict:
        """The connection ended before the answer: no attempt, for that may happen to any message.

        To the same one over and over it does not just happen: one at which the CSMS, or something on the way, breaks is
        parked, if on as many connections the CSMS had answered something else before it.
        """
        entry.attempts -= 1
        if entry.cut_offs < CUT_OFFS_IN_DOUBT or heard_mono >= entry.first_attempt_mono:
            entry.cut_offs += 1
        if entry.cut_offs < MOST_CUT_OFFS:
            return "again"
        self._remove(entry)
        return "park"

    def wants_proof(self, entry: Entry, heard_mono: float) -> bool:
        """Whether the CSMS is to answer something else before this goes again: only then it may be parked for silence.

        On a quiet station nothing else is said, and an event that the CSMS never answers would go for ever.
        """
        in_doubt = entry.attempts > 0 or entry.cut_offs >= CUT_OFFS_IN_DOUBT
        return in_doubt and heard_mono < entry.first_attempt_mono

    def csms_fell_silent(self) -> None:
        """It answers nothing at all: that a message had no answer says nothing of the message."""
        if self._window:
            self._window[0].attempts = 0

    def unsayable(self, entry: Entry) -> None:
        """It cannot be written in the version that is spoken, or the CSMS does not know it; the next one goes on."""
        self._remove(entry)

    def _remove(self, entry: Entry) -> None:
        self._last_gone = max(self._last_gone, entry.id)
        self._window.remove(entry)
        self._count(entry.transaction_id, -1, -entry.size)
        self._not_before = float("-inf")
