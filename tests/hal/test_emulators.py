"""The emulated parts behave like the parts: at the level of bytes, without our drivers."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from board.descriptor import find_board, read_board
from tests.csms.waiting import PATIENT_S
from tests.emulators.board import EmulatedBoard
from tests.emulators.eastron import EmulatedSdm630, three_phases
from tests.emulators.load import Load
from tests.emulators.openevse import SLEEPING, EmulatedOpenEvse
from tests.emulators.pty import Noise, NoisyPath
from tests.hal.rig import eventually


class Host:
    """The other end of an emulated controller's line: raw bytes."""

    def __init__(self, part: EmulatedOpenEvse) -> None:
        self.part = part
        self.heard = bytearray()
        self._fd = os.open(part.device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        asyncio.get_running_loop().add_reader(self._fd, lambda: self.heard.extend(os.read(self._fd, 4096)))

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._fd)
        os.close(self._fd)

    def say(self, data: bytes) -> None:
        os.write(self._fd, data)

    async def line(self) -> bytes:
        """The next frame, without its CR."""
        async with asyncio.timeout(PATIENT_S):
            await eventually(lambda: b"\r" in self.heard)
        line, _, rest = bytes(self.heard).partition(b"\r")
        self.heard[:] = rest
        return line

    async def ask(self, data: bytes) -> bytes:
        self.say(data)
        return await self.line()


@asynccontextmanager
async def openevse(max_a: int = 32) -> AsyncIterator[Host]:
    async with EmulatedOpenEvse(speed=20, max_a=max_a) as part:
        host = Host(part)
        try:
            yield host
        finally:
            host.close()


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (b"$GS^30\r", b"$OK 01 0 01 0000"),
        (b"$GS :01^2B\r", b"$OK 01 0 01 0000 :01"),
        (b"$GS\r", b"$OK 01 0 01 0000"),
        (b"$GS*BE\r", b"$OK 01 0 01 0000"),
        (b"$FE^00\r", b"$NK"),
        (b"$FE :01^00\r", b"$NK"),
        (b"$ZZ :2A^4D\r", b"$NK :2A"),
        (b"noise$FS$GV^35\r", b"$OK 8.2.3 5.2.1"),
    ],
)
async def test_a_command_is_answered_as_the_part_answers_it(asked: bytes, answer: bytes) -> None:
    async with openevse() as host:
        assert (await host.ask(asked)).rpartition(b"^")[0] == answer


async def test_more_than_its_buffer_holds_is_dropped_until_the_next_dollar() -> None:
    async with openevse() as host:
        host.say(b"$SC " + b"1" * 40 + b"\r")
        assert (await host.ask(b"$G0^53\r")).startswith(b"$OK 0")
        assert host.part.heard == ["G0"]


async def test_a_plug_in_is_announced_with_the_vector_of_a_charging_vehicle() -> None:
    async with openevse(max_a=16) as host:
        host.part.plug_in(10)
        assert (await host.line()).startswith(b"$AT 02 02 16 0100^")
        assert await host.line() == b"$AT 03 03 16 0140^33"


async def test_its_heartbeat_wraps_above_65_seconds() -> None:
    async with openevse() as host:
        await host.ask(b"$SY 66 6\r")
        await eventually(lambda: host.part.trigger == 2)
        assert host.part.amps == 6
        assert (await host.line()).startswith(b"$AT 01 01 6 ")
        assert (await host.ask(b"$SY\r")).startswith(b"$NK 66 6 2")
        assert (await host.ask(b"$SY 165\r")).startswith(b"$OK 66 6 1")
        assert host.part.amps == 32


async def test_a_current_out_of_range_is_clamped_and_refused() -> None:
    async with openevse(max_a=16) as host:
        assert (await host.ask(b"$SC 5 V\r")).startswith(b"$NK 6")
        await host.line()
        assert (await host.ask(b"$SC 40 V\r")).startswith(b"$NK 16")
        assert host.part.eeprom_writes == 0
        await host.line()
        await host.ask(b"$SC 10\r")
        assert host.part.eeprom_writes == 1


async def test_a_vehicle_that_ignores_the_sleep_is_cut_off_and_no_frame_tells() -> None:
    async with openevse() as host:
        host.part.stubborn = True
        host.part.plug_in(10)
        for state in (b"02", b"03"):
            assert (await host.line()).startswith(b"$AT " + state)
        assert await host.ask(b"$FS\r") == b"$OK^20"
        assert (await host.line()).startswith(b"$AT FE 03 32 0140^")
        assert host.part.relay
        await eventually(lambda: not host.part.relay)
        assert host.part.load.current_a == 0
        assert (await host.ask(b"$GS\r")).startswith(b"$OK FE 0 03 0100^")


async def test_a_hard_fault_ends_with_the_unplug_but_a_stuck_relay_stays() -> None:
    async with openevse() as host:
        for fault, after in ((0x06, 0x01), (0x08, 0x08)):
            host.part.plug_in(10)
            await eventually(lambda: host.part.relay)
            host.part.fault(fault)
            assert host.part.load.current_a == 0
            host.part.unplug()
            await eventually(lambda: host.part.pilot_state == 0x01)
            assert host.part.state == after


async def test_a_restart_forgets_the_volatile_current_and_enables() -> None:
    async with openevse() as host:
        for command in (b"$SC 8 V\r", b"$FS\r"):
            assert (await host.ask(command)).startswith(b"$OK")
            assert (await host.line()).startswith(b"$AT")
        assert host.part.state == SLEEPING
        host.say(b"$FR\r")
        assert (await host.line()).startswith(b"$AB 00 8.2.3^")
        assert (host.part.amps, host.part.state) == (32, 0x01)


def test_the_meter_shows_what_the_controller_delivers() -> None:
    now = [0.0]
    load = Load(phases=1, start_wh=0.0, speed=10, clock=lambda: now[0])
    controller, meter = EmulatedOpenEvse(load), EmulatedSdm630(load)
    load.current_a = 10.0
    now[0] = 360.0
    assert controller.load.energy_wh == 2300.0
    shown = three_phases(meter.load)
    assert (shown[72], shown[52], shown[6], shown[8]) == (2.3, 2300.0, 10.0, 0.0)


async def test_a_line_keeps_the_order_and_spoils_by_chance() -> None:
    out = bytearray()
    NoisyPath(Noise(chunk=3, delay_s=0.0001), out.extend).send(bytes(range(200)))
    await eventually(lambda: len(out) == 200)
    assert out == bytes(range(200))
    spoilt = [bytearray(), bytearray()]
    for seed, sink in enumerate(spoilt):
        NoisyPath(Noise(garbage=0.1, loss=0.1, delay_s=0.0001, seed=seed), sink.extend).send(bytes(200))
    await eventually(lambda: all(spoilt))
    assert spoilt[0] != spoilt[1]
    assert all(set(sink) != {0} for sink in spoilt)


async def test_a_board_with_two_controllers_on_one_serial_line_is_refused() -> None:
    board = read_board(find_board("demo"))
    twice = [board.evse[0], type(board.evse[0])(id=2, pilot=board.evse[0].pilot)]
    world = EmulatedBoard(type(board)(station=board.station, bus=board.bus, evse=tuple(twice)))
    with pytest.raises(ValueError, match="alone on its line"):
        await world.open()
    await world.close()
