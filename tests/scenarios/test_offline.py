"""Without a CSMS: what happens meanwhile is told afterwards, in order, once, and says that it was offline."""

import asyncio
from typing import Any

from tests.csms.practice import PracticeCsms
from tests.csms.record import StationRecord
from tests.scenarios.sessions import all_ended, begin, charge, duplicates_of, energies_wh, faults_of, finish
from tests.scenarios.station import ID, AgentInLoop

OFFLINE_TOO: dict[str, Any] = {"AuthCtrlr_OfflineTxForUnknownIdEnabled": True}


def offline_of(record: StationRecord) -> list[bool]:
    """Of every event in the order in which they came: whether it says that it was made offline."""
    return [told.get("offline", False) for told in record.calls("TransactionEvent")]


async def test_E04_sessions_without_link_are_told_in_order_when_it_is_back(
    csms: PracticeCsms, agent: AgentInLoop
) -> None:
    await agent.start(csms.url, **OFFLINE_TOO)
    await csms.wait_for("SecurityEventNotification")
    await agent.cmd("settle")
    await agent.cmd("link", up=False)
    played = [await charge(agent, 1 + number % 2, f"CARD{number}", 1000 * (1 + number // 2)) for number in range(6)]
    waiting = (await agent.cmd("status"))["waiting"]
    assert waiting >= 3 * len(played)
    assert csms.station(ID).transactions == {}
    await agent.cmd("link", up=True)
    record = await all_ended(csms, len(played))
    assert list(record.transactions) == played
    assert energies_wh(record, played) == [1000] * len(played)
    assert offline_of(record) == [True] * waiting
    stamps = [told["timestamp"] for told in record.calls("TransactionEvent")]
    assert stamps == sorted(stamps)
    assert faults_of(record) == []
    assert duplicates_of(record) == 0
    await agent.cmd("settle")
    assert (await agent.cmd("status"))["waiting"] == 0


async def test_B04_FR_02_a_connector_that_changed_meanwhile_is_told_again(
    csms: PracticeCsms, agent: AgentInLoop
) -> None:
    await agent.start(csms.url, **OFFLINE_TOO)
    await csms.wait_for("StatusNotification", count=2)
    await agent.cmd("link", up=False)
    await agent.cmd("plug_in", evse=2)
    await agent.cmd("link", up=True)
    await csms.wait_for("StatusNotification", count=3)
    await agent.cmd("settle")
    assert csms.station(ID).statuses == {(1, 1): ["Available"], (2, 1): ["Available", "Occupied"]}
    assert len(csms.station(ID).boots) == 1  # B01: it has not rebooted


async def test_a_session_that_begins_online_and_ends_offline(csms: PracticeCsms, agent: AgentInLoop) -> None:
    await agent.start(csms.url)
    await csms.wait_for("StatusNotification", count=2)
    id_ = await begin(agent, 1, "ABCD")
    await csms.wait_for("TransactionEvent", count=2)
    await agent.cmd("link", up=False)
    await agent.cmd("meter", evse=1, energy_wh=4000)
    await finish(agent, 1, "ABCD")
    await agent.cmd("link", up=True)
    record = await all_ended(csms, 1)
    assert energies_wh(record, [id_]) == [4000]
    assert offline_of(record) == [False, False, True]
    assert faults_of(record) == []


async def test_a_driver_whom_nobody_knows_gets_nothing_offline_unless_that_is_allowed(
    csms: PracticeCsms, agent: AgentInLoop
) -> None:
    await agent.start(csms.url)
    await csms.wait_for("StatusNotification", count=2)
    await agent.cmd("link", up=False)
    await agent.cmd("plug_in", evse=1)
    await agent.cmd("swipe", token="ABCD", evse=1)
    assert (await agent.fact("TokenRefused", 1))["reason"] == "Offline"
    assert (await agent.cmd("status"))["evses"][0]["transaction"] is None


async def test_a_driver_whom_the_CSMS_refuses_afterwards_is_stopped(agent: AgentInLoop, csms: PracticeCsms) -> None:
    csms.answers.tokens["stolen"] = "Blocked"
    await agent.start(csms.url, **OFFLINE_TOO)
    await csms.wait_for("StatusNotification", count=2)
    await agent.cmd("link", up=False)
    await begin(agent, 1, "STOLEN")
    await agent.cmd("link", up=True)
    record = await all_ended(csms, 1)
    (told,) = record.transactions.values()
    assert told.events[-1]["transactionInfo"]["stoppedReason"] == "DeAuthorized"
    assert faults_of(record) == []


async def test_calls_of_the_CSMS_are_answered_while_the_queue_drains(agent: AgentInLoop) -> None:
    async with PracticeCsms(latency_s=0.02) as csms:
        await agent.start(csms.url, **OFFLINE_TOO)
        await csms.wait_for("StatusNotification", count=2)
        await agent.cmd("link", up=False)
        played = [await charge(agent, 1, "ABCD", 1000 * number) for number in range(1, 11)]
        await agent.cmd("link", up=True)
        await csms.wait_for("TransactionEvent", count=5)
        asked = {"requestedMessage": "Heartbeat"}
        assert await csms.call(ID, "TriggerMessage", asked) == {"status": "Accepted"}
        await csms.wait_for("Heartbeat")
        assert sum(told.ended for told in csms.station(ID).transactions.values()) < len(played)
        assert faults_of(await all_ended(csms, len(played))) == []


async def test_a_CSMS_that_restarts_again_and_again_hears_everything_once(
    csms: PracticeCsms, agent: AgentInLoop
) -> None:
    await agent.start(csms.url, **OFFLINE_TOO)
    await csms.wait_for("StatusNotification", count=2)
    record = csms.station(ID)

    played = []
    for number in range(1, 4):
        played.append(await begin(agent, 1, "ABCD"))
        stopping = asyncio.create_task(csms.stop())
        await agent.cmd("meter", evse=1, energy_wh=2000 * number - 1000)
        await finish(agent, 1, "ABCD")
        await stopping
        played.append(await begin(agent, 1, "ABCD"))
        await csms.start()
        await csms.wait_for(lambda: record.connected)
        await agent.cmd("meter", evse=1, energy_wh=2000 * number)
        await finish(agent, 1, "ABCD")
    await all_ended(csms, len(played))
    assert list(record.transactions) == played
    assert energies_wh(record, played) == [1000] * len(played)
    assert faults_of(record) == []
    await agent.cmd("settle")
    assert (await agent.cmd("status"))["waiting"] == 0


async def test_a_long_queue_is_sent_whole_and_in_order(csms: PracticeCsms, agent: AgentInLoop) -> None:
    """More than what is held in memory: the rest is read from the disk."""
    await agent.start(csms.url, **OFFLINE_TOO)
    await csms.wait_for("StatusNotification", count=2)
    await agent.cmd("link", up=False)
    played = [await charge(agent, 1, "ABCD", 10 * number) for number in range(1, 61)]
    assert (await agent.cmd("status"))["waiting"] > 150
    await agent.cmd("link", up=True)
    record = await all_ended(csms, len(played))
    assert list(record.transactions) == played
    assert energies_wh(record, played) == [10] * len(played)
    assert faults_of(record) == []
    assert duplicates_of(record) == 0
