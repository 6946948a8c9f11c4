"""Reports that go to the CSMS page by page: the next one when the last was answered.  Knows nothing of what is in them.

A block that reports is a ``Reporting`` with a ``message``; it begins with ``begin`` behind its answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

import msgspec

from agent.blocks.base import Block, Desk, spot_of
from agent.model.report import Wanted, wanted
from agent.ocpp.messages.base import Request, Response
from agent.ocpp.messages.common import ComponentVariable, StatusInfo, Variable
from agent.vocabulary.commands import Answer
from agent.vocabulary.facts import CameOnline, Registered
from agent.vocabulary.incoming import CallFailed
from agent.vocabulary.values import Now

T = TypeVar("T")

PAGE_BYTES = 32 << 10
"""Of the items in one message: well under what WebSocket stacks take in one frame."""

MOST_ATTEMPTS = 3
"""How often a page is said that breaks the connection, before the report is given up."""

NOT_KNOWN = ("NotImplemented", "NotSupported")


class Report(Generic[T]):
    """A report on its way: the present page, and the one that follows it."""

    def __init__(self, request_id: int, pages: Iterator[tuple[T, ...]]) -> None:
        self.request_id = request_id
        self.seq_no = 0
        self.attempts = 0
        self.waits = False
        self._pages = pages
        self.page: tuple[T, ...] = next(pages)
        self._following = next(pages, None)

    @property
    def more(self) -> bool:
        """Whether another page follows."""
        return self._following is not None

    def turn(self) -> None:
        """The next page."""
        assert self._following is not None
        self.page, self._following = self._following, next(self._pages, None)
        self.seq_no += 1
        self.attempts = 0


class Reporting(Block, Generic[T]):
    """One report at a time; when the connection is lost it goes on, with the page that was not answered, after it."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._report: Report[T] | None = None
        self._said: Request | None = None

    def message(self, report: Report[T], now: Now) -> Request:
        """The present page as the CSMS reads it."""
        raise NotImplementedError

    def busy(self) -> StatusInfo | None:
        """Why no other report can begin now."""
        if self._report is None:
            return None
        running = f"report {self._report.request_id} is being sent"
        return StatusInfo(reason_code="Unspecified", additional_info=running)

    def begin(self, request_id: int, pages: Iterator[tuple[T, ...]], answer: Response, now: Now) -> None:
        """The first page goes behind the answer that promises it."""
        self._report = Report(request_id, pages)
        self.desk.tell(Answer(self.desk.message_id, answer))
        self._say(now)

    def _say(self, now: Now) -> None:
        report = self._report
        if report is not None:
            report.waits = False
            report.attempts += 1
            self._said = self.message(report, now)
            self.desk.send(self._said, asked_for=True)  # also while Pending (B02.FR.01)

    def answered(self, request: Any, outcome: Response | CallFailed, now: Now) -> None:
        """On to the next page; one that the CSMS could not take is not said again."""
        report = self._report
        if report is None or request != self._said:
            return
        code = outcome.code if isinstance(outcome, CallFailed) else ""
        self._report = None  # until the next page is made: one that cannot be made must not hold up another report
        if code in ("Offline", "Timeout"):
            report.waits = report.attempts < MOST_ATTEMPTS
            self._report = report if report.waits else None
        elif report.more and code not in NOT_KNOWN:
            report.turn()
            self._report = report
            self._say(now)

    def connected(self, fact: CameOnline, now: Now) -> None:
        if self._report is not None and self._report.waits:
            self._say(now)

    def registered(self, fact: Registered, now: Now) -> None:
        """Pending is enough to go on; a station that is rejected says nothing (B03.FR.03)."""
        if fact.status == "Rejected":
            self._report = None
        elif self._report is not None and self._report.waits:
            self._say(now)

    facts = {CameOnline: connected, Registered: registered}


def asked_for(places: Iterable[ComponentVariable] | None) -> Wanted:
    """The component-variables that a report is asked for."""
    nameless = Variable(name="")
    return wanted(
        (spot_of(each.component, each.variable or nameless), each.variable is not None) for each in places or ()
    )


def pages(items: Iterable[T], most: int, size_of: Callable[[T], int] | None = None) -> Iterator[tuple[T, ...]]:
    """As many in a page as fit by number and by bytes; at least one page."""
    measure = size_of or size_in_json
    page: list[T] = []
    size = 0
    for item in items:
        length = measure(item) + 1
        if page and (len(page) == most or size + length > PAGE_BYTES):
            yield tuple(page)
            page, size = [], 0
        page.append(item)
        size += length
    yield tuple(page)


def size_in_json(item: object) -> int:
    """How many bytes it takes in a message."""
    return len(msgspec.json.encode(item))
