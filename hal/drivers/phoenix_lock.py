"""The socket lock of a Phoenix Contact EV Charge Control Basic.  Does not know whether a plug is there."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from hal.bus.rtu import RtuBus
from hal.drivers.phoenix_line import StatusRegisters
from hal.drivers.phoenix_states import (
    BY_COIL_LOCK,
    ERRORS,
    LOCK,
    LOCK_FAILED,
    LOCK_MODE,
    LOCK_UNDETECTED,
    UNLOCK_FAILED,
    bits_of,
)
from hal.drivers.rtu_controller import RtuConfig, RtuController
from hal.events import LockMoved, LockPosition
from hal.ports import Place, Post


class PhoenixLock(RtuController):
    """On the line and the unit of a ``phoenix`` pilot, which reports the lock's faults.

    No register tells the position.  The controller supervises the lock by itself: after ``settle_s`` the position is
    taken to be the one that was asked for, unless the error register says that the lock has not come there.
    """

    line_type = StatusRegisters
    model = "lock of Phoenix EV Charge Control Basic"

    class Config(RtuConfig, frozen=True, forbid_unknown_fields=True):
        """``settle_s``: how long the lock may take, and the controller to find that it has not moved."""

        settle_s: Annotated[float, Meta(ge=0.1, le=10)] = 2.0

    def __init__(self, config: Config, place: Place, bus: RtuBus, post: Post) -> None:
        super().__init__(config, place, bus, post)
        self._settle_s = config.settle_s
        self._status = StatusRegisters(bus, config.unit)
        self._wish: bool | None = None
        self._asked: bool | None = None
        self._told: LockPosition | None = None

    def lock(self) -> None:
        self._want(True)

    def unlock(self) -> None:
        self._want(False)

    def _want(self, wish: bool) -> None:
        self._wish = wish
        self._told = None  # every command is answered
        self._wake.set()

    def forget(self) -> None:
        self._asked, self._told = None, None

    async def greet(self) -> None:
        await self._keep(LOCK_MODE, BY_COIL_LOCK, "; is DIP switch S1/3 on?")
        (self._asked,) = await self._bus.read_coils(self._unit, LOCK, 1)

    async def turn(self) -> None:
        wish = self._wish
        if wish is not None and wish is not self._asked:
            await self._bus.write_coil(self._unit, LOCK, wish)
            self._asked = wish
            self._tell("moving")
            await self._settle(wish)
            if self._wish is not wish:
                return
        (asked,) = await self._bus.read_coils(self._unit, LOCK, 1)
        bits = bits_of((await self._status.read(ERRORS, 1))[0])
        if self._wish in (wish, None):
            self._tell(_position(asked, bits))
        self._asked = asked  # it may have restarted: the wish is told again in the next turn

    async def _settle(self, wish: bool) -> None:
        """Leave it time to arrive, but not when the wish changes meanwhile."""
        if self._wish is wish:
            self._wake.clear()
            await self._rest(self._settle_s)
        if self._wish is not wish:
            self._wake.set()

    def _tell(self, position: LockPosition) -> None:
        if position != self._told:
            self._told = position
            self._post(LockMoved(self._place.evse, position, self._place.connector))


def _position(asked: bool, errors: tuple[int, ...]) -> LockPosition:
    """What fails is where it was: a lock that is not known to hold does not hold."""
    if asked:
        return "unlocked" if LOCK_FAILED in errors or LOCK_UNDETECTED in errors else "locked"
    return "locked" if UNLOCK_FAILED in errors else "unlocked"
