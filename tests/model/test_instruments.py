"""The parts of a board in the device model: one component each, at its place, with what the part says now."""

from __future__ import annotations

from random import Random

import pytest

from agent.model.device import Spot
from agent.ocpp.messages.b_provisioning import ChargingStation
from agent.session.connector import ConnectorLayout
from agent.session.dc import DcLayout
from agent.session.layout import EvseLayout
from agent.station import Station
from hal.events import DcOutput, DeviceFound, DeviceLost, InsulationMeasured, MeterSampled, TemperatureMeasured
from tests.bench import Bench

PLAIN = EvseLayout(1, has_meter=False, has_relay_feedback=False)
SOCKET = ConnectorLayout(attached=False, has_lock=True)
RICH = EvseLayout(2, phases=1, connectors=(SOCKET,), has_bay=True)
IDENTITY = ChargingStation(model="M", vendor_name="V", serial_number="S", firmware_version="1.2")


@pytest.fixture
def station() -> Station:
    return Station((PLAIN, RICH), IDENTITY, Random(0), readers=(0, 2, 2), thermometers={2: ("inlet", "plug")})


def told(station: Station, *place: object) -> str:
    status, text = station.model.read(Spot(*place))  # type: ignore[arg-type]
    return text if status == "Accepted" else status


def test_only_what_the_board_has_is_there(station: Station):
    parts = {
        (slot.spot.component, slot.spot.evse)
        for slot in station.model.slots()
        if slot.spot.evse and slot.spot.component not in ("EVSE", "Connector", "AlignedDataCtrlr")
    }
    assert parts == {
        ("CPPWMController", 1),
        ("CPPWMController", 2),
        ("PowerContactor", 2),
        ("FiscalMetering", 2),
        ("BayOccupancySensor", 2),
        ("ConnectorPlugRetentionLock", 2),
        ("TokenReader", 2),
        ("TemperatureSensor", 2),
    }
    assert told(station, "FiscalMetering", "ACVoltage", "L1", 2) == ""
    assert told(station, "FiscalMetering", "ACVoltage", "L2", 2) == "UnknownVariable"  # one phase
    assert told(station, "ElectricalFeed", "SupplyPhases") == "3"


def test_the_station_says_who_it_is_and_leaves_out_what_it_does_not_know(station: Station):
    names = ("Model", "VendorName", "SerialNumber", "FirmwareVersion")
    assert [told(station, "ChargingStation", name) for name in names] == ["M", "V", "S", "1.2"]
    nameless = Station((PLAIN,), ChargingStation(model="M", vendor_name="V"), Random(0))
    assert told(nameless, "ChargingStation", "SerialNumber") == "UnknownVariable"


def test_readers_of_one_place_are_told_apart_and_one_that_is_silent_has_a_problem(station: Station):
    def problems() -> list[str]:
        places = ((None, None), (2, "2"), (2, "3"))
        return [told(station, "TokenReader", "Problem", None, evse, None, name) for evse, name in places]

    assert problems() == ["false"] * 3
    station.instruments.receive(DeviceLost(0, "reader[0]", "no answer"))
    station.instruments.receive(DeviceLost(2, "reader[2]", "no answer"))
    assert problems() == ["true", "false", "true"]
    station.instruments.receive(DeviceFound(0, "reader[0]"))
    assert problems() == ["false", "false", "true"]


def test_a_thermometer_has_no_value_before_it_has_measured_and_a_problem_when_it_is_gone(station: Station):
    def inlet(name: str) -> str:
        return told(station, "TemperatureSensor", name, None, 2, None, "inlet")

    assert (inlet("Temperature"), inlet("Problem")) == ("", "false")
    station.instruments.receive(TemperatureMeasured(2, "inlet", 41.5))
    assert inlet("Temperature") == "41.5"
    assert told(station, "TemperatureSensor", "Temperature", None, 2, None, "plug") == ""
    station.instruments.receive(DeviceLost(2, "evse[1].thermometer[0]", "no answer"))
    assert inlet("Problem") == "true"


def value(bench: Bench, component: str, name: str, instance: str | None = None, connector: int | None = None) -> str:
    return bench.station.model.read(Spot(component, name, instance, 1, connector))[1]


def test_a_session_is_seen_in_the_parts():
    bench = Bench(lock=True, attached=False, bay=True)
    bench.accept()
    idle = [value(bench, *each) for each in (("CPPWMController", "State"), ("PowerContactor", "Active"))]
    bench.bay(True)
    bench.plug_in()
    bench.swipe()
    bench.post(MeterSampled(1, import_wh=1234.5, voltage_v=(231.0, 229.5, 230.2), current_a=(16.0, 15.9)))
    assert idle == ["A", "false"]
    assert value(bench, "CPPWMController", "State") == "C"
    assert value(bench, "PowerContactor", "Active") == "true"
    assert value(bench, "BayOccupancySensor", "Active") == "true"
    assert value(bench, "ConnectorPlugRetentionLock", "Active", connector=1) == "true"
    assert value(bench, "FiscalMetering", "EnergyImportRegister") == "1234.5"
    assert [value(bench, "FiscalMetering", "ACVoltage", line) for line in ("L1", "L2", "L3")] == [
        "231",
        "229.5",
        "230.2",
    ]
    assert [value(bench, "FiscalMetering", "ACCurrent", line) for line in ("L1", "L2", "L3")] == ["16", "15.9", ""]


@pytest.mark.parametrize(
    ("code", "component"),
    [
        ("PilotFailure", "CPPWMController"),
        ("WeldedContactor", "PowerContactor"),
        ("PowerSwitchFailure", "PowerContactor"),
        ("PowerMeterFailure", "FiscalMetering"),
    ],
)
def test_a_fault_is_a_problem_of_its_part_of_its_evse_and_of_the_station(code: str, component: str):
    bench = Bench()
    names = ("CPPWMController", "PowerContactor", "FiscalMetering", "EVSE")

    def problems() -> set[str]:
        found = {name for name in names if value(bench, name, "Problem") == "true"}
        station = bench.station.model.read(Spot("ChargingStation", "Problem"))[1]
        return found | ({"ChargingStation"} if station == "true" else set())

    assert problems() == set()
    bench.fault(code)  # type: ignore[arg-type]
    assert problems() == {component, "EVSE", "ChargingStation"}
    bench.heal(code)  # type: ignore[arg-type]
    assert problems() == set()


def test_a_voltage_that_is_wrong_is_a_problem_of_the_feed():
    bench = Bench()
    bench.fault("UnderVoltage")
    assert bench.station.model.read(Spot("ElectricalFeed", "Problem")) == ("Accepted", "true")


def test_a_meter_that_is_silent_is_a_problem_of_the_meter_alone():
    bench = Bench()
    bench.lose("meter")
    assert [value(bench, name, "Problem") for name in ("FiscalMetering", "CPPWMController")] == ["true", "false"]


def test_the_rcd_has_tripped_until_it_is_reset_and_has_a_problem_when_it_is_gone():
    bench = Bench(layout={"has_rcd": True})

    def rcd() -> tuple[str, str]:
        return told(bench.station, "RCD", "Tripped", None, 1), told(bench.station, "RCD", "Problem", None, 1)

    assert rcd() == ("false", "false")
    bench.fault("GroundFailure")
    assert rcd() == ("true", "false")
    bench.heal("GroundFailure")
    bench.lose("rcd")
    assert rcd() == ("false", "true")


def test_what_makes_direct_current_says_what_it_gives_until_it_is_gone():
    bench = Bench(layout={"dc": DcLayout(1000)})

    def supply() -> list[str]:
        places = (("AcDcConverter", "DCVoltage"), ("AcDcConverter", "DCCurrent"), ("AcDcConverter", "Problem"))
        return [told(bench.station, component, variable, None, 1) for component, variable in places]

    bench.post(DcOutput(1, 398.5, 62.0))
    assert supply() == ["398.5", "62", "false"]
    bench.post(InsulationMeasured(1, 1_200_000.0))
    assert told(bench.station, "GroundIsolationProtection", "Impedance", None, 1) == "1200000"
    bench.lose("supply")
    assert supply() == ["", "", "true"]


def test_a_meter_that_counts_both_ways_is_told_with_both_registers():
    bench = Bench()
    bench.post(MeterSampled(1, import_wh=1500.0, export_wh=250.5))
    names = ("EnergyImportRegister", "EnergyExportRegister")
    assert [told(bench.station, "FiscalMetering", name, None, 1) for name in names] == ["1500", "250.5"]
