"""The real process on a bad line: nothing is lost, everything comes in order, and no traceback is left behind."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

from tests.csms.practice import PracticeCsms
from tests.csms.record import StationRecord
from tests.scenarios.lossy.proxy import LossyProxy
from tests.scenarios.sessions import all_ended, begin, charge, energies_wh, faults_of, finish
from tests.scenarios.station import ID, AgentProcess

# As fast as the ranges allow: a dead line is noticed after two seconds, and closing it takes three more.
NERVOUS: dict[str, Any] = {
    "AuthCtrlr_OfflineTxForUnknownIdEnabled": True,
    "OCPPCommCtrlr_WebSocketPingInterval": 1,
    "OCPPCommCtrlr_MessageTimeout__Default": 2,
}


@asynccontextmanager
async def station_behind(folder: Path, **line: Any) -> AsyncIterator[tuple[AgentProcess, LossyProxy, PracticeCsms]]:
    """A CSMS, a proxy in front of it, and a station that knows only the proxy."""
    folder.mkdir()
    async with AsyncExitStack() as stack:
        csms = await stack.enter_async_context(PracticeCsms(message_timeout_s=2))
        port = int(csms.url.rpartition(":")[2].partition("/")[0])
        proxy = await stack.enter_async_context(LossyProxy(port, Random(4), **line))
        agent = await stack.enter_async_context(AgentProcess(folder))
        await agent.start(proxy.url, **NERVOUS)
        await csms.wait_for("StatusNotification", 20, count=2)
        yield agent, proxy, csms


async def told_well(csms: PracticeCsms, agent: AgentProcess, played: list[str], wh: int) -> StationRecord:
    """Everything came, once after de-duplication, in order, and nothing is left."""
    record = await all_ended(csms, len(played), 60)
    assert list(record.transactions) == played
    assert energies_wh(record, played) == [wh] * len(played)
    assert faults_of(record) == []
    await agent.cmd("settle")
    assert (await agent.cmd("status"))["waiting"] == 0
    return record


async def test_a_line_that_breaks_at_random_loses_nothing(folder: Path) -> None:
    async with station_behind(folder / "a", delay_s=(0.0, 0.02)) as (agent, proxy, csms):
        proxy.break_after(6, 14)
        played = []
        for number in range(1, 4):
            played.append(await charge(agent, 1, f"CARD{number}", 500 * number))
            await all_ended(csms, number, 60)
        proxy.break_after(None)
        await told_well(csms, agent, played, 500)
        assert proxy.broken >= 2


async def test_a_line_that_passes_single_bytes_on_changes_nothing(folder: Path) -> None:
    async with station_behind(folder / "a", single_bytes=True) as (agent, _, csms):
        played = [await charge(agent, 1, "ABCD", 500 * number) for number in range(1, 4)]
        record = await told_well(csms, agent, played, 500)
        assert record.connections == 1


async def dying_line(folder: Path, spoil: Callable[[LossyProxy], None]) -> None:
    """The line dies in the middle of a session; the station finds out by itself, and tells what happened meanwhile."""
    async with station_behind(folder) as (agent, proxy, csms):
        record = csms.station(ID)
        played = [await begin(agent, 1, "ABCD")]
        await csms.wait_for("TransactionEvent", count=2)
        spoil(proxy)
        await agent.cmd("meter", evse=1, energy_wh=500)
        await finish(agent, 1, "ABCD")
        await csms.wait_for(lambda: record.connections > 1, 30)
        proxy.release()
        played.append(await charge(agent, 1, "ABCD", 1000))
        await told_well(csms, agent, played, 500)
        first = record.transactions[played[0]]
        ended = [told for told in (*first.events, *first.duplicates) if told["eventType"] == "Ended"]
        assert ended[-1]["offline"] is True


async def test_a_line_that_dies_without_a_word_loses_nothing(folder: Path) -> None:
    """All four at once: each of them mostly waits."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(dying_line(folder / "deaf", lambda proxy: proxy.swallow("up")))
        tasks.create_task(dying_line(folder / "mute", lambda proxy: proxy.swallow("down")))
        tasks.create_task(dying_line(folder / "gone", lambda proxy: proxy.swallow("up", "down")))
        tasks.create_task(dying_line(folder / "late", lambda proxy: proxy.hold()))
