"""`status` of the control socket: the log that is on its way is in it, and is gone when it has arrived."""

import asyncio

import pytest

from tests.csms.practice import PracticeCsms
from tests.scenarios.station import ID, AgentInLoop


@pytest.mark.parametrize("kind", ["DiagnosticsLog", "SecurityLog"])
async def test_an_upload_is_shown_while_it_is_under_way(csms: PracticeCsms, agent: AgentInLoop, kind: str) -> None:
    asked, may_answer = asyncio.Event(), asyncio.Event()

    async def store(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await may_answer.wait()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    await agent.start(csms.url)
    await csms.wait_for("StatusNotification", count=2)
    assert (await agent.cmd("status"))["upload"] is None
    async with await asyncio.start_server(store, "127.0.0.1", 0) as server:
        where = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/logs"
        told = await csms.call(ID, "GetLog", {"logType": kind, "requestId": 7, "log": {"remoteLocation": where}})
        await asyncio.wait_for(asked.wait(), 20)
        upload = (await agent.cmd("status"))["upload"]
        assert (upload["request_id"], upload["log_type"], upload["filename"]) == (7, kind, told["filename"])
        assert 0 <= upload["sent_bytes"] <= upload["size_bytes"]
        may_answer.set()
        await csms.wait_for("LogStatusNotification", count=2)
    assert (await agent.cmd("status"))["upload"] is None


async def test_who_it_is_where_it_connects_and_what_the_csms_is_told_of_every_connector(
    csms: PracticeCsms, agent: AgentInLoop
) -> None:
    await agent.start(csms.url)
    await csms.wait_for("StatusNotification", count=2)
    await csms.call(ID, "ChangeAvailability", {"operationalStatus": "Inoperative", "evse": {"id": 2}})
    status = await agent.cmd("status")
    assert status["csms"] == {"url": csms.url, "identity": ID, "slot": 1, "security_profile": 0}
    boot = csms.stations[ID].calls("BootNotification")[0]["chargingStation"]
    assert (status["station"]["vendor"], status["station"]["model"]) == (boot["vendorName"], boot["model"])
    assert status["station"]["boot_reason"] == "PowerUp"
    told = {evse["id"]: [each["status"] for each in evse["connectors"]] for evse in status["evses"]}
    assert told == {1: ["Available"], 2: ["Unavailable"]}
