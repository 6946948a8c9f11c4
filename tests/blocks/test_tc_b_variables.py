"""Certification cases of Part 6 for B05 and B06: variables set and read."""

from __future__ import annotations

import pytest

from tests.bench import Payload
from tests.blocks.reusable import Octt

THRESHOLD = ("OCPPCommCtrlr", "OfflineThreshold")
OFFLINE = ("AuthCtrlr", "LocalAuthorizeOffline")


def item(place: tuple[str, str], **more: str) -> Payload:
    return {"component": {"name": place[0]}, "variable": {"name": place[1]}, **more}


def get(octt: Octt, *items: Payload) -> list[Payload]:
    return list(octt.ask("GetVariables", getVariableData=list(items))["getVariableResult"])


def put(octt: Octt, *items: Payload) -> list[Payload]:
    return list(octt.ask("SetVariables", setVariableData=list(items))["setVariableResult"])


def no_error(result: Payload) -> bool:
    info = result.get("attributeStatusInfo")
    return info is None or info["reasonCode"] == "NoError"


def place(result: Payload) -> tuple[str, str]:
    return result["component"]["name"], result["variable"]["name"]


def test_TC_B_06_CS_a_single_value_is_read():
    octt = Octt({"OCPPCommCtrlr.OfflineThreshold": 300})
    (result,) = get(octt, item(THRESHOLD, attributeType="Actual"))
    assert (result["attributeStatus"], result["attributeType"], result["attributeValue"]) == (
        "Accepted",
        "Actual",
        "300",
    )
    assert place(result) == THRESHOLD
    assert no_error(result)


def test_TC_B_07_CS_several_values_are_read():
    octt = Octt({"OCPPCommCtrlr.OfflineThreshold": 300, "AuthCtrlr.LocalAuthorizeOffline": True})
    results = get(octt, item(THRESHOLD, attributeType="Actual"), item(OFFLINE, attributeType="Actual"))
    assert {place(each): each["attributeValue"] for each in results} == {THRESHOLD: "300", OFFLINE: "true"}
    for each in results:
        assert (each["attributeStatus"], each["attributeType"], no_error(each)) == ("Accepted", "Actual", True)


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        pytest.param(item(("UnknownComponent", "OfflineThreshold")), "UnknownComponent", id="TC_B_32"),
        pytest.param(item(("OCPPCommCtrlr", "UnknownVariable")), "UnknownVariable", id="TC_B_33"),
        pytest.param(item(THRESHOLD, attributeType="Target"), "NotSupportedAttributeType", id="TC_B_34"),
    ],
)
@pytest.mark.proves("TC_B_32_CS", "TC_B_33_CS", "TC_B_34_CS")
def test_TC_B_32_CS_33_34_what_cannot_be_read(asked: Payload, status: str):
    (result,) = get(Octt(), asked)
    assert result["attributeStatus"] == status
    assert place(result) == place(asked)
    assert result["attributeType"] == asked.get("attributeType", "Actual")
    assert "attributeValue" not in result


def test_TC_B_09_CS_a_single_value_is_set():
    octt = Octt()
    (result,) = put(octt, item(THRESHOLD, attributeValue="300", attributeType="Actual"))
    assert (result["attributeStatus"], result["attributeType"]) == ("Accepted", "Actual")
    assert place(result) == THRESHOLD
    assert no_error(result)


def test_TC_B_10_CS_several_values_are_set():
    octt = Octt()
    results = put(
        octt,
        item(THRESHOLD, attributeValue="300", attributeType="Actual"),
        item(OFFLINE, attributeValue="true", attributeType="Actual"),
    )
    assert {place(each) for each in results} == {THRESHOLD, OFFLINE}
    for each in results:
        assert (each["attributeStatus"], each["attributeType"], no_error(each)) == ("Accepted", "Actual", True)


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        pytest.param(item(("UnknownComponent", "OfflineThreshold")), "UnknownComponent", id="TC_B_35"),
        pytest.param(item(("OCPPCommCtrlr", "UnknownVariable")), "UnknownVariable", id="TC_B_36"),
        pytest.param(item(THRESHOLD, attributeType="Target"), "NotSupportedAttributeType", id="TC_B_37"),
    ],
)
@pytest.mark.proves("TC_B_35_CS", "TC_B_36_CS", "TC_B_37_CS")
def test_TC_B_35_CS_36_37_what_cannot_be_set(asked: Payload, status: str):
    (result,) = put(Octt(), {**asked, "attributeValue": "300"})
    assert result["attributeStatus"] == status
    assert place(result) == place(asked)
    assert result["attributeType"] == asked.get("attributeType", "Actual")


VALUES = ("300", "300.1", "true", "2026-01-01T00:00:00Z", "abc")


@pytest.mark.parametrize(("where", "fits"), [(THRESHOLD, {"300"}), (("AuthCtrlr", "AuthorizeRemoteStart"), {"true"})])
def test_TC_B_11_CS_values_of_another_type_are_rejected(where: tuple[str, str], fits: set[str]):
    octt = Octt({"OCPPCommCtrlr.OfflineThreshold": 300})
    for value in VALUES:
        (result,) = put(octt, item(where, attributeValue=value))
        assert place(result) == where
        assert result["attributeType"] == "Actual"
        if value in fits:
            assert (result["attributeStatus"], no_error(result)) == ("Accepted", True)
        else:
            assert result["attributeStatus"] == "Rejected"
            assert result["attributeStatusInfo"]["reasonCode"] == "InvalidValue"


def test_TC_B_39_CS_what_may_only_be_read_is_not_set():
    asked = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "MessageTimeout", "instance": "Default"}}
    (result,) = put(Octt(), {**asked, "attributeValue": "30"})
    assert result["attributeStatus"] == "Rejected"
    assert (result["component"], result["variable"]) == (asked["component"], asked["variable"])
