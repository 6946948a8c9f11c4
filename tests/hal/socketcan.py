"""SocketCAN for real; run by ``test_can_kernel.py`` where the kernel has vcan and slcan, as root."""

from __future__ import annotations

import asyncio
import os
import struct
import subprocess
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import ioctl
from pathlib import Path
from typing import Any

import can
import pytest

from hal.bus.can import CanBus
from hal.drivers.infypower import InfyPower
from hal.errors import BusLost
from hal.events import DcCapability
from hal.ports import DcWish, Place
from tests.emulators.infypower import EmulatedInfyPower
from tests.hal.rig import Heard, eventually, running
from tests.hal.test_can import Listener, a_bus

N_SLCAN = 17

pytestmark = pytest.mark.usefixtures("quick_hotplug")


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


@pytest.fixture
def vcan() -> Iterator[str]:
    ip("link", "add", "dev", "vcan0", "type", "vcan")
    ip("link", "set", "vcan0", "up")
    yield "vcan0"
    subprocess.run(["ip", "link", "del", "vcan0"], check=False)


def node(device: str) -> Any:
    return can.Bus(ignore_config=True, interface="socketcan", channel=device)


async def test_frames_go_out_and_come_in_by_the_kernels_filters(vcan: str) -> None:
    listener, other = Listener(a_bus(vcan), (0x100, 0x1FFFFF00)), node(vcan)
    listener.line.open()
    listener.line.send(0x1234567, b"\x01\x02")
    message = await asyncio.to_thread(other.recv, 5)
    assert (message.arbitration_id, bytes(message.data), message.is_extended_id) == (0x1234567, b"\x01\x02", True)
    for id in (0x200, 0x110):
        other.send(can.Message(arbitration_id=id, data=b"\x03", is_extended_id=True))
    await eventually(lambda: listener.heard == [(0x110, b"\x03")])
    listener.line.close()
    other.shutdown()


async def test_an_interface_that_goes_down_is_lost_and_works_again_when_it_is_up(vcan: str) -> None:
    listener = Listener(a_bus(vcan))
    listener.line.open()
    ip("link", "set", vcan, "down")
    with pytest.raises(BusLost, match="vcan0: Network is down"):
        await listener.line.wait(asyncio.Event(), 5)
    with pytest.raises(BusLost, match="vcan0: Network is down"):
        listener.line.open()
    ip("link", "set", vcan, "up")
    await listener.line.wait_back()
    listener.line.open()
    other = node(vcan)
    other.send(can.Message(arbitration_id=0x1, data=b"", is_extended_id=True))
    await eventually(lambda: listener.heard == [(0x1, b"")])
    listener.line.close()
    other.shutdown()


async def test_an_interface_that_is_pulled_out_is_lost(vcan: str) -> None:
    listener = Listener(a_bus(vcan))
    listener.line.open()
    ip("link", "del", vcan)
    with pytest.raises(BusLost, match="vcan0"):
        await listener.line.wait(asyncio.Event(), 5)
    with pytest.raises(BusLost, match="no such interface"):
        listener.line.open()


async def test_power_modules_behind_the_kernels_own_slcan() -> None:
    """The emulated adapter becomes an interface of the kernel, and the driver opens that."""
    async with EmulatedInfyPower() as part:
        before = set(interfaces())
        with handed_to_the_kernel(part.device):
            await eventually(lambda: set(interfaces()) != before)
            (device,) = set(interfaces()) - before
            part.adapter.is_open = True  # what slcand says before it hands the line over
            ip("link", "set", device, "up")
            heard = Heard()
            place = Place("evse[0].supply", 1)
            driver = InfyPower(InfyPower.Config(gap_s=0.02), place, CanBus(CanBus.Config(device=device)), heard)
            async with running(driver):
                await heard.until(DcCapability(1, 2, 200.0, 1000.0, 100.0, 40_000.0))
                driver.supply(DcWish(True, 400, 60))
                await eventually(lambda: part.link.limit_a == 60 and part.link.voltage_v == 400)


@contextmanager
def handed_to_the_kernel(device: str) -> Iterator[None]:
    """A serial line as an interface of the kernel, as slcand does it."""
    line = os.open(device, os.O_RDWR | os.O_NOCTTY)
    try:
        ioctl(line, termios.TIOCSETD, struct.pack("i", N_SLCAN))
        yield
    finally:
        os.close(line)


def interfaces() -> list[str]:
    return [path.name for path in Path("/sys/class/net").iterdir()]
