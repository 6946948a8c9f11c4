"""A device's registers as a table: which blocks to ask for, and what the words mean.  No bus, no device."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite
from struct import pack, unpack
from typing import Literal

import msgspec

Kind = Literal[
    "float32", "float32_low_first", "int16", "uint16", "int32", "int32_low_first", "uint32", "uint32_low_first",
    "int64", "int64_low_first", "decimal24", "unsigned_decimal24",
]  # fmt: skip
"""Bytes inside a word are always big-endian; ``low_first``: the least significant word has the lowest address.

``decimal24``: a signed byte that is the exponent of ten, and 24 bits that are the number (T6 of Iskra; unsigned T5).
"""

_FORMATS: dict[str, tuple[int, str]] = {
    "float32": (2, ">f"),
    "int16": (1, ">h"),
    "uint16": (1, ">H"),
    "int32": (2, ">i"),
    "uint32": (2, ">I"),
    "int64": (4, ">q"),
    "decimal24": (2, ">i"),
    "unsigned_decimal24": (2, ">I"),
}

MOST_DECIMALS = 24


class Malformed(ValueError):
    """Words that are no value of their kind."""


class Register(msgspec.Struct, frozen=True):
    """One value.  ``factor`` turns what the device counts in into ``unit``; ``phase`` 1 to 3 for a value per phase.

    ``exponent_at``: a word at this address is the exponent of ten that the number is multiplied with as well.
    """

    quantity: str
    address: int
    kind: Kind = "float32"
    factor: float = 1.0
    unit: str = ""
    phase: int | None = None
    exponent_at: int | None = None

    @property
    def width(self) -> int:
        """How many words it takes."""
        return _FORMATS[self.kind.removesuffix("_low_first")][0]

    @property
    def first(self) -> int:
        """The lowest address that belongs to it."""
        return self.address if self.exponent_at is None else min(self.address, self.exponent_at)

    @property
    def end(self) -> int:
        """The address behind the last that belongs to it."""
        return max(self.address + self.width, (self.exponent_at or 0) + 1)

    def value(self, words: Sequence[int]) -> float:
        """The value in ``unit``.

        Raises:
            Malformed: not a number, or infinite.

        """
        if self.kind.endswith("decimal24"):
            return self.factor * _decimal24(words, signed=self.kind == "decimal24")
        ordered = tuple(reversed(words)) if self.kind.endswith("_low_first") else tuple(words)
        number: float = unpack(_FORMATS[self.kind.removesuffix("_low_first")][1], pack(f">{self.width}H", *ordered))[0]
        if not isfinite(number):
            raise Malformed(f"{self.quantity} at {self.address} is {number}")
        return number * self.factor


class Block(msgspec.Struct, frozen=True):
    """One request: neighbours that are read together."""

    address: int
    count: int
    registers: tuple[Register, ...]

    def values(self, words: Sequence[int]) -> Iterator[tuple[Register, float]]:
        """Every register of the block with its value.

        Raises:
            Malformed: not as many words as asked for, or words that are no number.

        """
        if len(words) != self.count:
            raise Malformed(f"{len(words)} registers at {self.address} instead of {self.count}")
        for register in self.registers:
            start = register.address - self.address
            value = register.value(words[start : start + register.width])
            if register.exponent_at is not None:
                value = _scaled(value, words[register.exponent_at - self.address])
            yield register, value


def _decimal24(words: Sequence[int], *, signed: bool) -> float:
    data = pack(">2H", *words)
    return _scaled(int.from_bytes(data[1:], "big", signed=signed), int.from_bytes(data[:1], "big", signed=True))


def _scaled(number: float, exponent: int) -> float:
    """An exponent is a signed word, or byte; one that no meter would show is not believed."""
    power = exponent - 0x10000 if exponent >= 0x8000 else exponent
    if abs(power) > MOST_DECIMALS:
        raise Malformed(f"an exponent of {power}")
    return number / float(10**-power) if power < 0 else number * float(10**power)


def blocks(registers: Sequence[Register], longest: int, gap: int) -> tuple[Block, ...]:
    """The fewest requests of at most ``longest`` words that read all of them, over holes of at most ``gap`` words."""
    groups: list[list[Register]] = []
    for register in sorted(registers, key=lambda register: register.first):
        if groups and _fits(groups[-1], register, longest, gap):
            groups[-1].append(register)
        else:
            groups.append([register])
    return tuple(Block(group[0].first, _end(group) - group[0].first, tuple(group)) for group in groups)


def _end(group: list[Register]) -> int:
    return max(register.end for register in group)


def _fits(group: list[Register], register: Register, longest: int, gap: int) -> bool:
    end = _end(group)
    return register.first - end <= gap and max(end, register.end) - group[0].first <= longest
