"""Block B: the variables of the device model, set and read by the CSMS (B05, B06).  Does not know what they are for."""

from __future__ import annotations

from functools import partial
from typing import Any

from msgspec.structs import replace

from agent.blocks.base import NO_ROOM, Block, bound, spot_of
from agent.model.catalogue import (
    BYTES_PER_GET_VARIABLES,
    BYTES_PER_SET_VARIABLES,
    CONFIGURATION_VALUE_SIZE,
    ITEMS_PER_GET_VARIABLES,
    ITEMS_PER_SET_VARIABLES,
    REPORTING_VALUE_SIZE,
)
from agent.model.device import Slot
from agent.ocpp.messages import b_provisioning as m
from agent.ocpp.messages.common import StatusInfo
from agent.vocabulary.values import Now

Before = list[tuple[Slot, Any]]
"""What was set, with the values that it had, in this order."""


class Variables(Block):
    """What the CSMS sets and asks for by name."""

    letter = "B"

    def get(self, request: m.GetVariablesRequest, now: Now) -> m.GetVariablesResponse:
        model, items = self.desk.model, request.get_variable_data
        bound(request, len(items), model[ITEMS_PER_GET_VARIABLES], model[BYTES_PER_GET_VARIABLES])
        return m.GetVariablesResponse(get_variable_result=tuple(self._get(item) for item in items))

    def _get(self, item: m.GetVariableData) -> m.GetVariableResult:
        attribute = item.attribute_type or "Actual"  # B06.FR.11
        status, value = self.desk.model.read(spot_of(item.component, item.variable))
        if status == "Accepted" and attribute != "Actual":
            status = "NotSupportedAttributeType"  # B06.FR.08
        return m.GetVariableResult(
            attribute_status=status,
            attribute_type=attribute,
            attribute_value=value[: self.desk.model[REPORTING_VALUE_SIZE]] if status == "Accepted" else None,
            component=item.component,
            variable=item.variable,
        )

    def set(self, request: m.SetVariablesRequest, now: Now) -> None:
        """Stored before it is answered; what the disk refuses is as it was before (B05.FR.09)."""
        model, items = self.desk.model, request.set_variable_data
        bound(request, len(items), model[ITEMS_PER_SET_VARIABLES], model[BYTES_PER_SET_VARIABLES])
        before: Before = []
        results = tuple(self._set(item, before) for item in items)
        unkept = m.SetVariablesResponse(set_variable_result=tuple(map(refused, results)))
        self.desk.promise(m.SetVariablesResponse(set_variable_result=results), unkept, partial(self._undo, before))

    def _undo(self, before: Before) -> None:
        for slot, value in reversed(before):
            self.desk.model.put_back(slot, value)

    def _set(self, item: m.SetVariableData, before: Before) -> m.SetVariableResult:
        attribute = item.attribute_type or "Actual"  # B05.FR.12
        slot = self.desk.model.find(spot_of(item.component, item.variable))
        value = None if slot is None else slot.value
        status, info = self._write(item, attribute)
        if slot is not None and slot.value != value:
            before.append((slot, value))
        return m.SetVariableResult(
            attribute_status=status,
            attribute_type=attribute,
            attribute_status_info=info,
            component=item.component,
            variable=item.variable,
        )

    def _write(self, item: m.SetVariableData, attribute: str) -> tuple[m.SetVariableStatus, StatusInfo | None]:
        model, spot, text = self.desk.model, spot_of(item.component, item.variable), item.attribute_value
        if attribute != "Actual" and model.find(spot) is not None:
            return "NotSupportedAttributeType", None  # B05.FR.06
        if len(text) > model[CONFIGURATION_VALUE_SIZE]:
            why = f"{len(text)} characters; at most {model[CONFIGURATION_VALUE_SIZE]}"
            return "Rejected", StatusInfo(reason_code="TooLargeElement", additional_info=why)
        if not self.desk.disk_works and model.find(spot) is not None:  # B05.FR.09
            return "Rejected", NO_ROOM
        status, why = model.write(spot, text)
        reason = "ReadOnly" if model.is_fixed(spot) else "InvalidValue"
        return status, StatusInfo(reason_code=reason, additional_info=why[:512]) if why else None

    calls = {m.GetVariablesRequest: get, m.SetVariablesRequest: set}


def refused(result: m.SetVariableResult) -> m.SetVariableResult:
    """The same where the disk has refused it."""
    if result.attribute_status not in ("Accepted", "RebootRequired"):
        return result
    return replace(result, attribute_status="Rejected", attribute_status_info=NO_ROOM)
