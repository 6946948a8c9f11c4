"""`variables` of the control socket: a technician sees the values that the CSMS is told, and no secret."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.csms.practice import PracticeCsms
from tests.scenarios.control import Refused
from tests.scenarios.station import ID, AgentInLoop, sim_board

SECRET = """
[[component]]
name = "Lockbox"

[[component.variables]]
name = "ServiceCode"
type = "string"
value = "factory secret"
mutability = "WriteOnly"
"""


@pytest.fixture
async def online(csms: PracticeCsms, agent: AgentInLoop) -> AgentInLoop:
    await agent.start(csms.url)
    await csms.wait_for("StatusNotification", count=2)
    return agent


async def asked(agent: AgentInLoop, **how: Any) -> list[dict[str, Any]]:
    variables: list[dict[str, Any]] = (await agent.cmd("variables", **how))["variables"]
    return variables


async def named(agent: AgentInLoop, **how: Any) -> list[str]:
    return [each["name"] for each in await asked(agent, **how)]


def reported(report: dict[str, Any]) -> tuple[Any, ...]:
    component, evse = report["component"], report["component"].get("evse", {})
    attribute = report["variableAttribute"][0]
    return (
        component["name"],
        component.get("instance"),
        evse.get("id"),
        evse.get("connectorId"),
        report["variable"]["name"],
        report["variable"].get("instance"),
        attribute.get("value"),
        attribute.get("mutability", "ReadWrite"),
        report["variableCharacteristics"].get("unit"),
    )


def told(variable: dict[str, Any]) -> tuple[Any, ...]:
    place = ("component", "component_instance", "evse", "connector", "variable", "instance")
    return tuple(variable[each] for each in (*place, "value", "mutability", "unit"))


async def test_the_variables_are_those_of_the_full_report(csms: PracticeCsms, online: AgentInLoop) -> None:
    await csms.call(ID, "GetBaseReport", {"requestId": 1, "reportBase": "FullInventory"})
    pages = [await csms.wait_for("NotifyReport")]
    while pages[-1].get("tbc"):
        pages.append(await csms.wait_for("NotifyReport", count=len(pages) + 1))
    live = {"DateTime"}  # goes on
    of_the_csms = {reported(each) for page in pages for each in page["reportData"]}
    of_the_shell = {told(each) for each in await asked(online, limit=2000)}
    assert {each for each in of_the_csms ^ of_the_shell if each[4] not in live} == set()
    assert len(of_the_shell) > 100


async def test_a_secret_is_never_told(csms: PracticeCsms, folder: Path) -> None:
    async with AgentInLoop(folder, sim_board(folder, SECRET)) as agent:
        await agent.start(csms.url)
        await csms.wait_for("StatusNotification", count=2)
        for value in ("factory secret", "secret of today"):
            await agent.cmd("set_variable", component="Lockbox", variable="ServiceCode", value=value)
            (code,) = await asked(agent, component="lockbox")
            assert (code["name"], code["mutability"]) == ("Lockbox.ServiceCode", "WriteOnly")
            assert (code["value"], code["default"], code["changed"]) == (None, None, value != "factory secret")
            assert "secret" not in json.dumps(code)


@pytest.mark.parametrize(
    ("how", "names"),
    [
        ({"text": "evconnectiontimeout"}, ["TxCtrlr.EVConnectionTimeOut"]),
        ({"text": "EVSE(2).Avail"}, ["EVSE(2).AvailabilityState", "EVSE(2).Available"]),
        ({"text": "Connector(2, 1).SupplyPhases"}, ["Connector(2,1).SupplyPhases"]),
        ({"text": "MessageTimeout[def"}, ["OCPPCommCtrlr.MessageTimeout[Default]"]),
        ({"component": "evse", "evse": 2, "variable": "POWER"}, ["EVSE(2).Power"]),
        ({"variable": "Power"}, ["EVSE(1).Power", "EVSE(2).Power"]),
        ({"component": "EVS"}, []),
        ({"evse": 9}, []),
    ],
)
async def test_what_is_asked_for_is_found(online: AgentInLoop, how: dict[str, Any], names: list[str]) -> None:
    assert await named(online, **how) == names


async def test_what_was_changed_is_told_beside_its_default(csms: PracticeCsms, online: AgentInLoop) -> None:
    place = {"component": {"name": "TxCtrlr"}, "variable": {"name": "EVConnectionTimeOut"}}
    before = await named(online, changed=True)
    assert "TxCtrlr.EVConnectionTimeOut" not in before
    await csms.call(ID, "SetVariables", {"setVariableData": [{**place, "attributeValue": "77"}]})
    (variable,) = await asked(online, text="EVConnectionTimeOut", changed=True)
    assert (variable["value"], variable["default"], variable["changed"]) == ("77", "60", True)
    await online.cmd("unset_variable", component="TxCtrlr", variable="EVConnectionTimeOut")
    assert await named(online, changed=True) == before


async def test_a_live_value_is_as_it_is_now_and_has_no_default(online: AgentInLoop) -> None:
    await online.cmd("plug_in", evse=2)
    await online.fact("EvConnected", 2)
    (state,) = await asked(online, component="EVSE", variable="AvailabilityState", evse=2)
    assert (state["value"], state["default"], state["changed"], state["mutability"]) == (
        "Occupied",
        None,
        False,
        "ReadOnly",
    )


async def test_many_come_in_pages(online: AgentInLoop) -> None:
    whole = await online.cmd("variables")
    assert whole["total"] == len(whole["variables"])
    pages = [await named(online, skip=skip, limit=40) for skip in range(0, whole["total"], 40)]
    assert [name for page in pages for name in page] == [each["name"] for each in whole["variables"]]
    assert (await online.cmd("variables", skip=10_000))["variables"] == []


@pytest.mark.parametrize("how", [{"limit": 0}, {"limit": 2001}, {"skip": -1}, {"text": 5}, {"changed": "maybe"}])
async def test_what_cannot_be_asked_is_refused(online: AgentInLoop, how: dict[str, Any]) -> None:
    with pytest.raises(Refused, match=r"variables: .* it takes text, component, variable, evse, changed, skip, limit"):
        await online.cmd("variables", **how)
