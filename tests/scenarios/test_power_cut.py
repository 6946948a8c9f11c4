"""The power goes at any moment: SIGKILL, restart on the same flash, and the CSMS hears all of it in order."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.csms import misbehaviour as wrong
from tests.csms.answers import Answers
from tests.csms.practice import PracticeCsms
from tests.csms.record import StationRecord
from tests.scenarios.sessions import all_ended, begin, charge, duplicates_of, energies_wh, faults_of, visit
from tests.scenarios.station import ID, AgentInLoop, AgentProcess

# Whoever comes may charge, at once: nothing waits for an answer of the CSMS.
FREE: dict[str, Any] = {"AuthCtrlr_Enabled": False, "TxCtrlr_TxBeforeAcceptedEnabled": True}


async def kill_and_start(agent: AgentProcess, csms: PracticeCsms) -> None:
    await agent.kill()
    await agent.spawn()
    await agent.start(csms.url)


async def on_disk(csms: PracticeCsms) -> None:
    """An answer goes out when all that was decided before it is on disk: ask for something."""
    named = {"component": {"name": "TxCtrlr"}, "variable": {"name": "EVConnectionTimeOut"}}
    for value in ("61", "62"):
        await csms.call(ID, "SetVariables", {"setVariableData": [{**named, "attributeValue": value}]})


async def test_what_was_made_before_anybody_took_it_survives(process: AgentProcess) -> None:
    async with PracticeCsms(answers=Answers(boots=[("Pending", 300)])) as csms:
        await process.start(csms.url, **FREE)
        await csms.wait_for(lambda: csms.station(ID).registration == "Pending")
        played = [await visit(process, 1, 1000 * number) for number in range(1, 4)]
        await on_disk(csms)
        assert csms.station(ID).transactions == {}
        await kill_and_start(process, csms)
        record = await all_ended(csms, len(played))
        assert list(record.transactions) == played
        assert energies_wh(record, played) == [1000] * len(played)
        assert all(told["offline"] for told in record.calls("TransactionEvent"))
        assert faults_of(record) == []


async def test_a_queue_of_a_hundred_is_drained_over_four_power_cuts(process: AgentProcess) -> None:
    async with PracticeCsms(answers=Answers(boots=[("Pending", 300)]), latency_s=0.002) as csms:
        await process.start(csms.url, **FREE)
        await csms.wait_for(lambda: csms.station(ID).registration == "Pending")
        played = [await visit(process, 1, 1000 * number) for number in range(1, 36)]
        await on_disk(csms)
        assert (await process.cmd("status"))["waiting"] > 100
        for heard in (1, 30, 31, 70):
            await kill_and_start(process, csms)
            await csms.wait_for("TransactionEvent", count=heard)
        record = await all_ended(csms, len(played))
        assert list(record.transactions) == played
        assert energies_wh(record, played) == [1000] * len(played)
        assert faults_of(record) == []
        await process.cmd("settle")
        assert (await process.cmd("status"))["waiting"] == 0


async def cable_in(agent: AgentProcess) -> None:
    await agent.cmd("plug_in", evse=1)


async def charging(agent: AgentProcess) -> None:
    await begin(agent, 1, "ABCD")


async def card_out(agent: AgentProcess) -> None:
    await begin(agent, 1, "ABCD")
    await agent.cmd("swipe", token="ABCD", evse=1)


async def cable_out(agent: AgentProcess) -> None:
    await begin(agent, 1, "ABCD")
    await agent.cmd("unplug", evse=1)


@pytest.mark.parametrize("moment", [cable_in, charging, card_out, cable_out])
async def test_a_kill_at_any_moment_of_a_session_leaves_no_transaction_open(
    csms: PracticeCsms, process: AgentProcess, moment: Callable[[AgentProcess], Awaitable[None]]
) -> None:
    """What the disk had not taken yet has never been; what the CSMS has heard of gets its end."""
    await process.start(csms.url)
    await csms.wait_for("StatusNotification", count=2)
    await moment(process)
    await kill_and_start(process, csms)
    await csms.wait_for("BootNotification", count=2)
    await csms.wait_for("StatusNotification", where=lambda told: told["evseId"] == 2, count=2)
    last = await charge(process, 2, "NEXT", 1000)
    record = csms.station(ID)
    await csms.wait_for(lambda: last in record.transactions and record.transactions[last].ended)
    await process.cmd("settle")
    assert all(told.ended for told in record.transactions.values())
    assert faults_of(record) == []


async def test_a_kill_between_sending_and_the_answer_says_it_again(csms: PracticeCsms, process: AgentProcess) -> None:
    csms.script.add(wrong.never_answer, "TransactionEvent")
    await process.start(csms.url)
    await csms.wait_for("StatusNotification", count=2)
    await charge(process, 1, "ABCD", 1000)
    await csms.wait_for("TransactionEvent")
    await kill_and_start(process, csms)
    record = await all_ended(csms, 1)
    assert faults_of(record) == []
    assert duplicates_of(record) == 1


def last_of(record: StationRecord, id_: str) -> tuple[str, str]:
    last = record.transactions[id_].events[-1]
    return last["triggerReason"], last["transactionInfo"]["stoppedReason"]


async def test_a_power_cycle_in_a_session_ends_it_with_what_the_meter_showed(
    csms: PracticeCsms, agent: AgentInLoop
) -> None:
    await agent.start(csms.url)
    await csms.wait_for("StatusNotification", count=2)
    id_ = await begin(agent, 1, "ABCD")
    await agent.cmd("meter", evse=1, energy_wh=1500)
    asked = {"requestedMessage": "TransactionEvent"}
    assert await csms.call(ID, "TriggerMessage", asked) == {"status": "Accepted"}
    await agent.cmd("power_cycle", off_ms=10)
    record = await all_ended(csms, 1)
    assert last_of(record, id_) == ("AbnormalCondition", "PowerLoss")
    assert energies_wh(record, [id_]) == [1500]
    await csms.wait_for(lambda: record.statuses[1, 1] == ["Available", "Occupied", "Occupied"])  # still plugged in
    status = (await agent.cmd("status"))["evses"][0]
    assert (status["plugged"], status["transaction"], status["authorized"]) == (True, None, None)
    await agent.cmd("unplug", evse=1)
    await charge(agent, 1, "ABCD", 2000)
    assert faults_of(await all_ended(csms, 2)) == []


async def test_a_station_that_is_off_says_nothing_and_no_contactor_closes(
    csms: PracticeCsms, agent: AgentInLoop
) -> None:
    await agent.start(csms.url)
    await csms.wait_for("StatusNotification", count=2)
    await agent.cmd("stop")
    await csms.wait_for(lambda: not csms.station(ID).connected)
    status = await agent.cmd("status")
    assert (status["on"], status["connected"], status["evses"]) == (False, False, [])
    await agent.start(csms.url)
    await csms.wait_for("StatusNotification", count=4)
    await charge(agent, 1, "ABCD", 1000)
    assert faults_of(await all_ended(csms, 1)) == []


async def test_a_start_in_the_dark_of_a_power_cycle_makes_one_station(csms: PracticeCsms, agent: AgentInLoop) -> None:
    await agent.start(csms.url)
    await csms.wait_for("StatusNotification", count=2)
    cycle = asyncio.create_task(agent.cmd("power_cycle", off_ms=150))
    await csms.wait_for(lambda: not csms.station(ID).connected)
    await agent.start(csms.url)
    await cycle
    await csms.wait_for("StatusNotification", count=4)
    await charge(agent, 1, "ABCD", 1000)
    await agent.cmd("settle")
    assert csms.station(ID).connections == 2
    assert faults_of(await all_ended(csms, 1)) == []


async def test_a_stop_in_the_dark_of_a_power_cycle_keeps_it_dark(csms: PracticeCsms, agent: AgentInLoop) -> None:
    await agent.start(csms.url)
    await csms.wait_for("StatusNotification", count=2)
    cycle = asyncio.create_task(agent.cmd("power_cycle", off_ms=100))
    await csms.wait_for(lambda: not csms.station(ID).connected)
    await agent.cmd("stop")
    await cycle
    assert (await agent.cmd("status"))["on"] is False


async def test_SIGTERM_leaves_nothing_behind_that_is_not_on_disk(csms: PracticeCsms, process: AgentProcess) -> None:
    await csms.stop()
    await process.start(csms.url, **FREE)
    played = [await visit(process, 1, 1000 * number) for number in range(1, 4)]
    assert await process.end() == 0
    await csms.start()
    await process.spawn()
    await process.start(csms.url)
    record = await all_ended(csms, len(played))
    assert list(record.transactions) == played
    assert energies_wh(record, played) == [1000] * len(played)
    assert faults_of(record) == []
