"""Parts that fail, go away and come back, in a session and between: what the CSMS hears, and that they heal."""

from typing import Any, get_args

import pytest

from agent.blocks import e_transactions, e_watch
from hal.events import FaultCode
from tests.csms.practice import PracticeCsms
from tests.csms.record import StationRecord
from tests.scenarios.sessions import all_ended, begin, charge, faults_of, finish
from tests.scenarios.station import ID, AgentInLoop

PARTS = ("pilot", "meter", "lock")
# E06.FR.16: these end a transaction at once.
ENDING: dict[str, str] = {
    "EmergencyStop": "EmergencyStop",
    "GroundFailure": "GroundFault",
    "OverCurrentFailure": "OvercurrentFault",
    "OverVoltage": "PowerQuality",
    "UnderVoltage": "PowerQuality",
    "PowerSwitchFailure": "Other",
    "WeldedContactor": "Other",
    "TiltDetected": "Other",
    "WaterDetected": "Other",
    "OtherError": "Other",
}
HARMLESS = ("ReaderFailure",)
LASTING = tuple(code for code in get_args(FaultCode) if code not in ENDING and code not in HARMLESS)


@pytest.fixture
async def online(csms: PracticeCsms, agent: AgentInLoop) -> AgentInLoop:
    await agent.start(csms.url)
    await csms.wait_for("StatusNotification", count=2)
    return agent


def last_status(csms: PracticeCsms, evse: int = 1) -> str:
    return csms.station(ID).statuses[evse, 1][-1]


async def status(csms: PracticeCsms, wanted: str, evse: int = 1) -> None:
    await csms.wait_for(lambda: last_status(csms, evse) == wanted)


def states_of(record: StationRecord, id_: str) -> list[str]:
    """The charging states that were told, repetitions left out."""
    told = [event["transactionInfo"].get("chargingState") for event in record.transactions[id_].events]
    return [state for state, before in zip(told, [None, *told], strict=False) if state != before]


def end_of(record: StationRecord, id_: str) -> tuple[str, str]:
    last = record.transactions[id_].events[-1]
    return last["triggerReason"], last["transactionInfo"]["stoppedReason"]


# A part that does not answer.


@pytest.mark.parametrize("part", PARTS)
async def test_a_part_that_is_lost_takes_the_EVSE_out_of_service_until_it_is_found(
    csms: PracticeCsms, online: AgentInLoop, part: Any
) -> None:
    online.world.lose(1, part)
    await status(csms, "Faulted")
    assert "evse[0]" in (await online.cmd("status"))["evses"][0]["fault"]
    await charge(online, 2, "OTHER", 1000)
    online.world.find(1, part)
    await status(csms, "Available")
    assert (await online.cmd("status"))["evses"][0]["fault"] is None
    await charge(online, 1, "ABCD", 1000)
    assert faults_of(await all_ended(csms, 2)) == []
    assert online.said_times("lost: the simulated wire is off") == 1


@pytest.mark.parametrize("part", PARTS)
async def test_a_driver_gets_no_power_while_a_part_is_lost(csms: PracticeCsms, online: AgentInLoop, part: Any) -> None:
    online.world.lose(1, part)
    await status(csms, "Faulted")
    await online.cmd("plug_in", evse=1)
    await online.cmd("swipe", token="ABCD", evse=1)
    assert (await online.fact("TokenRefused", 1))["reason"] == "no free EVSE"
    told = (await online.cmd("status"))["evses"][0]
    assert (told["transaction"], told["power_w"] or 0) == (None, 0)
    online.world.find(1, part)
    await status(csms, "Occupied")


@pytest.mark.parametrize("part", PARTS)
async def test_a_transaction_waits_for_a_part_that_comes_back(
    csms: PracticeCsms, online: AgentInLoop, part: Any
) -> None:
    id_ = await begin(online, 1, "ABCD")
    online.world.lose(1, part)
    await status(csms, "Faulted")
    if part != "pilot":  # which is what would tell
        await online.fact("PowerPathOpened", 1)
    online.world.find(1, part)
    await status(csms, "Occupied")
    if part != "pilot":
        await online.fact("PowerPathClosed", 1)
    await online.cmd("meter", evse=1, energy_wh=3000)
    await finish(online, 1, "ABCD")
    record = await all_ended(csms, 1)
    assert record.transactions[id_].energy_wh == 3000
    assert end_of(record, id_) == ("StopAuthorized", "Local")
    assert faults_of(record) == []


@pytest.mark.parametrize("part", PARTS)
async def test_a_transaction_does_not_wait_for_ever(
    csms: PracticeCsms, online: AgentInLoop, part: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(e_transactions, "FAULT_PATIENCE_S", 0.05)
    monkeypatch.setattr(e_watch, "LAST_READING_PATIENCE_S", 0.05)
    id_ = await begin(online, 1, "ABCD")
    await online.cmd("meter", evse=1, energy_wh=800)
    online.world.lose(1, part)
    record = await all_ended(csms, 1)
    assert end_of(record, id_) == ("AbnormalCondition", "Other")
    assert record.transactions[id_].energy_wh == 800
    online.world.find(1, part)
    await status(csms, "Occupied")
    await online.cmd("unplug", evse=1)
    await status(csms, "Available")
    assert faults_of(record) == []


@pytest.mark.parametrize("part", PARTS)
async def test_a_vehicle_that_leaves_while_a_part_is_lost_is_noticed_when_it_is_found(
    csms: PracticeCsms, online: AgentInLoop, part: Any
) -> None:
    id_ = await begin(online, 1, "ABCD")
    online.world.lose(1, part)
    await status(csms, "Faulted")
    await online.cmd("unplug", evse=1)
    online.world.find(1, part)
    record = await all_ended(csms, 1)
    assert end_of(record, id_) == ("EVCommunicationLost", "EVDisconnected")
    await status(csms, "Available")
    assert faults_of(record) == []


async def test_a_reader_that_is_lost_stops_no_session(csms: PracticeCsms, online: AgentInLoop) -> None:
    id_ = await begin(online, 1, "ABCD")
    online.world.lose(0, "reader")
    await online.said("reader[0] lost")
    await csms.call(ID, "RequestStopTransaction", {"transactionId": id_})
    record = await all_ended(csms, 1)
    assert end_of(record, id_) == ("RemoteStop", "Remote")
    assert last_status(csms) == "Occupied"
    assert faults_of(record) == []


# A part that says that something is wrong.


@pytest.mark.parametrize("code", get_args(FaultCode))
async def test_a_fault_between_sessions_holds_until_it_is_cleared(
    csms: PracticeCsms, online: AgentInLoop, code: str
) -> None:
    await online.cmd("fault", evse=1, code=code, vendor_code="X-17")
    await online.fact("EvseFaulted", 1)
    if code not in HARMLESS:
        await status(csms, "Faulted")
        assert code in (await online.cmd("status"))["evses"][0]["fault"]
    await online.cmd("clear_fault", evse=1)
    await online.fact("EvseHealed", 1)
    await status(csms, "Available")
    await charge(online, 1, "ABCD", 1000)
    assert faults_of(await all_ended(csms, 1)) == []


@pytest.mark.parametrize(("code", "reason"), ENDING.items())
async def test_E06_FR_16_a_grave_fault_ends_the_transaction_at_once(
    csms: PracticeCsms, online: AgentInLoop, code: str, reason: str
) -> None:
    id_ = await begin(online, 1, "ABCD")
    await online.cmd("meter", evse=1, energy_wh=600)
    await online.cmd("fault", evse=1, code=code)
    record = await all_ended(csms, 1)
    assert end_of(record, id_) == ("AbnormalCondition", reason)
    assert record.transactions[id_].energy_wh == 600
    await status(csms, "Faulted")
    await online.cmd("clear_fault", evse=1)
    await status(csms, "Occupied")
    assert (await online.cmd("status"))["evses"][0]["transaction"] is None
    assert faults_of(record) == []


@pytest.mark.parametrize("code", LASTING)
async def test_a_fault_that_may_pass_suspends_the_transaction(
    csms: PracticeCsms, online: AgentInLoop, code: str
) -> None:
    id_ = await begin(online, 1, "ABCD")
    await online.cmd("fault", evse=1, code=code)
    await online.fact("PowerPathOpened", 1)
    await online.cmd("clear_fault", evse=1)
    await online.fact("PowerPathClosed", 1)
    await online.cmd("meter", evse=1, energy_wh=900)
    await finish(online, 1, "ABCD")
    record = await all_ended(csms, 1)
    states = states_of(record, id_)
    assert states[:4] == ["EVConnected", "Charging", "SuspendedEVSE", "Charging"]
    assert record.transactions[id_].energy_wh == 900
    assert faults_of(record) == []


async def test_a_fault_with_a_name_of_its_own_is_told_as_another_error(csms: PracticeCsms, online: AgentInLoop) -> None:
    await online.cmd("fault", evse=2, code="WaspNestInside")
    told = await online.fact("EvseFaulted", 2)
    assert (told["code"], told["text"]) == ("OtherError", "WaspNestInside")
    await status(csms, "Faulted", evse=2)
    assert last_status(csms, 1) == "Available"


# Vehicles of every temper.


async def test_a_vehicle_that_pauses_is_told_and_goes_on(csms: PracticeCsms, online: AgentInLoop) -> None:
    id_ = await begin(online, 1, "ABCD")
    await online.cmd("ev", evse=1, state="paused")
    await online.fact("EvReleasedPower", 1)
    await online.cmd("ev", evse=1, state="ready")
    await online.fact("PowerPathClosed", 1)
    await finish(online, 1, "ABCD")
    record = await all_ended(csms, 1)
    assert states_of(record, id_)[:4] == ["EVConnected", "Charging", "SuspendedEV", "Charging"]
    assert faults_of(record) == []


async def test_a_vehicle_that_has_enough_ends_the_transaction(csms: PracticeCsms, online: AgentInLoop) -> None:
    id_ = await begin(online, 1, "ABCD")
    await online.cmd("ev", evse=1, state="done")
    record = await all_ended(csms, 1)
    assert end_of(record, id_)[1] == "StoppedByEV"
    assert faults_of(record) == []


@pytest.mark.parametrize("ev", [{"simplified": True}, {"phases": 1}, {"cable_a": 13}, {"ready_after_ms": 20}])
async def test_a_session_with_every_kind_of_vehicle(
    csms: PracticeCsms, online: AgentInLoop, ev: dict[str, Any]
) -> None:
    await begin(online, 1, "ABCD", ev={"current_a": 0, **ev})
    await online.cmd("meter", evse=1, energy_wh=1000)
    await finish(online, 1, "ABCD")
    assert faults_of(await all_ended(csms, 1)) == []


async def test_a_vehicle_that_needs_ventilation_gets_no_power(csms: PracticeCsms, online: AgentInLoop) -> None:
    await online.cmd("plug_in", evse=1, ev={"ventilation": True})
    await online.cmd("swipe", token="ABCD", evse=1)
    await online.fact("EvNeedsVentilation", 1)
    await online.cmd("settle", quiet_ms=50)
    assert (await online.cmd("status"))["evses"][0]["power_w"] == 0
    await online.cmd("unplug", evse=1)
    await status(csms, "Available")
    assert csms.station(ID).violations == []
