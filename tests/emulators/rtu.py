"""Parts on one Modbus RTU line: pymodbus' server behind a pseudo-terminal.  Knows no register."""

from __future__ import annotations

import logging

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusSerialServer
from pymodbus.simulator import DataType, SimData, SimDevice

from tests.emulators.emulator import Emulator
from tests.emulators.load import Load
from tests.emulators.pty import QUIET, Noise, NullModem


class RtuPart(Emulator):
    """One unit; on a line of its own unless another part takes it onto its own.  ``last_register`` bounds its map."""

    bus_kind = "rtu"
    last_register = 400

    def __init__(self, load: Load | None = None, noise: Noise = QUIET, speed: float = 1.0, unit: int = 1) -> None:
        super().__init__(load, noise, speed)
        self.unit = unit
        self.muted = False
        self._line = RtuLine([self], noise)

    def share_line(self, other: Emulator) -> None:
        if not isinstance(other, RtuPart):
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
        """The part as pymodbus' server knows it."""
        return SimDevice(self.unit, [SimData(0, self.last_register, 0, DataType.REGISTERS)], action=self.answer)

    async def answer(
        self,
        function: int,
        start: int,
        address: int,
        count: int,
        registers: list[int],
        written: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        """Put what is asked for into ``registers``, or take what is ``written``; a code refuses."""
        raise NotImplementedError


class RtuLine:
    """Several parts on one line."""

    def __init__(self, parts: list[RtuPart], noise: Noise = QUIET) -> None:
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
