"""What charge controllers on a Modbus line share: a pace, wishes told at once, loss after misses.  No registers."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from hal.bus.rtu import RtuBus
from hal.drivers.presence import Presence
from hal.errors import BusLost, HalError, NoAnswer, PartRefused
from hal.ports import Place, Post

LAST_WORD_S = 0.5
LONGEST_REST_S = 5.0


class RtuConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``misses``: turns in a row that fail before the controller counts as lost."""

    unit: Annotated[int, Meta(ge=1, le=247)] = 1
    poll_s: Annotated[float, Meta(ge=0.1, le=60)] = 0.5
    misses: Annotated[int, Meta(ge=1, le=100)] = 3


class RtuController:
    """One part on a line that others may share.  A subclass says what its turns are."""

    bus_type = RtuBus
    model: ClassVar[str]

    def __init__(self, config: RtuConfig, place: Place, bus: RtuBus, post: Post) -> None:
        self._place = place
        self._bus = bus
        self._post = post
        self._unit = config.unit
        self._pace_s, self._misses = config.poll_s, config.misses
        self._presence = Presence(place, post)
        self._wake = asyncio.Event()
        self._greeted = False
        self._missed = 0
        self._untaken: set[int] = set()
        self._counters = {"turns": 0, "misses": 0, "retentive_writes": 0}

    @property
    def counters(self) -> dict[str, int]:
        """What this part has answered, and not; the counters of the line are the bus's."""
        return dict(self._counters)

    async def greet(self) -> None:
        """Learn what the part has, and set it up.  HalError: not now."""

    async def turn(self) -> None:
        """Make the wish true, and look.  HalError: not now."""
        raise NotImplementedError

    def forget(self) -> None:
        """The part is lost: nothing of it is known to be true any more."""

    async def say_goodbye(self) -> None:
        """Nobody is left to withdraw what was permitted."""

    async def run(self) -> None:
        with self._bus.held():
            try:
                while True:
                    self._wake.clear()
                    await self._try()
            finally:
                with suppress(HalError, TimeoutError):
                    if self._greeted:
                        async with asyncio.timeout(LAST_WORD_S):
                            await self.say_goodbye()

    async def _try(self) -> None:
        try:
            if not self._greeted:
                await self.greet()
                self._greeted = True
                self._presence.found(f"{self.model} unit {self._unit}")
            await self.turn()
        except BusLost as error:
            self._lose(error)
            await self._bus.wait_back()
        except HalError as error:
            self._miss(error)
            await self._rest(min(self._pace_s * 2**self._missed, LONGEST_REST_S))
        else:
            self._counters["turns"] += 1
            self._missed = 0
            await self._rest(self._pace_s)

    def _miss(self, error: Exception) -> None:
        self._counters["misses"] += 1
        self._missed = min(self._missed + 1, self._misses)
        if self._missed >= self._misses:
            self._lose(error)
        else:
            self._presence.warn("miss", f"no answer: {error}")

    def _lose(self, error: Exception) -> None:
        self._greeted = False
        self.forget()
        self._presence.lost(str(error))

    async def _rest(self, pause_s: float) -> None:
        """Until the next turn is due, or something is wished."""
        with suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._wake.wait()

    async def _keep(self, register: int, value: int, hint: str = "") -> None:
        """Compare before writing, and write once: what is retentive wears out."""
        if register in self._untaken or await self._holding(register) == value:
            return
        with suppress(PartRefused, NoAnswer):  # what it has afterwards counts
            await self._write(register, value)
        self._counters["retentive_writes"] += 1
        found = await self._holding(register)
        if found != value:
            self._untaken.add(register)
            self._presence.warn(f"register {register}", f"register {register} stays {found} instead of {value}{hint}")

    async def _write(self, register: int, value: int) -> None:
        await self._bus.write_register(self._unit, register, value)

    async def _holding(self, register: int) -> int:
        return (await self._bus.read_holding(self._unit, register, 1))[0]
