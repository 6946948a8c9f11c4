"""The meter on a board of the EVerest family, which tells its readings by itself.  Knows no energy but the board's."""

from __future__ import annotations

from collections.abc import Iterator
from time import monotonic

import msgspec

from hal.bus.serial import SerialBus
from hal.drivers.everest_mcu_line import McuLine, line_of
from hal.drivers.presence import Presence
from hal.errors import BadOptions
from hal.events import MeterSampled
from hal.ports import Place, Post
from hal.wire.everest_mcu import Alive, Metered, Name, Told

EARLY_S = 0.1
"""A reading that comes a little before its time is taken: the next one is a whole pace away."""


class EverestMcuMeter:
    """On the bus of the ``everest_mcu`` pilot.  No legal meter."""

    bus_type = SerialBus
    line_type = McuLine

    class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        """``board`` as of the pilot."""

        board: Name = "yeti"

    def __init__(self, config: Config, place: Place, bus: SerialBus, post: Post) -> None:
        self._place = place
        self._post = post
        self._line = line_of(bus, config.board, place.part)
        if not self._line.model.has_meter:
            raise BadOptions(f"{place.part}: {self._line.model.title} tells of no meter")
        self._presence = Presence(place, post)
        self._period_s = 60.0
        self._due_at = 0.0

    @property
    def counters(self) -> dict[str, int]:
        """What went wrong on this line since the start, and how many frames were good."""
        return self._line.counters

    def sample_every(self, period_s: float) -> None:
        self._period_s, self._due_at = period_s, 0.0

    async def run(self) -> None:
        await self._line.attend(self)

    def begin(self, alive: Alive) -> None:
        self._due_at = 0.0
        self._presence.found(f"meter of {self._line.model.title}")

    def hear(self, told: Told) -> None:
        if not isinstance(told, Metered):
            return
        if told.wrong_rotation:
            self._presence.warn("rotation", "the phases are in the wrong order")
        now = monotonic()
        if now >= self._due_at - EARLY_S:
            self._due_at = now + self._period_s
            self._post(_sampled(told, self._place))

    def restarted(self, by_watchdog: bool) -> None:
        """The pilot says so."""

    def lost(self, reason: str) -> None:
        self._presence.lost(reason)

    def wish(self) -> Iterator[bytes]:
        return iter(())

    def farewell(self) -> Iterator[bytes]:
        return iter(())


def _sampled(told: Metered, place: Place) -> MeterSampled:
    wired = slice(place.phases)
    return MeterSampled(
        place.evse,
        import_wh=told.total_wh,
        power_w=sum(told.power_w[wired]),
        power_phase_w=told.power_w[wired],
        voltage_v=told.voltage_v[wired],
        current_a=told.current_a[wired],
        frequency_hz=told.frequency_hz or None,
        import_phase_wh=told.energy_wh[wired],
    )
