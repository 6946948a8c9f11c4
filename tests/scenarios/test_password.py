"""Certification cases of A01 on a whole station: the password as the CSMS reads it in the upgrade request."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.csms.practice import PracticeCsms
from tests.scenarios.station import ID, AgentInLoop, AgentProcess

CONFIGURED, NEW = "sixteen letters!", "a-new-password-*_=:+|@."


@pytest.fixture
async def csms() -> AsyncIterator[PracticeCsms]:
    """It takes the station by its configured password, and by no other."""
    async with PracticeCsms(passwords={ID: CONFIGURED}) as csms:
        yield csms


async def booted(csms: PracticeCsms, agent: AgentInLoop) -> None:
    await agent.start(csms.url, station={"security_profile": 1, "password": CONFIGURED})
    await csms.wait_for("StatusNotification", count=2)


async def set_password(csms: PracticeCsms, password: str) -> str:
    variable = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
    told = await csms.call(ID, "SetVariables", {"setVariableData": [{**variable, "attributeValue": password}]})
    return str(told["setVariableResult"][0]["attributeStatus"])


async def connected_again(csms: PracticeCsms, connections: int) -> None:
    await csms.wait_for(lambda: csms.station(ID).connections == connections)


async def test_TC_A_01_CS_the_station_says_who_it_is_by_its_password(csms: PracticeCsms, agent: AgentInLoop) -> None:
    await booted(csms, agent)
    assert csms.station(ID).connections == 1


async def test_TC_A_09_CS_a_new_password_is_used_at_once(csms: PracticeCsms, agent: AgentInLoop, folder: Path) -> None:
    await booted(csms, agent)
    csms.passwords[ID] = NEW
    assert await set_password(csms, NEW) == "Accepted"  # 1, 2
    await connected_again(csms, 2)  # 3, 4; no boot behind Accepted
    assert len(csms.station(ID).attempts_s) == 2
    await agent.cmd("power_cycle")
    await csms.wait_for("StatusNotification", count=4)
    assert NEW not in "\n".join(agent.log.items)  # A01.FR.12


async def test_TC_A_10_CS_a_password_that_is_too_short_changes_nothing(csms: PracticeCsms, agent: AgentInLoop) -> None:
    await booted(csms, agent)
    assert await set_password(csms, "fifteen letters") == "Rejected"  # 1, 2
    await agent.cmd("power_cycle")
    await csms.wait_for("StatusNotification", count=4)  # 3 to 5, with the old one


async def test_a_csms_that_forgot_the_new_password_gets_its_station_back(
    csms: PracticeCsms, agent: AgentInLoop
) -> None:
    await booted(csms, agent)
    assert await set_password(csms, NEW) == "Accepted"
    await connected_again(csms, 2)
    assert len(csms.station(ID).attempts_s) == 3


async def test_A01_FR_10_nobody_else_may_read_what_the_password_is_kept_in(csms: PracticeCsms, folder: Path) -> None:
    async with AgentProcess(folder) as agent:
        await agent.start(csms.url, station={"security_profile": 1, "password": CONFIGURED})
        await csms.wait_for("StatusNotification", count=2)
        csms.passwords[ID] = NEW
        assert await set_password(csms, NEW) == "Accepted"
        await connected_again(csms, 2)
        files = [path for path in agent.data.rglob("*") if path.is_file()]
        assert any(NEW.encode() in path.read_bytes() for path in files)
        assert {path.name for path in files if path.stat().st_mode & 0o077} == set()
