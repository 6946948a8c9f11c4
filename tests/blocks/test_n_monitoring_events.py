"""Block N: what monitors tell, when, and how it reaches the CSMS (N07, N08)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from agent.model.device import DeviceModel, Spot
from agent.model.monitors import Preset
from agent.model.variable import Variable
from tests.bench import POWER_ON, Bench, Payload, only
from tests.blocks.test_n_monitoring import (
    POWER,
    PRESET,
    PRESET_ID,
    STATE,
    THRESHOLD,
    base,
    clear,
    monitored,
    place,
    put,
    put_one,
    restarted,
    take_events,
    watching,
)

KINDS = ("UpperThreshold", "LowerThreshold", "Delta", "Periodic", "PeriodicClockAligned")


def told(events: list[Payload]) -> list[tuple[str, str, bool]]:
    """Trigger, value, and whether it is over."""
    return [(event["trigger"], event["actualValue"], event.get("cleared", False)) for event in events]


def set_to(bench: Bench, value: float) -> list[tuple[str, str, bool]]:
    """What is told of a variable that can be set by hand."""
    assert bench.set("OCPPCommCtrlr.OfflineThreshold", value) == "Accepted"
    return told(take_events(bench))


# ---- N07: thresholds ----


def test_N07_FR_16_above_an_upper_threshold_once_and_not_on_it():
    bench = monitored()
    put_one(bench, watching(THRESHOLD, "UpperThreshold", 100))
    assert [set_to(bench, value) for value in (100, 101, 150, 101)] == [[], [("Alerting", "101", False)], [], []]


def test_N07_FR_17_below_a_lower_threshold_once_and_not_on_it():
    bench = monitored()
    put_one(bench, watching(THRESHOLD, "LowerThreshold", 50))
    assert [set_to(bench, value) for value in (50, 49, 1, 49)] == [[], [("Alerting", "49", False)], [], []]


def test_N07_FR_02_back_within_the_limit_is_told_as_cleared():
    bench = monitored()
    put(bench, watching(THRESHOLD, "UpperThreshold", 100), watching(THRESHOLD, "LowerThreshold", 50))
    assert set_to(bench, 101) == [("Alerting", "101", False)]
    assert set_to(bench, 100) == [("Alerting", "100", True)]
    assert set_to(bench, 49) == [("Alerting", "49", False)]
    assert set_to(bench, 200) == [("Alerting", "200", False), ("Alerting", "200", True)]


def test_what_is_beyond_the_limit_already_is_told_when_it_is_set_behind_the_answer():
    bench = monitored()
    id = put_one(bench, watching(THRESHOLD, "UpperThreshold", 10))
    event = only(take_events(bench))
    assert (event["variableMonitoringId"], event["actualValue"]) == (id, "60")


@pytest.mark.parametrize(
    ("limit", "expected"),
    [(120, [("Alerting", "110", True)]), (105, []), (60, [])],
)
def test_N07_FR_11_a_new_limit_ends_what_the_old_one_told(limit: float, expected: list[tuple[str, str, bool]]):
    bench = monitored()
    id = put_one(bench, watching(THRESHOLD, "UpperThreshold", 100))
    set_to(bench, 110)
    put_one(bench, watching(THRESHOLD, "UpperThreshold", limit, id=id))
    assert told(take_events(bench)) == expected


def test_N07_FR_11_a_new_limit_is_exceeded_at_once():
    bench = monitored()
    id = put_one(bench, watching(THRESHOLD, "UpperThreshold", 100))
    put_one(bench, watching(THRESHOLD, "UpperThreshold", 50, id=id))
    assert told(take_events(bench)) == [("Alerting", "60", False)]


def test_N07_FR_12_nothing_is_told_of_a_monitor_that_is_cleared():
    bench = monitored()
    id = put_one(bench, watching(THRESHOLD, "UpperThreshold", 50))
    take_events(bench)
    assert clear(bench, id) == ["Accepted"]
    assert set_to(bench, 40) == []


def test_N07_FR_14_what_came_back_during_a_restart_is_told_as_cleared():
    bench = monitored()
    id = put_one(bench, watching(POWER, "UpperThreshold", 5000))
    bench.plug_in()
    bench.swipe()
    assert only(take_events(bench))["variableMonitoringId"] == id
    bench.vehicle_wants(False)
    bench.plants[1].power_w = 0.0
    restarted(bench)
    event = only(take_events(bench))
    assert (event["variableMonitoringId"], event["cleared"]) == (id, True)


def test_what_still_is_beyond_its_limit_after_a_restart_is_not_told_again():
    bench = monitored()
    put_one(bench, watching(THRESHOLD, "UpperThreshold", 100))
    set_to(bench, 110)
    restarted(bench)
    assert take_events(bench) == []
    assert set_to(bench, 90) == [("Alerting", "90", True)]


# ---- N07: differences ----


def test_N07_FR_18_a_delta_of_a_number_counts_from_what_was_told_last():
    bench = monitored()
    put_one(bench, watching(THRESHOLD, "Delta", 10))
    assert [set_to(bench, value) for value in (70, 71, 62, 61, 60)] == [
        [],  # from 60 by 10, and no more
        [("Delta", "71", False)],
        [],
        [],
        [("Delta", "60", False)],
    ]


def test_N07_FR_19_a_delta_of_a_state_is_every_change():
    bench = monitored()
    put_one(bench, watching(STATE, "Delta", 1000))
    bench.plug_in()
    bench.unplug()
    assert told(take_events(bench)) == [("Delta", "Occupied", False), ("Delta", "Available", False)]


def test_a_state_that_changed_during_a_restart_is_told_and_one_that_did_not_is_not():
    bench = monitored()
    put_one(bench, watching(STATE))
    restarted(bench)
    assert take_events(bench) == []
    bench.plants[1].connector = 1
    restarted(bench)
    assert told(take_events(bench)) == [("Delta", "Occupied", False)]


# ---- N07: the event ----


def test_N07_FR_06_an_event_says_where_what_and_by_which_monitor():
    bench = monitored(monitors=(PRESET,))
    id = put_one(bench, watching(STATE, severity=2))
    bench.plug_in()
    events = {event["variableMonitoringId"]: event for event in take_events(bench)}
    assert set(events) == {id, PRESET_ID}
    assert {event["eventNotificationType"] for event in events.values()} == {"CustomMonitor", "PreconfiguredMonitor"}
    for event in events.values():
        assert (event["component"], event["variable"]) == (STATE["component"], STATE["variable"])
        assert "cleared" not in event
    assert len({event["eventId"] for event in events.values()}) == 2


@pytest.mark.proves("N07.FR.07", "N08.FR.04")
def test_N07_every_message_is_the_first_and_only_part():
    bench = monitored()
    put(bench, watching(STATE), watching(POWER, "Periodic", 10))
    bench.plug_in()
    bench.pass_time(10)
    messages = [said.payload for said in bench.take_sent() if said.action == "NotifyEvent"]
    assert len(messages) == 2
    assert [(message["seqNo"], message.get("tbc", False)) for message in messages] == [(0, False)] * 2


def test_what_happens_in_one_moment_and_is_equally_grave_is_one_message():
    bench = monitored()
    put(bench, watching(STATE), watching(place("Connector", "AvailabilityState", 1, 1)), watching(STATE, severity=6))
    bench.plug_in()
    messages = [said.payload["eventData"] for said in bench.take_sent() if said.action == "NotifyEvent"]
    assert [len(events) for events in messages] == [2, 1]


def test_many_events_of_one_moment_are_several_messages():
    def own(model: DeviceModel) -> None:
        for number in range(120):
            model.declare(Variable("Fan", f"Speed{number}", 7))

    bench = monitored(own=own)
    put(bench, *(watching(place("Fan", f"Speed{number}"), "Periodic", 60) for number in range(100)))
    bench.pass_time(60)
    messages = [said.payload["eventData"] for said in bench.take_sent() if said.action == "NotifyEvent"]
    assert [len(events) for events in messages] == [50, 50]


def test_N07_FR_10_a_secret_tells_that_it_changed_and_not_what_it_is():
    def own(model: DeviceModel) -> None:
        model.declare(Variable("SecurityCtrlr", "Secret", "", mutability="WriteOnly"))

    bench = monitored(own=own)
    id = put_one(bench, watching(place("SecurityCtrlr", "Secret")))
    bench.set("SecurityCtrlr.Secret", "hunter2")
    event = only(take_events(bench))
    assert (event["variableMonitoringId"], event["actualValue"]) == (id, "")
    assert b"hunter2" not in bench.records[f"monitor/{id}"]


def test_an_event_belongs_to_the_transaction_of_its_evse_until_the_vehicle_leaves():
    bench = monitored(evses=2)
    put(bench, watching(POWER, "UpperThreshold", 5000), watching(STATE), watching(place("EVSE", "Power", 2)))
    bench.plug_in()
    bench.swipe()
    transaction_id = bench.transaction_id
    bench.swipe()
    bench.read_meter()
    bench.unplug()
    events = [(event["actualValue"], event.get("transactionId")) for event in take_events(bench)]
    assert events == [("Occupied", None), ("7200", transaction_id), ("0", transaction_id), ("Available", None)]


@pytest.mark.parametrize("stop", ["EVConnected", "Authorized"])
def test_the_next_vehicle_has_nothing_to_do_with_the_last_transaction(stop: str):
    bench = monitored(stop=stop)
    put_one(bench, watching(STATE))
    bench.plug_in()
    bench.swipe()
    if stop == "Authorized":
        bench.swipe()
    bench.unplug()
    bench.plug_in()
    first, _, last = take_events(bench)
    assert (first.get("transactionId"), last.get("transactionId")) == (None, None)


def test_a_monitor_for_transactions_is_silent_without_one():
    bench = monitored()
    put_one(bench, watching(THRESHOLD, "UpperThreshold", 100, transaction=True))
    put_one(bench, watching(POWER, "Periodic", 7, transaction=True))
    assert set_to(bench, 110) == []
    bench.pass_time(30)
    assert take_events(bench) == []
    bench.plug_in()
    bench.swipe()
    assert ("Alerting", "110", False) in told(take_events(bench))
    bench.pass_time(7)
    assert told(take_events(bench)) == [("Periodic", "7200", False)]


def test_a_value_that_nobody_knows_is_not_judged():
    temperature: list[float | None] = [None]

    def own(model: DeviceModel) -> None:
        variable: Variable[float | None] = Variable("Sensor", "Temperature", 0.0)
        model.declare(variable, live=lambda: temperature[0])

    bench = monitored(own=own)
    where = place("Sensor", "Temperature")
    put(bench, watching(where, "LowerThreshold", 5), watching(where, "Delta", 1))
    bench.plug_in()
    assert take_events(bench) == []
    temperature[0] = 4.0
    bench.unplug()
    assert told(take_events(bench)) == [("Alerting", "4", False)]


# ---- offline ----


def durable(bench: Bench) -> int:
    return len([row for row in bench.rows.values() if row.action == "NotifyEvent"])


def test_N07_FR_04_what_is_grave_enough_waits_for_the_csms():
    bench = monitored()
    bench.set("MonitoringCtrlr.OfflineQueuingSeverity", 5)
    put_one(bench, watching(STATE, severity=5))
    bench.disconnect()
    bench.plug_in()
    bench.pass_time(60)
    bench.unplug()
    assert durable(bench) == 2
    bench.power_cycle()
    bench.accept()
    events = take_events(bench)
    assert told(events) == [("Delta", "Occupied", False), ("Delta", "Available", False)]
    assert events[0]["timestamp"] < events[1]["timestamp"]


def test_N07_what_is_not_is_seen_as_it_is_when_the_csms_is_back():
    bench = monitored()
    put(bench, watching(STATE, severity=5), watching(THRESHOLD, "UpperThreshold", 100, severity=5))
    bench.disconnect()
    bench.plug_in()
    bench.unplug()
    bench.plug_in()
    assert durable(bench) == 0
    bench.connect()
    assert told(take_events(bench)) == [("Delta", "Occupied", False)]


def test_N08_FR_03_periodic_events_wait_like_others_and_are_the_first_to_go_when_there_are_too_many():
    bench = monitored()
    put(bench, watching(POWER, "Periodic", 60, severity=4), watching(STATE, "Periodic", 60, severity=5))
    bench.disconnect()
    bench.pass_time(180)
    assert [row.worth for row in bench.rows.values()] == [1, 1, 1]
    bench.connect()
    events = take_events(bench)
    assert seconds(events)[:3] == [60, 120, 180]
    assert {event["variable"]["name"] for event in events} == {"Power"}


def test_a_station_that_the_csms_has_not_accepted_makes_no_events_that_would_be_lost():
    bench = Bench(variables={"MonitoringCtrlr.OfflineQueuingSeverity": 5})
    bench.accept()
    put(bench, watching(STATE, severity=5), watching(STATE, severity=6))
    bench.power_cycle()
    bench.script["BootNotification"] = {"currentTime": "2026-01-01T00:00:00Z", "interval": 50, "status": "Pending"}
    bench.connect()
    bench.pass_time(40)
    bench.plug_in()
    assert (take_events(bench), durable(bench)) == ([], 1)
    del bench.script["BootNotification"]
    bench.pass_time(20)
    assert told(take_events(bench)) == [("Delta", "Occupied", False)] * 2


def test_a_station_that_nobody_answers_begins_to_look_when_its_hardware_has_spoken():
    bench = monitored()
    put_one(bench, watching(STATE, severity=4))
    bench.power_cycle()
    bench.plants[1].connector = 1
    bench.plug_in()
    assert durable(bench) == 0
    bench.pass_time(31)
    assert durable(bench) == 1


def test_a_csms_that_knows_no_events_is_not_told_again_and_nothing_is_kept_for_it():
    bench = monitored()
    put_one(bench, watching(STATE, severity=4))
    bench.script["NotifyEvent"] = "NotImplemented"
    bench.plug_in()
    bench.unplug()
    bench.plug_in()
    assert len(take_events(bench)) == 1
    assert (durable(bench), len(bench.parked)) == (0, 1)
    assert [noticed.way for noticed in bench.station.blocks.events.recent] == ["durable", *["unknown to the CSMS"] * 2]
    bench.disconnect()
    del bench.script["NotifyEvent"]
    bench.connect()
    bench.unplug()
    assert told(take_events(bench))[-1] == ("Delta", "Available", False)


# ---- N08: periods ----


def seconds(events: list[Payload]) -> list[float]:
    return [(datetime.fromisoformat(event["timestamp"]) - POWER_ON).total_seconds() for event in events]


@pytest.mark.proves("N08.FR.05", "N08.FR.06")
def test_N08_a_period_counts_from_when_it_was_set():
    bench = monitored()
    bench.pass_time(13)
    put_one(bench, watching(POWER, "Periodic", 20))
    bench.pass_time(70)
    events = take_events(bench)
    assert seconds(events) == [33, 53, 73]
    assert told(events) == [("Periodic", "0", False)] * 3


@pytest.mark.proves("N08.FR.05", "N08.FR.07")
def test_N08_what_is_aligned_with_the_clock_counts_from_the_even_moment():
    bench = monitored()
    bench.pass_time(13)
    put_one(bench, watching(POWER, "PeriodicClockAligned", 20))
    bench.pass_time(70)
    events = take_events(bench)
    assert seconds(events) == [20, 40, 60, 80]
    assert {event["trigger"] for event in events} == {"Periodic"}


def test_a_clock_that_is_set_moves_what_is_aligned_with_it():
    bench = monitored()
    put(bench, watching(POWER, "PeriodicClockAligned", 600), watching(STATE, "Periodic", 3600))
    bench.clock_moved_s = 120.0
    bench.plug_in()
    bench.unplug()
    bench.pass_time(500)
    assert seconds(take_events(bench)) == [600]


def test_a_period_of_a_second_is_not_polled_for():
    bench = monitored()
    put_one(bench, watching(POWER, "Periodic", 3600))
    assert bench.station.blocks.monitoring.next_deadline() == bench.mono + 3600


def test_without_monitors_nothing_waits_for_anything():
    bench = Bench()
    bench.accept()
    for monitor in list(bench.station.blocks.monitoring.watch.monitors):
        bench.station.blocks.monitoring.watch.monitors.remove(monitor.id)
    assert bench.station.blocks.monitoring.next_deadline() is None


def test_a_preset_tells_from_the_first_start_on():
    bench = monitored(monitors=(Preset(PRESET.spot, PRESET.setting),))
    bench.plug_in()
    assert only(take_events(bench))["eventNotificationType"] == "PreconfiguredMonitor"
    base(bench, "HardWiredOnly")
    bench.unplug()
    assert take_events(bench) == []


def test_the_next_even_moment_is_known_when_the_time_of_day_is():
    bench = monitored()
    bench.station.desk.clock_known = False
    put_one(bench, watching(POWER, "PeriodicClockAligned", 600))
    bench.pass_time(1300)
    assert take_events(bench) == []
    bench.station.desk.clock_known = True
    bench.pass_time(600)
    assert seconds(take_events(bench)) == [1800]
    assert POWER_ON + timedelta(seconds=1800) == datetime(2026, 1, 1, 0, 30, tzinfo=UTC)


def test_everything_watched_in_every_way_comes_to_rest():
    bench = monitored(evses=2)
    taken = 0
    for slot in list(bench.station.model.slots()):
        where = placed(slot.spot)
        for kind in KINDS:
            value = 300 if kind.startswith("Periodic") else max(slot.variable.low or 0, 0)
            (result,) = put(bench, watching(where, kind, value, severity=9))
            assert result["status"] in ("Accepted", "UnsupportedMonitorType"), result
            taken += result["status"] == "Accepted"
    bench.take_sent()
    bench.plug_in()
    bench.swipe()
    bench.pass_time(60)
    bench.swipe()
    bench.unplug()
    bench.pass_time(200)
    assert taken > 300
    assert 10 < len(take_events(bench)) < taken


def placed(spot: Spot) -> Payload:
    """A place of the device model, as the CSMS writes it."""
    where = place(spot.component, spot.variable, spot.evse, spot.connector)
    where["component"] |= {"instance": spot.component_instance} if spot.component_instance else {}
    where["variable"] |= {"instance": spot.instance} if spot.instance else {}
    return where
