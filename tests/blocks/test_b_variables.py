"""B05, B06: what is answered to an item, how much is taken in one message, and what is on disk when it is answered."""

from __future__ import annotations

from typing import Any

import pytest

from agent.model.catalogue import BYTES_PER_GET_VARIABLES, BYTES_PER_SET_VARIABLES
from agent.model.device import DeviceModel
from agent.model.variable import Variable
from agent.vocabulary.commands import Answer, ClearFault, Command, KeepRecord
from tests.bench import Bench, Payload, only

SECRET = Variable("SecurityCtrlr", "Phrase", "sesame", mutability="WriteOnly", high=40)


def accepted(**options: Any) -> Bench:
    bench = Bench(evses=2, **options)
    bench.accept()
    return bench


def item(component: str, variable: str, value: str | None = None, **more: Any) -> Payload:
    named: Payload = {"component": {"name": component}, "variable": {"name": variable}, **more}
    return named if value is None else {**named, "attributeValue": value}


def set_results(bench: Bench, *items: Payload) -> list[Payload]:
    told = bench.ask("SetVariables", setVariableData=list(items))
    assert isinstance(told, dict), told
    return list(told["setVariableResult"])


def get_results(bench: Bench, *items: Payload) -> list[Payload]:
    told = bench.ask("GetVariables", getVariableData=list(items))
    assert isinstance(told, dict), told
    return list(told["getVariableResult"])


def place_of(result: Payload) -> tuple[str, str]:
    return result["component"]["name"], result["variable"]["name"]


GOOD = item("OCPPCommCtrlr", "OfflineThreshold", "120")
BAD = item("OCPPCommCtrlr", "OfflineThreshold", "soon")
UNKNOWN = item("Nowhere", "Nothing", "1")
TARGET = item("OCPPCommCtrlr", "OfflineThreshold", "1", attributeType="Target")


@pytest.mark.proves("B05.FR.03", "B05.FR.12")
def test_B05_FR_03_B05_FR_12_the_attribute_type_is_always_told_whatever_the_status():
    bench = accepted()
    for asked, told in ((None, "Actual"), ("Actual", "Actual"), ("Target", "Target"), ("MinSet", "MinSet")):
        more = {} if asked is None else {"attributeType": asked}
        for each in (GOOD, BAD, UNKNOWN):
            assert only(set_results(bench, {**each, **more}))["attributeType"] == told


def test_B05_what_can_be_set_is_set_beside_what_cannot():
    bench = accepted()
    results = set_results(bench, BAD, item("AuthCtrlr", "AuthorizeRemoteStart", "true"), UNKNOWN, TARGET, GOOD)
    assert [(place_of(each)[1], each["attributeStatus"]) for each in results] == [
        ("OfflineThreshold", "Rejected"),
        ("AuthorizeRemoteStart", "Accepted"),
        ("Nothing", "UnknownComponent"),
        ("OfflineThreshold", "NotSupportedAttributeType"),
        ("OfflineThreshold", "Accepted"),
    ]
    assert bench.get("AuthCtrlr.AuthorizeRemoteStart") == "true"
    assert bench.get("OCPPCommCtrlr.OfflineThreshold") == "120"


def test_B05_what_was_set_in_one_message_is_kept_in_one_go_before_it_is_answered():
    bench = accepted(own=boxes)
    turns: list[list[Command]] = []
    perform = bench._perform

    def listen(commands: list[Command]) -> None:
        if any(isinstance(command, Answer) for command in commands):
            turns.append(commands)
        perform(commands)

    bench._perform = listen  # type: ignore[method-assign]
    results = set_results(bench, *(item("Box", f"Size{number}", "7") for number in range(100)))
    assert {each["attributeStatus"] for each in results} == {"Accepted"}
    (turn,) = turns
    assert sum(isinstance(command, KeepRecord) for command in turn) == 100


def boxes(model: DeviceModel) -> None:
    for number in range(100):
        model.declare(Variable("Box", f"Size{number}", 1))
    model.declare(SECRET)
    model.declare(Variable("Box", "Label", "", high=2000))


@pytest.mark.proves("B05.FR.09")
def test_B05_FR_09_what_cannot_be_kept_is_not_set():
    bench = accepted()
    bench.station.desk.disk_works = False
    result = only(set_results(bench, GOOD))
    assert (result["attributeStatus"], result["attributeStatusInfo"]["reasonCode"]) == ("Rejected", "OutOfStorage")
    assert only(set_results(bench, UNKNOWN))["attributeStatus"] == "UnknownComponent"
    assert bench.get("OCPPCommCtrlr.OfflineThreshold") == "60"
    bench.station.desk.disk_works = True
    assert only(set_results(bench, GOOD))["attributeStatus"] == "Accepted"


@pytest.mark.proves("B05.FR.09")
def test_B05_FR_09_what_the_disk_refuses_at_that_very_moment_is_rejected_and_as_it_was():
    bench = accepted()
    bench.set("OCPPCommCtrlr.OfflineThreshold", 90)
    bench.disk_refuses = True
    results = set_results(bench, GOOD, BAD, {**GOOD, "attributeValue": "121"})
    assert [each["attributeStatus"] for each in results] == ["Rejected"] * 3
    reasons = [each["attributeStatusInfo"]["reasonCode"] for each in results]
    assert reasons == ["OutOfStorage", "InvalidValue", "OutOfStorage"]
    assert bench.get("OCPPCommCtrlr.OfflineThreshold") == "90"
    bench.disk_refuses = False
    bench.power_cycle()
    bench.connect()
    assert bench.get("OCPPCommCtrlr.OfflineThreshold") == "90"


def test_B05_a_value_is_no_longer_than_ConfigurationValueSize():
    bench = accepted(own=boxes)
    assert bench.get("DeviceDataCtrlr.ConfigurationValueSize") == "1000"
    assert only(set_results(bench, item("Box", "Label", "x" * 1000)))["attributeStatus"] == "Accepted"
    assert (
        bench.ask("SetVariables", setVariableData=[item("Box", "Label", "x" * 1001)]) == "PropertyConstraintViolation"
    )


def test_B06_a_value_is_told_no_longer_than_ReportingValueSize():
    long = Variable("Box", "Story", "y" * 3000, mutability="ReadOnly")
    bench = accepted(own=lambda model: model.declare(long))
    assert bench.get("DeviceDataCtrlr.ReportingValueSize") == "2500"
    assert only(get_results(bench, item("Box", "Story")))["attributeValue"] == "y" * 2500
    bench.take_sent()
    bench.ask("GetReport", requestId=1, componentVariable=[item("Box", "Story")])
    told = only(bench.take_sent()[-1].payload["reportData"])
    assert told["variableAttribute"][0]["value"] == "y" * 2500


@pytest.mark.proves("B06.FR.09")
def test_B06_FR_09_a_secret_can_be_set_and_is_never_told():
    bench = accepted(own=boxes)
    assert only(set_results(bench, item("SecurityCtrlr", "Phrase", "open")))["attributeStatus"] == "Accepted"
    result = only(get_results(bench, item("SecurityCtrlr", "Phrase")))
    assert result["attributeStatus"] == "Rejected"
    assert "attributeValue" not in result
    refused = only(set_results(bench, item("SecurityCtrlr", "Phrase", "s" * 41)))
    assert (refused["attributeStatus"], "sss" in str(refused)) == ("Rejected", False)


@pytest.mark.proves("B06.FR.13")
def test_B06_FR_13_what_has_no_value_yet_is_told_as_an_empty_text():
    bench = Bench()
    bench.lose("meter")
    bench.power_cycle()
    bench.connect()
    assert only(get_results(bench, item("AuthCtrlr", "MasterPassGroupId")))["attributeValue"] == ""
    register = {
        "component": {"name": "FiscalMetering", "evse": {"id": 1}},
        "variable": {"name": "EnergyImportRegister"},
    }
    assert only(get_results(bench, register))["attributeStatus"] == "Accepted"
    before = only(get_results(bench, register))["attributeValue"]
    bench.find("meter")
    bench.read_meter()
    assert (before, only(get_results(bench, register))["attributeValue"]) == ("", "1000")


@pytest.mark.proves("B06.FR.16")
def test_B06_FR_16_as_many_items_as_are_allowed_and_not_one_more():
    bench = accepted()
    most = int(bench_value(bench, "ItemsPerMessage", "GetVariables"))
    items = [item("OCPPCommCtrlr", "OfflineThreshold")] * most
    assert len(get_results(bench, *items)) == most
    assert bench.ask("GetVariables", getVariableData=[*items, items[0]]) == "OccurrenceConstraintViolation"


@pytest.mark.proves("B06.FR.17")
def test_B06_FR_17_more_bytes_than_are_allowed_are_refused_whole():
    bench = accepted(own=small)
    assert bench_value(bench, "BytesPerMessage", "GetVariables") == "2000"
    long = item("x" * 50, "y" * 50)
    assert bench.ask("GetVariables", getVariableData=[long] * 15) == "FormatViolation"
    assert len(get_results(bench, *[long] * 10)) == 10
    told = bench.ask("SetVariables", setVariableData=[GOOD, *[item("x" * 50, "y" * 50, "z" * 900)] * 3])
    assert told == "FormatViolation"
    assert bench.get("OCPPCommCtrlr.OfflineThreshold") == "60"


def small(model: DeviceModel) -> None:
    model.set(BYTES_PER_GET_VARIABLES, 2000)
    model.set(BYTES_PER_SET_VARIABLES, 2000)


@pytest.mark.parametrize("retries", [0, 2])
def test_an_evse_whose_fault_outlives_its_reset_is_reset_as_often_as_ResetRetries_says(retries: int):
    bench = accepted(variables={"OCPPCommCtrlr.ResetRetries": retries})
    bench.fault("GroundFailure")
    tries: list[Command] = []
    perform = bench._perform

    def listen(commands: list[Command]) -> None:
        tries.extend(command for command in commands if isinstance(command, ClearFault))
        perform(commands)

    bench._perform = listen  # type: ignore[method-assign]
    assert bench.ask("Reset", type="Immediate", evseId=1) == {"status": "Accepted"}
    bench.pass_time(60)
    assert len(tries) == 1 + retries
    assert bench.evse().resetting is False


def bench_value(bench: Bench, variable: str, instance: str) -> str:
    place = {"component": {"name": "DeviceDataCtrlr"}, "variable": {"name": variable, "instance": instance}}
    return str(only(get_results(bench, place))["attributeValue"])
