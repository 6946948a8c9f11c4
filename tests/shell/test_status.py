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
