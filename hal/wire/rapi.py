"""RAPI, the line protocol of OpenEVSE, as frozen structs: no line, no clock, no decision.

A frame is ``$`` text ``^`` two hex digits CR; the digits are the XOR of everything before the ``^``.  A new ``$``
starts anew, whatever came before.  Replies carry the sequence id of their command as a last word ``:ss``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from re import compile as pattern
from typing import Any, ClassVar, Self

import msgspec

LONGEST_COMMAND = 31
"""The part's buffer has 32 bytes with the CR."""

LONGEST_FRAME = 96

_FRAME = pattern(rb"\$([ -~]*)\^([0-9A-Fa-f]{2})")
_SEQUENCE = pattern(r":[0-9A-Fa-f]{2}")
_DECIMAL = pattern(r"-?[0-9]{1,10}")


class Malformed(ValueError):
    """A frame with a good checksum that does not say what it should."""


def checksum(text: bytes) -> int:
    """XOR of all bytes from the ``$`` up to, and without, the ``^``."""
    total = 0
    for byte in text:
        total ^= byte
    return total


def command(name: str, *parameters: int | str, sequence: int = 0) -> bytes:
    """A command as it goes out.  ``sequence`` 1 to 255 comes back in the reply, 0 asks for none.

    Raises:
        ValueError: longer than the part's buffer.

    """
    words = [name, *map(str, parameters)]
    if sequence:
        words.append(f":{sequence:02X}")
    text = f"${' '.join(words)}".encode("ascii")
    frame = b"%b^%02X" % (text, checksum(text))
    if len(frame) > LONGEST_COMMAND:
        raise ValueError(f"{frame!r} is longer than {LONGEST_COMMAND} characters")
    return frame + b"\r"


def _hex(least: int, most: int) -> Callable[[str], int]:
    shape = pattern(rf"[0-9A-Fa-f]{{{least},{most}}}")

    def read(word: str) -> int:
        if not shape.fullmatch(word):
            raise Malformed(f"{word!r} is not {least} to {most} hex digits")
        return int(word, 16)

    return read


def _decimal(word: str) -> int:
    if not _DECIMAL.fullmatch(word):
        raise Malformed(f"{word!r} is not a decimal number")
    return int(word)


def _celsius(word: str) -> float | None:
    """Tenths of a degree; -2560: no sensor."""
    tenths = _decimal(word)
    return None if tenths == -2560 else tenths / 10


class Values(msgspec.Struct, frozen=True):
    """What a frame says, word by word; ``readers`` has one function a word, more words are for a later firmware."""

    readers: ClassVar[tuple[Callable[[str], Any], ...]] = ()

    @classmethod
    def from_words(cls, words: Sequence[str]) -> Self:
        """Read the words of a reply.

        Raises:
            Malformed: too few of them, or one that is no number.

        """
        if len(words) < len(cls.readers):
            raise Malformed(f"{cls.__name__}: {len(words)} words instead of {len(cls.readers)}")
        return cls(*(read(word) for read, word in zip(cls.readers, words, strict=False)))


class Nothing(Values, frozen=True):
    """Of a reply only the OK counts."""


class Versions(Values, frozen=True):
    """``GV``."""

    firmware: str
    rapi: str
    readers = (str, str)


class Status(Values, frozen=True):
    """``GS``.  ``pilot_state`` is the vehicle's side, also while the part sleeps."""

    state: int
    elapsed_s: int
    pilot_state: int
    vflags: int
    readers = (_hex(1, 2), _decimal, _hex(1, 2), _hex(4, 4))


class Settings(Values, frozen=True):
    """``GE``."""

    limit_a: int
    flags: int
    readers = (_decimal, _hex(1, 4))


class CurrentRange(Values, frozen=True):
    """``GC``: what the part can offer, what it offers now, what it is configured to offer at most."""

    min_a: int
    hardware_max_a: int
    offered_a: int
    max_a: int
    readers = (_decimal, _decimal, _decimal, _decimal)


class Energy(Values, frozen=True):
    """``GU``: an integration of the part's own ammeter, no legal meter."""

    session_ws: int
    total_wh: int
    readers = (_decimal, _decimal)


class Ammeter(Values, frozen=True):
    """``GG``; -1 where there is no ammeter."""

    current_ma: int
    voltage_mv: int
    readers = (_decimal, _decimal)


class TripCounts(Values, frozen=True):
    """``GF``: how often each was seen in the controller's life; 255: that often or more."""

    residual_current: int
    no_earth: int
    stuck_relay: int
    readers = (_hex(1, 2), _hex(1, 2), _hex(1, 2))


class LockState(Values, frozen=True):
    """``G5``: whether the motor was told to lock; nobody tells where it is."""

    locked: int
    readers = (_decimal,)


class Temperatures(Values, frozen=True):
    """``GP``: three sensors, None where there is none."""

    clock_chip_c: float | None
    ambient_c: float | None
    infrared_c: float | None
    readers = (_celsius, _celsius, _celsius)


class Heartbeat(Values, frozen=True):
    """``GY`` and ``SY``.  ``trigger`` 0 never missed, 1 missed and acknowledged, 2 missed and not acknowledged."""

    interval_s: int
    fallback_a: int
    trigger: int
    readers = (_decimal, _decimal, _decimal)


class Reply(msgspec.Struct, frozen=True):
    """``$OK`` or ``$NK``.  ``sequence`` 0: none, as in a refusal of a frame that the part could not read."""

    ok: bool
    words: tuple[str, ...] = ()
    sequence: int = 0


class StateChanged(Values, frozen=True):
    """``$AT``, sent by itself."""

    state: int
    pilot_state: int
    offered_a: int
    vflags: int
    readers = (_hex(2, 2), _hex(2, 2), _decimal, _hex(4, 4))


class Booted(Values, frozen=True):
    """``$AB``: the controller has restarted."""

    postcode: int
    firmware: str
    readers = (_hex(2, 2), str)


class ButtonPressed(Values, frozen=True):
    """``$AN``: 0 short, 1 long."""

    length: int
    readers = (_decimal,)


class ModeAsked(Values, frozen=True):
    """``$WF``: the front panel asks for a WiFi mode."""

    mode: str
    readers = (str,)


Frame = Reply | StateChanged | Booted | ButtonPressed | ModeAsked

_BY_ITSELF: dict[str, type[StateChanged | Booted | ButtonPressed | ModeAsked]] = {
    "AT": StateChanged,
    "AB": Booted,
    "AN": ButtonPressed,
    "WF": ModeAsked,
}


class Parser:
    """Bytes in, frames out; whatever is no frame is skipped and counted."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self.counters = {"frames": 0, "garbage_bytes": 0, "checksum_errors": 0, "malformed": 0}

    def reset(self) -> None:
        """Forget half a frame; the counters stay."""
        self._pending.clear()

    def receive(self, data: bytes) -> list[Frame]:
        """Take what came in, in any portion; give the frames that it completes."""
        self._pending += data
        *lines, self._pending = self._pending.split(b"\r")
        frames = [frame for line in lines if (frame := self._read(self._from_dollar(line))) is not None]
        self._pending = self._from_dollar(self._pending)
        return frames

    def _from_dollar(self, line: bytearray) -> bytearray:
        start = line.rfind(b"$")
        garbage, rest = (line, bytearray()) if start < 0 else (line[:start], line[start:])
        if len(rest) > LONGEST_FRAME:
            garbage, rest = line, bytearray()
        self.counters["garbage_bytes"] += len(garbage) - garbage.count(b"\n")
        return rest

    def _read(self, line: bytearray) -> Frame | None:
        if not line:
            return None
        match = _FRAME.fullmatch(line)
        if match is None or checksum(b"$" + match[1]) != int(match[2], 16):
            self.counters["checksum_errors"] += 1
            return None
        try:
            frame = _decode(match[1].decode("ascii").split())
        except Malformed:
            self.counters["malformed"] += 1
            return None
        self.counters["frames"] += 1
        return frame


def _decode(words: list[str]) -> Frame:
    if not words:
        raise Malformed("an empty frame")
    if words[0] in ("OK", "NK"):
        return _reply(words)
    kind = _BY_ITSELF.get(words[0])
    if kind is None:
        raise Malformed(f"unknown frame {words[0]!r}")
    return kind.from_words(words[1:])


def _reply(words: list[str]) -> Reply:
    sequence = 0
    if _SEQUENCE.fullmatch(words[-1]):
        sequence = int(words.pop()[1:], 16)
    return Reply(words[0] == "OK", tuple(words[1:]), sequence)
