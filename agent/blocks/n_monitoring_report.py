"""Block N: reports of the monitors, page by page (N02).  Sets none, and does not know what they watch for."""

from __future__ import annotations

from itertools import groupby

from agent.blocks.base import Desk, bound, place_of
from agent.blocks.paging import Report, Reporting, asked_for, pages
from agent.model.catalogue import BYTES_PER_GET_REPORT, ITEMS_PER_GET_REPORT
from agent.model.monitors import PERIODICS, THRESHOLDS, Monitor, Monitors
from agent.model.report import is_wanted
from agent.ocpp.messages import n_diagnostics as m
from agent.vocabulary.values import Now

PAGE_VARIABLES = 50

KINDS: dict[m.MonitoringCriterion, tuple[str, ...]] = {
    "ThresholdMonitoring": THRESHOLDS,
    "DeltaMonitoring": ("Delta",),
    "PeriodicMonitoring": PERIODICS,
}


class MonitoringReports(Reporting[m.MonitoringData]):
    """Which monitors there are."""

    letter = "N"

    def __init__(self, desk: Desk, monitors: Monitors) -> None:
        super().__init__(desk)
        self._monitors = monitors

    def report(self, request: m.GetMonitoringReportRequest, now: Now) -> m.GetMonitoringReportResponse | None:
        model, items = self.desk.model, len(request.component_variable or ())
        bound(request, items, model[ITEMS_PER_GET_REPORT], model[BYTES_PER_GET_REPORT])  # N02.FR.07
        busy = self.busy()
        if busy is not None:
            return m.GetMonitoringReportResponse(status="Rejected", status_info=busy)
        found = self._selected(request)
        if not found:
            return m.GetMonitoringReportResponse(status="EmptyResultSet")  # N02.FR.10
        told = (data_of(tuple(together)) for _, together in groupby(found, key=lambda monitor: monitor.spot))
        answer = m.GetMonitoringReportResponse(status="Accepted")
        self.begin(request.request_id, pages(told, PAGE_VARIABLES), answer, now)
        return None

    calls = {m.GetMonitoringReportRequest: report}
    answers = {m.NotifyMonitoringReportRequest: Reporting.answered}

    def _selected(self, request: m.GetMonitoringReportRequest) -> list[Monitor]:
        """All of them, but for what the criteria and the component-variables leave out (N02.FR.05 to N02.FR.14)."""
        kinds = {kind for criterion in request.monitoring_criteria or KINDS for kind in KINDS[criterion]}
        asked = asked_for(request.component_variable)  # N02.FR.16 to N02.FR.21
        places = self._monitors.places
        return [
            monitor
            for monitor in self._monitors
            if monitor.setting.kind in kinds and (not asked or is_wanted(places[monitor.spot].slot, asked))
        ]

    def message(self, report: Report[m.MonitoringData], now: Now) -> m.NotifyMonitoringReportRequest:
        return m.NotifyMonitoringReportRequest(
            request_id=report.request_id,
            generated_at=now.wall,
            seq_no=report.seq_no,
            monitor=report.page,
            tbc=report.more,
        )


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
