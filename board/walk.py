"""Every fault of a table against the struct that it should become, not just the first.  Knows no board."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from difflib import get_close_matches
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec


def faults_in(value: object, kind: Any, where: str) -> Iterator[str]:
    """What keeps ``value`` from becoming a ``kind``: a line each, which begins with its place below ``where``."""
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        inner = list(_inner_faults(value, kind, where))
        yield from inner or [_told(str(error), kind, where)]


def tables_in(value: object, kind: Any, where: str) -> Iterator[tuple[str, msgspec.Struct]]:
    """Every table at or below ``where`` that is right by itself, also where what is around it is not."""
    table, many = _table_of(kind)
    if table is None:
        return
    if many:
        for index, each in enumerate(value if isinstance(value, list) else ()):
            yield from tables_in(each, table, f"{where}[{index}]")
    elif isinstance(value, dict):
        with suppress(msgspec.ValidationError):  # faults_in tells it
            yield where, msgspec.convert(value, table)
        for field in msgspec.structs.fields(table):
            if field.encode_name in value:
                yield from tables_in(value[field.encode_name], field.type, f"{where}.{field.encode_name}")


def mended(value: object, kind: Any) -> Any:
    """The value without the keys that are wrong; None where one is that nothing can stand in for."""
    table, many = _table_of(kind)
    if table is None:
        if _fits(value, kind):
            return value
        return "-" if kind is str or get_args(kind)[:1] == (str,) else None
    if many:
        found = [mended(each, table) for each in value] if isinstance(value, list) else []
        return found if found and None not in found else None
    return _mended_table(value if isinstance(value, dict) else {}, table)


def _mended_table(value: dict[str, object], table: type[msgspec.Struct]) -> dict[str, object] | None:
    kept: dict[str, object] = {}
    for field in msgspec.structs.fields(table):
        if field.required or field.encode_name in value:
            each = mended(value.get(field.encode_name), field.type)
            if each is not None and _fits(each, field.type):
                kept[field.encode_name] = each
            elif field.required:
                return None
    return kept


def _fits(value: object, kind: Any) -> bool:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return True


def _inner_faults(value: object, kind: Any, where: str) -> Iterator[str]:
    table, many = _table_of(kind)
    if table is None:
        return
    if many and isinstance(value, list):
        for index, each in enumerate(value):
            yield from faults_in(each, table, f"{where}[{index}]")
    elif not many and isinstance(value, dict):
        yield from _table_faults(value, table, where)


def _table_faults(value: dict[str, object], table: type[msgspec.Struct], where: str) -> Iterator[str]:
    fields = {field.encode_name: field for field in msgspec.structs.fields(table)}
    for key in value:
        if key not in fields and table.__struct_config__.forbid_unknown_fields:
            yield f"{where}.{key}: unknown key{_meant(key, list(fields))}; keys: {', '.join(fields) or 'none'}"
    for key, field in fields.items():
        if key in value:
            yield from faults_in(value[key], field.type, f"{where}.{key}")
        elif field.required:
            yield f"{where}: missing key {key!r}"


def _meant(key: str, known: list[str]) -> str:
    close = get_close_matches(key, known, n=1)
    return f", perhaps {close[0]!r}" if close else ""


def _told(text: str, kind: Any, where: str) -> str:
    """A msgspec error as one of ours: the place first, and the choices where there are only some."""
    what, _, place = text.partition(" - at `$")
    choices = _choices(kind)
    more = f"; choices: {', '.join(map(repr, choices))}" if choices and not place else ""
    return f"{where}{place.rstrip('`')}: {what}{more}"


def _choices(kind: Any) -> tuple[Any, ...]:
    if get_origin(kind) is Literal:
        return get_args(kind)
    if get_origin(kind) in (Annotated, Union, UnionType):
        return next((found for each in get_args(kind) if (found := _choices(each))), ())
    return ()


def _table_of(kind: Any) -> tuple[type[msgspec.Struct] | None, bool]:
    """The struct in an annotation, and whether it is a list of them."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _table_of(inner[0])
    if origin in (Union, UnionType):
        return next((found for each in inner if each is not NoneType and (found := _table_of(each))[0]), (None, False))
    if origin is tuple and len(inner) == 2 and inner[1] is Ellipsis:
        return _table_of(inner[0])[0], True
    return (kind, False) if isinstance(kind, type) and issubclass(kind, msgspec.Struct) else (None, False)
