"""The role that a socket grants: what only looks is taken, everything else is refused and does nothing."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import get_args

import pytest

from agent.shell.commands import Commands, Role
from agent.shell.words import SAYS
from tests.csms.practice import PracticeCsms
from tests.scenarios.control import ControlClient, Refused
from tests.scenarios.station import AgentInLoop, ended

ABOVE = [name for name, (role, _, _) in Commands.table.items() if role != "observe"]


@pytest.fixture
async def looking(csms: PracticeCsms, agent: AgentInLoop, folder: Path) -> AsyncIterator[ControlClient]:
    """A client of the second socket of a station that is online."""
    await agent.machine._serve(folder / "observe", "observe")
    await agent.start(csms.url)
    await csms.wait_for("StatusNotification", count=2)
    client = await ControlClient.connect(folder / "observe")
    yield client
    await client.close()


@pytest.mark.parametrize("name", ABOVE)
async def test_what_does_more_than_look_is_refused_with_the_role_that_it_needs(
    looking: ControlClient, name: str
) -> None:
    role = Commands.table[name][0]
    with pytest.raises(Refused) as refused:
        await looking.cmd(name, evse=1, token="ABCD", limit_a=0)
    assert str(refused.value) == f"{name} is for the role {role}, and this socket grants observe"


async def test_a_refused_command_has_done_nothing(looking: ControlClient, agent: AgentInLoop) -> None:
    for name, arguments in (("plug_in", {"evse": 1}), ("limit", {"evse": 1, "limit_a": 0}), ("stop", {})):
        with pytest.raises(Refused, match="role"):
            await looking.cmd(name, **arguments)
    evse = (await agent.cmd("status"))["evses"][0]
    assert (evse["plugged"], evse["limits"]["offer_a"]) == (False, 32.0)


async def test_everything_that_looks_is_taken(looking: ControlClient) -> None:
    for name, (role, _, _) in Commands.table.items():
        if role == "observe":
            assert (await looking.cmd(name))["ok"]
    assert (await looking.cmd("watch", topics=["facts"]))["ok"]


async def test_an_unknown_command_is_unknown_here_too(looking: ControlClient) -> None:
    with pytest.raises(Refused, match="unknown command 'fly'"):
        await looking.cmd("fly")


async def test_the_first_socket_takes_everything_as_before(looking: ControlClient, agent: AgentInLoop) -> None:
    await agent.cmd("plug_in", evse=1)
    await agent.fact("EvConnected", 1)


async def test_help_lists_what_the_socket_takes(looking: ControlClient, agent: AgentInLoop) -> None:
    few, all_ = await looking.cmd("help"), await agent.cmd("help")
    assert (few["role"], all_["role"]) == ("observe", "bench")
    assert {each["role"] for each in few["commands"]} == {"observe"}
    assert {each["cmd"] for each in all_["commands"]} == {*Commands.table, "watch"} == set(SAYS)
    assert {each["role"] for each in all_["commands"]} == set(get_args(Role))
    told = {each["cmd"]: each for each in all_["commands"]}
    assert told["plug_in"]["arguments"] == [
        {"name": "evse", "required": True, "default": None},
        {"name": "connector", "required": False, "default": 1},
        {"name": "ev", "required": False, "default": {}},
    ]
    assert told["watch"]["arguments"][0]["default"] == ["ocpp", "hal", "facts", "log"]


async def test_nobody_else_may_use_the_second_socket(looking: ControlClient, folder: Path) -> None:
    assert (folder / "observe").stat().st_mode & 0o777 == 0o660


async def test_both_sockets_are_gone_with_the_agent(folder: Path) -> None:
    async with AgentInLoop(folder) as agent:
        await agent.machine._serve(folder / "observe", "observe")
        assert (folder / "observe").is_socket()
    assert not (folder / "observe").exists()
    assert not (folder / "control").exists()


async def test_one_path_for_both_is_an_error(folder: Path) -> None:
    path = str(folder / "one")
    status, told = await ended(
        "run", "--wait", "--data", str(folder / "d"), "--control", path, "--control-observe", path
    )
    assert (status, told) == (2, [f"station-agent: control socket {path}: another agent listens there"])
