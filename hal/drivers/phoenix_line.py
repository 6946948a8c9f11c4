"""Reading the status registers of a Phoenix EV Charge Control Basic.  Does not know what they mean."""

from __future__ import annotations

from hal.bus.rtu import RtuBus
from hal.errors import PartRefused


class StatusRegisters:
    """The manual lists them as holding registers, others read them as input registers: whichever is answered."""

    def __init__(self, bus: RtuBus, unit: int) -> None:
        self._bus = bus
        self._unit = unit
        self._as_input = False

    async def read(self, address: int, count: int) -> list[int]:
        try:
            return await self._read(address, count)
        except PartRefused:
            self._as_input = not self._as_input
            return await self._read(address, count)

    async def _read(self, address: int, count: int) -> list[int]:
        read = self._bus.read_input if self._as_input else self._bus.read_holding
        return await read(self._unit, address, count)
