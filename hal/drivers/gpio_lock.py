"""A motor lock on GPIO lines: one line a direction, and what tells whether the bolt is there.  Knows no session.

Unlocking after a power loss is the hardware's matter (a capacitor, a spring): no program runs then.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from hal.bus.gpio import GpioBus, Lines, Pin
from hal.drivers.gpio_part import GpioPart
from hal.events import LockMoved, LockPosition
from hal.ports import Place, Post


class GpioLock(GpioPart):
    """A ``ConnectorLock``.  The motor gets a pulse, then the feedback is looked at; a bolt that stays gets another."""

    outputs = ("close", "open")

    class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        """``feedback``: the lines that tell, ``locked`` alone or ``both`` ends; with ``none`` a position is unknown.

        ``pulse_s`` is the motor's: 0.6 for a Kuester 02S, 0.3 for others.
        """

        close: Pin = Pin("LOCK_CLOSE")
        open: Pin = Pin("LOCK_OPEN")
        feedback: Literal["none", "locked", "both"] = "locked"
        locked: Pin = Pin("LOCK_CLOSED")
        unlocked: Pin = Pin("LOCK_OPENED")
        pulse_s: Annotated[float, Meta(ge=0.05, le=2)] = 0.6
        settle_s: Annotated[float, Meta(ge=0, le=2)] = 0.2
        pause_s: Annotated[float, Meta(ge=0, le=10)] = 1.0
        tries: Annotated[int, Meta(ge=1, le=10)] = 3

    def __init__(self, config: Config, place: Place, bus: GpioBus, post: Post) -> None:
        ends = {"none": (), "locked": ("locked",), "both": ("locked", "unlocked")}[config.feedback]
        super().__init__(place, bus, post, {name: getattr(config, name) for name in (*self.outputs, *ends)})
        self._config = config
        self._wish: bool | None = None
        self._owed = False
        self._told: LockPosition | None = None

    def lock(self) -> None:
        self._want(True)

    def unlock(self) -> None:
        self._want(False)

    def _want(self, locked: bool) -> None:
        self._wish, self._owed = locked, True
        self._wake.set()

    async def serve(self, lines: Lines) -> None:
        self._told = None
        self._owed = self._wish is not None
        while True:
            if self._owed and self._wish is not None:
                self._owed = False
                await self._move(lines, self._wish)
            self._tell(self._position(lines))
            await lines.wait(self._wake)

    async def _move(self, lines: Lines, wish: bool) -> None:
        wanted: LockPosition = "locked" if wish else "unlocked"
        self._told = None  # every command is answered, moved or not
        for attempt in self._attempts(lines, wanted):
            if attempt:
                await self._rest(lines, self._config.pause_s)
            if self._owed:
                return  # something else is wished by now
            self._tell("moving")
            await self._pulse(lines, "close" if wish else "open")
        position = self._position(lines)
        if position == wanted or self._config.feedback == "none":
            self.heal("ConnectorLockFailure", self._place.connector)
        else:
            text = f"the bolt is {position} after {self._config.tries} tries, it should be {wanted}"
            self.fault("ConnectorLockFailure", text, self._place.connector)

    def _attempts(self, lines: Lines, wanted: LockPosition) -> Iterator[int]:
        """Tries that are left: none for a bolt that is there, one where nothing tells."""
        for attempt in range(self._config.tries):
            position = self._position(lines)
            if position == wanted or (attempt and position == "unknown" and self._config.feedback == "none"):
                return
            yield attempt

    async def _pulse(self, lines: Lines, name: str) -> None:
        lines.write(name, True)
        try:
            await self._rest(lines, self._config.pulse_s)
        finally:
            lines.write(name, False)
        await self._rest(lines, self._config.settle_s)

    async def _rest(self, lines: Lines, seconds: float) -> None:
        await lines.until(lambda: False, seconds)

    def _position(self, lines: Lines) -> LockPosition:
        locked, unlocked = lines.active.get("locked"), lines.active.get("unlocked")
        if locked is None:
            return "unknown"
        if unlocked is None:
            return "locked" if locked else "unlocked"
        if locked is unlocked:
            return "unknown"  # between its ends, or a wire is off
        return "locked" if locked else "unlocked"

    def _tell(self, position: LockPosition) -> None:
        if position != self._told:
            self._told = position
            self._post(LockMoved(self._place.evse, position, self._place.connector))
