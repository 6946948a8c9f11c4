"""Looks into a shape: where a null stands, which words a field takes.  Slow; asked only about what went wrong."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import msgspec
from msgspec import inspect


@cache
def type_info(shape: type[msgspec.Struct]) -> inspect.Type:
    return inspect.type_info(shape)


def present(info: inspect.Type) -> inspect.Type:
    """The type of a field that is there: without the ``| None`` of an optional one."""
    if isinstance(info, inspect.UnionType):
        return next(kind for kind in info.types if not isinstance(kind, inspect.NoneType))
    return info


def fields(info: inspect.StructType) -> dict[str, inspect.Type]:
    """Wire name of each field to its type."""
    return {field.encode_name: present(field.type) for field in info.fields}


def first_null(payload: bytes | msgspec.Raw, shape: type[msgspec.Struct]) -> str | None:
    """Path of the first null that stands for an absent field; ``None`` when every null is a vendor's own data."""
    return _null_in(msgspec.json.decode(payload), type_info(shape), "")


def _null_in(value: Any, info: inspect.Type, path: str) -> str | None:
    if value is None:
        return None if isinstance(info, inspect.AnyType) else path
    parts: list[tuple[Any, inspect.Type, str]] = []
    if isinstance(info, inspect.StructType):
        known = fields(info)
        parts = [(part, known[name], f"{path}.{name}".lstrip(".")) for name, part in value.items()]
    elif isinstance(info, inspect.VarTupleType):
        parts = [(part, present(info.item_type), f"{path}[{i}]") for i, part in enumerate(value)]
    return next((at for part, kind, where in parts if (at := _null_in(part, kind, where))), None)


def words_at(path: str, shape: type[msgspec.Struct]) -> list[str]:
    """The words that an enumeration takes, by its path (``chargingProfile.chargingSchedule[0].chargingRateUnit``)."""
    info = type_info(shape)
    for name in re.findall(r"\w+|\[", path.replace("[...]", "[")):
        if name == "[" and isinstance(info, inspect.VarTupleType):
            info = present(info.item_type)
        elif isinstance(info, inspect.StructType) and name in (known := fields(info)):
            info = known[name]
    return [str(word) for word in info.values] if isinstance(info, inspect.LiteralType) else []
