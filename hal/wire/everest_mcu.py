"""What the EVerest family of boards says to its host and hears from it, as frozen structs.  No line, no clock.

A frame is one protobuf message, its CRC-32/JAMCRC (little-endian), stuffed (COBS), and a zero.  The boards differ in
numbers only: each is a row of ``MODELS``.  Sources: the public ``.proto`` files of the EVerest board drivers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Literal, TypeVar
from zlib import crc32

import msgspec

from hal.wire.cobs import Unstuffable, stuffed, unstuffed
from hal.wire.protobuf import Malformed, Value, as_bytes, as_integer, as_real, fields, nested, number

T = TypeVar("T")

LONGEST_FRAME = 600
"""A power-meter message, the longest that is known, has about 120 bytes."""

STATE_F = 0
FULL = 10_000
"""Of the duty: hundredths of a percent."""

Name = Literal["yeti", "umwc", "tida_010939", "ad_acevse22kwz", "phyverso"]
Kind = Literal["alive", "restarted", "pilot", "relay", "coil", "errors", "cable", "lock", "meter", "configure", "other"]
Lock = Literal["unknown", "unlocked", "locked", "moving"]
Flag = Literal[
    "diode", "rcd self test", "rcd", "ventilation", "lock", "pilot", "over current", "host silent", "coil", "cable"
]

FLAGS: dict[int, Flag] = {
    1: "diode",
    2: "rcd self test",
    3: "rcd",
    4: "ventilation",
    5: "lock",
    6: "pilot",
    7: "over current",
}
PHYVERSO_FLAGS: dict[int, Flag] = {**FLAGS, 7: "host silent", 8: "coil", 9: "cable"}

LOCKS: tuple[Lock, ...] = ("unknown", "unlocked", "locked")
CABLES_A: tuple[float | None, ...] = (None, 13.0, 20.0, 32.0, 63.0)
"""By the code; the fourth is 70 A on one phase and 63 A on three: the lower one holds."""

CABLE_FAULT = 5
PILOTS: tuple[Literal["A", "B", "C", "D", "E", "F"], ...] = ("A", "B", "C", "D", "E", "F")


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """One board: the numbers of what it is told (None: it has no such thing) and of what it tells."""

    title: str
    keep_alive: int
    pwm: int
    permit: int
    reset: int
    lock: int | None = None
    phases: int | None = None
    rcd: int | None = None
    configure: int | None = None
    x1: int = FULL + 1
    permits_coil: bool = False
    tells: dict[int, Kind]
    port_told: int | None = None
    port_tells: int | None = None
    ports: int = 1
    flags: Mapping[int, Flag]
    locks: tuple[Lock, ...] = LOCKS

    @property
    def has_meter(self) -> bool:
        return "meter" in self.tells.values()


_YETI_TELLS: dict[int, Kind] = {
    3: "alive",
    101: "restarted",
    102: "pilot",
    103: "relay",
    104: "errors",
    105: "other",
    106: "cable",
    107: "lock",
    108: "meter",
}

MODELS: dict[Name, Model] = {
    "yeti": Model(
        title="Yeti",
        keep_alive=100,
        lock=102,
        pwm=103,
        permit=104,
        reset=105,
        phases=106,
        flags=FLAGS,
        tells=_YETI_TELLS,
    ),
    "umwc": Model(
        title="uMWC",
        keep_alive=100,
        lock=102,
        pwm=103,
        permit=104,
        reset=105,
        flags=FLAGS,
        tells={field: kind for field, kind in _YETI_TELLS.items() if kind != "meter"},
    ),
    "tida_010939": Model(
        title="TIDA-010939",
        keep_alive=2,
        lock=3,
        pwm=4,
        permit=5,
        reset=6,
        rcd=8,
        flags=FLAGS,
        tells={
            1: "alive",
            2: "restarted",
            3: "pilot",
            4: "relay",
            5: "errors",
            6: "other",
            7: "cable",
            8: "lock",
        },
    ),
    "ad_acevse22kwz": Model(
        title="AD-ACEVSE22KWZ", keep_alive=100, pwm=103, permit=104, reset=105, flags=FLAGS, tells=_YETI_TELLS
    ),
    "phyverso": Model(
        title="phyVERSO",
        keep_alive=1,
        lock=3,
        pwm=4,
        permit=5,
        reset=6,
        configure=8,
        rcd=10,
        x1=FULL,
        permits_coil=True,
        tells={
            1: "alive",
            2: "restarted",
            3: "pilot",
            4: "coil",
            5: "errors",
            7: "other",
            8: "cable",
            9: "other",
            10: "lock",
            11: "configure",
        },
        port_told=7,
        port_tells=6,
        ports=2,
        flags=PHYVERSO_FLAGS,
        locks=(*LOCKS, "moving", "moving"),
    ),
}
"""The family."""


# ---- what a board tells ----


class Told(msgspec.Struct, frozen=True):
    """Something that a board says; ``port`` 0: of the whole board."""

    port: int


class Alive(Told, frozen=True):
    """Once a second.  Zeros and an empty text where a board does not say it."""

    software: str = ""
    protocol: tuple[int, int] = (0, 0)
    max_a: float = 0.0
    min_a: float = 0.0
    max_phases: int = 0
    min_phases: int = 0
    switches_phases: bool = False


class Restarted(Told, frozen=True):
    """It has started anew, asked to or because its watchdog bit."""

    by_watchdog: bool


class Pilot(Told, frozen=True):
    """The vehicle's side of the pilot."""

    state: Literal["A", "B", "C", "D", "E", "F"]


class Relay(Told, frozen=True):
    """The contactor's feedback; of phyVERSO the coil of the alternating current."""

    closed: bool


class Errors(Told, frozen=True):
    """All that is wrong at the moment."""

    flags: frozenset[Flag]


class Cable(Told, frozen=True):
    """The cable's coding; ``fault``: it reads as none that there is."""

    limit_a: float | None
    fault: bool = False


class LockMoved(Told, frozen=True):
    """Where the bolt is."""

    position: Lock


class Metered(Told, frozen=True):
    """The board's own meter; per phase, L1 first."""

    voltage_v: tuple[float, ...]
    current_a: tuple[float, ...]
    power_w: tuple[float, ...]
    energy_wh: tuple[float, ...]
    total_wh: float
    frequency_hz: float
    wrong_rotation: bool


class ConfigureAsked(Told, frozen=True):
    """It has started and wants to be told what is connected to it."""


class Other(Told, frozen=True):
    """Telemetry, fans, and what a later firmware says."""


# ---- what a board is told ----


def keep_alive(model: Model) -> bytes:
    """Once a second, at the longest."""
    return framed(nested(model.keep_alive, nested(6, b"n/a")))


def set_duty(model: Model, duty: int, port: int = 0) -> bytes:
    """``duty`` in hundredths of a percent, STATE_F or ``model.x1``."""
    return _told(model, number(model.pwm, duty), port)


def permit(model: Model, allowed: bool, port: int = 0) -> bytes:
    """Let it close its contactor when the vehicle asks for power."""
    if model.permits_coil:
        alternating_current = 1
        content = number(1, alternating_current) + (number(2, 1) if allowed else b"")
        return _told(model, nested(model.permit, content), port)
    return _told(model, number(model.permit, allowed), port)


def reset(model: Model) -> bytes:
    """Start anew."""
    return _told(model, number(model.reset, 1), 0)


def move_lock(field: int, model: Model, locked: bool, port: int = 0) -> bytes:
    """``field`` is ``model.lock``."""
    return _told(model, number(field, locked), port)


def use_phases(field: int, three: bool) -> bytes:
    """``field`` is ``model.phases``."""
    return framed(number(field, three))


def reset_rcd(field: int, model: Model, port: int = 0) -> bytes:
    """Let the residual-current device close again; ``field`` is ``model.rcd``."""
    return _told(model, nested(field, number(2, 1)), port)


def configure(field: int, ports: Mapping[int, tuple[int, bool]]) -> bytes:
    """Answer to ``ConfigureAsked``: by port the kind of its lock (-1 none) and whether it is a socket.

    A port that is not named is off.
    """
    content = b""
    for port in (1, 2):
        lock, socket = ports.get(port, (-1, False))
        one = number(1, 1 if port in ports else 0) + number(4, lock) + number(5, socket)
        content += nested(6, one)
    return framed(nested(field, content))


def _told(model: Model, payload: bytes, port: int) -> bytes:
    named = number(model.port_told, port) if model.port_told is not None and port else b""
    return framed(payload + named)


def framed(message: bytes) -> bytes:
    """A message as it goes over the line."""
    return stuffed(message + checksum(message).to_bytes(4, "little")) + b"\0"


def checksum(data: bytes) -> int:
    """CRC-32/JAMCRC: as everybody's, without the last inversion."""
    return crc32(data) ^ 0xFFFF_FFFF


# ---- reading ----


class Parser:
    """Bytes in, what the board says out; whatever is no frame is skipped and counted."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._pending = b""
        self._flooded = False
        self.counters = {"frames": 0, "garbage_bytes": 0, "checksum_errors": 0, "malformed": 0}

    def reset(self) -> None:
        """Forget half a frame; the counters stay."""
        self._pending, self._flooded = b"", False

    def receive(self, data: bytes) -> list[Told]:
        """Take what came in, in any portion; give what it completes."""
        *frames, self._pending = (self._pending + data).split(b"\0")
        found = [told for frame in frames if (told := self._read(frame)) is not None]
        if len(self._pending) > LONGEST_FRAME:  # no zero for so long: wait for one
            self.counters["garbage_bytes"] += len(self._pending)
            self._pending, self._flooded = b"", True
        return found

    def _read(self, frame: bytes) -> Told | None:
        flooded, self._flooded = self._flooded, False
        if not frame or flooded:
            self.counters["garbage_bytes"] += len(frame)
            return None
        try:
            content = unstuffed(frame)
        except Unstuffable:
            content = b""
        if len(content) < 4 or checksum(content):  # over a message and its checksum it is 0
            self.counters["checksum_errors"] += 1
            return None
        try:
            told = read(self._model, content[:-4])
        except Malformed:
            self.counters["malformed"] += 1
            return None
        self.counters["frames"] += 1
        return told


def read(model: Model, message: bytes) -> Told:
    """What a message says.

    Raises:
        Malformed: it is none, or says what makes no sense.

    """
    kind: Kind = "other"
    said: Value = 0
    port = 0
    for field, value in fields(message):
        if field == model.port_tells:
            port = as_integer(value)
        elif field in model.tells:
            kind, said = model.tells[field], value
    return READERS[kind](model, port, said)


def _alive(model: Model, port: int, said: Value) -> Told:
    told = _nested(said)

    def whole(field: int) -> int:
        return as_integer(told.get(field, 0))

    return Alive(
        port,
        software=as_bytes(told.get(6, b"")).decode("utf-8", "replace")[:50],
        protocol=(whole(4), whole(5)),
        max_a=_real(told, 7),
        min_a=_real(told, 8),
        max_phases=whole(9),
        min_phases=whole(10),
        switches_phases=bool(whole(11)),
    )


def _pilot(model: Model, port: int, said: Value) -> Told:
    return Pilot(port, _one_of(PILOTS, said))


def _coil(model: Model, port: int, said: Value) -> Told:
    told = _nested(said)
    if as_integer(told.get(1, 0)) != 1:
        return Other(port)  # of a direct current
    return Relay(port, bool(as_integer(told.get(2, 0))))


def _errors(model: Model, port: int, said: Value) -> Told:
    told = _nested(said)
    return Errors(port, frozenset(flag for field, flag in model.flags.items() if as_integer(told.get(field, 0))))


def _cable(model: Model, port: int, said: Value) -> Told:
    if said == CABLE_FAULT:
        return Cable(port, None, fault=True)
    return Cable(port, _one_of(CABLES_A, said))


def _lock(model: Model, port: int, said: Value) -> Told:
    return LockMoved(port, _one_of(model.locks, said))


def _meter(model: Model, port: int, said: Value) -> Told:
    told = _nested(said)

    def phases(first: int) -> tuple[float, ...]:
        return _real(told, first), _real(told, first + 1), _real(told, first + 2)

    return Metered(
        port,
        voltage_v=phases(2),
        current_a=phases(5),
        energy_wh=phases(9),
        total_wh=_real(told, 12),
        power_w=phases(17),
        frequency_hz=_real(told, 20),
        wrong_rotation=bool(as_integer(told.get(23, 0))),
    )


READERS: dict[Kind, Callable[[Model, int, Value], Told]] = {
    "alive": _alive,
    "restarted": lambda model, port, said: Restarted(port, as_integer(said) == 1),
    "pilot": _pilot,
    "relay": lambda model, port, said: Relay(port, bool(as_integer(said))),
    "coil": _coil,
    "errors": _errors,
    "cable": _cable,
    "lock": _lock,
    "meter": _meter,
    "configure": lambda model, port, said: ConfigureAsked(port),
    "other": lambda model, port, said: Other(port),
}


def _nested(said: Value) -> dict[int, Value]:
    return dict(fields(as_bytes(said)))


def _real(told: Mapping[int, Value], field: int) -> float:
    """A field that is not written is 0."""
    value = as_real(told[field]) if field in told else 0.0
    if not isfinite(value):
        raise Malformed(f"field {field} is no number")
    return value


def _one_of(known: tuple[T, ...], said: Value) -> T:
    code = as_integer(said)
    if code >= len(known):
        raise Malformed(f"{code} of {len(known)}")
    return known[code]
