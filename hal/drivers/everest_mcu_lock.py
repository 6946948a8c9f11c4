"""The socket lock on a board of the EVerest family.  Knows no cable."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import msgspec
from msgspec import Meta

from hal.bus.serial import SerialBus
from hal.drivers.everest_mcu import port_of
from hal.drivers.everest_mcu_line import McuLine, line_of
from hal.drivers.presence import Presence
from hal.errors import BadOptions
from hal.events import LockMoved as LockEvent
from hal.events import LockPosition
from hal.ports import Place, Post
from hal.wire.everest_mcu import Alive, LockMoved, Name, Told, move_lock

TRIES = 3
"""A command may be lost on the line; a bolt that jams is not worn out by more of them."""


class EverestMcuLock:
    """On the bus of the ``everest_mcu`` pilot."""

    bus_type = SerialBus
    line_type = McuLine

    class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        """``board`` and ``port`` as of the pilot."""

        board: Name = "yeti"
        port: Annotated[int, Meta(ge=1, le=2)] = 1

    def __init__(self, config: Config, place: Place, bus: SerialBus, post: Post) -> None:
        self._place = place
        self._post = post
        self._line = line_of(bus, config.board, place.part)
        self._port = port_of(self._line, config.port, place.part)
        lock = self._line.model.lock
        if lock is None:
            raise BadOptions(f"{place.part}: {self._line.model.title} has no lock")
        self._field = lock
        self._presence = Presence(place, post)
        self._wish: LockPosition | None = None
        self._position: LockPosition | None = None
        self._tries = 0

    @property
    def counters(self) -> dict[str, int]:
        """What went wrong on this line since the start, and how many frames were good."""
        return self._line.counters

    def lock(self) -> None:
        self._want("locked")

    def unlock(self) -> None:
        self._want("unlocked")

    def _want(self, wish: LockPosition) -> None:
        self._wish, self._tries = wish, 0
        self._line.say(self.wish())

    async def run(self) -> None:
        await self._line.attend(self)

    def begin(self, alive: Alive) -> None:
        self._position, self._tries = None, 0
        self._presence.found(f"lock of {self._line.model.title}")

    def hear(self, told: Told) -> None:
        if not isinstance(told, LockMoved) or told.port != self._port:
            return
        if told.position != self._position:
            self._position = told.position
            self._post(LockEvent(self._place.evse, told.position, self._place.connector))

    def restarted(self, by_watchdog: bool) -> None:
        self._position, self._tries = None, 0

    def lost(self, reason: str) -> None:
        self._presence.lost(reason)

    def wish(self) -> Iterator[bytes]:
        if self._wish is None or self._position == self._wish or self._tries >= TRIES:
            return
        self._tries += 1
        yield move_lock(self._field, self._line.model, self._wish == "locked", self._port)

    def farewell(self) -> Iterator[bytes]:
        return iter(())
