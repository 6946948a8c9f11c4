"""`monitors` and `events` of the control socket: a technician sees what the CSMS is told."""

from typing import Any

import pytest

from tests.csms.practice import PracticeCsms
from tests.scenarios.station import ID, AgentInLoop

STATE = {"component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "AvailabilityState"}}


@pytest.fixture
async def online(csms: PracticeCsms, agent: AgentInLoop) -> AgentInLoop:
    await agent.start(csms.url)
    await csms.wait_for("StatusNotification", count=2)
    return agent


async def watch_state(csms: PracticeCsms, severity: int) -> int:
    item = {**STATE, "type": "Delta", "value": 1, "severity": severity}
    told = await csms.call(ID, "SetVariableMonitoring", {"setMonitoringData": [item]})
    return int(told["setMonitoringResult"][0]["id"])


async def test_the_monitors_are_those_of_the_report(csms: PracticeCsms, online: AgentInLoop) -> None:
    id = await watch_state(csms, 5)
    await csms.call(ID, "GetMonitoringReport", {"requestId": 1})
    report = await csms.wait_for("NotifyMonitoringReport")
    told = await online.cmd("monitors")
    assert (told["enabled"], told["base"], told["level"]) == (True, "FactoryDefault", 9)
    reported = [each["id"] for data in report["monitor"] for each in data["variableMonitoring"]]
    assert [monitor["id"] for monitor in told["monitors"]] == reported
    mine = next(monitor for monitor in told["monitors"] if monitor["id"] == id)
    assert (mine["component"], mine["evse"], mine["variable"]) == ("EVSE", 1, "AvailabilityState")
    assert (mine["type"], mine["severity"], mine["origin"]) == ("Delta", 5, "CustomMonitor")
    assert (mine["actual"], mine["exceeded"]) == ("Available", None)
    assert csms.station(ID).violations == []


async def test_an_event_is_shown_with_what_became_of_it(csms: PracticeCsms, online: AgentInLoop) -> None:
    sent, kept, silent = [await watch_state(csms, severity) for severity in (5, 4, 8)]
    await csms.call(ID, "SetMonitoringLevel", {"severity": 7})
    await online.cmd("plug_in", evse=1)
    await csms.wait_for("NotifyEvent", count=2)
    events: list[dict[str, Any]] = (await online.cmd("events"))["events"]
    ways = {event["monitor"]: event["way"] for event in events}
    assert ways == {sent: "sent", kept: "durable"}
    assert silent not in ways
    assert {(event["actual"], event["evse"], event["trigger"]) for event in events} == {("Occupied", 1, "Delta")}
    assert csms.station(ID).violations == []
