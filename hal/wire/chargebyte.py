"""The UART frames of chargebyte's safety controller, as frozen structs: no line, no clock, no decision.

A frame is ``A5``, a COM id, 64 bits big-endian, CRC8 SAE-J1850 of id and bits, ``03``: twelve bytes, both ways.
Bits are counted from 63, the first on the wire.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import msgspec

FRAME_BYTES = 12
SYNC, END = 0xA5, 0x03

CHARGE_CONTROL, CHARGE_STATE, PT1000 = 0x06, 0x07, 0x08
FIRMWARE, GIT_HASH, ERROR = 0x0A, 0x0B, 0x0E
ACTION, INQUIRY = 0xFE, 0xFF

RCM_SELF_TEST = 1
FULL_DUTY = 1000
"""Tenths of a percent: the steady pilot, x1."""

TEMPERATURE_UNUSED = 0x1FFF
CHANNELS = 4

CpLetter = Literal["unknown", "A", "B", "C", "D", "E", "F", "invalid"]
Contactor = Literal["undefined", "open", "closed", "unused", "fault"]
Rcm = Literal["absent", "monitoring", "testing", "fault", "test failed"]

CP: tuple[CpLetter, ...] = ("unknown", "A", "B", "C", "D", "E", "F", "invalid")
CONTACTOR: tuple[Contactor, ...] = ("undefined", "open", "closed", "unused")
RCM: tuple[Rcm, ...] = ("absent", "monitoring", "testing", "fault")

PLATFORMS = {0x81: "Charge SOM", 0x82: "Charge Control Y"}
APPLICATIONS = {3: "firmware", 4: "end-of-line test", 5: "qualification"}


class Malformed(ValueError):
    """A frame with a good checksum that this module cannot read."""


def _table() -> bytes:
    table = bytearray()
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc << 1 ^ 0x1D if crc & 0x80 else crc << 1) & 0xFF
        table.append(crc)
    return bytes(table)


_CRC = _table()


def crc8(data: bytes) -> int:
    """SAE-J1850: polynomial 1D, begins with FF, ends inverted."""
    crc = 0xFF
    for byte in data:
        crc = _CRC[crc ^ byte]
    return crc ^ 0xFF


class Frame(msgspec.Struct, frozen=True):
    """What every frame is, before it means something."""

    com: int
    word: int

    def to_bytes(self) -> bytes:
        covered = bytes((self.com,)) + self.word.to_bytes(8, "big")
        return bytes((SYNC, *covered, crc8(covered), END))


def inquiry(com: int) -> Frame:
    """Ask for one message; one question at a time."""
    return Frame(INQUIRY, com << 56)


def action(number: int) -> Frame:
    """Ask for an action; it is confirmed with a frame ``ACTION``."""
    return Frame(INQUIRY, ACTION << 56 | number << 48)


class Parser:
    """Bytes in, frames out; whatever is no frame is skipped and counted."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self.counters = {"frames": 0, "garbage_bytes": 0, "checksum_errors": 0}

    def reset(self) -> None:
        """Forget half a frame; the counters stay."""
        self._pending.clear()

    def receive(self, data: bytes) -> list[Frame]:
        """Take what came in, in any portion; give the frames that it completes."""
        pending = self._pending
        frames: list[Frame] = []
        pending += data
        while True:
            self._skip(pending.find(SYNC) if SYNC in pending else len(pending))
            if len(pending) < FRAME_BYTES:
                return frames
            raw = bytes(pending[:FRAME_BYTES])
            if raw[-1] != END or crc8(raw[1:10]) != raw[10]:
                self.counters["checksum_errors"] += raw[-1] == END
                self._skip(1)  # the next A5 may be inside
                continue
            del pending[:FRAME_BYTES]
            self.counters["frames"] += 1
            frames.append(Frame(raw[1], int.from_bytes(raw[2:10], "big")))

    def _skip(self, count: int) -> None:
        self.counters["garbage_bytes"] += count
        del self._pending[:count]


class Control(msgspec.Struct, frozen=True):
    """ChargeControl1.  ``duty`` in tenths of a percent: 0 is state F, 1000 is x1; without ``pwm`` there is no pilot."""

    pwm: bool = False
    duty: int = 0
    contactors: frozenset[int] = frozenset()
    """Numbers from 1; the controller closes them in state C only, and without an error."""

    def frame(self) -> Frame:
        word = self.pwm << 63 | self.duty << 48
        for number in self.contactors:
            word |= 1 << 39 + number
        return Frame(CHARGE_CONTROL, word)

    @classmethod
    def from_word(cls, word: int) -> Control:
        closed = frozenset(number for number in (1, 2, 3) if word >> 39 + number & 1)
        return cls(bool(word >> 63), word >> 48 & 0x3FF, closed)


class Version(msgspec.Struct, frozen=True):
    """What runs on the controller."""

    major: int
    minor: int
    build: int
    platform: int
    application: int
    parameters: int = 0

    @classmethod
    def from_word(cls, word: int) -> Version:
        major, minor, build, platform, application = word.to_bytes(8, "big")[:5]
        return cls(major, minor, build, platform, application, word >> 8 & 0xFFFF)

    def __str__(self) -> str:
        platform = PLATFORMS.get(self.platform, f"platform {self.platform:02X}")
        application = APPLICATIONS.get(self.application, f"application {self.application}")
        return f"{platform} {application} {self.major}.{self.minor}.{self.build}"


class ChargeState(msgspec.Struct, frozen=True):
    """ChargeState1, whatever its layout.  ``safe_state`` None: this layout does not tell."""

    pwm: bool
    duty: int
    cp: CpLetter
    cp_short: bool
    diode_fault: bool
    pp: int
    """0 no cable, 1 13 A, 2 20 A, 3 32 A, 4 63 A, 5 type 1, 6 type 1 with its button pressed, 7 invalid."""
    contactors: tuple[Contactor, ...]
    estops: tuple[int, ...]
    """Numbers, from 1, of the emergency stops that are tripped."""
    rcm: Rcm
    safe_state: bool | None = None
    reason: int = 0


def _three_contactors(word: int) -> ChargeState:
    return _state(
        word,
        contactors=tuple(CONTACTOR[word >> 24 + 2 * index & 3] for index in range(3)),
        estops=tuple(index + 1 for index in range(3) if word >> 16 + 2 * index & 3 == 1),
        rcm=RCM[word >> 22 & 3],
        safe_state=word >> 58 & 3 == 1,
        reason=word >> 8 & 0xFF,
    )


def _two_contactors(word: int) -> ChargeState:
    """State and error of a contactor are bits of their own; the safe state is not told."""

    def contactor(index: int) -> Contactor:
        if word >> 26 + index & 1:
            return "fault"
        return "closed" if word >> 24 + index & 1 else "open"

    return _state(
        word,
        contactors=(contactor(0), contactor(1)),
        estops=tuple(index + 1 for index in range(3) if word >> 16 + index & 1),
        rcm="test failed" if word >> 20 & 1 else "fault" if word >> 19 & 1 else "monitoring",
    )


def _state(
    word: int,
    contactors: tuple[Contactor, ...],
    estops: tuple[int, ...],
    rcm: Rcm,
    safe_state: bool | None = None,
    reason: int = 0,
) -> ChargeState:
    return ChargeState(
        pwm=bool(word >> 63),
        duty=word >> 48 & 0x3FF,
        cp=CP[word >> 40 & 7],
        cp_short=bool(word >> 43 & 1),
        diode_fault=bool(word >> 44 & 1),
        pp=word >> 32 & 7,
        contactors=contactors,
        estops=estops,
        rcm=rcm,
        safe_state=safe_state,
        reason=reason,
    )


Layout = Literal["two_contactors", "three_contactors"]
READERS: Mapping[Layout, Callable[[int], ChargeState]] = {
    "two_contactors": _two_contactors,
    "three_contactors": _three_contactors,
}

KNOWN_MAJORS = (0,)
THREE_CONTACTORS_SINCE = 3
"""The minor version.  The public sources have the three from 0.3.0 on, and the two before; not every 0.2.x was seen."""


def layout_of(version: Version) -> Layout:
    """How this firmware writes its state.

    Raises:
        Malformed: a major version that nobody has described; guessing at a safety controller is no option.

    """
    if version.major not in KNOWN_MAJORS:
        known = ", ".join(f"{major}.x" for major in KNOWN_MAJORS)
        raise Malformed(f"{version}: its messages are not known; known firmware: {known}")
    return "three_contactors" if version.minor >= THREE_CONTACTORS_SINCE else "two_contactors"


class Temperature(msgspec.Struct, frozen=True):
    """One PT1000 channel; ``celsius`` None: no sensor."""

    celsius: float | None
    stops_charging: bool = False
    self_test_failed: bool = False


def temperatures(word: int) -> tuple[Temperature, ...]:
    """The channels of a frame ``PT1000``, the first first."""
    return tuple(_temperature(word >> shift & 0xFFFF) for shift in (48, 32, 16, 0))


def _temperature(bits: int) -> Temperature:
    tenths = bits >> 2
    if tenths == TEMPERATURE_UNUSED:
        return Temperature(None)
    signed = tenths - 0x4000 if tenths & 0x2000 else tenths
    return Temperature(signed / 10, bool(bits & 1), bool(bits & 2))


class ErrorMessage(msgspec.Struct, frozen=True):
    """A frame ``ERROR``: numbers of the vendor's."""

    active: bool
    module: int
    reason: int

    @classmethod
    def from_word(cls, word: int) -> ErrorMessage:
        return cls(bool(word >> 63), word >> 48 & 0x7FFF, word >> 32 & 0xFFFF)
