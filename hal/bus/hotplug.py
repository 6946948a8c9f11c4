"""Which node a device has, and when to open a lost one again: when udev names it, else after a growing delay.

Opens nothing itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic

from hal.errors import BusLost

Match = dict[str, str]
"""Properties that udev knows of a device (``udevadm info``), all of which must be as said."""

DELAYS_S = (0.5, 1.0, 2.0, 4.0, 5.0)
SETTLED_S = 30.0
"""A line that was open for this long starts the delays anew; one that flaps does not."""

_UDEV = Path("/run/udev/control")


class HotPlug:
    """The way back to one device node.  Several drivers of one line may wait at the same time."""

    def __init__(self, device: str | None, match: Match | None = None) -> None:
        self._device = device
        self._match = match or {}
        self.name = device or f"tty with {', '.join(f'{key}={value}' for key, value in self._match.items())}"
        """What it is called where it is spoken of."""
        self._tries = 0
        self._opened_at: float | None = None

    def node(self) -> str:
        """The path of the node as it is now.

        Raises:
            BusLost: no device has these properties, or more than one.

        """
        if self._device is not None:
            return self._device
        found = sorted(node for node, told in ttys() if self._match.items() <= told.items())
        if len(found) == 1:
            return found[0]
        raise BusLost(f"{self.name}: {f'{len(found)} devices: ' + ', '.join(found) if found else 'no such device'}")

    def opened(self) -> None:
        """The device was opened just now."""
        self._opened_at = monotonic()

    async def wait(self) -> None:
        """Wait until the node is there and a delay has passed that grows from try to try."""
        opened_at, self._opened_at = self._opened_at, None
        if opened_at is not None and monotonic() - opened_at > SETTLED_S:
            self._tries = 0
        news = asyncio.Event()
        with _udev_news(news):
            while True:
                news.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._next_delay()):
                        await news.wait()
                if self._is_there():
                    return

    def _is_there(self) -> bool:
        try:
            return Path(self.node()).exists()
        except BusLost:
            return False

    def _next_delay(self) -> float:
        delay = DELAYS_S[min(self._tries, len(DELAYS_S) - 1)]
        self._tries += 1
        return delay


def ttys() -> Iterator[tuple[str, Mapping[str, str]]]:
    """Every tty that udev knows: its node and its properties; none where there is no udev."""
    try:
        from pyudev import Context  # only for a board that names a device by its properties

        for device in Context().list_devices(subsystem="tty"):
            if device.device_node is not None:
                yield device.device_node, dict(device.properties)
    except (ImportError, OSError):
        return


@contextmanager
def _udev_news(news: asyncio.Event) -> Iterator[None]:
    """Set ``news`` when udev adds or changes a tty.  Without udev (a container) only the delays are left."""
    if not _UDEV.exists():
        yield
        return
    try:
        # Costs 1 MB and a shared library: only while a device is missing.
        from pyudev import Context, Monitor

        monitor = Monitor.from_netlink(Context())
        monitor.filter_by("tty")
        monitor.start()
    except (ImportError, OSError):
        yield
        return

    def read() -> None:
        while monitor.poll(timeout=0) is not None:
            news.set()

    loop = asyncio.get_running_loop()
    loop.add_reader(monitor.fileno(), read)
    try:
        yield
    finally:
        loop.remove_reader(monitor.fileno())
