"""Signed messages (part 4, 7): takes the message out of its envelope.  Signatures are not verified."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from binascii import Error

import msgspec

from agent.ocpp.dialect import Payload
from agent.ocpp.errors import Refused

SUFFIX = "-Signed"


class FlattenedJws(msgspec.Struct, frozen=True):
    """RFC 7515, 7.2.2; what we do not look at is left out."""

    payload: str


def unsigned(action: str, payload: Payload) -> tuple[str, Payload]:
    """Action and payload of a message, whether or not it was signed.

    Raises:
        Refused: signed, but not as a JWS in its flattened JSON form.

    """
    if not action.endswith(SUFFIX):
        return action, payload
    try:
        encoded = msgspec.json.decode(payload, type=FlattenedJws).payload
        return action.removesuffix(SUFFIX), urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    except (ValueError, RecursionError, Error) as error:
        raise Refused("FormatViolation", f"not a flattened JWS: {error}") from None
