"""The array around a payload (part 4, 4.2): taken apart and put together.  Knows no message and no connection."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw, Struct

from agent.ocpp.errors import ErrorCode, shortened

CALL, CALL_RESULT, CALL_ERROR, CALL_RESULT_ERROR, SEND = 2, 3, 4, 5, 6
MESSAGE_TYPES = (CALL, CALL_RESULT, CALL_ERROR, CALL_RESULT_ERROR, SEND)

UNREADABLE_ID = "-1"
MAX_ID = 36

# Type and id, as far as they can be read of a frame that is broken further on.
HEAD = re.compile(r'\s*\[\s*(\d{1,4})\s*(?:,\s*"([^"\\\x00-\x1f\ud800-\udfff]{0,36})"\s*(?:[,\]]|$))?')
MAX_HEAD = 256


class Envelope(Struct, array_like=True, frozen=True, forbid_unknown_fields=True, gc=False):
    """What comes third, and how much follows, depends on the type."""

    kind: int
    message_id: str
    third: Raw
    fourth: Raw = Raw()
    fifth: Raw = Raw()


_envelopes = msgspec.json.Decoder(Envelope)
_elements = msgspec.json.Decoder(list[Raw])


def taken_apart(frame: str | bytes) -> Envelope:
    """The parts of a frame; the payload is not looked into.

    Raises:
        ValueError, RecursionError: not UTF-8, not JSON, or not such an array.

    """
    return _envelopes.decode(frame.encode() if isinstance(frame, str) else frame)


def head_of(frame: str | bytes) -> tuple[int, str | None]:
    """Type and id of a frame that cannot be taken apart; a CALL without id when not even they can be read."""
    try:
        parts = _elements.decode(frame.encode() if isinstance(frame, str) else frame)
        return msgspec.json.decode(parts[0], type=int), text_in(parts[1]) if len(parts) > 1 else None
    except (ValueError, IndexError, RecursionError):
        start = frame[:MAX_HEAD] if isinstance(frame, str) else frame[:MAX_HEAD].decode(errors="replace")
        found = HEAD.match(start)
        return (int(found[1]), found[2]) if found else (CALL, None)


def error_frame(
    kind: int, message_id: str, code: ErrorCode, reason: str, details: Mapping[str, Any] | None = None
) -> str:
    """A CALLERROR or CALLRESULTERROR."""
    return msgspec.json.encode((kind, message_id, code, shortened(reason), details or {})).decode()


def quoted(text: str) -> str:
    return msgspec.json.encode(text).decode()


def text_in(raw: Raw) -> str | None:
    """The string that an element is, if it is one."""
    try:
        return msgspec.json.decode(raw, type=str)
    except ValueError:
        return None


def object_in(raw: Raw) -> dict[str, Any] | None:
    """The object that an element is, if it is one."""
    try:
        return msgspec.json.decode(raw, type=dict[str, Any])
    except (ValueError, RecursionError):
        return None
