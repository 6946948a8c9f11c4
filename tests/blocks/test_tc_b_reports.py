"""Certification cases of Part 6 for B07 and B08: base reports and custom reports."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.bench import Payload, only
from tests.blocks.reusable import Octt
from tests.model.referenced import required

LISTS = ("OptionList", "SequenceList", "MemberList")
STATES = "Available,Occupied,Reserved,Unavailable,Faulted"
STATE_OF_EVSE_1 = {"component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "AvailabilityState"}}


def report(octt: Octt, request_id: int) -> list[Payload]:
    """Every page as the tool validates it; what they tell."""
    told: list[Payload] = []
    seq_no, more = 0, True
    while more:
        page = octt.expect("NotifyReport")
        assert (page["requestId"], page["seqNo"]) == (request_id, seq_no)
        assert datetime.fromisoformat(page["generatedAt"]).tzinfo is not None
        told += page["reportData"]
        seq_no, more = seq_no + 1, page.get("tbc", False)
    octt.expect_nothing()
    for item in told:
        characteristics = item["variableCharacteristics"]
        assert "dataType" in characteristics
        assert "supportsMonitoring" in characteristics
        if characteristics["dataType"] in LISTS:
            assert characteristics["valuesList"]
    return told


def base(octt: Octt, kind: str) -> list[Payload]:
    answer = octt.ask("GetBaseReport", requestId=42, reportBase=kind)
    assert answer == {"status": "Accepted"}
    return report(octt, 42)


def names(told: list[Payload]) -> set[tuple[str, str, str | None]]:
    return {(each["component"]["name"], each["variable"]["name"], each["variable"].get("instance")) for each in told}


def test_TC_B_12_CS_configuration_inventory():
    octt = Octt(lock=True, attached=False)
    told = base(octt, "ConfigurationInventory")
    for item in told:
        assert {each.get("mutability") for each in item["variableAttribute"]} <= {"ReadWrite", "WriteOnly"}
    writable = {each.name for each in required(octt.bench.station) if each.mutability == "ReadWrite"}
    assert writable <= names(told)


@pytest.mark.proves("TC_B_13_CS", "TC_B_53_CS")
def test_TC_B_13_CS_TC_B_53_CS_full_inventory():
    octt = Octt()
    told = base(octt, "FullInventory")
    assert {each.name for each in required(octt.bench.station)} <= names(told)
    for item in told:  # as the errata of 2025-09 read the values
        attribute = only(item["variableAttribute"])
        assert ("value" in attribute) == (attribute["mutability"] != "WriteOnly")
        listed = item["variableCharacteristics"].get("valuesList")
        if item["variableCharacteristics"]["dataType"] in LISTS and attribute.get("value"):
            assert set(attribute["value"].split(",")) <= set(listed.split(","))


def test_TC_B_14_CS_summary_inventory():
    octt = Octt()
    told = base(octt, "SummaryInventory")
    states = {
        (each["component"]["name"], str(each["component"].get("evse"))): each["variableAttribute"][0]["value"]
        for each in told
        if each["variable"]["name"] == "AvailabilityState"
    }
    assert states == {
        ("ChargingStation", "None"): "Available",
        ("EVSE", "{'id': 1}"): "Available",
        ("Connector", "{'id': 1, 'connectorId': 1}"): "Available",
    }
    octt.bench.fault("GroundFailure")
    octt.bench.take_sent()
    problems = [each for each in base(octt, "SummaryInventory") if each["variable"]["name"] == "Problem"]
    assert {each["component"]["name"] for each in problems} >= {"ChargingStation", "EVSE", "Connector"}
    assert {each["variableAttribute"][0]["value"] for each in problems} == {"true"}


def test_TC_B_16_CS_a_custom_report_by_criteria():
    """A component without the variable belongs into the report (B08.FR.09): only what is named Enabled is compared."""
    octt = Octt({"AuthCtrlr.Enabled": True, "SampledDataCtrlr.Enabled": False})
    full = base(octt, "FullInventory")
    assert octt.ask("GetReport", requestId=43, componentCriteria=["Enabled"]) == {"status": "Accepted"}
    told = report(octt, 43)
    enabled = [each for each in told if each["variable"]["name"] == "Enabled"]
    assert {each["variableAttribute"][0]["value"] for each in enabled} == {"true"}
    assert names(enabled) == names(
        [
            each
            for each in full
            if each["variable"]["name"] == "Enabled" and each["variableAttribute"][0]["value"] == "true"
        ]
    )
    for each in enabled:
        item = {"component": each["component"], "variable": each["variable"]}
        result = only(octt.ask("GetVariables", getVariableData=[item])["getVariableResult"])
        assert (result["attributeStatus"], result["attributeValue"]) == ("Accepted", "true")


def is_the_state_of_evse_1(told: list[Payload]) -> bool:
    item = only(told)
    characteristics, attribute = item["variableCharacteristics"], only(item["variableAttribute"])
    assert (item["component"], item["variable"]) == (STATE_OF_EVSE_1["component"], STATE_OF_EVSE_1["variable"])
    assert (characteristics["dataType"], characteristics["valuesList"]) == ("OptionList", STATES)
    return (attribute["mutability"], attribute["type"]) == ("ReadOnly", "Actual")


def test_TC_B_17_CS_a_custom_report_of_one_variable():
    octt = Octt()
    assert octt.ask("GetReport", requestId=44, componentVariable=[STATE_OF_EVSE_1]) == {"status": "Accepted"}
    assert is_the_state_of_evse_1(report(octt, 44))


def test_TC_B_18_CS_a_custom_report_by_criteria_and_variable():
    octt = Octt()
    asked = {"componentVariable": [STATE_OF_EVSE_1]}
    assert octt.ask("GetReport", requestId=45, componentCriteria=["Available"], **asked) == {"status": "Accepted"}
    assert is_the_state_of_evse_1(report(octt, 45))
    told = octt.ask("GetReport", requestId=46, componentCriteria=["Problem"], **asked)
    assert told["status"] == "EmptyResultSet"
    assert told.get("statusInfo", {"reasonCode": "NotFound"})["reasonCode"] == "NotFound"
    octt.expect_nothing()


def custom(octt: Octt, **asked: object) -> list[Payload]:
    assert octt.ask("GetReport", requestId=47, componentVariable=[asked]) == {"status": "Accepted"}
    return report(octt, 47)


ITEMS: Payload = {"component": {"name": "DeviceDataCtrlr"}, "variable": {"name": "ItemsPerMessage"}}


def test_TC_B_54_CS_a_custom_report_of_every_instance():
    told = custom(Octt(), **ITEMS)
    assert {each[:2] for each in names(told)} == {("DeviceDataCtrlr", "ItemsPerMessage")}
    instances = [each["variable"]["instance"] for each in told]
    assert instances[:2] == ["GetReport", "GetVariables"]
    assert instances[2:] == ["SetVariables"]


def test_TC_B_55_CS_a_custom_report_of_one_instance():
    one = {**ITEMS, "variable": {"name": "ItemsPerMessage", "instance": "GetReport"}}
    assert names(custom(Octt(), **one)) == {("DeviceDataCtrlr", "ItemsPerMessage", "GetReport")}


def test_TC_B_56_CS_a_custom_report_of_every_evse():
    asked: Payload = {"component": {"name": "EVSE"}, "variable": {"name": "AvailabilityState"}}
    told = custom(Octt(evses=3), **asked)
    assert names(told) == {("EVSE", "AvailabilityState", None)}
    assert [each["component"]["evse"]["id"] for each in told] == [1, 2, 3]
