"""What every emulator of a part offers to a test, to the demo player and to a keyboard.  Knows no part."""

from __future__ import annotations

import asyncio
import os
import sys
import termios
import tty
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, ClassVar, Self

from tests.emulators.load import Load
from tests.emulators.pty import QUIET, Noise


class Emulator:
    """One part, behind a device node of its own.

    ``bus_kind`` is the kind of bus that its driver sits on.  ``stimuli`` are the names of the methods by which the
    world acts on the part; ``keys`` binds some to a keyboard.
    """

    bus_kind: ClassVar[str] = "serial"
    stimuli: ClassVar[frozenset[str]] = frozenset()
    keys: ClassVar[dict[str, str]] = {}

    def __init__(self, load: Load | None = None, noise: Noise = QUIET, speed: float = 1.0) -> None:
        self.load = load or Load()
        self.noise = noise
        self.speed = speed
        """How much faster than the real part's its delays run."""

    @classmethod
    def for_part(cls, options: Mapping[str, Any], load: Load, noise: Noise = QUIET, speed: float = 1.0) -> Self:
        """The emulator of a part with these options in the board file."""
        return cls(load, noise, speed)

    def share_line(self, other: Emulator) -> None:
        """Take another part onto this one's line, before ``open``; only where the protocol has addresses."""
        raise ValueError(f"{type(self).__name__} is alone on its line")

    async def open(self) -> str:
        """Start; the path of the device node that a driver opens."""
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError

    async def take_away(self) -> None:
        """The device node disappears."""
        raise NotImplementedError

    async def bring_back(self) -> None:
        """The device node is there again, under the same path."""
        raise NotImplementedError

    def garbage(self, data: bytes) -> None:
        """Noise arrives at the host."""
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        self.device = await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


async def serve_keyboard(emulator: Emulator, show: Callable[[], str]) -> None:
    """Run until ``q`` or the end of the input; keys act on the part, what ``show`` says is printed when it changes."""
    async with emulator:
        bound = ", ".join(f"{key} {name}" for key, name in emulator.keys.items())
        print(f"{emulator.device}\nkeys: {bound}, q quit", flush=True)
        with _keyboard() as keys:
            shown = ""
            while True:
                if (now := show()) != shown:
                    shown = now
                    print(shown, flush=True)
                with suppress(TimeoutError):
                    key = await asyncio.wait_for(keys.get(), 0.2)
                    if key == "q":
                        return
                    if key in emulator.keys:
                        getattr(emulator, emulator.keys[key])()


@contextmanager
def _keyboard() -> Iterator[asyncio.Queue[str]]:
    """Keys without waiting for Enter, where there is a terminal."""
    keys: asyncio.Queue[str] = asyncio.Queue()
    fd = sys.stdin.fileno()
    before = termios.tcgetattr(fd) if sys.stdin.isatty() else None
    if before is not None:
        tty.setcbreak(fd)

    def read() -> None:
        for key in os.read(fd, 64).decode("ascii", "ignore") or "q":
            keys.put_nowait(key)

    loop = asyncio.get_running_loop()
    loop.add_reader(fd, read)
    try:
        yield keys
    finally:
        loop.remove_reader(fd)
        if before is not None:
            termios.tcsetattr(fd, termios.TCSADRAIN, before)
