"""A PT1000 of chargebyte's safety controller, as the thermometer of one spot.  Does not know what heat does."""

from __future__ import annotations

from time import monotonic
from typing import Annotated

import msgspec
from msgspec import Meta

from hal.bus.serial import SerialBus
from hal.drivers.chargebyte_line import SafetyLine, line_of
from hal.drivers.presence import Presence
from hal.events import TemperatureMeasured
from hal.ports import Place, Post
from hal.wire.chargebyte import CHANNELS, PT1000, Frame, Version, temperatures


class ChargebytePt1000:
    """One channel, on the bus of the ``chargebyte`` pilot; the controller tells it every 100 ms."""

    bus_type = SerialBus
    line_type = SafetyLine

    class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        """A temperature is told when it has changed by ``step_c``, and every ``period_s`` all the same."""

        channel: Annotated[int, Meta(ge=1, le=CHANNELS)] = 1
        step_c: Annotated[float, Meta(ge=0, le=10)] = 0.5
        period_s: Annotated[float, Meta(ge=1, le=3600)] = 10.0

    def __init__(self, config: Config, place: Place, bus: SerialBus, post: Post) -> None:
        self._config = config
        self._place = place
        self.spot = place.spot
        self._post = post
        self._line = line_of(bus, place.part)
        self._presence = Presence(place, post)
        self._told: tuple[float, float] | None = None

    @property
    def counters(self) -> dict[str, int]:
        return self._line.counters

    async def run(self) -> None:
        await self._line.attend(self)

    def begin(self, version: Version) -> None:
        self._told = None

    def lost(self, reason: str) -> None:
        self._presence.lost(reason)

    def hear(self, frame: Frame) -> None:
        if frame.com != PT1000:
            return
        channel = temperatures(frame.word)[self._config.channel - 1]
        if channel.celsius is None or channel.self_test_failed:
            why = "no sensor" if channel.celsius is None else "its self test failed"
            self._told = None
            self._presence.lost(f"PT1000 channel {self._config.channel}: {why}")
            return
        self._presence.found(f"PT1000 channel {self._config.channel}")
        self._measure(channel.celsius)

    def _measure(self, celsius: float) -> None:
        now = monotonic()
        if self._told is not None:
            before_c, at_mono = self._told
            if abs(celsius - before_c) < self._config.step_c and now - at_mono < self._config.period_s:
                return
        self._told = (celsius, now)
        self._post(TemperatureMeasured(self._place.evse, self._place.spot, celsius))
