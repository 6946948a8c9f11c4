"""Which network profile is tried when: B10, with the erratum of 2025-04."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.link.profiles import Profiles
from agent.vocabulary import NetworkProfile

FIRST, SECOND, THIRD = (NetworkProfile(slot, f"ws://csms{slot}/ocpp") for slot in (1, 2, 3))


def using(
    *entries: NetworkProfile, good: NetworkProfile | None = None, attempts: int = 2, stood: bool = False
) -> Profiles:
    profiles = Profiles()
    profiles.attempts = attempts
    profiles.use(entries, good)
    if stood:
        profiles.opened()
    return profiles


def tries(profiles: Profiles, count: int) -> list[int]:
    """The slots of so many attempts that all fail."""
    slots = []
    for _ in range(count):
        assert profiles.current is not None
        slots.append(profiles.current.slot)
        profiles.failed()
    return slots


def test_B10_FR_04_the_first_entry_is_tried_first():
    assert tries(using(SECOND, FIRST), 1) == [2]


def test_B10_FR_03_every_entry_gets_its_attempts_in_the_order_of_the_list():
    assert tries(using(SECOND, FIRST, THIRD, attempts=3), 9) == [2, 2, 2, 1, 1, 1, 3, 3, 3]


def test_B10_FR_07_then_the_one_that_worked_last_and_B10_FR_08_then_the_list_again():
    assert tries(using(SECOND, THIRD, good=FIRST), 10) == [2, 2, 3, 3, 1, 1, 2, 2, 3, 3]


def test_what_worked_last_need_not_be_in_the_list_any_more():
    overwritten = NetworkProfile(1, "ws://typo/ocpp")
    profiles = using(overwritten, good=FIRST, attempts=1)
    profiles.failed()
    assert profiles.current == FIRST


def test_one_entry_is_tried_for_ever():
    assert tries(using(FIRST, attempts=1), 50) == [1] * 50


def test_B10_FR_03_after_a_loss_it_begins_with_the_profile_that_stood():
    profiles = using(SECOND, FIRST, THIRD)
    tries(profiles, 2)
    profiles.opened()
    assert tries(profiles, 8) == [1, 1, 2, 2, 3, 3, 2, 2]


def test_one_failure_less_than_the_attempts_and_a_success_counts_anew():
    profiles = using(FIRST, SECOND)
    tries(profiles, 1)
    profiles.opened()
    assert tries(profiles, 3) == [1, 1, 2]


def test_B10_FR_10_another_profile_than_before_is_a_switch():
    profiles = using(FIRST, SECOND, attempts=1)
    assert not profiles.opened()  # the first of this start: it boots anyway
    assert not profiles.opened()
    profiles.failed()
    assert profiles.opened()
    assert not profiles.opened()


def test_a_list_that_gets_shorter_leaves_the_connection_that_stands():
    profiles = using(SECOND, FIRST, attempts=1, stood=True)
    profiles.use((SECOND,), SECOND)
    assert tries(profiles, 3) == [2, 2, 2]


def test_without_a_profile_there_is_none():
    profiles = using()
    profiles.failed()
    assert profiles.current is None


@given(
    entries=st.lists(st.sampled_from((FIRST, SECOND, THIRD)), min_size=1, max_size=3, unique=True),
    good=st.sampled_from((None, FIRST, THIRD)),
    attempts=st.integers(1, 4),
    outcomes=st.lists(st.booleans(), max_size=30),
)
def test_B10_FR_09_whatever_happened_every_entry_comes_to_its_turn(
    entries: list[NetworkProfile], good: NetworkProfile | None, attempts: int, outcomes: list[bool]
):
    profiles = using(*entries, good=good, attempts=attempts)
    for opened in outcomes:
        if opened:
            profiles.opened()
        else:
            profiles.failed()
    seen = set(tries(profiles, (2 * len(entries) + 3) * attempts))
    assert seen >= {entry.slot for entry in entries}
