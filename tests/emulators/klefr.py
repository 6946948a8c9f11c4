"""Klefr 693x: its register map over one load."""

from __future__ import annotations

from struct import pack

from tests.emulators.rtu_meter import READ_HOLDING, RtuMeter


class EmulatedKlefr693x(RtuMeter):
    """Holding registers only."""

    functions = (READ_HOLDING,)
    last_register = 24700

    def image(self) -> dict[int, bytes]:
        load = self.load
        values = {20488: load.frequency_hz, 20498: load.power_w / 1000, 24588: load.energy_wh / 1000, 24600: 0.0}
        for phase in range(load.phases):
            values[20482 + 2 * phase] = load.voltage_v
            values[20492 + 2 * phase] = load.current_a
            values[20500 + 2 * phase] = load.current_a * load.voltage_v / 1000
        return {address: pack(">f", value) for address, value in values.items()}
