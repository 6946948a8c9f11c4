"""Meter readings in OCPP's words: measurands, phases, units.  Chooses nothing, measures nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, cast

from agent.ocpp.messages.common import MeterValue, SampledValue, UnitOfMeasure
from agent.session.transaction import Reading
from hal.events import MeterSampled

Context = Literal["Transaction.Begin", "Transaction.End", "Sample.Periodic", "Sample.Clock", "Trigger"]
Phase = Literal["L1", "L2", "L3", "L1-N", "L2-N", "L3-N"]

LINES: tuple[Phase, ...] = ("L1", "L2", "L3")
TO_NEUTRAL: tuple[Phase, ...] = ("L1-N", "L2-N", "L3-N")

Parts = list[tuple[Phase | None, float]]


def _whole(value: float | None) -> Parts:
    return [] if value is None else [(None, value)]


def _phases(names: tuple[Phase, ...], values: tuple[float, ...]) -> Parts:
    return list(zip(names, values, strict=False))


MEASURANDS: dict[str, tuple[str, Callable[[MeterSampled], Parts]]] = {
    "Current.Import": ("A", lambda sample: _phases(LINES, sample.current_a)),
    "Energy.Active.Export.Register": ("Wh", lambda sample: _whole(sample.export_wh)),
    "Energy.Active.Import.Register": ("Wh", lambda sample: _whole(sample.import_wh)),
    "Frequency": ("Hertz", lambda sample: _whole(sample.frequency_hz)),
    "Power.Active.Import": ("W", lambda sample: _whole(sample.power_w)),
    "Power.Factor": ("", lambda sample: _whole(sample.power_factor)),
    "SoC": ("Percent", lambda sample: _whole(sample.soc_percent)),
    "Voltage": ("V", lambda sample: _phases(TO_NEUTRAL, sample.voltage_v)),
}
"""Measurand -> unit, and where its values are in a reading."""

UNITS = {unit: UnitOfMeasure(unit=unit) for unit, _ in MEASURANDS.values() if unit not in ("", "Wh")}
"""Wh is what OCPP assumes when no unit is named."""


def meter_value(reading: Reading | None, measurands: tuple[str, ...], context: Context) -> MeterValue | None:
    """What the reading has of these measurands; None when it has nothing of them."""
    if reading is None:
        return None
    values = tuple(
        SampledValue(
            value=value,
            measurand=None if measurand == "Energy.Active.Import.Register" else cast("None", measurand),
            context=None if context == "Sample.Periodic" else context,
            phase=phase,
            unit_of_measure=UNITS.get(unit),
        )
        for measurand in measurands
        for unit, find in (MEASURANDS[measurand],)
        for phase, value in find(reading.sample)
    )
    return MeterValue(timestamp=reading.at, sampled_value=values) if values else None
