"""How much current a hot spot leaves: a line between two temperatures, nothing above a third.  Measures nothing."""

from __future__ import annotations

from math import floor

import msgspec

from agent.session.limits import TEMPERATURE, Limits, Terms, bound_of
from agent.vocabulary.values import Now
from hal.events import DeviceLost, Event, TemperatureMeasured


class DeratingLayout(msgspec.Struct, frozen=True, kw_only=True):
    """A thermometer that takes current away, as the board has it.

    From ``from_c`` to ``to_c`` the limit falls in a line from ``rated_a`` to ``to_a``; from ``stop_c`` on it is 0.
    It rises again when it is ``hysteresis_c`` cooler.  What is not heard of for ``lease_s`` counts as ``fallback_a``.
    """

    spot: str
    part: str
    rated_a: float
    from_c: float
    to_c: float
    stop_c: float
    to_a: float = 6.0
    hysteresis_c: float = 3.0
    lease_s: float = 60.0
    fallback_a: float = 6.0

    @property
    def source(self) -> str:
        """Its name among the sources of limits."""
        return f"{TEMPERATURE}:{self.spot}"

    @property
    def terms(self) -> Terms:
        """What holds while the thermometer is silent."""
        return Terms(self.source, bound_of(self.fallback_a), self.lease_s)

    def limit_a(self, celsius: float) -> float | None:
        """The limit at this temperature in whole amperes, None: none."""
        if celsius >= self.stop_c:
            return 0.0
        if celsius <= self.from_c:
            return None
        share = min(1.0, (celsius - self.from_c) / (self.to_c - self.from_c))
        return float(floor(self.rated_a + share * (self.to_a - self.rated_a)))


class Heat:
    """The hot spots of an EVSE, each a source of limits: hotter counts at once, cooler late, so that none flutters."""

    def __init__(self, layouts: tuple[DeratingLayout, ...], limits: Limits) -> None:
        self._layouts = layouts
        self._limits = limits
        self._felt_c: dict[str, float] = {}

    def receive(self, event: Event, now: Now) -> None:
        """A temperature, or a thermometer that is gone."""
        for layout in self._layouts:
            match event:
                case TemperatureMeasured(spot=layout.spot, celsius=celsius):
                    self._limits.say(layout.source, bound_of(layout.limit_a(self._feel(layout, celsius))), now)
                case DeviceLost(part=layout.part):
                    self._limits.silence(layout.source, now)

    def _feel(self, layout: DeratingLayout, celsius: float) -> float:
        before = self._felt_c.get(layout.spot, celsius)
        felt = self._felt_c[layout.spot] = min(max(before, celsius), celsius + layout.hysteresis_c)
        return felt
