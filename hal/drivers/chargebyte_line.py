"""One chargebyte safety controller's line, for all drivers that listen to it.  Knows no meaning of what is said."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from time import monotonic
from typing import Protocol

from hal.bus.serial import SerialBus
from hal.drivers.chargebyte_keepalive import KeepAlive
from hal.errors import BadOptions, HalError, NoAnswer
from hal.wire.chargebyte import CHARGE_STATE, FIRMWARE, FULL_DUTY, PT1000, Control, Frame, Parser, Version, inquiry

ANSWER_S = 0.25
"""An answer takes 30 ms at most, and may wait behind two periodic frames."""

TRIES = 4
SILENT_S = 1.5
"""Periodic frames come every 100 ms; the vendor's own driver gives a controller this long."""

RESTART_S = 0.3
LAST_WORD_S = 0.1
STEADY = Control(pwm=True, duty=FULL_DUTY)
"""No current is offered and no contactor asked for: x1."""

Pulse = Callable[[], Awaitable[None]]


class Listener(Protocol):
    """A driver on this line."""

    def begin(self, version: Version) -> None:
        """The controller answers; HalError: it is not one that this driver can talk to."""

    def hear(self, frame: Frame) -> None: ...

    def lost(self, reason: str) -> None: ...


class SafetyLine:
    """The line of one bus.  The first of its listeners runs it for all; when that one leaves, another takes over."""

    def __init__(self, bus: SerialBus) -> None:
        self.device = bus.device
        self.keepalive = KeepAlive(farewell=STEADY.frame().to_bytes())
        self.pilot: object | None = None
        """The one driver that may speak."""
        self._bus = bus
        self._parser = Parser()
        self._listeners: list[Listener] = []
        self._turn = asyncio.Lock()
        self._wake = asyncio.Event()
        self._answers: list[Version] = []
        self._version: Version | None = None
        self._lost_by: str | None = None
        self._pulse: Pulse | None = None
        self._outbox: list[Frame] = []
        self._heard_at = 0.0
        self._counters = {"lost": 0, "resets": 0}

    @property
    def counters(self) -> dict[str, int]:
        """What went wrong on this line since the start, and how many frames were good."""
        return self._parser.counters | self.keepalive.counters | self._counters

    async def attend(self, listener: Listener) -> None:
        """Tell ``listener`` what is heard, until this is cancelled."""
        self._listeners.append(listener)
        try:
            self._catch_up(listener)
            async with self._turn:
                await self._run()
        finally:
            self._listeners.remove(listener)

    def send(self, frame: Frame) -> None:
        """Say something once, while the controller is there."""
        self._outbox.append(frame)
        self._wake.set()

    def reset(self, pulse: Pulse) -> None:
        """Restart the controller; what it has latched is gone then."""
        self._pulse = pulse
        self._wake.set()

    def _catch_up(self, listener: Listener) -> None:
        if self._version is not None:
            try:
                listener.begin(self._version)
            except HalError as error:
                listener.lost(str(error))
        elif self._lost_by is not None:
            listener.lost(self._lost_by)

    async def _run(self) -> None:
        try:
            while True:
                try:
                    await self._serve()
                except HalError as error:
                    self._counters["lost"] += 1
                    self._lost_by = str(error)
                    for listener in tuple(self._listeners):
                        listener.lost(self._lost_by)
                await self._let_go()
                await self._bus.wait_back()
        finally:
            await self._let_go()

    async def _let_go(self) -> None:
        self._version = self._pulse = None
        self.keepalive.stop()  # before the line is opened again: its descriptor holds the lock of the device
        try:
            with suppress(HalError, TimeoutError):
                async with asyncio.timeout(LAST_WORD_S):
                    await self._bus.drain()
        finally:
            self._bus.close()

    async def _serve(self) -> None:
        self._parser.reset()
        await self._bus.open(self._receive)
        # An inquiry is no periodic frame: a controller that is refused stays in its INIT.
        version = await self._ask_version()
        for listener in tuple(self._listeners):
            listener.begin(version)
        self._version = version
        self._outbox.clear()
        self.keepalive.start(self._bus.duplicate())
        while True:
            if self._pulse is not None:
                await self._restart(self._pulse)
            while self._outbox:
                await self._bus.write(self._outbox.pop(0).to_bytes())
            left_s = self._heard_at + SILENT_S - monotonic()
            if left_s <= 0:
                raise NoAnswer(f"{self.device}: silent")
            await self._bus.wait(self._wake, left_s)
            self._wake.clear()

    async def _ask_version(self) -> Version:
        question = inquiry(FIRMWARE).to_bytes()
        for _ in range(TRIES):
            self._answers.clear()
            await self._bus.write(question)
            until = monotonic() + ANSWER_S
            while not self._answers and (left_s := until - monotonic()) > 0:
                await self._bus.wait(self._wake, left_s)
                self._wake.clear()
            if self._answers:
                return self._answers[-1]
        raise NoAnswer(f"{self.device}: no answer to the question for its firmware")

    async def _restart(self, pulse: Pulse) -> None:
        self._pulse = None
        self._counters["resets"] += 1
        await pulse()
        await asyncio.sleep(RESTART_S)
        self._heard_at = monotonic()

    def _receive(self, data: bytes) -> None:
        for frame in self._parser.receive(data):
            if frame.com == FIRMWARE:
                self._answers.append(Version.from_word(frame.word))
                self._heard_at = monotonic()
                self._wake.set()
            elif self._version is not None:
                if frame.com in (CHARGE_STATE, PT1000):
                    self._heard_at = monotonic()
                for listener in tuple(self._listeners):
                    listener.hear(frame)


def line_of(bus: SerialBus, part: str) -> SafetyLine:
    """The line of this bus, the same for every driver that asks.

    Raises:
        BadOptions: another driver says that something else is on it.

    """
    line = bus.shared
    if line is None:
        line = bus.shared = SafetyLine(bus)
    if not isinstance(line, SafetyLine):
        raise BadOptions(f"{part}: another part says that something else than a safety controller is on this bus")
    return line
