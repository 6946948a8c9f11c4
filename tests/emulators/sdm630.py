"""Eastron SDM630 meters on one RS-485 line: pymodbus' server and the meter's register map, behind a pseudo-terminal."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from struct import pack, unpack
from typing import Any, Self

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusSerialServer
from pymodbus.simulator import DataType, SimData, SimDevice

from tests.emulators.emulator import Emulator, serve_keyboard
from tests.emulators.load import Load
from tests.emulators.pty import QUIET, Noise, NullModem

LAST_REGISTER = 400
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


class EmulatedSdm630(Emulator):
    """One meter; on a line of its own unless an ``RtuLine`` takes several."""

    bus_kind = "rtu"
    stimuli = frozenset({"mute", "unmute"})
    keys = {"m": "mute", "o": "unmute"}

    def __init__(self, load: Load | None = None, noise: Noise = QUIET, speed: float = 1.0, unit: int = 1) -> None:
        super().__init__(load, noise, speed)
        self.unit = unit
        self.muted = False
        self.refuses = False
        self.spoilt: dict[int, float] = {}
        self.requests: list[tuple[int, int]] = []
        self._line = RtuLine([self], noise)

    @classmethod
    def for_part(cls, options: Mapping[str, Any], load: Load, noise: Noise = QUIET, speed: float = 1.0) -> Self:
        return cls(load, noise, speed, unit=options.get("unit", 1))

    def share_line(self, other: Emulator) -> None:
        if not isinstance(other, EmulatedSdm630):
            raise ValueError(f"{type(other).__name__} does not speak Modbus RTU")
        self._line.parts.append(other)

    async def open(self) -> str:
        return await self._line.open()

    async def close(self) -> None:
        await self._line.close()

    async def take_away(self) -> None:
        self._line.take_away()

    async def bring_back(self) -> None:
        self._line.bring_back()

    def garbage(self, data: bytes) -> None:
        self._line.garbage(data)

    def mute(self) -> None:
        """It says nothing any more: its power is off."""
        self.muted = True

    def unmute(self) -> None:
        self.muted = False

    def simulated(self) -> SimDevice:
        """The meter as pymodbus' server knows it."""
        return SimDevice(self.unit, [SimData(0, LAST_REGISTER, 0, DataType.REGISTERS)], action=self._read)

    async def _read(
        self, function: int, start: int, address: int, count: int, registers: list[int], written: object
    ) -> ExcCodes | None:
        self.requests.append((address, count))
        if function != READ_INPUT or self.refuses:
            return ExcCodes.ILLEGAL_FUNCTION
        if count > MOST_REGISTERS:
            return ExcCodes.ILLEGAL_VALUE
        for register, value in (readings(self.load) | self.spoilt).items():
            registers[register - start : register - start + 2] = unpack(">HH", pack(">f", value))
        return None


class RtuLine:
    """Several parts on one line."""

    def __init__(self, parts: list[EmulatedSdm630], noise: Noise = QUIET) -> None:
        self.parts = parts
        self._modem = NullModem(noise)
        self._server: ModbusSerialServer | None = None

    async def open(self) -> str:
        logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL + 1)
        path = self._modem.open()
        self._server = ModbusSerialServer(
            [part.simulated() for part in self.parts],
            port=self._modem.far,
            baudrate=9600,
            ignore_missing_devices=True,
            trace_packet=self._without_muted,
        )
        await self._server.serve_forever(background=True)
        return path

    def _without_muted(self, sending: bool, packet: bytes) -> bytes:
        muted = {part.unit for part in self.parts if part.muted}
        return b"" if sending and packet[0] in muted else packet

    async def close(self) -> None:
        if self._server is not None:
            await self._server.shutdown()  # type: ignore[no-untyped-call]
            self._server = None
        self._modem.close()

    def take_away(self) -> None:
        self._modem.take_away()

    def bring_back(self) -> None:
        self._modem.bring_back()

    def garbage(self, data: bytes) -> None:
        self._modem.garbage(data)


if __name__ == "__main__":
    meter = EmulatedSdm630()
    meter.load.current_a = 10.0
    asyncio.run(serve_keyboard(meter, lambda: f"muted {meter.muted}, {len(meter.requests)} requests"))
