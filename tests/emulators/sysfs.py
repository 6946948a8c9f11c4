"""A temperature file as the kernel has it, in a folder of its own."""

from __future__ import annotations

from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from tests.emulators.emulator import Emulator
from tests.emulators.load import Load
from tests.emulators.pty import QUIET, Noise


class EmulatedSysfsThermometer(Emulator):
    """``tempN_input`` of hwmon, in millidegrees."""

    bus_kind = ""
    stimuli = frozenset({"heat"})

    def __init__(self, load: Load | None = None, noise: Noise = QUIET, speed: float = 1.0) -> None:
        super().__init__(load, noise, speed)
        self._path = Path()
        self._there = False
        self._celsius = 21.5

    async def open(self) -> str:
        self._path = Path(mkdtemp(prefix="sysfs-")) / "temp1_input"
        await self.bring_back()
        return str(self._path)

    async def close(self) -> None:
        rmtree(self._path.parent, ignore_errors=True)

    async def take_away(self) -> None:
        self._there = False
        self._path.unlink(missing_ok=True)

    async def bring_back(self) -> None:
        self._there = True
        self.heat(self._celsius)

    def heat(self, celsius: float) -> None:
        self._celsius = celsius
        if self._there:
            fresh = self._path.with_name("fresh")
            fresh.write_text(f"{round(celsius * 1000)}\n")
            fresh.replace(self._path)  # as the kernel: never half a number

    def garbage(self, data: bytes) -> None:
        """The kernel has no noise of its own."""
