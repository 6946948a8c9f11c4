"""InfyPower modules on one output, behind a CAN adapter.  Shares no code with our driver.

By the public description of protocol V1.13: ON is 0, a module that hears nothing for 10 s switches off.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from struct import pack, unpack
from typing import Any, Self

from tests.emulators.can import CanPart
from tests.emulators.dc_link import DcLink
from tests.emulators.emulator import serve_keyboard
from tests.emulators.load import Load
from tests.emulators.pty import QUIET, Noise

SWITCHES_OFF_S = 10.0
MAX_V, MIN_V, MAX_DECIAMPS, MAX_DECAWATTS = 1000, 200, 500, 2000


class Module:
    """One module: 50 A, 20 kW."""

    def __init__(self) -> None:
        self.on = self.gone = False
        self.voltage_v = self.current_a = 0.0
        self.status = bytearray(8)


class EmulatedInfyPower(CanPart):
    """``modules`` of them, addresses from 0."""

    stimuli = frozenset({"mute", "unmute", "lose_module", "find_module", "fault", "clear_fault", "power_cycle"})
    keys = {"l": "lose_module", "b": "find_module", "f": "fault", "c": "clear_fault"}

    def __init__(self, load: Load | None = None, noise: Noise = QUIET, speed: float = 1.0, modules: int = 2) -> None:
        super().__init__(load, noise, speed)
        self.link = DcLink.of(self.load)
        self.modules = {address: Module() for address in range(modules)}
        self.switches_off_s = SWITCHES_OFF_S

    @classmethod
    def for_part(cls, options: Mapping[str, Any], load: Load, noise: Noise = QUIET, speed: float = 1.0) -> Self:
        return cls(load, noise, speed, options.get("modules", 2))

    # ---- stimuli ----

    def lose_module(self, address: int = 0) -> None:
        """Its CAN plug is out; it goes on giving power until its own supervision ends that."""
        self.modules[address].gone = True

    def find_module(self, address: int = 0) -> None:
        self.modules[address].gone = False

    def fault(self, address: int = 0, byte: int = 6, bit: int = 1) -> None:
        self.modules[address].status[byte] |= 1 << bit

    def clear_fault(self, address: int = 0) -> None:
        self.modules[address].status = bytearray(8)

    def power_cycle(self) -> None:
        """The mains were away."""
        for module in self.modules.values():
            module.on, module.voltage_v, module.current_a = False, 0.0, 0.0
        self._feed()

    # ---- the protocol ----

    def hear(self, id: int, data: bytes) -> None:
        device, command, target, source = id >> 22 & 0xF, id >> 16 & 0x3F, id >> 8 & 0xFF, id & 0xFF
        if source != 0xF0 or device not in (0xA, 0xB):
            return
        for address, module in self.modules.items():
            if module.gone or not (device == 0xB or target in (address, 0x3F)):
                continue
            self.after(f"silence {address}", self.switches_off_s, lambda each=module: self._expire(each), real=True)
            answer = self._answer(module, command, data)
            if target != 0x3F:
                error = 0 if answer is not None else 2
                self.say(error << 26 | device << 22 | command << 16 | 0xF000 | address, answer or bytes(8))
            if device == 0xB:
                return  # the first answers for the group

    def _answer(self, module: Module, command: int, data: bytes) -> bytes | None:
        match command:
            case 0x02:
                return bytes((0, 0, sum(not each.gone for each in self.modules.values()), 0, 0, 0, 0, 0))
            case 0x03:
                feeding = [each for each in self.modules.values() if each.on]
                share = self.link.current_a / len(feeding) if feeding and module.on else 0.0
                return pack(">ff", self.link.output_v, share)
            case 0x04:
                status = bytearray(module.status)
                status[6] |= 0 if module.on else 1
                return bytes(status)
            case 0x0A:
                return pack(">HHHH", MAX_V, MIN_V, MAX_DECIAMPS, MAX_DECAWATTS)
            case 0x1A:
                module.on = data[0] == 0
            case 0x1C:
                millivolts, milliamps = unpack(">II", data)
                module.voltage_v, module.current_a = millivolts / 1000, milliamps / 1000
            case _:
                return None
        self._feed()
        return bytes(data)

    def _expire(self, module: Module) -> None:
        module.on = False
        self._feed()

    def _feed(self) -> None:
        on = [module for module in self.modules.values() if module.on]
        self.link.feed(max((each.voltage_v for each in on), default=0.0), sum(each.current_a for each in on))


if __name__ == "__main__":
    parts = EmulatedInfyPower()
    asyncio.run(serve_keyboard(parts, lambda: f"{parts.link.output_v:.0f} V, {parts.link.current_a:.1f} A"))
