"""Draws our own messages from their annotations: what a block might build, newer words and all."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
from hypothesis import strategies as st

from agent.ocpp.messages.base import CustomData, In21, In201, Message
from tests.ocpp.instances import ANYTHING

TIMES = st.datetimes(datetime(1970, 1, 1), datetime(2199, 1, 1)).map(
    lambda time: time.replace(microsecond=time.microsecond // 1000 * 1000, tzinfo=UTC)
)
CUSTOM = st.dictionaries(st.text(max_size=4), ANYTHING, max_size=2).map(
    lambda more: CustomData({**more, "vendorId": "x"})
)


@cache
def messages_of(kind: type[Message]) -> st.SearchStrategy[Message]:
    hints = get_type_hints(kind, include_extras=True)
    strategies = {
        field.name: _strategy(hints[field.name], field.required or _required(hints[field.name]))
        for field in msgspec.structs.fields(kind)
    }
    return st.builds(kind, **strategies)


def _required(hint: Any) -> bool:
    """Whether either version requires the field."""
    marks = hint.__metadata__ if get_origin(hint) is Annotated else ()
    return any(isinstance(mark, In201 | In21) and mark.required for mark in marks)


def _strategy(hint: Any, required: bool = True) -> st.SearchStrategy[Any]:
    limits: dict[str, Any] = {}
    if get_origin(hint) is Annotated:
        for mark in hint.__metadata__:
            limits |= _limits(mark)
        hint = get_args(hint)[0]
    if get_origin(hint) in (Union, UnionType):
        some = next(arg for arg in get_args(hint) if arg is not NoneType)
        return _strategy(some) if required else st.none() | _strategy(some)
    if get_origin(hint) is tuple:
        item, most = get_args(hint)[0], min(limits.get("max_length", 2), 2)
        return st.lists(st.deferred(lambda: _strategy(item)), min_size=1, max_size=most).map(tuple)
    if get_origin(hint) is Literal:
        return st.sampled_from(get_args(hint))
    if isinstance(hint, type) and issubclass(hint, Message):
        return st.deferred(lambda: messages_of(hint))
    return _plain(hint, limits)


def _plain(hint: Any, limits: dict[str, Any]) -> st.SearchStrategy[Any]:
    if hint is str:
        longest = limits.get("max_length", 8)
        return st.text(st.characters(codec="utf-8"), max_size=min(longest, 8)) | st.just("ö" * longest)
    if hint is int:
        return st.integers(limits.get("ge", -9), limits.get("le", 2**31 - 1))
    if hint is float:
        return st.floats(limits.get("ge", -1e9), limits.get("le", 1e9))
    return {bool: st.booleans(), datetime: TIMES, CustomData: CUSTOM, Any: ANYTHING}[hint]


def _limits(mark: Any) -> dict[str, Any]:
    if isinstance(mark, In21):
        return mark.limits
    names = ("ge", "le", "max_length") if isinstance(mark, msgspec.Meta) else ()
    return {name: limit for name in names if (limit := getattr(mark, name)) is not None}
