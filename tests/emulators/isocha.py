"""A Bender isoCHA425HV on a DC output, behind a Modbus line.  Shares no code with our driver."""

from __future__ import annotations

import asyncio
from struct import pack
from time import monotonic

from pymodbus.constants import ExcCodes

from tests.emulators.dc_link import DcLink
from tests.emulators.emulator import serve_keyboard
from tests.emulators.load import Load
from tests.emulators.pty import QUIET, Noise
from tests.emulators.rtu_meter import RtuMeter, text

SLOW_TEST_S, FAST_TEST_S = 22.0, 2.0
INVALID, TESTING, FAULT = 0xC0, 0x80, 0x02


class EmulatedIsoCha(RtuMeter):
    """It measures what hangs on its output.  A self test takes 22 s, or two with firmware 5.00."""

    stimuli = frozenset({"mute", "unmute", "earth_fault", "mend", "break_down", "repair"})
    keys = {"e": "earth_fault", "m": "mend"}
    default_unit = 3
    functions = (3,)
    last_register = 9900

    def __init__(
        self, load: Load | None = None, noise: Noise = QUIET, speed: float = 1.0, unit: int | None = None
    ) -> None:
        super().__init__(load, noise, speed, unit)
        self.link = DcLink.of(self.load)
        self.firmware = 512
        self.settings = {3005: 600, 3007: 500}
        self.broken = False
        self.tests = 0
        self._test_until = float("-inf")

    def earth_fault(self) -> None:
        self.link.insulation_ohm = 20_000.0

    def mend(self) -> None:
        self.link.insulation_ohm = 1_000_000.0

    def break_down(self) -> None:
        """The monitor itself."""
        self.broken = True

    def repair(self) -> None:
        self.broken = False

    def image(self) -> dict[int, bytes]:
        testing = monotonic() < self._test_until
        flags = (TESTING if testing else 0) | (FAULT if self.broken else 0)
        validity = INVALID if testing or self.broken else 0
        values = {
            1000: pack(">fBBH", self.link.insulation_ohm, flags, validity | 2, 71),
            1008: pack(">fBBH", self.link.output_v, flags, validity | 4, 76),
            9800: text("isoCHA425HV", 20),
            9821: pack(">H", self.firmware),
        }
        return values | {address: pack(">H", value) for address, value in self.settings.items()}

    def write(self, address: int, values: list[int]) -> ExcCodes | None:
        if address == 8005 and values == [0x5445]:
            self.tests += 1
            takes_s = FAST_TEST_S if self.firmware > 500 else SLOW_TEST_S
            self._test_until = monotonic() + takes_s / self.speed
            return None
        if address not in self.settings or len(values) != 1 or not 1 <= values[0] <= 600:
            return ExcCodes.ILLEGAL_VALUE
        self.settings[address] = values[0]
        return None


if __name__ == "__main__":
    monitor = EmulatedIsoCha()
    asyncio.run(serve_keyboard(monitor, lambda: f"{monitor.link.insulation_ohm:.0f} ohm, {monitor.tests} tests"))
