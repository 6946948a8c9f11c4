"""What several EVSEs have together is never exceeded, never wasted, and nobody gets a trickle."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.session.sharing import Claim, shares

CLAIMS = st.builds(
    Claim,
    most_a=st.floats(0, 80) | st.just(inf),
    least_a=st.floats(1, 16),
    weight=st.sampled_from((1.0, 230.0, 690.0)),
    priority=st.integers(-1, 1),
)


@given(st.floats(0, 60_000), st.lists(CLAIMS, max_size=6))
def test_no_more_is_given_than_there_is_and_no_less_than_makes_sense(budget: float, claims: list[Claim]):
    given_a = shares(budget, claims)
    used = sum(claim.weight * amps for claim, amps in zip(claims, given_a, strict=True))
    assert used <= budget * (1 + 1e-9) + 1e-6
    for claim, amps in zip(claims, given_a, strict=True):
        assert amps == 0 or claim.least_a <= amps <= claim.most_a


@given(st.floats(0, 60_000), st.lists(CLAIMS, min_size=1, max_size=6))
def test_what_is_left_over_nobody_who_was_served_could_use(budget: float, claims: list[Claim]):
    given_a = shares(budget, claims)
    used = sum(claim.weight * amps for claim, amps in zip(claims, given_a, strict=True))
    if used < budget - 1e-3:
        assert all(amps in (0, claim.most_a) for claim, amps in zip(claims, given_a, strict=True))


@pytest.mark.parametrize(
    ("budget", "claims", "wanted"),
    [
        (32.0, [Claim(), Claim()], [16.0, 16.0]),
        (32.0, [Claim(most_a=7.0), Claim()], [7.0, 25.0]),
        (13.0, [Claim(), Claim(), Claim()], [6.5, 6.5, 0.0]),
        (5.0, [Claim()], [0.0]),
        (20.0, [Claim(least_a=14.0), Claim(least_a=6.0)], [14.0, 6.0]),
        (32.0, [Claim(least_a=20.0), Claim()], [20.0, 12.0]),
        (32.0, [Claim(most_a=5.0), Claim()], [0.0, 32.0]),
        (40.0, [Claim(), Claim(most_a=32.0, priority=1)], [8.0, 32.0]),
        (36.0, [Claim(), Claim(most_a=32.0, priority=1)], [0.0, 32.0]),
        (9200.0, [Claim(weight=230.0), Claim(weight=690.0)], [10.0, 10.0]),
    ],
)
def test_shares(budget: float, claims: list[Claim], wanted: list[float]):
    assert shares(budget, claims) == pytest.approx(wanted)
