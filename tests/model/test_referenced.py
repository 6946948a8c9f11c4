"""The device model is whole and true: what OCPP requires is there, and what is there is as OCPP says."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from agent.blocks.b_reports import data_of
from agent.given import declare_own
from agent.model.report import based_on
from agent.ocpp.messages.actions import ACTIONS
from agent.ocpp.messages.b_provisioning import ReportData
from agent.parts import Buses, build_parts
from agent.powered import station_of
from agent.provision import Provision
from agent.station import Station
from board.descriptor import read_board
from tests.bench import Bench
from tests.model.referenced import ANY, Referenced, applying, referenced, required

BOARDS = sorted((Path(__file__).parents[2] / "board").glob("*.toml"))
TABLE = {each.name: each for each in referenced()}

OURS = {
    ("TxCtrlr", "ResumptionTimeout"): "2.1 names it; 2.0.1 has the behaviour and no variable",
    ("TxCtrlr", "AllowEnergyTransferResumption"): "2.1 names it; 2.0.1 has the behaviour and no variable",
    ("SecurityCtrlr", "AllowSecurityProfileDowngrade"): "of the errata of 2025-09",
    ("SecurityCtrlr", "AllowCSMSTLSWildcards"): "2.1 names it; 2.0.1 has the behaviour and no variable",
}
"""Of a controller, and not in the table: where it comes from."""

NOT_HERE = {
    "OCPPCommCtrlr.FieldLength": "no field is longer than the schema says",
    "OCPPCommCtrlr.QueueAllMessages": "transaction events and monitoring events are queued, nothing else",
    "AuthCtrlr.AdditionalInfoItemsPerMessage": "no reader gives additional info",
    "ClockCtrlr.NtpServerUri": "the system below keeps its time servers",
    "ClockCtrlr.NtpSource": "the system below keeps its time servers",
    "ClockCtrlr.TimeOffset": "there is no display that shows a local time",
    "ClockCtrlr.TimeOffset[NextTransition]": "there is no display that shows a local time",
    "ClockCtrlr.NextTimeOffsetTransitionDateTime": "there is no display that shows a local time",
    "ClockCtrlr.TimeZone": "there is no display that shows a local time",
    "ConnectedEV.ProtocolAgreed": "no vehicle interface tells it",
    "ConnectedEV.ProtocolSupportedByEV[<Priority>]": "no vehicle interface tells it",
    "ConnectedEV.VehicleID": "no vehicle interface tells it",
    "Connector.ChargeProtocol": "ConnectorType says it",
    "CustomizationCtrlr.CustomImplementationEnabled[<vendorId>]": "there is nothing of a vendor's own",
    "EVSE.EvseId": "nothing here is told by it",
    "EVSE.ISO15118EvseId": "the vehicle interface has it, and it cannot be set from here",
    "FiscalMetering.EnergyExport": "of a session: the transaction tells it",
    "FiscalMetering.EnergyImport": "of a session: the transaction tells it",
    "ISO15118Ctrlr.MaxScheduleEntries": "NotifyEVChargingNeeds tells it, and it is PeriodsPerSchedule",
    "ISO15118Ctrlr.RequestMeteringReceipt": "the vehicle interface asks for no receipt",
    "ISO15118Ctrlr.RequestedEnergyTransferMode": "NotifyEVChargingNeeds tells it",
    "SmartChargingCtrlr.ACPhaseSwitchingSupported": "no pilot controller here chooses which phase it uses",
    "SmartChargingCtrlr.ExternalControlSignalsEnabled": "what protects a building cannot be switched off from outside",
    "TokenReader.Token": "who holds a card is told to nobody but Authorize",
    "TokenReader.TokenType": "who holds a card is told to nobody but Authorize",
    "TxCtrlr.ChargingTime": "the transaction tells timeSpentCharging",
}
"""Optional, of a feature that the station has in part or not at all: why it is not there."""


def station_of_board(path: Path) -> Station:
    board = read_board(path)
    station = station_of(board, build_parts(board, Buses(board, {}, {}), lambda event: None), Provision(), Random(0))
    declare_own(board, station.model)
    return station


def inventory(station: Station) -> list[ReportData]:
    """What a FullInventory tells."""
    return [data_of(slot, 2500, 1000) for slot in based_on(station.model, "FullInventory")]


def name_of(told: ReportData) -> tuple[str, str, str | None]:
    return told.component.name, told.variable.name, told.variable.instance


def entry(told: ReportData) -> Referenced | None:
    """Its row: of its component, else of any."""
    component, variable, instance = name_of(told)
    return TABLE.get((component, variable, instance)) or TABLE.get((ANY, variable, None))


STATIONS = {path.stem: station_of_board(path) for path in BOARDS}
STATIONS["whole"] = Bench(evses=2, connectors=2, lock=True, attached=False, bay=True, secc=True).station
"""Every board that ships, and one with everything on it."""

TOLD = {name: inventory(station) for name, station in STATIONS.items()}


@pytest.mark.proves("B07.FR.08")
@pytest.mark.parametrize("board", STATIONS)
def test_B07_FR_08_what_is_required_is_there(board: str):
    names = {name_of(told) for told in TOLD[board]}
    assert [each.name for each in required(STATIONS[board]) if each.name not in names] == []


@pytest.mark.parametrize(("component", "places"), [("ChargingStation", 1), ("EVSE", 2), ("Connector", 4)])
def test_what_is_required_is_there_for_every_evse_and_connector(component: str, places: int):
    names = [name_of(told) for told in TOLD["whole"]]
    for each in referenced():
        if each.component == component and each.required:
            assert names.count(each.name) == places, each


@pytest.mark.parametrize("board", STATIONS)
def test_what_is_there_is_as_the_specification_says(board: str):
    for told in TOLD[board]:
        wanted, (attribute,), what = entry(told), told.variable_attribute, told.variable_characteristics
        if wanted is None:
            assert name_of(told)[:2] in OURS, f"{name_of(told)} is neither in the table nor explained"
            continue
        assert what is not None
        assert (what.data_type, what.unit or "") == (wanted.type, wanted.unit), told
        assert wanted.mutability in ("any", attribute.mutability), told


@pytest.mark.parametrize("board", STATIONS)
def test_what_can_be_set_is_kept_lists_name_their_values_and_say_how_long_they_get(board: str):
    for told in TOLD[board]:
        (attribute,), what = told.variable_attribute, told.variable_characteristics
        assert what is not None
        if attribute.mutability != "ReadOnly":  # chapter 2: what can be written is persistent
            assert attribute.persistent, told
        assert (attribute.value is None) == (attribute.mutability == "WriteOnly"), told
        if what.data_type in ("OptionList", "MemberList", "SequenceList"):
            assert what.values_list, told
            assert what.max_limit is None or len(attribute.value or "") <= what.max_limit, told


def test_what_is_optional_and_not_there_has_a_reason():
    there = {name_of(told) for told in TOLD["whole"]}
    optional = {each for each in applying(STATIONS["whole"]) if each.component != ANY and not each.required}
    assert {shown(each) for each in optional if each.name not in there} == set(NOT_HERE)


def shown(each: Referenced) -> str:
    return f"{each.component}.{each.variable}" + (f"[{each.instance}]" if each.instance else "")


def test_direct_current_has_no_phases_and_its_parts_are_told():
    told = {name_of(each)[:2]: each.variable_attribute[0].value for each in TOLD["dc"]}
    assert told["EVSE", "SupplyPhases"] == told["Connector", "SupplyPhases"] == "0"
    assert told["ChargingStation", "SupplyPhases"] == told["ElectricalFeed", "SupplyPhases"] == ""  # not known
    for component, variable in (("AcDcConverter", "DCVoltage"), ("GroundIsolationProtection", "Impedance")):
        assert told[component, variable] == ""  # nothing measured yet
        assert told[component, "Problem"] == "false"


def test_no_name_is_in_the_table_twice_and_every_message_in_it_exists():
    names = list(referenced())
    assert len(names) == len(TABLE)
    assert sum(bool(each.required) for each in names) == 64
    assert {each.comes_with for each in names} - {""} <= set(ACTIONS)
