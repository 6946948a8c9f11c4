"""Eastron meters over Modbus RTU: a register table for each model.  Knows no transaction.

Addresses are numbers of the manuals minus 30001, values are 32-bit floats; a model says how much one request may ask.
"""

from __future__ import annotations

from hal.drivers.rtu_meter import RtuMeter
from hal.wire.registers import Register, blocks

LONGEST_REQUEST = 80
"""Words in one request, as the SDM manuals bound it."""

LONGEST_SDM72 = 60

_ENERGY = (
    Register("frequency_hz", 70, unit="Hz"),
    Register("import_wh", 72, factor=1000, unit="Wh"),
    Register("export_wh", 74, factor=1000, unit="Wh"),
)

SDM630 = (
    Register("voltage_v", 0, unit="V", phase=1),
    Register("voltage_v", 2, unit="V", phase=2),
    Register("voltage_v", 4, unit="V", phase=3),
    Register("current_a", 6, unit="A", phase=1),
    Register("current_a", 8, unit="A", phase=2),
    Register("current_a", 10, unit="A", phase=3),
    Register("power_phase_w", 12, unit="W", phase=1),
    Register("power_phase_w", 14, unit="W", phase=2),
    Register("power_phase_w", 16, unit="W", phase=3),
    Register("power_w", 52, unit="W"),
    *_ENERGY,
)
"""Three phases; the SDM72 (V2) has the same, and takes shorter requests."""

SDM120 = (
    Register("voltage_v", 0, unit="V", phase=1),
    Register("current_a", 6, unit="A", phase=1),
    Register("power_w", 12, unit="W"),
    Register("reactive_var", 24, unit="var"),
    Register("power_factor", 30),
    *_ENERGY,
)
"""One phase; the SDM230 has the same."""


class EastronMeter(RtuMeter):
    """Function 4.  Parity is none or even, as the meter's menu says."""


class Sdm630(EastronMeter):
    """Three phases, 9600 baud."""

    model = "Eastron SDM630"
    requests = blocks(SDM630, LONGEST_REQUEST, gap=40)


class Sdm72(EastronMeter):
    """Three phases, 9600 baud; SDM72D-M of the second version (SDM72DM-V2)."""

    model = "Eastron SDM72"
    requests = blocks(SDM630, LONGEST_SDM72, gap=40)


class Sdm120(EastronMeter):
    """One phase, 2400 baud as it is delivered."""

    model = "Eastron SDM120"
    requests = blocks(SDM120, LONGEST_REQUEST, gap=30)


class Sdm230(EastronMeter):
    """One phase, 9600 baud."""

    model = "Eastron SDM230"
    requests = blocks(SDM120, LONGEST_REQUEST, gap=30)
