"""Block B: reset of the station and of one EVSE, immediate and on idle, with and without transactions (B11, B12)."""

from __future__ import annotations

import pytest

from agent.blocks.b_reset import EVSE_RESET_S, LOOK_AGAIN_S, RESET_PATIENCE_S
from agent.vocabulary.incoming import TechnicianAsked
from tests.bench import CARD, OTHER_CARD, TOKEN, Bench, only, story

NO_READINGS = {"SampledDataCtrlr.TxUpdatedInterval": 0}


def charging(**options: object) -> Bench:
    bench = Bench(evses=2, variables=NO_READINGS, **options)  # type: ignore[arg-type]
    bench.accept()
    bench.plug_in(evse=1)
    bench.swipe(evse=1)
    bench.take_sent()
    return bench


def status(bench: Bench, kind: str, **place: int) -> tuple[str, str]:
    """What a reset is answered, and with which reason code."""
    told = bench.ask("Reset", type=kind, **place)
    assert isinstance(told, dict), told
    return told["status"], told.get("statusInfo", {}).get("reasonCode", "")


def allows_reset(bench: Bench, evse: int = 1) -> str:
    item = {"component": {"name": "EVSE", "evse": {"id": evse}}, "variable": {"name": "AllowReset"}}
    told = bench.ask("GetVariables", getVariableData=[item])
    assert isinstance(told, dict), told
    return str(told["getVariableResult"][0]["attributeValue"])


@pytest.mark.parametrize("kind", ["Immediate", "OnIdle"])
def test_B11_FR_01_B11_FR_03_without_a_transaction_it_restarts(kind: str):
    bench = Bench()
    bench.accept()
    assert bench.ask("Reset", type=kind) == {"status": "Accepted"}
    bench.pass_time(2)
    assert bench.restarts == ["RemoteReset"]


def test_B11_FR_01_the_answer_has_time_to_leave():
    bench = Bench()
    bench.accept()
    bench.ask("Reset", type="Immediate")
    assert bench.restarts == []


def test_B11_FR_02_B12_FR_06_out_of_service_stays_so():
    bench = Bench(evses=2)
    bench.accept()
    bench.ask("ChangeAvailability", operationalStatus="Inoperative", evse={"id": 2})
    bench.ask("Reset", type="OnIdle")
    bench.pass_time(2)
    bench.power_cycle()
    bench.take_sent()
    bench.connect()
    assert bench.take_statuses() == [(1, 1, "Available"), (2, 1, "Unavailable")]


def test_B11_FR_04_the_boot_tells_what_it_was_for():
    bench = Bench()
    bench.accept()
    bench.ask("Reset", type="Immediate")
    bench.pass_time(2)
    bench.power_cycle(off_s=0)
    bench.take_sent()
    bench.connect()
    assert bench.sent[0].payload["reason"] == "RemoteReset"
    bench.power_cycle()
    bench.take_sent()
    bench.connect()
    assert bench.sent[0].payload["reason"] == "PowerUp"  # told once


@pytest.mark.parametrize("kind", ["Immediate", "OnIdle"])
@pytest.mark.proves("B11.FR.09", "B12.FR.09")
def test_an_evse_that_cannot_be_reset_alone_says_so(kind: str):
    bench = charging(resettable=False)
    assert status(bench, kind, evseId=1) == ("Rejected", "UnsupportedRequest")
    assert allows_reset(bench) == "false"
    bench.pass_time(60)
    assert bench.restarts == []
    assert bench.take_events() == []


@pytest.mark.proves("B11.FR.06", "B12.FR.10")
@pytest.mark.parametrize("kind", ["Immediate", "OnIdle"])
@pytest.mark.parametrize("place", [{}, {"evseId": 1}])
def test_while_the_disk_refuses_writes_a_reset_would_lose_events_and_is_rejected(kind: str, place: dict[str, int]):
    bench = charging()
    bench.station.desk.disk_works = False
    assert status(bench, kind, **place) == ("Rejected", "OutOfStorage")
    bench.pass_time(60)
    assert bench.restarts == []
    assert bench.evse().transaction is not None


def test_an_evse_that_is_not_there():
    assert status(charging(), "Immediate", evseId=9) == ("Rejected", "UnknownEvse")


def test_B12_FR_01_B11_FR_07_on_idle_waits_for_every_transaction():
    bench = charging()
    bench.plug_in(evse=2)
    bench.swipe("second", evse=2)
    assert bench.ask("Reset", type="OnIdle") == {"status": "Scheduled"}
    bench.swipe(evse=1)
    bench.pass_time(600)
    assert bench.restarts == []
    bench.swipe("second", evse=2)
    bench.pass_time(RESET_PATIENCE_S)
    assert bench.restarts == ["ScheduledReset"]


def test_B12_FR_03_on_idle_ends_no_transaction_of_its_own_accord():
    bench = charging()
    bench.ask("Reset", type="OnIdle")
    bench.swipe(evse=1)
    ended = bench.take_events()[-1]
    assert (story(ended)[:2], ended["transactionInfo"]["stoppedReason"]) == (("Ended", "StopAuthorized"), "Local")


def test_B12_FR_03_a_driver_who_begins_at_the_last_moment_is_waited_for():
    bench = charging()
    bench.ask("Reset", type="OnIdle")
    bench.script["TransactionEvent"] = None  # the last event stays in the queue
    bench.swipe(evse=1)
    bench.ask("RequestStartTransaction", idToken=TOKEN, remoteStartId=1, evseId=1)
    assert bench.station.site.running()
    bench.pass_time(RESET_PATIENCE_S * 3)
    assert bench.restarts == []


def test_while_a_reset_waits_what_becomes_free_goes_out_of_service():
    bench = charging()
    bench.plug_in(evse=2)
    bench.swipe(OTHER_CARD, evse=2)
    bench.ask("Reset", type="OnIdle")
    bench.swipe(evse=1)
    bench.take_sent()
    bench.unplug(evse=1)
    assert bench.take_statuses() == [(1, 1, "Available")]
    bench.pass_time(LOOK_AGAIN_S)
    assert bench.take_statuses() == [(1, 1, "Unavailable")]
    started = bench.ask("RequestStartTransaction", idToken=TOKEN, remoteStartId=1, evseId=1)
    assert isinstance(started, dict)
    assert started["status"] == "Rejected"
    bench.plug_in(evse=1)
    bench.swipe(evse=1)
    assert [evse.id for evse in bench.station.site.running()] == [2]
    bench.swipe(OTHER_CARD, evse=2)
    bench.pass_time(RESET_PATIENCE_S)
    assert bench.restarts == ["ScheduledReset"]


def test_while_a_reset_waits_who_was_let_in_may_come_and_after_him_nobody():
    bench = charging()
    bench.swipe(OTHER_CARD, evse=2)
    bench.ask("Reset", type="OnIdle")
    bench.take_sent()
    assert bench.take_statuses() == []
    bench.pass_time(120)  # EVConnectionTimeOut
    assert bench.take_statuses() == [(2, 1, "Unavailable")]


def test_while_a_reset_waits_what_is_free_is_out_of_service():
    bench = charging()
    bench.ask("Reset", type="OnIdle")
    assert bench.take_statuses() == [(2, 1, "Unavailable")]
    bench.plug_in(evse=2)
    bench.swipe(OTHER_CARD, evse=2)
    assert not bench.intents[2].permit_power
    bench.swipe(evse=1)
    bench.pass_time(RESET_PATIENCE_S)
    assert bench.restarts == ["ScheduledReset"]


def test_on_idle_waits_for_what_else_is_under_way():  # erratum 2.14
    bench = Bench()
    bench.accept()
    bench.station.desk.busy.add("upload")
    assert status(bench, "OnIdle") == ("Scheduled", "")
    bench.pass_time(3600)
    assert bench.restarts == []
    bench.station.desk.busy.clear()
    bench.pass_time(LOOK_AGAIN_S)
    assert bench.restarts == ["ScheduledReset"]


def test_on_idle_waits_until_a_cable_that_is_held_is_taken():  # erratum 2.14
    keep = {"OCPPCommCtrlr.UnlockOnEVSideDisconnect": False}
    bench = Bench(attached=False, lock=True, variables=NO_READINGS | keep)
    bench.accept()
    bench.plug_in()
    bench.swipe()
    bench.unplug_at_vehicle()
    assert bench.evse().transaction is None
    assert status(bench, "OnIdle") == ("Scheduled", "")
    bench.pass_time(600)
    assert bench.restarts == []
    bench.swipe()
    bench.take_cable()
    bench.pass_time(LOOK_AGAIN_S)
    assert bench.restarts == ["ScheduledReset"]


def test_B12_FR_02_B12_FR_04_immediate_ends_every_transaction_first():
    bench = charging()
    assert bench.ask("Reset", type="Immediate") == {"status": "Accepted"}
    ended = only(bench.take_events())  # TC_B_22
    assert story(ended) == ("Ended", "ResetCommand", "EVConnected")
    assert ended["transactionInfo"]["stoppedReason"] == "ImmediateReset"
    assert "idToken" not in ended
    bench.pass_time(RESET_PATIENCE_S)
    assert bench.restarts == ["RemoteReset"]


def test_B12_FR_05_a_csms_that_does_not_answer_delays_it_only_so_long_and_the_event_is_told_after_it():
    bench = charging()
    bench.script["TransactionEvent"] = None
    bench.ask("Reset", type="Immediate")
    bench.pass_time(RESET_PATIENCE_S)
    assert bench.restarts == ["RemoteReset"]
    del bench.script["TransactionEvent"]
    bench.power_cycle(off_s=0)
    bench.take_sent()
    bench.connect()
    ended = bench.take_events()[-1]
    assert (story(ended)[:2], ended["offline"]) == (("Ended", "ResetCommand"), True)
    assert [event.event_type for event in bench.told].count("Ended") == 1


def test_B12_an_immediate_reset_overtakes_a_scheduled_one():
    bench = charging()
    bench.ask("Reset", type="OnIdle")
    assert bench.ask("Reset", type="Immediate") == {"status": "Accepted"}
    bench.pass_time(RESET_PATIENCE_S)
    assert bench.restarts == ["RemoteReset"]


def test_a_restart_that_a_technician_wants_ends_what_runs():
    bench = charging()
    bench.station.receive(TechnicianAsked("restart"), bench.now)
    bench.pass_time(RESET_PATIENCE_S)
    assert bench.take_events()[-1]["transactionInfo"]["stoppedReason"] == "Reboot"
    assert bench.restarts == ["LocalReset"]


def test_the_vehicle_that_stayed_through_a_reset_is_seen_again():
    bench = charging()
    bench.ask("Reset", type="Immediate")
    bench.pass_time(RESET_PATIENCE_S)
    bench.power_cycle(off_s=0)
    bench.take_sent()
    bench.connect()
    assert bench.take_statuses() == [(1, 1, "Occupied"), (2, 1, "Available")]
    assert not bench.intents[1].permit_power
    bench.swipe(CARD, evse=1)
    assert bench.intents[1].permit_power


# ---- one EVSE ----


def test_B11_FR_10_that_an_evse_can_be_reset_alone_is_told():
    assert allows_reset(charging()) == "true"


@pytest.mark.parametrize("kind", ["Immediate", "OnIdle"])
def test_B11_FR_08_an_evse_that_is_free_is_reset_at_once_and_the_other_goes_on(kind: str):
    bench = charging()
    bench.latch("OverCurrentFailure", evse=2)
    bench.take_sent()
    assert status(bench, kind, evseId=2) == ("Accepted", "")
    assert bench.take_statuses()[-1] == (2, 1, "Unavailable")
    bench.pass_time(EVSE_RESET_S)
    assert bench.take_statuses() == [(2, 1, "Available")]
    assert not bench.plants[2].latched
    assert bench.evse(1).transaction is not None
    assert bench.restarts == []


def test_the_vehicle_at_an_evse_that_is_reset_sees_state_f_for_a_while():
    bench = charging()
    bench.ask("Reset", type="Immediate", evseId=1)
    bench.pass_time(4)  # T_step_EF
    assert not bench.intents[1].available
    assert bench.intents[2].available
    bench.pass_time(EVSE_RESET_S - 4)
    assert bench.intents[1].available
    assert bench.evse(1).plugged == 1


def test_the_vehicle_at_an_evse_that_waits_with_the_others_keeps_its_pilot():
    bench = charging()
    bench.plug_in(evse=2)
    bench.ask("Reset", type="OnIdle")
    assert bench.intents[2].available


def test_B12_FR_07_on_idle_the_driver_of_the_evse_is_let_finish():
    bench = charging()
    assert status(bench, "OnIdle", evseId=1) == ("Scheduled", "")
    bench.pass_time(600)
    assert bench.take_events() == []
    bench.swipe(evse=1)
    ended = bench.take_events()[-1]
    assert (story(ended)[:2], ended["transactionInfo"]["stoppedReason"]) == (("Ended", "StopAuthorized"), "Local")
    assert not bench.evse(1).in_service(1)
    bench.pass_time(EVSE_RESET_S)
    assert bench.evse(1).in_service(1)
    assert bench.restarts == []


def test_B12_FR_08_immediate_ends_the_transaction_of_the_evse_first_and_no_other():
    bench = charging()
    bench.plug_in(evse=2)
    bench.swipe(OTHER_CARD, evse=2)
    bench.take_sent()
    assert status(bench, "Immediate", evseId=1) == ("Accepted", "")
    ended = only(bench.take_events())  # TC_B_27
    assert story(ended) == ("Ended", "ResetCommand", "EVConnected")
    assert ended["transactionInfo"]["stoppedReason"] == "ImmediateReset"
    bench.pass_time(EVSE_RESET_S)
    assert [evse.id for evse in bench.station.site.running()] == [2]
    assert bench.restarts == []
    bench.swipe(evse=1)
    assert bench.intents[1].permit_power  # and it is as new


def test_an_evse_that_is_reset_forgets_who_was_let_in():
    bench = Bench()
    bench.accept()
    bench.swipe(evse=1)
    assert status(bench, "Immediate", evseId=1) == ("Accepted", "")
    bench.pass_time(EVSE_RESET_S)
    bench.plug_in()
    assert not bench.intents[1].permit_power


@pytest.mark.proves("B12.FR.06")
def test_an_evse_out_of_service_is_out_of_service_after_its_reset():
    bench = Bench()
    bench.accept()
    bench.ask("ChangeAvailability", operationalStatus="Inoperative", evse={"id": 1})
    bench.ask("Reset", type="Immediate", evseId=1)
    bench.take_sent()
    bench.pass_time(EVSE_RESET_S + 60)
    assert bench.take_statuses() == []
    assert not bench.evse().in_service(1)


def test_an_evse_that_is_reset_while_the_station_waits_for_its_own_reset_stays_closed():
    bench = charging()
    bench.ask("Reset", type="OnIdle")
    assert status(bench, "Immediate", evseId=2) == ("Accepted", "")
    bench.pass_time(EVSE_RESET_S + 60)
    assert not bench.evse(2).in_service(1)
    assert bench.restarts == []
