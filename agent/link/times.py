"""Times of day that were wrong when they were written down.  Moves them; does not know by how much."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TypeVar, cast

import msgspec

T = TypeVar("T")


def shifted(value: T, by: timedelta) -> T:
    """The same message with every time in it moved."""
    return cast("T", _shifted(value, by))


def _shifted(value: object, by: timedelta) -> object:
    if isinstance(value, datetime):
        return value + by
    if isinstance(value, tuple):
        return tuple(_shifted(item, by) for item in value)
    if isinstance(value, msgspec.Struct):
        moved = {}
        for name in value.__struct_fields__:
            before = getattr(value, name)
            if isinstance(before, (datetime, tuple, msgspec.Struct)):
                after = _shifted(before, by)
                if after is not before:
                    moved[name] = after
        return msgspec.structs.replace(value, **moved) if moved else value
    return value
