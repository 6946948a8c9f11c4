"""Block J, meter values outside a transaction.  No behaviour."""

from __future__ import annotations

from typing import ClassVar

from agent.ocpp.messages.base import Natural, OneOrMore, Request, Response
from agent.ocpp.messages.common import MeterValue


class MeterValuesResponse(Response, frozen=True):
    action: ClassVar[str] = "MeterValues"


class MeterValuesRequest(Request, frozen=True):
    """Sent by the station."""

    action: ClassVar[str] = "MeterValues"
    response: ClassVar[type[Response]] = MeterValuesResponse

    evse_id: Natural
    meter_value: OneOrMore[MeterValue]
