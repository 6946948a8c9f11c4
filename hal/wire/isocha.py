"""Registers of the Bender isoCHA425HV insulation monitor: words to values.  Knows no bus and no session.

A value is four words: a 32-bit float, a word of alarm, test, validity and unit bits, and the channel.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from struct import pack, unpack

import msgspec

VALUE_WORDS = 4
RESISTANCE, VOLTAGE = 1000, 1008
NAME, NAME_WORDS = 9800, 10
FIRMWARE = 9821
PRE_ALARM_KOHM, ALARM_KOHM = 3005, 3007
START_SELF_TEST, SELF_TEST_KEY = 8005, 0x5445
FAST_TEST_FROM = 500
"""Firmware 5.00: a fast self test from then on."""

TRUE, ABOVE = 0, 2
DEVICE_FAULT = 2
OHM, VOLT = 2, 4


class Value(msgspec.Struct, frozen=True):
    """One measured value.

    ``sure``: it is this, or better.  ``testing``: a test runs, no value means anything.  ``faulted``: the device says
    that it is broken.
    """

    number: float
    sure: bool
    testing: bool
    faulted: bool
    unit: int
    channel: int

    @property
    def usable(self) -> bool:
        """Whether it says how good the insulation is at least."""
        return self.sure and not self.testing and not self.faulted and self.unit == OHM and self.number >= 0


def read_value(words: Sequence[int]) -> Value | None:
    """A value; None: not four words, or no number."""
    if len(words) != VALUE_WORDS:
        return None
    number: float = unpack(">f", pack(">HH", *words[:2]))[0]
    if not isfinite(number):
        return None
    high, low = words[2] >> 8, words[2] & 0xFF
    return Value(
        number=number,
        sure=low >> 6 in (TRUE, ABOVE),
        testing=high >> 6 != 0,
        faulted=high & 0x7 == DEVICE_FAULT,
        unit=low & 0x1F,
        channel=words[3],
    )


def read_name(words: Sequence[int]) -> str:
    """Two characters in a word, filled up with zeros or blanks."""
    text = b"".join(pack(">H", word) for word in words).decode("ascii", "replace")
    return "".join(letter for letter in text if letter.isprintable()).strip()
