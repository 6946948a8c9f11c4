"""Certification cases of block N, device model monitoring (N02 to N08), with the errata of 2025-09."""

from __future__ import annotations

import pytest

from tests.bench import Payload
from tests.blocks.reusable import Octt
from tests.blocks.test_n_monitoring import (
    POWER,
    PRESET,
    PRESET_ID,
    STATE,
    STATION,
    THRESHOLD,
    place,
    watching,
)

SEVERITY = 5
LIMIT_W, BELOW_W = 100.0, 10.0
INTERVAL_S = 60
ENABLED: dict[str, object] = {"MonitoringCtrlr.Enabled": True}
NUMERIC, TEXT = THRESHOLD, place("AuthCtrlr", "MasterPassGroupId")
"""A numeric and a non-numeric component variable that the tester can change."""


def tool(**options: object) -> Octt:
    """The test tool; the station is silent but for what the case is about."""
    configuration = {**ENABLED, "SampledDataCtrlr.TxUpdatedInterval": 0}
    return Octt(configuration, **options)  # type: ignore[arg-type]


def install(octt: Octt, *items: Payload) -> list[int]:
    """The monitors that a case has as its memory state."""
    results = octt.ask("SetVariableMonitoring", setMonitoringData=list(items))["setMonitoringResult"]
    assert [result["status"] for result in results] == ["Accepted"] * len(items)
    return [result["id"] for result in results]


def results(octt: Octt, *items: Payload) -> list[Payload]:
    """Of SetVariableMonitoring; each names what it is about, as the tool validates it."""
    told = octt.ask("SetVariableMonitoring", setMonitoringData=list(items))["setMonitoringResult"]
    for item, result in zip(items, told, strict=True):
        assert all(result[name] == item[name] for name in ("type", "severity", "component", "variable"))
        assert ("id" in result) == (result["status"] == "Accepted")
    return list(told)


def ok(answer: Payload) -> bool:
    """Accepted, and no reason but NoError."""
    return answer["status"] == "Accepted" and answer.get("statusInfo", {}).get("reasonCode") in (None, "NoError")


def report(octt: Octt, request_id: int, **filters: object) -> list[Payload]:
    """GetMonitoringReport is accepted; what all its parts have, a variable at a time."""
    assert ok(octt.ask("GetMonitoringReport", requestId=request_id, **filters))
    found: list[Payload] = []
    for seq_no in range(100):
        part = octt.expect("NotifyMonitoringReport")
        assert (part["requestId"], part["seqNo"], bool(part["generatedAt"])) == (request_id, seq_no, True)
        found += part["monitor"]
        if not part.get("tbc", False):
            return found
    raise AssertionError("it has no end")


def empty(octt: Octt, request_id: int, **filters: object) -> bool:
    """GetMonitoringReport finds nothing, and nothing is reported."""
    answer = octt.ask("GetMonitoringReport", requestId=request_id, **filters)
    octt.expect_nothing()
    return answer["status"] == "EmptyResultSet"


def kinds(data: list[Payload]) -> set[str]:
    """The types of all monitors in a report."""
    return {monitor["type"] for each in data for monitor in each["variableMonitoring"]}


def where(each: Payload) -> Payload:
    """Component and variable of a report, a result or an event."""
    return {"component": each["component"], "variable": each["variable"]}


def expect_notice(octt: Octt) -> list[Payload]:
    """The next NotifyEvent, which is the first part of its event."""
    told = octt.expect("NotifyEvent")
    assert told["seqNo"] == 0
    assert told["generatedAt"]
    events = told["eventData"]
    assert isinstance(events, list)
    return events


def expect_event(octt: Octt, id: int, **values: object) -> Payload:
    """The next NotifyEvent has an event of this monitor; each value that is named is as named, None: left out."""
    event = next(each for each in expect_notice(octt) if each.get("variableMonitoringId") == id)
    assert event["timestamp"]
    assert {name: event.get(name) for name in values} == values
    return event


def no_notice(octt: Octt) -> bool:
    """No NotifyEvent was sent that was not expected yet."""
    return [said for said in octt.bench.take_sent() if said.action == "NotifyEvent"] == []


def level(octt: Octt, severity: int) -> None:
    assert ok(octt.ask("SetMonitoringLevel", severity=severity))


# ---- N02: reports ----


def test_TC_N_01_CS_a_report_by_criteria():
    octt = tool()
    install(
        octt,
        watching(POWER, "LowerThreshold", 0),
        watching(POWER, "UpperThreshold", 5000),
        watching(POWER, "Periodic", 3600),
        watching(NUMERIC, "Delta", 10),
        watching(NUMERIC, "PeriodicClockAligned", 3600),
    )
    thresholds = {"UpperThreshold", "LowerThreshold"}
    assert kinds(report(octt, 1, monitoringCriteria=["ThresholdMonitoring"])) == thresholds
    both = report(octt, 2, monitoringCriteria=["ThresholdMonitoring", "DeltaMonitoring"])
    assert kinds(both) == thresholds | {"Delta"}
    rest = report(octt, 3, monitoringCriteria=["DeltaMonitoring", "PeriodicMonitoring"])
    assert kinds(rest) == {"Delta", "Periodic", "PeriodicClockAligned"}


def test_TC_N_02_CS_a_report_by_component_and_variable():
    octt = tool()
    install(octt, watching(STATION), watching(STATE), watching(POWER, "UpperThreshold", 5000))
    found = report(octt, 1, componentVariable=[STATION, {"component": STATE["component"]}])
    states = [each for each in found if each["variable"]["name"] == "AvailabilityState"]
    assert [where(each) for each in states] == [STATION, STATE]
    assert kinds(states) == {"Delta"}
    assert {each["component"]["name"] for each in found} == {"ChargingStation", "EVSE"}
    assert POWER in [where(each) for each in found]


def test_TC_N_03_CS_a_report_by_criteria_and_component():
    octt = tool()
    install(octt, watching(STATION), watching(STATE), watching(POWER, "Periodic", 3600))
    assert empty(octt, 1, monitoringCriteria=["ThresholdMonitoring"], componentVariable=[STATION, STATE])
    found = report(octt, 2, monitoringCriteria=["DeltaMonitoring"], componentVariable=[STATION, STATE])
    assert [where(each) for each in found] == [STATION, STATE]
    assert kinds(found) == {"Delta"}


def test_TC_N_47_CS_a_report_of_all():
    octt = tool()
    install(octt, watching(STATION), watching(STATE))
    states = [each for each in report(octt, 1) if each["variable"]["name"] == "AvailabilityState"]
    assert [where(each) for each in states] == [STATION, STATE]
    assert kinds(states) == {"Delta"}


# ---- N03: the base ----


def test_TC_N_05_CS_every_base():
    octt = tool()
    for name in ("All", "FactoryDefault", "HardWiredOnly"):
        assert ok(octt.ask("SetMonitoringBase", monitoringBase=name))


def test_TC_N_06_CS_hard_wired_only_removes_what_was_set():
    octt = tool()
    install(octt, watching(STATION))
    found = report(octt, 1, componentVariable=[STATION])
    assert ([where(each) for each in found], kinds(found)) == ([STATION], {"Delta"})
    assert ok(octt.ask("SetMonitoringBase", monitoringBase="HardWiredOnly"))
    assert empty(octt, 2, componentVariable=[STATION])


def test_TC_N_41_CS_the_factory_default_brings_a_preset_back():
    octt = tool(monitors=(PRESET,))
    assert ok(octt.ask("SetMonitoringBase", monitoringBase="FactoryDefault"))
    found = next(each for each in report(octt, 1) if each["variableMonitoring"][0]["id"] == PRESET_ID)
    preset = found["variableMonitoring"][0]
    severity = preset["severity"] + 1 if preset["severity"] < 9 else 5
    install(octt, {**where(found), **preset, "severity": severity})
    place_of_it = {"componentVariable": [where(found)]}
    assert report(octt, 2, **place_of_it)[0]["variableMonitoring"] == [{**preset, "severity": severity}]
    assert ok(octt.ask("SetMonitoringBase", monitoringBase="FactoryDefault"))
    assert report(octt, 3, **place_of_it) == [found]


# ---- N04: set ----


def test_TC_N_08_CS_one_element():
    octt = tool()
    (result,) = results(octt, watching(STATE, severity=8))
    assert ok(result)
    found = report(octt, 1, componentVariable=[STATE])
    assert ([where(each) for each in found], kinds(found)) == ([STATE], {"Delta"})


def test_TC_N_09_CS_several_elements_on_different_variables():
    octt = tool()
    told = results(octt, watching(STATE, severity=SEVERITY), watching(STATION, severity=SEVERITY))
    assert all(ok(result) for result in told)
    found = report(octt, 1, componentVariable=[STATE, STATION])
    assert {each["variableMonitoring"][0]["id"] for each in found} == {result["id"] for result in told}


def test_TC_N_10_CS_several_monitors_on_one_variable():
    octt = tool()
    told = results(octt, watching(STATE, severity=8), watching(STATE, severity=7))
    assert all(ok(result) for result in told)
    assert told[0]["id"] != told[1]["id"]


def test_TC_N_11_CS_an_unknown_component():
    octt = tool()
    unknown = watching(place("NonExistent", "Power"), "UpperThreshold", 1234)
    for result in results(octt, watching(place("EVSE", "AvailabilityState", 99)), unknown):
        assert result["status"] == "UnknownComponent"
        assert result["statusInfo"]["reasonCode"] in ("UnknownEVSE", "NotFound")


def test_TC_N_12_CS_a_delta_out_of_range():
    (result,) = results(tool(), watching(NUMERIC, value=-1))
    assert result["status"] == "Rejected"
    assert result["statusInfo"]["reasonCode"] in ("ValueOutOfRange", "ValuePositiveOnly")


def test_TC_N_13_CS_a_threshold_out_of_range():
    octt = tool()
    found = octt.ask("GetReport", requestId=1, componentVariable=[POWER])
    assert ok(found)
    characteristics = octt.expect("NotifyReport")["reportData"][0]["variableCharacteristics"]
    too_much = watching(POWER, "UpperThreshold", characteristics["maxLimit"] + 1)
    (result,) = results(octt, too_much)
    assert (result["status"], result["statusInfo"]["reasonCode"]) == ("Rejected", "ValueOutOfRange")


def test_TC_N_15_CS_the_same_type_and_severity_twice():
    octt = tool()
    first, second = results(octt, watching(STATE), watching(STATE))
    assert ok(first)
    assert (second["status"], second["statusInfo"]["reasonCode"]) == ("Duplicate", "InvalidValue")


def test_TC_N_24_CS_a_periodic_event():
    octt = tool()
    level(octt, 8)
    (result,) = results(octt, watching(POWER, "Periodic", INTERVAL_S, severity=5))
    assert ok(result)
    for _ in range(3):
        assert no_notice(octt)
        octt.bench.pass_time(INTERVAL_S)
        assert where(expect_event(octt, result["id"], trigger="Periodic")) == POWER


def test_TC_N_37_CS_an_unknown_variable():
    (result,) = results(tool(), watching(place("EVSE", "unknownVariable", 1)))
    assert result["status"] == "UnknownVariable"


def test_TC_N_39_CS_a_number_whose_monitor_watches_something_else():
    octt = tool()
    (id,) = install(octt, watching(TEXT))
    (result,) = results(octt, watching(NUMERIC, id=id))
    assert result["status"] == "Rejected"
    found = next(each for each in report(octt, 1) if each["variableMonitoring"][0]["id"] == id)
    assert where(found) == TEXT
    assert (found["variableMonitoring"][0]["value"], kinds([found])) == (1, {"Delta"})


def test_TC_N_40_CS_a_monitor_is_replaced():
    octt = tool()
    (id,) = install(octt, watching(STATE, severity=5))
    (result,) = results(octt, watching(STATE, severity=4, id=id))
    assert ok(result)
    found = report(octt, 1, componentVariable=[STATE], monitoringCriteria=["DeltaMonitoring"])
    assert [where(each) for each in found] == [STATE]
    assert [each["severity"] for each in found[0]["variableMonitoring"]] == [4]


def test_TC_N_43_CS_the_second_of_three_is_out_of_range():
    octt = tool()
    first, second, third = results(
        octt,
        watching(POWER, "UpperThreshold", LIMIT_W),
        watching(NUMERIC, "Delta", -1.0),
        watching(POWER, "LowerThreshold", BELOW_W),
    )
    assert (ok(first), second["status"], ok(third)) == (True, "Rejected", True)


def test_TC_N_51_CS_a_monitor_is_modified_so_that_it_tells():
    octt = tool()
    (id,) = install(octt, watching(POWER, "UpperThreshold", 10_000))
    level(octt, 8)
    octt.energy_transfer_started()
    octt.expect_nothing()
    (result,) = results(octt, watching(POWER, "UpperThreshold", LIMIT_W, id=id))
    assert ok(result)
    assert float(expect_event(octt, id, trigger="Alerting")["actualValue"]) > LIMIT_W


def test_TC_N_52_CS_a_monitor_that_told_is_removed():
    octt = tool()
    (id,) = install(octt, watching(POWER, "UpperThreshold", LIMIT_W))
    level(octt, 8)
    octt.energy_transfer_started()
    expect_event(octt, id)
    assert octt.ask("ClearVariableMonitoring", id=[id]) == {"clearMonitoringResult": [{"id": id, "status": "Accepted"}]}
    assert empty(octt, 1, componentVariable=[POWER], monitoringCriteria=["ThresholdMonitoring"])
    octt.stop_authorized()
    octt.bench.pass_time(60)
    assert no_notice(octt)


# ---- N05: the level ----


def test_TC_N_16_CS_a_level_keeps_what_is_less_grave():
    octt = tool()
    install(octt, watching(STATE, severity=8))
    level(octt, 7)
    octt.connect()
    assert no_notice(octt)


def test_TC_N_17_CS_a_level_out_of_range():
    octt = tool()
    for severity in (10, -1):
        answer = octt.ask("SetMonitoringLevel", severity=severity)
        assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Rejected", "ValueOutOfRange")


# ---- N06: clear ----


def test_TC_N_18_CS_monitors_are_cleared():
    octt = tool()
    first, second = install(octt, watching(STATION), watching(STATE))
    answer = octt.ask("ClearVariableMonitoring", id=[first, second])
    assert [(result["id"], ok(result)) for result in answer["clearMonitoringResult"]] == [(first, True), (second, True)]
    assert empty(octt, 1, componentVariable=[STATION, STATE])


def test_TC_N_19_CS_a_monitor_that_there_is_not():
    octt = tool()
    highest = max(monitor["id"] for each in report(octt, 1) for monitor in each["variableMonitoring"])
    (result,) = octt.ask("ClearVariableMonitoring", id=[highest + 1])["clearMonitoringResult"]
    assert (result["status"], result["id"]) == ("NotFound", highest + 1)


def test_TC_N_44_CS_a_hard_wired_monitor_is_not_cleared():
    octt = tool()
    first = report(octt, 1)[0]["variableMonitoring"][0]["id"]
    (result,) = octt.ask("ClearVariableMonitoring", id=[first])["clearMonitoringResult"]
    assert result["status"] == "Rejected"


# ---- N07: events ----


@pytest.mark.parametrize("stop", ["Authorized", "EVConnected"])
def test_TC_N_20_CS_a_threshold_is_exceeded_and_power_returns(stop: str):
    octt = tool(stop=stop)
    assert ok(octt.ask("SetMonitoringBase", monitoringBase="All"))
    (above,) = install(octt, watching(POWER, "UpperThreshold", LIMIT_W, severity=5))
    level(octt, 8)
    octt.energy_transfer_started()
    alert = expect_event(octt, above, trigger="Alerting", cleared=None, transactionId=octt.transaction_id)
    assert float(alert["actualValue"]) > LIMIT_W
    assert where(alert) == POWER
    (below,) = install(octt, watching(POWER, "LowerThreshold", BELOW_W, severity=5))
    octt.stop_authorized()
    events = {event["variableMonitoringId"]: event for event in expect_notice(octt)}
    assert set(events) == {above, below}
    assert (events[above]["cleared"], events[below].get("cleared")) == (True, None)
    for event in events.values():
        assert float(event["actualValue"]) < BELOW_W
        assert (event["trigger"], event["transactionId"]) == ("Alerting", octt.transaction_id)
        assert (event["eventNotificationType"], where(event)) == ("CustomMonitor", POWER)
    assert len({alert["eventId"], *(event["eventId"] for event in events.values())}) == 3


def test_TC_N_21_CS_what_is_hard_wired():
    octt = tool(attached=False, lock=True)
    octt.bench.plants[1].lock_stuck = True
    octt.connect()
    octt.present()
    octt.bench.pass_time(60)
    (event,) = expect_notice(octt)
    assert event["eventNotificationType"] == "HardWiredNotification"


def test_TC_N_45_CS_a_delta_is_exceeded():
    octt = tool()
    (id,) = install(octt, watching(POWER, "Delta", LIMIT_W, severity=5))
    level(octt, 8)
    octt.energy_transfer_started()
    assert where(expect_event(octt, id, trigger="Delta")) == POWER


def test_TC_N_56_CS_a_delta_of_what_is_no_number():
    octt = tool()
    (id,) = install(octt, watching(TEXT, severity=5))
    level(octt, 8)
    octt.configure({"AuthCtrlr.MasterPassGroupId": "MASTER"})
    assert where(expect_event(octt, id, trigger="Delta", actualValue="MASTER")) == TEXT


def test_TC_N_53_CS_monitors_outlive_a_reboot():
    octt = tool()
    (id,) = install(octt, watching(POWER, "UpperThreshold", LIMIT_W))
    octt.booted()
    found = report(octt, 1, monitoringCriteria=["ThresholdMonitoring"])
    told = next(each for each in found if each["variableMonitoring"][0]["id"] == id)
    assert (where(told), kinds([told])) == (POWER, {"UpperThreshold"})


# ---- offline ----


def test_TC_N_22_CS_what_is_grave_enough_waits_for_the_csms():
    octt = tool()
    octt.configure({"MonitoringCtrlr.OfflineQueuingSeverity": SEVERITY})
    (id,) = install(octt, watching(STATE, severity=SEVERITY))
    octt.bench.disconnect()
    octt.connect()
    octt.bench.pass_time(60)
    octt.bench.connect()
    assert where(expect_event(octt, id, trigger="Delta", actualValue="Occupied")) == STATE
    assert no_notice(octt)


def test_TC_N_23_CS_what_is_not_is_not_told_later():
    octt = tool(start="EVConnected", stop="EVConnected")
    octt.configure({"MonitoringCtrlr.OfflineQueuingSeverity": SEVERITY})
    plug = place("Connector", "AvailabilityState", 1, 1)
    install(octt, watching(STATE, severity=SEVERITY + 1), watching(plug, severity=SEVERITY + 1))
    octt.connect()
    octt.expect_status("Occupied")
    octt.expect_event(trigger="CablePluggedIn", state="EVConnected")
    told = expect_notice(octt)
    assert {(event["trigger"], event["actualValue"]) for event in told} == {("Delta", "Occupied")}
    assert [where(event) for event in told] == [STATE, plug]
    octt.bench.disconnect()
    octt.bench.unplug()
    octt.bench.plug_in()
    octt.bench.pass_time(60)
    octt.bench.connect()
    octt.expect_event(trigger="EVCommunicationLost", state="Idle")
    octt.expect_event(trigger="CablePluggedIn", state="EVConnected")
    assert no_notice(octt)
