"""A SimpleEVSE-WB or EVSE-WB-DIN with a vehicle on its cable, on a Modbus line.  No code of our driver's."""

from __future__ import annotations

import asyncio

from pymodbus.constants import ExcCodes

from tests.emulators.emulator import serve_keyboard
from tests.emulators.load import Load
from tests.emulators.pty import QUIET, Noise
from tests.emulators.rtu_controller import COILS, READ_INPUT, WRITE_SEVERAL, EmulatedRtuController

DEFAULT_A = 16
STATES = {"A": 1, "B": 2, "C": 3, "D": 4}
HUNDREDTHS, HUNDREDTHS_SINCE = 1 << 7, 17


class EmulatedSimpleEvse(EmulatedRtuController):
    """After a restart it charges by itself with its default current."""

    last_register = 2020

    def __init__(
        self,
        load: Load | None = None,
        noise: Noise = QUIET,
        speed: float = 1.0,
        unit: int = 1,
        firmware: int = 18,
        config: int = 0,
    ) -> None:
        super().__init__(load, noise, speed, unit)
        self.firmware, self.config = firmware, config
        self.config_writes = 0
        self.current = DEFAULT_A * self.per_amp
        self.state: int | None = None

    async def open(self) -> str:
        self._obey()
        return await super().open()

    @property
    def per_amp(self) -> int:
        return 100 if self.config & HUNDREDTHS and self.firmware >= HUNDREDTHS_SINCE else 1

    def power_cycle(self) -> None:
        self.current = DEFAULT_A * self.per_amp
        self._obey()

    def _obey(self) -> None:
        amps = self.current / self.per_amp
        self.ev.offer(amps if amps >= 6 else None)

    def read(self, function: int, address: int) -> int | None:
        if function in COILS or function == READ_INPUT:
            return None
        state = STATES[self.ev.letter] if self.state is None else self.state
        return {1000: self.current, 1002: state, 1005: self.firmware, 2005: self.config}.get(address)

    def write(self, function: int, address: int, value: int) -> ExcCodes | None:
        if function != WRITE_SEVERAL:
            return ExcCodes.ILLEGAL_FUNCTION
        if address == 1000:
            self.current = value
        elif address == 2005:
            self.config = value
            self.config_writes += 1
        else:
            return ExcCodes.ILLEGAL_ADDRESS
        self._obey()
        return None


if __name__ == "__main__":
    part = EmulatedSimpleEvse()
    asyncio.run(serve_keyboard(part, lambda: f"{part.ev.letter}, register {part.current}, {part.load.current_a:g} A"))
