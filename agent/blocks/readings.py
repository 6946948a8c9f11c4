"""Meter readings in OCPP's words: measurands, phases, units, and when the clock asks for one.  Measures nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Literal, cast

from agent.blocks.base import Desk
from agent.model.catalogue import ALIGNED_ENABLED, ALIGNED_SEND_DURING_IDLE
from agent.model.device import Spot
from agent.model.variable import Variable
from agent.ocpp.messages.common import MeterValue, SampledValue, UnitOfMeasure
from agent.session.evse import Evse
from agent.session.metering import aligned_moment
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
    "Frequency": ("Hz", lambda sample: _whole(sample.frequency_hz)),
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


def moment_of_clock(desk: Desk, evse: Evse, interval: Variable[int]) -> datetime | None:
    """The clock-aligned moment of which the last reading is; None: of none, or of none that is wanted."""
    if evse.reading is None or not desk.clock_known or not desk.model[ALIGNED_ENABLED]:
        return None
    moment = aligned_moment(evse.reading.at, desk.model[interval])
    return None if moment is None or _waits_for_idle(desk, evse) else moment


def idle_only(evse_id: int) -> Spot:
    """Where an EVSE's own SendDuringIdle is."""
    station = ALIGNED_SEND_DURING_IDLE
    return Spot(station.component, station.name, evse=evse_id)


def _waits_for_idle(desk: Desk, evse: Evse) -> bool:
    if desk.model[ALIGNED_SEND_DURING_IDLE] and desk.site.running():  # J01.FR.20
        return True
    return evse.transaction is not None and desk.model.read(idle_only(evse.id))[1] == "true"  # J01.FR.19
