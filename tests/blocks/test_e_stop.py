"""Block E, the end: what ends a transaction, with which reason, and what its last event says (E06 to E10, E15)."""

from __future__ import annotations

import pytest

from agent.blocks.e_watch import FAULT_PATIENCE_S, LAST_READING_PATIENCE_S
from agent.vocabulary.facts import TransactionEnded
from hal.events import FaultCode
from tests.bench import CARD, OTHER_CARD, TOKEN, Bench, contexts, only, register_wh, story
from tests.blocks.test_e_start import bench_with

SILENT = {"SampledDataCtrlr.TxUpdatedInterval": 0}


def charging(**options: object) -> Bench:
    """A session with energy flowing, and nothing in ``sent``; no periodic readings in between."""
    variables = {**SILENT, **options.pop("variables", {})}  # type: ignore[dict-item]
    bench = bench_with(variables=variables, **options)
    if options.get("bay"):
        bench.bay(True)
    bench.plug_in()
    bench.swipe()
    assert bench.plants[1].closed or not bench.plants[1].layout.has_relay_feedback
    bench.take_sent()
    return bench


def reason(event: dict[str, object]) -> object:
    return event["transactionInfo"].get("stoppedReason")  # type: ignore[attr-defined]


# ---- E06: every stop point ----


def test_E06_FR_01_leaving_the_bay_ends():
    bench = charging(stop="ParkingBayOccupancy", bay=True)
    bench.swipe()
    bench.unplug()
    assert [event[:2] for event in bench.take_story()] == [
        ("Updated", "StopAuthorized"),
        ("Updated", "ChargingStateChanged"),
        ("Updated", "EVCommunicationLost"),
    ]
    bench.bay(False)
    ended = only(bench.take_events())
    assert (story(ended), reason(ended)) == (("Ended", "EVDeparted", "Idle"), "Local")


def test_E06_FR_02_losing_the_vehicle_ends():
    bench = charging(stop="EVConnected")
    bench.unplug()
    ended = only(bench.take_events())
    assert (story(ended), reason(ended)) == (("Ended", "EVCommunicationLost", "Idle"), "EVDisconnected")


def test_E06_FR_03_the_card_ends():
    bench = charging(stop="Authorized")
    bench.swipe()
    ended = only(bench.take_events())
    assert (story(ended), reason(ended)) == (("Ended", "StopAuthorized", "EVConnected"), "Local")
    assert ended["idToken"] == TOKEN  # E07.FR.02


@pytest.mark.parametrize("how", ["card", "cable", "call"])
def test_E06_FR_06_power_path_closed_ends_with_authorization_or_connection(how: str):
    bench = charging(stop="PowerPathClosed", variables={"TxCtrlr.StopTxOnEVSideDisconnect": False})
    if how == "card":
        bench.swipe()
    elif how == "cable":
        bench.unplug()
    else:
        bench.ask("RequestStopTransaction", transactionId=bench.transaction_id)
    ended = only(bench.take_events())
    told = {
        "card": ("StopAuthorized", "Local"),
        "cable": ("EVCommunicationLost", "EVDisconnected"),
        "call": ("RemoteStop", "Remote"),
    }
    assert (ended["triggerReason"], reason(ended)) == told[how]


def test_E06_FR_06_power_path_closed_ends_also_what_was_never_connected():
    bench = bench_with(start="Authorized", stop="PowerPathClosed")
    bench.swipe()
    bench.swipe()
    assert bench.take_story() == [("Started", "Authorized", "Idle"), ("Ended", "StopAuthorized", "Idle")]


def test_E06_FR_07_a_pause_ends_and_the_right_with_it():
    bench = charging(stop="EnergyTransfer")
    bench.vehicle_wants(False)
    ended = only(bench.take_events())
    assert (story(ended), reason(ended)) == (("Ended", "ChargingStateChanged", "EVConnected"), "StoppedByEV")
    bench.vehicle_wants(True)
    assert not bench.intents[1].permit_power  # erratum 2.17: authorization ends with its transaction
    assert bench.take_events() == []


def test_E06_FR_07_the_end_of_the_energy_has_the_reason_of_the_card_that_ended_it():
    bench = charging(stop="EnergyTransfer")
    bench.swipe()
    told = bench.take_events()  # figure 55
    assert [story(event)[:2] for event in told] == [("Updated", "StopAuthorized"), ("Ended", "ChargingStateChanged")]
    assert reason(told[-1]) == "Local"
    assert story(told[-1])[2] == "EVConnected"


def test_E06_FR_07_a_fault_that_stops_the_energy_is_no_wish_of_the_vehicle():
    bench = charging(stop="EnergyTransfer")
    bench.fault("HighTemperature")
    assert reason(bench.take_events()[-1]) == "Other"


def test_E06_the_first_point_of_the_list_that_ceases_ends_and_only_once():
    bench = charging(stop="EVConnected,Authorized,PowerPathClosed,EnergyTransfer")
    bench.unplug()
    bench.bay(False)
    assert [event[0] for event in bench.take_story()] == ["Ended"]


def test_E06_FR_10_the_cable_is_unlocked():
    bench = charging(attached=False, lock=True)
    assert bench.plants[1].locked[1] == "locked"
    bench.swipe()
    assert bench.plants[1].locked[1] == "unlocked"


def test_E06_FR_11_ended_has_the_registers_of_beginning_and_end():
    bench = charging()
    bench.pass_time(1800)
    bench.swipe()
    ended = only(bench.take_events())
    assert contexts(ended) == ["Transaction.Begin", "Transaction.End"]
    assert register_wh(ended, "Transaction.End") - register_wh(ended, "Transaction.Begin") == 3600.0


def test_E06_FR_11_the_last_reading_is_one_that_was_taken_with_the_contactor_open():
    bench = charging()
    bench.pass_time(1799.9)  # the meter was last read 4.9 s ago
    bench.swipe()
    assert register_wh(only(bench.take_events()), "Transaction.End") == pytest.approx(1000 + 3599.8)


def test_E06_FR_11_without_relay_feedback_the_last_reading_is_taken_after_the_end_was_decided():
    bench = charging(relay_feedback=False)
    bench.pass_time(1799.9)
    bench.swipe()
    assert register_wh(only(bench.take_events()), "Transaction.End") == pytest.approx(1000 + 3599.8)


def test_an_ended_waits_only_so_long_for_its_last_reading():
    bench = charging()
    bench.pass_time(1)
    bench.plants[1].meter_answers = False
    bench.swipe()
    assert bench.take_events() == []
    bench.pass_time(LAST_READING_PATIENCE_S - 0.1)
    assert bench.take_events() == []
    bench.pass_time(0.2)
    ended = only(bench.take_events())
    assert story(ended) == ("Ended", "StopAuthorized", "EVConnected")
    assert contexts(ended) == ["Transaction.Begin", "Transaction.End"]


def test_an_ended_waits_for_a_contactor_that_opens_late():
    bench = charging()
    bench.plants[1].welded = True
    bench.swipe()
    bench.pass_time(3)  # an OpenEVSE takes that long after a sleep
    assert bench.take_events() == []
    bench.plants[1].welded = False
    bench.pass_time(0)
    ended = only(bench.take_events())
    assert story(ended) == ("Ended", "StopAuthorized", "EVConnected")
    assert register_wh(ended, "Transaction.End") == 1006.0


def test_the_time_of_an_end_is_when_it_happened_not_when_the_meter_was_read():
    bench = charging()
    bench.pass_time(1)
    bench.plants[1].meter_answers = False
    at = bench.now.wall
    bench.swipe()
    bench.pass_time(60)
    ended = only(bench.take_events())
    assert ended["timestamp"] == at.isoformat().replace("+00:00", "Z")


def test_power_is_withdrawn_before_the_last_event_is_told():
    bench = charging()
    bench.pass_time(1)
    bench.plants[1].meter_answers = False
    bench.swipe()
    assert not bench.intents[1].permit_power
    assert bench.take_events() == []


# ---- faults ----


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("GroundFailure", "GroundFault"),
        ("OverCurrentFailure", "OvercurrentFault"),
        ("EmergencyStop", "EmergencyStop"),
        ("OverVoltage", "PowerQuality"),
        ("WeldedContactor", "Other"),
    ],
)
def test_E06_FR_16_a_grave_fault_ends_at_once(code: FaultCode, expected: str):
    bench = charging()
    bench.fault(code)
    ended = bench.take_events()[-1]
    assert (story(ended), reason(ended)) == (("Ended", "AbnormalCondition", "EVConnected"), expected)


def test_E06_FR_16_another_fault_suspends_and_ends_when_it_does_not_heal():
    bench = charging()
    bench.fault("HighTemperature")
    assert bench.take_story() == [("Updated", "ChargingStateChanged", "SuspendedEVSE")]
    bench.pass_time(FAULT_PATIENCE_S - 1)
    assert bench.take_events() == []
    bench.pass_time(2)
    ended = only(bench.take_events())
    assert (story(ended), reason(ended)) == (("Ended", "AbnormalCondition", "EVConnected"), "Other")


def test_a_fault_that_heals_lets_the_charge_go_on():
    bench = charging()
    bench.fault("HighTemperature")
    bench.heal("HighTemperature")
    bench.pass_time(FAULT_PATIENCE_S + 1)
    assert bench.take_story()[-1] == ("Updated", "ChargingStateChanged", "Charging")


def test_a_second_fault_does_not_lengthen_the_patience_with_the_first():
    bench = charging()
    bench.fault("HighTemperature")
    bench.pass_time(FAULT_PATIENCE_S / 2)
    bench.fault("UnderVoltage")  # ends at once, with its own reason
    assert reason(bench.take_events()[-1]) == "PowerQuality"


def test_a_fault_of_the_card_reader_ends_nothing():
    bench = charging()
    bench.fault("ReaderFailure")
    assert bench.take_events() == []
    assert bench.intents[1].permit_power


def test_a_meter_that_is_gone_suspends_and_its_return_resumes():
    bench = charging()
    bench.lose("meter")
    assert not bench.intents[1].permit_power
    bench.find("meter")
    assert bench.take_story()[-1] == ("Updated", "ChargingStateChanged", "Charging")


def test_while_the_pilot_is_gone_the_vehicle_charges_on_as_far_as_anybody_knows():
    bench = charging()
    bench.lose("pilot")
    assert not bench.intents[1].permit_power
    bench.pass_time(FAULT_PATIENCE_S - 1)
    bench.find("pilot")
    assert bench.intents[1].permit_power
    bench.pass_time(FAULT_PATIENCE_S)
    assert bench.take_story() == []


def test_without_a_pilot_nobody_sees_the_contactor_open_and_it_ends_at_once_with_what_is_known():
    bench = charging()
    bench.lose("pilot")
    bench.pass_time(FAULT_PATIENCE_S - 0.1)
    assert bench.take_events() == []
    bench.pass_time(0.1)
    ended = only(bench.take_events())
    assert (story(ended)[:2], reason(ended)) == (("Ended", "AbnormalCondition"), "Other")
    assert register_wh(ended, "Transaction.End") == pytest.approx(1000 + 7200 * FAULT_PATIENCE_S / 3600, abs=11)
    over = only(fact for fact in bench.facts if isinstance(fact, TransactionEnded))
    assert not over.register_final


def test_an_end_that_waits_for_the_contactor_does_not_wait_for_a_pilot_that_is_gone():
    bench = charging()
    bench.plants[1].welded = True
    bench.swipe()
    assert bench.take_events() == []
    bench.lose("pilot")
    assert story(only(bench.take_events()))[:2] == ("Ended", "StopAuthorized")


# ---- E07: stopped by the driver ----


def test_E07_FR_01_the_card_that_started_ends_without_asking():
    bench = charging()
    bench.swipe()
    assert [said.action for said in bench.take_sent()] == ["TransactionEvent"]


def test_E07_FR_01_a_card_of_the_same_group_ends_once_the_csms_says_so():
    bench = bench_with(variables=SILENT)
    family = {"idToken": "family", "type": "Central"}
    bench.script["Authorize"] = {"idTokenInfo": {"status": "Accepted", "groupIdToken": family}}
    bench.plug_in()
    bench.swipe(CARD)
    bench.take_sent()
    bench.swipe(OTHER_CARD)
    asked, ended = bench.take_sent()
    assert asked.action == "Authorize"
    assert story(ended.payload)[:2] == ("Ended", "StopAuthorized")
    assert ended.payload["idToken"]["idToken"] == OTHER_CARD  # E07.FR.02: whose it was


def test_E07_FR_01_the_group_may_be_told_with_the_transaction():
    bench = bench_with(variables=SILENT)
    family = {"idToken": "family", "type": "Central"}
    bench.script["TransactionEvent"] = {"idTokenInfo": {"status": "Accepted", "groupIdToken": family}}
    bench.plug_in()
    bench.swipe(CARD)
    bench.script["Authorize"] = {"idTokenInfo": {"status": "Accepted", "groupIdToken": family}}
    bench.take_sent()
    bench.swipe(OTHER_CARD)
    assert bench.take_story()[-1][:2] == ("Ended", "StopAuthorized")


def test_a_strangers_card_ends_nothing():
    bench = charging()
    bench.swipe(OTHER_CARD, evse=1)
    assert [said.action for said in bench.take_sent()] == ["Authorize"]
    assert bench.intents[1].permit_power


@pytest.mark.parametrize("stop", ["EVConnected", "ParkingBayOccupancy"])
def test_E07_FR_02_with_a_later_stop_point_the_authorization_ends_first(stop: str):
    bench = charging(stop=stop, bay=True)
    bench.swipe()
    stopped, quiet = bench.take_events()  # figure 55
    assert (story(stopped)[:2], stopped["idToken"]) == (("Updated", "StopAuthorized"), TOKEN)
    assert story(quiet) == ("Updated", "ChargingStateChanged", "EVConnected")
    bench.unplug()
    bench.bay(False)
    ended = bench.take_events()[-1]
    assert (ended["eventType"], reason(ended)) == ("Ended", "Local")


def test_E07_FR_05_the_last_of_two_ends_of_authorization_counts():
    bench = charging(stop="EVConnected")
    bench.swipe()
    bench.swipe()
    bench.ask("RequestStopTransaction", transactionId=bench.transaction_id)
    bench.unplug()
    assert reason(bench.take_events()[-1]) == "Remote"


def test_E07_FR_07_with_a_later_stop_point_the_cable_is_free_at_once():
    bench = charging(stop="EVConnected", attached=False, lock=True)
    bench.swipe()
    assert bench.plants[1].locked[1] == "unlocked"


# ---- E09: unplugged at the vehicle, that ends the authorization ----


def test_E09_FR_01_unplugging_deauthorizes():
    bench = charging(stop="ParkingBayOccupancy", bay=True)
    bench.unplug()
    assert bench.take_story() == [("Updated", "EVCommunicationLost", "Idle")]
    assert bench.evse().authorization is None
    bench.plug_in()
    assert bench.take_story() == [("Updated", "CablePluggedIn", "EVConnected")]
    assert not bench.intents[1].permit_power
    bench.swipe()
    assert [event[1:] for event in bench.take_story()] == [
        ("Authorized", "EVConnected"),
        ("ChargingStateChanged", "Charging"),
    ]


def test_E09_FR_03_unplugging_at_the_vehicle_ends_and_the_owner_gets_his_cable_with_his_card():
    bench = charging(
        stop="Authorized", attached=False, lock=True, variables={"OCPPCommCtrlr.UnlockOnEVSideDisconnect": False}
    )
    bench.unplug_at_vehicle()
    ended = only(bench.take_events())
    assert (story(ended), reason(ended)) == (("Ended", "EVCommunicationLost", "Idle"), "EVDisconnected")
    assert bench.plants[1].locked[1] == "locked"  # E09.FR.03
    bench.swipe(OTHER_CARD)
    assert bench.plants[1].locked[1] == "locked"
    assert [said.action for said in bench.take_sent()] == ["Authorize"]
    bench.swipe(CARD)
    assert bench.plants[1].locked[1] == "unlocked"
    assert bench.take_sent() == []
    bench.take_cable()
    assert bench.take_statuses() == [(1, 1, "Available")]


def test_E09_FR_02_with_unlock_on_ev_side_disconnect_the_cable_is_free_at_once():
    bench = charging(attached=False, lock=True)
    bench.unplug_at_vehicle()
    assert bench.plants[1].locked[1] == "unlocked"
    assert bench.take_statuses() == []  # his cable is still in the socket
    bench.take_cable()
    assert bench.take_statuses() == [(1, 1, "Available")]


def test_UnlockOnEVSideDisconnect_is_fixed_where_there_are_captive_cables_only():
    assert (Bench().station.model.write(*_unlock("true"))[0]) == "Rejected"
    assert (Bench(attached=False, lock=True).station.model.write(*_unlock("false"))[0]) == "Accepted"


def _unlock(value: str) -> tuple[object, str]:
    from tests.bench import spot

    return spot("OCPPCommCtrlr.UnlockOnEVSideDisconnect"), value


# ---- E10: unplugged at the vehicle, the authorization stays ----


def keeping(**options: object) -> Bench:
    """Charging, with StopTxOnEVSideDisconnect false."""
    more = {"TxCtrlr.StopTxOnEVSideDisconnect": False, **options.pop("variables", {})}  # type: ignore[dict-item]
    return charging(variables=more, **{"stop": "Authorized", **options})


def test_E10_a_vehicle_that_comes_back_resumes():
    bench = keeping()
    bench.unplug()
    told = bench.take_sent()
    assert [story(said.payload) for said in told if said.action == "TransactionEvent"] == [
        ("Updated", "EVCommunicationLost", "Idle")
    ]
    assert [said.payload["connectorStatus"] for said in told if said.action == "StatusNotification"] == ["Available"]
    assert not bench.intents[1].permit_power
    bench.plug_in()
    assert bench.take_story() == [
        ("Updated", "CablePluggedIn", "EVConnected"),
        ("Updated", "ChargingStateChanged", "Charging"),
    ]


@pytest.mark.parametrize(
    ("stop", "event_type", "why"), [("Authorized", "Ended", "Timeout"), ("ParkingBayOccupancy", "Updated", None)]
)
def test_E10_FR_02_a_captive_cable_waits_only_so_long(stop: str, event_type: str, why: str | None):
    bench = keeping(stop=stop, bay=True)
    bench.unplug()
    bench.take_events()
    bench.pass_time(59)
    assert bench.take_events() == []
    bench.pass_time(2)
    told = only(bench.take_events())  # E10.FR.02
    assert (story(told), reason(told)) == ((event_type, "EVConnectTimeout", "Idle"), why)
    assert bench.evse().authorization is None


def test_E10_FR_01_a_cable_in_a_socket_stays_locked_until_its_owner_identifies_himself():
    bench = keeping(attached=False, lock=True)
    bench.unplug_at_vehicle()
    bench.take_sent()
    bench.pass_time(7200)
    assert bench.plants[1].locked[1] == "locked"
    assert bench.take_events() == []
    bench.swipe()
    ended = only(bench.take_events())
    assert story(ended) == ("Ended", "StopAuthorized", "Idle")
    assert bench.plants[1].locked[1] == "unlocked"


def test_E10_a_cable_in_a_socket_without_lock_waits_only_so_long():
    bench = keeping(attached=False)
    bench.unplug_at_vehicle()
    bench.pass_time(61)
    assert bench.take_story()[-1] == ("Ended", "EVConnectTimeout", "Idle")


def test_E06_FR_02_with_the_connection_as_stop_point_it_ends_all_the_same():
    bench = keeping(stop="EVConnected")
    bench.vehicle_wants(False)
    bench.take_events()
    bench.unplug()
    ended = only(bench.take_events())
    assert (story(ended), reason(ended)) == (("Ended", "EVCommunicationLost", "Idle"), "EVDisconnected")
    assert bench.evse().authorization is None


def test_E09_FR_03_that_keeps_his_cable_for_him_all_the_same():
    bench = keeping(
        stop="EVConnected", attached=False, lock=True, variables={"OCPPCommCtrlr.UnlockOnEVSideDisconnect": False}
    )
    bench.unplug_at_vehicle()
    assert bench.take_story()[-1][0] == "Ended"
    assert bench.plants[1].locked[1] == "locked"
    bench.swipe()
    assert bench.plants[1].locked[1] == "unlocked"


def test_E10_another_vehicle_elsewhere_does_not_take_the_right_along():
    bench = keeping(evses=2)
    bench.unplug(evse=1)
    bench.plug_in(evse=2)
    assert not bench.intents[2].permit_power


# ---- E15: the vehicle ends its session ----


@pytest.mark.parametrize("stop", ["Authorized", "PowerPathClosed", "EnergyTransfer", "EVConnected,Authorized"])
def test_E15_FR_04_the_transaction_ends_with_the_session(stop: str):
    bench = charging(stop=stop)
    bench.vehicle_ends()
    ended = only(bench.take_events())
    assert (story(ended), reason(ended)) == (("Ended", "StopAuthorized", "EVConnected"), "StoppedByEV")
    assert not bench.intents[1].permit_power


@pytest.mark.parametrize("stop", ["EVConnected", "ParkingBayOccupancy"])
def test_E15_FR_05_with_a_later_stop_point_only_the_authorization_ends(stop: str):
    bench = charging(stop=stop, bay=True)
    bench.vehicle_ends()
    assert bench.take_story()[0] == ("Updated", "StopAuthorized", "EVConnected")
    bench.unplug()
    bench.bay(False)
    assert reason(bench.take_events()[-1]) == "StoppedByEV"


def test_E15_a_vehicle_that_ends_after_the_card_ended_says_nothing_new():
    bench = charging(stop="EVConnected")
    bench.swipe()
    bench.take_events()
    bench.vehicle_ends()
    assert "StopAuthorized" not in [event[1] for event in bench.take_story()]
