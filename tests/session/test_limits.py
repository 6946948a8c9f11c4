"""Every current limit of an EVSE: the least is in force, phase by phase, and no lease is outlived."""

from __future__ import annotations

from datetime import timedelta
from math import inf
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.session.limits import BOARD, CABLE, CSMS, LOCAL, SITE, Bound, Limits, Offer, Terms, bound_of
from agent.vocabulary.values import ClockShift
from tests.session.table import START, at

HEAT = "temperature:inlet"
TALKERS = (CABLE, HEAT, LOCAL, SITE, CSMS)


def limits(
    wired_a: float = 32.0, phases: int = 3, *, switches_phases: bool = False, terms: tuple[Terms, ...] = ()
) -> Limits:
    made = Limits(wired_a, phases, switches_phases=switches_phases, terms=terms)
    made.begin(at())
    return made


def site(fallback_a: float = 10.0, lease_s: float | None = 60.0) -> tuple[Terms, ...]:
    return (Terms(SITE, bound_of(fallback_a), lease_s),)


# ---- whatever is said, in whatever order ----


class Word(NamedTuple):
    """Somebody says something, or (None) that he has nothing to say any more."""

    source: str
    bound: Bound | None
    lease_s: float | None = None
    wait_s: float = 0.0


amps = st.one_of(st.just(inf), st.integers(0, 80).map(float))
bounds = st.builds(Bound, st.tuples(amps, amps, amps), st.integers(1, 3))
leases = st.one_of(st.none(), st.integers(1, 100).map(float))
words = st.builds(
    Word, st.sampled_from(TALKERS), st.one_of(st.none(), bounds), leases, st.one_of(st.just(0.0), st.integers(1, 60))
)
terms = st.dictionaries(st.sampled_from((LOCAL, SITE, HEAT)), st.tuples(bounds, leases), max_size=3).map(
    lambda found: tuple(Terms(source, *rest) for source, rest in found.items())
)


class Model:
    """The rules in their plainest form: nothing is kept but what was said, and everything is asked anew."""

    def __init__(self, terms: tuple[Terms, ...]) -> None:
        self.terms = {each.source: each for each in terms}
        self.said: dict[str, tuple[Bound, float]] = {}

    def hear(self, word: Word, mono: float) -> None:
        self.said.pop(word.source, None)
        if word.bound is not None:
            terms = self.terms.get(word.source)
            own = inf if word.lease_s is None else word.lease_s
            longest = inf if terms is None or terms.lease_s is None else terms.lease_s
            self.said[word.source] = (word.bound, mono + min(own, longest))

    def bound(self, source: str, mono: float) -> Bound:
        bound, until = self.said.get(source, (Bound(), -inf))
        if mono < until:
            return bound
        return self.terms[source].fallback if source in self.terms else Bound()

    def in_force(self, mono: float) -> Bound:
        bounds = [bound_of(32.0), *(self.bound(source, mono) for source in TALKERS)]
        one, two, three = (min(each.phase_a[phase] for each in bounds) for phase in range(3))
        return Bound((one, two, three), min(each.phases for each in bounds))


@given(terms, st.lists(words, max_size=25))
def test_the_least_of_all_is_in_force_on_each_phase_and_a_silent_source_falls_back(
    terms: tuple[Terms, ...], said: list[Word]
):
    made, model, now = limits(terms=terms), Model(terms), at()
    for word in said:
        if word.bound is None:
            made.silence(word.source, now)
        else:
            made.say(word.source, word.bound, now, word.lease_s)
        model.hear(word, now.mono)
        assert made.in_force == model.in_force(now.mono)
        now = at(now.mono - 1000.0 + word.wait_s)
        made.expire(now)
        assert made.in_force == model.in_force(now.mono)


@given(terms, st.lists(words, max_size=15))
def test_no_lease_is_outlived_and_its_end_is_the_next_deadline(terms: tuple[Terms, ...], said: list[Word]):
    made = limits(terms=terms)
    for word in said:
        if word.bound is not None:
            made.say(word.source, word.bound, at(), word.lease_s)
    while (due := made.next_deadline()) is not None:
        made.expire(at(due - 1000.0 - 0.001))
        assert made.next_deadline() == due, "before its time"
        made.expire(at(due - 1000.0))
        assert all(held.until_mono is None or held.until_mono > due for held in made.held)
    assert all(held.until is None for held in made.held)


@given(
    st.dictionaries(st.sampled_from(TALKERS), bounds).flatmap(
        lambda said: st.tuples(st.permutations(list(said.items())), st.permutations(list(said.items())))
    )
)
def test_the_order_in_which_sources_spoke_does_not_matter(said: tuple[list[tuple[str, Bound]], ...]):
    told = []
    for order in said:
        made = limits(switches_phases=True)
        for source, bound in order:
            made.say(source, bound, at())
        told.append((made.in_force, made.offer, made.explain(), made.held))
    assert told[0] == told[1]


@given(terms, st.lists(words, max_size=15), st.booleans())
def test_what_is_offered_is_within_every_limit_and_never_less_than_the_pilot_can_say(
    terms: tuple[Terms, ...], said: list[Word], switches_phases: bool
):
    made = limits(switches_phases=switches_phases, terms=terms)
    for word in said:
        if word.bound is not None:
            made.say(word.source, word.bound, at(), word.lease_s)
        offer = made.offer
        assert offer.limit_a == 0.0 or offer.limit_a >= 6.0
        if offer.limit_a:
            for held in made.held:
                assert offer.phases <= held.bound.phases
                assert all(offer.limit_a <= each for each in held.bound.phase_a[: offer.phases])


# ---- leases and fallbacks ----


def test_a_fallback_holds_from_power_on_and_again_when_the_lease_has_run_out():
    made = limits(terms=site(10.0, 60.0))
    assert made.offer == Offer(10.0, 3)
    made.say(SITE, bound_of(25.0), at(5))
    assert made.offer == Offer(25.0, 3)
    assert made.next_deadline() == 1065.0
    made.expire(at(64.9))
    assert made.offer == Offer(25.0, 3)
    made.expire(at(65))
    assert made.offer == Offer(10.0, 3)
    assert made.next_deadline() is None
    made.say(SITE, bound_of(20.0), at(100))
    assert made.offer == Offer(20.0, 3)


def test_who_speaks_again_holds_his_limit_longer():
    made = limits(terms=site(10.0, 60.0))
    made.say(SITE, bound_of(25.0), at(0))
    made.say(SITE, bound_of(25.0), at(50))
    made.expire(at(60))
    assert made.offer == Offer(25.0, 3)
    said = made.said_by(SITE)
    assert said is not None
    assert (said.since, said.until) == (START, START + timedelta(seconds=110))


def test_a_shorter_lease_is_taken_at_its_word_a_longer_one_is_not():
    made = limits(terms=site(10.0, 60.0))
    made.say(SITE, bound_of(25.0), at(), lease_s=5.0)
    assert made.next_deadline() == 1005.0
    made.say(SITE, bound_of(25.0), at(), lease_s=500.0)
    assert made.next_deadline() == 1060.0


def test_what_never_had_a_lease_never_falls_back():
    made = limits(terms=site(10.0, None))
    made.say(SITE, bound_of(20.0), at())
    assert made.next_deadline() is None
    made.expire(at(1e9))
    assert made.offer == Offer(20.0, 3)


def test_who_lets_go_of_his_limit_is_silent():
    made = limits(terms=site(10.0, None))
    made.say(SITE, bound_of(20.0), at())
    made.silence(SITE, at())
    assert made.offer == Offer(10.0, 3)
    made.say(LOCAL, bound_of(8.0), at())
    made.silence(LOCAL, at())
    assert made.offer == Offer(10.0, 3)
    assert made.said_by(LOCAL) is None


# ---- phases and the pilot's least ----


def test_the_weakest_phase_counts_for_all():
    made = limits()
    made.say(SITE, bound_of((20.0, 13.0, 16.0)), at())
    assert made.offer == Offer(13.0, 3)
    made.say(LOCAL, bound_of((10.0, 32.0, 32.0)), at())
    assert made.in_force == Bound((10.0, 13.0, 16.0), 3)
    assert made.offer == Offer(10.0, 3)


def test_a_phase_that_is_not_wired_is_not_asked():
    made = limits(phases=1)
    made.say(SITE, bound_of((20.0, 0.0, 0.0)), at())
    assert made.offer == Offer(20.0, 1)
    assert [each.phase for each in made.explain()] == ["L1"]


@pytest.mark.parametrize(("limit_a", "offered"), [(6.0, 6.0), (5.9, 0.0), (0.0, 0.0)])
def test_less_than_the_pilot_can_say_is_a_pause(limit_a: float, offered: float):
    made = limits()
    made.say(SITE, bound_of(limit_a), at())
    assert made.offer == Offer(offered, 3)


@pytest.mark.parametrize(
    ("switches_phases", "phases", "offer"),
    [(True, 1, Offer(20.0, 1)), (True, 2, Offer(20.0, 1)), (True, 3, Offer(13.0, 3)), (False, 1, Offer(0.0, 3))],
)
def test_fewer_phases_are_given_by_a_part_that_can_leave_them_out(switches_phases: bool, phases: int, offer: Offer):
    made = limits(switches_phases=switches_phases)
    made.say(SITE, bound_of((20.0, 13.0, 13.0), phases), at())
    assert made.offer == offer


# ---- what is in force, why, since when, until when, and what would change it ----


def test_it_says_who_holds_a_phase_and_what_waits_behind():
    made = limits(terms=site(10.0, 60.0))
    made.say(SITE, bound_of((16.0, 32.0, 20.0)), at(10))
    made.say(CABLE, bound_of(20.0), at(20))
    first, second, third = made.explain()
    assert (first.limit_a, first.sources, first.since) == (16.0, (SITE,), START + timedelta(seconds=10))
    assert (first.until, first.next_a, first.next_sources) == (START + timedelta(seconds=70), 20.0, (CABLE,))
    assert (second.limit_a, second.sources, second.since) == (20.0, (CABLE,), START + timedelta(seconds=20))
    assert (second.until, second.next_a, second.next_sources) == (None, 32.0, (BOARD, SITE))
    assert (third.sources, third.next_sources) == ((CABLE, SITE), (BOARD,))


def test_nothing_waits_behind_the_last_limit():
    (only, *_) = limits().explain()
    assert (only.limit_a, only.sources, only.since, only.next_a, only.next_sources) == (32.0, (BOARD,), START, None, ())


def test_what_holds_again_holds_since_then():
    made = limits()
    made.say(SITE, bound_of(16.0), at(10), lease_s=20.0)
    made.expire(at(30))
    assert [each.since for each in made.explain()] == [START + timedelta(seconds=30)] * 3


def test_who_speaks_holds_his_limit_since_then_and_who_stays_silent_since_he_fell_silent():
    made = limits(terms=site(10.0, 60.0))

    def since_s() -> float:
        said = made.said_by(SITE)
        assert said is not None and said.since is not None
        return (said.since - START).total_seconds()

    made.silence(SITE, at(5))
    assert since_s() == 0
    made.say(SITE, bound_of(10.0), at(20))  # no more than he is allowed anyway
    assert since_s() == 20
    made.silence(SITE, at(30))
    made.silence(SITE, at(40))
    assert since_s() == 30


def test_who_bounds_nothing_waits_for_nothing():
    made = limits()
    made.say(HEAT, Bound(), at(), lease_s=60.0)
    assert made.explain()[0].next_a is None


def test_times_that_a_wrong_clock_stamped_are_corrected():
    made = limits()
    made.say(SITE, bound_of(16.0), at(10), lease_s=20.0)
    made.move_times(ClockShift(3600.0, START))
    (first, *_) = made.explain()
    hour = START + timedelta(hours=1)
    assert (first.since, first.until) == (hour + timedelta(seconds=10), hour + timedelta(seconds=30))
    assert made.next_deadline() == 1030.0
