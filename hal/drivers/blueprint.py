"""The file to copy for a new driver: a socket lock that speaks lines of text.  Works as it stands.

The part: ``LOCK`` and ``UNLOCK`` move it, ``?`` asks for its position; it says ``LOCKED``, ``UNLOCKED`` or ``MOVING``
after a ``?`` and whenever that changes.  Every line ends with LF.

After copying: a codec of more than a few lines goes to ``hal/wire/`` (pure, tested without a wire), the name of the
driver goes to ``hal/registry.py`` (or into an entry point of your own package), and an emulator of the part to
``tests/emulators/``; ``tests/hal/test_every_driver.py`` then tries the driver with noise, loss and unplugging.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Annotated

import msgspec
from msgspec import Meta

from hal.bus.serial import SerialBus
from hal.drivers.presence import Presence
from hal.errors import HalError, NoAnswer
from hal.events import LockMoved, LockPosition
from hal.ports import Place, Post

POSITIONS: dict[bytes, LockPosition] = {b"LOCKED": "locked", b"UNLOCKED": "unlocked", b"MOVING": "moving"}
LONGEST_LINE = 32


class BlueprintLock:
    """A ``ConnectorLock``: the methods without ``await`` keep a wish, ``run`` makes it true."""

    # The registry checks that the board file gives it this kind of bus.
    bus_type = SerialBus

    class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        """The ``options`` of the board file; what is out of range is an error with its place, before anything runs."""

        poll_s: Annotated[float, Meta(ge=0.05, le=60)] = 5.0

    def __init__(self, config: Config, place: Place, bus: SerialBus, post: Post) -> None:
        # Nothing is opened and no task is started here: a board is built first and run later.
        self._config = config
        self._place = place
        self._bus = bus
        self._post = post
        self._presence = Presence(place, post)
        self._wish: bytes | None = None
        self._position: LockPosition | None = None
        self._pending = b""
        self._heard = True
        self._wake = asyncio.Event()
        self.counters = {"garbage_bytes": 0}

    def lock(self) -> None:
        self._want(b"LOCK\n")

    def unlock(self) -> None:
        self._want(b"UNLOCK\n")

    def _want(self, wish: bytes) -> None:
        # Only the last wish counts.  It is kept, so that a part that was away gets it when it is back.
        self._wish = wish
        self._wake.set()

    async def run(self) -> None:
        # For ever: a lost device is said once and waited for.  Cancelling is the way out.
        try:
            while True:
                try:
                    await self._bus.open(self._receive)
                    await self._serve()
                except HalError as error:
                    self._presence.lost(str(error))
                self._bus.close()
                await self._bus.wait_back()
        finally:
            self._bus.close()

    async def _serve(self) -> None:
        self._pending, self._position, self._heard = b"", None, True
        sent, ask_at = None, monotonic()
        while True:
            if self._wish is not None and self._wish != sent:
                sent = self._wish
                await self._bus.write(sent)
            if monotonic() >= ask_at:
                await self._ask()
                ask_at = monotonic() + self._config.poll_s
            # Returns when something is wished or the time is over; raises when the device is gone.
            await self._bus.wait(self._wake, ask_at - monotonic())
            self._wake.clear()

    async def _ask(self) -> None:
        """Ask for the position: a part that says nothing between two questions is not there."""
        if not self._heard:
            raise NoAnswer(f"{self._bus.device}: silent")
        self._heard = False
        await self._bus.write(b"?\n")

    def _receive(self, data: bytes) -> None:
        # Called from the loop with whatever has arrived: half a line, three lines, noise.  It never raises.
        *lines, self._pending = (self._pending + data).split(b"\n")
        for line in lines:
            self._read(line)
        if len(self._pending) > LONGEST_LINE:
            self.counters["garbage_bytes"] += len(self._pending)
            self._pending = b""

    def _read(self, line: bytes) -> None:
        position = POSITIONS.get(line)
        if position is None:
            self.counters["garbage_bytes"] += len(line)
            self._presence.warn("garbage", f"skipped {line[:LONGEST_LINE]!r}")
            return
        self._heard = True
        self._presence.found("blueprint lock")
        # Post what has changed; the same position again is no news.
        if position != self._position:
            self._position = position
            self._post(LockMoved(self._place.evse, position, self._place.connector))
