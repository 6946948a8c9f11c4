"""What flows through one EVSE: the same truth for the controller that switches it and the meter that counts it."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic


class Load:
    """Current in one power path and the energy it has carried.  ``speed`` lets energy run faster than the clock."""

    def __init__(
        self,
        phases: int = 3,
        voltage_v: float = 230.0,
        start_wh: float = 1_234_500.0,
        speed: float = 1.0,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.phases = phases
        self.voltage_v = voltage_v
        self.frequency_hz = 50.0
        self._speed = speed
        self._clock = clock
        self._current_a = 0.0
        self._energy_wh = start_wh
        self._since = clock()

    @property
    def current_a(self) -> float:
        """Per phase."""
        return self._current_a

    @current_a.setter
    def current_a(self, amps: float) -> None:
        self._integrate()
        self._current_a = amps

    @property
    def power_w(self) -> float:
        return self._current_a * self.voltage_v * self.phases

    @property
    def energy_wh(self) -> float:
        self._integrate()
        return self._energy_wh

    def _integrate(self) -> None:
        now = self._clock()
        self._energy_wh += self.power_w * (now - self._since) * self._speed / 3600
        self._since = now
