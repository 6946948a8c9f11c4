"""What is remembered over a restart, and what is done with a record that makes no sense."""

from __future__ import annotations

import pytest

from tests.bench import CARD, Bench
from tests.blocks.test_e_start import bench_with

NO_CACHE = {"AuthCacheCtrlr.Enabled": False}


def test_an_idle_station_remembers_nothing_of_what_is_over():
    bench = bench_with(variables=NO_CACHE)
    bench.plug_in()
    bench.swipe()
    bench.swipe()
    bench.unplug()
    assert bench.records == {}


def test_a_transaction_is_remembered_while_it_runs():
    bench = bench_with(variables=NO_CACHE)
    bench.plug_in()
    bench.swipe()
    assert list(bench.records) == ["transaction/1", "ready/1"]
    bench.swipe()
    assert list(bench.records) == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("transaction/1", b"nonsense"),
        ("transaction/1", b'{"id": 7}'),
        ("variable/nonsense", b"nonsense"),
        ("variable/x", b"\xff\xfe"),
        ("availability/x/y", b"false"),
        ("availability/1", b"false"),
    ],
)
def test_a_record_that_makes_no_sense_is_noted_and_forgotten(key: str, value: bytes):
    bench = Bench()
    bench.records[key] = value
    bench.power_cycle()
    assert bench.station.unreadable == [key]
    assert bench.records == {}
    bench.accept()
    bench.plug_in()
    bench.swipe(CARD)
    assert bench.intents[1].permit_power


@pytest.mark.parametrize("key", ["transaction/9", "availability/9/1", "availability/1/9"])
def test_a_record_of_an_evse_that_is_not_there_any_more_keeps_nobody_from_starting(key: str):
    bench = Bench()
    bench.records[key] = b"false"
    bench.power_cycle()
    bench.accept()
    assert bench.take_statuses() == [(1, 1, "Available")]


@pytest.mark.parametrize(
    ("stored", "told"), [(b"RemoteReset", "RemoteReset"), (b"a whim", "Unknown"), (b"\xff", "Unknown")]
)
def test_a_boot_reason_that_ocpp_does_not_know_is_unknown(stored: bytes, told: str):
    bench = Bench()
    bench.records["boot/reason"] = stored
    bench.power_cycle()
    bench.connect()
    assert bench.sent[0].payload["reason"] == told


def test_a_value_that_is_out_of_range_by_now_is_the_boards_again():
    bench = bench_with()
    bench.set("OCPPCommCtrlr.OfflineThreshold", 120)
    (key,) = bench.records
    bench.records[key] = bench.records[key].replace(b"120", b"-12")
    bench.power_cycle()
    bench.connect()
    assert bench.get("OCPPCommCtrlr.OfflineThreshold") == "60"
