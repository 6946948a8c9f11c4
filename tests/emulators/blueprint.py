"""The file to copy for a new emulator: the lock of ``hal/drivers/blueprint.py``, behind a pseudo-terminal."""

from __future__ import annotations

import asyncio

from tests.emulators.emulator import serve_keyboard
from tests.emulators.load import Load
from tests.emulators.on_pty import PtyEmulator
from tests.emulators.pty import QUIET, Noise

MOVES_S = 0.3


class EmulatedLock(PtyEmulator):
    """It behaves like the part, also where the driver would like it better otherwise: it moves slowly, it may jam."""

    stimuli = frozenset({"jam", "free"})
    keys = {"j": "jam", "f": "free"}

    def __init__(self, load: Load | None = None, noise: Noise = QUIET, speed: float = 1.0) -> None:
        super().__init__(load, noise, speed)
        self.position = "UNLOCKED"
        self.jammed = False
        self.muted = False
        self._pending = b""

    def jam(self) -> None:
        """The bolt does not move any more."""
        self.jammed = True

    def free(self) -> None:
        self.jammed = False

    def _receive(self, data: bytes) -> None:
        *lines, self._pending = (self._pending + data).split(b"\n")
        for line in lines:
            if self.muted:
                continue
            if line == b"?":
                self._say()
            elif line in (b"LOCK", b"UNLOCK") and not self.jammed:
                self._move(line.decode("ascii") + "ED")

    def _move(self, target: str) -> None:
        self.position = "MOVING"
        self._say()
        self._after("motor", MOVES_S, lambda: self._arrive(target))

    def _arrive(self, target: str) -> None:
        self.position = target
        self._say()

    def _say(self) -> None:
        self._pty.send(self.position.encode("ascii") + b"\n")


if __name__ == "__main__":
    part = EmulatedLock()
    asyncio.run(serve_keyboard(part, lambda: part.position))
