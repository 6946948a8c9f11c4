"""What else is on an OpenEVSE's board: its thermometers and its lock, over the line of the ``openevse`` pilot.

Each asks for itself and is there or not by itself; none knows what the pilot does.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from hal.bus.serial import SerialBus
from hal.drivers.openevse_line import RapiLine, line_of
from hal.drivers.openevse_states import LOCK_BY_HOST
from hal.drivers.presence import Presence
from hal.errors import HalError, PartRefused
from hal.events import LockMoved, TemperatureMeasured
from hal.ports import Place, Post
from hal.wire.rapi import Booted, Frame, LockState, Nothing, Status, Temperatures, Versions

MOTOR_S = 0.3
"""The motor gets a pulse of this length; nobody tells whether it has moved anything."""


class OpenEvsePart:
    """Something on the controller's board that is asked every ``poll_s``."""

    bus_type = SerialBus
    line_type = RapiLine

    class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        """How often the controller is asked."""

        poll_s: Annotated[float, Meta(ge=0.5, le=300)] = 5.0

    def __init__(self, config: Config, place: Place, bus: SerialBus, post: Post) -> None:
        self._poll_s = config.poll_s
        self._place = place
        self._post = post
        self._line = line_of(bus)
        self._line.listen(self._hear)
        self._presence = Presence(place, post)
        self._opening = 0
        self._wake = asyncio.Event()

    @property
    def counters(self) -> dict[str, int]:
        return self._line.counters

    async def run(self) -> None:
        try:
            while True:
                try:
                    await self._line.open(self)
                    await self._serve()
                except HalError as error:
                    self._presence.lost(str(error))
                self._line.close(self)
                await self._line.wait_back()
        finally:
            self._line.close(self)

    async def _serve(self) -> None:
        self._opening = 0
        versions = await self._line.ask(Versions, "GV")
        while True:
            if self._opening != self._line.openings:
                self._opening = self._line.openings
                self._start_anew()
            detail = await self._look()
            self._presence.found(f"{detail} of OpenEVSE firmware {versions.firmware}")
            await self._line.wait(self._wake, self._poll_s)
            self._wake.clear()

    def _hear(self, frame: Frame) -> None:
        if isinstance(frame, Booted):
            self._opening = 0
            self._wake.set()

    def _start_anew(self) -> None:
        """The controller may have forgotten what it was told."""

    async def _look(self) -> str:
        """Ask, tell what is new, do what is wished; what it is, in words."""
        raise NotImplementedError


class OpenEvseThermometer(OpenEvsePart):
    """One of the controller's sensors.  The controller derates by itself from 65 degrees on."""

    class Config(OpenEvsePart.Config, frozen=True, forbid_unknown_fields=True):
        """``sensor``: the one in the clock chip, the one on the board, the infrared one."""

        sensor: Literal["clock_chip", "ambient", "infrared"] = "clock_chip"

    def __init__(self, config: Config, place: Place, bus: SerialBus, post: Post) -> None:
        super().__init__(config, place, bus, post)
        self.spot = place.spot
        self._sensor = config.sensor

    async def _look(self) -> str:
        celsius: float | None = getattr(await self._line.ask(Temperatures, "GP"), f"{self._sensor}_c")
        if celsius is None:
            raise PartRefused(f"{self._line.device}: has no {self._sensor} sensor")
        self._post(TemperatureMeasured(self._place.evse, self._place.spot, celsius))
        return f"{self._sensor} sensor"


class OpenEvseLock(OpenEvsePart):
    """The lock of a socket, in a firmware that has one.  Without feedback: what it reports is ``unknown``."""

    def __init__(self, config: OpenEvsePart.Config, place: Place, bus: SerialBus, post: Post) -> None:
        super().__init__(config, place, bus, post)
        self._wish: bool | None = None
        self._unsaid = False
        self._by_host = False

    def lock(self) -> None:
        self._want(True)

    def unlock(self) -> None:
        self._want(False)

    def _want(self, locked: bool) -> None:
        self._wish, self._unsaid = locked, True
        self._wake.set()

    def _start_anew(self) -> None:
        self._by_host = False

    async def _look(self) -> str:
        told = await self._line.ask(LockState, "G5")
        if self._wish is not None:
            await self._take_over()
            await self._move(self._wish, bool(told.locked))
        return "lock without feedback"

    async def _take_over(self) -> None:
        """In its automatic mode the controller locks whatever is plugged in, and unlocks what is not."""
        if self._by_host:
            return
        if not (await self._line.ask(Status, "GS")).vflags & LOCK_BY_HOST:
            await self._line.ask(Nothing, "S5", "M")
        self._by_host = True

    async def _move(self, wish: bool, told: bool) -> None:
        self._unsaid, unsaid = False, self._unsaid
        if wish is not told:
            await self._line.ask(Nothing, "S5", int(wish))
            await self._line.wait(asyncio.Event(), MOTOR_S)
        if unsaid or wish is not told:
            self._post(LockMoved(self._place.evse, "unknown", self._place.connector))
