"""GetLog from the CSMS to a file server: what arrives can be opened, says what happened, and holds no secret."""

from __future__ import annotations

import gzip
import json
import tarfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from tests.csms.practice import PracticeCsms
from tests.edge.file_servers import Received, http_server
from tests.scenarios.station import ID, AgentInLoop

CARD, PASSWORD = "04A1B2C3", "do not tell 123456"


@pytest.fixture
def received() -> Received:
    return Received()


@pytest.fixture
def port(received: Received) -> Iterator[int]:
    with http_server(received) as number:
        yield number


async def uploaded(csms: PracticeCsms, received: Received, port: int, log_type: str, **window: Any) -> bytes:
    """Ask for a log and wait until the CSMS is told that it was uploaded."""
    log = {"remoteLocation": f"http://127.0.0.1:{port}/in", **window}
    await csms.wait_for("SecurityEventNotification")
    answer = await csms.call(ID, "GetLog", {"logType": log_type, "requestId": 1, "log": log})
    assert answer["status"] == "Accepted"
    await csms.wait_for(lambda: "Uploaded" in statuses(csms))
    body = received.requests[-1][3]
    assert answer["filename"] in received.requests[-1][2]["Content-Disposition"]
    return body


def statuses(csms: PracticeCsms) -> list[str]:
    return [each["status"] for each in csms.station(ID).calls("LogStatusNotification")]


def members(archive: bytes) -> dict[str, bytes]:
    found = {}
    with tarfile.open(fileobj=BytesIO(archive)) as tar:
        for member in tar:
            file = tar.extractfile(member)
            found[member.name] = file.read() if file is not None else b""
    return found


async def test_a_diagnostics_archive_tells_everything_but_secrets(folder: Path, received: Received, port: int) -> None:
    async with PracticeCsms(passwords={ID: PASSWORD}) as csms, AgentInLoop(folder) as agent:
        await agent.start(csms.url, station={"security_profile": 1, "password": PASSWORD})
        await agent.cmd("plug_in", evse=1)
        await agent.cmd("swipe", token=CARD, evse=1)
        await csms.wait_for(lambda: bool(csms.station(ID).calls("TransactionEvent")))
        archive = await uploaded(csms, received, port, "DiagnosticsLog")
    files = members(archive)
    assert set(files) == {"log.txt", "station.json", "variables.txt", "security.jsonl", "ledger.jsonl"}
    assert json.loads(files["station.json"])["registration"] == "Accepted"
    assert b"OCPPCommCtrlr.HeartbeatInterval = " in files["variables.txt"]
    assert b"StartupOfTheDevice" in files["security.jsonl"]
    assert b'"action":"TransactionEvent"' in files["ledger.jsonl"]
    assert b"vehicle connected" in files["log.txt"]
    for name, content in files.items():
        assert CARD.encode() not in content, name
        assert PASSWORD.encode() not in content, name


async def test_a_security_log_is_a_line_an_event(
    agent: AgentInLoop, csms: PracticeCsms, received: Received, port: int
) -> None:
    await agent.start(csms.url)
    packed = await uploaded(csms, received, port, "SecurityLog")
    events = [json.loads(line) for line in gzip.decompress(packed).splitlines()]
    assert [event["type"] for event in events] == ["StartupOfTheDevice"]


async def test_a_window_in_the_past_has_nothing(
    agent: AgentInLoop, csms: PracticeCsms, received: Received, port: int
) -> None:
    await agent.start(csms.url)
    packed = await uploaded(csms, received, port, "SecurityLog", latestTimestamp="2020-01-01T00:00:00Z")
    assert gzip.decompress(packed) == b""


async def test_a_power_cut_in_the_middle_is_told_as_a_failure(
    agent: AgentInLoop, csms: PracticeCsms, received: Received, port: int
) -> None:
    received.hold.clear()
    await agent.start(csms.url)
    await csms.wait_for("SecurityEventNotification")
    log = {"remoteLocation": f"http://127.0.0.1:{port}/in"}
    await csms.call(ID, "GetLog", {"logType": "DiagnosticsLog", "requestId": 4, "log": log})
    await csms.wait_for(lambda: statuses(csms) == ["Uploading"])
    await agent.cmd("power_cycle", off_ms=0)
    await csms.wait_for(lambda: statuses(csms) == ["Uploading", "UploadFailure"])
