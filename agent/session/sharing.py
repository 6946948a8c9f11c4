"""What several EVSEs have together, shared among them.  Knows no profile and no vehicle."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import NamedTuple

NOTHING = 1e-9


class Claim(NamedTuple):
    """What one EVSE can use: from the least that makes sense to the most; an ampere of it costs ``weight``."""

    most_a: float = inf
    least_a: float = 6.0
    weight: float = 1.0
    priority: int = 0


def shares(budget: float, claims: Sequence[Claim]) -> list[float]:
    """The current of each: the same for all of one priority, as far as each can use it (K04.FR.05).

    Who comes first in ``claims`` is served first where there is not enough for all; a higher priority is served before
    that, with all that it can use (K03.FR.04).
    """
    given_a = [0.0] * len(claims)
    for priority in sorted({claim.priority for claim in claims}, reverse=True):
        group = [index for index, claim in enumerate(claims) if claim.priority == priority]
        for index in _admitted(budget, group, claims):
            given_a[index] = claims[index].least_a
        _raise(budget, [index for index in group if given_a[index]], claims, given_a)
        budget -= sum(claims[index].weight * given_a[index] for index in group)
    return given_a


def _admitted(budget: float, group: Sequence[int], claims: Sequence[Claim]) -> list[int]:
    """Who gets the least that makes sense."""
    admitted = []
    for index in group:
        claim = claims[index]
        cost = claim.weight * claim.least_a
        if claim.most_a >= claim.least_a and cost <= budget + NOTHING:
            admitted.append(index)
            budget -= cost
    return admitted


def _raise(budget: float, group: Sequence[int], claims: Sequence[Claim], given_a: list[float]) -> None:
    """Those that have least are raised together, until nothing is left or all have what they can use."""
    rest = budget - sum(claims[index].weight * given_a[index] for index in group)
    rising = [index for index in group if given_a[index] < claims[index].most_a]
    while rising and rest > NOTHING:
        level_a = min(given_a[index] for index in rising)
        lowest = [index for index in rising if given_a[index] == level_a]
        weight = sum(claims[index].weight for index in lowest)
        above_a = min((given_a[index] for index in rising if given_a[index] > level_a), default=inf)
        to_a = min(above_a, level_a + rest / weight, *(claims[index].most_a for index in lowest))
        for index in lowest:
            given_a[index] = to_a
        rest -= weight * (to_a - level_a)
        rising = [index for index in rising if given_a[index] < claims[index].most_a]
