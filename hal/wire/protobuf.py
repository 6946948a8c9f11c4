"""Protocol buffers, as much as small boards speak: varints, texts, floats, nested messages.  Knows no schema.

Written by hand because a message of these boards is one field: a library, its generated classes and the compiler for
them would be more than what they save.

Source: protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import pack, unpack

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
LONGEST_VARINT = 10

Value = int | bytes
"""A varint as it stands there, or the bytes of everything else."""


class Malformed(ValueError):
    """Bytes that are no message, or one that does not say what it should."""


def varint(value: int) -> bytes:
    """The least significant seven bits first; a negative number takes ten bytes."""
    rest = value & 0xFFFF_FFFF_FFFF_FFFF
    out = bytearray()
    while rest > 0x7F:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


def number(field: int, value: int) -> bytes:
    """An integer, an enumeration or a boolean; written also where it is zero, as a ``oneof`` needs it."""
    return varint(field << 3 | VARINT) + varint(value)


def nested(field: int, content: bytes) -> bytes:
    """A text or a message."""
    return varint(field << 3 | LENGTH) + varint(len(content)) + content


def real(field: int, value: float) -> bytes:
    """A ``float``."""
    return varint(field << 3 | FIXED32) + pack("<f", value)


def fields(data: bytes) -> Iterator[tuple[int, Value]]:
    """Number and value of each field.

    Raises:
        Malformed: the bytes end too early, or have a field that no such message has.

    """
    at = 0
    while at < len(data):
        tag, at = _varint_at(data, at)
        kind, field = tag & 7, tag >> 3
        if not 0 < field < 1 << 29:
            raise Malformed(f"field {field}")
        if kind == VARINT:
            value, at = _varint_at(data, at)
            yield field, value
            continue
        length, at = _length_at(data, at, kind)
        if at + length > len(data):
            raise Malformed(f"field {field} ends too early")
        yield field, data[at : at + length]
        at += length


def _length_at(data: bytes, at: int, kind: int) -> tuple[int, int]:
    if kind == LENGTH:
        return _varint_at(data, at)
    if kind in (FIXED32, FIXED64):
        return (4 if kind == FIXED32 else 8), at
    raise Malformed(f"wire type {kind}")


def _varint_at(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place in range(LONGEST_VARINT):
        if at >= len(data):
            raise Malformed("a number ends too early")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value, at
    raise Malformed("a number without an end")


def as_integer(value: Value) -> int:
    """What a varint says.

    Raises:
        Malformed: it is none.

    """
    if isinstance(value, int):
        return value
    raise Malformed("bytes where a number is expected")


def as_bytes(value: Value) -> bytes:
    """What a nested field says.

    Raises:
        Malformed: it is none.

    """
    if isinstance(value, bytes):
        return value
    raise Malformed("a number where bytes are expected")


def as_real(value: Value) -> float:
    """What a ``float`` says.

    Raises:
        Malformed: it is none.

    """
    if isinstance(value, bytes) and len(value) == 4:
        return float(unpack("<f", value)[0])
    raise Malformed("no float")
