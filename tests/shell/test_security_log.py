"""`security_log` of the control socket: the newest entries, those included that were just written."""

import pytest

from tests.csms.practice import PracticeCsms
from tests.scenarios.control import Refused
from tests.scenarios.station import AgentInLoop


async def test_the_newest_entries_are_told_oldest_first(csms: PracticeCsms, agent: AgentInLoop) -> None:
    await agent.start(csms.url)
    await csms.wait_for("StatusNotification", count=2)
    (first,) = (await agent.cmd("security_log"))["events"]
    assert (first["id"], first["type"], first["time_known"]) == (1, "StartupOfTheDevice", True)
    assert first["at"].endswith("Z")
    for times in (2, 3):
        await agent.cmd("power_cycle")
        await csms.wait_for("BootNotification", count=times)
        events = (await agent.cmd("security_log"))["events"]  # on disk, before the power is cut again
    ids = [event["id"] for event in events]
    assert ids == sorted(ids)
    assert [event["type"] for event in events].count("StartupOfTheDevice") == 3
    assert (await agent.cmd("security_log", limit=1))["events"] == events[-1:]


@pytest.mark.parametrize("limit", [0, 5001, "all"])
async def test_a_number_that_makes_no_sense_is_refused(csms: PracticeCsms, agent: AgentInLoop, limit: object) -> None:
    await agent.start(csms.url)
    with pytest.raises(Refused, match="limit"):
        await agent.cmd("security_log", limit=limit)


async def test_a_file_that_cannot_be_read_is_one_line(csms: PracticeCsms, agent: AgentInLoop) -> None:
    await agent.start(csms.url)
    await csms.wait_for("StatusNotification", count=2)
    assert agent.machine.station is not None
    agent.machine.station.data = agent.data / "nowhere"
    with pytest.raises(Refused, match="the security log cannot be read: unable to open database file"):
        await agent.cmd("security_log")
