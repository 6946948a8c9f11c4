"""What emulated charge controllers on a Modbus line share: the vehicle, and what the world does.  Knows no register."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pymodbus.constants import ExcCodes

from tests.emulators.load import Load
from tests.emulators.pty import QUIET, Noise
from tests.emulators.rtu import RtuPart
from tests.emulators.vehicle import ControllerWithVehicle

READ_COILS, READ_HOLDING, READ_INPUT = 1, 3, 4
WRITE_COIL, WRITE_HOLDING, WRITE_SEVERAL = 5, 6, 16
COILS = (READ_COILS, WRITE_COIL)
WRITES = (WRITE_COIL, WRITE_HOLDING, WRITE_SEVERAL)


class EmulatedRtuController(RtuPart):
    """A subclass says what its registers do."""

    stimuli = frozenset({"plug_in", "unplug", "ready", "pause", "mute", "unmute", "power_cycle"})
    keys = {"p": "plug_in", "u": "unplug", "r": "ready", "x": "pause", "c": "power_cycle"}

    def __init__(self, load: Load | None = None, noise: Noise = QUIET, speed: float = 1.0, unit: int = 1) -> None:
        super().__init__(load, noise, speed, unit)
        self.ev = ControllerWithVehicle(self.load, speed)
        self.written: list[tuple[int, int]] = []
        self._echo: dict[int, int] = {}

    @classmethod
    def for_part(cls, options: Mapping[str, Any], load: Load, noise: Noise = QUIET, speed: float = 1.0) -> Self:
        return cls(load, noise, speed, unit=options.get("unit", 1))

    async def close(self) -> None:
        self.ev.stop_timers()
        await super().close()

    @property
    def offers_a(self) -> int | None:
        """What the pilot's duty tells the vehicle, in whole amps; None: no oscillator."""
        return None if self.ev.offered_a is None else round(self.ev.offered_a)

    @property
    def powered(self) -> bool:
        return self.ev.contactor

    def plug_in(self, current_a: float = 16.0, ready_after: float | None = 0.0) -> None:
        """``ready_after`` None: the vehicle waits for ``ready``."""
        self.ev.plug_in(current_a, ready_after)

    def unplug(self) -> None:
        self.ev.unplug()

    def ready(self) -> None:
        self.ev.ready()

    def pause(self) -> None:
        self.ev.pause()

    def power_cycle(self) -> None:
        """It restarts."""
        raise NotImplementedError

    def read(self, function: int, address: int) -> int | None:
        """A register or a coil; None: there is none."""
        raise NotImplementedError

    def write(self, function: int, address: int, value: int) -> ExcCodes | None:
        """A register or a coil is written."""
        raise NotImplementedError

    async def answer(
        self,
        function: int,
        start: int,
        address: int,
        count: int,
        registers: list[int],
        written: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        for offset, value in enumerate(written or ()):
            self.written.append((address + offset, int(value)))
            if (refusal := self.write(function, address + offset, int(value))) is not None:
                return refusal
        if written is not None:
            self._echo = {address + offset: int(value) for offset, value in enumerate(written)}
        if function in COILS:
            self._fill_coils(function, address, count, registers, start)
            return None
        for offset in range(count):
            word = self._read(function, address + offset)
            if word is None:
                return ExcCodes.ILLEGAL_ADDRESS
            registers[address + offset - start] = word
        return None

    def _read(self, function: int, address: int) -> int | None:
        """The answer to a write says what was written, whatever has become of it."""
        if function in WRITES and address in self._echo:
            return self._echo[address]
        return self.read(function, address)

    def _fill_coils(self, function: int, address: int, count: int, registers: list[int], start: int) -> None:
        """pymodbus takes coil n from bit n % 16 of the register at the address that was asked for."""
        first = address - address % 16
        for word in range(count):
            bits = [self._read(function, first + 16 * word + bit) or 0 for bit in range(16)]
            registers[address - start + word] = sum(bit << number for number, bit in enumerate(bits))
