"""The far end of a serial line: a pseudo-terminal under a fixed path, and the noise that is on it.  Knows no part."""

from __future__ import annotations

import asyncio
import os
import tty
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from tempfile import mkdtemp

import msgspec

Sink = Callable[[bytes], None]


class Noise(msgspec.Struct, frozen=True):
    """What a line does to bytes, in both directions.  ``chunk`` 0: they arrive together, as they were sent.

    ``garbage`` is the chance of a random byte before each byte, ``loss`` that of a byte to vanish.
    """

    chunk: int = 0
    garbage: float = 0.0
    loss: float = 0.0
    delay_s: float = 0.0
    seed: int = 1


QUIET = Noise()
BYTE_BY_BYTE = Noise(chunk=1)


class NoisyPath:
    """One direction of a line: what goes in comes out at ``sink`` later, in pieces, worse, and in order."""

    def __init__(self, noise: Noise, sink: Sink) -> None:
        self._noise = noise
        self._sink = sink
        self._random = Random(noise.seed)
        self._pieces: deque[bytes] = deque()
        self._timer: asyncio.Handle | None = None

    def send(self, data: bytes) -> None:
        if self._noise == QUIET:
            self._sink(data)
            return
        worse = self._spoilt(data)
        step = self._noise.chunk or len(worse) or 1
        self._pieces.extend(worse[start : start + step] for start in range(0, len(worse), step))
        self._schedule()

    def close(self) -> None:
        self._pieces.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _spoilt(self, data: bytes) -> bytes:
        worse = bytearray()
        for byte in data:
            if self._random.random() < self._noise.garbage:
                worse.append(self._random.randrange(256))
            if self._random.random() >= self._noise.loss:
                worse.append(byte)
        return bytes(worse)

    def _schedule(self) -> None:
        if self._timer is None and self._pieces:
            self._timer = asyncio.get_running_loop().call_later(self._noise.delay_s, self._deliver)

    def _deliver(self) -> None:
        self._timer = None
        if self._pieces:
            self._sink(self._pieces.popleft())
        self._schedule()


class Pty:
    """A device node that an emulator stands behind.  It can be pulled out and plugged in again under the same path."""

    def __init__(self, receive: Sink, noise: Noise = QUIET) -> None:
        self._receive = NoisyPath(noise, receive)
        self._reply = NoisyPath(noise, self._write)
        self._folder: Path | None = None
        self._master = self._slave = -1

    @property
    def path(self) -> str:
        assert self._folder is not None, "not open"
        return str(self._folder / "tty")

    def open(self) -> str:
        """Make the node; its path stays the same until ``close``."""
        self._folder = Path(mkdtemp(prefix="emulator-"))
        self.bring_back()
        return self.path

    def close(self) -> None:
        if self._folder is not None:
            self.take_away()
            self._folder.rmdir()
            self._folder = None

    def send(self, data: bytes) -> None:
        """Say something to the host."""
        if self._master >= 0:
            self._reply.send(data)

    def take_away(self) -> None:
        """Pull the plug."""
        if self._master < 0:
            return
        asyncio.get_running_loop().remove_reader(self._master)
        self._receive.close()
        self._reply.close()
        Path(self.path).unlink()
        os.close(self._slave)
        os.close(self._master)
        self._master = self._slave = -1

    def bring_back(self) -> None:
        """Plug it in."""
        # The slave stays open here as well: a master whose last slave closes reads errors until the next one opens.
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        asyncio.get_running_loop().add_reader(self._master, self._readable)
        Path(self.path).symlink_to(os.ttyname(self._slave))

    def _readable(self) -> None:
        with suppress(BlockingIOError):
            self._receive.send(os.read(self._master, 4096))

    def _write(self, data: bytes) -> None:
        # A real line has no flow control: what nobody reads is lost.
        with suppress(BlockingIOError):
            os.write(self._master, data)


class NullModem:
    """Two device nodes joined back to back: the host opens ``near``, somebody's serial server opens ``far``."""

    def __init__(self, noise: Noise = QUIET) -> None:
        self._near = Pty(self._to_far, noise)
        self._far = Pty(self._near.send)

    def open(self) -> str:
        self._far.open()
        return self._near.open()

    @property
    def far(self) -> str:
        return self._far.path

    def _to_far(self, data: bytes) -> None:
        self._far.send(data)

    def close(self) -> None:
        self._near.close()
        self._far.close()

    def garbage(self, data: bytes) -> None:
        """Noise arrives at the host."""
        self._near.send(data)

    def take_away(self) -> None:
        """Pull the host's plug."""
        self._near.take_away()

    def bring_back(self) -> None:
        self._near.bring_back()
