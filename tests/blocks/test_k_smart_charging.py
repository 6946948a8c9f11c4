"""Block K on the bench: what a profile makes of the offer, when, for whom, and which profiles are not taken."""

from __future__ import annotations

from typing import Any

import pytest

from agent.session.dc import DcLayout
from agent.vocabulary.facts import LimitChanged
from tests.bench import CARD, OTHER_CARD, Bench, Payload
from tests.blocks.profiles import (
    at,
    clear,
    composite,
    install,
    offer,
    profile,
    refusal,
    reported,
    schedule,
    send,
)

MAX, DEFAULT, TX = "ChargingStationMaxProfile", "TxDefaultProfile", "TxProfile"
RATE = ("Updated", "ChargingRateChanged", "Charging")
PAUSED, GOES_ON = ("Updated", "ChargingStateChanged", "SuspendedEVSE"), ("Updated", "ChargingStateChanged", "Charging")
CARDS = {1: CARD, 2: OTHER_CARD, 3: "04123456"}


def station(evses: int = 1, **options: Any) -> Bench:
    bench = Bench(evses, **options)
    bench.accept()
    bench.take_sent()
    return bench


def start(bench: Bench, evse: int = 1) -> str:
    """Somebody charges there; his transaction."""
    bench.plug_in(evse)
    bench.swipe(CARDS[evse], evse)
    transaction = bench.evse(evse).transaction
    assert transaction is not None
    bench.take_sent()
    return transaction.id


def charging(evses: int = 1, **options: Any) -> Bench:
    bench = station(evses, **options)
    for evse in range(1, evses + 1):
        start(bench, evse)
    return bench


# ---- a profile limits ----


@pytest.mark.proves("K01.FR.07", "K01.FR.15", "K01.FR.32", "K01.FR.51", "K04.FR.01", "K02.FR.02")
def test_a_default_profile_of_an_evse_limits_it_at_once_and_the_new_rate_is_told():
    bench = charging(2)
    install(bench, 1, 10.0)
    assert (offer(bench, 1), offer(bench, 2)) == (10.0, 32.0)
    assert bench.take_story() == [RATE]


@pytest.mark.proves("K01.FR.14", "K01.FR.32")
def test_a_default_profile_of_the_station_limits_every_evse_and_belongs_to_none():
    bench = charging(2)
    install(bench, 0, 10.0)
    assert (offer(bench, 1), offer(bench, 2)) == (10.0, 10.0)
    assert [evse for evse, _ in reported(bench)] == [0]


@pytest.mark.proves("K01.FR.12")
def test_a_period_lasts_until_the_next_one_begins_to_the_second():
    bench = charging()
    install(bench, 1, ((0, 10.0), (60, 16.0), (90, 8.0)), start=0)
    for seconds, limit_a in ((59.999, 10.0), (0.001, 16.0), (29.999, 16.0), (0.001, 8.0), (86_400.0, 8.0)):
        bench.pass_time(seconds)
        assert offer(bench) == limit_a


@pytest.mark.proves("K01.FR.30")
def test_K01_FR_30_a_schedule_that_begins_later_limits_nothing_before():
    bench = charging()
    install(bench, 1, 10.0, start=100)
    bench.pass_time(99.999)
    assert offer(bench) == 32.0
    bench.pass_time(0.001)
    assert offer(bench) == 10.0


@pytest.mark.proves("K01.FR.11")
def test_K01_FR_11_a_period_behind_the_duration_never_comes():
    bench = charging()
    install(bench, 1, ((0, 10.0), (60, 8.0)), start=0, duration=60)
    bench.pass_time(60)
    assert offer(bench) == 32.0


@pytest.mark.proves("K01.FR.36", "K01.FR.37", "K01.FR.10")
def test_a_profile_is_valid_from_its_first_moment_until_before_its_last():
    bench = charging()
    install(bench, 1, 20.0, id=1, start=-1000)  # valid for ever
    install(bench, 1, 10.0, id=2, level=1, start=-1000, valid=(50, 80))
    for seconds, limit_a in ((49.999, 20.0), (0.001, 10.0), (29.999, 10.0), (0.001, 20.0), (1e6, 20.0)):
        bench.pass_time(seconds)
        assert offer(bench) == limit_a


@pytest.mark.proves("K01.FR.17")
def test_K01_FR_17_the_highest_stack_level_that_has_a_period_counts_also_where_it_allows_more():
    bench = charging()
    install(bench, 1, 8.0, id=1, start=0)
    install(bench, 1, 20.0, id=2, level=5, start=0, duration=60)
    install(bench, 1, 12.0, id=3, level=3, start=30, duration=60)
    for seconds, limit_a in ((1, 20.0), (59, 12.0), (30, 8.0)):
        bench.pass_time(seconds)
        assert offer(bench) == limit_a


@pytest.mark.proves("K01.FR.13")
def test_K01_FR_13_what_recurs_daily_comes_again_across_midnight_and_within_its_validity_only():
    bench = charging()
    a_day, six = 86_400, 6 * 3600
    install(
        bench, 1, 8.0, start=-a_day + 20 * 3600, every="Daily", duration=8 * 3600, valid=(None, 2 * a_day + six // 2)
    )
    assert offer(bench) == 8.0  # 20:00 to 4:00: it is midnight
    seen = []
    for _ in range(12):
        bench.pass_time(six)
        seen.append(offer(bench))
    assert (
        seen == [32.0, 32.0, 32.0, 8.0] * 2 + [32.0] * 4
    )  # 6:00, 12:00, 18:00, 24:00; it ends on the third day at 3:00


def test_what_recurs_weekly_comes_again_after_a_week():
    bench = charging()
    install(bench, 1, 8.0, start=0, every="Weekly", duration=3600)
    bench.pass_time(3600)
    assert offer(bench) == 32.0
    bench.pass_time(7 * 86_400 - 3600)
    assert offer(bench) == 8.0


@pytest.mark.proves("K01.FR.41", "K01.FR.42")
def test_a_relative_profile_begins_when_the_vehicle_is_there_and_its_driver_authorized():
    bench = station()
    install(bench, 1, ((0, 10.0), (60, 16.0)))
    bench.pass_time(500)
    bench.plug_in()
    bench.pass_time(500)
    bench.swipe()
    assert offer(bench) == 10.0
    bench.vehicle_wants(False)
    bench.pass_time(59.5)
    bench.vehicle_wants(True)
    assert offer(bench) == 10.0  # a pause of the vehicle begins nothing anew
    bench.pass_time(0.5)
    assert offer(bench) == 16.0


def test_a_relative_profile_of_a_running_transaction_counts_from_when_that_could_begin():
    bench = charging()
    bench.pass_time(100)
    install(bench, 1, ((0, 10.0), (60, 16.0), (120, 20.0)))
    assert offer(bench) == 16.0
    bench.pass_time(20)
    assert offer(bench) == 20.0


def test_the_next_driver_begins_a_relative_profile_anew():
    bench = charging()
    install(bench, 1, ((0, 10.0), (60, 16.0)))
    bench.pass_time(100)
    assert offer(bench) == 16.0
    bench.swipe()
    bench.unplug()
    bench.pass_time(100)
    start(bench)
    assert offer(bench) == 10.0


def test_less_than_six_ampere_pauses_and_the_next_period_goes_on():
    bench = charging()
    install(bench, 1, ((0, 5.9), (60, 16.0)), start=0)
    assert offer(bench) is None
    assert bench.take_story() == [PAUSED]
    bench.pass_time(59.9)
    bench.take_sent()
    bench.pass_time(0.1)
    assert offer(bench) == 16.0
    assert GOES_ON in bench.take_story()


def test_no_limit_of_a_profile_is_above_that_of_the_wiring():
    bench = charging()
    install(bench, 1, 999_999.0, unit="W")
    assert offer(bench) == 32.0
    assert bench.take_story() == []


# ---- power and phases ----


@pytest.mark.parametrize(
    ("phases", "layout", "limit_a"),
    [(None, 3, 10.0), (3, 3, 10.0), (3, 1, 10.0), (1, 1, 30.0), (None, 1, 10.0), (2, 1, 15.0)],
)
@pytest.mark.proves("K01.FR.45", "K01.FR.49", "K01.FR.50")
def test_power_is_spread_over_the_phases_that_the_period_names_or_three(
    phases: int | None, layout: int, limit_a: float
):
    bench = charging(layout={"phases": layout})
    install(bench, 1, 6900.0, unit="W", phases=phases)
    assert offer(bench) == pytest.approx(limit_a)


@pytest.mark.proves("K01.FR.43")
@pytest.mark.parametrize("phases", [1, 2])
def test_K01_FR_43_fewer_phases_than_are_wired_are_refused_where_none_can_be_left_out(phases: int):
    bench = charging()
    assert refusal(bench, 1, profile(10.0, phases=phases)) == "InvalidSchedule"
    assert offer(bench) == 32.0


@pytest.mark.proves("K01.FR.47")
def test_K01_FR_47_one_phase_is_used_where_that_can_be_switched():
    bench = charging(layout={"switches_phases": True})
    install(bench, 1, 4600.0, unit="W", phases=1)
    assert (offer(bench), bench.intents[1].phases) == (20.0, 1)
    clear(bench, 1)
    assert (offer(bench), bench.intents[1].phases) == (32.0, 3)


@pytest.mark.proves("K01.FR.46", "K01.FR.48")
def test_the_phase_that_is_used_anyway_may_be_named_and_no_other():
    bench = charging(layout={"phases": 1})
    wanted = profile(10.0, phases=1)
    wanted["chargingSchedule"][0]["chargingSchedulePeriod"][0]["phaseToUse"] = 2
    assert refusal(bench, 1, wanted) == "InvalidSchedule"
    wanted["chargingSchedule"][0]["chargingSchedulePeriod"][0]["phaseToUse"] = 1
    assert send(bench, 1, wanted) == {"status": "Accepted"}
    assert offer(bench) == 10.0


@pytest.mark.proves("K01.FR.44")
def test_K01_FR_44_direct_current_has_no_phases_and_what_is_said_of_them_is_ignored():
    direct = {"dc": DcLayout(500.0), "phases": 1, "voltage_v": 500.0, "limit_a": 100.0, "min_a": 1.0}
    bench = charging(layout=direct)
    wanted = profile(20_000.0, unit="W", phases=1)
    wanted["chargingSchedule"][0]["chargingSchedulePeriod"][0]["phaseToUse"] = 3
    assert send(bench, 1, wanted) == {"status": "Accepted"}
    assert offer(bench) == 40.0


# ---- profiles of a transaction ----


@pytest.mark.proves("K01.FR.04", "K02.FR.04", "K01.FR.02")
def test_the_profile_of_a_transaction_overrules_the_default_one_also_upwards():
    bench = station()
    install(bench, 1, 8.0, id=1, level=5)
    transaction = start(bench)
    install(bench, 1, 20.0, id=2, purpose=TX, transaction=transaction)
    assert offer(bench) == 20.0


@pytest.mark.proves("K02.FR.05")
def test_K02_FR_05_the_profile_of_a_transaction_goes_with_it():
    bench = station()
    transaction = start(bench)
    install(bench, 1, 8.0, id=2, purpose=TX, transaction=transaction)
    bench.swipe()
    assert reported(bench) == []
    assert not [key for key in bench.records if key.startswith("charging_profile/")]
    bench.unplug()
    start(bench)
    assert offer(bench) == 32.0


@pytest.mark.proves("K02.FR.08")
@pytest.mark.parametrize("ends", [{"duration": 60}, {"valid": (None, 60)}], ids=str)
def test_K02_FR_08_when_the_schedule_of_a_transaction_is_over_the_least_of_the_others_counts(ends: dict[str, Any]):
    bench = station()
    install(bench, 1, 12.0, id=1, start=0)
    install(bench, 0, 20.0, id=2, purpose=MAX, start=0)
    transaction = start(bench)
    install(bench, 1, 16.0, id=3, purpose=TX, transaction=transaction, start=0, **ends)
    assert offer(bench) == 16.0
    bench.pass_time(60)
    assert offer(bench) == 12.0
    clear(bench, 1)
    assert offer(bench) == 20.0
    clear(bench, 2)
    assert offer(bench) == 32.0


@pytest.mark.proves("K01.FR.09")
def test_K01_FR_09_a_profile_of_a_transaction_needs_one():
    bench = charging(2)
    transaction = bench.evse(2).transaction
    assert transaction is not None
    bench.swipe(CARDS[1], 1)
    assert refusal(bench, 1, profile(purpose=TX, transaction=transaction.id)) == "TxNotFound"


@pytest.mark.proves("K01.FR.33", "K01.FR.03")
def test_K01_FR_33_a_profile_of_another_transaction_or_none_is_refused():
    bench = charging(2)
    other = bench.evse(2).transaction
    assert other is not None
    for transaction in ("nobody's", other.id, None):
        assert refusal(bench, 1, profile(purpose=TX, transaction=transaction)) == "TxNotFound"


# ---- what all EVSEs share ----


@pytest.mark.proves("K04.FR.05", "K04.FR.02")
def test_K04_FR_05_what_the_station_may_draw_is_shared_by_those_who_charge():
    bench = station(3)
    install(bench, 0, 24.0, purpose=MAX, start=0)
    start(bench, 1)
    assert offer(bench, 1) == 24.0
    start(bench, 2)
    assert (offer(bench, 1), offer(bench, 2)) == (12.0, 12.0)
    start(bench, 3)
    assert [offer(bench, evse) for evse in (1, 2, 3)] == [8.0, 8.0, 8.0]
    bench.swipe(CARDS[1], 1)
    assert [offer(bench, evse) for evse in (1, 2, 3)] == [None, 12.0, 12.0]


def test_who_has_a_limit_of_his_own_leaves_the_rest_to_the_others():
    bench = station(2)
    install(bench, 0, 24.0, id=1, purpose=MAX, start=0)
    install(bench, 1, 7.0, id=2, start=0)
    start(bench, 1)
    start(bench, 2)
    assert (offer(bench, 1), offer(bench, 2)) == (7.0, 17.0)
    clear(bench, 2)
    assert (offer(bench, 1), offer(bench, 2)) == (12.0, 12.0)


def test_who_comes_when_there_is_not_enough_for_one_more_waits():
    bench = station(3)
    install(bench, 0, 13.0, purpose=MAX, start=0)
    start(bench, 2)
    bench.pass_time(10)
    start(bench, 3)
    bench.pass_time(10)
    start(bench, 1)
    assert [offer(bench, evse) for evse in (1, 2, 3)] == [None, 6.5, 6.5]
    bench.swipe(CARDS[2], 2)
    assert [offer(bench, evse) for evse in (1, 2, 3)] == [6.5, None, 6.5]


@pytest.mark.proves("K01.FR.21", "K02.FR.06", "K03.FR.07", "K04.FR.04")
def test_who_is_better_served_by_waiting_than_by_a_trickle_waits():
    bench = station(2)
    install(bench, 0, 16.0, id=1, purpose=MAX, start=0)
    install(bench, 2, 32.0, id=2, start=0, minChargingRate=12.0)
    start(bench, 1)
    bench.pass_time(10)
    start(bench, 2)
    assert (offer(bench, 1), offer(bench, 2)) == (16.0, None)


@pytest.mark.proves("K03.FR.04", "K03.FR.06")
def test_who_has_a_higher_priority_is_served_first_also_when_the_others_have_to_wait():
    bench = station(2)
    install(bench, 0, 24.0, purpose=MAX, start=0)
    start(bench, 1)
    bench.script["Authorize"] = {"idTokenInfo": {"status": "Accepted", "chargingPriority": 3}}
    start(bench, 2)
    assert (offer(bench, 1), offer(bench, 2)) == (None, 24.0)
    install(bench, 2, 16.0, id=2, start=0)
    assert (offer(bench, 1), offer(bench, 2)) == (8.0, 16.0)


@pytest.mark.proves("K03.FR.05")
def test_K03_FR_05_the_priority_of_a_transaction_counts_for_that_one_only():
    bench = station(2)
    install(bench, 0, 24.0, purpose=MAX, start=0)
    first = start(bench, 1)
    of = "transactionInfo"
    bench.script["TransactionEvent"] = lambda asked: (
        {} if asked[of]["transactionId"] == first else {"chargingPriority": -1}
    )
    start(bench, 2)
    assert (offer(bench, 1), offer(bench, 2)) == (24.0, None)
    del bench.script["TransactionEvent"]
    bench.swipe(CARDS[2], 2)
    bench.unplug(2)
    start(bench, 2)
    assert (offer(bench, 1), offer(bench, 2)) == (12.0, 12.0)


def test_power_is_shared_as_well():
    bench = station(2, layout={"voltage_v": 230.0})
    install(bench, 0, 13_800.0, unit="W", purpose=MAX, start=0)
    start(bench, 1)
    assert offer(bench, 1) == pytest.approx(20.0)
    start(bench, 2)
    assert (offer(bench, 1), offer(bench, 2)) == (pytest.approx(10.0), pytest.approx(10.0))


# ---- what is not taken ----


LATER = {"start": 0.0}
TWO = [schedule(10.0), schedule(8.0, id=2)]
REFUSED: dict[str, tuple[int, Payload, str]] = {
    "K01.FR.16": (0, profile(purpose=TX, transaction="t"), "InvalidProfile"),
    "K01.FR.22": (0, profile(purpose="ChargingStationExternalConstraints", **LATER), "InvalidProfile"),
    "K01.FR.26": (1, profile(unit="W"), "UnsupportedRateUnit"),
    "K01.FR.28": (3, profile(), "UnknownEvse"),
    "K01.FR.31": (1, profile(((1, 10.0),)), "InvalidSchedule"),
    "K01.FR.34": (1, profile() | {"chargingSchedule": TWO}, "InvalidSchedule"),
    "K01.FR.35": (1, profile(((0, 10.0), (60, 8.0), (60, 9.0))), "InvalidSchedule"),
    "K01.FR.38": (0, profile(purpose=MAX), "InvalidProfile"),
    "K01.FR.40": (1, profile() | {"chargingProfileKind": "Absolute"}, "InvalidProfile"),
    "K01.FR.41": (1, profile(**LATER) | {"chargingProfileKind": "Relative"}, "InvalidProfile"),
    "K04.FR.03": (1, profile(purpose=MAX, **LATER), "InvalidProfile"),
    "recurring without a start": (1, profile(every="Daily"), "InvalidProfile"),
    "recurring without saying how": (1, profile(**LATER) | {"chargingProfileKind": "Recurring"}, "InvalidProfile"),
    "a stack level above the highest": (1, profile(level=10), "InvalidStackLevel"),
    "a stack level below the lowest": (1, profile(level=-1), "InvalidStackLevel"),
    "no time": (1, profile(duration=0), "InvalidSchedule"),
    "less than nothing": (1, profile(-1.0), "InvalidSchedule"),
    "ends before it begins": (1, profile(valid=(10, 5)), "InvalidProfile"),
    "a transaction for a default": (1, profile(transaction="t"), "InvalidProfile"),
    "four phases": (1, profile(phases=4), "InvalidSchedule"),
    "too many periods": (1, profile(tuple((second, 10.0) for second in range(1001))), "InvalidSchedule"),
}


@pytest.mark.proves("K01.FR.16", "K01.FR.22", "K01.FR.26", "K01.FR.28", "K01.FR.31", "K01.FR.34", "K01.FR.35")
@pytest.mark.proves("K01.FR.38", "K01.FR.40", "K01.FR.41", "K04.FR.03")
@pytest.mark.parametrize("case", REFUSED)
def test_a_profile_that_breaks_a_rule_is_refused_with_a_reason_and_changes_nothing(case: str):
    few = {"SmartChargingCtrlr.RateUnit": "A", "SmartChargingCtrlr.PeriodsPerSchedule": 1000}
    bench = charging(2, variables=few)
    evse, wanted, code = REFUSED[case]
    assert refusal(bench, evse, wanted) == code
    assert reported(bench) == []
    assert (offer(bench, 1), offer(bench, 2)) == (32.0, 32.0)


@pytest.mark.proves("K01.FR.52", "K01.FR.53")
@pytest.mark.parametrize(("first", "second"), [(0, 1), (1, 0)])
def test_a_default_profile_of_the_station_and_one_of_an_evse_share_no_stack_level(first: int, second: int):
    bench = station(2)
    install(bench, first, 10.0, id=1)
    assert refusal(bench, second, profile(8.0, id=2)) == "DuplicateProfile"
    install(bench, second, 8.0, id=2, level=1)
    install(bench, second, 7.0, id=1)  # the same id takes its place


def test_two_of_one_purpose_and_stack_level_are_never_valid_together():
    bench = charging()
    install(bench, 1, 10.0, id=1, start=0, valid=(None, 100))
    assert refusal(bench, 1, profile(8.0, id=2, start=0, valid=(99, None))) == "DuplicateProfile"
    install(bench, 1, 8.0, id=2, start=0, valid=(100, None))
    assert offer(bench) == 10.0
    bench.pass_time(100)
    assert offer(bench) == 8.0


def test_two_profiles_of_a_transaction_have_different_stack_levels():
    bench = charging()
    transaction = bench.evse().transaction
    assert transaction is not None
    own = {"purpose": TX, "transaction": transaction.id}
    install(bench, 1, 10.0, id=1, **own)
    assert refusal(bench, 1, profile(8.0, id=2, **own)) == "DuplicateProfile"
    install(bench, 1, 8.0, id=2, level=1, **own)
    assert offer(bench) == 8.0


def test_there_is_an_end_to_how_many_are_kept_and_the_device_model_says_how_many_are():
    bench = station()
    for number in range(50):
        install(bench, 1, 10.0, id=number, level=number % 10, start=0, valid=(number // 10, number // 10 + 1))
    assert bench.station.model.read(_entries()) == ("Accepted", "50")
    assert refusal(bench, 1, profile(id=50, start=0, valid=(7, 8))) == "TooManyElements"
    install(bench, 1, 8.0, id=49, start=0, valid=(7, 8))


def _entries() -> Any:
    from agent.model.device import Spot

    return Spot("SmartChargingCtrlr", "Entries", "ChargingProfiles")


# ---- replaced, cleared ----


@pytest.mark.proves("K01.FR.05")
def test_K01_FR_05_the_same_id_replaces_wherever_and_whatever_it_was():
    bench = charging(2)
    install(bench, 1, 10.0, id=1)
    install(bench, 2, 8.0, id=1, level=3)
    assert (offer(bench, 1), offer(bench, 2)) == (32.0, 8.0)
    ((evse, told),) = reported(bench)
    assert (evse, told["stackLevel"]) == (2, 3)


@pytest.mark.proves("K10.FR.03", "K10.FR.05", "K10.FR.07")
def test_a_profile_that_is_cleared_limits_no_more_and_the_transaction_goes_on():
    bench = charging()
    install(bench, 1, 10.0)
    bench.take_sent()
    assert clear(bench, 1) == "Accepted"
    assert offer(bench) == 32.0
    assert bench.take_story() == [RATE]


@pytest.mark.proves("K10.FR.01")
def test_K10_FR_01_what_fits_nothing_clears_nothing():
    bench = charging()
    assert clear(bench, 1) == "Unknown"
    install(bench, 1, 10.0)
    assert clear(bench, 2) == "Unknown"
    assert clear(bench, stackLevel=1) == "Unknown"
    assert clear(bench, evseId=0) == "Unknown"
    assert offer(bench) == 10.0


@pytest.mark.proves("K10.FR.04")
@pytest.mark.parametrize(
    ("criteria", "left"),
    [
        ({"evseId": 1}, {1, 3, 4}),
        ({"evseId": 0}, {2, 3}),
        ({"chargingProfilePurpose": DEFAULT}, {1}),
        ({"stackLevel": 0}, {4}),
        ({"stackLevel": 0, "chargingProfilePurpose": DEFAULT}, {1, 4}),
        ({"evseId": 2, "stackLevel": 0, "chargingProfilePurpose": DEFAULT}, {1, 2, 4}),
        ({}, set()),
    ],
    ids=str,
)
def test_K10_FR_04_all_that_is_named_has_to_fit(criteria: dict[str, Any], left: set[int]):
    bench = station(2)
    install(bench, 0, id=1, purpose=MAX, start=0)
    install(bench, 1, id=2)
    install(bench, 2, id=3)
    install(bench, 0, id=4, level=1)
    assert clear(bench, **criteria) == "Accepted"
    assert {told["id"] for _, told in reported(bench)} == left


# ---- switched off, offline, kept ----


@pytest.mark.proves("K01.FR.29")
def test_K01_FR_29_switched_off_nothing_of_it_is_there():
    bench = station()
    bench.set("SmartChargingCtrlr.Enabled", False)
    assert bench.ask("SetChargingProfile", evseId=1, chargingProfile=profile()) == "NotSupported"
    assert bench.ask("ClearChargingProfile", chargingProfileId=1) == "NotSupported"
    assert bench.ask("GetCompositeSchedule", evseId=1, duration=60) == "NotSupported"
    assert bench.ask("GetChargingProfiles", requestId=1, chargingProfile={}) == "NotSupported"


def test_switched_off_profiles_stay_and_limit_nothing():
    bench = charging()
    install(bench, 1, 10.0)
    bench.set("SmartChargingCtrlr.Enabled", False)
    assert offer(bench) == 32.0
    bench.set("SmartChargingCtrlr.Enabled", True)
    assert offer(bench) == 10.0


@pytest.mark.proves("K06.FR.01")
def test_K06_FR_01_a_profile_of_the_transaction_is_followed_offline():
    bench = charging()
    transaction = bench.evse().transaction
    assert transaction is not None
    install(bench, 1, ((0, 10.0), (60, 16.0)), purpose=TX, transaction=transaction.id)
    bench.disconnect()
    assert offer(bench) == 10.0
    bench.pass_time(60)
    assert offer(bench) == 16.0


@pytest.mark.proves("K06.FR.02")
def test_K06_FR_02_offline_without_a_profile_nothing_limits():
    bench = charging()
    bench.disconnect()
    bench.pass_time(1000)
    assert offer(bench) == 32.0


@pytest.mark.proves("K07.FR.01")
def test_K07_FR_01_a_transaction_that_starts_offline_follows_the_default_profile():
    bench = station(variables={"AuthCtrlr.OfflineTxForUnknownIdEnabled": True})
    install(bench, 0, 10.0)
    bench.disconnect()
    start(bench)
    assert offer(bench) == 10.0


@pytest.mark.proves("K01.FR.27")
def test_K01_FR_27_after_a_power_cut_the_composite_schedule_is_what_it_was():
    bench = station(2)
    install(bench, 0, ((0, 20.0), (900, 14.0)), id=1, purpose=MAX, start=0)
    install(bench, 1, ((0, 8.0), (500, 16.0)), id=2, start=-3600, every="Daily", duration=7200)
    install(bench, 0, 12.0, id=3, level=1, start=700, valid=(None, 1000))
    before = [composite(bench, evse, 3600) for evse in (0, 1, 2)]
    installed = reported(bench)
    bench.power_cycle(off_s=0)
    bench.accept()
    assert [composite(bench, evse, 3600) for evse in (0, 1, 2)] == before
    assert reported(bench) == installed


def test_a_relative_profile_goes_on_where_it_was_when_the_transaction_outlives_the_power():
    bench = charging(variables={"TxCtrlr.ResumptionTimeout": 600})
    transaction = bench.evse().transaction
    assert transaction is not None
    install(bench, 1, ((0, 10.0), (60, 16.0)), purpose=TX, transaction=transaction.id)
    bench.pass_time(30)
    bench.power_cycle(off_s=20)
    assert bench.evse().transaction is not None
    assert offer(bench) == 10.0
    bench.pass_time(10)
    assert offer(bench) == 16.0


def test_the_profile_of_a_transaction_that_did_not_outlive_the_power_is_gone():
    bench = charging()
    transaction = bench.evse().transaction
    assert transaction is not None
    install(bench, 1, 10.0, purpose=TX, transaction=transaction.id)
    bench.power_cycle()
    bench.accept()
    assert reported(bench) == []
    assert [key for key in bench.records if key.startswith(("charging_profile/", "ready/"))] == []


def test_records_that_make_no_sense_and_profiles_of_an_evse_that_is_gone_keep_nobody_from_starting():
    bench = station(2)
    install(bench, 2, 10.0, id=2)
    bench.records |= {
        "charging_profile/7": b"{",
        "charging_profile/8": b'{"evse": 1, "message": {"id": 8}}',
        "ready/1": b"7",
    }
    bench.layouts = bench.layouts[:1]
    bench.plants.pop(2)
    bench.power_cycle()
    assert [key for key in bench.records if key.startswith(("charging_profile/", "ready/"))] == []
    assert len(bench.station.desk.profiles) == 0


# ---- clocks, deadlines, what is reckoned ----


def test_when_the_clock_is_set_the_period_of_the_new_time_counts_at_once():
    bench = charging()
    install(bench, 1, ((0, 10.0), (3600, 16.0), (7200, 20.0)), start=0)
    bench.clock_moved_s = 3600
    bench.read_meter()
    assert offer(bench) == 16.0
    bench.pass_time(3600 - bench.mono + 1000)
    assert offer(bench) == 20.0
    bench.clock_moved_s = 0
    bench.read_meter()
    assert offer(bench) == 16.0


def test_while_the_time_is_not_known_profiles_go_by_the_clock_there_is_and_anew_when_it_is():
    bench = charging()
    bench.station.desk.clock_known = False
    install(bench, 1, ((0, 10.0), (86_400, 16.0)), start=0)
    assert offer(bench) == 10.0
    bench.clock_moved_s, bench.station.desk.clock_known = 90_000, True
    bench.read_meter()
    assert offer(bench) == 16.0


def test_the_station_wakes_when_a_period_begins_and_not_before():
    bench = charging(variables={"SampledDataCtrlr.TxUpdatedInterval": 0})
    install(bench, 1, ((0, 10.0), (1000, 16.0)), start=0)
    assert bench.station.blocks.smart_charging.next_deadline() == pytest.approx(2000.0)
    clear(bench, 1)
    assert bench.station.blocks.smart_charging.next_deadline() is None


def test_nothing_is_reckoned_while_nothing_changes():
    bench = charging()
    install(bench, 1, ((0, 10.0), (1000, 16.0)), start=0)
    limits = bench.station.blocks.smart_charging.limits
    reckoned: list[object] = []
    apply = limits._apply
    limits._apply = lambda now: (reckoned.append(now), apply(now))[1]  # type: ignore[method-assign]
    bench.pass_time(999)
    bench.charge(100)
    assert reckoned == []
    bench.pass_time(1)
    assert len(reckoned) == 1


def test_the_limits_say_which_profile_limits_and_until_when():
    bench = charging()
    install(bench, 1, ((0, 5.0), (600, 16.0)), id=7, start=0)
    (phase, *_) = bench.evse().limits.explain()
    assert (phase.limit_a, phase.sources, phase.next_a) == (5.0, ("csms:TxDefaultProfile 7",), 32.0)
    assert phase.until is not None and at((phase.until - bench.now.wall).total_seconds()) == at(600)
    assert [fact.limit_a for fact in bench.facts if isinstance(fact, LimitChanged)] == [0.0]


def test_a_disk_that_refuses_keeps_the_profile_out():
    bench = charging()
    install(bench, 1, 12.0)
    bench.disk_refuses = True
    assert refusal(bench, 1, profile(10.0)) == "OutOfStorage"
    assert offer(bench) == 12.0
