"""A profile through time, and the composite schedule: held against a reckoning that asks each moment anew."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from types import FrameType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.session.composite import Grant, Outlook, Party, schedule_of, told
from agent.session.layout import EvseLayout
from agent.session.schedule import NEVER_MS, Lane, Period, Profile, Purpose, Schedule, Track, Unit
from agent.vocabulary.times import ms_of, time_of

DAY_S = 86_400
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
LAYOUT = EvseLayout(1)


def profile(
    *limits: tuple[int, float],
    start: datetime | None = MONDAY,
    level: int = 0,
    duration: int | None = None,
    every: str | None = None,
    unit: Unit = "A",
    phases: int | None = None,
    purpose: Purpose = "TxDefaultProfile",
    valid: tuple[datetime | None, datetime | None] = (None, None),
) -> Profile:
    periods = tuple(Period(begins, limit, phases) for begins, limit in limits)
    return Profile(
        id=level,
        stack_level=level,
        purpose=purpose,
        kind="Recurring" if every else "Relative" if start is None else "Absolute",
        schedules=(Schedule(1, unit, periods, start, duration),),
        recurrency=every,  # type: ignore[arg-type]
        valid_from=valid[0],
        valid_to=valid[1],
    )


def lane(*profiles: Profile, ready: datetime | None = None) -> Lane:
    ready_ms = None if ready is None else ms_of(ready)
    return Lane(Track(each, ready_ms) for each in sorted(profiles, key=lambda each: -each.stack_level))


def limit_at(profiles: list[Profile], ready: datetime | None, at: datetime) -> float | None:
    """What the specification says of one moment, without looking before or behind it."""
    for each in sorted(profiles, key=lambda each: -each.stack_level):
        (schedule,) = each.schedules
        begins = schedule.start or ready
        if not ((each.valid_from is None or at >= each.valid_from) and (each.valid_to is None or at < each.valid_to)):
            continue
        if begins is None or at < begins:
            continue
        elapsed_s = (at - begins).total_seconds()
        if each.recurrency:
            elapsed_s %= DAY_S if each.recurrency == "Daily" else 7 * DAY_S
        if schedule.duration is not None and elapsed_s >= schedule.duration:
            continue
        return [period.limit for period in schedule.periods if period.start_period <= elapsed_s][-1]
    return None


MOMENTS = st.integers(-3 * DAY_S, 12 * DAY_S).map(lambda seconds: MONDAY + timedelta(seconds=seconds))
STARTS = st.lists(st.integers(1, 2 * DAY_S), max_size=6, unique=True).map(lambda found: (0, *sorted(found)))


@st.composite
def profiles(draw: st.DrawFn) -> Profile:
    starts = draw(STARTS)
    kind = draw(st.sampled_from(("Absolute", "Relative", "Daily", "Weekly")))
    return profile(
        *((begins, float(draw(st.integers(0, 40)))) for begins in starts),
        start=None if kind == "Relative" else draw(MOMENTS),
        every=kind if kind in ("Daily", "Weekly") else None,
        level=draw(st.integers(0, 9)),
        duration=draw(st.none() | st.integers(1, 3 * DAY_S)),
        valid=(draw(st.none() | MOMENTS), draw(st.none() | MOMENTS)),
    )


STACKS = st.lists(profiles(), max_size=5, unique_by=lambda each: each.stack_level)


@settings(deadline=None)
@given(STACKS, MOMENTS, st.lists(MOMENTS, min_size=1, max_size=5))
def test_at_any_moment_asked_in_any_order_a_lane_says_what_the_rules_say(
    stack: list[Profile], ready: datetime, moments: list[datetime]
):
    found = lane(*stack, ready=ready)
    for at in moments:
        limit = found.at(ms_of(at))
        assert (None if limit is None else limit.value) == limit_at(stack, ready, at)


@settings(deadline=None)
@given(STACKS, MOMENTS, MOMENTS, st.floats(0, 1, exclude_max=True))
def test_nothing_changes_before_the_moment_that_is_named_and_that_moment_comes(
    stack: list[Profile], ready: datetime, at: datetime, part: float
):
    found = lane(*stack, ready=ready)
    limit, until_ms = found.at(ms_of(at)), found.until_ms
    assert until_ms > ms_of(at)
    length_ms = min(until_ms - ms_of(at), 30 * DAY_S * 1000)
    between = time_of(ms_of(at) + min(int(part * length_ms), length_ms - 1))
    assert (None if limit is None else limit.value) == limit_at(stack, ready, between)


@settings(max_examples=60, deadline=None)
@given(STACKS, STACKS, MOMENTS, MOMENTS, st.integers(1, 4 * DAY_S))
def test_a_composite_schedule_is_the_least_of_both_purposes_and_the_roof_second_by_second(
    own: list[Profile], station: list[Profile], ready: datetime, begins: datetime, duration: int
):
    party = Party(LAYOUT, lane(*own, ready=ready), Grant(32.0, 3))
    outlook = Outlook([party], lane(*station, ready=ready))
    from_ms = ms_of(begins)
    steps, until_ms = schedule_of(outlook, party, "A", from_ms, from_ms + 1000 * duration)
    assert until_ms == from_ms + 1000 * duration
    assert steps[0].start_s == 0
    assert all(one.start_s < other.start_s and one[1:] != other[1:] for one, other in pairwise(steps))
    for second in {0, duration - 1, *(step.start_s for step in steps), *(max(0, step.start_s - 1) for step in steps)}:
        at = begins + timedelta(seconds=second)
        limits = [limit_at(each, ready, at) for each in (own, station)]
        wanted = min([32.0, *(limit for limit in limits if limit is not None)])
        assert [step.limit for step in steps if step.start_s <= second][-1] == wanted


def test_what_recurs_daily_is_cut_by_the_next_day_and_by_the_end_of_its_validity():
    day = profile((0, 8.0), (DAY_S - 60, 16.0), (DAY_S + 60, 20.0), every="Daily", valid=(None, time_of_day(2, 120)))
    found = lane(day)
    assert [value(found, time_of_day(0, -1)), value(found, time_of_day(0, 0))] == [None, 8.0]
    assert [value(found, time_of_day(1, -1)), value(found, time_of_day(1, 0))] == [16.0, 8.0]
    assert [value(found, time_of_day(2, 119)), value(found, time_of_day(2, 120))] == [8.0, None]


def time_of_day(day: int, second: int) -> datetime:
    return MONDAY + timedelta(days=day, seconds=second)


def value(found: Lane, at: datetime) -> float | None:
    limit = found.at(ms_of(at))
    return None if limit is None else limit.value


def test_a_relative_profile_is_at_its_beginning_until_somebody_is_ready():
    found = lane(profile((0, 8.0), (60, 16.0), start=None))
    assert value(found, MONDAY) == value(found, MONDAY + timedelta(days=1)) == 8.0
    assert found.until_ms == NEVER_MS


@pytest.mark.parametrize(
    ("unit", "phases", "wired", "limit_a", "told_w"),
    [
        ("W", None, 3, 10.0, 6900.0),
        ("W", None, 1, 10.0, 2300.0),
        ("W", 1, 1, 30.0, 6900.0),
        ("A", None, 3, 16.0, 11_040.0),
        ("A", 1, 1, 16.0, 3680.0),
    ],
)
def test_power_and_current_become_each_other_by_the_phases(
    unit: Unit, phases: int | None, wired: int, limit_a: float, told_w: float
):
    layout = EvseLayout(1, phases=wired)
    only = profile((0, 6900.0 if unit == "W" else 16.0), unit=unit, phases=phases)
    party = Party(layout, lane(only), Grant(32.0, wired))
    grant = Outlook([party], Lane()).of_evse(party, ms_of(MONDAY))
    assert grant.limit_a == pytest.approx(limit_a)
    assert told(grant, layout, "W") == pytest.approx(told_w)


def test_direct_current_has_no_phases():
    from agent.session.dc import DcLayout

    layout = EvseLayout(1, phases=1, voltage_v=500.0, limit_a=100.0, dc=DcLayout(500.0))
    party = Party(layout, lane(profile((0, 20_000.0), unit="W", phases=3)), Grant(100.0, 1))
    grant = Outlook([party], Lane()).of_evse(party, ms_of(MONDAY))
    assert grant == Grant(40.0, 1)
    assert told(grant, layout, "W") == 20_000.0


def test_the_reckoning_ends_whatever_duration_is_asked_for():
    many = profile(*((second, 6.0 + second % 2) for second in range(1000)), every="Daily")
    party = Party(LAYOUT, lane(many), Grant(32.0, 3))
    steps, until_ms = schedule_of(Outlook([party], Lane()), party, "A", ms_of(MONDAY), ms_of(MONDAY) + 10**12)
    assert ms_of(MONDAY) < until_ms < ms_of(MONDAY) + 10**12
    assert len(steps) <= 20_000


def test_a_day_of_twenty_profiles_with_1024_periods_walks_over_each_period_once():
    full = [
        profile(*((84 * step, 6.0 + (7 * step + level) % 26) for step in range(1024)), every="Daily", level=level)
        for level in range(20)
    ]
    party = Party(LAYOUT, lane(*full), Grant(32.0, 3))
    calls = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        steps, _ = schedule_of(Outlook([party], Lane()), party, "A", ms_of(MONDAY), ms_of(MONDAY) + DAY_S * 1000)
    finally:
        sys.setprofile(None)
    assert len(steps) > 1000
    assert calls < 50 * len(steps)  # a walk over all periods each time would be a thousand times that
