"""What a station's process leaves behind: what was handed to the disk and what was committed, each with its moment.

One JSON array a line, written with one system call each: it outlives SIGKILL.  Monotonic times are of the machine, so
they can be held against those of the CSMS.
"""

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FILE = "blackbox"

Payload = dict[str, Any]


@dataclass(frozen=True)
class Event:
    """A durable message of a transaction, as the disk has it."""

    row_id: int
    transaction_id: str
    seq_no: int
    message: Payload

    @property
    def key(self) -> tuple[str, int]:
        return self.transaction_id, self.seq_no


class Recorder:
    """Writes in the station's process; any thread may."""

    def __init__(self, traces: Path) -> None:
        self._handle = os.open(traces / FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def handed_in(self, rows: list[tuple[int, str, int]]) -> None:
        """These rows are about to wait for their commit."""
        if rows:
            self._say("handed in", rows)

    def committed(self, rows: list[tuple[int, str, int, str]], transactions: list[str], parked: list[int]) -> None:
        """COMMIT has returned, and nobody has been told yet."""
        if rows or transactions or parked:
            self._say("committed", rows, transactions, parked)

    def thinned(self, rows: list[tuple[str, int]]) -> None:
        """These are given up for room."""
        self._say("thinned", rows)

    def cut(self, moment: str) -> None:
        """The last thing that is said."""
        self._say("cut", moment)

    def _say(self, *what: object) -> None:
        os.write(self._handle, json.dumps([time.monotonic(), *what]).encode() + b"\n")


@dataclass
class BlackBox:
    """What the recorders of all lives of one station have written."""

    handed_in: set[tuple[str, int]] = field(default_factory=set)
    committed: dict[tuple[str, int], Event] = field(default_factory=dict)
    committed_at_s: dict[tuple[str, int], float] = field(default_factory=dict)
    last_wh: dict[str, float] = field(default_factory=dict)
    parked: set[tuple[str, int]] = field(default_factory=set)
    thinned: set[tuple[str, int]] = field(default_factory=set)
    contradictions: list[str] = field(default_factory=list)
    cut_at: str | None = None

    def take(self, traces: Path) -> None:
        """Read what one life left, and remove it."""
        self.cut_at = None
        path = traces / FILE
        for line in lines_of(path):
            match json.loads(line):
                case [_, "handed in", rows]:
                    self.handed_in.update((transaction_id, seq_no) for _, transaction_id, seq_no in rows)
                case [float(at_s), "committed", rows, transactions, parked]:
                    for row_id, transaction_id, seq_no, message in rows:
                        self.learn(Event(row_id, transaction_id, seq_no, json.loads(message)), at_s)
                    for text in transactions:
                        self._remember(json.loads(text))
                    self.parked.update(key for key, event in self.committed.items() if event.row_id in parked)
                case [_, "thinned", rows]:
                    self.thinned.update((transaction_id, seq_no) for transaction_id, seq_no in rows)
                case [_, "cut", moment]:
                    self.cut_at = moment
        path.unlink(missing_ok=True)

    def learn(self, event: Event, at_s: float) -> None:
        """This event is on disk since then at the latest."""
        known = self.committed.setdefault(event.key, event)
        if known != event:
            self.contradictions.append(
                f"{event.transaction_id} #{event.seq_no} was committed twice: {known} and {event}"
            )
        self.committed_at_s.setdefault(event.key, at_s)

    def _remember(self, transaction: Payload) -> None:
        last_wh = (transaction.get("last") or {}).get("sample", {}).get("import_wh")
        if last_wh is not None:
            self.last_wh[transaction["id"]] = last_wh


def lines_of(path: Path) -> Iterator[str]:
    """The whole lines of a file that may have none."""
    if path.exists():
        yield from path.read_text(encoding="utf-8").rpartition("\n")[0].splitlines()
