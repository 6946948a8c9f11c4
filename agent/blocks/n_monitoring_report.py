"""Block N: reports of the monitors, page by page (N02).  Sets none, and does not know what they watch for."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

import msgspec

from agent.blocks.base import Block, Desk, bound, place_of, spot_of
from agent.model.catalogue import BYTES_PER_GET_REPORT, ITEMS_PER_GET_REPORT
from agent.model.monitors import PERIODICS, THRESHOLDS, Monitor, Monitors
from agent.model.report import Wanted, is_wanted, wanted
from agent.ocpp.messages import n_diagnostics as m
from agent.ocpp.messages.common import StatusInfo, Variable
from agent.vocabulary import Answer, CallFailed, CameOnline, Now, Registered

PAGE_VARIABLES = 50
PAGE_BYTES = 32 << 10

MOST_ATTEMPTS = 3
"""How often a page is said that breaks the connection, before the report is given up."""

KINDS: dict[m.MonitoringCriterion, tuple[str, ...]] = {
    "ThresholdMonitoring": THRESHOLDS,
    "DeltaMonitoring": ("Delta",),
    "PeriodicMonitoring": PERIODICS,
}


class Report:
    """A report on its way.  It holds one page; the next one is made when this one was answered."""

    def __init__(self, request_id: int, pages: Iterator[tuple[m.MonitoringData, ...]]) -> None:
        self._request_id = request_id
        self._pages = pages
        self._page: tuple[m.MonitoringData, ...] | None = next(pages)
        self._following = next(pages, None)
        self.seq_no = 0
        self.attempts = 0

    @property
    def last(self) -> bool:
        """No page follows this one."""
        return self._following is None

    def turn(self) -> None:
        """The next page."""
        self._page, self._following = self._following, next(self._pages, None)
        self.seq_no += 1
        self.attempts = 0

    def message(self, now: Now) -> m.NotifyMonitoringReportRequest:
        """The present page."""
        self.attempts += 1
        return m.NotifyMonitoringReportRequest(
            request_id=self._request_id,
            generated_at=now.wall,
            seq_no=self.seq_no,
            monitor=self._page,
            tbc=not self.last,
        )

    def asks_for(self, request: m.NotifyMonitoringReportRequest) -> bool:
        """Whether this was the present page."""
        return (request.request_id, request.seq_no) == (self._request_id, self.seq_no)


class MonitoringReports(Block):
    """One report at a time; when the connection is lost it goes on after it."""

    letter = "N"

    def __init__(self, desk: Desk, monitors: Monitors) -> None:
        super().__init__(desk)
        self._monitors = monitors
        self._report: Report | None = None
        self._waits = False

    def report(self, request: m.GetMonitoringReportRequest, now: Now) -> m.GetMonitoringReportResponse | None:
        model, items = self.desk.model, len(request.component_variable or ())
        bound(request, items, model[ITEMS_PER_GET_REPORT], model[BYTES_PER_GET_REPORT])  # N02.FR.07
        if self._report is not None:
            return m.GetMonitoringReportResponse(
                status="Rejected",
                status_info=StatusInfo(reason_code="Unspecified", additional_info="another report is being sent"),
            )
        found = self._selected(request)
        if not found:
            return m.GetMonitoringReportResponse(status="EmptyResultSet")  # N02.FR.10
        self._report = Report(request.request_id, pages(found))
        self.desk.tell(Answer(self.desk.message_id, m.GetMonitoringReportResponse(status="Accepted")))
        self._say(now)  # behind its answer
        return None

    calls = {m.GetMonitoringReportRequest: report}

    def _selected(self, request: m.GetMonitoringReportRequest) -> list[Monitor]:
        """All of them, but for what the criteria and the component-variables leave out (N02.FR.05 to N02.FR.14)."""
        kinds = {kind for criterion in request.monitoring_criteria or KINDS for kind in KINDS[criterion]}
        asked = asked_for(request)
        places = self._monitors.places
        return [
            monitor
            for monitor in self._monitors
            if monitor.setting.kind in kinds and (not asked or is_wanted(places[monitor.spot].slot, asked))
        ]

    def _say(self, now: Now) -> None:
        if self._report is not None:
            self._waits = False
            self.desk.send(self._report.message(now), asked_for=True)

    def answered(
        self,
        request: m.NotifyMonitoringReportRequest,
        outcome: m.NotifyMonitoringReportResponse | CallFailed,
        now: Now,
    ) -> None:
        """On to the next page; one that the CSMS could not take is not said again."""
        report = self._report
        if report is None or not report.asks_for(request):
            return
        if isinstance(outcome, CallFailed) and outcome.code in ("Offline", "Timeout"):
            self._waits = report.attempts < MOST_ATTEMPTS
            self._report = report if self._waits else None
        elif report.last:
            self._report = None
        else:
            report.turn()
            self._say(now)

    answers = {m.NotifyMonitoringReportRequest: answered}

    def connected(self, fact: CameOnline, now: Now) -> None:
        if self._waits:
            self._say(now)

    def registered(self, fact: Registered, now: Now) -> None:
        """A station that is rejected says nothing (B03.FR.03)."""
        if fact.status == "Rejected":
            self._report, self._waits = None, False
        elif self._waits:
            self._say(now)

    facts = {CameOnline: connected, Registered: registered}


def asked_for(request: m.GetMonitoringReportRequest) -> Wanted:
    """The component-variables of a report, as reports of the device model understand them (N02.FR.16 to N02.FR.21)."""
    nameless = Variable(name="")
    return wanted(
        (spot_of(each.component, each.variable or nameless), each.variable is not None)
        for each in request.component_variable or ()
    )


def pages(monitors: list[Monitor]) -> Iterator[tuple[m.MonitoringData, ...]]:
    """As many variables in a page as fit by number and by bytes."""
    page: list[m.MonitoringData] = []
    size = 0
    for _, together in groupby(monitors, key=lambda monitor: monitor.spot):
        data = data_of(tuple(together))
        length = len(msgspec.json.encode(data))
        if page and (len(page) == PAGE_VARIABLES or size + length > PAGE_BYTES):
            yield tuple(page)
            page, size = [], 0
        page.append(data)
        size += length
    yield tuple(page)


def data_of(monitors: tuple[Monitor, ...]) -> m.MonitoringData:
    """The monitors of one variable."""
    told = tuple(
        m.VariableMonitoring(
            id=monitor.id,
            transaction=monitor.setting.transaction,
            value=monitor.setting.value,
            type=monitor.setting.kind,
            severity=monitor.setting.severity,
            event_notification_type=monitor.origin,
        )
        for monitor in monitors
    )
    component, variable = place_of(monitors[0].spot)
    return m.MonitoringData(component=component, variable=variable, variable_monitoring=told)
