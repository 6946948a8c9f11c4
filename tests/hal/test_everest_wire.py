"""The frames of the EVerest family: COBS, checksum, protobuf, five tables; any bytes are survived."""

from __future__ import annotations

from contextlib import suppress
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.wire.cobs import Unstuffable, stuffed, unstuffed
from hal.wire.everest_mcu import (
    LONGEST_FRAME,
    MODELS,
    Alive,
    Cable,
    ConfigureAsked,
    Errors,
    LockMoved,
    Metered,
    Model,
    Name,
    Other,
    Parser,
    Pilot,
    Relay,
    Restarted,
    Told,
    checksum,
    configure,
    framed,
    keep_alive,
    move_lock,
    permit,
    read,
    reset,
    reset_rcd,
    set_duty,
    use_phases,
)
from hal.wire.protobuf import Malformed, as_bytes, as_integer, as_real, fields, nested, number, real, varint
from tests.emulators import everest_mcu as written_again

YETI, TIDA, PHYVERSO = MODELS["yeti"], MODELS["tida_010939"], MODELS["phyverso"]

VECTORS = [
    (permit(YETI, True), "08 c0 06 01 bd 27 4c b0 00"),
    (permit(YETI, False), "03 c0 06 05 2b 17 4b c7 00"),
    (set_duty(YETI, 2667), "09 b8 06 eb 14 7e c4 a0 a5 00"),
    (set_duty(YETI, YETI.x1), "09 b8 06 91 4e e8 ed ce fb 00"),
    (keep_alive(YETI), "0d a2 06 05 32 03 6e 2f 61 6f af 1c e2 00"),
    (set_duty(TIDA, 2667), "08 20 eb 14 57 9e a3 9f 00"),
    (set_duty(PHYVERSO, 2667, 1), "0a 20 eb 14 38 01 1e 66 d5 82 00"),
]
"""Byte strings of the public description."""


@pytest.mark.parametrize(("frame", "expected"), VECTORS)
def test_what_is_said_is_what_the_description_says(frame: bytes, expected: str) -> None:
    assert frame == bytes.fromhex(expected)


def test_the_checksum_is_jamcrc() -> None:
    assert checksum(b"123456789") == 0x340BC6D9
    assert checksum(b"abc" + checksum(b"abc").to_bytes(4, "little")) == 0


@pytest.mark.parametrize(
    ("plain", "stuffing"),
    [
        (b"", b"\x01"),
        (b"\0", b"\x01\x01"),
        (b"\0\0", b"\x01\x01\x01"),
        (b"\x11\x22\x00\x33", b"\x03\x11\x22\x02\x33"),
        (b"\x11\x00\x00\x00", b"\x02\x11\x01\x01\x01"),
        (bytes(range(1, 255)), b"\xff" + bytes(range(1, 255))),
        (bytes(range(255)), b"\x01\xff" + bytes(range(1, 255))),
        (bytes(range(1, 256)), b"\xff" + bytes(range(1, 255)) + b"\x02\xff"),
        (bytes(range(1, 255)) + b"\0", b"\xff" + bytes(range(1, 255)) + b"\x01\x01"),
    ],
)
def test_stuffing_as_in_the_paper(plain: bytes, stuffing: bytes) -> None:
    assert stuffed(plain) == stuffing
    assert unstuffed(stuffing) == plain


@given(st.binary(max_size=900))
def test_what_is_stuffed_has_no_zero_and_comes_back(data: bytes) -> None:
    assert 0 not in stuffed(data)
    assert unstuffed(stuffed(data)) == data


@given(st.binary(max_size=40))
def test_unstuffing_any_bytes_gives_bytes_or_says_no(data: bytes) -> None:
    with suppress(Unstuffable):
        assert isinstance(unstuffed(data), bytes)


@given(st.integers(0, 2**64 - 1), st.integers(1, 2**29 - 1))
def test_a_number_comes_back(value: int, field: int) -> None:
    assert list(fields(number(field, value))) == [(field, value)]


def test_fields_of_every_wire_type() -> None:
    message = number(1, 300) + nested(2, b"text") + real(3, 1.5) + varint(4 << 3 | 1) + bytes(8)
    told = dict(fields(message))
    assert (as_integer(told[1]), as_bytes(told[2]), as_real(told[3]), told[4]) == (300, b"text", 1.5, bytes(8))
    assert varint(-1) == b"\xff" * 9 + b"\x01"


@pytest.mark.parametrize(
    "message",
    [b"\x08", b"\x08" + b"\xff" * 10 + b"\x01", b"\x12\x05ab", b"\x15\x00", b"\x0b", b"\x0c", b"\x00\x01", b"\x80"],
    ids=["no value", "endless", "short text", "short float", "group", "end of group", "field 0", "half a tag"],
)
def test_a_message_that_is_none_is_malformed(message: bytes) -> None:
    with pytest.raises(Malformed):
        list(fields(message))


# ---- what the boards tell ----


def told_by(name: Name, message: bytes) -> Told:
    (told,) = Parser(MODELS[name]).receive(framed(message))
    return told


SAID: list[tuple[Name, bytes, Told]] = [
    ("yeti", number(102, 0), Pilot(0, "A")),
    ("umwc", number(102, 5), Pilot(0, "F")),
    ("ad_acevse22kwz", number(102, 2), Pilot(0, "C")),
    ("tida_010939", number(3, 1), Pilot(0, "B")),
    ("phyverso", number(3, 3) + number(6, 2), Pilot(2, "D")),
    ("phyverso", number(6, 2) + number(3, 3), Pilot(2, "D")),
    ("yeti", number(103, 1), Relay(0, True)),
    ("yeti", number(103, 0), Relay(0, False)),
    ("tida_010939", number(4, 1), Relay(0, True)),
    ("phyverso", nested(4, number(1, 1) + number(2, 1)) + number(6, 1), Relay(1, True)),
    ("phyverso", nested(4, number(1, 1)) + number(6, 1), Relay(1, False)),
    ("phyverso", nested(4, number(1, 2) + number(2, 1)) + number(6, 1), Other(1)),
    ("yeti", number(101, 1), Restarted(0, True)),
    ("yeti", number(101, 0), Restarted(0, False)),
    ("yeti", nested(104, b""), Errors(0, frozenset())),
    ("yeti", nested(104, number(3, 1) + number(7, 1)), Errors(0, frozenset({"rcd", "over current"}))),
    ("phyverso", nested(5, number(7, 1)) + number(6, 1), Errors(1, frozenset({"host silent"}))),
    ("yeti", number(106, 0), Cable(0, None)),
    ("yeti", number(106, 4), Cable(0, 63.0)),
    ("yeti", number(106, 5), Cable(0, None, fault=True)),
    ("yeti", number(107, 2), LockMoved(0, "locked")),
    ("phyverso", number(10, 4) + number(6, 1), LockMoved(1, "moving")),
    ("phyverso", nested(11, b""), ConfigureAsked(0)),
    ("yeti", nested(105, number(1, 9)), Other(0)),
    ("yeti", number(99, 1), Other(0)),
    ("umwc", nested(108, b""), Other(0)),
    ("yeti", nested(3, nested(6, b"1.4") + number(4, 2) + real(7, 16.0)), Alive(0, "1.4", (2, 0), 16.0)),
]


@pytest.mark.parametrize(("name", "message", "expected"), SAID)
def test_what_a_board_says(name: Name, message: bytes, expected: Told) -> None:
    assert told_by(name, message) == expected


def test_a_reading_of_the_meter() -> None:
    content = real(2, 230.0) + real(5, 16.0) + real(17, 3680.0) + real(12, 1500.5) + real(9, 500.0) + real(20, 50.0)
    told = told_by("yeti", nested(108, content))
    assert told == Metered(0, (230, 0, 0), (16, 0, 0), (3680, 0, 0), (500, 0, 0), 1500.5, 50, False)


@pytest.mark.parametrize(
    "message",
    [number(102, 6), nested(102, b"x"), number(104, 1), number(106, 6), number(107, 3), nested(108, number(2, 1))],
    ids=["pilot 6", "pilot is a text", "errors is a number", "cable 6", "lock 3", "voltage is a number"],
)
def test_what_makes_no_sense_is_counted_and_not_told(message: bytes) -> None:
    parser = Parser(YETI)
    assert parser.receive(framed(message)) == []
    assert parser.counters["malformed"] == 1


def test_a_reading_that_is_no_number_is_not_told() -> None:
    parser = Parser(YETI)
    assert parser.receive(framed(nested(108, varint(12 << 3 | 5) + pack("<f", float("nan"))))) == []
    assert parser.counters["malformed"] == 1


# ---- the tables ----


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_no_number_means_two_things(model: Model) -> None:
    told = [model.keep_alive, model.pwm, model.permit, model.reset, model.port_told]
    told += [model.lock, model.phases, model.rcd, model.configure]
    there = [field for field in told if field is not None]
    assert len(set(there)) == len(there)
    assert model.port_tells not in model.tells


@pytest.mark.parametrize("name", MODELS)
def test_the_emulator_has_the_same_numbers_written_a_second_time(name: Name) -> None:
    model, board = MODELS[name], written_again.BOARDS[name]
    mine = {"alive": model.keep_alive, "pwm": model.pwm, "reset": model.reset, "lock": model.lock, "rcd": model.rcd}
    mine |= {
        "phases": model.phases,
        "config": model.configure,
        "coil" if model.permits_coil else "permit": model.permit,
    }
    assert all(board["hears"].get(number) == kind for kind, number in mine.items() if number is not None)
    names = {
        "alive": "alive",
        "reset": "restarted",
        "cp": "pilot",
        "relay": "relay",
        "coil": "coil",
        "errors": "errors",
    }
    names |= {"pp": "cable", "lock": "lock", "meter": "meter", "config": "configure"}
    assert all(model.tells[number] == names[kind] for kind, number in board["says"].items())


def test_frames_of_the_boards_with_more() -> None:
    def content(frame: bytes) -> bytes:
        return unstuffed(frame[:-1])[:-4]

    assert content(permit(PHYVERSO, True, 2)) == bytes.fromhex("2a 04 08 01 10 01 38 02")
    assert content(permit(PHYVERSO, False, 2)) == bytes.fromhex("2a 02 08 01 38 02")
    assert content(reset(YETI)) == number(105, 1)
    assert content(use_phases(106, three=False)) == number(106, 0)
    assert content(reset_rcd(8, TIDA)) == bytes.fromhex("42 02 10 01")
    assert content(move_lock(3, PHYVERSO, True, 1)) == bytes.fromhex("18 01 38 01")
    told = dict(fields(content(configure(8, {1: (2, True)}))))
    ports = [dict(fields(as_bytes(value))) for field, value in fields(as_bytes(told[8])) if field == 6]
    assert ports == [{1: 1, 4: 2, 5: 1}, {1: 0, 4: 2**64 - 1, 5: 0}]


# ---- any bytes ----


@given(st.lists(st.binary(max_size=30), max_size=20))
def test_any_bytes_are_survived_and_the_next_frame_is_read(pieces: list[bytes]) -> None:
    parser = Parser(YETI)
    for piece in pieces:
        parser.receive(piece)
    assert parser.receive(b"\0" + framed(number(102, 1)))[-1:] == [Pilot(0, "B")]


@given(st.binary(max_size=60))
def test_any_message_with_a_good_checksum_is_survived(message: bytes) -> None:
    for model in MODELS.values():
        with suppress(Malformed):
            assert isinstance(read(model, message), Told)


@given(st.data())
def test_frames_in_any_pieces_say_the_same(data: st.DataObject) -> None:
    whole = b"".join(framed(message) for name, message, _ in SAID if name == "yeti")
    parser, at, found = Parser(YETI), 0, []
    while at < len(whole):
        step = data.draw(st.integers(1, 40))
        found += parser.receive(whole[at : at + step])
        at += step
    assert found == [told for name, _, told in SAID if name == "yeti"]


def test_a_flipped_bit_anywhere_is_no_frame() -> None:
    good = framed(number(102, 2))
    for index in range(len(good) - 1):
        for bit in range(8):
            bad = bytearray(good)
            bad[index] ^= 1 << bit
            assert Parser(YETI).receive(bytes(bad)) == []


def test_a_line_that_never_says_zero_costs_no_memory() -> None:
    parser = Parser(YETI)
    for _ in range(100):
        parser.receive(b"\x55" * LONGEST_FRAME)
        assert len(parser._pending) <= LONGEST_FRAME
    assert parser.receive(b"\x55\0" + framed(number(102, 1))) == [Pilot(0, "B")]
    assert parser.counters["garbage_bytes"] > 50 * LONGEST_FRAME
