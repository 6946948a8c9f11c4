"""The RTU bus: the protocol's vectors on the wire, and a shared line on which things go wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from hal.bus.rtu import MOST_HEARD, RtuBus
from hal.errors import BusLost, NoAnswer, PartRefused
from tests.csms.waiting import PATIENT_S
from tests.emulators.eastron import EmulatedSdm630
from tests.emulators.load import Load
from tests.emulators.pty import BYTE_BY_BYTE, Noise, Pty
from tests.hal.rig import eventually


def framed(text: str) -> bytes:
    """A frame with its CRC-16."""
    body = bytes.fromhex(text)
    crc = 0xFFFF
    for byte in body:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return body + crc.to_bytes(2, "little")


ASKED_L1 = bytes.fromhex("01040000000271cb")
ANSWERED_L1 = framed("01 04 04 43660000")  # 230.0 V

SILENCE_S, SILENCE_AMONG_ANSWERS_S = 0.05, 0.3
"""How long silence lasts where it is meant: an answer must have its time on a busy machine too."""


class Slave:
    """A part at the level of bytes: ``answer`` gets a frame of the host and says what comes back."""

    def __init__(self, answer: Callable[[bytes], bytes]) -> None:
        self.asked: list[bytes] = []
        self._answer = answer
        self.pty = Pty(self._receive)

    def _receive(self, data: bytes) -> None:
        self.asked.append(data)
        if reply := self._answer(data):
            self.pty.send(reply)


@asynccontextmanager
async def line(
    answer: Callable[[bytes], bytes], retries: int = 2, timeout_s: float = 10
) -> AsyncIterator[tuple[RtuBus, Slave]]:
    slave = Slave(answer)
    bus = RtuBus(RtuBus.Config(device=slave.pty.open(), timeout_s=timeout_s, retries=retries))
    try:
        yield bus, slave
    finally:
        bus.close()
        slave.pty.close()


@asynccontextmanager
async def meter_line(noise: Noise = Noise()) -> AsyncIterator[tuple[RtuBus, EmulatedSdm630]]:  # noqa: B008
    async with EmulatedSdm630(Load(), noise) as meter:
        bus = RtuBus(RtuBus.Config(device=meter.device, timeout_s=10))
        try:
            yield bus, meter
        finally:
            bus.close()


async def test_a_request_and_its_answer_are_the_vectors() -> None:
    async with line(lambda _: ANSWERED_L1) as (bus, slave):
        assert await bus.read_input(1, 0, 2) == [0x4366, 0]
        assert slave.asked == [ASKED_L1]


@pytest.mark.parametrize(
    ("ask", "frame"),
    [
        (lambda bus: bus.read_input(1, 72, 2), "010400480002f1dd"),
        (lambda bus: bus.read_holding(1, 24000, 1), "01035dc00001979a"),
        (lambda bus: bus.write_coil(1, 20000, True), "01054e20ff009ad8"),
        (lambda bus: bus.write_register(1, 22000, 16), "010655f0001099f9"),
        (lambda bus: bus.read_input(33, 107, 6), "2104006b000606b4"),
        (lambda bus: bus.read_holding(3, 1000, 4), "030303e80004c59b"),
    ],
)
async def test_every_function_is_written_as_its_vector(ask: Callable[[RtuBus], object], frame: str) -> None:
    async with line(lambda _: b"", retries=0, timeout_s=SILENCE_S) as (bus, slave):
        with pytest.raises(NoAnswer):
            await ask(bus)  # type: ignore[misc]
        await eventually(lambda: slave.asked == [bytes.fromhex(frame)])


async def test_a_write_is_answered_by_its_echo_and_coils_come_as_bits() -> None:
    echo = bytes.fromhex("010655f0001099f9")
    async with line(lambda asked: echo if asked == echo else b"") as (bus, _):
        await bus.write_register(1, 22000, 16)
    async with line(lambda _: framed("01 01 01 05")) as (bus, _):
        assert await bus.read_coils(1, 0, 3) == [True, False, True]


async def test_silence_is_retried_and_then_told() -> None:
    async with line(lambda _: b"", timeout_s=SILENCE_S) as (bus, slave):
        with pytest.raises(NoAnswer, match="unit 1: silent"):
            await bus.read_input(1, 0, 2)
        assert slave.asked == [ASKED_L1] * 3
        assert bus.counters["timeouts"] == 3


async def test_an_answer_on_the_second_try_is_taken() -> None:
    answers = [b"", ANSWERED_L1]
    async with line(lambda _: answers.pop(0), timeout_s=SILENCE_AMONG_ANSWERS_S) as (bus, _):
        assert await bus.read_input(1, 0, 2) == [0x4366, 0]


async def test_noise_before_the_request_is_not_taken_for_the_answer() -> None:
    async with line(lambda _: ANSWERED_L1) as (bus, slave):
        await bus.read_input(1, 0, 2)
        slave.pty.send(b"\x01\x04\x04\x00\x00\x00\x00")
        assert await bus.read_input(1, 0, 2) == [0x4366, 0]


async def test_the_answer_to_another_question_is_not_taken() -> None:
    async with line(lambda _: ANSWERED_L1, retries=0, timeout_s=SILENCE_S) as (bus, _):
        with pytest.raises(NoAnswer, match="unit 1: silent"):
            await bus.read_input(1, 0, 4)


async def test_a_refusal_is_told_with_its_code_and_not_repeated() -> None:
    async with meter_line() as (bus, meter):
        with pytest.raises(PartRefused, match=r"unit 1: refused read_input_registers at 0, exception code 3$"):
            await bus.read_input(1, 0, 81)
        assert len(meter.requests) == 1


async def test_a_busy_part_is_asked_again() -> None:
    answers = [framed("01 84 06"), ANSWERED_L1]
    async with line(lambda _: answers.pop(0)) as (bus, _):
        assert await bus.read_input(1, 0, 2) == [0x4366, 0]


async def test_drivers_take_turns_in_the_order_of_asking() -> None:
    async with meter_line(BYTE_BY_BYTE) as (bus, meter):
        await asyncio.gather(*(bus.read_input(1, address, 2) for address in (0, 6, 12, 52, 70)))
        assert [address for address, _ in meter.requests] == [0, 6, 12, 52, 70]


async def test_an_answer_is_found_between_noise_and_in_pieces() -> None:
    async with line(lambda _: b"\x01\x04" + ANSWERED_L1[:3] + ANSWERED_L1 + b"\xff") as (bus, _):
        assert await bus.read_input(1, 0, 2) == [0x4366, 0]
    async with line(lambda _: b"") as (bus, slave):
        asking = asyncio.create_task(bus.read_input(1, 0, 2))
        await eventually(lambda: bool(slave.asked))
        for byte in ANSWERED_L1:
            slave.pty.send(bytes((byte,)))
            await asyncio.sleep(0)
        assert await asking == [0x4366, 0]


async def test_a_line_that_never_falls_silent_costs_no_memory() -> None:
    async with line(lambda _: b"") as (bus, slave):
        asking = asyncio.create_task(bus.read_input(1, 0, 2))
        await eventually(lambda: bool(slave.asked))
        async with asyncio.timeout(PATIENT_S):
            while bus.counters["undecodable_bytes"] < 50_000:
                slave.pty.send(b"\x01\x04" * 500)
                await asyncio.sleep(0)
                assert len(bus._heard) <= MOST_HEARD
            while not asking.done():  # what nobody has room for is lost
                slave.pty.send(ANSWERED_L1)
                await asyncio.sleep(0)
        assert await asking == [0x4366, 0]


async def test_a_unit_that_was_silent_gets_one_try_until_it_speaks_again() -> None:
    deaf = [True]
    async with line(lambda _: b"" if deaf[0] else ANSWERED_L1, timeout_s=SILENCE_AMONG_ANSWERS_S) as (bus, slave):
        for tries in (3, 1, 1):
            slave.asked.clear()
            with pytest.raises(NoAnswer):
                await bus.read_input(1, 0, 2)
            await eventually(lambda tries=tries: len(slave.asked) == tries)  # type: ignore[misc]
        deaf[0] = False
        assert await bus.read_input(1, 0, 2) == [0x4366, 0]
        deaf[0] = True
        slave.asked.clear()
        with pytest.raises(NoAnswer):
            await bus.read_input(1, 0, 2)
        assert len(slave.asked) == 3


async def test_who_gives_up_leaves_the_line_to_the_others() -> None:
    async with line(lambda asked: ANSWERED_L1 if asked == ASKED_L1 else b"") as (bus, _):
        hung = asyncio.create_task(bus.read_input(1, 6, 2))
        await asyncio.sleep(0.01)
        hung.cancel()
        assert await bus.read_input(1, 0, 2) == [0x4366, 0]


async def test_a_cancellation_is_never_swallowed_whenever_it_comes() -> None:
    async with line(lambda _: ANSWERED_L1) as (bus, slave):
        for steps in range(12):
            del slave.asked[:]
            reading = asyncio.create_task(bus.read_input(1, 0, 2))
            async with asyncio.timeout(PATIENT_S):
                while not slave.asked:  # noqa: ASYNC110 (step by step through the loop is the point)
                    await asyncio.sleep(0)
            for _ in range(steps):
                await asyncio.sleep(0)
            if reading.cancel():
                with pytest.raises(asyncio.CancelledError):
                    await reading
        assert await bus.read_input(1, 0, 2) == [0x4366, 0]


async def test_a_missing_device_is_lost_with_its_name() -> None:
    bus = RtuBus(RtuBus.Config(device="/dev/ttyNotHere"))
    with pytest.raises(BusLost, match=r"^/dev/ttyNotHere: No such file or directory"):
        await bus.read_input(1, 0, 2)


async def test_a_line_that_goes_is_lost_and_one_that_comes_back_is_opened_again(quick_hotplug: None) -> None:
    async with meter_line() as (bus, meter):
        assert len(await bus.read_input(1, 0, 2)) == 2
        await meter.take_away()
        with pytest.raises(BusLost):
            await bus.read_input(1, 0, 2)
        await meter.bring_back()
        await asyncio.wait_for(bus.wait_back(), 5)
        assert len(await bus.read_input(1, 0, 2)) == 2


async def test_noise_with_a_good_checksum_is_counted_and_nothing_dies(caplog: pytest.LogCaptureFixture) -> None:
    answers = [framed("01 11 00"), ANSWERED_L1]
    async with line(lambda _: answers.pop(0), timeout_s=SILENCE_AMONG_ANSWERS_S) as (bus, _):
        assert await bus.read_input(1, 0, 2) == [0x4366, 0]
        assert bus.counters["undecodable_bytes"] == 5
    assert not caplog.records
