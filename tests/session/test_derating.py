"""Heat takes current away: in a line, then all of it, and it comes back late."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.session.derating import DeratingLayout, Heat
from agent.session.limits import Limits, Offer
from hal.events import DeviceLost, TemperatureMeasured
from tests.session.table import at

INLET = DeratingLayout(
    spot="inlet",
    part="evse[0].thermometer[0]",
    rated_a=32.0,
    from_c=60.0,
    to_c=80.0,
    stop_c=90.0,
    to_a=12.0,
    hysteresis_c=3.0,
    lease_s=60.0,
    fallback_a=8.0,
)
temperatures = st.floats(-40, 150)


class Spot:
    """One spot of an EVSE of 32 A."""

    def __init__(self, *layouts: DeratingLayout) -> None:
        layouts = layouts or (INLET,)
        self.limits = Limits(32.0, terms=tuple(each.terms for each in layouts))
        self.heat = Heat(layouts, self.limits)

    def feel(self, celsius: float, spot: str = "inlet", seconds: float = 0.0) -> float:
        self.heat.receive(TemperatureMeasured(1, spot, celsius), at(seconds))
        return self.limits.offer.limit_a


@pytest.mark.parametrize(
    ("celsius", "limit_a"),
    [(20, 32), (60, 32), (61, 31), (70, 22), (79.5, 12), (80, 12), (89.9, 12), (90, 0), (150, 0)],
)
def test_the_hotter_the_less_in_a_line_and_nothing_above_the_third(celsius: float, limit_a: float):
    assert Spot().feel(celsius) == limit_a


@given(temperatures, temperatures)
def test_hotter_is_never_more(one: float, two: float):
    cool, hot = min(one, two), max(one, two)
    assert (INLET.limit_a(hot) or 0.0) <= (INLET.limit_a(cool) or 32.0)


def test_it_comes_back_only_when_it_is_cooler_by_the_hysteresis():
    spot = Spot()
    assert spot.feel(90) == 0
    assert spot.feel(87.5) == 0
    assert spot.feel(86.9) == 12
    assert spot.feel(70) == 19  # as at 73
    assert spot.feel(72.9) == 19
    assert spot.feel(73.5) == 18  # hotter than ever since: at once


@given(st.lists(st.floats(70.0, 72.9), min_size=1))
def test_a_flutter_within_the_hysteresis_changes_nothing(flutter: list[float]):
    spot = Spot()
    limit_a = spot.feel(73.0)
    assert {spot.feel(celsius) for celsius in flutter} == {limit_a}


def test_a_spot_that_is_not_known_yet_or_not_heard_of_counts_as_its_fallback():
    spot = Spot()
    assert spot.limits.offer == Offer(8.0, 3)
    assert spot.feel(20) == 32
    spot.limits.expire(at(59.9))
    assert spot.limits.offer == Offer(32.0, 3)
    spot.limits.expire(at(60))
    assert spot.limits.offer == Offer(8.0, 3)


def test_a_thermometer_that_is_lost_falls_back_at_once_and_another_part_does_not():
    spot = Spot()
    spot.feel(20)
    spot.heat.receive(DeviceLost(1, "evse[0].thermometer[1]", "gone"), at())
    assert spot.limits.offer == Offer(32.0, 3)
    spot.heat.receive(DeviceLost(1, "evse[0].thermometer[0]", "gone"), at())
    assert spot.limits.offer == Offer(8.0, 3)


def test_the_hottest_of_several_spots_counts_and_unknown_spots_do_not():
    plug = DeratingLayout(spot="plug", part="evse[0].thermometer[1]", rated_a=32.0, from_c=40.0, to_c=50.0, stop_c=60.0)
    spot = Spot(INLET, plug)
    spot.feel(20, "inlet")
    assert spot.feel(20, "plug") == 32
    assert spot.feel(50, "plug") == 6
    assert spot.feel(70, "inlet") == 6
    assert spot.feel(100, "roof") == 6
    assert spot.feel(20, "plug") == 22
