"""Parts on a CAN bus, behind an adapter that speaks slcan on a pseudo-terminal.  Knows no part's protocol.

Noise is what a CAN bus has: frames that are lost or late, and frames of others.  It never spoils a frame: the bus has
a checksum of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random

from tests.emulators.emulator import Emulator
from tests.emulators.load import Load
from tests.emulators.pty import QUIET, Noise, Pty

FRAME_BYTES = 27
BITRATES = {"S3": 100_000, "S4": 125_000, "S5": 250_000, "S6": 500_000, "S8": 1_000_000}


class CanPart(Emulator):
    """One part; on a bus of its own unless another part takes it onto its own.  ``speed`` runs its timers faster."""

    bus_kind = "can"

    def __init__(self, load: Load | None = None, noise: Noise = QUIET, speed: float = 1.0) -> None:
        super().__init__(load, noise, speed)
        self.muted = False
        self.adapter = Adapter(noise)
        self.adapter.parts.append(self)
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def share_line(self, other: Emulator) -> None:
        if not isinstance(other, CanPart):
            raise ValueError(f"{type(other).__name__} does not speak CAN")
        self.adapter.parts.append(other)
        other.adapter = self.adapter

    async def open(self) -> str:
        path = self.adapter.open()
        for part in self.adapter.parts:
            part.start()
        return path

    async def close(self) -> None:
        for part in self.adapter.parts:
            part.cancel(*part._timers)
        self.adapter.close()

    async def take_away(self) -> None:
        self.adapter.take_away()

    async def bring_back(self) -> None:
        self.adapter.bring_back()

    def garbage(self, data: bytes) -> None:
        self.adapter.garbage(data)

    def mute(self) -> None:
        """It says nothing any more: its supply is off."""
        self.muted = True

    def unmute(self) -> None:
        self.muted = False

    def start(self) -> None:
        """The supply is there."""

    def hear(self, id: int, data: bytes) -> None:
        """A frame of the host."""
        raise NotImplementedError

    def say(self, id: int, data: bytes) -> None:
        if not self.muted:
            self.adapter.send(id, data)

    def after(self, name: str, delay_s: float, act: Callable[[], None], *, real: bool = False) -> None:
        """``real``: against the clock of the host, which no ``speed`` makes faster."""
        self.cancel(name)
        delay_s = delay_s if real else delay_s / self.speed
        self._timers[name] = asyncio.get_running_loop().call_later(delay_s, act)

    def cancel(self, *names: str) -> None:
        for name in names:
            if (timer := self._timers.pop(name, None)) is not None:
                timer.cancel()


class Adapter:
    """An slcan adapter, and the bus behind it."""

    def __init__(self, noise: Noise = QUIET) -> None:
        self.parts: list[CanPart] = []
        self.is_open = False
        self.bitrate = 0
        self.heard: list[tuple[int, bytes]] = []
        self._noise = noise
        self._random = Random(noise.seed)
        self._pending = b""
        self._pty = Pty(self._receive, Noise(chunk=noise.chunk))

    def open(self) -> str:
        return self._pty.open()

    def close(self) -> None:
        self._pty.close()

    def take_away(self) -> None:
        self.is_open = False
        self._pty.take_away()

    def bring_back(self) -> None:
        self._pending = b""
        self._pty.bring_back()

    def garbage(self, data: bytes) -> None:
        """What an adapter says that is no frame."""
        self._pty.send(data + b"\r")

    def send(self, id: int, data: bytes) -> None:
        """A part says something to the host."""
        if not self.is_open or self._random.random() < self._noise.loss * FRAME_BYTES:
            return
        if self._random.random() < self._noise.garbage * FRAME_BYTES:
            self._put(self._random.randrange(1 << 29), self._random.randbytes(8))
        self._put(id, data)

    def _put(self, id: int, data: bytes) -> None:
        text = b"T%08X%d%s\r" % (id, len(data), data.hex().upper().encode("ascii"))
        if self._noise.delay_s:
            asyncio.get_running_loop().call_later(self._noise.delay_s, self._pty.send, text)
        else:
            self._pty.send(text)

    def _receive(self, data: bytes) -> None:
        *lines, self._pending = (self._pending + data).split(b"\r")
        for line in lines:
            self._obey(line.decode("ascii", "replace"))

    def _obey(self, line: str) -> None:
        if line in ("O", "C"):
            self.is_open = line == "O"
        elif line in BITRATES:
            self.bitrate = BITRATES[line]
        elif line.startswith("T") and self.is_open:
            id, frame = int(line[1:9], 16), bytes.fromhex(line[10 : 10 + 2 * int(line[9])])
            self.heard.append((id, frame))
            if self._random.random() >= self._noise.loss * FRAME_BYTES:
                for part in self.parts:
                    if not part.muted:
                        part.hear(id, frame)
