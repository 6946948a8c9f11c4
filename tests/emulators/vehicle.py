"""A vehicle on the pilot of an autonomous charge controller, and that controller's contactor.  Knows no protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tests.emulators.load import Load

CONTACTOR_S = 0.05
STARTS_S, STOPS_S = 0.2, 0.5


class ControllerWithVehicle:
    """``offered_a`` is what the duty says, None: no oscillator.  The contactor closes in C while there is an offer."""

    def __init__(self, load: Load, speed: float) -> None:
        self._load = load
        self._speed = speed
        self.offered_a: float | None = None
        self.contactor = False
        self.faulted = False
        self.dark = False
        """The pilot is at -12 V: the vehicle sees no station."""
        self.plugged = self.wants = self.s2 = False
        self.cable_a: int | None = None
        self.vehicle_a = 0.0
        self._timers: dict[str, asyncio.TimerHandle] = {}

    @property
    def letter(self) -> str:
        """The state of the pilot."""
        if self.dark:
            return "F"
        return "A" if not self.plugged else "C" if self.s2 else "B"

    def offer(self, amps: float | None) -> None:
        self.offered_a = amps
        self.settle()

    def plug_in(self, current_a: float, ready_after: float | None) -> None:
        self.plugged, self.vehicle_a = True, current_a
        self.settle()
        if ready_after is not None:
            self._after("ready", ready_after, self.ready)

    def unplug(self) -> None:
        self.plugged = self.wants = self.s2 = False
        self.stop_timers("ready", "s2")
        self.settle()

    def ready(self) -> None:
        self.wants = self.plugged
        self.settle()

    def pause(self) -> None:
        self.wants = self.s2 = False
        self.stop_timers("ready", "s2")
        self.settle()

    def settle(self) -> None:
        """Whatever has changed: the vehicle and the contactor follow."""
        offered = self.offered_a is not None and not self.dark
        if self.wants and offered and not self.s2:
            self._after("s2", STARTS_S, lambda: self._switch_s2(True))
        elif self.s2 and not offered:
            self._after("s2", STOPS_S, lambda: self._switch_s2(False))
        if self.letter == "C" and offered and not self.faulted:
            if not self.contactor:
                self._after("contactor", CONTACTOR_S, self._close)
        elif self.letter != "C" or self.faulted:
            self.stop_timers("contactor")
            self.contactor = False
        self._draw()

    def stop_timers(self, *names: str) -> None:
        for name in names or tuple(self._timers):
            if (timer := self._timers.pop(name, None)) is not None:
                timer.cancel()

    def _switch_s2(self, closed: bool) -> None:
        self.s2 = closed and self.plugged
        self.settle()

    def _close(self) -> None:
        self.contactor = self.letter == "C" and not self.faulted
        self._draw()

    def _draw(self) -> None:
        drawn_a = min(self.vehicle_a, self.offered_a or 0.0)
        self._load.current_a = drawn_a if self.contactor and self.s2 else 0.0

    def _after(self, name: str, delay_s: float, act: Callable[[], None]) -> None:
        if name not in self._timers:
            self._timers[name] = asyncio.get_running_loop().call_later(delay_s / self._speed, self._fire, name, act)

    def _fire(self, name: str, act: Callable[[], None]) -> None:
        self._timers.pop(name, None)
        act()
