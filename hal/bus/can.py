"""A CAN bus that drivers share: extended frames out, frames in by filter, loss told at once.  Knows no protocol."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from time import monotonic
from typing import Annotated, Any

from msgspec import Meta

from hal.bus.hotplug import INTERFACES, HotPlug, Line
from hal.bus.waiting import Waiting
from hal.errors import BadOptions, BusLost

Receive = Callable[[int, bytes], None]
Filter = tuple[int, int]
"""Identifier and mask: a frame is heard where ``id & mask == identifier & mask``."""

VIRTUAL = "virtual:"
MOST_AT_ONCE = 64
WRITE_TIMEOUT_S = 0.2
VIRTUAL_POLL_S = 0.02
BUS_OFF = 0x40
"""Class of an error frame, linux/can/error.h."""


class CanBus:
    """One bus, opened when the first driver joins and closed when the last one leaves.

    ``device`` says what it is: ``can0`` a SocketCAN interface (the system sets its bit rate and brings it up),
    ``/dev/tty...`` an adapter that speaks slcan, ``virtual:NAME`` a bus inside this process.  ``match`` finds the one
    or the other by what udev knows of it.
    """

    kind = "can"

    class Config(Line, frozen=True):
        """``bitrate`` is for slcan adapters.  What comes faster than ``most_per_s`` is dropped and counted."""

        bitrate: Annotated[int, Meta(ge=10_000, le=1_000_000)] = 500_000
        most_per_s: Annotated[int, Meta(ge=10, le=100_000)] = 4000

    def __init__(self, config: CanBus.Config) -> None:
        if find_spec("can") is None:
            raise BadOptions(
                f"bus {config.device or config.match}: CAN needs python-can: pip install 'station-agent[can]'"
            )
        self._config = config
        self._hotplug = HotPlug(_node(config.device), config.match, ("CAN interface", "tty"))
        self._channel = config.device or ""
        self._lines: list[CanLine] = []
        self._bus: Any = None
        self._notifier: Any = None
        self._fd = -1
        self._second, self._in_second = 0.0, 0
        self._counters = {"frames": 0, "garbled": 0, "error_frames": 0, "bus_off": 0, "flooded": 0, "not_sent": 0}

    @property
    def device(self) -> str:
        return self._config.device or self._hotplug.name

    @property
    def counters(self) -> dict[str, int]:
        """What happened on this bus since the start."""
        return dict(self._counters)

    def line(self, receive: Receive, filters: Sequence[Filter]) -> CanLine:
        """A driver's share of the bus; not yet open."""
        return CanLine(self, receive, tuple(filters))

    async def wait_back(self) -> None:
        """Wait until it is worth opening the bus again."""
        await self._hotplug.wait()

    def join(self, line: CanLine) -> None:
        """Hear and speak from now on.

        Raises:
            BusLost: not there, down, not permitted, or held by another process.

        """
        if self._bus is None:
            self._open()
        if line not in self._lines:
            self._lines.append(line)
        self._bus.set_filters(
            [{"can_id": id, "can_mask": mask, "extended": True} for each in self._lines for id, mask in each.filters]
        )

    def leave(self, line: CanLine) -> None:
        """Hear nothing more; the last one closes the bus."""
        if line in self._lines:
            self._lines.remove(line)
        if not self._lines:
            self._close()

    def send(self, id: int, data: bytes) -> None:
        """Hand a frame to the bus.  A queue that is full (nobody acknowledges) drops it: silence shows by itself.

        Raises:
            BusLost: the bus is gone.

        """
        import can

        if self._bus is None:
            raise BusLost(f"{self.device}: not open")
        try:
            self._bus.send(can.Message(arbitration_id=id, data=data, is_extended_id=True))
        except (can.CanError, OSError) as error:
            if _number(error) == errno.ENOBUFS:
                self._counters["not_sent"] += 1
                return
            raise BusLost(self._lose(_words(error))) from None

    # ---- open and closed ----

    def _open(self) -> None:
        import can

        try:
            self._channel = self._config.device or self._hotplug.node().removeprefix(INTERFACES)
            self._check_there()
            self._bus = self._made(can)
        except (can.CanError, OSError, ValueError) as error:
            raise BusLost(f"{self.device}: {_words(error)}") from None
        self._hotplug.opened()
        loop = asyncio.get_running_loop()
        if self._channel.startswith(VIRTUAL):
            self._notifier = can.Notifier(self._bus, [self._take], timeout=VIRTUAL_POLL_S, loop=loop)
        else:
            self._fd = self._bus.fileno()
            loop.add_reader(self._fd, self._readable)

    def _check_there(self) -> None:
        if self._channel.startswith("/"):
            os.stat(self._channel)  # noqa: PTH116 (its error has the number that is told)
        elif not self._channel.startswith(VIRTUAL):
            try:
                flags = int(Path(f"{INTERFACES}{self._channel}/flags").read_text(encoding="ascii"), 16)
            except OSError:
                raise OSError(errno.ENODEV, "") from None
            if not flags & 1:
                raise OSError(errno.ENETDOWN, "")

    def _made(self, can: Any) -> Any:
        if self._channel.startswith(VIRTUAL):
            return can.Bus(ignore_config=True, interface="virtual", channel=self._channel.removeprefix(VIRTUAL))
        if not self._channel.startswith("/"):
            return can.Bus(ignore_config=True, interface="socketcan", channel=self._channel)
        bus = can.Bus(
            ignore_config=True,
            interface="slcan",
            channel=self._channel,
            bitrate=self._config.bitrate,
            sleep_after_open=0,
            timeout=0,
        )
        try:
            bus.serialPortOrig.exclusive = True
        except OSError:
            bus.shutdown()
            raise OSError(errno.EBUSY, "") from None
        bus.serialPortOrig.write_timeout = WRITE_TIMEOUT_S
        return bus

    def _lose(self, reason: str) -> str:
        text = f"{self.device}: {reason}"
        for line in self._lines:
            line.lost(text)
        self._lines.clear()
        self._close()
        return text

    def _close(self) -> None:
        if self._bus is None:
            return
        bus, self._bus = self._bus, None
        if self._notifier is not None:
            self._notifier.stop()
            self._notifier = None
        if self._fd >= 0:
            asyncio.get_running_loop().remove_reader(self._fd)
            self._fd = -1
        with suppress(Exception):  # whatever is wrong with a device that is given up
            bus.shutdown()

    # ---- frames in ----

    def _readable(self) -> None:
        """From the loop, as soon as there is something; the rest of a flood waits for the next turn."""
        for _ in range(MOST_AT_ONCE):
            bus = self._bus
            if bus is None:
                return
            try:
                message = bus.recv(0)
            except Exception as error:
                if not _is_garble(error):
                    self._lose(_words(error))
                    return
                self._counters["garbled"] += 1
                with suppress(Exception):
                    bus._buffer.clear()  # python-can's slcan keeps a line that it cannot read, for ever
                continue
            if message is None:
                return
            self._take(message)

    def _take(self, message: Any) -> None:
        if message.is_error_frame:
            self._take_error(message.arbitration_id)
        elif message.is_extended_id and not message.is_remote_frame and not self._is_flood():
            self._counters["frames"] += 1
            id, data = message.arbitration_id, bytes(message.data)
            for line in [each for each in self._lines if each.hears(id)]:
                line.receive(id, data)

    def _take_error(self, classes: int) -> None:
        self._counters["error_frames"] += 1
        if classes & BUS_OFF:
            self._counters["bus_off"] += 1
            self._lose("bus-off: a short circuit, a wrong bit rate or no terminator")

    def _is_flood(self) -> bool:
        now = monotonic()
        if now - self._second >= 1:
            self._second, self._in_second = now, 0
        self._in_second += 1
        flooded = self._in_second > self._config.most_per_s
        self._counters["flooded"] += flooded
        return flooded


class CanLine:
    """What one driver has of a bus: its filters, and whether it is there."""

    def __init__(self, bus: CanBus, receive: Receive, filters: tuple[Filter, ...]) -> None:
        self._bus = bus
        self.receive = receive
        self.filters = filters
        self._reason: str | None = f"{bus.device}: not open"
        self._waiting = Waiting(self.check)

    @property
    def device(self) -> str:
        return self._bus.device

    def hears(self, id: int) -> bool:
        """Whether a frame passes the filters."""
        return any(id & mask == wanted & mask for wanted, mask in self.filters)

    def open(self) -> None:
        """Take part; raises BusLost as ``CanBus.join`` does."""
        self._bus.join(self)
        self._reason = None

    def close(self) -> None:
        """Take part no more; harmless when it does not."""
        self._reason = f"{self.device}: closed"
        self._bus.leave(self)

    def send(self, id: int, data: bytes) -> None:
        """Say something; raises BusLost."""
        self.check()
        self._bus.send(id, data)

    async def wait(self, wake: asyncio.Event, timeout_s: float | None) -> None:
        """Wait for ``wake``, at most ``timeout_s``.  Raises BusLost."""
        await self._waiting.wait(wake, timeout_s)

    async def wait_back(self) -> None:
        """Wait until it is worth opening the bus again."""
        await self._bus.wait_back()

    def check(self) -> None:
        """Raises BusLost when the bus is gone."""
        if self._reason is not None:
            raise BusLost(self._reason)

    def lost(self, reason: str) -> None:
        """The bus is gone."""
        self._reason = reason
        self._waiting.wake()


def _node(device: str | None) -> str | None:
    """What has to be there for a device that is named."""
    if device is None or device.startswith("/"):
        return device
    return "/" if device.startswith(VIRTUAL) else f"{INTERFACES}{device}"


def _number(error: BaseException) -> int | None:
    """The errno at the bottom of what python-can and pyserial make of it."""
    seen: BaseException | None = error
    while seen is not None:
        number = getattr(seen, "errno", None) or getattr(seen, "error_code", None)
        if isinstance(number, int):
            return number
        seen = seen.__cause__ or seen.__context__
    return None


def _is_garble(error: BaseException) -> bool:
    """Text of an slcan adapter that is no frame; not that the adapter is gone."""
    return _number(error) is None and isinstance(error.__cause__ or error, (ValueError, IndexError))


def _words(error: BaseException) -> str:
    number = _number(error)
    if number in (errno.EAGAIN, errno.EBUSY):
        return "in use by another process"
    if number == errno.EIO:
        return "hung up"
    if number == errno.ENODEV:
        return "no such interface"
    return os.strerror(number) if number else (str(error) or type(error).__name__)
