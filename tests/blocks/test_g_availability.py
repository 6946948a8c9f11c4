"""Block G: connector status, heartbeat, in and out of service, a lock that fails (G01 to G05)."""

from __future__ import annotations

import pytest

from hal.events import LockMoved
from tests.bench import CARD, TOKEN, Bench, Payload, Reply, only
from tests.blocks.test_e_start import bench_with

SILENT = {"SampledDataCtrlr.TxUpdatedInterval": 0}


def quiet(**options: object) -> Bench:
    return bench_with(variables={**SILENT, **options.pop("variables", {})}, **options)  # type: ignore[dict-item]


def change(bench: Bench, status: str, evse: int | None = None, connector: int | None = None) -> Reply:
    place: Payload = {} if evse is None else {"evse": {"id": evse}}
    if connector is not None:
        place["evse"]["connectorId"] = connector
    return bench.ask("ChangeAvailability", operationalStatus=status, **place)


# ---- G01: connector status ----


def test_G01_FR_03_connecting_occupies_and_G01_FR_04_disconnecting_frees():
    bench = quiet()
    bench.plug_in()
    bench.unplug()
    assert bench.take_statuses() == [(1, 1, "Occupied"), (1, 1, "Available")]


def test_G01_FR_05_disconnecting_from_what_goes_out_of_service_makes_it_unavailable():
    bench = quiet(stop="EVConnected")
    bench.plug_in()
    bench.swipe()
    change(bench, "Inoperative", 1)
    bench.take_sent()
    bench.unplug()
    assert bench.take_statuses()[-1] == (1, 1, "Unavailable")


def test_G01_FR_08_the_other_connectors_of_the_evse_are_not_told():
    bench = quiet(connectors=2)
    bench.plug_in(connector=2)
    assert bench.take_statuses() == [(1, 2, "Occupied")]


def test_G01_an_unavailable_connector_stays_so_when_a_vehicle_comes_and_goes():
    bench = quiet()
    change(bench, "Inoperative")
    bench.take_sent()
    bench.plug_in()
    bench.unplug()
    assert bench.take_statuses() == []


def test_G01_a_cable_in_a_socket_occupies_it_even_without_a_vehicle():
    bench = quiet(attached=False)
    bench.plug_in()
    bench.unplug_at_vehicle()
    assert bench.take_statuses() == [(1, 1, "Occupied")]
    bench.take_cable()
    assert bench.take_statuses() == [(1, 1, "Available")]


@pytest.mark.parametrize("plugged", [False, True])
def test_G01_a_fault_is_told_and_its_end(plugged: bool):
    bench = quiet()
    if plugged:
        bench.plug_in()
    bench.take_sent()
    bench.fault("GroundFailure")
    bench.heal("GroundFailure")
    assert bench.take_statuses() == [(1, 1, "Faulted"), (1, 1, "Occupied" if plugged else "Available")]


def test_G01_a_fault_of_one_connector_is_told_of_that_one():
    bench = quiet(connectors=2)
    bench.fault("ConnectorLockFailure", connector=2)
    assert bench.take_statuses() == [(1, 2, "Faulted")]


def test_G01_a_reader_that_is_broken_faults_no_connector():
    bench = quiet()
    bench.fault("ReaderFailure")
    assert bench.take_statuses() == []


def test_G01_the_status_is_told_before_the_transaction_that_it_belongs_to():
    bench = quiet(start="EVConnected", stop="EVConnected")
    bench.plug_in()
    bench.unplug()
    assert [said.action for said in bench.take_sent()] == [
        "StatusNotification",
        "TransactionEvent",
        "StatusNotification",
        "TransactionEvent",
    ]


# ---- G02: heartbeat ----


def heartbeats(bench: Bench) -> int:
    return [said.action for said in bench.take_sent()].count("Heartbeat")


def test_G02_FR_01_G02_FR_02_a_heartbeat_after_the_interval_of_silence():
    bench = quiet()
    bench.pass_time(299)
    assert heartbeats(bench) == 0
    bench.pass_time(2)
    assert heartbeats(bench) == 1
    bench.pass_time(900)
    assert heartbeats(bench) == 3


def test_G02_FR_05_any_other_message_is_as_good():
    bench = quiet()
    for _ in range(5):
        bench.pass_time(200)
        bench.plug_in()
        bench.unplug()
    assert heartbeats(bench) == 0
    bench.pass_time(301)
    assert heartbeats(bench) == 1


def test_G02_FR_06_the_answer_sets_the_clock():
    bench = quiet()
    bench.clock_set.clear()
    bench.pass_time(301)
    assert len(bench.clock_set) == 1


def test_G02_FR_07_one_a_day_however_much_is_said():
    bench = bench_with(variables={"SampledDataCtrlr.TxUpdatedInterval": 120})
    bench.plug_in()
    bench.swipe()
    bench.pass_time(86_400 + 300)
    assert heartbeats(bench) == 1


def test_G02_a_new_interval_counts_at_once():
    bench = quiet()
    bench.set("OCPPCommCtrlr.HeartbeatInterval", 10)
    bench.take_sent()
    bench.pass_time(35)
    assert heartbeats(bench) == 3


def test_G02_no_heartbeat_offline():
    bench = quiet()
    bench.disconnect()
    bench.pass_time(3600)
    assert heartbeats(bench) == 0


# ---- G03: an EVSE or connector ----


def test_G03_FR_01_04_G01_FR_07_an_evse_goes_out_of_service_and_comes_back():
    bench = quiet(evses=2, connectors=2)
    assert change(bench, "Inoperative", 1) == {"status": "Accepted"}
    assert bench.take_statuses() == [(1, 1, "Unavailable"), (1, 2, "Unavailable")]  # G03.FR.06
    assert not bench.intents[1].available
    assert change(bench, "Operative", 1) == {"status": "Accepted"}
    assert bench.take_statuses() == [(1, 1, "Available"), (1, 2, "Available")]
    assert bench.intents[1].available


def test_G03_FR_04_a_connector_alone():
    bench = quiet(connectors=2)
    assert change(bench, "Inoperative", 1, 2) == {"status": "Accepted"}
    assert bench.take_statuses() == [(1, 2, "Unavailable")]
    assert bench.intents[1].available
    change(bench, "Operative", 1, 2)
    assert bench.take_statuses() == [(1, 2, "Available")]


@pytest.mark.parametrize(("evse", "connector"), [(1, None), (1, 1), (None, None)])
def test_G03_FR_03_G04_FR_04_what_is_so_already_is_accepted(evse: int | None, connector: int | None):
    bench = quiet()
    assert change(bench, "Operative", evse, connector) == {"status": "Accepted"}
    assert bench.take_statuses() == [(1, 1, "Available")]
    change(bench, "Inoperative", evse, connector)
    bench.take_sent()
    assert change(bench, "Inoperative", evse, connector) == {"status": "Accepted"}
    assert bench.take_statuses() == [(1, 1, "Unavailable")]  # TC_G_13: asked again, told again


@pytest.mark.parametrize(("evse", "connector"), [(9, None), (1, 9)])
def test_G03_FR_02_an_unknown_place_is_rejected(evse: int, connector: int | None):
    assert change(quiet(), "Inoperative", evse, connector) == {"status": "Rejected"}


@pytest.mark.parametrize(("evse", "connector"), [(1, None), (1, 1), (None, None)])
def test_G03_FR_05_G04_FR_06_what_is_in_use_waits_for_the_end_of_its_transaction(
    evse: int | None, connector: int | None
):
    bench = quiet()
    bench.plug_in()
    bench.swipe()
    bench.take_sent()
    assert change(bench, "Inoperative", evse, connector) == {"status": "Scheduled"}
    assert bench.take_statuses() == []
    assert bench.intents[1].permit_power
    bench.swipe()
    assert bench.take_statuses() == [(1, 1, "Unavailable")]  # TC_G_11, TC_G_14, TC_G_17
    bench.swipe()
    assert not bench.intents[1].permit_power


def test_G03_FR_05_asked_twice_it_is_scheduled_twice():
    bench = quiet()
    bench.plug_in()
    bench.swipe()
    assert [change(bench, "Inoperative", 1) for _ in range(2)] == [{"status": "Scheduled"}] * 2


def test_G03_FR_05_the_csms_may_change_its_mind():
    bench = quiet()
    bench.plug_in()
    bench.swipe()
    change(bench, "Inoperative", 1)
    assert change(bench, "Operative", 1) == {"status": "Accepted"}
    bench.swipe()
    bench.unplug()
    assert bench.take_statuses()[-1] == (1, 1, "Available")


def test_G03_FR_05_the_other_connector_of_an_evse_in_use_need_not_wait():
    bench = quiet(connectors=2)
    bench.plug_in(connector=1)
    bench.swipe()
    bench.take_sent()
    assert change(bench, "Inoperative", 1, 2) == {"status": "Accepted"}
    assert bench.take_statuses() == [(1, 2, "Unavailable")]


def test_G03_FR_05_in_use_and_not_authorized_yet_a_driver_may_still_begin():
    bench = quiet(start="EVConnected")
    bench.plug_in()
    change(bench, "Inoperative", 1)
    bench.swipe()
    assert bench.intents[1].permit_power


def test_G03_FR_07_each_connector_keeps_its_own_setting():
    bench = quiet(connectors=2)
    change(bench, "Inoperative", 1, 2)
    change(bench, "Inoperative", 1)
    bench.take_sent()
    change(bench, "Operative", 1)
    assert bench.take_statuses() == [(1, 1, "Available")]


@pytest.mark.parametrize(("evse", "connector"), [(1, None), (1, 1), (None, None)])
def test_G03_FR_08_G04_FR_09_G01_FR_02_out_of_service_outlives_the_power_and_so_does_the_way_back(
    evse: int | None, connector: int | None
):
    bench = quiet()
    change(bench, "Inoperative", evse, connector)
    bench.power_cycle()
    bench.take_sent()
    bench.connect()
    assert bench.take_statuses() == [(1, 1, "Unavailable")]
    change(bench, "Operative", evse, connector)
    bench.power_cycle()
    bench.take_sent()
    bench.connect()
    assert bench.take_statuses() == [(1, 1, "Available")]


@pytest.mark.parametrize(("evse", "connector"), [(None, None), (1, None), (1, 1)])
@pytest.mark.parametrize(("before", "after"), [("Operative", "Inoperative"), ("Inoperative", "Operative")])
def test_what_the_disk_refuses_is_as_it_was(evse: int | None, connector: int | None, before: str, after: str):
    bench = quiet()
    change(bench, before, evse, connector)
    bench.disk_refuses = True
    told = change(bench, after, evse, connector)
    assert (told["status"], told["statusInfo"]["reasonCode"]) == ("Rejected", "OutOfStorage")
    bench.disk_refuses = False
    bench.pass_time(1)
    bench.take_sent()
    for _ in range(2):
        bench.power_cycle()
        bench.take_sent()
        bench.connect()
        assert bench.take_statuses() == [(1, 1, "Available" if before == "Operative" else "Unavailable")]


def test_a_disk_that_is_known_to_refuse_sends_nobody_away():
    bench = quiet()
    bench.swipe()
    bench.station.desk.disk_works = False
    assert change(bench, "Inoperative")["status"] == "Rejected"
    assert bench.evse(1).authorization is not None


def test_G03_FR_08_what_was_scheduled_outlives_the_power_too():
    bench = quiet()
    bench.plug_in()
    bench.swipe()
    change(bench, "Inoperative", 1)
    bench.unplug()
    bench.power_cycle()
    bench.take_sent()
    bench.connect()
    assert bench.take_statuses() == [(1, 1, "Unavailable")]


def test_G03_nobody_begins_where_it_is_out_of_service():
    bench = quiet()
    change(bench, "Inoperative", 1)
    bench.plug_in(simplified=True)
    bench.swipe()
    bench.ask("RequestStartTransaction", idToken=TOKEN, remoteStartId=1)
    assert not bench.intents[1].permit_power
    assert bench.told == []


@pytest.mark.parametrize("start", ["PowerPathClosed", "EnergyTransfer"])
def test_G03_a_driver_who_had_not_begun_yet_does_not_begin(start: str):
    bench = quiet(start=start)
    bench.swipe()
    change(bench, "Inoperative", 1)
    bench.plug_in()
    assert not bench.intents[1].permit_power
    change(bench, "Operative", 1)
    assert not bench.intents[1].permit_power  # the right is gone, not hidden
    assert bench.told == []


# ---- G04: the station ----


def test_G04_FR_01_03_05_07_the_whole_station_and_back():
    bench = quiet(evses=2)
    assert change(bench, "Inoperative") == {"status": "Accepted"}
    assert bench.take_statuses() == [(1, 1, "Unavailable"), (2, 1, "Unavailable")]
    assert change(bench, "Operative") == {"status": "Accepted"}
    assert bench.take_statuses() == [(1, 1, "Available"), (2, 1, "Available")]


def test_G04_evse_0_is_the_station():
    bench = quiet(evses=2)
    assert change(bench, "Inoperative", 0) == {"status": "Accepted"}
    assert len(bench.take_statuses()) == 2


def test_TC_G_14_CS_the_evses_without_a_transaction_do_not_wait_for_the_others():
    bench = quiet(evses=2)
    bench.plug_in(evse=1)
    bench.swipe(evse=1)
    bench.take_sent()
    assert change(bench, "Inoperative") == {"status": "Scheduled"}
    assert bench.take_statuses() == [(2, 1, "Unavailable")]
    bench.swipe(evse=1)
    assert bench.take_statuses() == [(1, 1, "Unavailable")]


def test_G04_FR_07_what_is_faulted_stays_faulted():
    bench = quiet(evses=2)
    bench.fault("GroundFailure", evse=2)
    bench.take_sent()
    change(bench, "Inoperative")
    assert bench.take_statuses() == [(1, 1, "Unavailable")]
    bench.heal("GroundFailure", evse=2)
    assert bench.take_statuses() == [(2, 1, "Unavailable")]


def test_G04_FR_08_every_part_keeps_its_own_setting():
    bench = quiet(evses=2)
    change(bench, "Inoperative", 2)
    change(bench, "Inoperative")
    bench.take_sent()
    change(bench, "Operative")
    assert bench.take_statuses() == [(1, 1, "Available")]


def test_G04_FR_02_the_answer_comes_before_the_statuses():
    bench = quiet()
    answers: list[int] = []
    bench.script["StatusNotification"] = lambda asked: answers.append(len(bench.answers)) or {}
    before = len(bench.answers)
    change(bench, "Inoperative")
    assert answers == [before + 1]


# ---- G05: a lock that fails ----


def test_G05_FR_01_a_plug_that_cannot_be_locked_gets_no_power():
    bench = quiet(attached=False, lock=True)
    bench.plants[1].lock_stuck = True
    bench.plug_in(simplified=True)
    bench.swipe()
    bench.pass_time(600)
    assert not bench.intents[1].permit_power
    assert not bench.plants[1].closed
    assert bench.take_story()[-1] == ("Updated", "ChargingStateChanged", "SuspendedEVSE")


def test_G05_FR_01_a_lock_that_says_nothing_gets_no_power_either():
    bench = quiet(attached=False, lock=True)
    bench.plants[1].lock_silent = True
    bench.plug_in()
    bench.swipe()
    bench.pass_time(600)
    assert not bench.intents[1].permit_power


def test_G05_FR_01_a_lock_that_lets_go_takes_the_power_away():
    bench = quiet(attached=False, lock=True)
    bench.plug_in()
    bench.swipe()
    assert bench.plants[1].closed
    bench.post(LockMoved(1, "unlocked"))
    assert not bench.intents[1].permit_power
    assert not bench.plants[1].closed


def test_G05_a_lock_that_works_in_the_end_lets_it_begin():
    bench = quiet(attached=False, lock=True)
    bench.plants[1].lock_stuck = True
    bench.plug_in()
    bench.swipe()
    bench.post(LockMoved(1, "locked"))
    assert bench.intents[1].permit_power


def test_G05_a_lock_failure_that_the_part_reports_is_a_fault_of_the_connector():
    bench = quiet(attached=False, lock=True)
    bench.plug_in()
    bench.swipe()
    bench.take_sent()
    bench.fault("ConnectorLockFailure", connector=1)
    assert not bench.intents[1].permit_power
    assert bench.take_statuses() == [(1, 1, "Faulted")]


def test_the_lock_is_let_go_when_the_power_comes_on():
    bench = quiet(attached=False, lock=True)
    bench.plug_in()
    bench.swipe(CARD)
    assert bench.plants[1].locked[1] == "locked"
    bench.unplug()
    bench.power_cycle()
    assert bench.plants[1].locked[1] == "unlocked"


def test_only_one_status_a_change():
    bench = quiet()
    bench.plug_in()
    bench.swipe()
    bench.pass_time(3600)
    assert only(bench.take_statuses()) == (1, 1, "Occupied")
