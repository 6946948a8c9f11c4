"""What every message is made of: frozen structs in their 2.1 shape, and the marks that say where 2.0.1 differs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from math import isfinite
from typing import Annotated, Any, ClassVar, TypeVar

from msgspec import Meta, Struct

T = TypeVar("T")

MAX_DEPTH = 32  # of what a vendor may put where no schema rules


class Since21:
    """Newer than 2.0.1: bare on a field, or with the newer words on an enumeration."""

    __slots__ = ("words",)

    def __init__(self, *words: str) -> None:
        self.words = frozenset(words)


class In201:
    """How 2.0.1 differs from the annotated type: another type, other limits, or a field it requires."""

    __slots__ = ("limits", "required", "type")

    def __init__(self, type: Any = None, *, required: bool = False, **limits: int) -> None:
        self.type = type
        self.required = required
        self.limits = limits


class In21:
    """What 2.1 asks for and 2.0.1 does not: limits, or a required field."""

    __slots__ = ("limits", "required")

    def __init__(self, *, required: bool = False, **limits: int) -> None:
        self.required = required
        self.limits = limits


class CustomData(dict[str, Any]):
    """A vendor's own additions: any JSON object that names its vendor."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        if not isinstance(content, Mapping):
            raise TypeError(f"Expected `object`, got `{type(content).__name__}`")
        if "vendorId" not in content:
            raise TypeError("Object missing required field `vendorId`")
        vendor_id = content["vendorId"]
        if not isinstance(vendor_id, str):
            raise TypeError(f"Expected `str`, got `{type(vendor_id).__name__}` in `vendorId`")
        if len(vendor_id) > 255:
            raise ValueError("Expected `str` of length <= 255 in `vendorId`")
        if too_deep(content):
            raise ValueError(f"Expected at most {MAX_DEPTH} levels of nesting")
        super().__init__(content)


class Message(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel", forbid_unknown_fields=True):
    """A message or a part of one.  Building one checks nothing: the dialect does when it is said or heard."""

    custom_data: CustomData | None = None


class Response(Message, frozen=True):
    """The answer to a request."""

    action: ClassVar[str]


class Request(Message, frozen=True):
    """What one side asks of the other; answered by its ``response``."""

    action: ClassVar[str]
    response: ClassVar[type[Response]]


class Unconfirmed(Message, frozen=True):
    """Said without waiting for an answer (SEND); only 2.1 knows it."""

    action: ClassVar[str]


Time = Annotated[datetime, Meta(tz=True)]
OneOrMore = Annotated[tuple[T, ...], Meta(min_length=1)]
NonNegative = Annotated[int, Meta(ge=0)]
Natural = Annotated[int, In21(ge=0)]  # 2.0.1 sets no lower limit


def not_a_number(value: Any, path: str = "") -> str | None:
    """Where a message holds NaN or an infinity, which JSON cannot say; ``None`` when nowhere."""
    if isinstance(value, float):
        return None if isfinite(value) else path
    if isinstance(value, Struct):
        parts = [(f"{path}.{name}", getattr(value, name)) for name in value.__struct_fields__]
    elif isinstance(value, Mapping):
        parts = [(f"{path}.{name}", part) for name, part in value.items()]
    elif isinstance(value, list | tuple):
        parts = [(f"{path}[{i}]", part) for i, part in enumerate(value)]
    else:
        return None
    return next((found for at, part in parts if (found := not_a_number(part, at.lstrip("."))) is not None), None)


def too_deep(value: Any) -> bool:
    """Whether JSON without a schema is nested so deep that whoever walks it may fall."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [part for whole in level for part in _parts(whole)]
        if not level:
            return False
    return True


def _parts(value: Any) -> Iterable[Any]:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list | tuple) else ()
