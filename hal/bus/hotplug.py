"""Which node a device has, and when to open a lost one again: when udev names it, else after a growing delay.

Opens nothing itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from hal.errors import BusLost

Match = dict[str, str]
"""Properties that udev knows of a device (``udevadm info``), all of which must be as said."""

Kind = Literal["CAN interface", "tty"]
SUBSYSTEMS: dict[Kind, str] = {"CAN interface": "net", "tty": "tty"}

INTERFACES = "/sys/class/net/"
"""The kernel's folder with one for each network interface."""

ARPHRD_CAN = "280"
"""What ``type`` in it says of a CAN interface, linux/if_arp.h."""

DELAYS_S = (0.5, 1.0, 2.0, 4.0, 5.0)
SETTLED_S = 30.0
"""A line that was open for this long starts the delays anew; one that flaps does not."""

_UDEV = Path("/run/udev/control")


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the device is: its node or a link to one (``/dev/serial/by-id/...``), or what udev knows of it.

    ``match`` has properties as ``udevadm info`` shows them (``ID_VENDOR_ID``, ``ID_SERIAL_SHORT``): one device has all.
    """

    device: Annotated[str, Meta(min_length=1)] | None = None
    match: Annotated[Match, Meta(min_length=1)] | None = None

    def __post_init__(self) -> None:
        if (self.device is None) is (self.match is None):
            raise ValueError("expected `device` or `match`, and not both")


class HotPlug:
    """The way back to one device node.  Several drivers of one line may wait at the same time."""

    def __init__(self, device: str | None, match: Match | None = None, kinds: tuple[Kind, ...] = ("tty",)) -> None:
        self._device = device
        self._match = match or {}
        self._kinds = kinds
        told = ", ".join(f"{key}={value}" for key, value in self._match.items())
        self.name = device or f"{' or '.join(kinds)} with {told}"
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
        found = sorted(node for node, told in devices(self._kinds) if self._match.items() <= told.items())
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
        with _udev_news(news, self._kinds):
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


def devices(kinds: tuple[Kind, ...]) -> Iterator[tuple[str, Mapping[str, str]]]:
    """What udev knows of these kinds: nodes (of an interface: its folder) and properties; nothing without udev."""
    try:
        from pyudev import Context  # only for a board that names a device by its properties

        for kind in kinds:
            for device in Context().list_devices(subsystem=SUBSYSTEMS[kind]):
                node = device.device_node if kind == "tty" else f"{INTERFACES}{device.sys_name}"
                if node is not None and (kind == "tty" or _is_can(node)):
                    yield node, dict(device.properties)
    except (ImportError, OSError):
        return


def _is_can(interface: str) -> bool:
    with suppress(OSError):
        return (Path(interface) / "type").read_text(encoding="ascii").strip() == ARPHRD_CAN
    return False


@contextmanager
def _udev_news(news: asyncio.Event, kinds: tuple[Kind, ...]) -> Iterator[None]:
    """Set ``news`` when udev adds or changes such a device.  Without udev (a container) only the delays are left."""
    if not _UDEV.exists():
        yield
        return
    try:
        # Costs 1 MB and a shared library: only while a device is missing.
        from pyudev import Context, Monitor

        monitor = Monitor.from_netlink(Context())
        for kind in kinds:
            monitor.filter_by(SUBSYSTEMS[kind])
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
