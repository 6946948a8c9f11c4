"""Block N: what the CSMS is told of the monitors that there are (N02)."""

from __future__ import annotations

import pytest

from agent.model.catalogue import ITEMS_PER_GET_REPORT
from agent.model.device import DeviceModel
from agent.model.variable import Variable
from tests.bench import Bench, Payload, Said, only
from tests.blocks.test_n_monitoring import (
    POWER,
    STATE,
    STATION,
    THRESHOLD,
    monitored,
    place,
    put,
    put_one,
    reported,
    watching,
)

KINDS = ("UpperThreshold", "LowerThreshold", "Delta", "Periodic", "PeriodicClockAligned")


def pages(said: list[Said]) -> list[Payload]:
    return [each.payload for each in said if each.action == "NotifyMonitoringReport"]


def five(bench: Bench) -> dict[str, int]:
    """A monitor of every kind, and their numbers."""
    results = put(bench, *(watching(POWER, kind, 900) for kind in KINDS))
    return {kind: result["id"] for kind, result in zip(KINDS, results, strict=True)}


def kinds(bench: Bench, *criteria: str) -> list[str]:
    return [told["type"] for id, told in reported(bench, monitoringCriteria=list(criteria)).items() if id > 20_000]


@pytest.mark.proves("N02.FR.01", "N02.FR.03", "N02.FR.11")
def test_N02_FR_11_without_criteria_every_monitor_is_reported():
    bench = monitored()
    mine = five(bench)
    told = reported(bench)
    assert set(mine.values()) < set(told)
    assert list(told) == [monitor.id for monitor in bench.station.blocks.monitoring.watch.monitors]
    first = told[mine["UpperThreshold"]]
    assert {name: first[name] for name in ("type", "value", "severity", "transaction")} == {
        "type": "UpperThreshold",
        "value": 900,
        "severity": 5,
        "transaction": False,
    }
    assert (first["component"], first["variable"]) == (POWER["component"], POWER["variable"])


@pytest.mark.proves("N02.FR.06", "N02.FR.12", "N02.FR.13", "N02.FR.14")
@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        (["ThresholdMonitoring"], KINDS[:2]),
        (["DeltaMonitoring"], KINDS[2:3]),
        (["PeriodicMonitoring"], KINDS[3:]),
        (["ThresholdMonitoring", "DeltaMonitoring"], KINDS[:3]),
        (["ThresholdMonitoring", "DeltaMonitoring", "PeriodicMonitoring"], KINDS),
    ],
)
def test_N02_the_criteria_choose_the_kinds(criteria: list[str], expected: tuple[str, ...]):
    bench = monitored()
    five(bench)
    assert tuple(kinds(bench, *criteria)) == expected


def test_N02_FR_08_component_variables_choose_the_places():
    bench = monitored()
    put(bench, watching(STATION), watching(STATE), watching(POWER))
    told = reported(bench, componentVariable=[STATION, POWER])
    assert [each["variable"]["name"] for each in told.values()] == ["AvailabilityState", "Power"]
    assert [each["component"]["name"] for each in told.values()] == ["ChargingStation", "EVSE"]


def test_N02_FR_05_criteria_and_component_variables_must_both_fit():
    bench = monitored()
    mine = five(bench)
    put_one(bench, watching(STATE))
    told = reported(bench, monitoringCriteria=["DeltaMonitoring"], componentVariable=[POWER])
    assert list(told) == [mine["Delta"]]


def test_N02_FR_10_nothing_fits():
    bench = monitored()
    put_one(bench, watching(STATE))
    asked = {"monitoringCriteria": ["ThresholdMonitoring"], "componentVariable": [STATE]}
    assert bench.ask("GetMonitoringReport", requestId=1, **asked) == {"status": "EmptyResultSet"}
    assert bench.ask("GetMonitoringReport", requestId=2, componentVariable=[place("Nowhere", "Power")]) == {
        "status": "EmptyResultSet"
    }
    assert pages(bench.take_sent()) == []


def test_N02_FR_16_without_the_variable_every_one_of_the_component():
    bench = monitored(evses=2)
    put(bench, watching(STATE), watching(POWER), watching(STATION), watching(place("EVSE", "Power", 2)))
    told = reported(bench, componentVariable=[{"component": POWER["component"]}])
    assert sorted(each["variable"]["name"] for each in told.values()) == ["AvailabilityState", "Power"]


def test_N02_FR_17_without_the_instance_every_one_of_the_variable():
    bench = monitored()
    items = place("MonitoringCtrlr", "ItemsPerMessage")
    for instance in ("SetVariableMonitoring", "ClearVariableMonitoring"):
        put_one(bench, watching({**items, "variable": {**items["variable"], "instance": instance}}))
    told = reported(bench, componentVariable=[items])
    assert [each["variable"]["instance"] for each in told.values()] == [
        "SetVariableMonitoring",
        "ClearVariableMonitoring",
    ]


def test_N02_FR_18_without_the_connector_every_one_of_the_evse():
    bench = monitored(evses=2, connectors=2)
    put(bench, *(watching(place("Connector", "AvailabilityState", *at)) for at in ((1, 1), (1, 2), (2, 1))))
    told = reported(bench, componentVariable=[{"component": {"name": "Connector", "evse": {"id": 1}}}])
    assert [each["component"]["evse"] for each in told.values()] == [
        {"id": 1, "connectorId": 1},
        {"id": 1, "connectorId": 2},
    ]


def test_N02_FR_19_without_the_evse_every_place_that_the_component_has():
    def own(model: DeviceModel) -> None:
        fan = Variable("Fan", "Speed", 0)
        model.declare(fan)
        model.declare(fan, evse=1)

    bench = monitored(own=own)
    put(bench, watching(place("Fan", "Speed")), watching(place("Fan", "Speed", 1)))
    assert len(reported(bench, componentVariable=[{"component": {"name": "fan"}}])) == 2
    assert len(reported(bench, componentVariable=[{"component": {"name": "Fan", "evse": {"id": 1}}}])) == 1


def test_N02_FR_20_an_instance_is_that_one_and_N02_FR_21_without_it_every_one():
    def own(model: DeviceModel) -> None:
        for instance in ("Left", "Right", None):
            model.declare(Variable("Fan", "Speed", 0), component_instance=instance)

    bench = monitored(own=own)
    left, right = ({"component": {"name": "Fan", "instance": side}} for side in ("Left", "Right"))
    speed = {"variable": {"name": "Speed"}}
    put(bench, *(watching({**where, **speed}) for where in (left, right, place("Fan", "Speed"))))
    assert [told["component"]["instance"] for told in reported(bench, componentVariable=[left]).values()] == ["Left"]
    assert len(reported(bench, componentVariable=[{"component": {"name": "Fan"}}])) == 3


def test_N02_FR_07_no_more_component_variables_than_the_device_model_says():
    bench = monitored()
    many = [STATE] * (bench.station.model[ITEMS_PER_GET_REPORT] + 1)
    assert bench.ask("GetMonitoringReport", requestId=1, componentVariable=many) == "OccurrenceConstraintViolation"


# ---- pages ----


def fans(model: DeviceModel) -> None:
    for number in range(120):
        model.declare(Variable("Fan", f"Speed{number}", 0))


def many(bench: Bench) -> None:
    """More than two pages of monitors."""
    for first in (0, 60):
        put(bench, *(watching(place("Fan", f"Speed{first + number}")) for number in range(60)))
    bench.take_sent()


@pytest.mark.proves("N02.FR.04", "N02.FR.09")
def test_N02_a_long_report_comes_in_pages_with_one_number_counted_from_0():
    bench = monitored(own=fans)
    many(bench)
    assert bench.ask("GetMonitoringReport", requestId=77) == {"status": "Accepted"}
    told = pages(bench.take_sent())
    assert [page["requestId"] for page in told] == [77] * len(told)
    assert [page["seqNo"] for page in told] == list(range(len(told)))
    assert [page["tbc"] for page in told] == [True] * (len(told) - 1) + [False]
    assert len(told) > 2
    ids = [each["id"] for page in told for data in page["monitor"] for each in data["variableMonitoring"]]
    assert len(ids) == len(set(ids)) == len(bench.station.blocks.monitoring.watch.monitors)


def test_the_next_page_waits_for_the_answer_to_the_one_before():
    bench = monitored(own=fans)
    many(bench)
    bench.script["NotifyMonitoringReport"] = None
    bench.ask("GetMonitoringReport", requestId=1)
    assert len(pages(bench.take_sent())) == 1


def test_one_report_after_the_other():
    bench = monitored(own=fans)
    many(bench)
    bench.script["NotifyMonitoringReport"] = None
    bench.ask("GetMonitoringReport", requestId=1)
    second = bench.ask("GetMonitoringReport", requestId=2)
    assert isinstance(second, dict)
    assert second["status"] == "Rejected"


def test_a_report_that_was_cut_off_goes_on_with_the_page_that_was_not_answered():
    bench = monitored(own=fans)
    many(bench)
    bench.script["NotifyMonitoringReport"] = lambda page: {} if page["seqNo"] == 0 else None
    bench.ask("GetMonitoringReport", requestId=1)
    bench.disconnect()
    del bench.script["NotifyMonitoringReport"]
    bench.connect()
    told = pages(bench.take_sent())
    assert [page["seqNo"] for page in told] == [0, 1, 1, *range(2, told[-1]["seqNo"] + 1)]
    assert told[-1]["tbc"] is False
    assert bench.ask("GetMonitoringReport", requestId=2) == {"status": "Accepted"}


def test_a_page_that_breaks_every_connection_ends_the_report():
    bench = monitored()
    bench.script["NotifyMonitoringReport"] = None
    bench.ask("GetMonitoringReport", requestId=1)
    for _ in range(4):
        bench.disconnect()
        bench.connect()
    assert len(pages(bench.take_sent())) == 3


def test_a_csms_that_refuses_a_page_gets_the_next_one():
    bench = monitored(own=fans)
    many(bench)
    bench.script["NotifyMonitoringReport"] = lambda page: "InternalError" if page["seqNo"] == 1 else {}
    bench.ask("GetMonitoringReport", requestId=1)
    assert pages(bench.take_sent())[-1]["tbc"] is False


def test_while_pending_a_report_that_was_asked_for_is_told():
    bench = Bench()
    bench.script["BootNotification"] = {
        "currentTime": "2026-01-01T00:00:00Z",
        "interval": 300,
        "status": "Pending",
    }
    bench.connect()
    bench.take_sent()
    assert bench.ask("GetMonitoringReport", requestId=1) == {"status": "Accepted"}
    assert only(pages(bench.take_sent()))["tbc"] is False


def test_several_monitors_of_one_variable_are_told_together():
    bench = monitored()
    mine = five(bench)
    put_one(bench, watching(THRESHOLD))
    bench.take_sent()
    bench.ask("GetMonitoringReport", requestId=1, componentVariable=[POWER])
    data = only(only(pages(bench.take_sent()))["monitor"])
    assert [each["id"] for each in data["variableMonitoring"]] == list(mine.values())
