"""`log` of the control socket: what happened before anybody looked, also while the station is off."""

from __future__ import annotations

import pytest

from tests.csms.practice import PracticeCsms
from tests.scenarios.control import Refused
from tests.scenarios.station import AgentInLoop


async def test_the_newest_lines_with_a_word_in_them_are_told_oldest_first(
    csms: PracticeCsms, agent: AgentInLoop
) -> None:
    await agent.start(csms.url)
    await csms.wait_for("StatusNotification", count=2)
    await agent.cmd("plug_in", evse=1)
    await agent.fact("EvConnected", 1)
    await agent.cmd("stop")
    lines = (await agent.cmd("log"))["lines"]
    said = [item["line"] for item in lines]
    assert "= connected to the CSMS, speaking ocpp2.0.1" in said
    assert said.index("= connected to the CSMS, speaking ocpp2.0.1") < said.index("< evse 1 vehicle connected")
    assert [item["at"] for item in lines] == sorted(item["at"] for item in lines)
    assert [item["line"] for item in (await agent.cmd("log", text="VEHICLE conn"))["lines"]] == [
        "< evse 1 vehicle connected"
    ]
    assert (await agent.cmd("log", limit=1))["lines"] == lines[-1:]
    assert (await agent.cmd("log", text="nobody says this"))["lines"] == []


@pytest.mark.parametrize("limit", [0, 5001, "all"])
async def test_a_number_that_makes_no_sense_is_refused(agent: AgentInLoop, limit: object) -> None:
    with pytest.raises(Refused, match="limit"):
        await agent.cmd("log", limit=limit)
