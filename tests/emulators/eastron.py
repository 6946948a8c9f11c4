"""Eastron meters: the register maps of their manuals over one load."""

from __future__ import annotations

import asyncio
from struct import pack

from tests.emulators.emulator import serve_keyboard
from tests.emulators.load import Load
from tests.emulators.rtu_meter import RtuMeter


def three_phases(load: Load) -> dict[int, float]:
    """SDM630 and SDM72: address of the manual minus 30001 -> value in the meter's unit."""
    values: dict[int, float] = {52: load.power_w, **energy(load)}
    for phase in range(3):
        wired = phase < load.phases
        values[2 * phase] = load.voltage_v if wired else 0.0
        values[6 + 2 * phase] = load.current_a if wired else 0.0
        values[12 + 2 * phase] = load.current_a * load.voltage_v if wired else 0.0
    return values


def one_phase(load: Load) -> dict[int, float]:
    """SDM120 and SDM230: the phase that they are in."""
    return {0: load.voltage_v, 6: load.current_a, 12: load.current_a * load.voltage_v, 30: 1.0, **energy(load)}


def energy(load: Load) -> dict[int, float]:
    """What all of them have, in Hz and kWh."""
    return {70: load.frequency_hz, 72: load.energy_wh / 1000, 74: 0.0, 342: load.energy_wh / 1000}


class EmulatedSdm630(RtuMeter):
    """At most 80 registers in one request, as the manual says."""

    most_registers = 80

    def image(self) -> dict[int, bytes]:
        return {address: pack(">f", value) for address, value in three_phases(self.load).items()}


class EmulatedSdm72(EmulatedSdm630):
    """At most 60."""

    most_registers = 60


class EmulatedSdm120(RtuMeter):
    """It is in one phase, and sees no other."""

    most_registers = 80

    @property
    def shown_w(self) -> float:
        return self.load.current_a * self.load.voltage_v

    def image(self) -> dict[int, bytes]:
        return {address: pack(">f", value) for address, value in one_phase(self.load).items()}


if __name__ == "__main__":
    meter = EmulatedSdm630()
    meter.load.current_a = 10.0
    asyncio.run(serve_keyboard(meter, lambda: f"muted {meter.muted}, {len(meter.requests)} requests"))
