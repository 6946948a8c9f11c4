"""Eastron meters over Modbus RTU: one loop for all models, a register table for each.  Knows no transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from time import monotonic
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from hal.bus.rtu import RtuBus
from hal.drivers.presence import Presence
from hal.errors import BusLost, HalError
from hal.events import MeterSampled
from hal.ports import Place, Post
from hal.wire.registers import Block, Malformed, Register, blocks

LONGEST_REQUEST = 80
"""Words in one request, as the SDM manuals bound it."""

PROBE_S = 10.0
"""How long a silent meter is left alone at most, however slow the pace is."""

SDM630 = (
    Register("voltage_v", 0, unit="V", phase=1),
    Register("voltage_v", 2, unit="V", phase=2),
    Register("voltage_v", 4, unit="V", phase=3),
    Register("current_a", 6, unit="A", phase=1),
    Register("current_a", 8, unit="A", phase=2),
    Register("current_a", 10, unit="A", phase=3),
    Register("power_phase_w", 12, unit="W", phase=1),
    Register("power_phase_w", 14, unit="W", phase=2),
    Register("power_phase_w", 16, unit="W", phase=3),
    Register("power_w", 52, unit="W"),
    Register("frequency_hz", 70, unit="Hz"),
    Register("import_wh", 72, factor=1000, unit="Wh"),
    Register("export_wh", 74, factor=1000, unit="Wh"),
)
"""Input registers, address = number in the manual - 30001.  Quantities are the fields of ``MeterSampled``."""


class EastronMeter:
    """One meter on a line that others may share.  It is read when a reading is due, and not otherwise."""

    bus_type = RtuBus
    model: ClassVar[str]
    requests: ClassVar[tuple[Block, ...]]

    class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        """``misses``: readings in a row that fail before the meter counts as lost."""

        unit: Annotated[int, Meta(ge=1, le=247)] = 1
        fastest_s: Annotated[float, Meta(ge=0.1, le=3600)] = 1.0
        slowest_s: Annotated[float, Meta(ge=1, le=86_400)] = 3600.0
        misses: Annotated[int, Meta(ge=1, le=100)] = 3

    def __init__(self, config: Config, place: Place, bus: RtuBus, post: Post) -> None:
        self._config = config
        self._place = place
        self._bus = bus
        self._post = post
        self._presence = Presence(place, post)
        self._period_s: float | None = None
        self._asked = asyncio.Event()
        self._due_at = 0.0
        self._missed = 0
        self._counters = {"readings": 0, "misses": 0, "senseless": 0}

    @property
    def counters(self) -> dict[str, int]:
        """What this meter has answered, and not; the counters of the line are the bus's."""
        return dict(self._counters)

    def sample_every(self, period_s: float) -> None:
        """Read at this pace, within the bounds of the options; the first reading now."""
        self._period_s = min(max(period_s, self._config.fastest_s), self._config.slowest_s)
        self._asked.set()

    async def run(self) -> None:
        with self._bus.held():
            while True:
                self._asked.clear()
                self._due_at = monotonic()
                try:
                    await self._read()
                except BusLost as error:
                    self._missed = self._config.misses
                    self._presence.lost(str(error))
                    await self._bus.wait_back()
                except (HalError, Malformed) as error:
                    self._miss(error)
                    await self._rest()
                else:
                    self._missed = 0
                    await self._rest()

    async def _read(self) -> None:
        readings: list[tuple[Register, float]] = []
        for block in self.requests:
            words = await self._bus.read_input(self._config.unit, block.address, block.count)
            readings.extend(block.values(words))
        self._counters["readings"] += 1
        self._presence.found(f"{self.model} unit {self._config.unit}")
        self._post(sampled(self._place, readings))

    def _miss(self, error: Exception) -> None:
        self._counters["senseless" if isinstance(error, Malformed) else "misses"] += 1
        self._missed += 1
        if self._missed >= self._config.misses:
            self._presence.lost(str(error))
        else:
            self._presence.warn("miss", f"no reading: {error}")

    async def _rest(self) -> None:
        """Until the next reading is due, or another pace is asked for."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._pause_s()):
                await self._asked.wait()

    def _pause_s(self) -> float | None:
        """None: nobody has asked for readings yet."""
        period_s = self._period_s
        if self._missed:
            period_s = min(period_s or PROBE_S, PROBE_S)
        return None if period_s is None else max(0.0, self._due_at + period_s - monotonic())


def sampled(place: Place, readings: Sequence[tuple[Register, float]]) -> MeterSampled:
    """The event of one reading; per-phase values in the order of the phases, as many as the EVSE has."""
    phased: dict[str, list[tuple[int, float]]] = {}
    single: dict[str, float] = {}
    for register, value in readings:
        if register.phase is None:
            single[register.quantity] = value
        elif register.phase <= place.phases:
            phased.setdefault(register.quantity, []).append((register.phase, value))
    tuples = {quantity: tuple(value for _, value in sorted(values)) for quantity, values in phased.items()}
    return msgspec.structs.replace(MeterSampled(place.evse), **single, **tuples)


class Sdm630(EastronMeter):
    """Three phases, 9600 baud; parity none or even, as the meter's menu says."""

    model = "Eastron SDM630"
    requests = blocks(SDM630, LONGEST_REQUEST, gap=40)
