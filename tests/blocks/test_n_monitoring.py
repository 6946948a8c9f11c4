"""Block N: monitors are set, replaced and cleared, by base and by level (N03 to N06)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from agent.blocks.n_monitoring_roster import PROBLEM_SEVERITY
from agent.model.device import DeviceModel, Spot
from agent.model.monitors import MOST_CUSTOM, Preset, Setting
from agent.model.variable import Variable
from tests.bench import Bench, Payload, only
from tests.blocks.test_e_start import bench_with

SILENT = {"SampledDataCtrlr.TxUpdatedInterval": 0}


def place(component: str, variable: str, evse: int | None = None, connector: int | None = None) -> Payload:
    """Where, as the CSMS writes it."""
    where: Payload = {"name": component}
    if evse is not None:
        where["evse"] = {"id": evse} if connector is None else {"id": evse, "connectorId": connector}
    return {"component": where, "variable": {"name": variable}}


STATION = place("ChargingStation", "AvailabilityState")
STATE = place("EVSE", "AvailabilityState", 1)
POWER = place("EVSE", "Power", 1)
THRESHOLD = place("OCPPCommCtrlr", "OfflineThreshold")
PRESET = Preset(Spot("EVSE", "AvailabilityState", evse=1), Setting("Delta", 1, 7))
PRESET_ID, FIRST_CUSTOM_ID = 10_001, 20_001


def watching(where: Payload, kind: str = "Delta", value: float = 1, severity: int = 5, **more: object) -> Payload:
    """An item of SetVariableMonitoring."""
    return {**where, "type": kind, "value": value, "severity": severity, **more}


def monitored(**options: object) -> Bench:
    """Accepted, and silent but for what the test is about."""
    return bench_with(variables={**SILENT, **options.pop("variables", {})}, **options)  # type: ignore[dict-item]


def put(bench: Bench, *items: Payload) -> list[Payload]:
    """The results of SetVariableMonitoring."""
    told = bench.ask("SetVariableMonitoring", setMonitoringData=list(items))
    assert isinstance(told, dict), told
    results = told["setMonitoringResult"]
    assert isinstance(results, list)
    return results


def put_one(bench: Bench, item: Payload) -> int:
    """The number of a monitor that is taken."""
    result = only(put(bench, item))
    assert result["status"] == "Accepted", result
    return int(result["id"])


def refused(bench: Bench, item: Payload) -> tuple[str, str]:
    """Status and reason of one that is not."""
    result = only(put(bench, item))
    assert "id" not in result
    return result["status"], result["statusInfo"]["reasonCode"]


def clear(bench: Bench, *ids: int) -> list[str]:
    """The statuses of ClearVariableMonitoring."""
    told = bench.ask("ClearVariableMonitoring", id=list(ids))
    assert isinstance(told, dict), told
    assert [each["id"] for each in told["clearMonitoringResult"]] == list(ids)
    return [each["status"] for each in told["clearMonitoringResult"]]


def base(bench: Bench, name: str) -> str:
    """The status of SetMonitoringBase."""
    told = bench.ask("SetMonitoringBase", monitoringBase=name)
    assert isinstance(told, dict)
    return str(told["status"])


def level(bench: Bench, severity: int) -> str:
    """The status of SetMonitoringLevel."""
    told = bench.ask("SetMonitoringLevel", severity=severity)
    assert isinstance(told, dict)
    return str(told["status"])


def take_events(bench: Bench) -> list[Payload]:
    """What NotifyEvent told of monitors since the last call; everything else is dropped."""
    return [event for said in bench.take_sent() if said.action == "NotifyEvent" for event in said.payload["eventData"]]


def reported(bench: Bench, **filters: object) -> dict[int, Payload]:
    """Every monitor of a report, by its number; nothing when it is empty."""
    bench.take_sent()
    told = bench.ask("GetMonitoringReport", requestId=1, **filters)
    assert isinstance(told, dict), told
    assert told["status"] in ("Accepted", "EmptyResultSet"), told
    found: dict[int, Payload] = {}
    for said in bench.take_sent():
        if said.action == "NotifyMonitoringReport":
            for variable in said.payload["monitor"]:
                for each in variable["variableMonitoring"]:
                    found[each["id"]] = {"component": variable["component"], "variable": variable["variable"], **each}
    return found


def custom(bench: Bench) -> list[int]:
    """The numbers of what the CSMS, or the board file, has set."""
    return [id for id in reported(bench) if id >= PRESET_ID]


# ---- N04: set ----


@pytest.mark.proves("N04.FR.01", "N04.FR.02", "N04.FR.08", "N04.FR.11")
def test_N04_every_item_has_its_result_with_a_number_of_its_own():
    bench = monitored()
    items = [
        watching(STATE, severity=8),
        watching(POWER, "UpperThreshold", 5000),
        watching(place("Nowhere", "Power")),
        watching(POWER, "Periodic", 60),
    ]
    results = put(bench, *items)
    assert [result["status"] for result in results] == ["Accepted", "Accepted", "UnknownComponent", "Accepted"]
    for item, result in zip(items, results, strict=True):
        assert all(result[name] == item[name] for name in ("component", "variable", "type", "severity"))
    assert len({result["id"] for result in results if "id" in result}) == 3


def test_N04_FR_03_what_is_nowhere_is_an_unknown_component():
    bench = monitored()
    assert refused(bench, watching(place("Nowhere", "Power"))) == ("UnknownComponent", "NotFound")
    assert refused(bench, watching(place("EVSE", "Power", 99))) == ("UnknownComponent", "NotFound")


def test_N04_FR_04_a_component_without_such_a_variable():
    assert refused(monitored(), watching(place("EVSE", "Colour", 1))) == ("UnknownVariable", "NotFound")


@pytest.mark.parametrize(
    ("where", "kind"),
    [
        (STATE, "UpperThreshold"),
        (STATE, "LowerThreshold"),
        (place("EVSE", "Problem", 1), "UpperThreshold"),
        (place("ClockCtrlr", "DateTime"), "Delta"),
    ],
)
def test_N04_FR_05_a_type_that_the_variable_cannot_have(where: Payload, kind: str):
    assert refused(monitored(), watching(where, kind)) == ("UnsupportedMonitorType", "UnsupportedParam")


@pytest.mark.parametrize(
    ("where", "kind", "value"),
    [(POWER, "UpperThreshold", 1e9), (POWER, "LowerThreshold", 1e9), (THRESHOLD, "LowerThreshold", -1)],
)
def test_N04_FR_06_a_threshold_outside_the_variables_range(where: Payload, kind: str, value: float):
    assert refused(monitored(), watching(where, kind, value)) == ("Rejected", "ValueOutOfRange")


@pytest.mark.parametrize("kind", ["Periodic", "PeriodicClockAligned"])
@pytest.mark.parametrize("value", [0, -60, 0.5, 1e12])
def test_a_period_that_no_timer_can_count(kind: str, value: float):
    assert refused(monitored(), watching(POWER, kind, value)) == ("Rejected", "ValueOutOfRange")


@pytest.mark.parametrize("severity", [-1, 10])
def test_a_severity_that_there_is_not(severity: int):
    assert refused(monitored(), watching(POWER, severity=severity)) == ("Rejected", "ValueOutOfRange")


def test_N04_FR_09_no_more_items_than_the_device_model_says():
    bench = monitored()
    item = {"component": {"name": "MonitoringCtrlr"}, "variable": {"name": "ItemsPerMessage"}}
    item["variable"]["instance"] = "SetVariableMonitoring"
    told = bench.ask("GetVariables", getVariableData=[item])
    assert isinstance(told, dict)
    most = int(told["getVariableResult"][0]["attributeValue"])
    many = [watching(place("Nowhere", "Power"))] * (most + 1)
    assert bench.ask("SetVariableMonitoring", setMonitoringData=many) == "OccurrenceConstraintViolation"
    assert len(put(bench, *many[:-1])) == most


def test_N04_FR_10_two_of_one_type_and_severity_on_one_variable():
    bench = monitored()
    put_one(bench, watching(POWER, "UpperThreshold", 100))
    assert refused(bench, watching(POWER, "UpperThreshold", 200)) == ("Duplicate", "InvalidValue")
    put_one(bench, watching(POWER, "UpperThreshold", 200, severity=4))
    put_one(bench, watching(POWER, "LowerThreshold", 100))


def test_N04_FR_10_a_replacement_may_not_become_a_duplicate_of_another():
    bench = monitored()
    put_one(bench, watching(POWER, severity=4))
    id = put_one(bench, watching(POWER, severity=5))
    assert refused(bench, watching(POWER, severity=4, id=id))[0] == "Duplicate"
    put_one(bench, watching(POWER, value=7, severity=5, id=id))


def test_N04_FR_12_with_its_number_a_monitor_is_replaced():
    bench = monitored()
    id = put_one(bench, watching(POWER, "UpperThreshold", 100, severity=5))
    assert put_one(bench, watching(POWER, "LowerThreshold", 50, severity=2, transaction=True, id=id)) == id
    told = reported(bench)[id]
    assert (told["type"], told["value"], told["severity"], told["transaction"]) == ("LowerThreshold", 50, 2, True)


def test_N04_FR_13_a_number_that_no_monitor_has():
    bench = monitored()
    assert refused(bench, watching(POWER, id=4711)) == ("Rejected", "NotFound")
    assert custom(bench) == []


def test_N04_FR_14_a_negative_delta():
    assert refused(monitored(), watching(POWER, value=-1)) == ("Rejected", "ValuePositiveOnly")


def test_N04_FR_15_a_preset_that_is_replaced_is_the_csmss_own_until_a_base_is_set():
    bench = monitored(monitors=(PRESET,))
    put_one(bench, watching(STATE, severity=8, id=PRESET_ID))
    bench.plug_in()
    assert only(take_events(bench))["eventNotificationType"] == "CustomMonitor"
    base(bench, "FactoryDefault")
    bench.unplug()
    assert only(take_events(bench))["eventNotificationType"] == "PreconfiguredMonitor"
    assert reported(bench)[PRESET_ID]["severity"] == 7


def test_N04_FR_16_a_number_whose_monitor_watches_something_else():
    bench = monitored()
    id = put_one(bench, watching(STATE))
    assert refused(bench, watching(POWER, id=id)) == ("Rejected", "InvalidValue")
    assert reported(bench)[id]["variable"] == {"name": "AvailabilityState"}


def test_N04_FR_18_a_hard_wired_one_is_not_replaced():
    bench = monitored()
    where = place("ChargingStation", "Problem")
    id, before = next((id, told) for id, told in reported(bench).items() if told["component"] == where["component"])
    assert refused(bench, watching(where, severity=9, id=id)) == ("Rejected", "InvalidValue")
    assert reported(bench)[id] == before


def test_names_are_found_whatever_their_case_and_answered_as_they_were_asked():
    bench = monitored()
    result = only(put(bench, watching(place("evse", "POWER", 1))))
    assert (result["status"], result["component"]["name"]) == ("Accepted", "evse")
    assert reported(bench)[result["id"]]["component"]["name"] == "EVSE"


def test_there_is_an_end_to_monitors():
    def own(model: DeviceModel) -> None:
        for number in range(MOST_CUSTOM):
            model.declare(Variable("Fan", f"Speed{number}", 0))

    bench = monitored(own=own)
    for first in range(0, MOST_CUSTOM, 100):
        results = put(bench, *(watching(place("Fan", f"Speed{first + number}")) for number in range(100)))
        assert {result["status"] for result in results} == {"Accepted"}
    assert refused(bench, watching(POWER)) == ("Rejected", "OutOfStorage")
    clear(bench, FIRST_CUSTOM_ID)
    put_one(bench, watching(POWER))


@pytest.mark.parametrize("at_once", [True, False])
def test_a_monitor_that_the_disk_cannot_keep_is_not_set_and_none_goes(at_once: bool):
    bench = monitored(monitors=(PRESET,))
    first = put_one(bench, watching(POWER, severity=6))
    before = reported(bench)
    bench.disk_refuses, bench.station.desk.disk_works = not at_once, not at_once
    assert refused(bench, watching(POWER, severity=4)) == ("Rejected", "OutOfStorage")
    assert refused(bench, watching(POWER, severity=4, id=first)) == ("Rejected", "OutOfStorage")
    assert refused(bench, watching(STATE, severity=4, id=PRESET_ID)) == ("Rejected", "OutOfStorage")
    assert clear(bench, first, PRESET_ID, 99) == ["Rejected", "Rejected", "NotFound"]
    bench.disk_refuses, bench.station.desk.disk_works = False, True
    assert reported(bench) == before
    bench.power_cycle()
    bench.connect()
    assert reported(bench) == before
    assert clear(bench, first, PRESET_ID) == ["Accepted", "Accepted"]


@pytest.mark.parametrize("before", ["All", "FactoryDefault", "HardWiredOnly"])
@pytest.mark.parametrize("wanted", ["All", "FactoryDefault", "HardWiredOnly"])
def test_a_base_and_a_level_that_the_disk_cannot_keep_change_nothing(before: str, wanted: str):
    bench = monitored(monitors=(PRESET,))
    assert base(bench, before) == "Accepted"
    put_one(bench, watching(POWER, severity=6))
    if before != "HardWiredOnly":
        assert clear(bench, PRESET_ID) == ["Accepted"]
    stood = reported(bench), bench.get("MonitoringCtrlr.ActiveMonitoringBase")
    bench.disk_refuses = True
    assert (base(bench, wanted), level(bench, 2)) == ("Rejected", "Rejected")
    bench.disk_refuses = False
    for _ in range(2):
        assert (reported(bench), bench.get("MonitoringCtrlr.ActiveMonitoringBase")) == stood
        assert bench.get("MonitoringCtrlr.ActiveMonitoringLevel") == "9"
        bench.power_cycle()
        bench.connect()


# ---- N06: clear ----


@pytest.mark.proves("N06.FR.01", "N06.FR.02", "N06.FR.05")
def test_N06_each_number_has_its_result():
    bench = monitored()
    first, second = put_one(bench, watching(STATE)), put_one(bench, watching(POWER))
    assert clear(bench, second, 4711, first, second) == ["Accepted", "NotFound", "Accepted", "NotFound"]
    assert custom(bench) == []


def test_N06_FR_03_a_hard_wired_one_is_not_cleared():
    bench = monitored()
    hard_wired = list(reported(bench))
    assert clear(bench, *hard_wired) == ["Rejected"] * len(hard_wired)
    assert list(reported(bench)) == hard_wired


def test_N06_FR_06_no_more_numbers_than_the_device_model_says():
    bench = monitored()
    assert bench.ask("ClearVariableMonitoring", id=list(range(1001))) == "OccurrenceConstraintViolation"


def test_N06_FR_07_no_more_bytes_than_the_device_model_says():
    bench = monitored()
    slot = bench.station.model.find(Spot("MonitoringCtrlr", "BytesPerMessage", "ClearVariableMonitoring"))
    assert slot is not None
    slot.value = 100
    assert bench.ask("ClearVariableMonitoring", id=list(range(100_000, 100_050))) == "FormatViolation"


def test_what_was_cleared_says_nothing_any_more():
    bench = monitored()
    id = put_one(bench, watching(STATE))
    clear(bench, id)
    bench.plug_in()
    assert take_events(bench) == []


def test_a_preset_that_was_cleared_stays_away_over_a_restart_until_a_base_brings_it_back():
    bench = monitored(monitors=(PRESET,))
    assert clear(bench, PRESET_ID) == ["Accepted"]
    bench.power_cycle()
    bench.accept()
    assert custom(bench) == []
    base(bench, "All")
    bench.power_cycle()
    bench.accept()
    assert custom(bench) == [PRESET_ID]


# ---- N03: the base ----


def test_N03_FR_01_every_base_is_taken_and_shown():
    bench = monitored()
    assert bench.get("MonitoringCtrlr.ActiveMonitoringBase") == "FactoryDefault"
    for name in ("All", "FactoryDefault", "HardWiredOnly"):
        assert base(bench, name) == "Accepted"
        assert bench.get("MonitoringCtrlr.ActiveMonitoringBase") == name


def test_N03_FR_03_all_brings_the_presets_back_and_leaves_what_was_set():
    other = Preset(Spot("EVSE", "Power", evse=1), Setting("UpperThreshold", 5000, 6))
    bench = monitored(monitors=(PRESET, other))
    put_one(bench, watching(STATE, severity=2, id=PRESET_ID))
    mine = put_one(bench, watching(STATION))
    clear(bench, PRESET_ID + 1)
    assert base(bench, "All") == "Accepted"
    assert custom(bench) == [PRESET_ID, PRESET_ID + 1, mine]
    assert reported(bench)[PRESET_ID]["severity"] == 2


def test_N03_FR_04_the_factory_default_is_the_presets_as_they_were():
    bench = monitored(monitors=(PRESET,))
    put_one(bench, watching(STATE, severity=2, id=PRESET_ID))
    put_one(bench, watching(STATION))
    assert base(bench, "FactoryDefault") == "Accepted"
    assert custom(bench) == [PRESET_ID]
    assert reported(bench)[PRESET_ID]["severity"] == 7


def test_N03_FR_05_hard_wired_only():
    bench = monitored(monitors=(PRESET,))
    hard_wired = [id for id in reported(bench) if id < PRESET_ID]
    put_one(bench, watching(STATION))
    assert base(bench, "HardWiredOnly") == "Accepted"
    assert list(reported(bench)) == hard_wired
    bench.plug_in()
    assert take_events(bench) == []
    bench.power_cycle()
    bench.accept()
    assert list(reported(bench)) == hard_wired
    assert put_one(bench, watching(STATION)) >= FIRST_CUSTOM_ID


# ---- N05: the level ----


def test_N05_FR_01_a_level_is_taken_shown_and_kept():
    bench = monitored()
    assert level(bench, 3) == "Accepted"
    bench.power_cycle()
    bench.accept()
    assert bench.get("MonitoringCtrlr.ActiveMonitoringLevel") == "3"


@pytest.mark.parametrize("severity", [-1, 10, 2**31])
def test_N05_FR_02_a_level_that_there_is_not(severity: int):
    bench = monitored()
    assert level(bench, severity) == "Rejected"
    assert bench.get("MonitoringCtrlr.ActiveMonitoringLevel") == "9"


@pytest.mark.proves("N05.FR.03", "N07.FR.15")
def test_N05_FR_03_only_what_is_grave_enough_is_told():
    bench = monitored()
    grave, slight = put_one(bench, watching(STATE, severity=4)), put_one(bench, watching(STATE, severity=5))
    level(bench, 4)
    bench.plug_in()
    assert [event["variableMonitoringId"] for event in take_events(bench)] == [grave]
    level(bench, 5)
    assert [(event["variableMonitoringId"], event["actualValue"]) for event in take_events(bench)] == [
        (slight, "Occupied")  # what is true then
    ]


def test_a_monitor_above_the_level_tells_nothing_of_what_has_passed_again():
    bench = monitored()
    put_one(bench, watching(STATE, severity=5))
    level(bench, 4)
    bench.plug_in()
    bench.unplug()
    level(bench, 9)
    assert take_events(bench) == []


# ---- switched off ----


def test_switched_off_nothing_is_told_and_on_again_what_is_true_then():
    bench = monitored()
    put_one(bench, watching(STATE))
    assert bench.set("MonitoringCtrlr.Enabled", False) == "Accepted"
    bench.plug_in()
    bench.fault("GroundFailure")
    assert take_events(bench) == []
    bench.set("MonitoringCtrlr.Enabled", True)
    told = {event["variable"]["name"]: event["actualValue"] for event in take_events(bench)}
    assert told == {"AvailabilityState": "Faulted", "Problem": "true"}


# ---- what is kept, and what is not taken back ----


def restarted(bench: Bench) -> Bench:
    bench.power_cycle()
    bench.accept()
    return bench


def test_N07_FR_13_monitors_outlive_the_power_with_their_numbers():
    bench = monitored()
    put(bench, watching(STATE, severity=8), watching(POWER, "PeriodicClockAligned", 900, transaction=True))
    before = reported(bench)
    assert reported(restarted(bench)) == before


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("monitor/20001", b"{"),
        ("monitor/twenty", None),
        ("monitor/-1", None),
        ("monitor/" + "9" * 5000, None),
        (
            "monitor/20007",
            b'{"spot":{"component":"EVSE","variable":"Gone","evse":1},"setting":{"kind":"Delta","value":1,"severity":5},'
            b'"origin":"CustomMonitor"}',
        ),
        (
            "monitor/20008",
            b'{"spot":{"component":"EVSE","variable":"AvailabilityState","evse":1},'
            b'"setting":{"kind":"UpperThreshold","value":1,"severity":5},"origin":"CustomMonitor"}',
        ),
        (
            "monitor/10007",
            b'{"spot":{"component":"EVSE","variable":"Power","evse":1},"setting":null,"origin":"PreconfiguredMonitor"}',
        ),
    ],
)
def test_a_record_of_what_cannot_be_monitored_any_more_is_forgotten(key: str, value: bytes | None):
    bench = monitored()
    put_one(bench, watching(POWER))
    bench.records[key] = bench.records[f"monitor/{FIRST_CUSTOM_ID}"] if value is None else value
    restarted(bench)
    assert key not in bench.records
    assert key in bench.station.unreadable
    assert custom(bench) == ([] if key.endswith("20001") else [FIRST_CUSTOM_ID])


def test_a_monitor_whose_number_a_later_board_file_gives_to_another_gets_a_new_one():
    old = monitored(monitors=(PRESET,))
    put(old, watching(STATE, severity=2, id=PRESET_ID), watching(STATION))
    added = Preset(Spot("EVSE", "Power", evse=1), Setting("UpperThreshold", 5000, 6))
    new = Bench(monitors=(added,))
    new.records = dict(old.records)
    for _ in range(2):
        told = reported(restarted(new))
        assert told[PRESET_ID]["variable"] == {"name": "Power"}
        mine = [told[id]["severity"] for id in (FIRST_CUSTOM_ID, FIRST_CUSTOM_ID + 1)]
        assert mine == [5, 2]


def test_a_preset_that_does_not_fit_the_station_is_none():
    gone = Preset(Spot("EVSE", "Power", evse=7), PRESET.setting)
    wrong = Preset(PRESET.spot, Setting("LowerThreshold", 1, 5))
    assert custom(monitored(monitors=(gone, PRESET, wrong))) == [PRESET_ID + 1]


# ---- hard-wired ----


def test_a_problem_of_the_station_is_told_whatever_the_csms_has_set():
    bench = monitored()
    base(bench, "HardWiredOnly")
    bench.fault("GroundFailure")
    event = next(each for each in take_events(bench) if each["component"] == {"name": "ChargingStation"})
    assert (event["variable"], event["actualValue"]) == ({"name": "Problem"}, "true")
    assert (event["eventNotificationType"], event["trigger"]) == ("HardWiredMonitor", "Delta")
    assert event["variableMonitoringId"] in reported(bench)


def test_a_fault_that_flaps_is_told_at_a_pace_and_at_the_end_as_it_is():
    bench = monitored()
    for _ in range(20):
        bench.fault("GroundFailure")
        bench.heal("GroundFailure")
        bench.pass_time(0.1)
    bench.pass_time(60)
    told = [event["actualValue"] for event in take_events(bench) if event["component"] == {"name": "ChargingStation"}]
    assert told[0] == "true"
    assert told[-1] == "false"
    assert len(told) <= 2


def test_a_problem_that_lasts_over_a_restart_is_told_once():
    bench = monitored()
    bench.fault("GroundFailure")
    assert take_events(bench)
    bench.power_cycle()
    bench.fault("GroundFailure")
    bench.accept()
    assert [event for event in take_events(bench) if event["component"] == {"name": "ChargingStation"}] == []


def test_hard_wired_ones_are_grave_enough_to_wait_for_the_csms():
    assert int(monitored().get("MonitoringCtrlr.OfflineQueuingSeverity")) >= PROBLEM_SEVERITY


def test_what_an_integrator_adds_can_be_monitored_too():
    def own(model: DeviceModel) -> None:
        model.declare(Variable("Fan", "Speed", 0, "rpm", high=5000))
        model.declare(Variable("Fan", "ServicedAt", datetime(2026, 1, 1, tzinfo=UTC)))

    bench = monitored(own=own)
    put_one(bench, watching(place("Fan", "Speed"), "UpperThreshold", 1000))
    put_one(bench, watching(place("Fan", "ServicedAt"), "Periodic", 3600))
    bench.set("Fan.Speed", 1200)
    assert only(take_events(bench))["actualValue"] == "1200"
