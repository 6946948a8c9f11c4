"""Carlo Gavazzi EM340: the register map of the EM300 series over one load."""

from __future__ import annotations

from tests.emulators.load import Load
from tests.emulators.rtu_meter import READ_HOLDING, READ_INPUT, RtuMeter, low_first


def instantaneous(load: Load) -> dict[int, bytes]:
    """What the EM300 series and the EM580 show in the same way."""
    image = {
        0x28: low_first(round(load.power_w * 10), 2),
        0x2C: low_first(0, 2),
        0x32: (1).to_bytes(2, "big"),
        0x33: round(load.frequency_hz * 10).to_bytes(2, "big"),
    }
    for phase in range(load.phases):
        image[2 * phase] = low_first(round(load.voltage_v * 10), 2)
        image[0x0C + 2 * phase] = low_first(round(load.current_a * 1000), 2)
        image[0x12 + 2 * phase] = low_first(round(load.current_a * load.voltage_v * 10), 2)
    return image


class EmulatedEm340(RtuMeter):
    """Long requests are refused, and energy comes in two parts."""

    most_registers = 50
    functions = (READ_INPUT, READ_HOLDING)
    last_register = 0x500

    def image(self) -> dict[int, bytes]:
        whole, rest = divmod(int(self.load.energy_wh), 1000)
        energy = {0x400: low_first(whole, 2), 0x402: low_first(rest, 2), 0x408: bytes(4), 0x40A: bytes(4)}
        return instantaneous(self.load) | energy
