"""The CAN bus: over an slcan adapter, over python-can's virtual bus, and over SocketCAN where the kernel has it."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import can
import pytest

import hal.bus.can as can_module
from hal.bus import hotplug
from hal.bus.can import CanBus, CanLine
from hal.errors import BadOptions, BusLost
from tests.emulators.can import CanPart
from tests.hal.rig import eventually

pytestmark = pytest.mark.usefixtures("quick_hotplug")

NUMBERS = count()
EVERYTHING = ((0, 0),)


class Echo(CanPart):
    """Says every frame again, with an identifier that is one higher."""

    def hear(self, id: int, data: bytes) -> None:
        self.say(id + 1, data)


class Listener:
    def __init__(self, bus: CanBus, *filters: tuple[int, int]) -> None:
        self.heard: list[tuple[int, bytes]] = []
        self.line: CanLine = bus.line(lambda id, data: self.heard.append((id, data)), filters or EVERYTHING)


def a_bus(device: str, **options: Any) -> CanBus:
    return CanBus(CanBus.Config(device=device, **options))


@asynccontextmanager
async def slcan(**options: Any) -> AsyncIterator[tuple[Echo, CanBus]]:
    async with Echo() as part:
        yield part, a_bus(part.device, **options)


async def test_a_bus_is_found_by_what_udev_knows_of_its_adapter(monkeypatch: pytest.MonkeyPatch) -> None:
    known: dict[str, dict[str, str]] = {"/sys/class/net/can7": {"ID_SERIAL_SHORT": "B"}}
    monkeypatch.setattr(hotplug, "devices", lambda kinds: known.items() if kinds == ("CAN interface", "tty") else ())
    bus = CanBus(CanBus.Config(match={"ID_SERIAL_SHORT": "A"}))
    listener = Listener(bus)
    with pytest.raises(BusLost, match=r"^CAN interface or tty with ID_SERIAL_SHORT=A: no such device$"):
        listener.line.open()
    async with Echo() as part:
        known[part.device] = {"ID_SERIAL_SHORT": "A"}
        listener.line.open()
        try:
            listener.line.send(0x100, b"\x01")
            await eventually(lambda: listener.heard == [(0x101, b"\x01")])
        finally:
            listener.line.close()


def test_an_interface_that_udev_names_is_the_one_that_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hotplug, "devices", lambda kinds: [("/sys/class/net/can7", {"ID_SERIAL_SHORT": "B"})])
    listener = Listener(CanBus(CanBus.Config(match={"ID_SERIAL_SHORT": "B"})))
    with pytest.raises(BusLost, match=r"ID_SERIAL_SHORT=B: no such interface$"):  # udev may be late: it is gone again
        listener.line.open()


def vcan() -> str | None:
    """A virtual SocketCAN interface, where the kernel has them and we may make one."""
    try:
        made = subprocess.run(["ip", "link", "add", "dev", "vcan9", "type", "vcan"], capture_output=True, check=False)
        subprocess.run(["ip", "link", "set", "vcan9", "up"], capture_output=True, check=False)
    except OSError:
        return None
    return "vcan9" if made.returncode == 0 or Path("/sys/class/net/vcan9").exists() else None


@pytest.fixture(params=["virtual", "socketcan"])
def wire(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> Iterator[tuple[str, Callable[[], Any]]]:
    """A bus and another node on it; what stands in for SocketCAN, where the kernel has none, is said."""
    device = vcan() if request.param == "socketcan" else None
    if request.param == "socketcan":
        with capsys.disabled():
            where = "SocketCAN on vcan" if device else "no vcan in this kernel: python-can's virtual bus once more"
            print(f"[{where}]", end="")
    if device is None:
        name = f"test{next(NUMBERS)}"
        yield f"virtual:{name}", lambda: can.Bus(ignore_config=True, interface="virtual", channel=name)
        return
    yield device, lambda: can.Bus(ignore_config=True, interface="socketcan", channel=device)
    subprocess.run(["ip", "link", "del", device], capture_output=True, check=False)


async def test_frames_go_out_and_come_in(wire: tuple[str, Callable[[], Any]]) -> None:
    device, node = wire
    bus = a_bus(device)
    listener, other = Listener(bus), node()
    try:
        listener.line.open()
        listener.line.send(0x1234567, b"\x01\x02")
        message = await asyncio.to_thread(other.recv, 5)
        assert (message.arbitration_id, bytes(message.data), message.is_extended_id) == (0x1234567, b"\x01\x02", True)
        other.send(can.Message(arbitration_id=0x1234568, data=b"\x03", is_extended_id=True))
        await eventually(lambda: listener.heard == [(0x1234568, b"\x03")])
    finally:
        listener.line.close()
        other.shutdown()


async def test_frames_go_out_and_come_in_by_an_slcan_adapter() -> None:
    async with slcan(bitrate=125_000) as (part, bus):
        listener = Listener(bus)
        listener.line.open()
        listener.line.send(0x100, bytes(range(8)))
        await eventually(lambda: listener.heard == [(0x101, bytes(range(8)))])
        assert part.adapter.bitrate == 125_000
        listener.line.close()


async def test_each_driver_hears_what_passes_its_filters() -> None:
    async with slcan() as (part, bus):
        one, other = Listener(bus, (0x100, 0x1FFFFF00)), Listener(bus, (0x200, 0x1FFFFF00))
        one.line.open()
        other.line.open()
        await eventually(lambda: part.adapter.is_open)
        for id in (0x110, 0x210, 0x310, 0x120):
            part.say(id, b"")
        await eventually(lambda: len(one.heard) == 2 and len(other.heard) == 1)
        assert [id for id, _ in one.heard] == [0x110, 0x120]
        assert bus.counters["frames"] == 3
        one.line.close()
        part.say(0x220, b"")
        await eventually(lambda: len(other.heard) == 2)
        other.line.close()


async def test_standard_and_remote_frames_mean_nothing_here() -> None:
    async with slcan() as (part, bus):
        listener = Listener(bus)
        listener.line.open()
        await eventually(lambda: part.adapter.is_open)
        for text in (b"t1002AABB", b"R000001008", b"T000001001AA"):
            part.adapter.garbage(text)
        await eventually(lambda: listener.heard == [(0x100, b"\xaa")])
        listener.line.close()


async def test_what_an_adapter_says_that_is_no_frame_is_counted_and_skipped() -> None:
    async with slcan() as (part, bus):
        listener = Listener(bus)
        listener.line.open()
        await eventually(lambda: part.adapter.is_open)
        for text in (b"T00zz", b"\xff\xfe\xfd", b"T", b"t", b"T00000100", b"TXXXXXXXX1AA"):
            part.adapter.garbage(text)
        part.say(0x100, b"\x01")
        await eventually(lambda: listener.heard == [(0x100, b"\x01")])
        assert bus.counters["garbled"] >= 4
        listener.line.close()


async def test_a_flood_is_cut_off_and_counted() -> None:
    async with slcan(most_per_s=50) as (part, bus):
        listener = Listener(bus)
        listener.line.open()
        await eventually(lambda: part.adapter.is_open)
        for number in range(200):
            part.say(number, b"")
        await eventually(lambda: bus.counters["frames"] + bus.counters["flooded"] == 200)
        assert bus.counters["flooded"] >= 100
        listener.line.close()


async def test_an_adapter_that_is_pulled_out_is_lost_for_every_driver_and_found_again() -> None:
    async with slcan() as (part, bus):
        one, other = Listener(bus), Listener(bus)
        one.line.open()
        other.line.open()
        await part.take_away()
        for each in (one, other):
            with pytest.raises(BusLost, match=part.device):
                await each.line.wait(asyncio.Event(), 5)
            with pytest.raises(BusLost):
                each.line.send(0x100, b"")
        with pytest.raises(BusLost, match="No such file or directory"):
            one.line.open()
        await part.bring_back()
        await one.line.wait_back()
        one.line.open()
        one.line.send(0x100, b"\x05")
        await eventually(lambda: one.heard == [(0x101, b"\x05")])
        one.line.close()


async def test_an_adapter_that_another_process_has_is_told() -> None:
    async with slcan() as (part, bus):
        first, second = Listener(bus), Listener(a_bus(part.device))
        first.line.open()
        with pytest.raises(BusLost, match="in use by another process"):
            second.line.open()
        first.line.close()


async def test_an_interface_that_is_not_there_is_told_by_its_name() -> None:
    with pytest.raises(BusLost, match="can77: no such interface"):
        Listener(a_bus("can77")).line.open()


async def test_bus_off_is_told_and_loses_the_bus() -> None:
    name = f"test{next(NUMBERS)}"
    bus = a_bus(f"virtual:{name}")
    listener, other = Listener(bus), can.Bus(ignore_config=True, interface="virtual", channel=name)
    listener.line.open()
    other.send(can.Message(arbitration_id=0x04, is_error_frame=True, dlc=8, data=bytes(8)))
    await eventually(lambda: bus.counters["error_frames"] == 1)
    listener.line.check()  # a warning only
    other.send(can.Message(arbitration_id=0x40, is_error_frame=True, dlc=8, data=bytes(8)))
    with pytest.raises(BusLost, match="bus-off: a short circuit"):
        await listener.line.wait(asyncio.Event(), 5)
    assert bus.counters["bus_off"] == 1
    listener.line.open()
    listener.line.close()
    other.shutdown()


async def test_a_full_queue_drops_the_frame_and_keeps_the_bus(monkeypatch: pytest.MonkeyPatch) -> None:
    bus = a_bus(f"virtual:test{next(NUMBERS)}")
    listener = Listener(bus)
    listener.line.open()

    def refuse(message: can.Message, timeout: float | None = None) -> None:
        raise can.CanOperationError("no buffer space", error_code=105)

    monkeypatch.setattr(bus._bus, "send", refuse)
    listener.line.send(0x100, b"")
    assert bus.counters["not_sent"] == 1
    listener.line.close()


def test_without_python_can_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(can_module, "find_spec", lambda name: None)
    with pytest.raises(BadOptions, match=r"pip install 'station-agent\[can\]'"):
        a_bus("can0")
