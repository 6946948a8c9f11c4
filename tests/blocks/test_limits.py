"""Limits on the bench: the offer follows them at once, and what follows from that is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from agent.session.derating import DeratingLayout
from agent.session.limits import SITE, Terms, bound_of
from agent.story import fact_line
from agent.vocabulary.facts import EvseFaulted, LimitChanged
from agent.vocabulary.incoming import LimitSet
from hal.events import TemperatureMeasured
from tests.bench import Bench, story

BUILDING = {"limits": (Terms(SITE, bound_of(8.0), 60.0),)}
WEAK_BUILDING = {"limits": (Terms(SITE, bound_of(0.0), 60.0),)}
INLET = DeratingLayout(
    spot="inlet", part="evse[0].thermometer[0]", rated_a=32.0, from_c=60.0, to_c=80.0, stop_c=90.0, fallback_a=10.0
)
HOT = {"derating": (INLET,)}
CHARGING, PAUSED = ("Updated", "ChargingStateChanged", "Charging"), ("Updated", "ChargingStateChanged", "SuspendedEVSE")
RATE = ("Updated", "ChargingRateChanged", "Charging")


def charging(
    evses: int = 1, *, layout: dict[str, Any] | None = None, simplified: bool = False, **options: Any
) -> Bench:
    """Everybody charges, and nothing is waiting to be told."""
    bench = Bench(evses, layout=layout, **options)
    bench.accept()
    for evse in range(1, evses + 1):
        bench.plug_in(evse, simplified=simplified)
        bench.swipe(f"04AABBCC{evse:02}", evse)
    bench.take_sent()
    return bench


def limit(bench: Bench, limit_a: float | tuple[float, ...] | None, *, evse: int = 1, **terms: Any) -> None:
    bench.notice(LimitSet(evse, terms.pop("source", "site"), limit_a, **terms))


def offered(bench: Bench, evse: int = 1) -> tuple[float | None, bool]:
    """What the hardware was told: the current on its pilot, and whether power is permitted."""
    intent = bench.intents[evse]
    return intent.limit_a, intent.permit_power


# ---- what is told ----


@pytest.mark.proves("K11.FR.01", "K11.FR.04", "E02.FR.17")
def test_a_new_limit_is_offered_at_once_and_the_new_rate_is_told():
    bench = charging()
    assert offered(bench) == (32.0, True)
    limit(bench, 16.0)
    assert offered(bench) == (16.0, True)
    assert bench.take_story() == [RATE]


@pytest.mark.proves("K13.FR.01", "K13.FR.03")
def test_a_limit_that_is_let_go_limits_no_more_and_the_new_rate_is_told():
    bench = charging()
    limit(bench, 16.0)
    bench.take_sent()
    limit(bench, None)
    assert offered(bench) == (32.0, True)
    assert bench.take_story() == [RATE]


def test_the_hardware_is_told_before_the_csms():
    bench = charging()
    order: list[str] = []
    bench.script["TransactionEvent"] = lambda asked: order.append(f"told at {bench.intents[1].limit_a:g} A") or {}
    limit(bench, 10.0)
    assert order == ["told at 10 A"]


def test_small_changes_are_told_when_they_add_up():
    bench = charging()
    assert bench.set("SmartChargingCtrlr.LimitChangeSignificance", "20") == "Accepted"
    bench.take_sent()
    for limit_a in (30.0, 28.0, 26.0):
        limit(bench, limit_a)
        assert offered(bench) == (limit_a, True)
    assert bench.take_story() == []
    limit(bench, 25.0)  # 21.9 % less than what was told
    assert bench.take_story() == [RATE]
    limit(bench, 29.0)  # 16 % more than that
    assert bench.take_story() == []


def test_a_limit_that_changes_nothing_is_no_news():
    bench = charging()
    limit(bench, 40.0)
    limit(bench, 32.0)
    assert bench.take_story() == []
    assert not [fact for fact in bench.facts if isinstance(fact, LimitChanged)]


def test_a_vehicle_that_does_not_draw_charges_at_no_rate():
    bench = charging()
    bench.vehicle_wants(False)
    bench.take_sent()
    limit(bench, 16.0)
    assert offered(bench) == (16.0, True)
    assert bench.take_story() == []
    bench.vehicle_wants(True)
    assert bench.take_story() == [CHARGING]


def test_the_story_tells_what_may_be_offered():
    bench = charging()
    for limit_a in (16.0, 0.0):
        limit(bench, limit_a)
    lines = [fact_line(fact) for fact in bench.facts if isinstance(fact, LimitChanged)]
    assert lines == ["= evse 1 may offer 3 x 16 A", "= evse 1 may offer no current"]


def test_before_a_transaction_a_limit_is_kept_for_it():
    bench = Bench()
    bench.accept()
    limit(bench, 10.0)
    bench.plug_in()
    bench.swipe()
    assert offered(bench) == (10.0, True)
    assert RATE not in bench.take_story()


# ---- leases ----


def test_a_lease_that_runs_out_while_it_charges_falls_back_at_that_very_deadline():
    bench = charging(layout=BUILDING)
    assert offered(bench) == (8.0, True)
    bench.pass_time(1.7)  # the meter is read at other moments
    limit(bench, 20.0)
    assert offered(bench) == (20.0, True)
    bench.take_sent()
    bench.pass_time(59.999)
    assert offered(bench) == (20.0, True)
    bench.pass_time(0.001)
    assert offered(bench) == (8.0, True)
    (told,) = [event for event in bench.take_events() if story(event) == RATE]
    assert told["timestamp"] == bench.now.wall.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    (fact,) = [fact for fact in bench.facts if isinstance(fact, LimitChanged)][-1:]
    assert fact == LimitChanged(1, 8.0, 3)


def test_who_speaks_in_time_keeps_his_limit():
    bench = charging(layout=BUILDING)
    for _ in range(5):
        limit(bench, 20.0)
        bench.pass_time(50)
        assert offered(bench) == (20.0, True)
    bench.pass_time(10)
    assert offered(bench) == (8.0, True)


def test_a_late_timer_outlives_no_lease():
    bench = charging(layout=BUILDING)
    limit(bench, 20.0)
    bench.mono += 60.0  # the timer is late, and something else comes first
    bench.read_meter()
    assert offered(bench) == (8.0, True)


def test_a_lease_of_a_technician_leaves_nothing_behind():
    bench = charging()
    limit(bench, 10.0, source="local", lease_s=3600.0)
    assert offered(bench) == (10.0, True)
    bench.pass_time(3600)
    assert offered(bench) == (32.0, True)


# ---- pause and resume ----


def test_less_than_the_pilot_can_offer_pauses_and_enough_again_resumes():
    bench = charging()
    limit(bench, 5.9)
    assert offered(bench) == (None, False)
    assert bench.take_story() == [PAUSED]
    limit(bench, 4.0)
    assert bench.take_story() == []
    limit(bench, 6.0)
    assert offered(bench) == (6.0, True)
    assert bench.take_story() == [CHARGING]
    assert bench.evse().transaction is not None


@pytest.mark.parametrize("simplified", [False, True])
def test_it_pauses_and_resumes_also_where_nobody_sees_the_contactor(simplified: bool):
    bench = charging(relay_feedback=False, simplified=simplified)
    limit(bench, 0.0)
    assert bench.take_story() == [PAUSED]
    limit(bench, 16.0)
    assert bench.take_story() == [CHARGING]


def test_a_lease_that_runs_out_can_pause_and_the_next_word_resumes():
    bench = charging(layout=WEAK_BUILDING)
    assert offered(bench) == (None, False)
    limit(bench, 16.0)
    assert bench.take_story()[-1] == CHARGING
    bench.pass_time(60)
    assert offered(bench) == (None, False)
    assert bench.take_story()[-1] == PAUSED
    limit(bench, 16.0)
    assert bench.take_story() == [CHARGING]


def test_a_session_that_begins_in_a_pause_starts_suspended():
    bench = Bench()
    bench.accept()
    limit(bench, 0.0)
    bench.plug_in()
    bench.swipe()
    assert bench.take_story()[-1][2] == "SuspendedEVSE"
    limit(bench, 16.0)
    assert bench.take_story()[-1] == CHARGING


def test_a_pause_of_ours_that_ends_a_transaction_is_not_the_vehicles_doing():
    bench = charging(variables={"TxCtrlr.TxStopPoint": "EnergyTransfer"})
    limit(bench, 0.0)
    bench.pass_time(10)
    (ended,) = [event for event in bench.take_events() if event["eventType"] == "Ended"]
    assert ended["transactionInfo"]["stoppedReason"] == "Other"


# ---- phases ----


def test_the_weakest_phase_counts_and_one_phase_alone_is_used_where_that_can_be_switched():
    bench = charging(layout={"switches_phases": True})
    limit(bench, (20.0, 10.0, 20.0))
    assert (bench.intents[1].limit_a, bench.intents[1].phases) == (10.0, 3)
    limit(bench, (20.0, 10.0, 20.0), phases=1)
    assert (bench.intents[1].limit_a, bench.intents[1].phases) == (20.0, 1)
    limit(bench, None)
    assert (bench.intents[1].limit_a, bench.intents[1].phases) == (32.0, 3)


def test_one_phase_alone_is_nothing_where_that_cannot_be_switched():
    bench = charging()
    limit(bench, None, phases=1)
    assert offered(bench) == (None, False)
    assert bench.take_story() == [PAUSED]


# ---- heat ----


def heat(bench: Bench, celsius: float) -> None:
    bench.post(TemperatureMeasured(1, "inlet", celsius))


def test_heat_takes_current_away_then_all_of_it_and_gives_it_back():
    bench = charging(layout=HOT)
    assert offered(bench) == (10.0, True)  # nobody has said how warm it is
    heat(bench, 25.0)
    assert offered(bench) == (32.0, True)
    assert bench.take_story() == [RATE]
    heat(bench, 70.0)
    assert offered(bench) == (19.0, True)
    assert bench.take_story() == [RATE]
    heat(bench, 90.0)
    assert offered(bench) == (None, False)
    assert bench.take_story() == [PAUSED]
    heat(bench, 88.0)
    assert offered(bench) == (None, False)
    heat(bench, 86.0)
    assert offered(bench) == (6.0, True)
    assert bench.take_story() == [CHARGING]


def test_a_thermometer_that_is_gone_is_no_fault_that_stops_but_a_limit_until_it_speaks():
    bench = charging(layout=HOT)
    heat(bench, 25.0)
    bench.lose("thermometer[0]")
    assert offered(bench) == (10.0, True)
    assert not bench.evse().faulted()
    (fault,) = [fact for fact in bench.facts if isinstance(fact, EvseFaulted)]
    assert (fault.code, fault.vendor_code) == ("InternalError", "DeviceLost")
    bench.find("thermometer[0]")
    assert offered(bench) == (10.0, True)
    heat(bench, 25.0)
    assert offered(bench) == (32.0, True)


# ---- whatever happens ----


DEEDS: dict[str, Callable[[Bench, float], object]] = {
    "plug in": lambda bench, number: None if bench.evse().plugged else bench.plug_in(simplified=number > 20),
    "unplug": lambda bench, number: bench.unplug(),
    "swipe": lambda bench, number: bench.swipe(),
    "wants": lambda bench, number: bench.vehicle_wants(number > 10),
    "site": limit,
    "lets go": lambda bench, number: limit(bench, None),
    "one phase": lambda bench, number: limit(bench, number, phases=1, source="local", lease_s=number + 1),
    "heat": lambda bench, number: heat(bench, 3 * number),
    "thermometer": lambda bench, number: bench.lose("thermometer[0]"),
    "time": lambda bench, number: bench.pass_time(number),
}


@settings(max_examples=60)
@given(st.booleans(), st.lists(st.tuples(st.sampled_from(sorted(DEEDS)), st.integers(0, 40).map(float)), max_size=25))
def test_whatever_happens_no_more_is_offered_than_is_in_force_and_seq_nos_have_no_gap(
    switches_phases: bool, deeds: list[tuple[str, float]]
):
    bench = Bench(layout={**BUILDING, **HOT, "switches_phases": switches_phases})
    bench.accept()
    for deed, number in deeds:
        DEEDS[deed](bench, number)
        intent, in_force = bench.intents[1], bench.evse().limits.in_force
        assert intent == bench.evse().intent()
        if intent.permit_power:
            assert intent.limit_a is not None and intent.phases is not None
            assert 6.0 <= intent.limit_a <= min(in_force.phase_a[: intent.phases])
            assert intent.phases <= in_force.phases
        transaction = bench.evse().transaction
        if transaction is not None and transaction.ending is None:
            assert transaction.charging_state == bench.evse().charging_state(bench.mono)
    for id_ in {event.transaction_info.transaction_id for event in bench.told}:
        told = [event for event in bench.told if event.transaction_info.transaction_id == id_]
        assert [event.seq_no for event in told] == list(range(len(told)))
        assert [event.event_type for event in told].count("Ended") <= 1


# ---- several EVSEs, power ----


def test_two_evses_have_limits_of_their_own():
    bench = charging(2, layout=BUILDING)
    limit(bench, 16.0, evse=2)
    assert (offered(bench, 1), offered(bench, 2)) == ((8.0, True), (16.0, True))
    bench.pass_time(30)
    limit(bench, 20.0, evse=1)
    bench.take_sent()
    bench.pass_time(30)
    assert (offered(bench, 1), offered(bench, 2)) == ((20.0, True), (8.0, True))
    second = bench.evse(2).transaction
    assert second is not None
    told = [event for event in bench.take_events() if story(event) == RATE]
    assert [event["transactionInfo"]["transactionId"] for event in told] == [second.id]


def test_what_was_set_for_good_outlives_the_power_and_what_was_lifted_does_not_come_back():
    bench = Bench()
    limit(bench, (20.0, 12.0, 16.0), source="local")
    since = bench.evse().limits.explain()[1].since
    bench.power_cycle()
    (_, second, _) = bench.evse().limits.explain()
    assert (second.limit_a, second.sources, second.since) == (12.0, ("local",), since)
    limit(bench, None, source="local")
    bench.power_cycle()
    assert bench.evse().limits.offer.limit_a == 32.0


def test_what_was_said_for_a_time_does_not_outlive_the_power():
    bench = Bench(layout=BUILDING)
    limit(bench, 20.0)
    limit(bench, 16.0, source="local", lease_s=1e6)
    bench.power_cycle()
    assert bench.evse().limits.offer.limit_a == 8.0
    assert [said.source for said in bench.evse().limits.held] == ["board", "site"]


def test_a_source_that_got_a_lease_meanwhile_must_speak_first():
    bench = Bench()
    limit(bench, 20.0)
    bench.layouts = tuple(replace(each, limits=BUILDING["limits"]) for each in bench.layouts)
    bench.power_cycle()
    assert bench.evse().limits.offer.limit_a == 8.0


def test_a_limit_of_an_evse_that_is_gone_and_a_record_that_makes_no_sense_keep_nobody_from_starting():
    bench = Bench(2)
    limit(bench, 10.0, evse=2, source="local")
    bench.layouts = bench.layouts[:1]
    bench.plants.pop(2)
    bench.records["limit/1/local"] = b"{"
    bench.power_cycle()
    assert bench.evse().limits.offer.limit_a == 32.0
    assert "limit/1/local" not in bench.records
