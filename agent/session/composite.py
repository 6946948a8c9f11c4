"""What all limits of a station come to at any moment, and the composite schedule of that.  Limits nothing itself."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, inf
from typing import NamedTuple

from agent.session.layout import EvseLayout
from agent.session.schedule import NEVER_MS, Lane, Limit, Unit
from agent.session.sharing import Claim, shares

MOST_STEPS = 20_000
"""So many changes are looked through for one composite schedule, whatever its duration."""


class Grant(NamedTuple):
    """A current for each phase, on at most so many of them."""

    limit_a: float
    phases: int


class Party(NamedTuple):
    """An EVSE as it takes part: ``roof`` is what everything but profiles allows it, ``lane`` its own profiles.

    ``shares``: it takes its part of what all have together; others are reckoned with as if they came now.  ``wish`` is
    what its vehicle means to draw, where it has said so.
    """

    layout: EvseLayout
    lane: Lane
    roof: Grant
    shares: bool = True
    priority: int = 0
    wish: Lane | None = None


class Step(NamedTuple):
    """From so many seconds on, this much, in the unit that was asked for."""

    start_s: int
    limit: float
    phases: int


def granted(limit: Limit, layout: EvseLayout) -> Grant:
    """What a period allows an EVSE; power counts as spread over the phases that the period names (K01.FR.50)."""
    if layout.dc is not None:  # K01.FR.44
        return Grant(limit.value / (layout.voltage_v if limit.unit == "W" else 1.0), layout.phases)
    if limit.unit == "W":
        return Grant(limit.value / (layout.voltage_v * limit.phases), limit.phases)
    return Grant(limit.value, limit.phases)  # K01.FR.51


class Outlook:
    """All EVSEs and what they have together.  Each answer moves ``until_ms`` to where it may be another one."""

    def __init__(self, parties: Sequence[Party], station: Lane) -> None:
        self.parties = parties
        self.station = station
        self.until_ms = NEVER_MS

    def own_profile(self, party: Party, at_ms: int) -> Grant | None:
        """What its own profile allows it; None: everything."""
        return self._in(party.lane, party.layout, at_ms)

    def _in(self, lane: Lane, layout: EvseLayout, at_ms: int) -> Grant | None:
        limit = lane.at(at_ms)
        self.until_ms = min(self.until_ms, lane.until_ms)
        return None if limit is None else granted(limit, layout)

    def own(self, party: Party, at_ms: int) -> Grant:
        """What it may take, but for the others."""
        grant = least(party.roof, self.own_profile(party, at_ms))
        return grant if party.wish is None else least(grant, self._in(party.wish, party.layout, at_ms))

    def share(self, party: Party, at_ms: int) -> Grant | None:
        """What the station's profile leaves it beside the others; None: nothing is to be shared (K04.FR.05)."""
        limit = self.station.at(at_ms)
        self.until_ms = min(self.until_ms, self.station.until_ms)
        if limit is None:
            return None
        alone = granted(limit, party.layout)
        sharing = [each for each in self.parties if each.shares or each is party]
        if len(sharing) == 1:
            return alone
        claims = [self._claim(each, limit, at_ms, asks=each is party) for each in sharing]
        limit_a = shares(limit.value, claims)[sharing.index(party)]
        return Grant(min(alone.limit_a, limit_a), alone.phases)

    def _claim(self, party: Party, station: Limit, at_ms: int, *, asks: bool) -> Claim:
        """Who asks is not held by his own limits here: what he gets is compared with them."""
        layout = party.layout
        most_a = inf if asks else self.own(party, at_ms).limit_a
        least_a = max(layout.min_a, self._least_a(party, at_ms))
        phases = station.phases if layout.dc is None else 1
        weight = layout.voltage_v * phases if station.unit == "W" else 1.0
        return Claim(most_a, least_a, weight, party.priority)

    def _least_a(self, party: Party, at_ms: int) -> float:
        """Below minChargingRate it is better that it waits (K01.FR.21)."""
        limit = party.lane.at(at_ms)
        if limit is None or limit.least is None:
            return 0.0
        return granted(limit._replace(value=limit.least), party.layout).limit_a

    def of_evse(self, party: Party, at_ms: int) -> Grant:
        """What it will be offered (K08.FR.04)."""
        return least(self.own(party, at_ms), self.share(party, at_ms))

    def total(self, unit: Unit, at_ms: int) -> tuple[float, int]:
        """What all EVSEs together will take at most (K08.FR.03)."""
        each = [(party.layout, self.own(party, at_ms)) for party in self.parties]
        value = sum(told(grant, layout, unit) for layout, grant in each)
        phases = max((layout.phases_used(grant.phases) for layout, grant in each), default=1)
        limit = self.station.at(at_ms)
        self.until_ms = min(self.until_ms, self.station.until_ms)
        if limit is not None:
            value = min(value, *(told(granted(limit, layout), layout, unit) for layout, _ in each))
        return value, phases


def least(one: Grant, other: Grant | None) -> Grant:
    """What both allow."""
    return one if other is None else Grant(min(one.limit_a, other.limit_a), min(one.phases, other.phases))


def told(grant: Grant, layout: EvseLayout, unit: Unit) -> float:
    """A grant in the unit that was asked for."""
    return grant.limit_a if unit == "A" else grant.limit_a * layout.voltage_v * layout.phases_used(grant.phases)


def schedule_of(outlook: Outlook, party: Party | None, unit: Unit, from_ms: int, to_ms: int) -> tuple[list[Step], int]:
    """The composite schedule of an EVSE, or (None) of the station, and until when it goes: ``to_ms``, or as far as
    ``MOST_STEPS`` changes reach."""
    steps: list[Step] = []
    at_ms = from_ms
    for _ in range(MOST_STEPS):
        outlook.until_ms = to_ms
        if party is None:
            value, phases = outlook.total(unit, at_ms)
        else:
            grant = outlook.of_evse(party, at_ms)
            value, phases = told(grant, party.layout, unit), party.layout.phases_used(grant.phases)
        step = Step((at_ms - from_ms) // 1000, _one_digit(value), phases)
        if steps and steps[-1].start_s == step.start_s:
            steps.pop()
        if not steps or steps[-1][1:] != step[1:]:
            steps.append(step)
        at_ms = outlook.until_ms
        if at_ms >= to_ms:
            break
    return steps, min(at_ms, to_ms)


def _one_digit(value: float) -> float:
    """As a limit is told: with one digit after the point, and never more than it is."""
    return floor(round(value, 6) * 10) / 10
