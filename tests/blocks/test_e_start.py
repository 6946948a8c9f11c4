"""Block E, the beginning: when a transaction starts and what is told of it until energy flows (E01, E02, E03, E05)."""

from __future__ import annotations

import pytest

from agent.session.evse_state import OFFER_GRACE_S
from hal.events import CpState, FaultCode
from tests.bench import CARD, OTHER_CARD, TOKEN, Bench, contexts, only, register_wh, story

ALL_POINTS = "ParkingBayOccupancy,EVConnected,Authorized,DataSigned,PowerPathClosed,EnergyTransfer"

SILENT = {"SampledDataCtrlr.TxUpdatedInterval": 0}


def bench_with(**options: object) -> Bench:
    """Accepted; keyword ``start`` and ``stop`` are the transaction points, ``variables`` more of the device model."""
    points = {"TxCtrlr.TxStartPoint": options.pop("start", None), "TxCtrlr.TxStopPoint": options.pop("stop", None)}
    variables = {name: value for name, value in points.items() if value is not None}
    variables |= options.pop("variables", {})  # type: ignore[arg-type]
    bench = Bench(variables=variables, **options)  # type: ignore[arg-type]
    bench.accept()
    bench.take_sent()
    return bench


# ---- E01: every start point ----


def test_E01_FR_01_parking_bay_occupancy_starts():
    bench = bench_with(start="ParkingBayOccupancy", bay=True)
    bench.bay(True)
    assert bench.take_story() == [("Started", "EVDetected", "Idle")]
    bench.plug_in()
    bench.swipe()
    assert bench.take_story() == [
        ("Updated", "CablePluggedIn", "EVConnected"),
        ("Updated", "Authorized", "EVConnected"),
        ("Updated", "ChargingStateChanged", "Charging"),
    ]


def test_E01_FR_01_without_a_bay_sensor_the_vehicle_that_connects_occupies_the_bay():
    bench = bench_with(start="ParkingBayOccupancy", stop="ParkingBayOccupancy")
    bench.plug_in()
    bench.unplug()
    assert bench.take_story() == [
        ("Started", "CablePluggedIn", "EVConnected"),
        ("Ended", "EVCommunicationLost", "Idle"),
    ]


def test_E01_FR_02_E02_FR_06_ev_connected_starts():
    bench = bench_with(start="EVConnected")
    bench.plug_in()
    started = only(bench.take_events())
    assert story(started) == ("Started", "CablePluggedIn", "EVConnected")
    assert started["evse"] == {"id": 1, "connectorId": 1}
    assert "idToken" not in started


def test_E01_FR_03_authorized_starts():
    bench = bench_with(start="Authorized")
    bench.swipe()
    started = only(bench.take_events())
    assert story(started) == ("Started", "Authorized", "Idle")
    assert started["idToken"] == TOKEN
    assert "evse" not in started  # E01.FR.16: not before it is connected


def test_E01_FR_04_no_meter_here_signs_its_values_so_data_signed_never_starts():
    bench = bench_with(start="DataSigned,EnergyTransfer")
    bench.plug_in()
    bench.swipe()
    assert bench.take_story() == [("Started", "ChargingStateChanged", "Charging")]


def test_E01_FR_05_power_path_closed_starts_with_the_card_when_the_cable_was_first():
    bench = bench_with(start="PowerPathClosed")
    bench.plug_in()
    assert bench.take_events() == []
    bench.swipe()
    assert bench.take_story() == [
        ("Started", "Authorized", "EVConnected"),
        ("Updated", "ChargingStateChanged", "Charging"),
    ]


def test_E01_FR_05_power_path_closed_starts_with_the_cable_when_the_card_was_first():
    bench = bench_with(start="PowerPathClosed")
    bench.swipe()
    assert bench.take_events() == []
    bench.plug_in()
    started, charging = bench.take_events()
    assert story(started) == ("Started", "CablePluggedIn", "EVConnected")
    assert started["idToken"] == TOKEN
    assert started["evse"] == {"id": 1, "connectorId": 1}
    assert story(charging) == ("Updated", "ChargingStateChanged", "Charging")


def test_E01_FR_05_power_path_closed_is_not_the_contactor():
    bench = bench_with(start="PowerPathClosed")
    bench.plug_in(wants=False)
    bench.swipe()
    assert bench.take_story() == [("Started", "Authorized", "EVConnected")]


def test_E01_FR_06_energy_transfer_starts():
    bench = bench_with(start="EnergyTransfer")
    bench.plug_in(wants=False)
    bench.swipe()
    assert bench.take_events() == []
    bench.vehicle_wants(True)
    started = only(bench.take_events())
    assert story(started) == ("Started", "ChargingStateChanged", "Charging")
    assert started["idToken"] == TOKEN
    assert started["evse"] == {"id": 1, "connectorId": 1}
    assert started["numberOfPhasesUsed"] == 3


def test_E01_the_first_point_of_the_list_that_comes_about_starts_and_only_once():
    bench = bench_with(start=ALL_POINTS, bay=True)
    bench.plug_in()
    bench.bay(True)
    bench.swipe()
    assert [event["eventType"] for event in bench.take_events()] == ["Started", "Updated", "Updated", "Updated"]


def test_E01_FR_08_E02_FR_08_two_transactions_never_have_the_same_id():
    bench = bench_with(start="EVConnected")
    ids = set()
    for _ in range(20):
        bench.plug_in()
        ids.add(bench.transaction_id)
        bench.unplug()
    assert len(ids) == 20
    assert all(len(each) == 36 for each in ids)


def test_E01_FR_14_one_transaction_an_evse_whatever_its_other_connector_says():
    bench = bench_with(start="EVConnected", connectors=2)
    bench.plug_in(connector=1)
    bench.pilot(CpState.B, connector=2)
    assert len(bench.take_events()) == 1
    assert len(bench.station.site.running()) == 1


def test_E01_FR_18_E02_FR_13_nothing_is_told_while_the_charging_state_stays():
    bench = bench_with(start="EVConnected")
    bench.plug_in(wants=False)
    bench.take_events()
    bench.pilot(CpState.B)
    assert bench.take_events() == []


# ---- a start that was not possible at first ----


def test_B02_FR_03_a_vehicle_that_connected_before_we_were_accepted_starts_when_we_are():
    bench = Bench(variables={"TxCtrlr.TxStartPoint": "EVConnected"})
    bench.plug_in()
    assert bench.told == []
    bench.accept()
    assert bench.take_story() == [("Started", "CablePluggedIn", "EVConnected")]


def test_E01_FR_02_nothing_starts_on_a_faulted_evse_until_it_is_well():
    bench = bench_with(start="EVConnected")
    bench.fault("GroundFailure")
    bench.plug_in()
    assert bench.take_events() == []
    bench.heal("GroundFailure")
    assert bench.take_story() == [("Started", "CablePluggedIn", "EVConnected")]


def test_E01_FR_02_nothing_starts_on_an_evse_that_is_out_of_service_until_it_is_back():
    bench = bench_with(start="EVConnected")
    bench.ask("ChangeAvailability", operationalStatus="Inoperative")
    bench.plug_in()
    assert bench.take_events() == []
    bench.ask("ChangeAvailability", operationalStatus="Operative")
    assert bench.take_story() == [("Started", "CablePluggedIn", "EVConnected")]


def test_E01_FR_02_a_vehicle_that_left_meanwhile_starts_nothing():
    bench = bench_with(start="EVConnected")
    bench.fault("GroundFailure")
    bench.plug_in()
    bench.unplug()
    bench.heal("GroundFailure")
    assert bench.take_events() == []


def test_no_energy_without_a_transaction_when_a_second_driver_finds_the_vehicle_still_connected():
    bench = bench_with(start="EVConnected", stop="Authorized")
    bench.plug_in()
    bench.swipe()
    bench.swipe()
    bench.take_events()
    bench.pass_time(60)
    assert bench.take_events() == []  # nobody asked for another one
    bench.swipe(OTHER_CARD)
    assert bench.take_story() == [
        ("Started", "Authorized", "EVConnected"),
        ("Updated", "ChargingStateChanged", "Charging"),
    ]


# ---- E02: cable first ----


def test_E02_a_session_with_the_cable_first():
    bench = bench_with(start="EVConnected,Authorized", stop="EVConnected,Authorized")
    bench.plug_in()
    bench.swipe()
    bench.pass_time(120)
    bench.swipe()
    bench.unplug()
    told = [
        (said.action, *story(said.payload)[:2]) if said.action == "TransactionEvent" else said.action
        for said in bench.sent
    ]
    assert told == [
        "StatusNotification",
        ("TransactionEvent", "Started", "CablePluggedIn"),
        "Authorize",
        ("TransactionEvent", "Updated", "Authorized"),
        ("TransactionEvent", "Updated", "ChargingStateChanged"),
        ("TransactionEvent", "Updated", "MeterValuePeriodic"),
        ("TransactionEvent", "Updated", "MeterValuePeriodic"),
        ("TransactionEvent", "Ended", "StopAuthorized"),
        "StatusNotification",
    ]
    assert [event["seqNo"] for event in bench.take_events()] == [0, 1, 2, 3, 4, 5]


def test_E02_FR_01_the_identifier_is_told_once():
    bench = bench_with(start="EVConnected")
    bench.plug_in()
    bench.swipe()
    bench.pass_time(60)
    assert [event.get("idToken") for event in bench.take_events()] == [None, TOKEN, None, None]


def test_E02_FR_05_the_connector_is_occupied_before_the_transaction_starts():
    bench = bench_with(start="EVConnected")
    bench.plug_in()
    assert [said.action for said in bench.take_sent()] == ["StatusNotification", "TransactionEvent"]


def test_E02_FR_09_started_has_the_registers_that_are_configured():
    bench = bench_with(start="EVConnected")
    bench.plug_in()
    started = only(bench.take_events())
    assert register_wh(started, "Transaction.Begin") == 1000.0


def test_E02_FR_09_nothing_is_measured_when_sampling_is_off():
    bench = bench_with(variables={"SampledDataCtrlr.Enabled": False})
    bench.plug_in()
    bench.swipe()
    bench.pass_time(300)
    bench.swipe()
    assert [event.get("meterValue") for event in bench.take_events()] == [None] * 3


def test_E02_FR_10_readings_come_at_the_configured_interval():
    bench = bench_with(variables={"SampledDataCtrlr.TxUpdatedInterval": 30})
    bench.plug_in()
    bench.swipe()
    bench.take_events()
    bench.pass_time(90)
    told = bench.take_events()
    assert [story(event) for event in told] == [("Updated", "MeterValuePeriodic", "Charging")] * 3
    assert {sampled.get("measurand") for sampled in told[0]["meterValue"][0]["sampledValue"]} == {
        None,
        "Power.Active.Import",
    }


def test_E02_FR_10_an_interval_of_0_gives_no_readings():
    bench = bench_with(variables={"SampledDataCtrlr.TxUpdatedInterval": 0})
    bench.plug_in()
    bench.swipe()
    bench.take_events()
    bench.pass_time(3600)
    assert bench.take_events() == []


def test_E02_FR_16_what_happens_in_its_course_is_told():
    bench = bench_with(start="EVConnected", stop="EVConnected", variables=SILENT)
    bench.plug_in(wants=False)
    bench.take_events()
    heard = []
    for happens in (
        bench.swipe,
        lambda: bench.vehicle_wants(True),
        lambda: bench.ask("TriggerMessage", requestedMessage="TransactionEvent"),
        lambda: bench.fault("HighTemperature"),
        lambda: bench.heal("HighTemperature"),
        bench.swipe,
    ):
        happens()
        heard += [(event[0], event[1]) for event in bench.take_story()]
    assert heard == [
        ("Updated", "Authorized"),
        ("Updated", "ChargingStateChanged"),
        ("Updated", "Trigger"),
        ("Updated", "ChargingStateChanged"),  # the fault
        ("Updated", "ChargingStateChanged"),
        ("Updated", "StopAuthorized"),
        ("Updated", "ChargingStateChanged"),
    ]


def test_E02_FR_17_a_cable_event_does_not_swallow_an_authorization():
    bench = bench_with(evses=2, start="ParkingBayOccupancy", bay=True)
    bench.bay(True, evse=2)
    bench.swipe()  # at the station's reader: where the vehicle stands
    bench.plug_in(evse=2)
    assert [event[1] for event in bench.take_story()] == [
        "EVDetected",
        "Authorized",
        "CablePluggedIn",
        "ChargingStateChanged",
    ]


def test_E02_FR_18_E03_FR_13_the_phases_are_told_once_when_energy_begins_to_flow():
    bench = bench_with(start="EVConnected")
    bench.plug_in()
    bench.swipe()
    bench.pass_time(60)
    assert [event.get("numberOfPhasesUsed") for event in bench.take_events()] == [None, None, 3, None]


def test_E02_FR_20_a_card_that_is_refused_is_no_event_of_the_transaction():
    bench = bench_with(start="EVConnected")
    bench.plug_in()
    bench.take_events()
    bench.script["Authorize"] = {"idTokenInfo": {"status": "Blocked"}}
    bench.swipe()
    assert bench.take_events() == []
    assert not bench.intents[1].permit_power


def test_E01_FR_16_the_evse_is_told_once():
    bench = bench_with(start="Authorized")
    bench.swipe()
    bench.plug_in()
    bench.pass_time(60)
    assert [event.get("evse") for event in bench.take_events()] == [None, {"id": 1, "connectorId": 1}, None, None]


def test_the_cable_of_a_socket_is_told_with_the_evse():
    bench = bench_with(start="EVConnected", attached=False)
    bench.plug_in(cable_a=20.0)
    assert only(bench.take_events())["cableMaxCurrent"] == 20
    assert bench.intents[1].limit_a is None


# ---- E03: card first ----


def test_E03_FR_01_a_session_with_the_card_first():
    bench = bench_with(start="Authorized", stop="Authorized")
    bench.swipe()
    bench.plug_in()
    assert bench.take_story() == [
        ("Started", "Authorized", "Idle"),
        ("Updated", "CablePluggedIn", "EVConnected"),
        ("Updated", "ChargingStateChanged", "Charging"),
    ]


def test_E03_FR_05_nobody_plugs_in_and_the_transaction_ends():
    bench = bench_with(start="Authorized", stop="Authorized", variables={"TxCtrlr.EVConnectionTimeOut": 30})
    bench.swipe()
    bench.pass_time(29.9)
    assert bench.take_story() == [("Started", "Authorized", "Idle")]
    bench.pass_time(0.2)
    ended = only(bench.take_events())
    assert story(ended) == ("Ended", "EVConnectTimeout", "Idle")
    assert ended["transactionInfo"]["stoppedReason"] == "Timeout"
    bench.plug_in()
    assert not bench.intents[1].permit_power


def test_E03_FR_05_it_ends_whatever_the_stop_point_but_for_the_bay():
    bench = bench_with(start="Authorized", stop="EVConnected")
    bench.swipe()
    bench.pass_time(60)
    assert bench.take_story()[-1] == ("Ended", "EVConnectTimeout", "Idle")


def test_E03_FR_15_with_the_bay_as_stop_point_it_is_deauthorized_and_ends_when_he_leaves():
    silent = {"SampledDataCtrlr.TxUpdatedInterval": 0}
    bench = bench_with(start="ParkingBayOccupancy", stop="ParkingBayOccupancy", bay=True, variables=silent)
    bench.bay(True)
    bench.swipe()
    bench.take_events()
    bench.pass_time(60)
    assert bench.take_story() == [("Updated", "EVConnectTimeout", "Idle")]
    assert bench.evse().authorization is None
    bench.bay(False)
    ended = only(bench.take_events())
    assert story(ended) == ("Ended", "EVDeparted", "Idle")
    assert ended["transactionInfo"]["stoppedReason"] == "Timeout"


def test_E03_FR_15_with_bay_and_authorization_as_stop_points_the_timeout_ends_it():
    bench = bench_with(start="ParkingBayOccupancy", stop="ParkingBayOccupancy,Authorized", bay=True)
    bench.bay(True)
    bench.swipe()
    bench.pass_time(60)
    ended = bench.take_events()[-1]
    assert story(ended) == ("Ended", "EVConnectTimeout", "Idle")
    assert ended["transactionInfo"]["stoppedReason"] == "Timeout"


def test_C01_FR_26_a_right_without_a_transaction_times_out_silently():
    bench = bench_with(start="PowerPathClosed")
    bench.swipe()
    bench.pass_time(60)
    bench.plug_in()
    assert bench.take_events() == []
    assert not bench.intents[1].permit_power


def test_E03_a_cable_in_time_stops_the_clock():
    bench = bench_with(start="Authorized")
    bench.swipe()
    bench.pass_time(59)
    bench.plug_in()
    bench.pass_time(300)
    assert {event[0] for event in bench.take_story()} == {"Started", "Updated"}


def test_E03_FR_11_begin_values_come_with_the_evse_and_again_with_energy_when_it_was_not_known_at_the_start():
    bench = bench_with(evses=2, start="Authorized")
    bench.plants[1].register_wh, bench.plants[2].register_wh = 111.0, 222.0
    bench.read_meter(1)
    bench.read_meter(2)
    bench.swipe()
    bench.plug_in(evse=2, wants=False)
    started, plugged = bench.take_events()
    assert contexts(started) == []
    assert (plugged["evse"]["id"], contexts(plugged)) == (2, ["Transaction.Begin"])
    bench.pass_time(20)
    bench.plants[2].register_wh += 5
    bench.read_meter(2)
    bench.take_events()
    bench.vehicle_wants(True, evse=2)
    charging = only(bench.take_events())
    assert contexts(charging) == ["Transaction.Begin"]
    assert charging["meterValue"] == plugged["meterValue"]
    assert register_wh(charging, "Transaction.Begin") == 222.0  # J02.FR.22: of the EVSE where it takes place


def test_E03_a_vehicle_that_is_not_ready_is_suspended_after_a_while():
    bench = bench_with(start="EVConnected")
    bench.plug_in(wants=False)
    bench.swipe()
    bench.take_events()
    bench.pass_time(OFFER_GRACE_S)
    assert bench.take_story() == [("Updated", "ChargingStateChanged", "SuspendedEV")]
    bench.vehicle_wants(True)
    assert bench.take_story() == [("Updated", "ChargingStateChanged", "Charging")]


def test_E01_FR_19_a_vehicle_that_pauses_is_suspended():
    bench = bench_with()
    bench.plug_in()
    bench.swipe()
    bench.take_events()
    bench.vehicle_wants(False)
    bench.vehicle_wants(True)
    assert bench.take_story() == [
        ("Updated", "ChargingStateChanged", "SuspendedEV"),
        ("Updated", "ChargingStateChanged", "Charging"),
    ]


@pytest.mark.parametrize("code", ["HighTemperature", "InternalError"])
def test_E01_FR_18_after_a_passing_fault_the_vehicle_is_not_called_suspended_before_it_could_answer(code: FaultCode):
    bench = bench_with(variables=SILENT)
    bench.plug_in()
    bench.swipe()
    bench.take_events()
    bench.fault(code)
    bench.heal(code)
    assert [event[2] for event in bench.take_story()] == ["SuspendedEVSE", "Charging"]


def test_E01_FR_19_a_vehicle_that_takes_nothing_after_a_fault_is_suspended_after_a_while():
    bench = bench_with(variables=SILENT)
    bench.plug_in()
    bench.swipe()
    bench.take_events()
    bench.fault("HighTemperature")
    bench.vehicle_wants(False)
    bench.heal("HighTemperature")
    bench.pass_time(OFFER_GRACE_S - 0.1)
    assert [event[2] for event in bench.take_story()] == ["SuspendedEVSE"]
    bench.pass_time(0.1)
    assert [event[2] for event in bench.take_story()] == ["SuspendedEV"]


# ---- E05: the CSMS does not take the identifier ----


def refused_later(stop_on_invalid: bool = True, **options: object) -> Bench:
    """Charging; the CSMS says of the identifier in the Started that it is not valid."""
    more = {"TxCtrlr.StopTxOnInvalidId": stop_on_invalid, **options.pop("variables", {})}  # type: ignore[dict-item]
    bench = bench_with(variables=more, **options)
    bench.script["TransactionEvent"] = lambda asked: (
        {"idTokenInfo": {"status": "Invalid"}} if "idToken" in asked else {}
    )
    bench.plug_in()
    bench.swipe()
    return bench


@pytest.mark.parametrize("stop", ["Authorized", "PowerPathClosed", "EVConnected,Authorized"])
def test_E05_FR_10_E06_FR_04_the_transaction_ends(stop: str):
    bench = refused_later(stop=stop)
    ended = bench.take_events()[-1]
    assert story(ended) == ("Ended", "Deauthorized", "EVConnected")
    assert ended["transactionInfo"]["stoppedReason"] == "DeAuthorized"
    assert not bench.intents[1].permit_power


@pytest.mark.parametrize("stop", ["EVConnected", "ParkingBayOccupancy"])
def test_E05_FR_09_the_energy_stops_and_the_transaction_goes_on(stop: str):
    bench = refused_later(stop=stop)
    told = bench.take_story()
    assert ("Updated", "Deauthorized") in [event[:2] for event in told]
    assert told[-1] == ("Updated", "ChargingStateChanged", "EVConnected") or told[-1][2] == "EVConnected"
    assert not bench.intents[1].permit_power
    bench.unplug()
    ended = bench.take_events()[-1]
    assert ended["transactionInfo"]["stoppedReason"] == "DeAuthorized"


def test_E05_FR_02_without_stop_on_invalid_the_energy_is_suspended():
    bench = refused_later(stop_on_invalid=False, stop="Authorized")
    told = bench.take_story()
    assert told[-1] == ("Updated", "ChargingStateChanged", "SuspendedEVSE")
    assert "Deauthorized" not in [event[1] for event in told]
    assert not bench.intents[1].permit_power
    assert bench.evse().authorization is not None  # not deauthorized


def test_E05_FR_02_with_energy_transfer_as_stop_point_that_ends_it():
    bench = refused_later(stop_on_invalid=False, start="EnergyTransfer", stop="EnergyTransfer")
    ended = bench.take_events()[-1]
    assert story(ended)[0] == "Ended"
    assert ended["transactionInfo"]["stoppedReason"] == "DeAuthorized"


def test_E05_FR_03_energy_is_allowed_up_to_the_configured_amount():
    bench = refused_later(stop_on_invalid=False, variables={"TxCtrlr.MaxEnergyOnInvalidId": 500})
    bench.take_events()
    bench.charge(490)
    assert bench.intents[1].permit_power
    assert bench.take_events() == []
    bench.charge(10)
    assert not bench.intents[1].permit_power
    assert bench.take_story() == [("Updated", "ChargingStateChanged", "SuspendedEVSE")]


def test_E05_FR_02_what_was_taken_before_the_answer_counts():
    bench = bench_with(variables={"TxCtrlr.StopTxOnInvalidId": False, "TxCtrlr.MaxEnergyOnInvalidId": 500})
    bench.script["TransactionEvent"] = None  # no answer yet
    bench.plug_in()
    bench.swipe()
    bench.charge(600)
    bench.disconnect()
    bench.script["TransactionEvent"] = {"idTokenInfo": {"status": "Invalid"}}
    bench.connect()
    assert not bench.intents[1].permit_power


def test_E05_stop_on_invalid_counts_more_than_the_energy_that_is_allowed():
    bench = refused_later(variables={"TxCtrlr.MaxEnergyOnInvalidId": 500})
    assert bench.take_story()[-1][:2] == ("Ended", "Deauthorized")


def test_E05_FR_11_the_cable_stays_locked_until_its_owner_identifies_himself():
    bench = refused_later(attached=False, lock=True)
    assert bench.plants[1].locked[1] == "locked"
    bench.take_sent()
    bench.swipe()
    assert bench.plants[1].locked[1] == "unlocked"
    assert bench.take_sent() == []  # neither asked nor authorized anew


def test_E05_the_same_driver_may_try_again_and_what_was_blocked_is_free():
    bench = refused_later(stop_on_invalid=False, stop="EVConnected")
    bench.script["TransactionEvent"] = {"idTokenInfo": {"status": "Accepted"}}
    bench.swipe()
    bench.take_events()
    bench.swipe()
    authorized, charging = bench.take_events()
    assert story(authorized)[1] == "Authorized"
    assert authorized["idToken"] == TOKEN
    assert story(charging) == ("Updated", "ChargingStateChanged", "Charging")


def test_C01_FR_23_another_driver_does_not_take_over_a_transaction():
    bench = bench_with(stop="EVConnected")
    bench.plug_in()
    bench.swipe()
    bench.swipe()
    bench.take_events()
    bench.swipe(OTHER_CARD)
    assert bench.take_events() == []
    assert not bench.intents[1].permit_power
    bench.swipe(CARD)
    assert bench.take_story()[0][:2] == ("Updated", "Authorized")


def test_E05_an_answer_to_the_last_event_of_a_transaction_ends_nothing():
    bench = bench_with()
    bench.plug_in()
    bench.swipe()
    bench.script["TransactionEvent"] = {"idTokenInfo": {"status": "Invalid"}}
    bench.swipe()
    assert [event[0] for event in bench.take_story()].count("Ended") == 1
