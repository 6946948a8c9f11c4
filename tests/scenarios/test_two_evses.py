"""Two EVSEs at work at the same time, told to two CSMSs that share no code with the agent."""

import asyncio

from tests.csms.mobility import MobilityCsms
from tests.csms.practice import PracticeCsms
from tests.csms.waiting import Records
from tests.scenarios.sessions import all_ended, charge, duplicates_of, energies_wh, faults_of
from tests.scenarios.station import AgentProcess

SESSIONS = 10


async def ten_sessions_on_each(agent: AgentProcess, csms: Records) -> None:
    async def play(evse: int) -> list[str]:
        return [
            await charge(agent, evse, f"CARD{evse}{number:02}", register_wh=number * 1000 + evse)
            for number in range(1, SESSIONS + 1)
        ]

    await csms.wait_for("StatusNotification", count=2)
    played = await asyncio.gather(play(1), play(2))
    record = await all_ended(csms, 2 * SESSIONS)
    await agent.cmd("settle")
    assert faults_of(record) == []
    assert duplicates_of(record) == 0
    for evse, ids in enumerate(played, start=1):
        assert energies_wh(record, ids) == [1000 + evse, *[1000] * (SESSIONS - 1)]
        told = [record.transactions[id_] for id_ in ids]
        assert [transaction.id_token for transaction in told] == [f"CARD{evse}{n:02}" for n in range(1, SESSIONS + 1)]
        assert all(transaction.types.count("Ended") == 1 for transaction in told)
        assert record.statuses[evse, 1] == ["Available", *["Occupied", "Available"] * SESSIONS]


async def test_ten_sessions_on_each_of_two_EVSEs_against_the_practice_CSMS(
    csms: PracticeCsms, process: AgentProcess
) -> None:
    await process.start(csms.url)
    await ten_sessions_on_each(process, csms)


async def test_ten_sessions_on_each_of_two_EVSEs_against_a_CSMS_of_the_ocpp_library(process: AgentProcess) -> None:
    async with MobilityCsms() as csms:
        await process.start(csms.url)
        await ten_sessions_on_each(process, csms)
