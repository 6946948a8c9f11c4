"""The CSMS made with the ``ocpp`` library records as the practice CSMS does, and judges by the library."""

import asyncio
import json
from typing import Any

import pytest
from ocpp.exceptions import NotImplementedError as NotOffered  # type: ignore[import-untyped]
from ocpp.v201 import call  # type: ignore[import-untyped]
from websockets.asyncio.client import ClientConnection, connect

from tests.csms.mobility import MobilityCsms
from tests.csms.raw_station import BOOT, SUBPROTOCOL, TOKEN, RawStation, event, status


async def test_a_session_is_recorded_and_answered():
    async with MobilityCsms() as csms, connect(f"{csms.url}/CS001", subprotocols=[SUBPROTOCOL]) as socket:
        raw = RawStation(socket)
        assert (await raw.ask("BootNotification", BOOT))["status"] == "Accepted"
        assert await raw.ask("StatusNotification", status()) == {}
        told = await raw.ask("TransactionEvent", event("Started", 0, idToken=TOKEN))
        assert told == {"idTokenInfo": {"status": "Accepted"}}
        assert await raw.ask("TransactionEvent", event("Ended", 1)) == {"totalCost": 0.0}
    record = csms.station("CS001")
    assert record.registration == "Accepted"
    assert record.statuses == {(1, 1): ["Available"]}
    assert record.transactions["t1"].types == ["Started", "Ended"]
    assert record.transaction_faults() == record.violations == []


async def test_what_the_library_refuses_is_a_violation():
    async with MobilityCsms() as csms, connect(f"{csms.url}/CS001", subprotocols=[SUBPROTOCOL]) as socket:
        assert await RawStation(socket).ask("Heartbeat", {"extra": 1}) == "FormatViolation"
        await socket.send("nonsense")
        await csms.wait_for(lambda: len(csms.station("CS001").schema_violations) == 2)


async def test_a_call_goes_to_the_station_and_its_answer_back():
    async with MobilityCsms() as csms, connect(f"{csms.url}/CS001", subprotocols=[SUBPROTOCOL]) as socket:
        asking = await asked(csms, socket, [3, "ID", {"status": "Accepted"}])
        assert (await asking).status == "Accepted"
        asking = await asked(csms, socket, [4, "ID", "NotImplemented", "", {}])
        with pytest.raises(NotOffered):
            await asking


async def asked(csms: MobilityCsms, socket: ClientConnection, answer: list[Any]) -> asyncio.Task[Any]:
    await csms.wait_for(lambda: csms.station("CS001").connected)
    asking = asyncio.create_task(csms.call("CS001", call.ClearCache()))
    _, id_, action, _ = await RawStation(socket).hear()
    assert action == "ClearCache"
    await socket.send(json.dumps(answer).replace("ID", id_))
    return asking
