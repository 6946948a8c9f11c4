"""InfyPower REG/CEG modules, protocol V1.13: extended CAN frames to structs and back.  Knows no bus and no session.

An identifier is ``error[28:26] | device[25:22] | command[21:16] | destination[15:8] | source[7:0]``; big-endian.
"""

from __future__ import annotations

from math import isfinite
from struct import pack, unpack
from typing import Literal

import msgspec

HOST = 0xF0
BROADCAST = 0x3F
ONE, GROUP = 0xA, 0xB
COUNT, READ, STATUS, CAPABILITY, AVAILABLE, SWITCH, SET = 0x02, 0x03, 0x04, 0x0A, 0x0C, 0x1A, 0x1C
FROM_MODULES = (HOST << 8, 0x0000FF00)
"""Filter: what is addressed to the host."""
INTERNAL, INTERNAL_MASK = 0x0757F800, 0x1FFFF800
"""What modules say to one another."""

OK, STARTING = 0, 7
ERRORS = {2: "bad command", 3: "bad data", STARTING: "starting"}
MOST_V, MOST_A = 2000.0, 1000.0

StatusBit = Literal[
    "output short", "sleeping", "discharge abnormal", "off", "fault", "protection", "fan", "over-temperature",
    "output over-voltage", "walk-in", "communication interrupted", "power limited", "identifier clash", "load sharing",
    "phase lost", "phases unbalanced", "input under-voltage", "input over-voltage", "PFC off",
]  # fmt: skip

STATUS_BITS: dict[tuple[int, int], StatusBit] = {
    (7, 0): "output short", (7, 4): "sleeping", (7, 5): "discharge abnormal",
    (6, 0): "off", (6, 1): "fault", (6, 2): "protection", (6, 3): "fan", (6, 4): "over-temperature",
    (6, 5): "output over-voltage", (6, 6): "walk-in", (6, 7): "communication interrupted",
    (5, 0): "power limited", (5, 1): "identifier clash", (5, 2): "load sharing", (5, 3): "phase lost",
    (5, 4): "phases unbalanced", (5, 5): "input under-voltage", (5, 6): "input over-voltage", (5, 7): "PFC off",
}  # fmt: skip
"""(byte, bit) of the answer to STATUS."""


class Reply(msgspec.Struct, frozen=True):
    """What a module says; ``error`` 0: it did, or it is so."""

    module: int
    error: int


class Measured(Reply, frozen=True):
    """Voltage and current at its output."""

    voltage_v: float
    current_a: float


class Condition(Reply, frozen=True):
    """Which bits are set."""

    bits: frozenset[StatusBit]


class Rating(Reply, frozen=True):
    """What one module can give."""

    max_v: float
    min_v: float
    max_a: float
    max_w: float


class Available(Reply, frozen=True):
    """Voltage before the output diode, and the current that it could give now."""

    voltage_v: float
    current_a: float


class Modules(Reply, frozen=True):
    """How many modules there are in the group."""

    count: int


class Done(Reply, frozen=True):
    """The answer to a command, or a refusal."""

    command: int


Said = Measured | Condition | Rating | Available | Modules | Done


class Frame(msgspec.Struct, frozen=True):
    """An extended CAN frame."""

    id: int
    data: bytes


def ask(command: int, module: int, device: int = ONE) -> Frame:
    """Read something of a module, or of a group."""
    return Frame(_id(command, module, device), bytes(8))


def switch(module: int, on: bool) -> Frame:
    """On and off; on is 0."""
    return Frame(_id(SWITCH, module, ONE), bytes((0 if on else 1, *bytes(7))))


def set_point(module: int, voltage_v: float, current_a: float) -> Frame:
    """Voltage and current limit of one module.

    Raises:
        ValueError: no number, negative, or larger than any module gives.

    """
    for name, value, most in (("voltage", voltage_v, MOST_V), ("current", current_a, MOST_A)):
        if not 0 <= value <= most:
            raise ValueError(f"{name} {value}: 0 to {most:g}")
    return Frame(_id(SET, module, ONE), pack(">II", round(voltage_v * 1000), round(current_a * 1000)))


def read(id: int, data: bytes) -> Said | None:
    """What a module said; None: it is not for the host, or makes no sense."""
    if id & INTERNAL_MASK == INTERNAL or id >> 8 & 0xFF != HOST or id >> 22 & 0xF not in (ONE, GROUP):
        return None
    module, command, error = id & 0xFF, id >> 16 & 0x3F, id >> 26 & 0x7
    if error != OK:
        return Done(module, error, command)
    if len(data) != 8:
        return None
    return _read(module, command, data)


def _read(module: int, command: int, data: bytes) -> Said | None:
    match command:
        case 0x03:
            voltage_v, current_a = unpack(">ff", data)
            sane = isfinite(voltage_v) and isfinite(current_a) and max(abs(voltage_v), abs(current_a)) <= MOST_V
            return Measured(module, OK, voltage_v, current_a) if sane else None
        case 0x04:
            bits = frozenset(name for (byte, bit), name in STATUS_BITS.items() if data[byte] >> bit & 1)
            return Condition(module, OK, bits)
        case 0x0A:
            max_v, min_v, max_a, max_w = unpack(">HHHH", data)
            return Rating(module, OK, float(max_v), float(min_v), max_a / 10, max_w * 10.0)
        case 0x0C:
            voltage_v, current_a, _ = unpack(">HHI", data)
            return Available(module, OK, voltage_v / 10, current_a / 10)
        case 0x02:
            return Modules(module, OK, data[2])
        case 0x1A | 0x1C:
            return Done(module, OK, command)
    return None


def _id(command: int, module: int, device: int) -> int:
    return device << 22 | command << 16 | module << 8 | HOST
