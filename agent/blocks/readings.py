"""Readings in OCPP's words, as the variables want them: measurands, phases, units, signatures.  Measures nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Literal, NamedTuple, cast

import msgspec

from agent.blocks.base import Desk
from agent.model.catalogue import (
    ALIGNED_ENABLED,
    ALIGNED_SEND_DURING_IDLE,
    ALIGNED_SIGN_READINGS,
    ALIGNED_TX_ENDED,
    PUBLIC_KEY_WITH_SIGNED_METER_VALUE,
    REGISTER_VALUES_WITHOUT_PHASES,
    SAMPLED_ENABLED,
    SAMPLED_SIGN_READINGS,
    SAMPLED_TX_ENDED,
    SAMPLED_TX_ENDED_INTERVAL,
    SAMPLED_TX_UPDATED_INTERVAL,
    Names,
)
from agent.model.device import Spot
from agent.model.variable import Variable
from agent.ocpp.messages.common import MeterValue, SampledValue, SignedMeterValue, UnitOfMeasure
from agent.session.evse import Evse
from agent.session.metering import CHARGING_PERIOD_S, aligned_moment
from agent.session.transaction import Reading, Transaction
from hal.events import MeterSampled, SignedRecord

Context = Literal["Transaction.Begin", "Transaction.End", "Sample.Periodic", "Sample.Clock", "Trigger"]
Phase = Literal["L1", "L2", "L3", "L1-N", "L2-N", "L3-N"]

LINES: tuple[Phase, ...] = ("L1", "L2", "L3")
TO_NEUTRAL: tuple[Phase, ...] = ("L1-N", "L2-N", "L3-N")

ENERGY = "Energy.Active.Import.Register"
"""The measurand that is meant where none is named, and the one that a meter signs."""

MOST_BYTES = 64_000
"""Of the meter values in one Ended; a day at quarters of an hour is a third of it."""

LONGEST_DATA, LONGEST_NAME = 2500, 50
"""Of a signed record or a key, and of the name of a method, as OCPP 2.0.1 carries them."""

Parts = list[tuple[Phase | None, float]]


class Measurand(NamedTuple):
    """Where the values of a measurand are in a reading; Wh and Outlet are what OCPP assumes when neither is named."""

    unit: str
    find: Callable[[MeterSampled], Parts]
    location: Literal["EV"] | None = None


def _whole(value: float | None) -> Parts:
    return [] if value is None else [(None, value)]


def _phases(names: tuple[Phase, ...], values: tuple[float, ...]) -> Parts:
    return list(zip(names, values, strict=False))


def _imported(values: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(max(0.0, value) for value in values)


def _exported(values: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(max(0.0, -value) for value in values)


def _import(total: float | None, values: tuple[float, ...] = ()) -> Parts:
    return _whole(None if total is None else max(0.0, total)) + _phases(LINES, _imported(values))


def _export(counts: float | None, total: float | None, values: tuple[float, ...] = ()) -> Parts:
    """Only of a meter that ``counts`` what is exported."""
    if counts is None:
        return []
    return _whole(None if total is None else max(0.0, -total)) + _phases(LINES, _exported(values))


MEASURANDS: dict[str, Measurand] = {
    "Current.Import": Measurand("A", lambda sample: _phases(LINES, sample.current_a)),
    "Energy.Active.Export.Register": Measurand(
        "Wh", lambda sample: _whole(sample.export_wh) + _phases(LINES, sample.export_phase_wh)
    ),
    ENERGY: Measurand("Wh", lambda sample: _whole(sample.import_wh) + _phases(LINES, sample.import_phase_wh)),
    "Energy.Apparent.Export": Measurand("VAh", lambda sample: _whole(sample.export_vah)),
    "Energy.Apparent.Import": Measurand("VAh", lambda sample: _whole(sample.import_vah)),
    "Energy.Reactive.Export.Register": Measurand("varh", lambda sample: _whole(sample.export_varh)),
    "Energy.Reactive.Import.Register": Measurand("varh", lambda sample: _whole(sample.import_varh)),
    "Frequency": Measurand("Hz", lambda sample: _whole(sample.frequency_hz)),
    "Power.Active.Export": Measurand(
        "W", lambda sample: _export(sample.export_wh, sample.power_w, sample.power_phase_w)
    ),
    "Power.Active.Import": Measurand("W", lambda sample: _import(sample.power_w, sample.power_phase_w)),
    "Power.Factor": Measurand("", lambda sample: _whole(sample.power_factor)),
    "Power.Reactive.Export": Measurand("var", lambda sample: _export(sample.export_varh, sample.reactive_var)),
    "Power.Reactive.Import": Measurand("var", lambda sample: _import(sample.reactive_var)),
    "SoC": Measurand("Percent", lambda sample: _whole(sample.soc_percent), "EV"),
    "Voltage": Measurand("V", lambda sample: _phases(TO_NEUTRAL, sample.voltage_v)),
}

UNITS = {kind.unit: UnitOfMeasure(unit=kind.unit) for kind in MEASURANDS.values() if kind.unit not in ("", "Wh")}


def meter_value(
    reading: Reading | None,
    measurands: tuple[str, ...],
    context: Context,
    *,
    energy_by_phase: bool = True,
    signature: SignedMeterValue | None = None,
) -> MeterValue | None:
    """What the reading has of these measurands; None when it has nothing of them."""
    if reading is None:
        return None
    values = tuple(
        SampledValue(
            value=value,
            measurand=None if measurand == ENERGY else cast("None", measurand),
            context=None if context == "Sample.Periodic" else context,
            phase=phase,
            location=kind.location,
            signed_meter_value=signature if measurand == ENERGY and phase is None else None,
            unit_of_measure=UNITS.get(kind.unit),
        )
        for measurand in measurands
        for kind in (MEASURANDS[measurand],)
        for phase, value in kind.find(reading.sample)
        if phase is None or energy_by_phase or measurand != ENERGY
    )
    return MeterValue(timestamp=reading.at, sampled_value=values) if values else None


def measured(sample: MeterSampled) -> set[str]:
    """The measurands that this reading has."""
    return {measurand for measurand, kind in MEASURANDS.items() if kind.find(sample)}


class Wording:
    """Which readings are told, and how, as the variables have it at this moment."""

    def __init__(self, desk: Desk) -> None:
        self._model = desk.model

    def sampled(
        self, reading: Reading | None, chosen: Names, context: Context, transaction: Transaction
    ) -> MeterValue | None:
        """A reading of the course of a transaction, with the measurands of this variable."""
        if not self._model[SAMPLED_ENABLED]:
            return None
        return self._say(reading, chosen, context, self._model[SAMPLED_SIGN_READINGS], transaction)  # J02.FR.21

    def aligned(
        self,
        reading: Reading | None,
        chosen: Names,
        context: Context = "Sample.Clock",
        transaction: Transaction | None = None,
    ) -> MeterValue | None:
        """A reading of a moment of the clock, or one that was asked for, with the measurands of this variable."""
        return self._say(reading, chosen, context, self._model[ALIGNED_SIGN_READINGS], transaction)  # J01.FR.21

    def of_end(self, transaction: Transaction) -> tuple[MeterValue, ...]:
        """Beginning, what was collected, end (E06.FR.11); what does not fit is thinned out (E06.FR.13, J02.FR.20)."""
        begin = self.sampled(transaction.begin, SAMPLED_TX_ENDED, "Transaction.Begin", transaction)
        end = self.sampled(transaction.last, SAMPLED_TX_ENDED, "Transaction.End", transaction)
        periodic, aligned = transaction.course.periodic.readings, transaction.course.aligned.readings
        between = [self.sampled(each, SAMPLED_TX_ENDED, "Sample.Periodic", transaction) for each in periodic]
        between += [self.aligned(each, ALIGNED_TX_ENDED, transaction=transaction) for each in aligned]
        told = sorted((value for value in between if value is not None), key=lambda value: value.timestamp)
        return tuple(value for value in (begin, *thinned(told), end) if value is not None)

    def _say(
        self, reading: Reading | None, chosen: Names, context: Context, sign: bool, transaction: Transaction | None
    ) -> MeterValue | None:
        by_phase, measurands = not self._model[REGISTER_VALUES_WITHOUT_PHASES], self._model[chosen]
        record = None if reading is None or not sign or ENERGY not in measurands else reading.sample.signed
        told_of = "" if transaction is None else transaction.id
        if record is not None and record.transaction_id not in ("", told_of):
            record = None  # another session's
        signature = None if record is None else self._signature(record, transaction)
        return meter_value(reading, measurands, context, energy_by_phase=by_phase, signature=signature)

    def _signature(self, record: SignedRecord, transaction: Transaction | None) -> SignedMeterValue | None:
        """The record as it came; one that OCPP cannot carry whole is not carried, for it would prove nothing."""
        if len(record.data) > LONGEST_DATA or max(len(record.encoding), len(record.method)) > LONGEST_NAME:
            return None
        return SignedMeterValue(
            signed_meter_data=record.data,
            encoding_method=record.encoding,
            signing_method=record.method,
            public_key=self._public_key(record.public_key, transaction),
        )

    def _public_key(self, key: str, transaction: Transaction | None) -> str:
        """Empty where it is not to be told, or was told in this transaction already."""
        rule = self._model[PUBLIC_KEY_WITH_SIGNED_METER_VALUE]
        if rule == "Never" or len(key) > LONGEST_DATA:
            return ""
        if rule == "OncePerTransaction" and transaction is not None:
            if transaction.told_public_key:
                return ""
            transaction.told_public_key = bool(key)
        return key


def thinned(values: list[MeterValue]) -> list[MeterValue]:
    """Without the 1st, the 3rd..., until they fit into one message."""
    while sum(len(msgspec.json.encode(value)) for value in values) > MOST_BYTES:
        values = values[1::2]
    return values


def charging_pace_s(desk: Desk) -> float:
    """How often the meter is read in a transaction: at least as often as anything is told of it."""
    intervals = (desk.model[SAMPLED_TX_UPDATED_INTERVAL], desk.model[SAMPLED_TX_ENDED_INTERVAL])
    return min(
        (float(interval_s) for interval_s in intervals if 0 < interval_s < CHARGING_PERIOD_S), default=CHARGING_PERIOD_S
    )


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
