"""OCMF records and the text in registers that they are made of: put together, taken apart.  Signs nothing.

Source: Open Charge Metering Format, ``OCMF|<what was measured>|<signature>``.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Sequence

import msgspec

from hal.wire.registers import Malformed

IDENTIFICATION_TYPES = {
    "ISO14443": "ISO14443",
    "ISO15693": "ISO15693",
    "eMAID": "EMAID",
    "MacAddress": "EVCCID",
    "Central": "CENTRAL",
    "Local": "LOCAL",
    "KeyCode": "KEY_CODE",
    "NoAuthorization": "NONE",
}
"""Kind of a token -> OCMF's word for it."""

_SEPARATOR = "|"


def plain(text: str) -> str:
    """Without the character that parts a record's sections."""
    return text.replace(_SEPARATOR, " ")


def words_of(text: str, most: int) -> list[int]:
    """Two characters in a word, with a zero behind them; what does not fit into ``most`` words is cut off."""
    data = text.encode("ascii", "replace")[: 2 * most - 1] + b"\x00"
    return list(_words(data))


def words_of_bytes(data: bytes) -> list[int]:
    """Two bytes in a word, the last filled up with a zero."""
    return list(_words(data))


def _words(data: bytes) -> Iterator[int]:
    for start in range(0, len(data), 2):
        yield int.from_bytes(data[start : start + 2].ljust(2, b"\x00"), "big")


def bytes_of(words: Sequence[int], length: int | None = None) -> bytes:
    """The bytes that words stand for."""
    return b"".join(word.to_bytes(2, "big") for word in words)[:length]


def text_of(words: Sequence[int], length: int | None = None) -> str:
    """The characters up to the first zero; what is none is a question mark."""
    return bytes_of(words, length).partition(b"\x00")[0].decode("ascii", "replace")


def assembled(measured: str, signature: bytes) -> str:
    """A record of what was measured and of its signature (DER)."""
    return f'OCMF|{measured}|{{"SD":"{signature.hex().upper()}"}}'


def checked(record: str) -> str:
    """The record, if it looks like one.

    Raises:
        Malformed: it does not.

    """
    head, _, rest = record.strip().partition(_SEPARATOR)
    if head != "OCMF" or _SEPARATOR not in rest:
        raise Malformed(f"no OCMF record: {record[:40]!r}")
    return record.strip()


def tariff_text(record: str) -> str:
    """The tariff text of a record; empty where it has none, or cannot be read."""
    try:
        measured = msgspec.json.decode(record.split(_SEPARATOR)[1], type=dict[str, object])
    except (IndexError, msgspec.DecodeError):
        return ""
    found = measured.get("TT")
    return found if isinstance(found, str) else ""


def told_key(der: bytes) -> str:
    """A public key as OCPP carries it: base64 of what the OCA's guide to signed values writes."""
    return b64encode(b"oca:base16:asn1:" + der.hex().encode()).decode()


def told_record(record: str) -> str:
    """A record as OCPP carries it."""
    return b64encode(record.encode()).decode()


def tidied(signature: bytes) -> bytes:
    """A DER signature whose two integers have no more leading zeros than they need; anything else as it is."""
    if len(signature) < 2 or signature[0] != 0x30 or len(signature) != signature[1] + 2:
        return signature
    integers, rest = [], signature[2:]
    while rest:
        if len(rest) < 2 or rest[0] != 0x02 or not 0 < rest[1] <= len(rest) - 2:
            return signature
        integers.append(_integer(rest[2 : 2 + rest[1]]))
        rest = rest[2 + rest[1] :]
    body = b"".join(integers)
    return bytes((0x30, len(body))) + body


def _integer(data: bytes) -> bytes:
    short = data.lstrip(b"\x00") or b"\x00"
    if short[0] >= 0x80:
        short = b"\x00" + short
    return bytes((0x02, len(short))) + short
