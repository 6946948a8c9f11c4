"""Block B: reports of the device model, page by page (B07, B08).  Does not know what its variables are for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TypeVar

import msgspec

from agent.blocks.base import Block, Desk, bound, place_of, spot_of
from agent.model.catalogue import (
    BYTES_PER_GET_REPORT,
    CONFIGURATION_VALUE_SIZE,
    ITEMS_PER_GET_REPORT,
    REPORTING_VALUE_SIZE,
)
from agent.model.device import Slot
from agent.model.report import Wanted, based_on, selected, wanted
from agent.ocpp.messages import b_provisioning as m
from agent.ocpp.messages.common import GenericDeviceModelStatus, StatusInfo, Variable
from agent.vocabulary import Answer, CallFailed, CameOnline, Now, Registered

PAGE_ITEMS = 100
PAGE_BYTES = 32 << 10
"""Of the report data in one NotifyReport: well under what WebSocket stacks take in one frame."""

MOST_ATTEMPTS = 3
"""How often a page is said that breaks the connection, before the report is given up."""

Page = tuple[tuple[m.ReportData, ...], bool]
"""What it tells, and whether another one follows."""

R = TypeVar("R", m.GetBaseReportResponse, m.GetReportResponse)

NOT_KNOWN = ("NotImplemented", "NotSupported")


class Report:
    """A report on its way.  It holds one page; the next one is made when this one was answered."""

    def __init__(self, request_id: int, pages: Iterator[Page]) -> None:
        self.request_id = request_id
        self.seq_no = 0
        self.attempts = 0
        self.waits = False
        self._pages = pages
        self._page = next(pages)

    @property
    def last(self) -> bool:
        """No page follows this one."""
        return not self._page[1]

    def turn(self) -> None:
        """The next page."""
        self._page = next(self._pages)
        self.seq_no += 1
        self.attempts = 0

    def message(self, now: Now) -> m.NotifyReportRequest:
        """The present page."""
        data, more = self._page
        return m.NotifyReportRequest(
            request_id=self.request_id,
            generated_at=now.wall,
            seq_no=self.seq_no,
            report_data=data or None,
            tbc=more,
        )


class Reports(Block):
    """One report at a time; when the connection is lost it goes on, with the page that was not answered, after it."""

    letter = "B"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._report: Report | None = None

    def base(self, request: m.GetBaseReportRequest, now: Now) -> m.GetBaseReportResponse | None:
        status, info = self._begin(request.request_id, based_on(self.desk.model, request.report_base))
        return self._answered_first(m.GetBaseReportResponse(status=status, status_info=info), now)

    def custom(self, request: m.GetReportRequest, now: Now) -> m.GetReportResponse | None:
        items = len(request.component_variable or ())
        bound(request, items, self.desk.model[ITEMS_PER_GET_REPORT], self.desk.model[BYTES_PER_GET_REPORT])
        slots = selected(self.desk.model, request.component_criteria or (), asked_for(request))
        status, info = self._begin(request.request_id, slots)
        return self._answered_first(m.GetReportResponse(status=status, status_info=info), now)

    calls = {m.GetBaseReportRequest: base, m.GetReportRequest: custom}

    def _begin(self, request_id: int, slots: Iterator[Slot]) -> tuple[GenericDeviceModelStatus, StatusInfo | None]:
        if self._report is not None:  # B07.FR.13, B08.FR.16
            running = f"report {self._report.request_id} is being sent"
            return "Rejected", StatusInfo(reason_code="Unspecified", additional_info=running)
        first = next(slots, None)
        if first is None:  # B08.FR.15
            return "EmptyResultSet", None
        self._report = Report(request_id, pages(self._told(chain([first], slots))))
        return "Accepted", None

    def _told(self, slots: Iterable[Slot]) -> Iterator[m.ReportData]:
        value_size, list_size = self.desk.model[REPORTING_VALUE_SIZE], self.desk.model[CONFIGURATION_VALUE_SIZE]
        return (data_of(slot, value_size, list_size) for slot in slots)

    def _answered_first(self, response: R, now: Now) -> R | None:
        """The first page goes behind the answer that promises it."""
        if response.status != "Accepted":
            return response
        self.desk.tell(Answer(self.desk.message_id, response))
        self._say(now)
        return None

    def _say(self, now: Now) -> None:
        report = self._report
        if report is not None:
            report.waits = False
            report.attempts += 1
            self.desk.send(report.message(now), asked_for=True)  # also while Pending (B02.FR.01)

    def answered(self, request: m.NotifyReportRequest, outcome: m.NotifyReportResponse | CallFailed, now: Now) -> None:
        """On to the next page; one that the CSMS could not take is not said again."""
        report = self._report
        if report is None or (request.request_id, request.seq_no) != (report.request_id, report.seq_no):
            return
        code = outcome.code if isinstance(outcome, CallFailed) else ""
        self._report = None  # until the next page is made: one that cannot be made must not hold up another report
        if code in ("Offline", "Timeout"):
            report.waits = report.attempts < MOST_ATTEMPTS
            self._report = report if report.waits else None
        elif not report.last and code not in NOT_KNOWN:
            report.turn()
            self._report = report
            self._say(now)

    answers = {m.NotifyReportRequest: answered}

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


def asked_for(request: m.GetReportRequest) -> Wanted:
    """The component-variables of a custom report."""
    nameless = Variable(name="")
    return wanted(
        (spot_of(each.component, each.variable or nameless), each.variable is not None)
        for each in request.component_variable or ()
    )


def pages(told: Iterator[m.ReportData]) -> Iterator[Page]:
    """As many in a page as fit by number and by bytes; at least one page."""
    page: list[m.ReportData] = []
    size = 0
    for data in told:
        length = len(msgspec.json.encode(data)) + 1
        if page and (len(page) == PAGE_ITEMS or size + length > PAGE_BYTES):
            yield tuple(page), True
            page, size = [], 0
        page.append(data)
        size += length
    yield tuple(page), False


def data_of(slot: Slot, value_size: int, list_size: int) -> m.ReportData:
    """All that is told of a variable; of one that may only be written everything but its value (B07.FR.03)."""
    variable = slot.variable
    text = slot.text()
    number = variable.data_type in ("integer", "decimal")
    attribute = m.VariableAttribute(
        type="Actual",  # the only one there is (B07.FR.11)
        value=None if text is None else text[:value_size],
        mutability=slot.mutability,
        persistent=not slot.fixed,
    )
    characteristics = m.VariableCharacteristics(
        data_type=variable.data_type,
        supports_monitoring=True,  # of what may only be written, that it changed
        unit=variable.unit or None,
        min_limit=variable.low if number else None,
        max_limit=variable.high,
        values_list=",".join(variable.choices)[:list_size] or None,
    )
    component, name = place_of(slot.spot)
    return m.ReportData(
        component=component,
        variable=name,
        variable_attribute=(attribute,),
        variable_characteristics=characteristics,
    )
