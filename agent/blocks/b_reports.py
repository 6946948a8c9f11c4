"""Block B: reports of the device model, page by page (B07, B08).  Does not know what its variables are for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TypeVar

from agent.blocks.base import bound, place_of
from agent.blocks.paging import Report, Reporting, asked_for, pages
from agent.model.catalogue import (
    BYTES_PER_GET_REPORT,
    CONFIGURATION_VALUE_SIZE,
    ITEMS_PER_GET_REPORT,
    REPORTING_VALUE_SIZE,
)
from agent.model.device import Slot
from agent.model.report import based_on, selected
from agent.ocpp.messages import b_provisioning as m
from agent.vocabulary.values import Now

PAGE_ITEMS = 100

R = TypeVar("R", m.GetBaseReportResponse, m.GetReportResponse)


class Reports(Reporting[m.ReportData]):
    """What stands in the device model."""

    letter = "B"

    def base(self, request: m.GetBaseReportRequest, now: Now) -> m.GetBaseReportResponse | None:
        slots = based_on(self.desk.model, request.report_base)
        return self._answer(m.GetBaseReportResponse, request.request_id, slots, now)

    def custom(self, request: m.GetReportRequest, now: Now) -> m.GetReportResponse | None:
        items = len(request.component_variable or ())
        bound(request, items, self.desk.model[ITEMS_PER_GET_REPORT], self.desk.model[BYTES_PER_GET_REPORT])
        slots = selected(self.desk.model, request.component_criteria or (), asked_for(request.component_variable))
        return self._answer(m.GetReportResponse, request.request_id, slots, now)

    calls = {m.GetBaseReportRequest: base, m.GetReportRequest: custom}
    answers = {m.NotifyReportRequest: Reporting.answered}

    def _answer(self, response: type[R], request_id: int, slots: Iterator[Slot], now: Now) -> R | None:
        busy = self.busy()
        if busy is not None:  # B07.FR.13, B08.FR.16
            return response(status="Rejected", status_info=busy)
        first = next(slots, None)
        if first is None:  # B08.FR.15
            return response(status="EmptyResultSet")
        told = pages(self._told(chain([first], slots)), PAGE_ITEMS)
        self.begin(request_id, told, response(status="Accepted"), now)
        return None

    def _told(self, slots: Iterable[Slot]) -> Iterator[m.ReportData]:
        value_size, list_size = self.desk.model[REPORTING_VALUE_SIZE], self.desk.model[CONFIGURATION_VALUE_SIZE]
        return (data_of(slot, value_size, list_size) for slot in slots)

    def message(self, report: Report[m.ReportData], now: Now) -> m.NotifyReportRequest:
        return m.NotifyReportRequest(
            request_id=report.request_id,
            generated_at=now.wall,
            seq_no=report.seq_no,
            report_data=report.page or None,
            tbc=report.more,
        )


def data_of(slot: Slot, value_size: int, list_size: int) -> m.ReportData:
    """All that is told of a variable; of one that may only be written everything but its value (B07.FR.03)."""
    variable = slot.variable
    text = slot.text()
    number = variable.data_type in ("integer", "decimal")
    attribute = m.VariableAttribute(
        type="Actual",  # the only one there is (B07.FR.11)
        value=None if text is None else text[:value_size],
        mutability=slot.mutability,
        persistent=slot.live is None,
    )
    characteristics = m.VariableCharacteristics(
        data_type=variable.data_type,
        supports_monitoring=True,  # of what may only be written, that it changed
        unit=variable.unit or None,
        min_limit=variable.low if number else None,
        max_limit=variable.longest if isinstance(variable.default, tuple) else variable.high,
        values_list=",".join(variable.choices)[:list_size] or None,
    )
    component, name = place_of(slot.spot)
    return m.ReportData(
        component=component,
        variable=name,
        variable_attribute=(attribute,),
        variable_characteristics=characteristics,
    )
