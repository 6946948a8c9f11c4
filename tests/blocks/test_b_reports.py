"""B07, B08: what a report tells, and how it goes out page by page."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from agent.blocks.b_reports import PAGE_ITEMS
from agent.blocks.paging import MOST_ATTEMPTS, PAGE_BYTES
from agent.model.catalogue import BYTES_PER_GET_REPORT, ITEMS_PER_GET_REPORT
from agent.model.device import DeviceModel
from agent.model.variable import Variable
from tests.bench import TOKEN, Bench, Payload, only

Where = tuple[str, int | None, int | None, str | None, str, str | None]
"""Component, EVSE, connector, instance of the component, variable, its instance."""


def many(count: int, text: str = "") -> Callable[[DeviceModel], None]:
    """Declares so many variables of an integrator's."""

    def declare(model: DeviceModel) -> None:
        for number in range(count):
            variable = Variable("Shelf", f"Thing{number}", text, instance=str(number % 7), high=2500)
            model.declare(variable, component_instance=str(number % 50))

    return declare


def boxes(model: DeviceModel) -> None:
    """Components with and without an instance, on every tier."""
    for evse, connector in ((None, None), (1, None), (1, 1), (2, None), (2, 1)):
        for instance in (None, "left", "right"):
            for name in (None, "L1", "L2"):
                variable = Variable("Box", "Load", 1.5, "A", instance=name)
                model.declare(variable, evse=evse, connector=connector, component_instance=instance)
        model.declare(Variable("Box", "Lid", True), evse=evse, connector=connector)


def accepted(**options: Any) -> Bench:
    bench = Bench(evses=2, **options)
    bench.accept()
    bench.take_sent()
    return bench


def reported(bench: Bench) -> list[Payload]:
    """The NotifyReports that were sent since the last call."""
    return [said.payload for said in bench.take_sent() if said.action == "NotifyReport"]


def data(pages: list[Payload]) -> list[Payload]:
    return [item for page in pages for item in page.get("reportData", ())]


def where(item: Payload) -> Where:
    component, variable = item["component"], item["variable"]
    evse = component.get("evse", {})
    return (
        component["name"],
        evse.get("id"),
        evse.get("connectorId"),
        component.get("instance"),
        variable["name"],
        variable.get("instance"),
    )


def base(bench: Bench, kind: str = "FullInventory", request_id: int = 7) -> list[Payload]:
    assert bench.ask("GetBaseReport", requestId=request_id, reportBase=kind) == {"status": "Accepted"}
    return reported(bench)


def custom(bench: Bench, *asked: Payload, criteria: tuple[str, ...] = (), request_id: int = 7) -> set[Where]:
    """What a custom report tells; nothing where it is answered EmptyResultSet."""
    more: Payload = {"componentVariable": list(asked)} if asked else {}
    if criteria:
        more["componentCriteria"] = list(criteria)
    told = bench.ask("GetReport", requestId=request_id, **more)
    pages = reported(bench)
    assert told == ({"status": "Accepted"} if pages else {"status": "EmptyResultSet"})
    found = [where(item) for item in data(pages)]
    assert len(found) == len(set(found))
    return set(found)


def one(component: str, variable: str | None = None, name: str | None = None, **more: Any) -> Payload:
    """A component-variable; ``name`` is the instance of the variable, ``instance`` that of the component."""
    named: Payload = {"component": {"name": component, **more}}
    if variable is not None:
        named["variable"] = {"name": variable, **({"instance": name} if name is not None else {})}
    return named


# ---- base reports ----


@pytest.mark.proves("B07.FR.01", "B07.FR.03", "B07.FR.04", "B07.FR.08", "B07.FR.10", "B07.FR.12")
def test_B07_FR_08_a_full_inventory_tells_every_variable_once_in_numbered_pages():
    bench = accepted(own=many(450))
    pages = base(bench)
    assert [page["seqNo"] for page in pages] == list(range(len(pages)))
    assert [page["tbc"] for page in pages] == [True] * (len(pages) - 1) + [False]
    assert {page["requestId"] for page in pages} == {7}
    assert {datetime.fromisoformat(page["generatedAt"]) for page in pages} == {bench.now.wall}
    told = [where(item) for item in data(pages)]
    assert len(told) == len(set(told)) == len(list(bench.station.model.slots()))
    assert all("variableCharacteristics" in item for item in data(pages))


def test_B07_FR_03_the_answer_goes_before_the_first_page():
    bench = accepted()
    frames: list[str] = []
    hear = bench._hear

    def listen(frame: list[Any]) -> None:
        frames.append("answer" if frame[0] == 3 else frame[2])
        hear(frame)

    bench._hear = listen  # type: ignore[method-assign]
    base(bench)
    assert frames[:2] == ["answer", "NotifyReport"]


def test_B07_FR_10_the_next_page_is_made_when_the_last_one_was_answered():
    bench = accepted(own=many(450))
    bench.script["NotifyReport"] = None
    (page,) = base(bench)
    assert (page["seqNo"], page["tbc"]) == (0, True)
    assert reported(bench) == []


def test_B07_FR_10_every_report_is_numbered_from_0():
    bench = accepted()
    assert [base(bench, request_id=number)[0]["seqNo"] for number in (1, 2, 3)] == [0, 0, 0]


@pytest.mark.parametrize(("text", "fullest"), [("", PAGE_ITEMS), ("x" * 900, PAGE_BYTES // 1100)])
def test_B07_FR_03_a_page_is_bounded_by_items_and_by_bytes(text: str, fullest: int):
    bench = accepted(own=many(1000, text))
    pages = base(bench)
    assert max(len(page["reportData"]) for page in pages) <= PAGE_ITEMS
    assert max(len(json.dumps(page, separators=(",", ":"))) for page in pages) <= PAGE_BYTES + 1000
    fully = [len(page["reportData"]) for page in pages[1:-1]]
    assert min(fully) >= fullest * 0.9  # nor are there more of them than need be


def test_B07_FR_08_five_thousand_variables_take_no_more_memory_than_a_page():
    bench = accepted(own=many(5000))
    high: list[int] = []

    def answer(page: Payload) -> Payload:
        high.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.reset_peak()
        bench.sent.clear()  # what the CSMS keeps is not the station's
        return {}

    bench.script["NotifyReport"] = answer
    tracemalloc.start()
    try:
        bench.ask("GetBaseReport", requestId=1, reportBase="FullInventory")
    finally:
        tracemalloc.stop()
    assert len(high) >= 50
    assert max(high) < 1 << 20
    assert max(high[-5:]) < max(high[:5]) * 1.2


@pytest.mark.proves("B07.FR.07")
def test_B07_FR_07_a_configuration_inventory_tells_what_can_be_set_and_only_that():
    def own(model: DeviceModel) -> None:
        model.declare(Variable("Box", "Code", "", mutability="WriteOnly"))
        model.declare(Variable("Box", "Weight", 1, mutability="ReadOnly"))

    bench = accepted(own=own)
    told = data(base(bench, "ConfigurationInventory"))
    attributes = [only(item["variableAttribute"]) for item in told]
    assert {each["mutability"] for each in attributes} == {"ReadWrite", "WriteOnly"}
    assert all(each["persistent"] for each in attributes)
    names = {where(item)[4] for item in told}
    assert {"OfflineThreshold", "TxStartPoint", "Code"} <= names
    assert not {"Weight", "MessageTimeout", "AvailabilityState"} & names
    settable = {slot.spot for slot in bench.station.model.slots() if not slot.fixed}
    assert len(told) == len(settable)


def test_B07_FR_07_what_the_board_has_fixed_cannot_be_set():
    bench = accepted()  # attached cables: nothing to unlock
    names = {where(item)[4] for item in data(base(bench, "ConfigurationInventory"))}
    assert "UnlockOnEVSideDisconnect" not in names
    item = only(item for item in data(base(bench)) if where(item)[4] == "UnlockOnEVSideDisconnect")
    assert item["variableAttribute"][0]["mutability"] == "ReadOnly"


@pytest.mark.proves("B07.FR.09")
def test_B07_FR_09_a_summary_tells_what_is_available_and_what_is_wrong():
    bench = accepted()
    healthy = {where(item)[:3] for item in data(base(bench, "SummaryInventory"))}
    assert healthy == {("ChargingStation", None, None), ("EVSE", 1, None), ("Connector", 1, 1)} | {
        ("EVSE", 2, None),
        ("Connector", 2, 1),
    }
    bench.fault("GroundFailure", evse=2)
    bench.take_sent()
    told = {where(item): item["variableAttribute"][0]["value"] for item in data(base(bench, "SummaryInventory"))}
    assert told["EVSE", 2, None, None, "AvailabilityState", None] == "Faulted"
    assert told["EVSE", 2, None, None, "Problem", None] == "true"
    assert ("EVSE", 1, None, None, "Problem", None) not in told


@pytest.mark.proves("B07.FR.11")
def test_B07_FR_11_every_attribute_type_there_is_is_told_even_without_a_value():
    bench = accepted()
    for item in data(base(bench)):
        (attribute,) = item["variableAttribute"]
        assert attribute["type"] == "Actual"
        assert ("value" in attribute) == (attribute["mutability"] != "WriteOnly")  # B07.FR.03
    item = only(each for each in data(base(bench)) if where(each)[4] == "MasterPassGroupId")
    assert item["variableAttribute"][0]["value"] == ""


@pytest.mark.proves("B07.FR.03", "B08.FR.03")
def test_B07_FR_03_the_value_of_what_may_only_be_written_is_told_by_no_report():
    secret = Variable("SecurityCtrlr", "Phrase", "open sesame", mutability="WriteOnly")
    bench = accepted(own=lambda model: model.declare(secret))
    for kind in ("FullInventory", "ConfigurationInventory"):
        pages = base(bench, kind)
        item = only(item for item in data(pages) if where(item)[4] == "Phrase")
        assert "value" not in item["variableAttribute"][0]
        assert "sesame" not in json.dumps(pages)
    assert bench.ask("GetReport", requestId=8, componentVariable=[one("SecurityCtrlr", "Phrase")]) == {
        "status": "Accepted"
    }
    assert "sesame" not in json.dumps(reported(bench))


def test_B07_characteristics_are_those_that_a_value_is_checked_against():
    bench = accepted()
    told = {where(item)[4]: item["variableCharacteristics"] for item in data(base(bench))}
    assert told["HeartbeatInterval"] | {"supportsMonitoring": None} == {
        "dataType": "integer",
        "unit": "s",
        "minLimit": 1,
        "supportsMonitoring": None,
    }
    assert told["Policy"]["valuesList"] == "LRU,LFU,FIFO"
    assert told["MasterPassGroupId"]["maxLimit"] == 36
    for item in data(base(bench)):
        characteristics = item["variableCharacteristics"]
        is_list = characteristics["dataType"] in ("OptionList", "SequenceList", "MemberList")
        assert is_list == bool(characteristics.get("valuesList")), item  # TC_B_12
        values = item["variableAttribute"][0].get("value", "")
        if is_list and values:
            assert set(values.split(",")) <= set(characteristics["valuesList"].split(","))


@pytest.mark.proves("B07.FR.13", "B08.FR.16")
def test_B07_FR_13_one_report_at_a_time_and_the_next_one_after_it():
    bench = accepted(own=many(450))
    bench.script["NotifyReport"] = None
    base(bench, request_id=1)
    for action, more in (("GetBaseReport", {"reportBase": "FullInventory"}), ("GetReport", {})):
        told = bench.ask(action, requestId=2, **more)
        assert isinstance(told, dict)
        assert told["status"] == "Rejected"  # B08.FR.16
        assert "report 1" in told["statusInfo"]["additionalInfo"]
    assert reported(bench) == []
    del bench.script["NotifyReport"]
    bench.disconnect()
    bench.connect()
    bench.pass_time(60)
    assert reported(bench)[-1]["tbc"] is False
    assert base(bench, request_id=3)[0]["requestId"] == 3


# ---- a report and its connection ----


def test_a_report_goes_on_after_the_connection_was_lost_with_the_page_that_was_not_answered():
    bench = accepted(own=many(900))
    answers = iter([{}, {}, None])
    bench.script["NotifyReport"] = lambda page: next(answers)
    first = base(bench)
    assert [page["seqNo"] for page in first] == [0, 1, 2]
    bench.disconnect()
    del bench.script["NotifyReport"]
    bench.connect()
    second = reported(bench)
    assert [page["seqNo"] for page in second] == list(range(2, 2 + len(second)))
    assert second[0]["reportData"] == first[2]["reportData"]
    told = [where(item) for item in data(first[:2] + second)]
    assert len(told) == len(set(told)) == len(list(bench.station.model.slots()))


def test_a_page_that_breaks_the_connection_time_and_again_ends_its_report():
    bench = accepted(own=many(450))
    bench.script["NotifyReport"] = None
    base(bench)
    pages = 1
    for _ in range(MOST_ATTEMPTS + 2):
        bench.disconnect()
        bench.connect()
        pages += len(reported(bench))
    assert pages == MOST_ATTEMPTS
    del bench.script["NotifyReport"]
    assert base(bench, request_id=8)[-1]["tbc"] is False


@pytest.mark.parametrize(("code", "goes_on"), [("InternalError", True), ("NotImplemented", False)])
def test_a_page_that_is_refused_is_not_said_again(code: str, goes_on: bool):
    bench = accepted(own=many(450))
    bench.script["NotifyReport"] = lambda page: code if page["seqNo"] == 0 else {}
    numbers = [page["seqNo"] for page in base(bench)]
    assert numbers == (list(range(len(numbers))) if goes_on else [0])
    assert (len(numbers) > 2) is goes_on
    assert base(bench, request_id=9)


def test_a_variable_that_cannot_be_read_costs_its_report_and_not_the_next_one():
    readable = True

    def weight() -> int:
        if readable:
            return 7
        raise ZeroDivisionError

    def own(model: DeviceModel) -> None:
        many(300)(model)
        model.declare(Variable("Scale", "Weight", 0), live=weight)

    bench = accepted(own=own)
    readable = False
    with pytest.raises(ZeroDivisionError):  # which the loop contains
        base(bench)
    readable = True
    bench.disconnect()
    bench.connect()
    bench.take_sent()
    assert base(bench, request_id=8)[-1]["tbc"] is False


def test_a_report_ends_with_the_power():
    bench = accepted(own=many(450))
    bench.script["NotifyReport"] = None
    base(bench)
    bench.power_cycle()
    del bench.script["NotifyReport"]
    bench.connect()
    assert reported(bench) == []


def test_B02_FR_01_a_station_that_is_pending_reports_and_goes_on_when_the_connection_comes_back():
    bench = Bench(evses=2, own=many(450))
    pending = {"currentTime": "2026-01-01T00:00:00Z", "interval": 300, "status": "Pending"}
    bench.script["BootNotification"] = pending
    answers = iter([{}, None])
    bench.script["NotifyReport"] = lambda page: next(answers)
    bench.connect()
    assert [page["seqNo"] for page in base(bench)] == [0, 1]
    bench.disconnect()
    del bench.script["NotifyReport"]
    bench.connect()
    bench.pass_time(300)
    assert next(page["seqNo"] for page in reported(bench)) == 1


def test_a_page_tells_values_of_its_moment_beside_a_transaction():
    bench = accepted(own=many(450))
    waiting: list[Payload] = []

    def answer(page: Payload) -> Payload | None:
        waiting.append(page)
        return None if page["seqNo"] == 0 else {}

    bench.script["NotifyReport"] = answer
    bench.ask("GetBaseReport", requestId=1, reportBase="FullInventory")
    assert bench.ask("RequestStartTransaction", idToken=TOKEN, remoteStartId=1, evseId=1)
    assert len(waiting) == 1  # the station is not held up by it


# ---- custom reports ----


EVSE_STATE = one("EVSE", "AvailabilityState")


@pytest.mark.proves("B08.FR.01", "B08.FR.03", "B08.FR.04", "B08.FR.11", "B08.FR.12", "B08.FR.14")
def test_B08_FR_11_what_was_asked_for_is_told_and_nothing_else():
    bench = accepted()
    asked = [one("EVSE", "AvailabilityState", evse={"id": 2}), one("OCPPCommCtrlr", "OfflineThreshold")]
    assert bench.ask("GetReport", requestId=11, componentVariable=asked) == {"status": "Accepted"}
    page = only(reported(bench))
    assert (page["requestId"], page["seqNo"], page["tbc"]) == (11, 0, False)
    assert [where(item) for item in page["reportData"]] == [
        ("OCPPCommCtrlr", None, None, None, "OfflineThreshold", None),
        ("EVSE", 2, None, None, "AvailabilityState", None),
    ]
    assert all(item["variableCharacteristics"]["dataType"] for item in page["reportData"])


def test_B08_names_are_compared_without_regard_to_case_and_told_as_they_are_spelled():
    bench = accepted()
    assert custom(bench, one("evse", "AVAILABILITYSTATE", evse={"id": 1})) == {
        ("EVSE", 1, None, None, "AvailabilityState", None)
    }


@pytest.mark.proves("B08.FR.20")
def test_B08_FR_20_without_a_variable_every_variable_of_the_component():
    bench = accepted(own=boxes)
    told = custom(bench, one("Box", evse={"id": 1, "connectorId": 1}, instance="left"))
    assert told == {("Box", 1, 1, "left", "Load", name) for name in (None, "L1", "L2")}


@pytest.mark.proves("B08.FR.21")
def test_B08_FR_21_without_an_instance_every_instance_of_the_variable():
    bench = accepted(own=boxes)
    place = {"evse": {"id": 1, "connectorId": 1}, "instance": "left"}
    assert {each[5] for each in custom(bench, one("Box", "Load", **place))} == {None, "L1", "L2"}
    assert {each[5] for each in custom(bench, one("Box", "Load", "L2", **place))} == {"L2"}


PLACES: list[Payload] = [{}, {"evse": {"id": 1}}, {"evse": {"id": 2}}, {"evse": {"id": 1, "connectorId": 1}}]
NAMES = [(None, None), ("Load", None), ("Load", "L1"), ("Lid", None)]


@pytest.mark.proves("B08.FR.22", "B08.FR.23", "B08.FR.24", "B08.FR.25")
@pytest.mark.parametrize("place", PLACES, ids=str)
@pytest.mark.parametrize("instance", [None, "left"])
@pytest.mark.parametrize(("variable", "name"), NAMES)
def test_B08_FR_22_to_25_what_is_left_open_covers_all(
    place: Payload, instance: str | None, variable: str | None, name: str | None
):
    bench = accepted(own=boxes)
    evse = place.get("evse", {})
    asked = ("Box", evse.get("id"), evse.get("connectorId"), instance, variable, name)
    told = custom(bench, one("Box", variable, name, **place, **({"instance": instance} if instance else {})))
    everything = {where(item) for item in data(base(bench))}
    assert told == {
        each for each in everything if all(wish in (None, there) for wish, there in zip(asked, each, strict=True))
    }


def gauges(model: DeviceModel) -> None:
    """Components with the four states that criteria ask for: true, false, not there."""
    for name in ("Active", "Available", "Enabled", "Problem"):
        model.declare(Variable(f"Has{name}", name, True))
        model.declare(Variable(f"Hasnot{name}", name, False))
    model.declare(Variable("Plain", "Weight", 1))
    for component in [f"Has{name}" for name in ("Active", "Problem")] + ["HasnotProblem"]:
        model.declare(Variable(component, "Size", 1))


@pytest.mark.proves("B08.FR.07", "B08.FR.08", "B08.FR.09")
@pytest.mark.parametrize("criterion", ["Active", "Available", "Enabled"])
def test_B08_FR_07_08_09_a_component_that_is_so_or_cannot_say(criterion: str):
    bench = accepted(own=gauges)
    told = {each[0] for each in custom(bench, criteria=(criterion,))}
    assert {f"Has{criterion}", "Plain", "ChargingStation"} <= told
    assert f"Hasnot{criterion}" not in told


@pytest.mark.proves("B08.FR.10")
def test_B08_FR_10_a_component_with_a_problem_and_no_other():
    bench = accepted(own=gauges)
    assert custom(bench, criteria=("Problem",)) == {
        ("HasProblem", None, None, None, "Problem", None),
        ("HasProblem", None, None, None, "Size", None),
    }
    bench.fault("GroundFailure", evse=2)
    bench.take_sent()
    assert {each[:3] for each in custom(bench, criteria=("Problem",))} >= {("EVSE", 2, None), ("Connector", 2, 1)}


@pytest.mark.proves("B08.FR.13")
def test_B08_FR_13_one_of_several_criteria_is_enough():
    bench = accepted(own=gauges)
    both = custom(bench, criteria=("Problem", "Active"))
    assert both == custom(bench, criteria=("Problem",)) | custom(bench, criteria=("Active",))


@pytest.mark.proves("B08.FR.05")
def test_B08_FR_05_criteria_and_variables_together_narrow_it_both():
    bench = accepted(own=gauges)
    asked = (one("HasActive", "Size"), one("HasProblem", "Size"), one("HasnotProblem", "Size"))
    assert {each[0] for each in custom(bench, *asked, criteria=("Problem",))} == {"HasProblem"}


def test_B08_FR_05_neither_criteria_nor_variables_is_everything():
    bench = accepted()
    assert len(custom(bench)) == len(list(bench.station.model.slots()))


@pytest.mark.proves("B08.FR.15")
@pytest.mark.parametrize(
    "more",
    [
        {"componentVariable": [one("Nowhere")]},
        {"componentVariable": [one("EVSE", "Nothing")]},
        {"componentVariable": [one("EVSE", evse={"id": 9})]},
        {"componentVariable": [EVSE_STATE], "componentCriteria": ["Problem"]},
    ],
)
def test_B08_FR_15_nothing_to_tell_is_answered_and_not_reported(more: Payload):
    bench = accepted()
    assert bench.ask("GetReport", requestId=1, **more) == {"status": "EmptyResultSet"}
    assert reported(bench) == []
    assert base(bench)  # and nothing is left behind


@pytest.mark.proves("B08.FR.06", "B08.FR.17")
def test_B08_FR_17_more_items_than_are_allowed_are_refused():
    bench = accepted()
    most = bench.station.model[ITEMS_PER_GET_REPORT]
    assert bench.ask("GetReport", requestId=1, componentVariable=[EVSE_STATE] * most) == {"status": "Accepted"}
    bench.take_sent()
    told = bench.ask("GetReport", requestId=2, componentVariable=[EVSE_STATE] * (most + 1))
    assert told == "OccurrenceConstraintViolation"
    assert reported(bench) == []


def small(model: DeviceModel) -> None:
    model.set(BYTES_PER_GET_REPORT, 2000)


@pytest.mark.proves("B08.FR.18")
def test_B08_FR_18_more_bytes_than_are_allowed_are_refused():
    bench = accepted(own=small)
    long = [one("x" * 50, "y" * 50, "z" * 50, instance="w" * 50)] * 20
    assert bench.ask("GetReport", requestId=1, componentVariable=long) == "FormatViolation"
    assert bench.ask("GetReport", requestId=1, componentVariable=long[:2]) == {"status": "EmptyResultSet"}


def test_another_base_or_criterion_than_ocpp_has_is_malformed_and_reports_nothing():
    bench = accepted()
    assert bench.ask("GetBaseReport", requestId=1, reportBase="WholeInventory") == "PropertyConstraintViolation"
    assert bench.ask("GetReport", requestId=1, componentCriteria=["Sunny"]) == "PropertyConstraintViolation"
    assert reported(bench) == []
