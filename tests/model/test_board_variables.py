"""Components and variables of a board file: told, set and kept like ours; what is wrong with them has its place."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from agent.errors import StartFailed
from agent.given import declare_own
from agent.model.device import DeviceModel, Spot
from agent.ocpp.messages.b_provisioning import ChargingStation
from agent.session.layout import EvseLayout
from agent.station import Station
from board.descriptor import BoardError, read_board
from tests.csms.practice import PracticeCsms
from tests.scenarios.station import ID, AgentInLoop, sim_board

LIGHTS = """
[[component]]
name = "BeaconLighting"
instance = "roof"
evse = 2

[[component.variables]]
name = "Color"
type = "OptionList"
values = ["white", "green"]

[[component.variables]]
name = "Percent"
type = "integer"
unit = "Percent"
low = 10
high = 100
value = "80"

[[component]]
name = "EVSE"
evse = 1

[[component.variables]]
name = "Height"
type = "decimal"
unit = "m"
value = "1.25"
mutability = "ReadOnly"

[[component.variables]]
name = "ServiceCode"
type = "string"
high = 8
mutability = "WriteOnly"
"""
COLOR, PERCENT = (
    Spot("BeaconLighting", "Color", None, 2, None, "roof"),
    Spot("BeaconLighting", "Percent", None, 2, None, "roof"),
)


def model_of(folder: Path, more: str) -> DeviceModel:
    board = read_board(sim_board(folder, more))
    station = Station((EvseLayout(1), EvseLayout(2)), ChargingStation(model="-", vendor_name="-"), Random(0))
    declare_own(board, station.model)
    return station.model


def test_they_have_their_place_their_first_value_and_their_range(folder: Path):
    model = model_of(folder, LIGHTS)
    assert model.read(COLOR) == ("Accepted", "white")
    assert model.write(COLOR, "green") == ("Accepted", "")
    assert model.write(COLOR, "red")[0] == "Rejected"
    assert model.read(PERCENT) == ("Accepted", "80")
    assert model.write(PERCENT, "9")[0] == "Rejected"
    assert model.write(Spot("EVSE", "Height", evse=1), "2") == ("Rejected", "EVSE.Height is read-only")
    assert model.write(Spot("EVSE", "ServiceCode", evse=1), "secret") == ("Accepted", "")
    assert model.read(Spot("EVSE", "ServiceCode", evse=1)) == ("Rejected", "")
    assert model.read(Spot("BeaconLighting", "Color", evse=2))[0] == "UnknownComponent"


BAD: dict[str, tuple[str, str, str]] = {
    "of no EVSE": ("evse = 2", "evse = 9", r"\$\.component\[0\]\.evse: no evse 9; there are 2"),
    "connector of no EVSE": ("evse = 2", "connector = 1", r"\$\.component\[0\]\.connector: 1 of which evse"),
    "no such connector": ("evse = 2", "evse = 2\nconnector = 4", r"\$\.component\[0\]\.connector: no 4; there are 1"),
    "unknown key": ("low = 10", "lowest = 10", r"`lowest`.*\$\.component\[0\]\.variables.*keys: name, type, value"),
    "unknown type": ('"decimal"', '"float"', r"'float'.*\$\.component\[1\]\.variables"),
    "no variables": (
        LIGHTS,
        '[[component]]\nname = "X"\nvariables = []',
        r"length >= 1.*\$\.component\[0\]\.variables",
    ),
    "value out of range": ('"80"', '"8"', r"^component\[0\]\.variables\[1\]\.value: .*not between 10.* and 100"),
    "range of a list": ("low = 10", "values = ['a']", r"^component\[0\]\.variables\[1\]\.values: integer has none"),
    "there already": ('"Height"', '"Power"', r"^component\[1\]\.variables\[0\]\.name: EVSE\.Power is there already"),
    "twice": ('"Percent"\ntype', '"color"\ntype', r"^component\[0\]\.variables\[1\]\.name: .*there already"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_one_line_with_its_place(folder: Path, name: str):
    there, instead, told = BAD[name]
    assert there in LIGHTS
    with pytest.raises((BoardError, StartFailed), match=told) as refused:
        model_of(folder, LIGHTS.replace(there, instead, 1))
    assert "\n" not in str(refused.value)


async def test_a_csms_reads_sets_and_finds_again_what_a_board_file_added(csms: PracticeCsms, folder: Path):
    async with AgentInLoop(folder, sim_board(folder, LIGHTS)) as agent:
        await agent.start(csms.url)
        await csms.wait_for("StatusNotification", count=2)
        place = {"component": {"name": "BeaconLighting", "instance": "roof", "evse": {"id": 2}}}
        item = {**place, "variable": {"name": "Percent"}}
        told = await csms.call(ID, "SetVariables", {"setVariableData": [{**item, "attributeValue": "33"}]})
        assert told["setVariableResult"][0]["attributeStatus"] == "Accepted"
        await agent.cmd("power_cycle", off_ms=0)
        await csms.wait_for("BootNotification", count=2)
        told = await csms.call(ID, "GetVariables", {"getVariableData": [item]})
        assert told["getVariableResult"][0]["attributeValue"] == "33"


async def test_a_full_report_is_one_that_a_careful_csms_takes(csms: PracticeCsms, folder: Path) -> None:
    things = ", ".join(f'{{ name = "Thing{number}", type = "integer" }}' for number in range(500))
    shelf = f'[[component]]\nname = "Shelf"\nvariables = [{things}]\n'
    async with AgentInLoop(folder, sim_board(folder, LIGHTS + shelf)) as agent:
        await agent.start(csms.url)
        await csms.wait_for("StatusNotification", count=2)
        told = await csms.call(ID, "GetBaseReport", {"requestId": 5, "reportBase": "FullInventory"})
        assert told == {"status": "Accepted"}
        await csms.wait_for("NotifyReport", where=lambda page: not page["tbc"])
        record = csms.station(ID)
        pages = record.calls("NotifyReport")
        assert len(pages) > 5
        assert [page["seqNo"] for page in pages] == list(range(len(pages)))
        names = [item["variable"]["name"] for page in pages for item in page["reportData"]]
        assert {"Color", "Height", "ServiceCode", "Thing0", "Thing499", "OfflineThreshold"} <= set(names)
        assert record.violations == []
