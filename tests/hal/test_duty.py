"""From amperes to a duty, and what a vehicle reads out of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.wire.duty import duty_for

STEPS = [1000, 10_000]


def read_by_vehicle(ratio: float) -> float:
    """Amperes that a vehicle takes from a duty, IEC 61851-1 table A.8; 0: none."""
    percent = ratio * 100
    if 8 <= percent < 10:
        return 6.0
    if 10 <= percent <= 85:
        return percent * 0.6
    if 85 < percent <= 96:
        return (percent - 64) * 2.5
    return 80.0 if 96 < percent <= 97 else 0.0


@pytest.mark.parametrize(
    ("amps", "hundredths"),
    [(6, 1000), (10, 1666), (13, 2166), (16, 2666), (20, 3333), (32, 5333), (51, 8500), (63, 8920), (80, 9600)],
)
def test_the_duty_is_that_of_the_standard_rounded_down(amps: float, hundredths: int) -> None:
    assert duty_for(amps, 10_000) == hundredths
    assert duty_for(amps, 1000) == hundredths // 10


@given(st.floats(6, 80), st.sampled_from(STEPS))
def test_a_vehicle_reads_at_most_what_is_offered_and_little_less(amps: float, steps: int) -> None:
    read = read_by_vehicle(duty_for(amps, steps) / steps)
    assert amps - 1.5 <= read <= amps + 1e-9


@given(st.floats(80, 1e6), st.sampled_from(STEPS))
def test_more_than_a_duty_can_say_is_80_amperes(amps: float, steps: int) -> None:
    assert duty_for(amps, steps) == steps * 96 // 100


@given(st.floats(-1, 6, exclude_max=True))
def test_less_than_6_amperes_is_no_duty(amps: float) -> None:
    with pytest.raises(ValueError, match=r"a duty offers 6 A or more, not "):
        duty_for(amps, 1000)
