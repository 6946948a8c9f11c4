"""Frames of a PN532 over its serial line: commands as bytes, answers out of bytes.  No timing, no card.

``00 00 FF length -length D4|D5 data.. -sum 00``; an acknowledgement is ``00 00 FF 00 FF 00``.
Source: NXP UM0701-02, 6.2.1 and 7.
"""

from __future__ import annotations

import msgspec

START = b"\x00\xff"
ACK = bytes.fromhex("0000ff00ff00")
NACK = bytes.fromhex("0000ffff0000")
WAKE = b"\x55\x55" + b"\x00" * 14
"""Sent before the first command: in power-down the chip needs edges on the line, and a while."""

FROM_HOST, FROM_CHIP, ERROR = 0xD4, 0xD5, 0x7F
GET_FIRMWARE, SAM_CONFIGURATION, LIST_PASSIVE_TARGET, RF_CONFIGURATION = 0x02, 0x14, 0x4A, 0x32
LONGEST = 255


class Malformed(ValueError):
    """An answer that makes no sense."""


class Acknowledged(msgspec.Struct, frozen=True):
    """The chip has taken a command; or (``taken`` False) it could not read the frame."""

    taken: bool = True


class Reply(msgspec.Struct, frozen=True):
    """``command`` is that of the question; ERROR: the chip does not know it, or not in this way."""

    command: int
    data: bytes = b""


Frame = Acknowledged | Reply


def command(code: int, *data: int) -> bytes:
    """A frame of the host."""
    body = bytes((FROM_HOST, code, *data))
    head = bytes((len(body), -len(body) & 0xFF))
    return b"\x00" + START + head + body + bytes((-sum(body) & 0xFF, 0))


class Target(msgspec.Struct, frozen=True):
    """A card in the field."""

    uid: bytes


def targets_of(data: bytes) -> tuple[Target, ...]:
    """The cards that InListPassiveTarget at 106 kbit/s (ISO 14443 A) found: none or one.

    Raises:
        Malformed: not as long as it says, or an identifier that is not of 4, 7 or 10 bytes.

    """
    if not data or data[0] == 0:
        return ()
    # count, number, SENS_RES (2), SEL_RES, length of the identifier, identifier
    if len(data) < 6 or len(data) < 6 + data[5] or data[5] not in (4, 7, 10):
        raise Malformed(f"no card: {data.hex()}")
    return (Target(data[6 : 6 + data[5]]),)


def firmware_of(data: bytes) -> str:
    """Chip and firmware version.

    Raises:
        Malformed: too short.

    """
    if len(data) < 3:
        raise Malformed(f"no version: {data.hex()}")
    return f"PN5{data[0]:02x} firmware {data[1]}.{data[2]}"


class Parser:
    """Takes whatever arrives and hands out frames; what is none is counted and passed over."""

    def __init__(self) -> None:
        self._pending = b""
        self.counters = {"garbage_bytes": 0, "checksum_errors": 0}

    def reset(self) -> None:
        """Forget what has begun."""
        self._pending = b""

    def receive(self, data: bytes) -> list[Frame]:
        """The frames that are whole now."""
        self._pending += data
        frames: list[Frame] = []
        while True:
            start = self._pending.find(START)
            if start < 0:
                self._drop(max(0, len(self._pending) - 1))
                return frames
            # The preamble's zero may be one or more, and is no part of the sum.
            self._drop(start)
            frame, used = self._frame()
            if not used:
                return frames
            if frame is None:
                self._drop(1)
            else:
                frames.append(frame)
                self._pending = self._pending[used:]

    def _drop(self, count: int) -> None:
        self.counters["garbage_bytes"] += len(self._pending[:count].strip(b"\x00"))
        self._pending = self._pending[count:]

    def _frame(self) -> tuple[Frame | None, int]:
        """The frame at the beginning and how many bytes it took; 0: it is not whole, None: it is none."""
        pending = self._pending
        if len(pending) < 4:
            return None, 0
        length, check = pending[2], pending[3]
        if (length, check) in ((0x00, 0xFF), (0xFF, 0x00)):
            return Acknowledged(taken=length == 0), 4
        if (length + check) & 0xFF or not length:
            return None, 1
        end = 4 + length
        if len(pending) <= end:
            return None, 0
        body = pending[4:end]
        if (sum(body) + pending[end]) & 0xFF:
            self.counters["checksum_errors"] += 1
            return None, 1
        return _meaning(body), end + 1


def _meaning(body: bytes) -> Frame | None:
    if body == bytes((ERROR,)):
        return Reply(ERROR)
    if len(body) < 2 or body[0] != FROM_CHIP:
        return None
    return Reply(body[1] - 1 & 0xFF, body[2:])
