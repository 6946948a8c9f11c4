"""The PN532: frames as its manual has them, and cards that come, stay, go and come again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.bus.serial import SerialBus
from hal.drivers import pn532
from hal.drivers.pn532 import Pn532
from hal.events import CardPresented, DeviceFound, DeviceLost, HardwareWarned
from hal.ports import Place, TokenReader
from hal.registry import make_driver
from hal.wire.pn532 import (
    ACK,
    ERROR,
    GET_FIRMWARE,
    LIST_PASSIVE_TARGET,
    NACK,
    SAM_CONFIGURATION,
    Acknowledged,
    Malformed,
    Parser,
    Reply,
    command,
    firmware_of,
    targets_of,
)
from tests.emulators.pn532 import CARDS, EmulatedPn532
from tests.emulators.pty import BYTE_BY_BYTE, QUIET, Noise
from tests.hal.rig import Heard, eventually, running

PLACE = Place("reader[0]", 0)
FIRMWARE = bytes.fromhex("0000ff06fad50332010607e800")

pytestmark = pytest.mark.usefixtures("quick_hotplug")


def answer(code: int, data: bytes) -> bytes:
    body = bytes((0xD5, code + 1)) + data
    return bytes((0, 0, 0xFF, len(body), -len(body) & 0xFF)) + body + bytes((-sum(body) & 0xFF, 0))


@pytest.mark.parametrize(
    ("frame", "vector"),
    [
        (command(GET_FIRMWARE), "0000ff02fed4022a00"),
        (command(SAM_CONFIGURATION, 1, 0, 1), "0000ff05fbd4140100011600"),
        (command(LIST_PASSIVE_TARGET, 1, 0), "0000ff04fcd44a0100e100"),
    ],
)
def test_a_command_is_written_as_its_vector(frame: bytes, vector: str) -> None:
    assert frame.hex() == vector


def test_acknowledgements_answers_and_errors_are_read() -> None:
    said = ACK + NACK + FIRMWARE + bytes.fromhex("0000ff01ff7f8100")
    assert Parser().receive(said) == [
        Acknowledged(),
        Acknowledged(taken=False),
        Reply(GET_FIRMWARE, bytes.fromhex("32010607")),
        Reply(ERROR),
    ]
    assert firmware_of(bytes.fromhex("32010607")) == "PN532 firmware 1.6"


@pytest.mark.parametrize("uid", CARDS)
def test_identifiers_of_4_7_and_10_bytes_are_read(uid: str) -> None:
    (target,) = targets_of(b"\x01\x01\x00\x44\x20" + bytes((len(uid) // 2,)) + bytes.fromhex(uid))
    assert target.uid.hex().upper() == uid


@pytest.mark.parametrize("data", ["01", "010100440004a2b3", "01010044200504a2b3c4d5", "0101004400"])
def test_what_is_no_card_is_malformed(data: str) -> None:
    with pytest.raises(Malformed):
        targets_of(bytes.fromhex(data))


@given(st.binary(max_size=200))
def test_no_bytes_make_the_parser_or_its_readers_fail(data: bytes) -> None:
    for frame in Parser().receive(data):
        if isinstance(frame, Reply):
            for read in (targets_of, firmware_of):
                try:
                    read(frame.data)
                except Malformed:
                    continue


@given(
    st.binary(max_size=40).filter(lambda noise: b"\xff" not in noise),
    st.integers(0, 0xFE),
    st.binary(max_size=60),
    st.integers(1, 7),
)
def test_an_answer_is_found_behind_noise_and_in_pieces(noise: bytes, code: int, data: bytes, step: int) -> None:
    parser, said = Parser(), noise + answer(code, data)
    frames = [frame for start in range(0, len(said), step) for frame in parser.receive(said[start : start + step])]
    assert frames == [Reply(code, data)]


@given(st.integers(3, 11), st.integers(1, 255))
def test_a_changed_byte_is_no_answer_and_the_next_one_is_read(index: int, change: int) -> None:
    broken = bytearray(FIRMWARE)
    broken[index] ^= change
    frames = Parser().receive(bytes(broken) + b"\x00" * 260 + FIRMWARE)
    assert frames[-1] == Reply(GET_FIRMWARE, bytes.fromhex("32010607"))
    assert Reply(GET_FIRMWARE, bytes.fromhex("32010607")) not in frames[:-1]


# ---- the driver ----


@asynccontextmanager
async def rig(noise: Noise = QUIET, **options: Any) -> AsyncIterator[tuple[Any, EmulatedPn532, Heard]]:
    async with EmulatedPn532(noise=noise, speed=20) as part:
        heard = Heard()
        bus = SerialBus(SerialBus.Config(device=part.device))
        settings = {"poll_s": 0.05, "gone_s": 0.2, **options}
        driver = cast("Any", make_driver("pn532", settings, PLACE, bus, heard))
        async with running(driver):
            yield driver, part, heard


def cards(heard: Heard) -> list[str]:
    return [event.uid for event in heard.events if isinstance(event, CardPresented)]


async def polled(part: EmulatedPn532, times: int = 3) -> None:
    """The reader has looked for cards so often since."""
    before = part.heard.count(LIST_PASSIVE_TARGET)
    await eventually(lambda: part.heard.count(LIST_PASSIVE_TARGET) >= before + times)


async def test_it_is_woken_configured_and_told_never_to_wait() -> None:
    async with rig() as (driver, part, heard):
        assert isinstance(driver, TokenReader)
        found = await heard.until(DeviceFound)
        assert found == DeviceFound(0, PLACE.part, "PN532 firmware 1.6")
        await polled(part)
        assert part.heard[:3] == [SAM_CONFIGURATION, GET_FIRMWARE, 0x32]
        assert driver.counters["timeouts"] == 0


@pytest.mark.parametrize("noise", [QUIET, BYTE_BY_BYTE])
@pytest.mark.parametrize("uid", CARDS)
async def test_a_card_is_told_in_upper_case_hexadecimal(uid: str, noise: Noise) -> None:
    async with rig(noise) as (_, part, heard):
        part.present(uid)
        assert await heard.until(CardPresented) == CardPresented(0, uid)


async def test_the_bytes_may_be_wanted_the_other_way_round() -> None:
    async with rig(order="reversed") as (_, part, heard):
        part.present("04A2B3C4")
        assert await heard.until(CardPresented) == CardPresented(0, "C4B3A204")


async def test_a_card_that_stays_is_told_once_and_one_that_comes_again_is_told_again() -> None:
    async with rig() as (_, part, heard):
        part.present(CARDS[0])
        await heard.until(CardPresented)
        await polled(part, 5)
        assert cards(heard) == [CARDS[0]]
        part.withdraw()
        await polled(part, 8)
        part.present(CARDS[0])
        await heard.until(CardPresented)
        assert cards(heard) == [CARDS[0]] * 2


async def test_a_card_that_flutters_is_told_once() -> None:
    async with rig(gone_s=60) as (_, part, heard):
        for _ in range(4):
            part.present(CARDS[1])
            await polled(part)
            part.withdraw()
            await polled(part)
        assert cards(heard) == [CARDS[1]]


async def test_another_card_is_told_at_once() -> None:
    async with rig(gone_s=60) as (_, part, heard):
        for uid in CARDS:
            part.present(uid)
            await heard.until(CardPresented(0, uid))


async def test_a_command_that_it_cannot_read_is_sent_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async with rig() as (_, part, heard):
        await heard.until(DeviceFound)
        monkeypatch.setattr(pn532, "REPLY_TIMEOUT_S", 60.0)
        part.nack_next = 2
        part.present(CARDS[0])
        await heard.until(CardPresented)
        assert not heard.of(DeviceLost)


async def test_a_reader_that_says_nothing_is_lost_and_is_found_asleep_after_a_power_cut() -> None:
    async with rig() as (_, part, heard):
        await heard.until(DeviceFound)
        part.mute()
        lost = await heard.until(DeviceLost)
        assert isinstance(lost, DeviceLost)
        assert lost.reason.endswith("no answer to command 4A")
        part.power_cycle()
        part.unmute()
        await heard.until(DeviceFound)
        part.present(CARDS[0])
        await heard.until(CardPresented)


async def test_an_answer_that_makes_no_sense_is_complained_of_and_harms_nothing() -> None:
    async with rig() as (driver, part, heard):
        part.spoil[LIST_PASSIVE_TARGET] = b"\x01\x01"
        await heard.until(HardwareWarned)
        assert driver.counters["senseless"] >= 1
        part.spoil.clear()
        part.present(CARDS[0])
        await heard.until(CardPresented)
        assert not heard.of(DeviceLost)


async def test_it_gives_up_what_an_earlier_life_has_asked() -> None:
    async with EmulatedPn532(speed=20) as part:
        part.awake = part.configured = True
        part._receive(command(LIST_PASSIVE_TARGET, 1, 0))  # it waits for a card, for ever
        heard = Heard()
        driver = Pn532(Pn532.Config(poll_s=0.05), PLACE, SerialBus(SerialBus.Config(device=part.device)), heard)
        async with running(driver):
            await heard.until(DeviceFound)
            part.present(CARDS[0])
            await heard.until(CardPresented)
            assert driver.counters["timeouts"] == 0
