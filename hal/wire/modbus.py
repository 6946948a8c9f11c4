"""Modbus RTU as a master speaks it: questions as frames, and the answer found among whatever came in.  No timing.

Every question tells how long its answer is, so frames need no pause between them: what stands before an answer, or is
the answer to something else, is passed over byte by byte.

Source: Modbus application protocol 1.1b3; Modbus over serial line 1.02 (RTU framing, CRC).
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import pack, unpack

import msgspec

READ_COILS, READ_HOLDING, READ_INPUT, WRITE_COIL, WRITE_REGISTER, WRITE_REGISTERS = 1, 3, 4, 5, 6, 16

NAMES = {
    READ_COILS: "read_coils",
    READ_HOLDING: "read_holding_registers",
    READ_INPUT: "read_input_registers",
    WRITE_COIL: "write_coil",
    WRITE_REGISTER: "write_register",
    WRITE_REGISTERS: "write_registers",
}

REFUSED = 0x80
"""The bit that an exception sets in the function."""

EXCEPTION_LENGTH = 5
ECHO_LENGTH = 8


def _crc_of(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ 0xA001 if byte & 1 else byte >> 1
    return byte


_CRC = tuple(map(_crc_of, range(256)))


def crc16(data: bytes) -> int:
    """CRC-16/MODBUS; 0 over a frame that ends with its own."""
    crc = 0xFFFF
    for byte in data:
        crc = crc >> 8 ^ _CRC[(crc ^ byte) & 0xFF]
    return crc


class Question(msgspec.Struct, frozen=True):
    """A frame, and what a good answer to it begins with and how long it is."""

    frame: bytes
    begins: bytes
    length: int

    @property
    def unit(self) -> int:
        return self.frame[0]

    @property
    def function(self) -> str:
        return NAMES[self.frame[1]]

    @property
    def address(self) -> int:
        return int.from_bytes(self.frame[2:4], "big")


class Answer(msgspec.Struct, frozen=True):
    """``data`` without unit, function, count and checksum; ``code`` is that of an exception, 0 for none."""

    data: bytes = b""
    code: int = 0

    def words(self) -> list[int]:
        """As 16-bit registers."""
        return list(unpack(f">{len(self.data) // 2}H", self.data))

    def bits(self, count: int) -> list[bool]:
        """As coils, the first in the lowest bit."""
        return [bool(self.data[index // 8] >> index % 8 & 1) for index in range(count)]


def reading(function: int, unit: int, address: int, count: int) -> Question:
    """Registers or coils."""
    size = (count + 7) // 8 if function == READ_COILS else 2 * count
    return Question(_framed(pack(">BBHH", unit, function, address, count)), bytes((unit, function, size)), size + 5)


def writing(function: int, unit: int, address: int, value: int) -> Question:
    """One register or coil; the answer names its address, and by the standard the value that was asked for."""
    frame = _framed(pack(">BBHH", unit, function, address, value))
    return Question(frame, frame[:4], ECHO_LENGTH)


def writing_many(unit: int, address: int, values: Sequence[int]) -> Question:
    """Several registers."""
    head = pack(">BBHH", unit, WRITE_REGISTERS, address, len(values))
    return Question(_framed(head + pack(f">B{len(values)}H", 2 * len(values), *values)), head[:4], ECHO_LENGTH)


def _framed(body: bytes) -> bytes:
    return body + crc16(body).to_bytes(2, "little")


def answer_in(heard: bytes, question: Question) -> Answer | None:
    """The answer, wherever in ``heard`` it begins; None: it has not come, or not whole."""
    start = heard.find(question.frame[0])
    while start >= 0:
        answer = _answer_at(heard, start, question)
        if answer is not None:
            return answer
        start = heard.find(question.frame[0], start + 1)
    return None


def _answer_at(heard: bytes, start: int, question: Question) -> Answer | None:
    if heard.startswith(question.begins, start):
        frame = heard[start : start + question.length]
        if len(frame) == question.length and crc16(frame) == 0:
            return Answer(frame[3:-2])
    refusal = heard[start : start + EXCEPTION_LENGTH]
    if len(refusal) == EXCEPTION_LENGTH and refusal[1] == question.frame[1] | REFUSED and crc16(refusal) == 0:
        return Answer(code=refusal[2])
    return None
