"""A device's registers as a table: which blocks to ask for, and what the words mean.  No bus, no device."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite
from struct import pack, unpack
from typing import Literal

import msgspec

Kind = Literal[
    "float32", "float32_low_first", "int16", "uint16", "int32", "int32_low_first", "uint32", "uint32_low_first",
    "int64", "int64_low_first",
]  # fmt: skip
"""Bytes inside a word are always big-endian; ``low_first``: the least significant word has the lowest address."""

_FORMATS: dict[str, tuple[int, str]] = {
    "float32": (2, ">f"),
    "int16": (1, ">h"),
    "uint16": (1, ">H"),
    "int32": (2, ">i"),
    "uint32": (2, ">I"),
    "int64": (4, ">q"),
}


class Malformed(ValueError):
    """Words that are no value of their kind."""


class Register(msgspec.Struct, frozen=True):
    """One value.  ``factor`` turns what the device counts in into ``unit``; ``phase`` 1 to 3 for a value per phase."""

    quantity: str
    address: int
    kind: Kind = "float32"
    factor: float = 1.0
    unit: str = ""
    phase: int | None = None

    @property
    def width(self) -> int:
        """How many words it takes."""
        return _FORMATS[self.kind.removesuffix("_low_first")][0]

    def value(self, words: Sequence[int]) -> float:
        """The value in ``unit``.

        Raises:
            Malformed: not a number, or infinite.

        """
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
            yield register, register.value(words[start : start + register.width])


def blocks(registers: Sequence[Register], longest: int, gap: int) -> tuple[Block, ...]:
    """The fewest requests of at most ``longest`` words that read all of them, over holes of at most ``gap`` words."""
    groups: list[list[Register]] = []
    for register in sorted(registers, key=lambda register: register.address):
        if groups and _fits(groups[-1], register, longest, gap):
            groups[-1].append(register)
        else:
            groups.append([register])
    return tuple(Block(group[0].address, max(map(_end, group)) - group[0].address, tuple(group)) for group in groups)


def _end(register: Register) -> int:
    return register.address + register.width


def _fits(group: list[Register], register: Register, longest: int, gap: int) -> bool:
    hole = register.address - max(map(_end, group))
    return hole <= gap and _end(register) - group[0].address <= longest
