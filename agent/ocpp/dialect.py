"""One version of the language: from a message to payload JSON and back, strict both ways.  No envelope."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum, auto
from functools import cache
from importlib import import_module
from typing import Any, ClassVar, TypeVar, cast

import msgspec

from agent.ocpp.errors import ErrorCode, Refused, Unsayable
from agent.ocpp.inspection import first_null, words_at
from agent.ocpp.messages import ACTIONS, ACTIONS_SINCE_21, request_type, response_type, unconfirmed_type
from agent.ocpp.messages.base import MAX_DEPTH, Message, Request, Response, Unconfirmed, not_a_number, too_deep
from agent.ocpp.shape import Shapes, to_json, to_shape

M = TypeVar("M", bound=Message)
Payload = bytes | msgspec.Raw
Reader = tuple[msgspec.json.Decoder[Any], msgspec.json.Decoder[Any]]


class Capability(Enum):
    """What one version does and another does not, asked for by name."""

    SEND = auto()  # messages that nobody answers, type 6
    CALL_RESULT_ERROR = auto()  # telling the peer that its answer was unreadable, type 5
    UNKNOWN_TYPE_ANSWERED = auto()  # an unknown message type gets a CALLERROR instead of silence


class Dialect:
    """A version: its name, what it can, and its shapes."""

    version: ClassVar[str]
    subprotocol: ClassVar[str]
    capabilities: ClassVar[frozenset[Capability]]
    newer: ClassVar[bool]

    def __init__(self) -> None:
        self._said = Shapes(newer=self.newer, said=True)
        self._heard = Shapes(newer=self.newer, said=False)
        self._encoder = msgspec.json.Encoder(enc_hook=to_json)
        self._readers: dict[type[Message], Reader] = {}

    def can(self, capability: Capability) -> bool:
        return capability in self.capabilities

    def knows(self, action: str) -> bool:
        """Whether this version has the message at all; the station may still not support it."""
        return action in ACTIONS and (self.newer or action not in ACTIONS_SINCE_21)

    def encode(self, message: Request | Response | Unconfirmed) -> bytes:
        """The payload, without what this version does not know.

        Raises:
            Unsayable: the version lacks the message or a value of it, or the message breaks its own limits.

        """
        name = type(message).__name__
        if not self.knows(message.action):
            raise Unsayable(f"{name} cannot be said in OCPP {self.version}: no such message")
        try:
            shaped = msgspec.convert(message, self._said.of(type(message)), from_attributes=True, dec_hook=to_shape)
            payload = self._encoder.encode(shaped)
            if b"null" in payload and (field := not_a_number(shaped)):
                raise ValueError(f"`{field}` is not a finite number")
        except (ValueError, TypeError, ArithmeticError, RecursionError) as error:
            raise Unsayable(f"{name} cannot be said in OCPP {self.version}: {_plain(error)}") from None
        return payload

    def decode_request(self, action: str, payload: Payload) -> Request:
        return self.decode(self._kind(action, request_type), payload)

    def decode_response(self, action: str, payload: Payload) -> Response:
        return self.decode(self._kind(action, response_type), payload)

    def decode_unconfirmed(self, action: str, payload: Payload) -> Unconfirmed:
        return self.decode(self._kind(action, unconfirmed_type), payload)

    def decode(self, kind: type[M], payload: Payload) -> M:
        """The payload of one kind of message.

        Raises:
            Refused: it breaks a rule.

        """
        text = bytes(payload)
        judge, reader = self._readers.get(kind) or self._reader(kind)
        try:
            # Read as this version writes it, to judge it, and as we keep it.  Reading
            # twice takes a third of the time of converting the one into the other.
            judge.decode(text)
            message: M = reader.decode(text)
            if b"null" in text and (field := first_null(text, self._heard.of(kind))):
                raise Refused("TypeConstraintViolation", f"`{field}` is null: leave the field out instead")
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            if text.strip() == b"null":  # the other way to say {}, part 4, 4.1.5
                return self.decode(kind, b"{}")
            raise refusal(error, self._heard.of(kind)) from None
        data = getattr(message, "data", None)  # DataTransfer: no schema says what is in it
        if data is not None and too_deep(data):
            raise Refused("FormatViolation", f"`data` is nested deeper than {MAX_DEPTH}")
        return message

    def heard_shape(self, kind: type[Message]) -> type[msgspec.Struct]:
        """What a payload of this message has to look like; for whoever mends one that does not."""
        return self._heard.of(kind)

    def _kind(self, action: str, named: Callable[[str], type[M] | None]) -> type[M]:
        if not self.knows(action) or (kind := named(action)) is None:
            raise Refused("NotImplemented", f"OCPP {self.version} has no action {action!r}")
        return kind

    def _reader(self, kind: type[Message]) -> Reader:
        judge = msgspec.json.Decoder(self._heard.of(kind), dec_hook=to_shape)
        reader = self._readers[kind] = (judge, msgspec.json.Decoder(kind, dec_hook=to_shape))
        return reader


# What msgspec says of a payload, and the code of part 4 that it deserves; the first that fits.
CODES: tuple[tuple[re.Pattern[str], ErrorCode], ...] = (
    (re.compile(r"Object missing required field"), "OccurrenceConstraintViolation"),
    (re.compile(r"Expected `array` of length"), "OccurrenceConstraintViolation"),
    (re.compile(r"Object contains unknown field"), "FormatViolation"),
    (re.compile(r"Expected `object`, got `\w+`$"), "ProtocolError"),
    (re.compile(r"Expected `[^`]+`, got "), "TypeConstraintViolation"),
)


def refusal(error: Exception, shape: type[msgspec.Struct]) -> Refused:
    """Whose rule was broken, as a CALLERROR."""
    if isinstance(error, RecursionError):
        return Refused("FormatViolation", "the payload is nested too deep")
    if not isinstance(error, msgspec.ValidationError):
        return Refused("FormatViolation", str(error))
    text = _plain(error)
    for pattern, code in CODES:
        if pattern.match(text):
            return Refused(code, text)
    if text.startswith("Invalid enum value"):
        words = words_at(text.rpartition(" - at ")[2].strip("`"), shape)
        text += f"; one of {', '.join(words)}"
    return Refused("PropertyConstraintViolation", text)


def _plain(error: Exception) -> str:
    """msgspec's words with the field's path as OCPP writes it, and without the null that only we mean by absent."""
    return str(error).replace("`$.", "`").replace(" | null`", "`")


DIALECTS = {"ocpp2.0.1": "agent.ocpp.v201:V201", "ocpp2.1": "agent.ocpp.v21:V21"}


@cache
def dialect_for(subprotocol: str) -> Dialect:
    """The dialect of a WebSocket subprotocol; the same object each time, with what it has learned.

    Raises:
        ValueError: nothing here speaks it.

    """
    if subprotocol not in DIALECTS:
        raise ValueError(f"unknown subprotocol {subprotocol!r}; known: {sorted(DIALECTS)}")
    module, name = DIALECTS[subprotocol].split(":")
    return cast(Dialect, getattr(import_module(module), name)())
