"""What a CSMS asks of a station, over a real connection, and what the station then does."""

from typing import Any

import pytest

from tests.csms.line import CallError
from tests.csms.practice import PracticeCsms
from tests.scenarios.sessions import EXACT, all_ended, begin, charge, faults_of, finish
from tests.scenarios.station import ID, AgentInLoop, variable

TOKEN = {"idToken": "REMOTE", "type": "Central"}


@pytest.fixture
async def online(csms: PracticeCsms, agent: AgentInLoop) -> AgentInLoop:
    """A station that is accepted and has told its connectors."""
    await agent.start(csms.url)
    await csms.wait_for("StatusNotification", count=2)
    return agent


def item(name: str, value: str | None = None) -> dict[str, Any]:
    """An item of GetVariables, or with a value of SetVariables."""
    named = variable(name, value)
    place = {"name": named["variable"], **({"instance": named["instance"]} if "instance" in named else {})}
    told = {"component": {"name": named["component"]}, "variable": place}
    return told if value is None else {**told, "attributeValue": value}


async def read(csms: PracticeCsms, name: str) -> tuple[str, str | None]:
    told = await csms.call(ID, "GetVariables", {"getVariableData": [item(name)]})
    result = told["getVariableResult"][0]
    return result["attributeStatus"], result.get("attributeValue")


async def write(csms: PracticeCsms, name: str, value: str) -> str:
    told = await csms.call(ID, "SetVariables", {"setVariableData": [item(name, value)]})
    return str(told["setVariableResult"][0]["attributeStatus"])


async def status_of(csms: PracticeCsms, evse: int, status: str, count: int = 1) -> None:
    await csms.wait_for(
        "StatusNotification",
        count=count,
        where=lambda told: (told["evseId"], told["connectorStatus"]) == (evse, status),
    )


# Variables.


async def test_B05_what_is_set_holds_at_once_and_over_a_power_cut(csms: PracticeCsms, online: AgentInLoop) -> None:
    assert await write(csms, "TxCtrlr.TxStartPoint", "EVConnected") == "Accepted"
    assert await read(csms, "txctrlr.txstartpoint") == ("Accepted", "EVConnected")
    await online.cmd("plug_in", evse=1, ev=EXACT)
    await online.fact("TransactionStarted", 1)
    await online.cmd("power_cycle", off_ms=0)
    await csms.wait_for("BootNotification", count=2)
    assert await read(csms, "TxCtrlr.TxStartPoint") == ("Accepted", "EVConnected")
    assert csms.station(ID).violations == []


async def test_G02_a_shorter_heartbeat_interval_works_at_once(csms: PracticeCsms, online: AgentInLoop) -> None:
    assert await write(csms, "OCPPCommCtrlr.HeartbeatInterval", "1") == "Accepted"
    await csms.wait_for("Heartbeat")
    assert csms.station(ID).violations == []


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("OCPPCommCtrlr.HeartbeatInterval", "0", "Rejected"),
        ("OCPPCommCtrlr.HeartbeatInterval", "soon", "Rejected"),
        ("OCPPCommCtrlr.HeartbeatInterval", "9" * 400, "Rejected"),
        ("OCPPCommCtrlr.HeartbeatInterval", "-" + "9" * 400, "Rejected"),
        ("OCPPCommCtrlr.RetryBackOffRepeatTimes", "9" * 400, "Rejected"),
        ("SampledDataCtrlr.TxUpdatedInterval", "1e3", "Rejected"),
        ("TxCtrlr.TxStartPoint", "Whenever", "Rejected"),
        ("DeviceDataCtrlr.ItemsPerMessage[GetVariables]", "5", "Rejected"),
        ("TxCtrlr.Nothing", "1", "UnknownVariable"),
        ("NobodyCtrlr.TxStartPoint", "1", "UnknownComponent"),
    ],
)
async def test_B05_what_cannot_be_set_is_refused_and_leaves_all_as_it_was(
    csms: PracticeCsms, online: AgentInLoop, name: str, value: str, status: str
) -> None:
    before = await read(csms, name)
    assert await write(csms, name, value) == status
    assert await read(csms, name) == before
    await charge(online, 1, "ABCD", 1000)
    assert faults_of(await all_ended(csms, 1)) == []


async def test_B06_FR_16_more_items_than_fit_are_a_violation(csms: PracticeCsms, online: AgentInLoop) -> None:
    with pytest.raises(CallError, match="OccurrenceConstraintViolation"):
        await csms.call(ID, "GetVariables", {"getVariableData": [item("TxCtrlr.TxStartPoint")] * 101})


# Availability.


@pytest.mark.parametrize(("place", "evses"), [({"evse": {"id": 2}}, [2]), ({}, [1, 2])])
async def test_G03_G04_out_of_service_and_back_over_a_power_cut(
    csms: PracticeCsms, online: AgentInLoop, place: dict[str, Any], evses: list[int]
) -> None:
    asked = {"operationalStatus": "Inoperative", **place}
    assert await csms.call(ID, "ChangeAvailability", asked) == {"status": "Accepted"}
    for evse in evses:
        await status_of(csms, evse, "Unavailable")
    await online.cmd("power_cycle", off_ms=0)
    for evse in evses:
        await status_of(csms, evse, "Unavailable", count=2)  # G03.FR.08, G04.FR.08
    asked = {"operationalStatus": "Operative", **place}
    assert await csms.call(ID, "ChangeAvailability", asked) == {"status": "Accepted"}
    for evse in evses:
        await status_of(csms, evse, "Available", count=2)
    assert csms.station(ID).violations == []


async def test_G03_FR_05_a_transaction_is_left_to_end_first(csms: PracticeCsms, online: AgentInLoop) -> None:
    await begin(online, 1, "ABCD")
    asked = {"operationalStatus": "Inoperative", "evse": {"id": 1}}
    assert await csms.call(ID, "ChangeAvailability", asked) == {"status": "Scheduled"}
    await finish(online, 1, "ABCD")
    await status_of(csms, 1, "Unavailable")
    record = await all_ended(csms, 1)
    assert record.statuses[1, 1][-1] == "Unavailable"
    assert faults_of(record) == []


async def test_an_EVSE_that_is_not_there_is_rejected(csms: PracticeCsms, online: AgentInLoop) -> None:
    asked = {"operationalStatus": "Inoperative", "evse": {"id": 3}}
    assert await csms.call(ID, "ChangeAvailability", asked) == {"status": "Rejected"}


# Triggers.


@pytest.mark.parametrize(
    ("message", "place", "field"),
    [
        ("Heartbeat", {}, None),
        ("StatusNotification", {"evse": {"id": 2, "connectorId": 1}}, "connectorStatus"),
        ("MeterValues", {"evse": {"id": 1}}, "meterValue"),
    ],
)
async def test_F06_what_is_asked_for_comes(
    csms: PracticeCsms, online: AgentInLoop, message: str, place: dict[str, Any], field: str | None
) -> None:
    before = len(csms.station(ID).calls(message))
    assert await csms.call(ID, "TriggerMessage", {"requestedMessage": message, **place}) == {"status": "Accepted"}
    told = await csms.wait_for(message, count=before + 1, where=lambda told: True)
    assert field is None or field in told
    assert csms.station(ID).violations == []


async def test_F06_FR_07_a_transaction_tells_where_it_stands(csms: PracticeCsms, online: AgentInLoop) -> None:
    await begin(online, 1, "ABCD")
    await online.cmd("meter", evse=1, energy_wh=500)
    asked = {"requestedMessage": "TransactionEvent", "evse": {"id": 1}}
    assert await csms.call(ID, "TriggerMessage", asked) == {"status": "Accepted"}
    told = await csms.wait_for("TransactionEvent", where=lambda told: told["triggerReason"] == "Trigger")
    energy = [sample for sample in told["meterValue"][0]["sampledValue"] if "measurand" not in sample]
    assert [(sample["value"], sample["context"]) for sample in energy] == [(500, "Trigger")]
    await finish(online, 1, "ABCD")
    assert faults_of(await all_ended(csms, 1)) == []


@pytest.mark.parametrize(
    ("message", "place", "status"),
    [
        ("BootNotification", {}, "Rejected"),  # F06.FR.17: it is accepted already
        ("TransactionEvent", {}, "Rejected"),  # nothing runs
        ("StatusNotification", {"evse": {"id": 9, "connectorId": 1}}, "Rejected"),
        ("PublishFirmwareStatusNotification", {}, "NotImplemented"),
    ],
)
async def test_F06_what_cannot_be_sent_is_refused(
    csms: PracticeCsms, online: AgentInLoop, message: str, place: dict[str, Any], status: str
) -> None:
    assert await csms.call(ID, "TriggerMessage", {"requestedMessage": message, **place}) == {"status": status}


# Unlock.


async def test_F05_a_plug_that_nobody_pays_for_is_given_free(csms: PracticeCsms, online: AgentInLoop) -> None:
    await online.cmd("plug_in", evse=1)
    assert await csms.call(ID, "UnlockConnector", {"evseId": 1, "connectorId": 1}) == {"status": "Unlocked"}


async def test_F05_FR_02_a_plug_of_a_paying_driver_is_held(csms: PracticeCsms, online: AgentInLoop) -> None:
    await begin(online, 1, "ABCD")
    told = await csms.call(ID, "UnlockConnector", {"evseId": 1, "connectorId": 1})
    assert told == {"status": "OngoingAuthorizedTransaction"}
    await finish(online, 1, "ABCD")


async def test_F05_a_lock_that_is_stuck_is_told(csms: PracticeCsms, online: AgentInLoop) -> None:
    await begin(online, 1, "ABCD")
    await online.cmd("fault", evse=1, connector=1, code="ConnectorLockFailure")
    await online.cmd("swipe", token="ABCD", evse=1)
    await online.fact("TransactionEnded", 1)
    assert await csms.call(ID, "UnlockConnector", {"evseId": 1, "connectorId": 1}) == {"status": "UnlockFailed"}


async def test_F05_FR_03_a_connector_that_is_not_there(csms: PracticeCsms, online: AgentInLoop) -> None:
    told = await csms.call(ID, "UnlockConnector", {"evseId": 1, "connectorId": 7})
    assert told == {"status": "UnknownConnector"}


# Start and stop.


async def test_F01_F03_a_session_that_the_CSMS_starts_and_stops(csms: PracticeCsms, online: AgentInLoop) -> None:
    asked = {"idToken": TOKEN, "remoteStartId": 42, "evseId": 1}
    assert await csms.call(ID, "RequestStartTransaction", asked) == {"status": "Accepted"}
    await online.cmd("plug_in", evse=1, ev=EXACT)
    id_ = (await online.fact("TransactionStarted", 1))["transaction_id"]
    await online.fact("PowerPathClosed", 1)
    await online.cmd("meter", evse=1, energy_wh=2500)
    assert await csms.call(ID, "RequestStopTransaction", {"transactionId": id_}) == {"status": "Accepted"}
    record = await all_ended(csms, 1)
    told = record.transactions[id_]
    assert told.id_token == "REMOTE"
    assert told.events[0]["transactionInfo"]["remoteStartId"] == 42
    assert told.events[-1]["triggerReason"] == "RemoteStop"
    assert told.events[-1]["transactionInfo"]["stoppedReason"] == "Remote"
    assert told.energy_wh == 2500
    assert faults_of(record) == []


async def test_F01_FR_23_an_EVSE_in_use_takes_no_second_driver(csms: PracticeCsms, online: AgentInLoop) -> None:
    await begin(online, 1, "ABCD")
    asked = {"idToken": TOKEN, "remoteStartId": 42, "evseId": 1}
    assert await csms.call(ID, "RequestStartTransaction", asked) == {"status": "Rejected"}
    assert await csms.call(ID, "RequestStopTransaction", {"transactionId": "nobody"}) == {"status": "Rejected"}
    await finish(online, 1, "ABCD")


# Reset.


async def test_B12_FR_04_an_immediate_reset_ends_what_runs_then_boots(csms: PracticeCsms, online: AgentInLoop) -> None:
    id_ = await begin(online, 1, "ABCD")
    await online.cmd("meter", evse=1, energy_wh=700)
    assert await csms.call(ID, "Reset", {"type": "Immediate"}) == {"status": "Accepted"}
    assert (await csms.wait_for("BootNotification", count=2))["reason"] == "RemoteReset"
    record = await all_ended(csms, 1)
    assert record.transactions[id_].events[-1]["transactionInfo"]["stoppedReason"] == "ImmediateReset"
    assert record.transactions[id_].energy_wh == 700
    await status_of(csms, 1, "Occupied", count=2)  # the vehicle is still there
    assert faults_of(record) == []


async def test_B12_FR_01_a_reset_on_idle_waits_for_the_driver(csms: PracticeCsms, online: AgentInLoop) -> None:
    await begin(online, 1, "ABCD")
    assert await csms.call(ID, "Reset", {"type": "OnIdle"}) == {"status": "Scheduled"}
    await finish(online, 1, "ABCD")
    assert (await csms.wait_for("BootNotification", count=2))["reason"] == "ScheduledReset"
    assert faults_of(await all_ended(csms, 1)) == []


async def test_B11_a_reset_of_a_quiet_station_boots_it(csms: PracticeCsms, online: AgentInLoop) -> None:
    assert await csms.call(ID, "Reset", {"type": "OnIdle"}) == {"status": "Accepted"}
    assert (await csms.wait_for("BootNotification", count=2))["reason"] == "RemoteReset"
    await csms.wait_for("StatusNotification", count=4)
    assert csms.station(ID).violations == []


# Everything else.


@pytest.mark.parametrize("action", ["CostUpdated", "ClearDisplayMessage", "MakeCoffee", "BootNotification"])
async def test_what_the_station_does_not_know_is_not_implemented(
    csms: PracticeCsms, online: AgentInLoop, action: str
) -> None:
    payload: dict[str, Any] = {
        "CostUpdated": {"totalCost": 1.5, "transactionId": "T"},
        "ClearDisplayMessage": {"id": 1},
        "BootNotification": {"reason": "PowerUp", "chargingStation": {"model": "M", "vendorName": "V"}},
    }
    with pytest.raises(CallError, match="NotImplemented"):
        await csms.call(ID, action, payload.get(action, {}))
    assert await read(csms, "OCPPCommCtrlr.HeartbeatInterval") == ("Accepted", "300")
