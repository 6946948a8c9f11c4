"""The serial bus against a pseudo-terminal: bytes, loss, return."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from hal.bus import hotplug
from hal.bus.hotplug import HotPlug
from hal.bus.serial import SerialBus
from hal.errors import BadOptions, BusLost
from hal.registry import make_bus
from tests.emulators.pty import Pty
from tests.hal.rig import eventually


class Far:
    """The other end: what arrived there."""

    def __init__(self) -> None:
        self.got = bytearray()
        self.pty = Pty(self.got.extend)


@asynccontextmanager
async def line() -> AsyncIterator[tuple[SerialBus, Far, bytearray]]:
    far, heard = Far(), bytearray()
    bus = SerialBus(SerialBus.Config(device=far.pty.open()))
    await bus.open(heard.extend)
    try:
        yield bus, far, heard
    finally:
        bus.close()
        far.pty.close()


async def test_bytes_pass_unchanged_both_ways() -> None:
    everything = bytes(range(256))
    async with line() as (bus, far, heard):
        await bus.write(everything)
        far.pty.send(everything)
        await eventually(lambda: far.got == everything and heard == everything)


async def test_more_than_the_kernel_takes_at_once_arrives_whole_and_in_order() -> None:
    much = os.urandom(300_000)
    async with line() as (bus, far, _):
        await bus.write(much)
        await eventually(lambda: far.got == much)


async def test_what_is_sent_comes_behind_what_the_kernel_has_not_taken_yet() -> None:
    much = os.urandom(300_000)
    async with line() as (bus, far, _):
        bus.send(much)
        bus.send(b"behind")
        await bus.write(b"the last")
        await eventually(lambda: far.got == much + b"behind" + b"the last")


async def test_who_waits_hears_of_what_was_sent_into_a_line_that_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hal.bus.serial.WRITE_TIMEOUT_S", 0.05)
    async with line() as (bus, far, _):
        asyncio.get_running_loop().remove_reader(far.pty._master)
        bus.send(bytes(300_000))
        with pytest.raises(BusLost, match="takes no bytes"):
            await bus.wait(asyncio.Event(), 5)
        bus.send(b"nobody is there")


async def test_a_line_that_takes_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hal.bus.serial.WRITE_TIMEOUT_S", 0.05)
    async with line() as (bus, far, _):
        asyncio.get_running_loop().remove_reader(far.pty._master)
        with pytest.raises(BusLost, match="takes no bytes"):
            await bus.write(bytes(300_000))


async def test_a_missing_device_is_lost_with_its_name() -> None:
    bus = SerialBus(SerialBus.Config(device="/dev/ttyNotHere"))
    with pytest.raises(BusLost, match=r"^/dev/ttyNotHere: No such file or directory$"):
        await bus.open(print)


async def test_what_is_no_tty_is_lost_with_its_name() -> None:
    with pytest.raises(BusLost, match=r"^/dev/null: "):
        await SerialBus(SerialBus.Config(device="/dev/null")).open(print)


async def test_a_device_that_another_process_holds_is_said_to_be_in_use() -> None:
    async with line() as (bus, _, _):
        with pytest.raises(BusLost, match="in use by another process"):
            await SerialBus(SerialBus.Config(device=bus.device)).open(print)


async def test_a_bus_belongs_to_one_driver() -> None:
    async with line() as (bus, _, _):
        with pytest.raises(BusLost, match="another part of this board"):
            await bus.open(print)


async def test_who_waits_hears_of_a_loss_at_once() -> None:
    async with line() as (bus, far, _):
        waiter = asyncio.create_task(bus.wait(asyncio.Event(), None))
        await asyncio.sleep(0)
        far.pty.take_away()
        with pytest.raises(BusLost, match="hung up"):
            await asyncio.wait_for(waiter, 5)
        with pytest.raises(BusLost, match="hung up"):
            await bus.write(b"x")


async def test_waiting_ends_with_the_time_or_the_event() -> None:
    async with line() as (bus, _, _):
        wake = asyncio.Event()
        await bus.wait(wake, 0.01)
        assert not wake.is_set()
        wake.set()
        await bus.wait(wake, None)


async def test_the_same_path_can_be_opened_again_after_a_loss(quick_hotplug: None) -> None:
    async with line() as (bus, far, _):
        far.pty.take_away()
        with pytest.raises(BusLost):
            await bus.wait(asyncio.Event(), 5)
        bus.close()
        back = asyncio.create_task(bus.wait_back())
        far.pty.bring_back()
        await asyncio.wait_for(back, 5)
        again = bytearray()
        await bus.open(again.extend)
        far.pty.send(b"back")
        await eventually(lambda: again == b"back")


async def test_what_was_written_and_drained_arrives_although_the_line_is_closed() -> None:
    far = Far()
    for number in range(20):
        bus = SerialBus(SerialBus.Config(device=far.pty.path if number else far.pty.open()))
        await bus.open(print)
        await bus.write(b"last word.")
        await bus.drain()
        bus.close()
    try:
        await eventually(lambda: far.got == b"last word." * 20)
    finally:
        far.pty.close()


async def test_draining_a_line_that_is_gone_is_a_loss() -> None:
    async with line() as (bus, _, _):
        bus.close()
        with pytest.raises(BusLost, match="closed"):
            await bus.drain()


async def test_closing_twice_and_before_opening_is_harmless() -> None:
    bus = SerialBus(SerialBus.Config(device="/dev/ttyNotHere"))
    bus.close()
    bus.close()


async def test_bytes_from_before_the_opening_are_not_heard() -> None:
    far = Far()
    heard = bytearray()
    bus = SerialBus(SerialBus.Config(device=far.pty.open()))
    try:
        far.pty.send(b"old")
        await bus.open(heard.extend)
        far.pty.send(b"new")
        await eventually(lambda: heard == b"new")
    finally:
        bus.close()
        far.pty.close()


async def test_waiting_for_a_node_returns_when_it_is_there(quick_hotplug: None, tmp_path: Path) -> None:
    node = tmp_path / "tty"
    waiter = asyncio.create_task(HotPlug(str(node)).wait())
    await asyncio.sleep(0)
    node.touch()
    await asyncio.wait_for(waiter, 5)


async def test_the_delays_grow_while_a_device_cannot_be_opened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    waited: list[float | None] = []
    real = asyncio.timeout

    def noted(delay: float | None) -> asyncio.Timeout:
        waited.append(delay)
        return real(0)

    monkeypatch.setattr("hal.bus.hotplug.asyncio.timeout", noted)
    plug = HotPlug(str(tmp_path))  # a node that is there
    for _ in range(7):
        await plug.wait()
    assert waited == [0.5, 1.0, 2.0, 4.0, 5.0, 5.0, 5.0]


@pytest.fixture
def udev(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, str]]:
    """The ttys that udev knows: node to properties."""
    known: dict[str, dict[str, str]] = {}
    monkeypatch.setattr(hotplug, "devices", lambda kinds: iter(known.items()))
    return known


def adapter(serial: str) -> dict[str, str]:
    return {"ID_VENDOR_ID": "1a86", "ID_SERIAL_SHORT": serial}


async def test_a_device_is_found_by_what_udev_knows_of_it(udev: dict[str, dict[str, str]]) -> None:
    far, heard = Far(), bytearray()
    udev.update({"/dev/ttyUSB7": adapter("B"), far.pty.open(): adapter("A")})
    bus = SerialBus(SerialBus.Config(match=adapter("A")))
    await bus.open(heard.extend)
    try:
        far.pty.send(b"here")
        await eventually(lambda: heard == b"here")
    finally:
        bus.close()
        far.pty.close()


async def test_no_such_device_and_too_many_are_told_with_the_properties(udev: dict[str, dict[str, str]]) -> None:
    bus = SerialBus(SerialBus.Config(match={"ID_VENDOR_ID": "1a86"}))
    with pytest.raises(BusLost, match=r"^tty with ID_VENDOR_ID=1a86: no such device$"):
        await bus.open(print)
    udev.update({"/dev/ttyUSB1": adapter("B"), "/dev/ttyUSB0": adapter("A")})
    with pytest.raises(BusLost, match=r"ID_VENDOR_ID=1a86: 2 devices: /dev/ttyUSB0, /dev/ttyUSB1$"):
        await bus.open(print)


async def test_a_device_that_comes_back_under_another_node_is_found_again(
    monkeypatch: pytest.MonkeyPatch, quick_hotplug: None, tmp_path: Path
) -> None:
    node, asked = tmp_path / "ttyUSB3", 0

    def devices(kinds: object) -> Iterator[tuple[str, dict[str, str]]]:
        nonlocal asked
        asked += 1
        if asked == 3:
            node.touch()
            yield str(node), adapter("A")

    monkeypatch.setattr(hotplug, "devices", devices)
    await asyncio.wait_for(HotPlug(None, adapter("A")).wait(), 5)
    assert asked == 3


def test_what_udev_knows_can_be_asked() -> None:
    """Of this machine, whatever it has; a container has none."""
    for node, told in hotplug.devices(("tty", "CAN interface")):
        assert node.startswith(("/dev/", "/sys/class/net/"))
        assert told["SUBSYSTEM"] in ("tty", "net")


async def test_udev_is_listened_to_where_it_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(hotplug, "_UDEV", tmp_path)
    monkeypatch.setattr(hotplug, "DELAYS_S", (0.02,))
    await asyncio.wait_for(HotPlug(str(tmp_path)).wait(), 5)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({}, "expected `device` or `match`, and not both"),
        ({"device": "/dev/ttyS0", "match": {"ID_VENDOR_ID": "1a86"}}, "expected `device` or `match`, and not both"),
        ({"match": {}}, r"length >= 1 - at `\$.match`"),
        ({"device": "/dev/ttyS0", "baud": 1}, r">= 300 - at `\$.baud`"),
        (
            {"device": "/dev/ttyS0", "speed": 9600},
            "unknown field `speed`; options: device, match, baud, parity, stopbits",
        ),
        ({"device": "/dev/ttyS0", "parity": "E"}, "Invalid enum value 'E'"),
        ({"device": "/dev/ttyS0", "stopbits": 3}, "Invalid enum value 3"),
    ],
)
@pytest.mark.parametrize("kind", ["serial", "rtu"])
def test_a_wrong_option_of_a_line_is_told_with_its_place(kind: str, options: dict[str, object], complaint: str) -> None:
    with pytest.raises(BadOptions, match=r"bus\.pilot: ") as caught:
        make_bus(kind, options, "bus.pilot")
    assert caught.match(complaint)
