"""The codec of chargebyte's safety controller: the vectors of the protocol, any portions, any garbage."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.wire.chargebyte import (
    FIRMWARE,
    GIT_HASH,
    RCM_SELF_TEST,
    READERS,
    ChargeState,
    Control,
    ErrorMessage,
    Frame,
    Malformed,
    Parser,
    Temperature,
    Version,
    action,
    crc8,
    inquiry,
    layout_of,
    temperatures,
)

VECTORS = [
    (inquiry(FIRMWARE), "a5 ff 0a 00 00 00 00 00 00 00 83 03"),
    (inquiry(GIT_HASH), "a5 ff 0b 00 00 00 00 00 00 00 dc 03"),
    (action(RCM_SELF_TEST), "a5 ff fe 01 00 00 00 00 00 00 eb 03"),
    (Control(True, 267).frame(), "a5 06 81 0b 00 00 00 00 00 00 e9 03"),
    (Control(True, 50, frozenset({1, 2, 3})).frame(), "a5 06 80 32 07 00 00 00 00 00 20 03"),
    (Control().frame(), "a5 06 00 00 00 00 00 00 00 00 3f 03"),
    (Control(True, 1000).frame(), "a5 06 83 e8 00 00 00 00 00 00 a0 03"),
]

frames = st.builds(Frame, st.integers(0, 255), st.integers(0, 2**64 - 1))
near_misses = st.lists(st.sampled_from([0xA5, 0x03, 0x07, 0x00]), max_size=30).map(bytes)
streams = st.lists(st.one_of(frames.map(Frame.to_bytes), st.binary(max_size=30), near_misses), max_size=8).map(b"".join)


def test_the_checksum_is_that_of_the_standard() -> None:
    assert crc8(b"123456789") == 0x4B


@pytest.mark.parametrize(("frame", "line"), VECTORS)
def test_a_frame_is_written_and_read_as_the_vector(frame: Frame, line: str) -> None:
    assert frame.to_bytes() == bytes.fromhex(line)
    assert Parser().receive(bytes.fromhex(line)) == [frame]


def test_a_wrong_checksum_is_counted_and_skipped() -> None:
    parser = Parser()
    good = bytes.fromhex("a5 07 00 00 00 00 00 00 00 00") + bytes((crc8(b"\x07" + bytes(8)), 3))
    assert parser.receive(good[:-2] + bytes((good[-2] ^ 1, 3)) + good) == [Frame(7, 0)]
    assert parser.counters == {"frames": 1, "garbage_bytes": 12, "checksum_errors": 1}


@given(streams, st.lists(st.integers(0, 300), max_size=12))
def test_any_portions_give_the_same_frames_and_counts(stream: bytes, cuts: list[int]) -> None:
    whole, piecewise = Parser(), Parser()
    expected = whole.receive(stream)
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut <= len(stream))})
    pieces = [stream[start:end] for start, end in pairwise(edges)]
    assert [frame for piece in pieces for frame in piecewise.receive(piece)] == expected
    assert piecewise.counters == whole.counters


@given(streams, frames)
def test_after_any_garbage_the_next_frames_are_read(garbage: bytes, frame: Frame) -> None:
    parser = Parser()
    parser.receive(garbage)
    assert parser.receive(frame.to_bytes() * 2)[-1:] == [frame]


@given(st.booleans(), st.integers(0, 1000), st.frozensets(st.integers(1, 3)))
def test_what_is_controlled_survives_the_wire(pwm: bool, duty: int, contactors: frozenset[int]) -> None:
    control = Control(pwm, duty, contactors)
    assert Control.from_word(control.frame().word) == control


@given(st.integers(0, 2**64 - 1))
def test_any_word_can_be_read_in_any_layout(word: int) -> None:
    for read in READERS.values():
        assert read(word).duty == word >> 48 & 0x3FF
    assert len(temperatures(word)) == 4
    str(Version.from_word(word))
    ErrorMessage.from_word(word)


def test_the_three_contactor_layout() -> None:
    word = 1 << 63 | 1 << 58 | 267 << 48 | 1 << 44 | 1 << 43 | 3 << 40 | 3 << 32
    word |= 2 << 24 | 1 << 26 | 3 << 28 | 1 << 22 | 0 << 16 | 1 << 18 | 3 << 20 | 17 << 8
    assert READERS["three_contactors"](word) == ChargeState(
        True, 267, "C", True, True, 3, ("closed", "open", "unused"), (2,), "monitoring", True, 17
    )


def test_the_two_contactor_layout() -> None:
    word = 1 << 63 | 1000 << 48 | 2 << 40 | 1 << 32 | 1 << 24 | 1 << 27 | 1 << 18 | 1 << 19
    assert READERS["two_contactors"](word) == ChargeState(
        True, 1000, "B", False, False, 1, ("closed", "fault"), (3,), "fault"
    )


@pytest.mark.parametrize(("minor", "layout"), [(2, "two_contactors"), (3, "three_contactors"), (5, "three_contactors")])
def test_the_layout_goes_by_the_firmware(minor: int, layout: str) -> None:
    assert layout_of(Version.from_word(0x00 << 56 | minor << 48 | 7 << 40 | 0x81 << 32 | 3 << 24)) == layout


def test_a_firmware_that_nobody_described_is_refused_with_its_name() -> None:
    with pytest.raises(
        Malformed, match=r"^Charge Control Y firmware 2\.1\.9: its messages are not known; known firmware: 0\.x$"
    ):
        layout_of(Version(2, 1, 9, 0x82, 3))  # fmt: skip


def test_temperatures_are_signed_tenths_and_the_first_channel_comes_first() -> None:
    word = 253 << 50 | (-55 & 0x3FFF) << 34 | 1 << 32 | 0x1FFF << 18 | 901 << 2 | 2
    assert temperatures(word) == (
        Temperature(25.3),
        Temperature(-5.5, stops_charging=True),
        Temperature(None),
        Temperature(90.1, self_test_failed=True),
    )
