"""Charging profiles through a whole station, from the CSMS to the pilot, and a vehicle that negotiates by ISO 15118."""

from tests.csms.practice import PracticeCsms
from tests.csms.record import StationRecord
from tests.scenarios.sessions import faults_of
from tests.scenarios.station import ID, AgentInLoop

EV = {"protocol": "iso15118-ac", "current_a": 12.0}


def profile(limit: float, purpose: str = "TxDefaultProfile", **more: object) -> dict[str, object]:
    periods = [{"startPeriod": 0, "limit": limit}]
    return {
        "id": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Relative",
        "chargingSchedule": [{"id": 5, "chargingRateUnit": "A", "chargingSchedulePeriod": periods}],
        **more,
    }


async def charging(csms: PracticeCsms, agent: AgentInLoop) -> StationRecord:
    await agent.start(csms.url)
    await csms.wait_for("StatusNotification", count=2)
    await agent.cmd("plug_in", evse=1, ev=EV)
    await agent.cmd("swipe", token="CARD", evse=1)
    await agent.fact("PowerPathClosed", 1)
    return csms.station(ID)


async def test_a_profile_reaches_the_pilot_and_status_says_which_one_it_is(
    csms: PracticeCsms, agent: AgentInLoop
) -> None:
    record = await charging(csms, agent)
    request = {"evseId": 1, "chargingProfile": profile(8.0)}
    assert await csms.call(ID, "SetChargingProfile", request) == {"status": "Accepted"}
    assert (await agent.fact("LimitChanged", 1))["limit_a"] == 8.0
    (evse, _) = (await agent.cmd("status"))["evses"]
    assert evse["limits"]["offer_a"] == 8.0
    assert evse["limits"]["in_force"][0]["sources"] == ["csms:TxDefaultProfile 1"]
    await csms.wait_for(
        lambda: any(each["triggerReason"] == "ChargingRateChanged" for each in record.calls("TransactionEvent"))
    )
    assert faults_of(record) == []


async def test_a_vehicle_negotiates_with_the_csms(csms: PracticeCsms, agent: AgentInLoop) -> None:
    csms.answers.table["NotifyEVChargingNeeds"] = lambda _record, _payload: {"status": "Accepted"}
    record = await charging(csms, agent)
    await csms.wait_for("NotifyEVChargingNeeds")
    (needs,) = record.calls("NotifyEVChargingNeeds")
    assert needs["chargingNeeds"]["acChargingParameters"]["evMaxCurrent"] == 12
    (transaction,) = record.transactions
    own = profile(20.0, "TxProfile", transactionId=transaction)
    assert await csms.call(ID, "SetChargingProfile", {"evseId": 1, "chargingProfile": own}) == {"status": "Accepted"}
    await csms.wait_for("NotifyEVChargingSchedule")
    (told,) = record.calls("NotifyEVChargingSchedule")
    assert told["chargingSchedule"]["id"] == 5
    assert [each["limit"] for each in told["chargingSchedule"]["chargingSchedulePeriod"]] == [12]
    composite = await csms.call(ID, "GetCompositeSchedule", {"evseId": 1, "duration": 60})
    assert composite["schedule"]["chargingSchedulePeriod"][0]["limit"] == 12
    assert faults_of(record) == []
