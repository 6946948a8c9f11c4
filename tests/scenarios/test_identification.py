"""Every way to say who charges, through the control socket: cards, keys, a ticket, a button, the CSMS."""

import pytest

from tests.csms.practice import PracticeCsms
from tests.scenarios.sessions import all_ended, faults_of
from tests.scenarios.station import ID, AgentInLoop, AgentProcess
from tests.scenarios.test_disk import REFUSES, fill_disk, make_room


@pytest.mark.parametrize("kind", ["ISO14443", "ISO15693", "KeyCode", "Local", "MacAddress"])
async def test_C01_FR_02_C06_FR_02_whatever_a_reader_takes_starts_and_stops(
    csms: PracticeCsms, agent: AgentInLoop, kind: str
) -> None:
    await agent.start(csms.url)
    await csms.wait_for("StatusNotification", count=2)
    await agent.cmd("plug_in", evse=1)
    await agent.cmd("swipe", token="12345678", type=kind, evse=1)
    await agent.fact("PowerPathClosed", 1)
    await agent.cmd("swipe", token="12345678", type=kind, evse=1)
    await agent.fact("TransactionEnded", 1)
    record = csms.station(ID)
    assert [each["idToken"] for each in record.calls("Authorize")] == [{"idToken": "12345678", "type": kind}]
    assert faults_of(record) == []
    assert not any("12345678" in line for line in agent.log.items)  # C04.FR.04


async def test_C02_FR_01_the_start_button_starts_and_stops(csms: PracticeCsms, agent: AgentInLoop) -> None:
    await agent.start(csms.url)
    await csms.wait_for("StatusNotification", count=2)
    await agent.cmd("plug_in", evse=1)
    await agent.cmd("swipe", token="BUTTON", type="NoAuthorization", evse=1)
    await agent.fact("PowerPathClosed", 1)
    await agent.cmd("swipe", token="BUTTON", type="NoAuthorization", evse=1)
    await agent.fact("TransactionEnded", 1)
    record = await all_ended(csms, 1)
    assert record.calls("Authorize") == []
    assert record.calls("TransactionEvent")[0]["idToken"] == {"idToken": "", "type": "NoAuthorization"}
    assert faults_of(record) == []


async def test_C03_FR_01_C05_FR_01_a_payment_terminal_starts_by_the_csms(
    csms: PracticeCsms, agent: AgentInLoop
) -> None:
    await agent.start(csms.url, AuthCtrlr_AuthorizeRemoteStart=True)
    await csms.wait_for("StatusNotification", count=2)
    await agent.cmd("plug_in", evse=1)
    paid = {"idToken": {"idToken": "PAYMENT-1", "type": "Central"}, "remoteStartId": 1, "evseId": 1}
    assert (await csms.call(ID, "RequestStartTransaction", paid))["status"] == "Accepted"
    await agent.fact("PowerPathClosed", 1)
    assert csms.station(ID).calls("Authorize") == []
    assert faults_of(csms.station(ID)) == []


async def test_C11_FR_05_D01_FR_02_what_a_full_disk_cannot_take_is_not_promised(
    csms: PracticeCsms, process: AgentProcess
) -> None:
    entry = {"idToken": {"idToken": "GOOD", "type": "ISO14443"}, "idTokenInfo": {"status": "Accepted"}}
    update = {"versionNumber": 5, "updateType": "Full", "localAuthorizationList": [entry]}
    await process.start(csms.url)
    await csms.wait_for("StatusNotification", count=2)
    await process.cmd("auth_cache_put", token="CACHED", status="Accepted")
    fill_disk(process.pid)
    assert (await csms.call(ID, "ClearCache", {}))["status"] == "Rejected"  # here it is found out
    await process.said(REFUSES)
    assert (await csms.call(ID, "ClearCache", {}))["status"] == "Rejected"
    assert (await csms.call(ID, "SendLocalList", update))["status"] == "Failed"
    assert await csms.call(ID, "GetLocalListVersion", {}) == {"versionNumber": 0}
    make_room(process.pid)
    await process.said("= the disk takes writes again")
    assert (await csms.call(ID, "ClearCache", {}))["status"] == "Accepted"
    assert (await csms.call(ID, "SendLocalList", update))["status"] == "Accepted"
