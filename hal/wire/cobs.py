"""Consistent overhead byte stuffing: no zero inside a frame, one zero behind it.  Knows no content.

Source: Cheshire and Baker, IEEE/ACM Transactions on Networking 7(2), 1999.
"""

from __future__ import annotations

LONGEST_RUN = 254


class Unstuffable(ValueError):
    """Bytes that no encoder makes."""


def stuffed(data: bytes) -> bytes:
    """``data`` without zeros, without the zero that ends a frame."""
    out = bytearray()
    runs = data.split(b"\0")
    for number, run in enumerate(runs):
        rest = run
        while len(rest) >= LONGEST_RUN:
            out += b"\xff" + rest[:LONGEST_RUN]
            rest = rest[LONGEST_RUN:]
        if rest or number < len(runs) - 1 or not run:  # a full run at the end needs no empty one behind it
            out.append(len(rest) + 1)
            out += rest
    return bytes(out)


def unstuffed(data: bytes) -> bytes:
    """What was stuffed.

    Raises:
        Unstuffable: a zero inside, or a run that ends before its length.

    """
    out = bytearray()
    at = 0
    while at < len(data):
        length = data[at]
        run = data[at + 1 : at + length]
        if not length or len(run) != length - 1 or 0 in run:
            raise Unstuffable("a run of the wrong length")
        out += run
        at += length
        if length <= LONGEST_RUN and at < len(data):
            out.append(0)
    return bytes(out)
