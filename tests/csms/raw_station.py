"""A station of bare WebSocket frames for the CSMS' own tests: says what it is told to.  Knows no rule."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.csms.practice import PracticeCsms
from tests.csms.record import StationRecord

BOOT = {"reason": "PowerUp", "chargingStation": {"model": "M", "vendorName": "V"}}
TOKEN = {"idToken": "ABC", "type": "ISO14443"}
WHEN = "2026-01-01T00:00:00Z"
SUBPROTOCOL = Subprotocol("ocpp2.0.1")


def status(connector_status: str = "Available") -> dict[str, Any]:
    return {"timestamp": WHEN, "connectorStatus": connector_status, "evseId": 1, "connectorId": 1}


def event(kind: str, seq_no: int, energy_wh: float = 0, **fields: Any) -> dict[str, Any]:
    meter_value = [{"timestamp": WHEN, "sampledValue": [{"value": energy_wh}]}]
    return {
        "eventType": kind,
        "timestamp": WHEN,
        "triggerReason": "Trigger",
        "seqNo": seq_no,
        "transactionInfo": {"transactionId": "t1"},
        "meterValue": meter_value,
        **fields,
    }


class RawStation:
    """A station of bare frames: says what it is told to, and hears what comes."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    ids = count()

    async def say(self, action: str, payload: Any) -> str:
        id_ = f"s{next(self.ids)}"
        await self.socket.send(json.dumps([2, id_, action, payload]))
        return id_

    async def hear(self) -> Any:
        return json.loads(await asyncio.wait_for(self.socket.recv(), 5))

    async def ask(self, action: str, payload: Any) -> Any:
        """The payload of the CALLRESULT, or the code of the CALLERROR."""
        id_ = await self.say(action, payload)
        answer = await self.hear()
        assert answer[1] == id_
        return answer[2]


@asynccontextmanager
async def station(csms: PracticeCsms, boot: bool = True, **options: Any) -> AsyncIterator[RawStation]:
    options = {"subprotocols": [SUBPROTOCOL], "ping_interval": None, "close_timeout": 0.2, **options}
    async with connect(f"{csms.url}/CS%201", **options) as socket:
        raw = RawStation(socket)
        if boot:
            await raw.ask("BootNotification", BOOT)
        yield raw


def record_of(csms: PracticeCsms) -> StationRecord:
    return csms.station("CS 1")
