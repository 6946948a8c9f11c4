"""What a Phoenix Contact EV Charge Control Basic has in its registers, and which events that makes.  Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import UNSET, UnsetType

from hal.drivers.pilot_news import Fault, Words
from hal.errors import PartRefused
from hal.events import CpState, FaultCode

ENABLE_MODE, AVAILABLE_MODE, LOCK_MODE = 4000, 4001, 4002
REPLY_CHECK, REPLY_INPUT = 4006, 4012
BY_COIL_RELEASE, BY_COIL_AVAILABLE, BY_COIL_LOCK = 3, 2, 3
RELEASE, AVAILABLE, LOCK, RESTART = 20000, 20001, 20002, 21000
CURRENT = 22000
STATUS, STATUS_COUNT = 24000, 6
ERRORS = 24025

MIN_A, MAX_A = 6, 63
CCR = 1 << 3
"""Input of a force-guided N/C contact: on while the contactor is open."""

OPEN, SHORT = 0, 0xFFFF

LOCK_FAILED, UNLOCK_FAILED, LOCK_UNDETECTED = 6, 7, 8

ERRORS_OF: dict[int, tuple[FaultCode, str]] = {
    2: ("OtherError", "13 A cable rejected"),
    3: ("OtherError", "cable coding (PP) invalid"),
    4: ("PilotFailure", "control pilot invalid"),
    LOCK_FAILED: ("ConnectorLockFailure", "does not lock"),
    UNLOCK_FAILED: ("ConnectorLockFailure", "does not unlock"),
    LOCK_UNDETECTED: ("ConnectorLockFailure", "no lock detection while locking"),
    11: ("VentilationRequired", "vehicle that needs ventilation rejected"),
    12: ("PowerSwitchFailure", "contactor"),
    13: ("PilotFailure", "no diode in the vehicle"),
    15: ("GroundFailure", "residual current"),
    16: ("InternalError", "self test of the residual current monitor failed"),
}
"""Bit of the error register, counted from 1 -> what it means.  Bit 5: F is shown because that was asked for."""


class Status(msgspec.Struct, frozen=True):
    """The registers from 24000 on."""

    pilot: CpState
    pwm: bool
    cable: int
    signalled_a: int
    inputs: int

    @property
    def cable_a(self) -> float | UnsetType | None:
        """UNSET: shorted, or no current that a cable has."""
        if self.cable == OPEN:
            return None
        return float(self.cable) if self.cable <= 80 else UNSET


def read_status(words: Sequence[int]) -> Status:
    """What six registers say.

    Raises:
        PartRefused: the first character of the first is no state.

    """
    letter, digit = words[0] >> 8, words[0] & 0xFF
    try:
        pilot = CpState(chr(letter))
    except ValueError:
        raise PartRefused(f"register {STATUS} says {words[0]:04X}, which is no vehicle status") from None
    return Status(pilot, digit == ord("2"), words[1], words[3], words[4])


def bits_of(word: int) -> tuple[int, ...]:
    """Numbers, from 1, of the bits that are set."""
    return tuple(number for number in range(1, 17) if word >> number - 1 & 1)


def faults_of(word: int, connector: int) -> dict[Fault, Words]:
    """The faults of the error register."""
    faults: dict[Fault, Words] = {}
    for number in bits_of(word):
        if number not in ERRORS_OF:
            continue
        code, text = ERRORS_OF[number]
        where = connector if code == "ConnectorLockFailure" else None
        vendor_code, before = faults.get((code, where), ("", ""))
        faults[code, where] = (f"{vendor_code}+{number}".lstrip("+"), f"{before}, {text}".lstrip(", "))
    return faults
