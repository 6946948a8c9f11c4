"""Eastron SDM630 meters on one RS-485 line: the meter's register map on pymodbus' server."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from struct import pack, unpack
from typing import Any, Self

from pymodbus.constants import ExcCodes

from tests.emulators.emulator import serve_keyboard
from tests.emulators.load import Load
from tests.emulators.pty import QUIET, Noise
from tests.emulators.rtu import RtuPart

MOST_REGISTERS = 80
READ_INPUT = 4


def readings(load: Load) -> dict[int, float]:
    """Address of the meter's manual minus 30001 -> value in the meter's unit."""
    values: dict[int, float] = {70: load.frequency_hz, 52: load.power_w, 72: load.energy_wh / 1000, 74: 0.0}
    values[342] = load.energy_wh / 1000
    for phase in range(3):
        wired = phase < load.phases
        values[2 * phase] = load.voltage_v if wired else 0.0
        values[6 + 2 * phase] = load.current_a if wired else 0.0
        values[12 + 2 * phase] = load.current_a * load.voltage_v if wired else 0.0
    return values


class EmulatedSdm630(RtuPart):
    """One meter."""

    stimuli = frozenset({"mute", "unmute"})
    keys = {"m": "mute", "o": "unmute"}

    def __init__(self, load: Load | None = None, noise: Noise = QUIET, speed: float = 1.0, unit: int = 1) -> None:
        super().__init__(load, noise, speed, unit)
        self.refuses = False
        self.spoilt: dict[int, float] = {}
        self.requests: list[tuple[int, int]] = []

    @classmethod
    def for_part(cls, options: Mapping[str, Any], load: Load, noise: Noise = QUIET, speed: float = 1.0) -> Self:
        return cls(load, noise, speed, unit=options.get("unit", 1))

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
        if function != READ_INPUT or self.refuses:
            return ExcCodes.ILLEGAL_FUNCTION
        if count > MOST_REGISTERS:
            return ExcCodes.ILLEGAL_VALUE
        for register, value in (readings(self.load) | self.spoilt).items():
            registers[register - start : register - start + 2] = unpack(">HH", pack(">f", value))
        return None


if __name__ == "__main__":
    meter = EmulatedSdm630()
    meter.load.current_a = 10.0
    asyncio.run(serve_keyboard(meter, lambda: f"muted {meter.muted}, {len(meter.requests)} requests"))
