"""Limits of a whole station, set and asked for at the control socket: what is offered, why, and what the CSMS hears."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.csms.practice import PracticeCsms
from tests.scenarios.control import Answer, Refused
from tests.scenarios.sessions import all_ended, begin, faults_of, finish
from tests.scenarios.station import ID, AgentInLoop, sim_board

VOLTS, PHASES = 230.0, 3
EV = {"current_a": 32, "cable_a": 32}
BUILDING_AND_HEAT = """
[[evse.limit]]
source = "site"
fallback_a = 10
lease_s = 3600

[[evse.thermometer]]
spot = "inlet"
driver = "sim_thermometer"
bus = "world"
derate = { from_c = 60, to_c = 80, stop_c = 90 }
"""


@pytest.fixture
async def online(csms: PracticeCsms, folder: Path) -> AsyncIterator[AgentInLoop]:
    """The second EVSE has a building that must speak every hour, and a thermometer."""
    async with AgentInLoop(folder, sim_board(folder, BUILDING_AND_HEAT)) as agent:
        await agent.start(csms.url)
        await csms.wait_for("StatusNotification", count=2)
        yield agent


async def limits(agent: AgentInLoop, evse: int) -> Answer:
    told: Answer = (await agent.cmd("status"))["evses"][evse - 1]["limits"]
    return told


def told_of(csms: PracticeCsms, id_: str) -> list[tuple[str, str]]:
    """Of each event after the first: why it was told, and the charging state."""
    transaction = csms.station(ID).transactions.get(id_)
    events = [] if transaction is None else transaction.events[1:]
    return [(event["triggerReason"], event["transactionInfo"].get("chargingState", "")) for event in events]


async def offers(agent: AgentInLoop, evse: int, limit_a: float) -> None:
    """Wait until a vehicle may be offered just this."""
    while (await agent.fact("LimitChanged", evse))["limit_a"] != limit_a:
        continue


async def power_w(agent: AgentInLoop, evse: int) -> float:
    return float((await agent.cmd("status"))["evses"][evse - 1]["power_w"])


async def test_a_technician_limits_a_session_pauses_it_and_lets_it_go_on(
    csms: PracticeCsms, online: AgentInLoop
) -> None:
    id_ = await begin(online, 1, "ABCD", EV)
    assert await power_w(online, 1) == VOLTS * PHASES * 32
    answer = await online.cmd("limit", evse=1, limit_a=16)
    assert answer["limits"]["offer_a"] == 16
    assert await power_w(online, 1) == VOLTS * PHASES * 16
    await csms.wait_for(lambda: told_of(csms, id_)[-1:] == [("ChargingRateChanged", "Charging")])

    await online.cmd("limit", evse=1, limit_w=3000)  # 4.3 A on three phases
    await online.fact("PowerPathOpened", 1)
    await csms.wait_for(lambda: told_of(csms, id_)[-1:] == [("ChargingStateChanged", "SuspendedEVSE")])
    assert await power_w(online, 1) == 0

    await online.cmd("limit", evse=1, limit_w=3000, phases=1)  # 13 A on one
    await online.fact("PowerPathClosed", 1)
    await csms.wait_for(lambda: told_of(csms, id_)[-1:] == [("ChargingStateChanged", "Charging")])
    assert await power_w(online, 1) == pytest.approx(3000)

    assert (await online.cmd("limit", evse=1))["limits"]["offer_a"] == 32
    await finish(online, 1, "ABCD")
    assert faults_of(await all_ended(csms, 1)) == []


async def test_status_says_what_is_in_force_why_since_when_until_when_and_what_would_change_it(
    online: AgentInLoop,
) -> None:
    assert (await limits(online, 2))["offer_a"] == 10
    await online.cmd("limit", evse=2, source="local", limit_a=[20, 13, 20])
    await online.cmd("limit", evse=2, source="site", limit_a=16)
    told = await limits(online, 2)
    assert (told["offer_a"], told["phases"]) == (13, 3)
    first, second, _ = told["in_force"]
    assert (first["phase"], first["limit_a"], first["sources"]) == ("L1", 16, ["site"])
    assert (first["next_a"], first["next_sources"]) == (20, ["local"])
    assert (second["limit_a"], second["sources"], second["until"]) == (13, ["local"], None)
    assert first["since"] < first["until"]
    said = {each["source"]: each for each in told["sources"]}
    assert list(said) == ["board", "temperature:inlet", "local", "site"]
    assert (said["site"]["silent"], said["site"]["fallback_a"]) == (False, [10, 10, 10])
    assert said["temperature:inlet"]["limit_a"] == [None, None, None]


async def test_a_building_that_falls_silent_while_it_charges_leaves_its_fallback(
    csms: PracticeCsms, online: AgentInLoop
) -> None:
    id_ = await begin(online, 2, "ABCD", EV)
    await online.cmd("limit", evse=2, source="site", limit_a=20, lease_s=0.2)
    await offers(online, 2, 20)
    await offers(online, 2, 10)
    told = await limits(online, 2)
    assert told["in_force"][0]["sources"] == ["site"]
    assert [each["silent"] for each in told["sources"] if each["source"] == "site"] == [True]
    assert await power_w(online, 2) == VOLTS * PHASES * 10
    rates = [("ChargingRateChanged", "Charging")] * 2
    await csms.wait_for(lambda: told_of(csms, id_)[-2:] == rates)
    assert (await limits(online, 1))["offer_a"] == 32


async def test_heat_pauses_one_EVSE_and_not_the_other(csms: PracticeCsms, online: AgentInLoop) -> None:
    cool, hot = await begin(online, 1, "ABCD", EV), await begin(online, 2, "EFGH", EV)
    await online.cmd("temperature", evse=2, spot="inlet", celsius=95)
    await online.fact("PowerPathOpened", 2)
    await csms.wait_for(lambda: told_of(csms, hot)[-1:] == [("ChargingStateChanged", "SuspendedEVSE")])
    assert (await limits(online, 2))["in_force"][0]["sources"] == ["temperature:inlet"]
    await csms.wait_for(lambda: told_of(csms, cool)[-1:] == [("ChargingStateChanged", "Charging")])
    assert (await limits(online, 1))["offer_a"] == 32
    await online.cmd("temperature", evse=2, spot="inlet", celsius=30)
    await online.fact("PowerPathClosed", 2)
    await csms.wait_for(lambda: told_of(csms, hot)[-1:] == [("ChargingStateChanged", "Charging")])


async def test_a_limit_for_good_holds_after_a_power_cut(online: AgentInLoop) -> None:
    await online.cmd("limit", evse=1, limit_a=13)
    await online.cmd("power_cycle")
    assert (await limits(online, 1))["offer_a"] == 13


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"evse": 9, "limit_a": 16}, "no such evse 9; there are 1, 2"),
        ({"evse": 1, "limit_a": -1}, "limit_a"),
        ({"evse": 1, "limit_a": 501}, "limit_a"),
        ({"evse": 1, "limit_a": [16, 16]}, "2 currents; evse 1 has 3 phases"),
        ({"evse": 1, "limit_a": 16, "limit_w": 11000}, "limit_a and limit_w"),
        ({"evse": 1, "limit_a": 16, "phases": 4}, "phases"),
        ({"evse": 1, "limit_a": 16, "lease_s": 0}, "lease_s"),
        ({"evse": 1, "lease_s": 60}, "lease_s of what"),
        ({"evse": 1, "limit_a": 16, "source": "board"}, "source"),
    ],
)
async def test_a_limit_that_makes_no_sense_is_refused_and_changes_nothing(
    agent: AgentInLoop, arguments: dict[str, Any], words: str
) -> None:
    await agent.cmd("start")
    before = await limits(agent, 1)
    with pytest.raises(Refused) as refused:
        await agent.cmd("limit", **arguments)
    assert words in str(refused.value)
    assert await limits(agent, 1) == before
