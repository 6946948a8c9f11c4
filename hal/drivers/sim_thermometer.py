"""A simulated thermometer of one spot.  Says what the world's temperature is; does not know what heat does."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from hal.bus.sim import SimBus
from hal.bus.sim_evse import Timer
from hal.drivers.sim_part import SimPart
from hal.events import TemperatureMeasured
from hal.ports import Place, Post


class SimThermometer(SimPart):
    """Tells every change at once, and the same again every ``period_s``."""

    role = "thermometer"

    class Config(SimPart.Config, frozen=True, forbid_unknown_fields=True):
        """``celsius``: how warm it is until somebody says otherwise."""

        celsius: Annotated[float, Meta(ge=-273.15, le=1000)] = 20.0
        period_s: Annotated[float, Meta(ge=1, le=3600)] = 10.0

    def __init__(self, config: Config, place: Place, bus: SimBus, post: Post) -> None:
        super().__init__(config, place, bus, post)
        self.spot = place.spot
        self._start_c = config.celsius
        self._period_s = config.period_s
        self._timer: Timer | None = None

    def forget(self) -> None:
        super().forget()
        self._stop_timer()

    def report(self) -> None:
        celsius = self._truth.celsius.setdefault(self.place.spot, self._start_c)
        told = self._said.get((TemperatureMeasured,))
        if not (self._timer and isinstance(told, TemperatureMeasured) and told.celsius == celsius):
            self._measure()

    def _measure(self) -> None:
        self._stop_timer()
        clock = self._world.clock
        self._timer = clock.call_at(clock.time() + self._period_s, self._measure)
        self._said.clear()  # the same again is news as well
        self.say(TemperatureMeasured(self.place.evse, self.place.spot, self._truth.celsius[self.place.spot]))

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
