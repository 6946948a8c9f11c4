"""Modbus RTU frames: the vectors, and an answer that is found in whatever came in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.wire.modbus import (
    READ_COILS,
    READ_HOLDING,
    READ_INPUT,
    WRITE_COIL,
    WRITE_REGISTER,
    Question,
    answer_in,
    crc16,
    reading,
    writing,
    writing_many,
)

ASKED = reading(READ_INPUT, 1, 0, 2)


def framed(body: bytes) -> bytes:
    return body + crc16(body).to_bytes(2, "little")


@pytest.mark.parametrize(
    ("question", "frame"),
    [
        (reading(READ_INPUT, 1, 0, 2), "01040000000271cb"),
        (reading(READ_INPUT, 1, 72, 2), "010400480002f1dd"),
        (reading(READ_INPUT, 1, 0, 0x34), "010400000034f1dd"),
        (reading(READ_INPUT, 1, 0x0B, 1), "0104000b00014008"),
        (reading(READ_INPUT, 33, 107, 6), "2104006b000606b4"),
        (reading(READ_HOLDING, 1, 24000, 1), "01035dc00001979a"),
        (writing(WRITE_COIL, 1, 20000, 0xFF00), "01054e20ff009ad8"),
        (writing(WRITE_REGISTER, 1, 22000, 16), "010655f0001099f9"),
        (writing_many(1, 1, [10, 258]), "01100001000204000a0102" + "9230"),
    ],
)
def test_a_question_is_written_as_its_vector(question: Question, frame: str) -> None:
    assert question.frame.hex() == frame


def test_the_checksum_is_that_of_the_standard_and_0_over_a_whole_frame() -> None:
    assert crc16(b"123456789") == 0x4B37
    assert crc16(ASKED.frame) == 0


@given(st.binary(max_size=60), st.binary(max_size=20), st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=60))
def test_an_answer_is_found_wherever_it_stands(before: bytes, behind: bytes, words: list[int]) -> None:
    question = reading(READ_INPUT, 1, 5, len(words))
    good = framed(b"\x01\x04" + bytes((2 * len(words),)) + b"".join(word.to_bytes(2, "big") for word in words))
    answer = answer_in(before + good + behind, question)
    assert answer is not None
    assert answer.code or answer.words() == words


@given(st.integers(0, 8))
def test_a_part_of_an_answer_is_none(length: int) -> None:
    body = framed(bytes.fromhex("01040443660000"))
    assert answer_in(body[:length], ASKED) is None


@given(st.integers(0, 8), st.integers(1, 255))
def test_an_answer_with_a_wrong_byte_is_none(index: int, change: int) -> None:
    body = bytearray(framed(bytes.fromhex("01040443660000")))
    body[index] ^= change
    assert answer_in(bytes(body), ASKED) is None


@given(st.binary(max_size=300), st.integers(1, 125))
def test_no_bytes_make_it_fail(data: bytes, count: int) -> None:
    for question in (reading(READ_INPUT, 1, 0, count), writing(WRITE_REGISTER, 1, 0, 1), writing_many(1, 0, [1])):
        answer_in(data, question)
        answer_in(bytes((1,)) + data, question)


def test_coils_come_lowest_bit_first_and_a_refusal_with_its_code() -> None:
    question = reading(READ_COILS, 1, 0, 10)
    answer = answer_in(framed(bytes.fromhex("01 01 02 05 02")), question)
    assert answer is not None
    assert answer.bits(10) == [True, False, True, False, False, False, False, False, False, True]
    refused = answer_in(framed(bytes.fromhex("018402")), ASKED)
    assert refused is not None
    assert refused.code == 2


@pytest.mark.parametrize("other", ["02040443660000", "01030443660000", "0104024366", "010406436600004366"])
def test_the_answer_to_another_question_is_none(other: str) -> None:
    assert answer_in(framed(bytes.fromhex(other)), ASKED) is None
