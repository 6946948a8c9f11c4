"""Finds a null where the schema has a field to leave out.  Slow; asked only when a payload has the word in it."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec
from msgspec import inspect


def first_null(payload: bytes | msgspec.Raw, shape: type[msgspec.Struct]) -> str | None:
    """Path of the first null that stands for an absent field; ``None`` when every null is a vendor's own data."""
    return _null_in(msgspec.json.decode(payload), type_info(shape), "")


@cache
def type_info(shape: type[msgspec.Struct]) -> inspect.Type:
    return inspect.type_info(shape)


def _null_in(value: Any, info: inspect.Type, path: str) -> str | None:
    info = present(info)
    if value is None:
        return None if isinstance(info, inspect.AnyType) else path
    parts: list[tuple[Any, inspect.Type, str]] = []
    if isinstance(info, inspect.StructType):
        known = {field.encode_name: field.type for field in info.fields}
        parts = [(part, known[name], f"{path}.{name}") for name, part in value.items()]
    elif isinstance(info, inspect.VarTupleType):
        parts = [(part, info.item_type, f"{path}[{i}]") for i, part in enumerate(value)]
    return next((at for part, kind, where in parts if (at := _null_in(part, kind, where.lstrip(".")))), None)


def present(info: inspect.Type) -> inspect.Type:
    """The type of a field that is there: without the ``| None`` of an optional one."""
    if isinstance(info, inspect.UnionType):
        return next(kind for kind in info.types if not isinstance(kind, inspect.NoneType))
    return info
