"""Klefr 693x and 694x meters over Modbus RTU, as a register table.  Knows no transaction."""

from __future__ import annotations

from hal.drivers.rtu_meter import RtuMeter
from hal.wire.registers import Register, blocks

LONGEST_REQUEST = 60
"""Words in one request; the manual's bound is not known, this is well below that of Modbus."""

KLEFR_693X = (
    Register("voltage_v", 20482, unit="V", phase=1),
    Register("voltage_v", 20484, unit="V", phase=2),
    Register("voltage_v", 20486, unit="V", phase=3),
    Register("frequency_hz", 20488, unit="Hz"),
    Register("current_a", 20492, unit="A", phase=1),
    Register("current_a", 20494, unit="A", phase=2),
    Register("current_a", 20496, unit="A", phase=3),
    Register("power_w", 20498, factor=1000, unit="W"),
    Register("power_phase_w", 20500, factor=1000, unit="W", phase=1),
    Register("power_phase_w", 20502, factor=1000, unit="W", phase=2),
    Register("power_phase_w", 20504, factor=1000, unit="W", phase=3),
    Register("reactive_var", 20506, factor=1000, unit="var"),
    Register("import_wh", 24588, factor=1000, unit="Wh"),
    Register("export_wh", 24600, factor=1000, unit="Wh"),
)
"""Holding registers, 32-bit floats in kW, kvar and kWh."""


class Klefr693x(RtuMeter):
    """Function 3; up to three phases."""

    model = "Klefr 693x"
    reads = "holding"
    requests = blocks(KLEFR_693X, LONGEST_REQUEST, gap=20)
