"""Monitors by themselves: when they speak, and when not (N04, N07, N08)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.model.device import DeviceModel, Spot
from agent.model.monitors import (
    MOST_CUSTOM,
    Firing,
    Kind,
    Monitor,
    Monitors,
    Setting,
    aligned_after,
    kinds_for,
    objection_to,
    reading,
)
from agent.model.variable import Mutability, Variable

PLACE = Spot("EVSE", "Power", evse=1)
POWER = Variable("EVSE", "Power", 0.0, "W", low=0, high=22_000)
STATE = Variable("EVSE", "AvailabilityState", "Available", choices=("Available", "Occupied"), data_type="OptionList")
NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)

numbers = st.floats(-1e6, 1e6)


def monitor(kind: Kind, value: float = 0.0) -> Monitor:
    return Monitor(1, PLACE, Setting(kind, value, 5), "CustomMonitor")


# ---- thresholds ----


@given(st.lists(numbers, max_size=50), numbers)
def test_a_threshold_speaks_once_for_each_crossing(values: list[float], limit: float):
    upper = monitor("UpperThreshold", limit)
    beyond = [False, *(value > limit for value in values)]
    crossings = [after for before, after in pairwise(beyond) if before is not after]
    told = [firing for value in values if (firing := upper.receive(value)) is not None]
    assert told == [Firing("Alerting", cleared=not exceeded) for exceeded in crossings]


@given(st.lists(numbers, max_size=50), numbers)
def test_a_lower_threshold_is_an_upper_one_upside_down(values: list[float], limit: float):
    lower, upper = monitor("LowerThreshold", limit), monitor("UpperThreshold", -limit)
    assert [lower.receive(value) for value in values] == [upper.receive(-value) for value in values]


@pytest.mark.parametrize("kind", ["UpperThreshold", "LowerThreshold"])
def test_on_the_limit_is_within_it(kind: Kind):
    watch = monitor(kind, 100.0)
    assert watch.receive(100.0) is None
    watch.exceeded = True
    assert watch.receive(100.0) == Firing("Alerting", cleared=True)


# ---- differences ----


@given(st.lists(numbers, min_size=1, max_size=50), st.floats(0, 1e6))
def test_a_delta_counts_from_what_it_told_last(values: list[float], step: float):
    delta, told = monitor("Delta", step), values[0]
    for number, value in enumerate(values):
        fired = delta.receive(value) is not None
        assert fired == (number > 0 and abs(value - told) > step)
        told = value if fired else told


@given(st.lists(st.sampled_from(["Available", "Occupied", "Faulted"]), min_size=1))
def test_a_delta_of_what_is_no_number_speaks_of_every_change_whatever_its_value(states: list[str]):
    delta = monitor("Delta", 1e9)
    changes = sum(before != after for before, after in pairwise(states))
    assert [delta.receive(state) for state in states].count(Firing("Delta")) == changes


def test_a_delta_whose_variable_became_a_number_begins_anew():
    delta = monitor("Delta", 1.0)
    delta.told = "Available"
    assert delta.receive(400.0) is None
    assert delta.receive(402.0) == Firing("Delta")


@pytest.mark.parametrize("kind", ["Periodic", "PeriodicClockAligned"])
def test_a_period_says_nothing_of_values(kind: Kind):
    periodic = monitor(kind, 900.0)
    assert [periodic.receive(value) for value in (0.0, 1.0, "Occupied")] == [None] * 3


# ---- periods ----


def fired_at(periodic: Monitor, seconds: int, step_s: int = 1) -> list[int]:
    moments = range(0, seconds + 1, step_s)
    return [s for s in moments if periodic.expire(1000.0 + s, NOON + timedelta(seconds=s)) is not None]


def test_a_period_counts_from_the_moment_at_which_it_was_set():
    periodic = monitor("Periodic", 7.0)
    periodic.begin(1000.0, NOON)
    assert periodic.due_mono == 1007.0
    assert fired_at(periodic, 30) == [7, 14, 21, 28]


def test_a_period_that_was_missed_is_told_once_and_keeps_its_step():
    periodic = monitor("Periodic", 10.0)
    periodic.begin(0.0, NOON)
    assert periodic.expire(35.0, NOON) is not None
    assert periodic.expire(35.0, NOON) is None
    assert periodic.due_mono == 40.0


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2060, 1, 1)),
    st.integers(1, 100_000),
)
def test_the_next_even_moment_is_ahead_by_no_more_than_the_interval(at: datetime, interval_s: int):
    wall = at.replace(tzinfo=UTC)
    after = aligned_after(wall, interval_s)
    assert wall < after <= wall + timedelta(seconds=interval_s)
    assert after.timestamp() % interval_s == 0


def test_quarters_of_an_hour_go_on_over_the_night_in_which_other_clocks_are_changed():
    aligned = monitor("PeriodicClockAligned", 900.0)
    begin = datetime(2026, 3, 28, 23, 50, 1, tzinfo=UTC)
    aligned.begin(0.0, begin)
    moments: list[str] = []
    while len(moments) < 14:
        assert aligned.due_mono is not None
        wall = begin + timedelta(seconds=aligned.due_mono)
        assert aligned.expire(aligned.due_mono, wall) is not None
        moments.append(wall.strftime("%H:%M:%S"))
    assert moments[:6] == ["00:00:00", "00:15:00", "00:30:00", "00:45:00", "01:00:00", "01:15:00"]
    assert moments[-1] == "03:15:00"


def test_a_clock_that_is_a_little_behind_the_timer_makes_no_second_event():
    aligned = monitor("PeriodicClockAligned", 60.0)
    aligned.begin(0.0, NOON + timedelta(seconds=1))
    assert aligned.expire(59.0, NOON + timedelta(seconds=59.9)) is not None
    assert aligned.due_mono == pytest.approx(59.0 + 60.1)


def test_without_the_time_of_day_nothing_is_aligned_with_it_and_with_it_everything():
    aligned = monitor("PeriodicClockAligned", 900.0)
    aligned.begin(0.0, None)
    assert aligned.due_mono is None
    aligned.align(50.0, NOON + timedelta(minutes=10))
    assert aligned.due_mono == 350.0


# ---- what can be set ----


@pytest.mark.parametrize(
    ("default", "mutability", "kinds"),
    [
        (1, "ReadWrite", 5),
        (1.5, "ReadOnly", 5),
        ("Available", "ReadOnly", 3),
        (True, "ReadWrite", 3),
        (("A",), "ReadWrite", 3),
        (NOON, "ReadOnly", 2),
        ("secret", "WriteOnly", 1),
        (7, "WriteOnly", 1),
    ],
)
def test_what_can_watch_a_variable(default: object, mutability: Mutability, kinds: int):
    assert len(kinds_for(Variable("Any", "Thing", default, mutability=mutability))) == kinds


@pytest.mark.parametrize(
    ("kind", "value", "severity", "reason"),
    [
        ("UpperThreshold", 22_000, 0, None),
        ("LowerThreshold", 0, 9, None),
        ("UpperThreshold", 22_001, 5, "ValueOutOfRange"),
        ("LowerThreshold", -1, 5, "ValueOutOfRange"),
        ("UpperThreshold", 100, 10, "ValueOutOfRange"),
        ("Delta", 0, 5, None),
        ("Delta", -0.1, 5, "ValuePositiveOnly"),
        ("Delta", 1, -1, "ValueOutOfRange"),
        ("Periodic", 1, 5, None),
        ("Periodic", 0, 5, "ValueOutOfRange"),
        ("PeriodicClockAligned", 1e300, 5, "ValueOutOfRange"),
    ],
)
def test_the_range_of_a_setting(kind: Kind, value: float, severity: int, reason: str | None):
    objection = objection_to(POWER, Setting(kind, value, severity))
    assert (None if objection is None else objection.reason) == reason


def test_a_number_is_compared_as_it_is_and_everything_else_as_it_is_told():
    assert reading(POWER, 7.5) == 7.5
    assert reading(Variable("Any", "Problem", False), True) == "true"


# ---- all of them ----


def test_monitors_are_found_by_number_and_by_place_until_they_are_removed():
    model, monitors = DeviceModel(), Monitors()
    model.declare(POWER, evse=1)
    slot = model.find(PLACE)
    assert slot is not None
    monitors.put(slot, monitor("UpperThreshold", 1))
    monitors.put(slot, monitor("UpperThreshold", 2))  # the same number: in its place
    assert [each.setting.value for each in monitors] == [2]
    assert monitors.duplicate(PLACE, Setting("UpperThreshold", 3, 5), None) is monitors.get(1)
    assert monitors.duplicate(PLACE, Setting("UpperThreshold", 3, 5), 1) is None
    assert monitors.duplicate(PLACE, Setting("UpperThreshold", 3, 6), None) is None
    monitors.remove(1)
    monitors.remove(1)
    assert (len(monitors), monitors.places, monitors.get(1)) == (0, {}, None)


def test_numbers_are_bounded():
    model, monitors = DeviceModel(), Monitors()
    model.declare(POWER, evse=1)
    slot = model.find(PLACE)
    assert slot is not None
    for _ in range(MOST_CUSTOM):
        id = monitors.next_id()
        assert id is not None
        monitors.put(slot, Monitor(id, PLACE, Setting("Delta", 1, 5), "CustomMonitor"))
    assert monitors.next_id() is None
