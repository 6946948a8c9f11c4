"""Every OCPP message as a typed, frozen struct, one file a block letter; a block's file is imported on first use."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any, cast

import msgspec

from agent.ocpp.messages.actions import ACTIONS, ACTIONS_SINCE_21
from agent.ocpp.messages.base import CustomData, Message, Request, Response, Unconfirmed, not_a_number

__all__ = [
    "ACTIONS",
    "ACTIONS_SINCE_21",
    "dump",
    "load",
    "request_type",
    "response_type",
    "unconfirmed_type",
]


def request_type(action: str) -> type[Request] | None:
    return cast("type[Request] | None", _named(action, f"{action}Request"))


def response_type(action: str) -> type[Response] | None:
    return cast("type[Response] | None", _named(action, f"{action}Response"))


def unconfirmed_type(action: str) -> type[Unconfirmed] | None:
    """The message of a SEND; ``None`` for what is asked with a CALL."""
    return cast("type[Unconfirmed] | None", _named(action, action if request_type(action) is None else ""))


def dump(message: Message) -> bytes:
    """The durable form: JSON in the 2.1 shape, whatever version is spoken at the moment.

    Raises:
        ValueError: the message holds what JSON cannot (not a number, infinite).

    """
    data = msgspec.json.encode(message)
    if b"null" in data and (field := not_a_number(message)):
        raise ValueError(f"cannot store {type(message).__name__}: {field} is not a finite number")
    return data


def load(action: str, data: bytes) -> Request:
    """The request that ``dump`` made into ``data``.

    Raises:
        ValueError: damaged, or an action nobody knows.

    """
    if (kind := request_type(action)) is None:
        raise ValueError(f"cannot load {action!r}: no such action")
    return _decoder(kind).decode(data)


def _named(action: str, name: str) -> type[Message] | None:
    return _found(ACTIONS[action], name) if action in ACTIONS else None


@cache
def _found(module: str, name: str) -> type[Message] | None:
    return getattr(import_module(f"{__name__}.{module}"), name, None)


@cache
def _decoder(kind: type[Request]) -> msgspec.json.Decoder[Request]:
    return msgspec.json.Decoder(kind, dec_hook=_hook)


def _hook(kind: type, value: Any) -> Any:
    assert kind is CustomData
    return CustomData(value)
