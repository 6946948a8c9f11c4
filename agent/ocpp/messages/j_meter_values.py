"""Block J, meter values outside a transaction.  No behaviour."""

from __future__ import annotations

from agent.ocpp.messages.base import Natural, OneOrMore, Request, Response
from agent.ocpp.messages.common import MeterValue


class MeterValuesResponse(Response, frozen=True):
    action = "MeterValues"


class MeterValuesRequest(Request, frozen=True):
    """Sent by the station."""

    action = "MeterValues"
    response = MeterValuesResponse

    evse_id: Natural
    meter_value: OneOrMore[MeterValue]
