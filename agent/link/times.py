"""Times of day that were wrong when they were written down.  Moves them; does not know by how much."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar, cast

import msgspec

from agent.vocabulary.values import ClockShift

T = TypeVar("T")


def shifted(value: T, shift: ClockShift) -> T:
    """The same message with every time in it corrected."""
    return cast("T", _shifted(value, shift))


def _shifted(value: object, shift: ClockShift) -> object:
    if isinstance(value, datetime):
        return shift.corrected(value)
    if isinstance(value, tuple):
        return tuple(_shifted(item, shift) for item in value)
    if isinstance(value, msgspec.Struct):
        moved = {}
        for name in value.__struct_fields__:
            before = getattr(value, name)
            if isinstance(before, (datetime, tuple, msgspec.Struct)):
                after = _shifted(before, shift)
                if after is not before:
                    moved[name] = after
        return msgspec.structs.replace(value, **moved) if moved else value
    return value
