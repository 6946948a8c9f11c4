"""One serial line for one driver: bytes out, bytes in from the loop's reader, loss told at once.  Knows no protocol."""

from __future__ import annotations

import asyncio
import errno
import os
import termios
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated, Literal

import serial
from msgspec import Meta

from hal.bus.hotplug import HotPlug, Line
from hal.bus.waiting import Waiting
from hal.errors import BusLost

Receive = Callable[[bytes], None]
Baud = Annotated[int, Meta(ge=300, le=4_000_000)]
Parity = Literal["none", "even", "odd"]

PARITIES: dict[Parity, str] = {"none": serial.PARITY_NONE, "even": serial.PARITY_EVEN, "odd": serial.PARITY_ODD}
WRITE_TIMEOUT_S = 1.0
DRAIN_POLL_S = 0.002


class SerialBus:
    """A line that belongs to one driver.

    ``receive`` of the driver is called from the loop as soon as bytes are there: no thread, no polling.  Every method
    that waits raises BusLost when the device is gone; the driver then closes, waits in ``wait_back`` and opens again.
    """

    kind = "serial"
    exclusive = True
    """For one part, or for the parts of one device: drivers with the same ``line_type``."""

    class Config(Line, frozen=True):
        """A line of 8 data bits."""

        baud: Baud = 115_200
        parity: Parity = "none"
        stopbits: Literal[1, 2] = 1

    def __init__(self, config: SerialBus.Config) -> None:
        self._config = config
        self._hotplug = HotPlug(config.device, config.match)
        self._port: serial.Serial | None = None
        self._fd = -1
        self._receive: Receive = _ignore
        self._waiting = Waiting(self._check)
        self._unsent = b""
        self._taken = asyncio.Event()
        self._patience: asyncio.TimerHandle | None = None
        self._reason = "not open"
        self.shared: object = None
        """What the drivers of one device with several parts have in common on this line; the first of them makes it."""

    @property
    def device(self) -> str:
        return self._hotplug.name

    @property
    def is_open(self) -> bool:
        return self._port is not None

    async def open(self, receive: Receive) -> None:
        """Open the device for this process alone and hand what it says to ``receive``.

        Raises:
            BusLost: not there, not a tty, not permitted, or held by another part or process.

        """
        if self._port is not None:
            raise BusLost(f"{self.device}: used by another part of this board")
        self._port = open_port(self._hotplug.node(), self._config.baud, self._config.parity, self._config.stopbits)
        self._fd = self._port.fileno()
        self._receive = receive
        self._hotplug.opened()
        asyncio.get_running_loop().add_reader(self._fd, self._readable)

    def close(self) -> None:
        """Let go of the device; harmless when it is not open."""
        self._lose("closed")

    async def wait_back(self) -> None:
        """Wait until it is worth opening the device again."""
        await self._hotplug.wait()

    def duplicate(self) -> int:
        """A descriptor for a thread that writes when the loop cannot; its owner closes it before the next ``open``.

        Raises:
            BusLost: the device is gone.

        """
        self._check()
        return os.dup(self._fd)

    def send(self, data: bytes) -> None:
        """Hand ``data`` to the kernel: at once, or behind what it has not taken yet.

        A device that is gone, or takes nothing for a second, is told to those who wait.
        """
        if self._port is None:
            return
        behind = bool(self._unsent)
        self._unsent += data
        if not behind:
            self._push()

    async def write(self, data: bytes) -> None:
        """Hand all of ``data`` to the kernel.

        Raises:
            BusLost: the device is gone, or has taken nothing for a second.

        """
        self._check()
        self.send(data)
        while self._unsent:
            self._taken.clear()
            await self.wait(self._taken, None)
        self._check()

    async def drain(self) -> None:
        """Wait until everything has left the kernel: closing drops what has not.

        Raises:
            BusLost: the device is gone.

        """
        self._check()
        while self._port is not None:
            try:
                if not self._unsent and not self._port.out_waiting:
                    return
            except OSError as error:
                self._lose(_words(error))
                self._check()
            await asyncio.sleep(DRAIN_POLL_S)

    async def wait(self, wake: asyncio.Event, timeout_s: float | None) -> None:
        """Wait for ``wake``, at most ``timeout_s``; each task with a ``wake`` of its own.

        Raises:
            BusLost: the device is gone.

        """
        await self._waiting.wait(wake, timeout_s)

    def _check(self) -> None:
        if self._port is None:
            raise BusLost(f"{self.device}: {self._reason}")

    def _readable(self) -> None:
        try:
            data = os.read(self._fd, 4096)
        except BlockingIOError:
            return
        except OSError as error:
            self._lose(_words(error))
            return
        if data:
            self._receive(data)
        else:
            self._lose("hung up")

    def _push(self) -> None:
        try:
            self._unsent = self._unsent[os.write(self._fd, self._unsent) :]
        except BlockingIOError:
            pass
        except OSError as error:
            self._lose(_words(error))
            return
        if self._unsent:
            self._push_later()
        else:
            self._stop_pushing()

    def _push_later(self) -> None:
        self._stop_pushing()
        loop = asyncio.get_running_loop()
        loop.add_writer(self._fd, self._push)
        self._patience = loop.call_later(WRITE_TIMEOUT_S, self._lose, "takes no bytes")

    def _stop_pushing(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
            asyncio.get_running_loop().remove_writer(self._fd)
            self._taken.set()

    def _lose(self, reason: str) -> None:
        if self._port is None:
            return
        port, self._port, self._reason = self._port, None, reason
        self._unsent = b""
        self._stop_pushing()
        asyncio.get_running_loop().remove_reader(self._fd)
        self._fd = -1
        with suppress(OSError, termios.error):
            if port.out_waiting:
                port.reset_output_buffer()  # a close must not wait for bytes that nobody takes
        with suppress(OSError):
            port.close()
        self._waiting.wake()


def open_port(device: str, baud: int, parity: Parity, stopbits: int) -> serial.Serial:
    """A tty in raw mode, non-blocking, locked for this process, input dropped.

    Raises:
        BusLost: the text names the device and why.

    """
    try:
        return serial.Serial(
            device, baud, parity=PARITIES[parity], stopbits=stopbits, timeout=0, write_timeout=0, exclusive=True
        )
    except (OSError, ValueError, termios.error) as error:
        raise BusLost(f"{device}: {_words(error)}") from None


def _words(error: Exception) -> str:
    number = error.errno if isinstance(error, OSError) else None
    if number in (errno.EAGAIN, errno.EBUSY):
        return "in use by another process"
    if number == errno.EIO:
        return "hung up"
    return os.strerror(number) if number else str(error)


def _ignore(data: bytes) -> None:
    """Nobody listens yet."""
