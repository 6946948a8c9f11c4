"""The line of one board of the EVerest family, for all drivers that share it.  Knows no meaning of what is said."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from time import monotonic
from typing import Protocol

from hal.bus.serial import SerialBus
from hal.errors import BadOptions, HalError, NoAnswer
from hal.liveness import Liveness
from hal.wire.everest_mcu import (
    MODELS,
    Alive,
    ConfigureAsked,
    Name,
    Other,
    Parser,
    Restarted,
    Told,
    configure,
    keep_alive,
    reset,
)

KEEP_ALIVE_S = 1.0
SILENT_S = 5.0
"""A board that has told no keep-alive for so long is gone."""

RESTART_S = 1.0
TRIES = 3
RESYNC = 3
"""So many keep-alives lead a board out of whatever it had half received."""

LAST_WORD_S = 0.2


class Listener(Protocol):
    """A driver on this line."""

    def begin(self, alive: Alive) -> None:
        """The board has started anew and answers; what it tells of itself comes next."""

    def hear(self, told: Told) -> None: ...

    def restarted(self, by_watchdog: bool) -> None:
        """It has started anew by itself: nothing that it told is known to be true."""

    def lost(self, reason: str) -> None: ...

    def wish(self) -> Iterator[bytes]:
        """Frames that make true what is wanted of the board; said once a second, for nothing is acknowledged."""

    def farewell(self) -> Iterator[bytes]:
        """The last frames of a driver that ends."""


class McuLine:
    """The first of its listeners runs it for all; when that one leaves, another takes over."""

    def __init__(self, bus: SerialBus, name: Name) -> None:
        self.name = name
        self.model = MODELS[name]
        self.device = bus.device
        self.liveness: Liveness | None = None
        """While it is not fresh, the board hears nothing."""
        self.pilots: dict[int, object] = {}
        """The drivers that permit power, by port."""
        self.wiring: dict[int, tuple[int, bool]] = {}
        """By port: the kind of lock (-1 none), and whether it is a socket."""
        self._bus = bus
        self._parser = Parser(self.model)
        self._listeners: list[Listener] = []
        self._turn = asyncio.Lock()
        self._wake = asyncio.Event()
        self._latest: dict[tuple[type[Told], int], Told] = {}
        self._alive: Alive | None = None
        self._heard_at = 0.0
        self._begun = self._reset_asked = self._has_restarted = False
        self._lost_by: str | None = None
        self._counters = {"lost": 0, "restarts": 0}

    @property
    def counters(self) -> dict[str, int]:
        """What went wrong on this line since the start, and how many frames were good."""
        return self._parser.counters | self._counters

    async def attend(self, listener: Listener) -> None:
        """Tell ``listener`` what is heard, until this is cancelled."""
        self._listeners.append(listener)
        try:
            if self._begun:
                self._begin(listener)
            elif self._lost_by is not None:
                listener.lost(self._lost_by)
            async with self._turn:
                await self._run()
        finally:
            self._listeners.remove(listener)
            self.say(listener.farewell())  # where another one runs the line

    def say(self, frames: Iterable[bytes]) -> None:
        """Send these at once; a board that is not there gets the wish when it is."""
        if self._begun:
            self._bus.send(b"".join(frames))

    def restart(self) -> None:
        """Let the board start anew; what it has latched is gone then."""
        if self._begun:
            self._reset_asked = True
            self.say([reset(self.model)])

    # ---- the task ----

    async def _run(self) -> None:
        try:
            while True:
                try:
                    await self._serve()
                except HalError as error:
                    self._lose(str(error))
                self._let_go()
                await self._bus.wait_back()
        finally:
            await self._last_word()
            self._let_go()

    def _lose(self, reason: str) -> None:
        self._counters["lost"] += 1
        self._lost_by = reason
        for listener in tuple(self._listeners):
            listener.lost(reason)

    def _let_go(self) -> None:
        self._begun = False
        self._bus.close()

    async def _last_word(self) -> None:
        """Nobody is left to withdraw the permissions: withdraw them now."""
        if not self._begun:
            return
        frames = [frame for listener in tuple(self._listeners) for frame in listener.farewell()]
        try:
            async with asyncio.timeout(LAST_WORD_S):
                await self._bus.write(b"".join(frames))
                await self._bus.drain()
        except (HalError, TimeoutError):
            pass  # gone already

    async def _serve(self) -> None:
        self._parser.reset()
        await self._bus.open(self._receive)
        await self._greet()
        self._begun = True
        for listener in tuple(self._listeners):
            self._begin(listener)
        repeat_at = monotonic() + KEEP_ALIVE_S
        while True:
            now = monotonic()
            if now - self._heard_at > SILENT_S:
                raise NoAnswer(f"{self.device}: silent")
            if now >= repeat_at:
                repeat_at = now + KEEP_ALIVE_S
                self._repeat()
            await self._bus.wait(self._wake, max(0.0, repeat_at - monotonic()))
            self._wake.clear()

    def _repeat(self) -> None:
        """A board that hears of an agent that hangs would keep the power on with nobody in charge."""
        if self.liveness is None or self.liveness.fresh():
            self.say([keep_alive(self.model), *(frame for each in tuple(self._listeners) for frame in each.wish())])

    async def _greet(self) -> None:
        """Only a board that has just started tells all its states; a running one tells what changes."""
        hello = keep_alive(self.model) * RESYNC
        for _ in range(TRIES):
            self._forget()
            await self._bus.write(hello + reset(self.model))
            await self._until(lambda: self._has_restarted, RESTART_S)
            if self._has_restarted:
                await self._bus.write(hello)
                await self._until(lambda: self._alive is not None, SILENT_S)
                if self._alive is not None:
                    return
        raise NoAnswer(f"{self.device}: no answer to a reset")

    def _forget(self) -> None:
        self._has_restarted, self._alive = False, None
        self._latest.clear()

    async def _until(self, holds: Callable[[], bool], timeout_s: float) -> None:
        until = monotonic() + timeout_s
        while not holds() and (left_s := until - monotonic()) > 0:
            self._wake.clear()
            await self._bus.wait(self._wake, left_s)

    # ---- what it tells ----

    def _begin(self, listener: Listener) -> None:
        assert self._alive is not None
        listener.begin(self._alive)
        for told in tuple(self._latest.values()):
            listener.hear(told)
        self.say(listener.wish())

    def _receive(self, data: bytes) -> None:
        for told in self._parser.receive(data):
            match told:
                case Alive():
                    self._alive, self._heard_at = told, monotonic()
                    self._wake.set()
                case Restarted():
                    self._restarted(told)
                case ConfigureAsked() if self.model.configure is not None:
                    self._configure(self.model.configure)
                case Other() | ConfigureAsked():
                    pass
                case _:
                    self._take(told)

    def _take(self, told: Told) -> None:
        self._latest[type(told), told.port] = told
        if self._begun:
            for listener in tuple(self._listeners):
                listener.hear(told)

    def _restarted(self, told: Restarted) -> None:
        self._latest.clear()
        self._has_restarted = True
        self._wake.set()
        if not self._begun:
            return
        self._counters["restarts"] += 1
        asked, self._reset_asked = self._reset_asked, False
        for listener in tuple(self._listeners):
            if not asked:
                listener.restarted(told.by_watchdog)
            self.say(listener.wish())

    def _configure(self, field: int) -> None:
        self._bus.send(configure(field, self.wiring))


def line_of(bus: SerialBus, name: Name, part: str) -> McuLine:
    """The line of this bus, the same for every driver that asks.

    Raises:
        BadOptions: another driver says that another board is on it.

    """
    line = bus.shared
    if line is None:
        line = bus.shared = McuLine(bus, name)
    if not isinstance(line, McuLine) or line.name != name:
        other = repr(line.name) if isinstance(line, McuLine) else "something else"
        raise BadOptions(f"{part}: board {name!r}, but another part says that {other} is on this bus")
    return line
