"""Carlo Gavazzi EM330, EM340 and ET340 over Modbus RTU, as a register table.  Knows no transaction.

Integers have their low word first.  Readings of 52 words and more in one go fail on this series.
"""

from __future__ import annotations

from hal.drivers.rtu_meter import RtuMeter
from hal.wire.registers import Register, blocks

LONGEST_REQUEST = 50

INSTANTANEOUS = (
    Register("voltage_v", 0x00, "int32_low_first", 0.1, "V", 1),
    Register("voltage_v", 0x02, "int32_low_first", 0.1, "V", 2),
    Register("voltage_v", 0x04, "int32_low_first", 0.1, "V", 3),
    Register("current_a", 0x0C, "int32_low_first", 0.001, "A", 1),
    Register("current_a", 0x0E, "int32_low_first", 0.001, "A", 2),
    Register("current_a", 0x10, "int32_low_first", 0.001, "A", 3),
    Register("power_phase_w", 0x12, "int32_low_first", 0.1, "W", 1),
    Register("power_phase_w", 0x14, "int32_low_first", 0.1, "W", 2),
    Register("power_phase_w", 0x16, "int32_low_first", 0.1, "W", 3),
    Register("power_w", 0x28, "int32_low_first", 0.1, "W"),
    Register("reactive_var", 0x2C, "int32_low_first", 0.1, "var"),
    Register("frequency_hz", 0x33, "int16", 0.1, "Hz"),
)
"""What the EM580 shows in the same way."""

EM300 = (
    *INSTANTANEOUS,
    Register("import_wh", 0x400, "int32_low_first", 1000, "Wh"),
    Register("import_wh", 0x402, "int32_low_first", 1, "Wh"),
    Register("export_wh", 0x408, "int32_low_first", 1000, "Wh"),
    Register("export_wh", 0x40A, "int32_low_first", 1, "Wh"),
)
"""Energy is kilowatt hours, and the watt hours that are left, in two registers."""


class Em340(RtuMeter):
    """Function 4.  The series has no clock: nothing is ever written to it."""

    model = "Carlo Gavazzi EM340"
    requests = blocks(EM300, LONGEST_REQUEST, gap=20)
