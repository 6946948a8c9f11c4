"""A board's drivers on their own, what they have said and when, and how to wait for something.  Decides nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from time import monotonic

from agent.errors import StartFailed, told_of
from agent.parts import Buses, Parts, build_parts
from board.descriptor import Board
from hal.events import (
    CableRated,
    CpState,
    DeviceFound,
    DeviceLost,
    Event,
    HardwareFaulted,
    HardwareHealed,
    LockMoved,
    LockPosition,
    MeterSampled,
    PilotChanged,
    PowerChanged,
)
from hal.liveness import FEED_EVERY_S
from hal.ports import PilotIntent

FAREWELL_S = 0.5

Said = tuple[float, Event]


class Trace:
    """Everything that was said and asked for, by the seconds since the start."""

    def __init__(self) -> None:
        self.said: list[Said] = []
        self.offers: dict[int, list[tuple[float, float | None]]] = {}
        self.marks: dict[int, list[tuple[float, str]]] = {}
        self.seconds = 0.0


class Seen:
    """What is so at one EVSE, as far as its parts have told."""

    def __init__(self) -> None:
        self.pilot: CpState | None = None
        self.closed: bool | None = None
        self.cable_a: float | None = None
        self.locks: dict[int, LockPosition] = {}
        self.sample: MeterSampled | None = None

    def take(self, event: Event) -> None:
        match event:
            case PilotChanged(state=state):
                self.pilot = state
            case PowerChanged(closed=closed):
                self.closed = closed
            case CableRated(limit_a=limit_a):
                self.cable_a = limit_a
            case LockMoved(connector=connector, position=position):
                self.locks[connector] = position
            case MeterSampled():
                self.sample = event


class Bench:
    """``faults`` and ``lost`` are what holds now, by EVSE and by part."""

    def __init__(self, board: Board, devices: Mapping[str, str]) -> None:
        unknown = sorted(set(devices) - set(board.bus))
        if unknown:
            raise StartFailed(f"--device {unknown[0]}: no such bus; buses: {', '.join(sorted(board.bus))}")
        self.board = board
        self.buses: dict[str, object] = {}
        self.trace = Trace()
        self.seen = {evse.id: Seen() for evse in board.evse}
        self.faults: dict[tuple[int, str, str], str] = {}
        """By EVSE, code, and the part that told it."""
        self.found: dict[str, str] = {}
        self.lost: dict[str, str] = {}
        self.parts: Parts = build_parts(board, Buses(board, devices, self.buses), self._hear)
        self._began = monotonic()
        self._news = asyncio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The drivers run; afterwards no power is permitted any more."""
        self._began = monotonic()
        tasks = [asyncio.create_task(self._drive(driver, place.part)) for driver, place in self.parts.all.items()]
        tasks.append(asyncio.create_task(self._feed()))
        try:
            yield
        finally:
            for pilot in self.parts.pilots.values():
                pilot.apply(PilotIntent())
            await asyncio.sleep(FAREWELL_S)  # a wish has to reach the wire
            self.trace.seconds = self.elapsed()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def elapsed(self) -> float:
        return monotonic() - self._began

    def offer(self, evse: int, intent: PilotIntent) -> None:
        """Tell the pilot controller what is wanted, and note the current that is offered."""
        amps = intent.limit_a if intent.permit_power and intent.available else None
        self.trace.offers.setdefault(evse, []).append((self.elapsed(), amps))
        self.parts.pilots[evse].apply(intent)

    def mark(self, evse: int, label: str) -> None:
        """A step begins."""
        self.trace.marks.setdefault(evse, []).append((self.elapsed(), label))

    async def until(self, holds: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until something is so; whether it was in time."""
        by = monotonic() + timeout_s
        while not holds() and (left_s := by - monotonic()) > 0:
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), left_s)
            except TimeoutError:
                break
        return holds()

    async def listen(self, seconds: float) -> None:
        """Let the parts talk."""
        await self.until(lambda: False, seconds)

    async def _drive(self, driver: object, part: str) -> None:
        try:
            await driver.run()  # type: ignore[attr-defined]
        except Exception as error:  # a driver that fails is a finding, not the end of the test
            self.lost[part] = f"the driver failed: {told_of(error)}"
            self._news.set()

    async def _feed(self) -> None:
        """Some parts are kept awake only while the agent lives; here that is this loop."""
        while True:
            self.parts.liveness.feed()
            await asyncio.sleep(FEED_EVERY_S)

    def _hear(self, event: Event) -> None:
        self.trace.said.append((self.elapsed(), event))
        evse: int = getattr(event, "evse", 0)
        match event:
            case DeviceFound(part=part, detail=detail):
                self.lost.pop(part, None)
                self.found[part] = detail
            case DeviceLost(part=part, reason=reason):
                self.lost[part] = reason
            case HardwareFaulted(code=code, text=text, part=part):
                self.faults[evse, code, part] = text
            case HardwareHealed(code=code, part=part):
                self.faults.pop((evse, code, part), None)
        if evse in self.seen:
            self.seen[evse].take(event)
        self._news.set()
