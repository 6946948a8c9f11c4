"""How one version writes each message: a struct made from the marks on its fields, on first use.  No error codes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Struct

from agent.ocpp.messages.base import In21, In201, Message, Since21

# Part 2 gives an integer 32 bits.  Many a CSMS counts in milliseconds, and what it
# sent as an id has to be said back: 64 bits, which is what the database holds.
INTEGER = {"ge": -(2**63), "le": 2**63 - 1}


class SaidTime:
    """A time on its way out: UTC, three decimals at most (part 2, 2.1.2)."""

    __slots__ = ("text",)

    def __init__(self, value: datetime) -> None:
        if value.tzinfo is None:
            raise ValueError("Expected `datetime` with a timezone component")
        text = value.astimezone(UTC).isoformat(timespec="milliseconds")[:-6]
        self.text = f"{text.removesuffix('.000')}Z"


class SaidWhole:
    """A number on its way out to a version that has an integer there."""

    __slots__ = ("value",)

    def __init__(self, value: float) -> None:
        self.value = round(value)


class Shapes:
    """The shapes of one version in one direction."""

    def __init__(self, *, newer: bool, said: bool) -> None:
        self._newer = newer
        self._said = said
        self._shapes: dict[type[Message], type[Struct]] = {}

    def of(self, kind: type[Message]) -> type[Struct]:
        if kind not in self._shapes:
            self._shapes[kind] = self._made(kind)
        return self._shapes[kind]

    def _made(self, kind: type[Message]) -> type[Struct]:
        hints = get_type_hints(kind, include_extras=True)
        known = msgspec.structs.fields(kind)
        return msgspec.defstruct(
            kind.__name__,
            [self._field(field, hints[field.name]) for field in known if Since21 not in self._marks(hints[field.name])],
            rename={field.name: field.encode_name for field in known},
            kw_only=True,
            frozen=True,
            omit_defaults=True,
            forbid_unknown_fields=True,
            module=__name__,
        )

    def _field(self, field: msgspec.structs.FieldInfo, hint: Any) -> tuple[str, Any] | tuple[str, Any, None]:
        shape = self._typed(hint)
        if field.required or any(mark.required for mark in self._marks(hint) if isinstance(mark, In21 | In201)):
            return field.name, _without_none(shape)
        return field.name, shape, None

    def _marks(self, hint: Any) -> list[Any]:
        """The marks on an annotation that concern this version."""
        if get_origin(hint) is not Annotated:
            return []
        if self._newer:
            return [mark for mark in hint.__metadata__ if isinstance(mark, Meta | In21)]
        return [mark for mark in hint.__metadata__ if mark is Since21 or isinstance(mark, Meta | Since21 | In201)]

    def _typed(self, hint: Any) -> Any:
        """The annotation as this version has it."""
        kind, limits = self._marked(hint)
        origin, args = get_origin(kind), get_args(kind)
        if origin in (Union, UnionType):
            kind = Union[tuple(self._typed(arg) for arg in args)]  # noqa: UP007
        elif origin is tuple:
            kind = tuple[self._typed(args[0]), ...]  # type: ignore[misc]
        elif kind is int:
            limits = INTEGER | limits
        elif kind is datetime and self._said:
            return SaidTime
        elif isinstance(kind, type) and issubclass(kind, Message):
            kind = self.of(kind)
        return Annotated[kind, Meta(**limits)] if limits else kind

    def _marked(self, hint: Any) -> tuple[Any, dict[str, Any]]:
        """An annotation without its marks, which have become another type or limits."""
        kind = get_args(hint)[0] if get_origin(hint) is Annotated else hint
        limits: dict[str, Any] = {}
        for mark in self._marks(hint):
            match mark:
                case Meta():
                    limits |= _limits(mark)
                case Since21():
                    kind = Literal[tuple(word for word in get_args(kind) if word not in mark.words)]
                case In201(type=None) | In21():
                    limits |= mark.limits
                case In201():
                    kind, limits = SaidWhole if mark.type is int and self._said else mark.type, {}
        return kind, limits


def to_shape(kind: type, value: Any) -> Any:
    """``dec_hook`` of a conversion into a shape."""
    return kind(value)


def to_json(value: Any) -> Any:
    """``enc_hook`` of what is on its way out."""
    match value:
        case SaidTime(text=text):
            return text
        case SaidWhole(value=number):
            return number
    raise TypeError(f"`{type(value).__name__}` cannot be said in JSON")


def _limits(meta: Meta) -> dict[str, Any]:
    names: Iterable[str] = ("ge", "le", "min_length", "max_length", "tz")
    return {name: limit for name in names if (limit := getattr(meta, name)) is not None}


def _without_none(hint: Any) -> Any:
    if get_origin(hint) in (Union, UnionType):
        return Union[tuple(arg for arg in get_args(hint) if arg is not type(None))]  # noqa: UP007
    return hint
