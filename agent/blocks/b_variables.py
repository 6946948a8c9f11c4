"""Block B: the variables of the device model, set and read by the CSMS (B05, B06).  Does not know what they are for."""

from __future__ import annotations

from agent.blocks.base import Block, CallRefused
from agent.model.catalogue import ITEMS_PER_GET_VARIABLES, ITEMS_PER_SET_VARIABLES
from agent.model.device import Spot
from agent.ocpp.messages import b_provisioning as m
from agent.ocpp.messages.common import Component, StatusInfo, Variable
from agent.vocabulary import Now


class Variables(Block):
    """What the CSMS sets and asks for by name."""

    letter = "B"

    def get_variables(self, request: m.GetVariablesRequest, now: Now) -> m.GetVariablesResponse:
        self._bound(len(request.get_variable_data), self.desk.model[ITEMS_PER_GET_VARIABLES])  # B06.FR.16
        return m.GetVariablesResponse(get_variable_result=tuple(self._get(item) for item in request.get_variable_data))

    def _get(self, item: m.GetVariableData) -> m.GetVariableResult:
        attribute = item.attribute_type or "Actual"  # B06.FR.11
        status, value = self.desk.model.read(spot_of(item.component, item.variable))
        if status == "Accepted" and attribute != "Actual":
            status = "NotSupportedAttributeType"  # B06.FR.08
        return m.GetVariableResult(
            attribute_status=status,
            attribute_type=attribute,
            attribute_value=value if status == "Accepted" else None,
            component=item.component,
            variable=item.variable,
        )

    def set_variables(self, request: m.SetVariablesRequest, now: Now) -> m.SetVariablesResponse:
        self._bound(len(request.set_variable_data), self.desk.model[ITEMS_PER_SET_VARIABLES])
        return m.SetVariablesResponse(set_variable_result=tuple(self._set(item) for item in request.set_variable_data))

    def _set(self, item: m.SetVariableData) -> m.SetVariableResult:
        attribute = item.attribute_type or "Actual"  # B05.FR.12
        spot = spot_of(item.component, item.variable)
        why = ""
        if attribute != "Actual" and self.desk.model.read(spot)[0] in ("Accepted", "Rejected"):
            status: m.SetVariableStatus = "NotSupportedAttributeType"  # B05.FR.06
        else:
            status, why = self.desk.model.write(spot, item.attribute_value)
        reason = "ReadOnly" if self.desk.model.is_fixed(spot) else "InvalidValue"
        return m.SetVariableResult(
            attribute_status=status,
            attribute_type=attribute,
            attribute_status_info=StatusInfo(reason_code=reason, additional_info=why[:512]) if why else None,
            component=item.component,
            variable=item.variable,
        )

    def _bound(self, items: int, most: int) -> None:
        if items > most:
            raise CallRefused("OccurrenceConstraintViolation", f"{items} items; at most {most} in one message")

    calls = {m.GetVariablesRequest: get_variables, m.SetVariablesRequest: set_variables}


def spot_of(component: Component, variable: Variable) -> Spot:
    evse = component.evse
    return Spot(
        component.name,
        variable.name,
        variable.instance or None,
        None if evse is None else evse.id,
        None if evse is None else evse.connector_id,
        component.instance or None,
    )
