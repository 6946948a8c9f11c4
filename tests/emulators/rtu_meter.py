"""What the emulated meters on a Modbus RTU line share: an image of their registers, and what a read gives of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pymodbus.constants import ExcCodes

from tests.emulators.load import Load
from tests.emulators.pty import QUIET, Noise
from tests.emulators.rtu import RtuPart

READ_HOLDING, READ_INPUT = 3, 4


class RtuMeter(RtuPart):
    """A subclass says in ``image`` what stands behind each address, and in ``write`` what a write does."""

    stimuli = frozenset({"mute", "unmute"})
    keys = {"m": "mute", "o": "unmute"}
    default_unit: ClassVar[int] = 1
    most_registers: ClassVar[int] = 125
    functions: ClassVar[tuple[int, ...]] = (READ_INPUT,)

    def __init__(
        self, load: Load | None = None, noise: Noise = QUIET, speed: float = 1.0, unit: int | None = None
    ) -> None:
        super().__init__(load, noise, speed, self.default_unit if unit is None else unit)
        self.refuses = False
        self.spoilt: dict[int, bytes] = {}
        self.requests: list[tuple[int, int]] = []

    @classmethod
    def for_part(cls, options: Mapping[str, Any], load: Load, noise: Noise = QUIET, speed: float = 1.0) -> Self:
        return cls(load, noise, speed, unit=options.get("unit"))

    @property
    def shown_w(self) -> float:
        """The power that it shows."""
        return self.load.power_w

    def image(self) -> dict[int, bytes]:
        """What the registers show now, as bytes behind each address."""
        raise NotImplementedError

    def write(self, address: int, values: list[int]) -> ExcCodes | None:
        """Holding registers are written."""
        return ExcCodes.ILLEGAL_FUNCTION

    def read(self, function: int, address: int, count: int) -> list[int] | ExcCodes:
        if function not in self.functions:
            return ExcCodes.ILLEGAL_FUNCTION
        return window(self.image() | self.spoilt, address, count)

    async def answer(
        self,
        function: int,
        start: int,
        address: int,
        count: int,
        registers: list[int],
        written: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        self.requests.append((address, count))
        if self.refuses:
            return ExcCodes.ILLEGAL_FUNCTION
        if count > self.most_registers:
            return ExcCodes.ILLEGAL_VALUE
        if written is not None:
            return self.write(address, [int(value) for value in written])
        words = self.read(function, address, count)
        if isinstance(words, ExcCodes):
            return words
        registers[address - start : address - start + count] = words
        return None


def window(image: Mapping[int, bytes], address: int, count: int) -> list[int]:
    """The words from ``address`` on; what nobody has put there is 0."""
    words = [0] * count
    for start, data in image.items():
        for offset in range(0, len(data), 2):
            index = start + offset // 2 - address
            if 0 <= index < count:
                words[index] = int.from_bytes(data[offset : offset + 2].ljust(2, b"\x00"), "big")
    return words


def low_first(value: int, words: int) -> bytes:
    """A signed integer with its least significant word at the lowest address."""
    data = value.to_bytes(2 * words, "big", signed=True)
    return b"".join(data[index : index + 2] for index in range(2 * words - 2, -1, -2))


def text(words: str, most: int | None = None) -> bytes:
    """Characters, two in a word, ended by a zero."""
    data = words.encode() + b"\x00"
    return data if most is None else data[:most]
