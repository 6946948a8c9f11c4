"""NotifyEvent: numbers that never come twice, and what waits for the CSMS (G05, N07)."""

from __future__ import annotations

import pytest

from agent.blocks.events import GREATEST_ID, IDS_A_WRITE, NEXT_ID, part_of
from tests.bench import Bench, Payload
from tests.blocks.test_e_start import bench_with


def tell(bench: Bench, severity: int = 1, count: int = 1) -> None:
    """Something is told that no monitor watches."""
    for _ in range(count):
        events = bench.station.blocks.events
        event = events.hard_wired(bench.now, part_of("Contactor", 1), "Tripped", "true")
        events.notify(bench.now, severity, event)
        bench.pass_time(0)


def take_told(bench: Bench) -> list[Payload]:
    told = [said.payload for said in bench.take_sent() if said.action == "NotifyEvent"]
    return [event for payload in told for event in payload["eventData"] if event["component"]["name"] == "Contactor"]


def take_ids(bench: Bench) -> list[int]:
    return [event["eventId"] for event in take_told(bench)]


def test_every_event_has_a_number_of_its_own_after_a_power_cut_as_well():
    bench = bench_with()
    tell(bench, count=3)
    before = take_ids(bench)
    bench.power_cycle()
    bench.accept()
    tell(bench, count=3)
    after = take_ids(bench)
    assert len(before) == len(after) == 3
    assert min(after) > max(before)


def test_the_numbers_are_written_down_once_in_a_thousand():
    bench = bench_with()
    tell(bench)
    written = bench.records[NEXT_ID]
    tell(bench, count=100)
    assert bench.records[NEXT_ID] == written
    tell(bench, count=IDS_A_WRITE)
    assert int(bench.records[NEXT_ID]) == int(written) + IDS_A_WRITE
    assert len(set(take_ids(bench))) == 101 + IDS_A_WRITE


@pytest.mark.parametrize("kept", [b"x", b"-5", b"1e99", b"\xff", str(GREATEST_ID - 1).encode(), str(2**70).encode()])
def test_whatever_was_kept_the_numbers_fit_into_a_message(kept: bytes):
    bench = bench_with()
    bench.records[NEXT_ID] = kept
    bench.power_cycle()
    bench.accept()
    tell(bench, count=3)
    ids = take_ids(bench)
    assert len(set(ids)) == 3
    assert all(0 <= number <= GREATEST_ID for number in ids)


@pytest.mark.parametrize(("severity", "told"), [(3, True), (4, False)])
def test_what_is_less_grave_than_the_csms_wants_to_hear_is_not_told(severity: int, told: bool):
    bench = bench_with(variables={"MonitoringCtrlr.ActiveMonitoringLevel": 3})
    tell(bench, severity)
    assert bool(take_told(bench)) is told


@pytest.mark.parametrize(("severity", "kept"), [(4, True), (5, False)])
def test_N07_FR_04_what_is_grave_enough_waits_for_the_link(severity: int, kept: bool):
    bench = bench_with(variables={"MonitoringCtrlr.OfflineQueuingSeverity": 4})
    bench.disconnect()
    tell(bench, severity)
    bench.connect()
    assert bool(take_told(bench)) is kept


@pytest.mark.parametrize("severity", [0, 9])
def test_online_it_is_told_at_once_however_grave(severity: int):
    bench = bench_with()
    tell(bench, severity)
    assert len(take_told(bench)) == 1


def test_a_station_that_is_not_accepted_yet_tells_it_when_it_is():
    bench = Bench()
    bench.script["BootNotification"] = {
        "currentTime": "2026-01-01T00:00:00Z",
        "interval": 10,
        "status": "Pending",
    }
    bench.connect()
    tell(bench)
    assert take_told(bench) == []
    bench.script.clear()
    bench.pass_time(11)
    assert len(take_told(bench)) == 1
