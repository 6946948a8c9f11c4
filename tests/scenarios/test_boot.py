"""Boot and registration over a real connection: Pending, Rejected, refused, no answer (B01 to B03)."""

from datetime import UTC, datetime, timedelta

import pytest

from agent.blocks import b_provisioning
from tests.csms import misbehaviour as wrong
from tests.csms.answers import Answers
from tests.csms.practice import PracticeCsms
from tests.scenarios.sessions import all_ended, charge, faults_of
from tests.scenarios.station import ID, AgentInLoop

HEARTBEAT = {"getVariableData": [{"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}]}


async def test_B01_an_accepted_station_tells_every_connector_and_takes_the_interval(
    csms: PracticeCsms, agent: AgentInLoop
) -> None:
    csms.answers.interval_s = 77
    await agent.start(csms.url)
    await csms.wait_for("StatusNotification", count=2)
    record = csms.station(ID)
    assert record.boots == [
        {
            "reason": "PowerUp",
            "chargingStation": {
                "vendorName": "StationAgent",
                "model": "Simulated",
                "serialNumber": "SIM-0001",
                "firmwareVersion": record.boots[0]["chargingStation"]["firmwareVersion"],
            },
        }
    ]
    assert record.statuses == {(1, 1): ["Available"], (2, 1): ["Available"]}
    told = await csms.call(ID, "GetVariables", HEARTBEAT)
    assert told["getVariableResult"][0]["attributeValue"] == "77"
    assert (await agent.cmd("status"))["registration"] == "Accepted"
    assert faults_of(record) == []


async def test_B02_a_pending_station_says_only_what_it_is_asked_for_and_boots_again(agent: AgentInLoop) -> None:
    async with PracticeCsms(answers=Answers(boots=[("Pending", 1)])) as csms:
        await agent.start(csms.url)
        await csms.wait_for(lambda: csms.station(ID).registration == "Pending")
        await agent.cmd("plug_in", evse=1)
        told = await csms.call(ID, "GetVariables", HEARTBEAT)
        assert told["getVariableResult"][0]["attributeStatus"] == "Accepted"
        remote = {"idToken": {"idToken": "AB", "type": "Central"}, "remoteStartId": 1, "evseId": 1}
        assert await csms.call(ID, "RequestStartTransaction", remote) == {"status": "Rejected"}  # B02.FR.05
        status = {"requestedMessage": "StatusNotification", "evse": {"id": 1, "connectorId": 1}}
        assert await csms.call(ID, "TriggerMessage", status) == {"status": "Accepted"}  # F06.FR.16
        assert (await csms.wait_for("StatusNotification"))["connectorStatus"] == "Occupied"
        assert csms.station(ID).registration == "Pending"
        await csms.wait_for(lambda: csms.station(ID).registration == "Accepted")
        await csms.wait_for(lambda: (2, 1) in csms.station(ID).statuses)
        assert faults_of(csms.station(ID)) == []  # the judge holds B02.FR.02, B02.FR.04


async def test_B03_a_rejected_station_is_silent_until_the_interval_is_over(agent: AgentInLoop) -> None:
    async with PracticeCsms(answers=Answers(boots=[("Rejected", 1), ("Rejected", 1)])) as csms:
        await agent.start(csms.url)
        await csms.wait_for(lambda: csms.station(ID).registration == "Rejected")
        assert (await agent.cmd("status"))["registration"] == "Rejected"
        await csms.wait_for("BootNotification", count=3)
        await csms.wait_for("StatusNotification", count=2)
        assert faults_of(csms.station(ID)) == []


async def test_a_boot_that_is_refused_is_said_again_after_an_interval_of_its_own(
    csms: PracticeCsms, agent: AgentInLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(b_provisioning, "OWN_INTERVAL_S", 0.2)
    csms.script.add(wrong.call_error("InternalError"), "BootNotification", times=2)
    await agent.start(csms.url)
    await csms.wait_for("StatusNotification", count=2)
    assert len(csms.station(ID).boots) == 3
    assert csms.station(ID).connections == 1
    assert faults_of(csms.station(ID)) == []


async def test_a_boot_that_nobody_answers_is_said_again_on_a_new_connection(
    agent: AgentInLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(b_provisioning, "OWN_INTERVAL_S", 0.2)
    async with PracticeCsms(message_timeout_s=1) as csms:
        csms.script.add(wrong.never_answer, "BootNotification")
        await agent.start(csms.url, OCPPCommCtrlr_MessageTimeout__Default=1)
        await csms.wait_for("StatusNotification", count=2)
        assert csms.station(ID).connections >= 2
        assert faults_of(csms.station(ID)) == []


async def test_B01_FR_06_the_clock_is_set_by_the_CSMS(agent: AgentInLoop) -> None:
    ahead = timedelta(days=400)
    async with PracticeCsms(answers=Answers(clock=lambda: datetime.now(UTC) + ahead)) as csms:
        await agent.start(csms.url)
        await agent.said("clock moved")
        await agent.cmd("plug_in", evse=1)
        told = await csms.wait_for("StatusNotification", where=lambda told: told["connectorStatus"] == "Occupied")
        assert datetime.fromisoformat(told["timestamp"]) - datetime.now(UTC) > ahead - timedelta(minutes=1)


@pytest.mark.parametrize("year", [1, 1970, 9999])
async def test_a_time_that_cannot_be_is_not_taken(agent: AgentInLoop, year: int) -> None:
    absurd = datetime(year, 12, 31, 23, 59, 59, 999000, UTC)
    async with PracticeCsms(answers=Answers(clock=lambda: absurd)) as csms:
        await agent.start(csms.url)
        told = await csms.wait_for("StatusNotification", count=2)
        assert abs(datetime.fromisoformat(told["timestamp"]) - datetime.now(UTC)) < timedelta(minutes=1)
        await charge(agent, 1, "ABCD", 1000)
        assert faults_of(await all_ended(csms, 1)) == []
    assert agent.said_times(f"{year:04}-12-31") == 1


async def test_TxBeforeAcceptedEnabled_lets_a_station_charge_that_is_not_accepted_yet(agent: AgentInLoop) -> None:
    async with PracticeCsms(answers=Answers(boots=[("Pending", 1)])) as csms:
        await agent.start(csms.url, TxCtrlr_TxBeforeAcceptedEnabled=True, AuthCtrlr_OfflineTxForUnknownIdEnabled=True)
        await csms.wait_for(lambda: csms.station(ID).registration == "Pending")
        await charge(agent, 1, "ABCD", 1000)
        assert csms.station(ID).transactions == {}
        record = await all_ended(csms, 1)
        assert faults_of(record) == []


async def test_B02_a_card_that_is_shown_while_pending_is_refused_and_not_remembered(agent: AgentInLoop) -> None:
    async with PracticeCsms(answers=Answers(boots=[("Pending", 1)])) as csms:
        await agent.start(csms.url)
        await csms.wait_for(lambda: csms.station(ID).registration == "Pending")
        await agent.cmd("plug_in", evse=1)
        await agent.cmd("swipe", token="ABCD", evse=1)
        await agent.fact("TokenRefused", 1)
        await csms.wait_for(lambda: csms.station(ID).registration == "Accepted")
        await agent.cmd("settle")
        assert csms.station(ID).calls("Authorize") == []
        assert (await agent.cmd("status"))["evses"][0]["authorized"] is None
        assert faults_of(csms.station(ID)) == []
