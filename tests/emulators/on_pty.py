"""A part with a serial line of its own, behind a pseudo-terminal, and its timers.  Knows no protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tests.emulators.emulator import Emulator
from tests.emulators.load import Load
from tests.emulators.pty import QUIET, Noise, Pty


class PtyEmulator(Emulator):
    """What its host says comes to ``_receive``; ``_pty.send`` answers."""

    def __init__(self, load: Load | None = None, noise: Noise = QUIET, speed: float = 1.0) -> None:
        super().__init__(load, noise, speed)
        self._pty = Pty(self._receive, noise)
        self._timers: dict[str, asyncio.TimerHandle] = {}

    async def open(self) -> str:
        return self._pty.open()

    async def close(self) -> None:
        self._cancel(*self._timers)
        self._pty.close()

    async def take_away(self) -> None:
        self._pty.take_away()

    async def bring_back(self) -> None:
        self._pty.bring_back()

    def garbage(self, data: bytes) -> None:
        self._pty.send(data)

    def _receive(self, data: bytes) -> None:
        raise NotImplementedError

    def _after(self, name: str, delay_s: float, act: Callable[[], None]) -> None:
        """Do this then, and not what was to be done under this name."""
        self._cancel(name)
        self._timers[name] = asyncio.get_running_loop().call_later(delay_s / self.speed, act)

    def _cancel(self, *names: str) -> None:
        for name in names:
            if (timer := self._timers.pop(name, None)) is not None:
                timer.cancel()
