"""One part of a board, run by itself for a while: what it says, in words.  Permits no power and moves nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from time import monotonic
from typing import Any

from agent.errors import StartFailed, told_of
from agent.parts import Buses, Parts, build_parts
from agent.shell.boards.words import event_words
from board.descriptor import Board, parts_of, read_board
from hal.events import DeviceFound, DeviceLost, Event
from hal.liveness import FEED_EVERY_S
from hal.ports import EnergyMeter

Say = Callable[[str], None]

METER_EVERY_S = 1.0


class Trial:
    """The part that is meant by its place or its driver; nothing else of the board is started."""

    def __init__(self, path: Path, meant: str, devices: Mapping[str, str], say: Say) -> None:
        board = read_board(path)
        unknown = sorted(set(devices) - set(board.bus))
        if unknown:
            raise StartFailed(f"--device {unknown[0]}: no such bus; buses: {', '.join(sorted(board.bus))}")
        self._say = say
        self._began = monotonic()
        self._parts = build_parts(board, Buses(board, devices, {}), self._hear)
        self._driver: Any = _meant(board, self._parts, meant)
        self.answers = False

    def run(self, seconds: float) -> int:
        """Listen for so long, 0 until Ctrl-C; the exit status is 1 when it did not answer at the end."""
        self._say(f"{self._parts.all[self._driver].part}: {type(self._driver).__name__}; Ctrl-C ends")
        self._began = monotonic()
        try:
            asyncio.run(self._listen(seconds))
        except KeyboardInterrupt:
            self._say("ended by hand")
        counters = {name: count for name, count in getattr(self._driver, "counters", {}).items() if count}
        if counters:
            self._say(f"counted: {', '.join(f'{name} {count}' for name, count in counters.items())}")
        self._say("it answers" if self.answers else "it does not answer")
        return 0 if self.answers else 1

    async def _listen(self, seconds: float) -> None:
        if isinstance(self._driver, EnergyMeter):
            self._driver.sample_every(METER_EVERY_S)
        task = asyncio.create_task(self._driver.run())
        feeding = asyncio.create_task(self._feed())
        try:
            await asyncio.wait([task], timeout=seconds or None)
        finally:
            over = task.done()
            feeding.cancel()
            task.cancel()
            await asyncio.gather(task, feeding, return_exceptions=True)
        failure = task.exception() if over else None
        if isinstance(failure, Exception):
            self.answers = False
            self._say(f"the driver failed: {told_of(failure)}")

    async def _feed(self) -> None:
        """Some parts are kept awake only while the agent lives; here that is this loop."""
        while True:
            self._parts.liveness.feed()
            await asyncio.sleep(FEED_EVERY_S)

    def _hear(self, event: Event) -> None:
        if isinstance(event, (DeviceFound, DeviceLost)):
            self.answers = isinstance(event, DeviceFound)
        self._say(f"{monotonic() - self._began:6.1f} s  {event_words(event)}")


def _meant(board: Board, parts: Parts, meant: str) -> Any:
    """The driver at this place, or of this name.

    Raises:
        StartFailed: there is none, or more than one; the text lists them.

    """
    drivers = {place: part.driver for place, part in parts_of(board)}
    found = [driver for driver, place in parts.all.items() if meant in (place.part, drivers.get(place.part))]
    if len(found) == 1:
        return found[0]
    there = ", ".join(f"{place.part} ({drivers.get(place.part)})" for place in parts.all.values())
    if not found:
        raise StartFailed(f"no part {meant!r} on this board; there are {there}")
    places = ", ".join(parts.all[driver].part for driver in found)
    raise StartFailed(f"{meant!r} is in {len(found)} places, say which: {places}")
