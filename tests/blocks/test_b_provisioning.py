"""Block B: who we are, what may be said before we are accepted, the variables, the reset (B01 to B06, B11, B12)."""

from __future__ import annotations

import pytest

from agent.blocks.b_provisioning import OWN_INTERVAL_S
from agent.blocks.b_reset import STOPPED
from tests.bench import CARD, POWER_ON, TOKEN, Bench, Payload, only

TIME = "2026-01-01T00:00:00Z"
NO_READINGS = {"SampledDataCtrlr.TxUpdatedInterval": 0}


def answered(status: str, interval: int = 120, **options: object) -> Bench:
    """Connected to a CSMS that answers BootNotification so."""
    bench = Bench(**options)  # type: ignore[arg-type]
    bench.script["BootNotification"] = {"currentTime": TIME, "interval": interval, "status": status}
    bench.connect()
    return bench


def actions(bench: Bench) -> list[str]:
    return [said.action for said in bench.take_sent()]


# ---- B01: boot ----


def test_B01_FR_01_the_first_word_is_who_we_are_and_B01_FR_09_why_we_boot():
    bench = Bench()
    bench.connect()
    first = bench.sent[0]
    assert first.action == "BootNotification"
    assert first.payload == {"chargingStation": {"model": "Bench", "vendorName": "Table"}, "reason": "PowerUp"}


def test_B01_FR_03_every_boot_says_it_again():
    bench = Bench()
    bench.accept()
    bench.take_sent()
    bench.power_cycle()
    bench.connect()
    assert bench.sent[0].action == "BootNotification"


@pytest.mark.parametrize(
    ("machine", "stopped", "reason"),
    [
        ("", "", "PowerUp"),  # the system does not say
        ("second", "", "PowerUp"),
        ("second", "first", "PowerUp"),
        ("first", "", "ApplicationReset"),  # it died while the power was on
        ("first", "first", "LocalReset"),  # somebody restarted it
    ],
)
def test_B01_FR_09_a_start_that_nobody_asked_for_tells_whether_the_power_was_gone(
    machine: str, stopped: str, reason: str
):
    bench = Bench()
    bench.machine_start = "first"
    bench.power_cycle()
    if stopped:
        bench.records[STOPPED] = stopped.encode()
    bench.machine_start = machine
    bench.power_cycle()
    bench.connect()
    assert bench.sent[0].payload["reason"] == reason
    assert STOPPED not in bench.records


def test_B01_FR_09_what_a_reset_said_counts_for_more():
    bench = Bench()
    bench.machine_start = "first"
    bench.power_cycle()
    bench.accept()
    bench.ask("Reset", type="Immediate")
    bench.pass_time(2)
    bench.records[STOPPED] = b"first"
    bench.power_cycle(off_s=0)
    bench.take_sent()
    bench.connect()
    assert bench.sent[0].payload["reason"] == "RemoteReset"


def test_a_reconnection_is_no_boot():  # Part 4, 5.3
    bench = Bench()
    bench.accept()
    bench.take_sent()
    bench.disconnect()
    bench.connect()
    assert "BootNotification" not in actions(bench)


def test_B01_FR_04_the_heartbeat_interval_is_the_one_of_the_answer():
    bench = answered("Accepted", interval=77)
    assert bench.get("OCPPCommCtrlr.HeartbeatInterval") == "77"


def test_B01_FR_04_an_interval_of_0_changes_nothing():
    bench = answered("Accepted", interval=0)
    assert bench.get("OCPPCommCtrlr.HeartbeatInterval") == "300"


def test_B01_FR_05_accepted_every_connector_is_told():
    bench = Bench(evses=2, connectors=2)
    bench.plug_in(evse=2, connector=1)
    bench.accept()
    assert bench.take_statuses() == [
        (1, 1, "Available"),
        (1, 2, "Available"),
        (2, 1, "Occupied"),
        (2, 2, "Available"),
    ]


@pytest.mark.parametrize("status", ["Accepted", "Pending", "Rejected"])
def test_B01_FR_06_the_clock_is_set_to_the_time_of_the_answer(status: str):
    assert answered(status).clock_set == [POWER_ON]


def test_B01_FR_07_out_of_service_outlives_the_power():
    bench = Bench()
    bench.accept()
    bench.ask("ChangeAvailability", operationalStatus="Inoperative")
    bench.take_sent()
    bench.power_cycle()
    bench.connect()
    assert bench.take_statuses() == [(1, 1, "Unavailable")]


def test_B01_FR_08_nothing_is_said_before_the_answer_not_even_what_waits_since_the_last_time():
    bench = Bench(variables={"TxCtrlr.TxStartPoint": "EVConnected"})
    bench.accept()
    bench.disconnect()
    bench.plug_in()
    assert len(bench.rows) == 1
    bench.power_cycle()
    bench.take_sent()
    bench.script["BootNotification"] = None
    bench.connect()
    bench.swipe()
    assert actions(bench) == ["BootNotification"]


def test_a_call_before_the_answer_is_answered():
    bench = Bench()
    bench.script["BootNotification"] = None
    bench.connect()
    assert bench.get("OCPPCommCtrlr.OfflineThreshold") == "60"


def test_no_answer_closes_the_connection_and_the_next_one_boots_again():
    bench = Bench()
    bench.script["BootNotification"] = None
    bench.connect()
    bench.pass_time(30)
    assert bench.link.state == "waiting"
    bench.pass_time(15)
    assert actions(bench) == ["BootNotification"] * 2


def test_an_error_for_an_answer_is_followed_by_another_try_after_a_while():
    bench = Bench()
    bench.script["BootNotification"] = "InternalError"
    bench.connect()
    bench.pass_time(OWN_INTERVAL_S - 1)
    assert actions(bench) == ["BootNotification"]
    del bench.script["BootNotification"]
    bench.pass_time(2)
    assert bench.station.desk.accepted


def test_an_error_for_an_answer_and_then_a_lost_connection_the_next_one_boots_at_once():
    bench = Bench()
    bench.script["BootNotification"] = "InternalError"
    bench.connect()
    del bench.script["BootNotification"]
    bench.disconnect()
    bench.take_sent()
    bench.connect()
    assert actions(bench)[0] == "BootNotification"
    assert bench.station.desk.accepted


def test_a_connection_that_is_lost_before_the_answer_the_next_one_boots_at_once():
    bench = Bench()
    bench.script["BootNotification"] = None
    bench.connect()
    del bench.script["BootNotification"]
    bench.disconnect()
    bench.take_sent()
    bench.connect()
    assert bench.station.desk.accepted


@pytest.mark.parametrize("status", ["Pending", "Rejected"])
def test_B02_FR_04_B03_FR_02_the_interval_holds_over_a_lost_connection(status: str):
    bench = answered(status, interval=3600)
    bench.take_sent()
    bench.disconnect()
    bench.connect()
    bench.pass_time(3000)
    assert actions(bench) == []
    bench.pass_time(600)
    assert actions(bench) == ["BootNotification"]


# ---- B02: pending ----


def test_B02_FR_01_while_pending_variables_are_read_and_set():
    bench = answered("Pending")
    assert bench.set("OCPPCommCtrlr.OfflineThreshold", 300) == "Accepted"
    assert bench.get("OCPPCommCtrlr.OfflineThreshold") == "300"


def test_B02_FR_02_while_pending_nothing_is_said_of_our_own_accord():
    bench = answered("Pending", interval=3600)
    bench.plug_in()
    bench.swipe()
    bench.fault("GroundFailure")
    bench.pass_time(3000)
    assert actions(bench) == ["BootNotification"]


@pytest.mark.parametrize(
    ("message", "more", "action"),
    [
        ("Heartbeat", {}, "Heartbeat"),
        ("StatusNotification", {"evse": {"id": 1, "connectorId": 1}}, "StatusNotification"),
        ("MeterValues", {"evse": {"id": 1}}, "MeterValues"),
    ],
)
def test_B02_FR_02_while_pending_what_the_csms_asks_for_is_said(message: str, more: Payload, action: str):
    bench = answered("Pending")
    assert bench.ask("TriggerMessage", requestedMessage=message, **more) == {"status": "Accepted"}
    assert actions(bench) == ["BootNotification", action]


@pytest.mark.parametrize("offline_too", [False, True])
def test_B02_FR_03_a_driver_before_acceptance_charges_only_where_that_is_configured(offline_too: bool):
    bench = answered(
        "Pending",
        variables={"TxCtrlr.TxBeforeAcceptedEnabled": offline_too, "AuthCtrlr.OfflineTxForUnknownIdEnabled": True},
    )
    bench.plug_in()
    bench.swipe()
    assert bench.intents[1].permit_power is offline_too
    assert bool(bench.told) is offline_too
    assert actions(bench) == ["BootNotification"]


def test_B02_FR_03_what_was_queued_before_acceptance_is_told_after_it():
    bench = answered(
        "Pending",
        variables={
            "TxCtrlr.TxBeforeAcceptedEnabled": True,
            "AuthCtrlr.OfflineTxForUnknownIdEnabled": True,
            **NO_READINGS,
        },
    )
    bench.plug_in()
    bench.swipe()
    del bench.script["BootNotification"]
    bench.pass_time(120)
    assert bench.take_story() == [
        ("Started", "Authorized", "EVConnected"),
        ("Updated", "ChargingStateChanged", "Charging"),
    ]


@pytest.mark.parametrize("status", ["Pending", "Rejected"])
def test_B02_FR_04_no_second_boot_before_the_interval_and_B02_FR_08_B03_FR_06_one_after_it(status: str):
    bench = answered(status, interval=120)
    bench.pass_time(119)
    assert actions(bench) == ["BootNotification"]
    bench.pass_time(2)
    assert actions(bench) == ["BootNotification"]


def test_B02_FR_04_a_reconnection_does_not_shorten_the_interval():
    bench = answered("Pending", interval=120)
    bench.disconnect()
    bench.connect()
    bench.pass_time(60)
    assert actions(bench) == ["BootNotification"]
    bench.pass_time(60)
    assert actions(bench) == ["BootNotification"]


def test_B02_FR_04_the_csms_may_ask_for_it_earlier():
    bench = answered("Pending", interval=120)
    del bench.script["BootNotification"]
    assert bench.ask("TriggerMessage", requestedMessage="BootNotification") == {"status": "Accepted"}
    assert [said.payload["reason"] for said in bench.sent if said.action == "BootNotification"] == [
        "PowerUp",
        "Triggered",
    ]
    assert bench.take_statuses() == [(1, 1, "Available")]


def test_B02_FR_05_while_pending_remote_start_and_stop_are_rejected_even_where_charging_is_allowed():
    bench = answered(
        "Pending", variables={"TxCtrlr.TxBeforeAcceptedEnabled": True, "TxCtrlr.TxStartPoint": "EVConnected"}
    )
    assert bench.ask("RequestStartTransaction", idToken=TOKEN, remoteStartId=1, evseId=1) == {"status": "Rejected"}
    bench.plug_in()
    assert bench.ask("RequestStopTransaction", transactionId=bench.transaction_id) == {"status": "Rejected"}


def test_B02_FR_06_pending_the_connection_stays():
    bench = answered("Pending", interval=3600)
    bench.pass_time(3000)
    assert bench.link.state == "open"


@pytest.mark.parametrize("status", ["Pending", "Rejected"])
def test_B02_FR_07_B03_FR_05_an_interval_of_0_is_an_interval_of_our_own(status: str):
    bench = answered(status, interval=0)
    bench.pass_time(OWN_INTERVAL_S - 1)
    assert actions(bench) == ["BootNotification"]
    bench.pass_time(2)
    assert actions(bench) == ["BootNotification"]


# ---- B03: rejected ----


def test_B03_FR_02_rejected_nothing_is_said_until_the_interval_is_over():
    bench = answered("Rejected", interval=600)
    bench.plug_in()
    bench.swipe()
    bench.pass_time(599)
    assert actions(bench) == ["BootNotification"]


@pytest.mark.parametrize(
    ("action", "payload"),
    [
        ("GetVariables", {"getVariableData": [{"component": {"name": "C"}, "variable": {"name": "V"}}]}),
        ("TriggerMessage", {"requestedMessage": "BootNotification"}),
        ("RequestStartTransaction", {"idToken": TOKEN, "remoteStartId": 1}),
        ("GetBaseReport", {"requestId": 1, "reportBase": "FullInventory"}),
        ("Reset", {"type": "Immediate"}),
    ],
)
def test_B03_FR_08_rejected_every_call_gets_a_security_error(action: str, payload: Payload):
    bench = answered("Rejected")
    assert bench.ask(action, **payload) == "SecurityError"
    assert bench.restarts == []


def test_B03_rejected_and_then_accepted_all_is_well():
    bench = answered("Rejected", interval=10)
    del bench.script["BootNotification"]
    bench.pass_time(10)
    assert bench.get("OCPPCommCtrlr.OfflineThreshold") == "60"
    assert bench.take_statuses() == [(1, 1, "Available")]


@pytest.mark.parametrize("status", ["Pending", "Rejected"])
@pytest.mark.proves("B03.FR.01")
def test_before_acceptance_a_token_that_is_known_here_charges_where_that_is_configured(status: str):
    bench = Bench(variables={"TxCtrlr.TxBeforeAcceptedEnabled": True, **NO_READINGS})
    bench.accept()
    entry = {"idToken": TOKEN, "idTokenInfo": {"status": "Accepted"}}
    bench.ask("SendLocalList", versionNumber=1, updateType="Full", localAuthorizationList=[entry])
    bench.power_cycle()
    bench.script["BootNotification"] = {"currentTime": TIME, "interval": 3600, "status": status}
    bench.take_sent()
    bench.connect()
    bench.plug_in()
    bench.swipe(CARD)
    assert bench.intents[1].permit_power
    assert bench.rows
    assert actions(bench) == ["BootNotification"]


# ---- B04: offline ----


def offline_for(seconds: float, bench: Bench) -> list[tuple[int, int, str]]:
    bench.disconnect()
    bench.take_sent()
    bench.plug_in(evse=2)
    bench.pass_time(seconds)
    bench.connect()
    return bench.take_statuses()


def test_B04_FR_01_longer_than_the_threshold_all_connectors_are_told():
    often = {"OCPPCommCtrlr.RetryBackOffRepeatTimes": 0}  # an attempt that fails does not shorten the time
    bench = Bench(evses=2, variables={"OCPPCommCtrlr.OfflineThreshold": 60, **often})
    bench.accept()
    assert offline_for(300, bench) == [(1, 1, "Available"), (2, 1, "Occupied")]


def test_B04_FR_02_shorter_only_those_that_changed():
    bench = Bench(evses=2, variables={"OCPPCommCtrlr.OfflineThreshold": 600})
    bench.accept()
    assert offline_for(300, bench) == [(2, 1, "Occupied")]


def test_B04_FR_02_a_change_that_was_undone_is_none():
    bench = Bench(variables={"OCPPCommCtrlr.OfflineThreshold": 600})
    bench.accept()
    bench.disconnect()
    bench.plug_in()
    bench.unplug()
    bench.take_sent()
    bench.connect()
    assert bench.take_statuses() == []


def test_B04_FR_02_a_status_that_nobody_confirmed_is_told_again():
    bench = Bench(variables={"OCPPCommCtrlr.OfflineThreshold": 600})
    bench.accept()
    bench.script["StatusNotification"] = None
    bench.plug_in()
    bench.disconnect()
    bench.take_sent()
    del bench.script["StatusNotification"]
    bench.connect()
    assert bench.take_statuses() == [(1, 1, "Occupied")]


def test_a_status_that_the_csms_refuses_is_not_told_for_ever():
    bench = Bench()
    bench.script["StatusNotification"] = "InternalError"
    bench.accept()
    bench.pass_time(100)
    assert bench.take_statuses() == [(1, 1, "Available")]


# ---- B05, B06: variables ----


def one(component: str, variable: str, **more: object) -> Payload:
    place = {name: more.pop(name) for name in ("evse",) if name in more}
    instance = {"instance": more.pop("instance")} if "instance" in more else {}
    return {"component": {"name": component, **place}, "variable": {"name": variable, **instance}, **more}


def got(bench: Bench, *items: Payload) -> list[Payload]:
    told = bench.ask("GetVariables", getVariableData=list(items))
    assert isinstance(told, dict)
    return list(told["getVariableResult"])


def was_set(bench: Bench, *items: Payload) -> list[Payload]:
    told = bench.ask("SetVariables", setVariableData=list(items))
    assert isinstance(told, dict)
    return list(told["setVariableResult"])


@pytest.fixture
def accepted() -> Bench:
    bench = Bench(evses=2)
    bench.accept()
    return bench


def test_B05_FR_01_B05_FR_02_as_many_results_as_there_were_items_in_their_order(accepted: Bench):
    results = was_set(
        accepted,
        one("OCPPCommCtrlr", "OfflineThreshold", attributeValue="300"),
        one("Nowhere", "Nothing", attributeValue="1"),
        one("AuthCtrlr", "AuthorizeRemoteStart", attributeValue="true"),
    )
    assert [(each["variable"]["name"], each["attributeStatus"]) for each in results] == [
        ("OfflineThreshold", "Accepted"),
        ("Nothing", "UnknownComponent"),
        ("AuthorizeRemoteStart", "Accepted"),
    ]


@pytest.mark.parametrize(
    ("item", "status"),
    [
        (one("Nowhere", "OfflineThreshold", attributeValue="1"), "UnknownComponent"),  # B05.FR.04
        (one("OCPPCommCtrlr", "Nothing", attributeValue="1"), "UnknownVariable"),  # B05.FR.05
        (
            one("OCPPCommCtrlr", "OfflineThreshold", attributeValue="1", attributeType="Target"),
            "NotSupportedAttributeType",
        ),
        (one("OCPPCommCtrlr", "OfflineThreshold", attributeValue="abc"), "Rejected"),  # B05.FR.07
        (one("OCPPCommCtrlr", "OfflineThreshold", attributeValue="300.1"), "Rejected"),
        (one("OCPPCommCtrlr", "HeartbeatInterval", attributeValue="0"), "Rejected"),  # B05.FR.08
        (one("OCPPCommCtrlr", "HeartbeatInterval", attributeValue="9" * 900), "Rejected"),
        (one("TxCtrlr", "TxStopPoint", attributeValue="EVConnected,Sunset"), "Rejected"),
        (one("OCPPCommCtrlr", "MessageTimeout", instance="Default", attributeValue="5"), "Rejected"),  # B05.FR.09
        (one("EVSE", "AvailabilityState", evse={"id": 1}, attributeValue="Faulted"), "Rejected"),
        (one("OCPPCommCtrlr", "OfflineThreshold", attributeValue="300"), "Accepted"),  # B05.FR.10
        (one("ocppcommctrlr", "offlinethreshold", attributeValue="300", attributeType="Actual"), "Accepted"),
    ],
)
def test_B05_FR_04_to_B05_FR_10_the_status_of_an_item(accepted: Bench, item: Payload, status: str):
    result = only(was_set(accepted, item))
    assert result["attributeStatus"] == status
    assert result["attributeType"] == item.get("attributeType", "Actual")  # B05.FR.03, B05.FR.12
    assert (result["component"], result["variable"]) == (item["component"], item["variable"])


def test_B05_FR_07_a_refusal_says_why(accepted: Bench):
    wrong, fixed = was_set(
        accepted,
        one("OCPPCommCtrlr", "OfflineThreshold", attributeValue="abc"),
        one("OCPPCommCtrlr", "MessageTimeout", instance="Default", attributeValue="5"),
    )
    assert wrong["attributeStatusInfo"]["reasonCode"] == "InvalidValue"
    assert "abc" in wrong["attributeStatusInfo"]["additionalInfo"]
    assert fixed["attributeStatusInfo"]["reasonCode"] == "ReadOnly"


def test_B05_what_was_set_outlives_the_power_and_the_rest_is_the_boards():
    bench = Bench(variables={"OCPPCommCtrlr.HeartbeatInterval": 60, "OCPPCommCtrlr.OfflineThreshold": 90})
    bench.script["BootNotification"] = {"currentTime": TIME, "interval": 0, "status": "Accepted"}
    bench.accept()
    assert (
        bench.set("OCPPCommCtrlr.HeartbeatInterval", 300) == "Accepted"
    )  # the default of the variable, not the board's
    bench.power_cycle()
    bench.connect()
    assert bench.get("OCPPCommCtrlr.HeartbeatInterval") == "300"
    assert bench.get("OCPPCommCtrlr.OfflineThreshold") == "90"


def test_B05_what_was_set_takes_effect_at_once(accepted: Bench):
    accepted.set("TxCtrlr.TxStartPoint", "EVConnected")
    accepted.take_sent()
    accepted.plug_in()
    assert accepted.take_story() == [("Started", "CablePluggedIn", "EVConnected")]


def test_B05_FR_11_more_items_than_are_allowed_are_refused(accepted: Bench):
    items = [one("OCPPCommCtrlr", "OfflineThreshold", attributeValue="1")] * 101
    assert accepted.ask("SetVariables", setVariableData=items) == "OccurrenceConstraintViolation"
    assert accepted.get("OCPPCommCtrlr.OfflineThreshold") == "60"


def test_B06_FR_01_B06_FR_02_as_many_results_as_there_were_items_in_their_order(accepted: Bench):
    results = got(accepted, one("OCPPCommCtrlr", "OfflineThreshold"), one("Nowhere", "V"), one("AuthCtrlr", "Enabled"))
    assert [(each["attributeStatus"], each.get("attributeValue")) for each in results] == [
        ("Accepted", "60"),
        ("UnknownComponent", None),
        ("Accepted", "true"),
    ]


@pytest.mark.parametrize(
    ("item", "status", "value"),
    [
        (one("OCPPCommCtrlr", "OfflineThreshold", attributeType="Actual"), "Accepted", "60"),  # B06.FR.04, B06.FR.10
        (one("Nowhere", "OfflineThreshold"), "UnknownComponent", None),  # B06.FR.06
        (one("OCPPCommCtrlr", "Nothing"), "UnknownVariable", None),  # B06.FR.07
        (
            one("OCPPCommCtrlr", "OfflineThreshold", attributeType="Target"),
            "NotSupportedAttributeType",
            None,
        ),  # B06.FR.08
        (one("OCPPCommCtrlr", "OfflineThreshold", attributeType="MaxSet"), "NotSupportedAttributeType", None),
        (one("OCPPCommCtrlr", "MessageTimeout", instance="Default"), "Accepted", "30"),  # B06.FR.14
        (one("OCPPCommCtrlr", "MessageTimeout"), "UnknownVariable", None),  # B06.FR.15
        (one("OCPPCommCtrlr", "MessageTimeout", instance=""), "UnknownVariable", None),
        (one("DeviceDataCtrlr", "ItemsPerMessage", instance="GetVariables"), "Accepted", "100"),
        (one("EVSE", "AvailabilityState", evse={"id": 2}), "Accepted", "Available"),
        (one("EVSE", "AvailabilityState", evse={"id": 3}), "UnknownComponent", None),
        (one("Connector", "ConnectorType", evse={"id": 1, "connectorId": 1}), "Accepted", "cType2"),
        (one("ChargingStation", "SupplyPhases"), "Accepted", "3"),
    ],
)
def test_B06_FR_03_to_B06_FR_15_the_status_and_value_of_an_item(
    accepted: Bench, item: Payload, status: str, value: str | None
):
    result = only(got(accepted, item))
    assert (result["attributeStatus"], result.get("attributeValue")) == (status, value)
    assert result["attributeType"] == item.get("attributeType", "Actual")  # B06.FR.03, B06.FR.11
    assert (result["component"], result["variable"]) == (item["component"], item["variable"])  # B06.FR.02


def test_B06_live_values_are_those_of_the_moment(accepted: Bench):
    state = one("EVSE", "AvailabilityState", evse={"id": 1})
    power = one("EVSE", "Power", evse={"id": 1})
    accepted.plug_in()
    accepted.swipe()
    accepted.pass_time(10)
    assert [each["attributeValue"] for each in got(accepted, state, power)] == ["Occupied", "7200"]


def test_B06_FR_16_more_items_than_are_allowed_are_refused(accepted: Bench):
    items = [one("OCPPCommCtrlr", "OfflineThreshold")] * 101
    assert accepted.ask("GetVariables", getVariableData=items) == "OccurrenceConstraintViolation"
