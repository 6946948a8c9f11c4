"""GetCompositeSchedule and GetChargingProfiles on the bench (K08, K09)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.bench import CARD, Bench
from tests.blocks.profiles import composite, install, offer, profile, reported, schedule, send

MAX, DEFAULT, TX = "ChargingStationMaxProfile", "TxDefaultProfile", "TxProfile"


def station(evses: int = 1, **options: Any) -> Bench:
    bench = Bench(evses, **options)
    bench.accept()
    return bench


@pytest.mark.proves("K08.FR.02", "K08.FR.04", "K03.FR.03")
def test_the_least_of_all_purposes_counts_from_now_for_the_duration():
    bench = station()
    bench.pass_time(50)
    install(bench, 0, ((0, 20.0), (200, 12.0)), id=1, purpose=MAX, start=0)
    install(bench, 1, ((0, 16.0), (100, 24.0), (300, 8.0)), id=2, start=0)
    assert composite(bench, 1, 400) == [(0, 16.0), (50, 20.0), (150, 12.0), (250, 8.0)]
    assert composite(bench, 1, 250) == [(0, 16.0), (50, 20.0), (150, 12.0)]


@pytest.mark.proves("K08.FR.06")
def test_K08_FR_06_without_a_transaction_the_default_profile_is_followed_as_if_one_began_now():
    bench = station()
    bench.pass_time(1000)
    install(bench, 1, ((0, 10.0), (60, 16.0)))
    assert composite(bench, 1, 100) == [(0, 10.0), (60, 16.0)]
    bench.plug_in()
    bench.swipe()
    bench.pass_time(20)
    assert composite(bench, 1, 100) == [(0, 10.0), (40, 16.0)]


@pytest.mark.proves("K08.FR.03")
def test_K08_FR_03_of_the_station_all_evses_are_told_together():
    bench = station(2)
    assert composite(bench, 0, 100) == [(0, 64.0)]
    install(bench, 1, 10.0, id=1, start=60)
    assert composite(bench, 0, 100) == [(0, 64.0), (60, 42.0)]
    install(bench, 0, 40.0, id=2, purpose=MAX, start=0, duration=80)
    assert composite(bench, 0, 100) == [(0, 40.0), (80, 42.0)]
    assert composite(bench, 0, 100, unit="W") == [(0, 27_600.0), (80, 28_980.0)]


def test_a_share_is_told_as_it_will_be_with_those_who_charge():
    bench = station(2)
    install(bench, 0, 24.0, purpose=MAX, start=0)
    assert composite(bench, 1, 60) == [(0, 24.0)]
    bench.plug_in(2)
    bench.swipe(CARD, 2)
    assert (composite(bench, 1, 60), composite(bench, 2, 60)) == ([(0, 12.0)], [(0, 24.0)])


def test_other_limits_count_as_they_are_now():
    from agent.vocabulary.incoming import LimitSet

    bench = station()
    bench.notice(LimitSet(1, "site", 14.0))
    install(bench, 1, 10.0, start=60)
    assert composite(bench, 1, 100) == [(0, 14.0), (60, 10.0)]


def test_a_limit_is_told_with_one_digit_and_never_above_what_it_is():
    bench = station()
    install(bench, 1, 6000.0, unit="W")
    assert composite(bench, 1, 60, "W") == [(0, 6000.0)]
    assert composite(bench, 1, 60, "A") == [(0, 8.6)]  # 8.696 A


def test_without_a_unit_current_is_told():
    bench = station()
    assert composite(bench, 1, 60, unit=None) == [(0, 32.0)]


@pytest.mark.proves("K08.FR.05")
@pytest.mark.parametrize("asked", [{"evseId": 2, "duration": 60}, {"evseId": 1, "duration": 0}], ids=str)
def test_K08_FR_05_what_cannot_be_told_is_rejected(asked: dict[str, int]):
    told = station().ask("GetCompositeSchedule", **asked)
    assert isinstance(told, dict)
    assert (told["status"], "schedule" in told) == ("Rejected", False)


@pytest.mark.proves("K08.FR.07")
def test_K08_FR_07_a_unit_that_is_not_offered_is_rejected():
    bench = station(variables={"SmartChargingCtrlr.RateUnit": "A"})
    told = bench.ask("GetCompositeSchedule", evseId=1, duration=60, chargingRateUnit="W")
    assert isinstance(told, dict)
    assert (told["status"], told["statusInfo"]["reasonCode"]) == ("Rejected", "UnsupportedRateUnit")


# ---- reports ----


def full() -> Bench:
    bench = station(2)
    install(bench, 0, 20.0, id=1, purpose=MAX, start=0)
    install(bench, 0, 16.0, id=2, level=1)
    install(bench, 1, 10.0, id=3, level=2)
    install(bench, 2, 10.0, id=4, level=2)
    return bench


@pytest.mark.proves("K09.FR.01", "K09.FR.04", "K09.FR.05", "K09.FR.06")
@pytest.mark.parametrize(
    ("evse", "criteria", "ids"),
    [
        (None, {}, {1, 2, 3, 4}),
        (0, {}, {1, 2}),
        (1, {}, {3}),
        (None, {"chargingProfileId": [2, 4, 9]}, {2, 4}),
        (2, {"chargingProfileId": [2, 4, 9]}, {4}),
        (None, {"stackLevel": 2}, {3, 4}),
        (None, {"chargingProfilePurpose": DEFAULT}, {2, 3, 4}),
        (2, {"chargingProfilePurpose": DEFAULT, "stackLevel": 2}, {4}),
        (None, {"chargingLimitSource": ["CSO", "EMS"]}, {1, 2, 3, 4}),
        (None, {"chargingLimitSource": ["EMS"]}, set()),
        (2, {"stackLevel": 0}, set()),
    ],
    ids=str,
)
def test_what_is_reported_is_what_fits_in_all_that_is_named(evse: int | None, criteria: dict[str, Any], ids: set[int]):
    found = reported(full(), evse, **criteria)
    assert {told["id"] for _, told in found} == ids
    assert {(told["id"], where) for where, told in found} <= {(1, 0), (2, 0), (3, 1), (4, 2)}


def test_a_profile_is_reported_as_it_was_set():
    bench = station()
    wanted = profile(
        ((0, 10.0), (60, 8.0)), start=0, every="Weekly", duration=600, valid=(0, 10**6), minChargingRate=6.5
    )
    wanted["chargingSchedule"][0]["salesTariff"] = {
        "id": 1,
        "salesTariffEntry": [{"relativeTimeInterval": {"start": 0}, "ePriceLevel": 1}],
    }
    wanted["customData"] = {"vendorId": "x", "more": [1, {"a": None}]}
    assert send(bench, 1, wanted) == {"status": "Accepted"}
    for _ in range(2):
        assert reported(bench) == [(1, wanted)]
        bench.power_cycle()
        bench.accept()
    assert offer(bench) is None


@pytest.mark.proves("K09.FR.02")
def test_K09_FR_02_what_does_not_fit_into_one_message_follows_and_the_last_one_says_so():
    bench = station()
    many = tuple((second, 10.0) for second in range(400))
    for level in range(6):
        install(bench, 1, many, id=level, level=level)
    bench.take_sent()
    assert len(reported(bench)) == 6
    bench.take_sent()
    bench.ask("GetChargingProfiles", requestId=5, chargingProfile={})
    told = [said.payload.get("tbc", False) for said in bench.take_sent() if said.action == "ReportChargingProfiles"]
    assert len(told) > 1
    assert told == [True] * (len(told) - 1) + [False]


def test_one_report_at_a_time():
    bench = full()
    bench.script["ReportChargingProfiles"] = None
    bench.ask("GetChargingProfiles", requestId=5, chargingProfile={})
    assert bench.ask("GetChargingProfiles", requestId=6, chargingProfile={}) == "GenericError"


def test_a_schedule_of_its_own_is_no_part_of_another_profile():
    bench = station()
    assert send(bench, 1, profile() | {"chargingSchedule": [schedule(8.0, id=77)]}) == {"status": "Accepted"}
    ((_, told),) = reported(bench)
    assert told["chargingSchedule"][0]["id"] == 77
