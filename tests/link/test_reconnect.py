"""When to try again: the back-off of OCPP-J 5.3 with RetryBackOffWaitMinimum, -RepeatTimes and -RandomRange."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.link.reconnect import Reconnect


def tuned(minimum_s: float = 5.0, random_s: float = 0.0, repeats: int = 5, seed: int = 1) -> Reconnect:
    reconnect = Reconnect(Random(seed))
    reconnect.minimum_s, reconnect.random_s, reconnect.doublings = minimum_s, random_s, repeats
    return reconnect


def waits(reconnect: Reconnect, count: int) -> list[float]:
    return [reconnect.lost(0.0) for _ in range(count)]


def test_at_power_on_the_first_attempt_is_at_once_and_once():
    reconnect = tuned()
    reconnect.start(100.0)
    assert reconnect.next_deadline() == 100.0
    assert reconnect.take_attempt(100.0)
    assert not reconnect.take_attempt(100.0)
    assert reconnect.next_deadline() is None


def test_after_a_blackout_a_street_of_stations_does_not_connect_in_the_same_second():  # Part 4, 8.2
    firsts = []
    for seed in range(200):
        reconnect = tuned(random_s=10.0, seed=seed)
        reconnect.start(100.0, spread=True)
        due = reconnect.next_deadline()
        assert due is not None
        firsts.append(due - 100.0)
    assert 0.0 <= min(firsts) < 1.0
    assert 9.0 < max(firsts) <= 10.0
    assert len({int(first) for first in firsts}) == 10


def test_without_a_random_range_the_first_attempt_is_at_once():
    reconnect = tuned(random_s=0.0)
    reconnect.start(100.0, spread=True)
    assert reconnect.next_deadline() == 100.0


def test_the_first_wait_is_the_minimum_then_it_doubles_for_the_configured_times_and_stays():
    assert waits(tuned(minimum_s=5.0, repeats=3), 7) == [5.0, 10.0, 20.0, 40.0, 40.0, 40.0, 40.0]


def test_without_repeats_the_minimum_stays():
    assert waits(tuned(minimum_s=5.0, repeats=0), 4) == [5.0] * 4


def test_an_attempt_is_made_when_its_wait_is_over_not_before():
    reconnect = tuned(minimum_s=5.0)
    assert reconnect.lost(1000.0) == 5.0
    assert reconnect.next_deadline() == 1005.0
    assert not reconnect.take_attempt(1004.9)
    assert reconnect.take_attempt(1005.0)


def test_a_connection_that_stood_starts_anew():
    reconnect = tuned(minimum_s=5.0)
    waits(reconnect, 3)
    reconnect.opened()
    assert reconnect.next_deadline() is None
    assert reconnect.lost(0.0) == 5.0


@given(st.integers(0, 1000), st.floats(1, 100), st.floats(0, 600), st.integers(0, 8))
def test_every_wait_has_a_new_chance_within_its_range(seed: int, minimum_s: float, random_s: float, repeats: int):
    reconnect = tuned(minimum_s, random_s, repeats, seed)
    for attempt, wait_s in enumerate(waits(reconnect, 12)):
        base_s = minimum_s * 2 ** min(attempt, repeats)
        assert base_s <= wait_s <= base_s + random_s


def test_chance_is_taken_anew_for_every_attempt_and_differs_between_stations():
    one, other = waits(tuned(repeats=0, random_s=10.0, seed=1), 20), waits(tuned(repeats=0, random_s=10.0, seed=2), 20)
    assert len({*one, *other}) == 40


def test_chance_fills_its_range():
    seen = waits(tuned(minimum_s=5.0, random_s=10.0, repeats=0), 500)
    assert min(seen) < 5.5
    assert max(seen) > 14.5
    assert 9.5 < sum(seen) / len(seen) < 10.5


@pytest.mark.parametrize("random_s", [0.0, 3.0])
def test_chance_is_not_doubled_with_the_wait(random_s: float):
    bases = [5.0, 10.0, 20.0, 40.0]
    seen = waits(tuned(minimum_s=5.0, random_s=random_s), 4)
    assert all(base <= wait_s <= base + random_s for base, wait_s in zip(bases, seen, strict=True))
    assert all(later > earlier for earlier, later in pairwise(seen))


def test_new_numbers_count_from_the_next_wait_on():
    reconnect = tuned(minimum_s=5.0)
    reconnect.lost(0.0)
    reconnect.minimum_s = 7.0
    assert reconnect.next_deadline() == 5.0
    assert reconnect.lost(0.0) == 14.0
