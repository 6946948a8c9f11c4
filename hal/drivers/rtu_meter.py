"""A meter on a Modbus RTU line: read when a reading is due, and not otherwise.  Knows no model and no transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from time import monotonic
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from hal.bus.rtu import RtuBus
from hal.drivers.presence import Presence
from hal.errors import BusLost, HalError
from hal.events import MeterSampled, SignedRecord
from hal.ports import Place, Post
from hal.wire.registers import Block, Malformed, Register

PROBE_S = 10.0
"""How long a silent meter is left alone at most, however slow the pace is; a lost one twice as long each time."""

Unit = Annotated[int, Meta(ge=1, le=247)]


class RtuMeter:
    """One meter on a line that others may share.  A model is a class: what it is called, and what is asked for."""

    bus_type = RtuBus
    model: ClassVar[str]
    requests: ClassVar[tuple[Block, ...]]
    reads: ClassVar[Literal["input", "holding"]] = "input"

    class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        """``misses``: readings in a row that fail before the meter counts as lost."""

        unit: Unit = 1
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
                    await self._attend()
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

    async def _attend(self) -> None:
        """What is due; a meter that can do more than be read does it here."""
        await self._read()

    async def _read(self, signed: SignedRecord | None = None) -> None:
        readings: list[tuple[Register, float]] = []
        for block in self.requests:
            readings.extend(block.values(await self._words(block.address, block.count)))
        self._counters["readings"] += 1
        self._presence.found(f"{self.model} unit {self._config.unit}")
        self._post(sampled(self._place, readings, signed))

    async def _words(self, address: int, count: int) -> list[int]:
        ask = self._bus.read_holding if self.reads == "holding" else self._bus.read_input
        return await ask(self._config.unit, address, count)

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
            too_many = max(0, min(self._missed - self._config.misses + 1, 16))
            period_s = min((period_s or PROBE_S) * 2**too_many, PROBE_S)
        return None if period_s is None else max(0.0, self._due_at + period_s - monotonic())


def sampled(
    place: Place, readings: Sequence[tuple[Register, float]], signed: SignedRecord | None = None
) -> MeterSampled:
    """The event of one reading; per-phase values in the order of the phases, as many as the EVSE has.

    A quantity that stands in two registers, kilowatt hours and the rest of them, is their sum.
    """
    phased: dict[str, list[tuple[int, float]]] = {}
    single: dict[str, float] = {}
    for register, value in readings:
        if register.phase is None:
            single[register.quantity] = single.get(register.quantity, 0.0) + value
        elif register.phase <= place.phases:
            phased.setdefault(register.quantity, []).append((register.phase, value))
    tuples = {quantity: tuple(value for _, value in sorted(values)) for quantity, values in phased.items()}
    return msgspec.structs.replace(MeterSampled(place.evse), **single, **tuples, signed=signed)
