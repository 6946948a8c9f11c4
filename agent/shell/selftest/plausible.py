"""Whether what a meter says can be true.  Pure: readings in, complaints out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from hal.events import MeterSampled

VOLTAGE_SHARE = 0.15
FREQUENCY_HZ = (45.0, 65.0)
OPEN_A = 0.5
OVER_OFFER = 1.1
"""A vehicle may take a little more than it is offered while it settles; a current clamp has its error."""
POWER_SHARE, POWER_W = 0.15, 60.0
ENERGY_SHARE, ENERGY_WH = 0.25, 3.0


def complaints_of(sample: MeterSampled, voltage_v: float, phases: int) -> Iterator[str]:
    """What one reading says against itself or against the board file."""
    if not any((sample.voltage_v, sample.current_a, sample.import_wh is not None, sample.power_w is not None)):
        yield "an empty reading"
    for number, volts in enumerate(sample.voltage_v, start=1):
        if abs(volts - voltage_v) > VOLTAGE_SHARE * voltage_v:
            yield f"L{number} has {volts:.1f} V, the board file says {voltage_v:g} V"
    if sample.voltage_v and len(sample.voltage_v) != phases:
        yield f"{len(sample.voltage_v)} phases measured, the board file says {phases}"
    if sample.frequency_hz is not None and not FREQUENCY_HZ[0] <= sample.frequency_hz <= FREQUENCY_HZ[1]:
        yield f"{sample.frequency_hz:g} Hz"
    yield from _power(sample)


def _power(sample: MeterSampled) -> Iterator[str]:
    if sample.power_w is None or not sample.voltage_v or len(sample.voltage_v) != len(sample.current_a):
        return
    apparent_va = sum(volts * abs(amps) for volts, amps in zip(sample.voltage_v, sample.current_a, strict=True))
    if abs(sample.power_w) > apparent_va * (1 + POWER_SHARE) + POWER_W:
        yield f"{sample.power_w:.0f} W is more than its voltages and currents make ({apparent_va:.0f} VA)"
    if sample.power_w < -POWER_W:
        yield f"{sample.power_w:.0f} W: the wires of the current run backwards through it"


def most_a(sample: MeterSampled | None) -> float | None:
    """The current of the phase that has most."""
    return None if sample is None or not sample.current_a else max(abs(each) for each in sample.current_a)


def energy_complaint(samples: Sequence[tuple[float, MeterSampled]]) -> str | None:
    """Whether the register has grown as the power says; ``samples`` with the seconds at which they came."""
    known = [(at, each) for at, each in samples if each.import_wh is not None and each.power_w is not None]
    if len(known) < 2:
        return None
    spent_wh = sum(
        (later - at) * ((each.power_w or 0.0) + (after.power_w or 0.0)) / 2 / 3600
        for (at, each), (later, after) in pairwise(known)
    )
    counted_wh = (known[-1][1].import_wh or 0.0) - (known[0][1].import_wh or 0.0)
    if abs(counted_wh - spent_wh) > ENERGY_SHARE * spent_wh + ENERGY_WH:
        return f"its register grew by {counted_wh:.1f} Wh while its power made {spent_wh:.1f} Wh"
    return None
