"""A variable of the device model: its place, its type, its range, and how its value is written.  Holds no value."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Generic, Literal, TypeVar

from agent.vocabulary.times import time_text

T = TypeVar("T")

LEAST_INTEGER, GREATEST_INTEGER = -(2**31), 2**31 - 1
"""An integer of OCPP has 32 bits; what does not fit, no timer and no message could carry."""

NUMBER = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)

Mutability = Literal["ReadOnly", "WriteOnly", "ReadWrite"]
DataType = Literal["string", "decimal", "integer", "dateTime", "boolean", "OptionList", "SequenceList", "MemberList"]


class Variable(Generic[T]):
    """A variable, known by its component and its name.  The default fixes the type.

    Args:
        component: as the appendix of OCPP spells it.
        name: as the appendix of OCPP spells it.
        default: the value of a new station; its Python type is the variable's type, a tuple is a list of ``choices``.
        unit: of a number.
        check: whether a value of the right type may be set.
        choices: the members that a list or an option may have.
        low: least number, or least length of a text.
        high: greatest number, or greatest length of a text.
        instance: of the variable.
        mutability: what the CSMS may do.
        data_type: where the Python type does not say it (OptionList, SequenceList).
        reboot: a new value works after the next restart.

    """

    def __init__(
        self,
        component: str,
        name: str,
        default: T,
        unit: str = "",
        check: Callable[[T], bool] | None = None,
        *,
        choices: tuple[str, ...] = (),
        low: float | None = None,
        high: float | None = None,
        instance: str | None = None,
        mutability: Mutability = "ReadWrite",
        data_type: DataType | None = None,
        reboot: bool = False,
    ) -> None:
        self.component = component
        self.name = name
        self.instance = instance
        self.default = default
        self.unit = unit
        self.check = check
        self.choices = choices
        self.low = low
        self.high = high
        self.mutability = mutability
        self.data_type: DataType = data_type or _data_type(default)
        self.reboot = reboot

    def __repr__(self) -> str:
        instance = f"[{self.instance}]" if self.instance else ""
        return f"{self.component}.{self.name}{instance}"

    @property
    def longest(self) -> int:
        """Of a list: how long its text can be, with every choice in it."""
        return len(",".join(self.choices))

    def to_text(self, value: T) -> str:
        """A value as AttributeValue carries it; empty where there is none yet (B06.FR.13)."""
        if value is None:
            return ""
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, tuple):
            return ",".join(value)
        if isinstance(value, datetime):
            return time_text(value)
        return f"{value:.6f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)

    def from_text(self, text: str) -> T:
        """A value that may be set.

        Raises:
            ValueError: not of the type, out of range, or not among the choices; the text says which.

        """
        secret = self.mutability == "WriteOnly"
        value = self._parse(text if secret else text.strip())
        self._check_range(value)
        if self.check is not None and not self.check(value):
            raise ValueError(f"{self} = {'***' if secret else repr(text)} is not allowed")
        return value

    def _parse(self, text: str) -> T:
        kind = type(self.default)
        try:
            if kind in (int, float) and not NUMBER.fullmatch(text):
                raise ValueError(text)
            if kind is bool:
                return {"true": True, "false": False}[text.lower()]  # type: ignore[return-value]
            if kind is tuple:
                return tuple(item.strip() for item in text.split(",") if item.strip())  # type: ignore[return-value]
            if kind is datetime:
                return datetime.fromisoformat(text)  # type: ignore[return-value]
            return kind(text)  # type: ignore[call-arg]
        except (KeyError, ValueError):
            raise ValueError(f"{self} = {text!r} is not of type {self.data_type}") from None

    def _check_range(self, value: T) -> None:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            low = LEAST_INTEGER if self.low is None else self.low
            high = GREATEST_INTEGER if self.high is None else self.high
            if not low <= value <= high:
                raise ValueError(f"{self} = {shown(value)} is not between {low} and {high}")
        if isinstance(value, str) and self.high is not None and len(value) > self.high:
            raise ValueError(f"{self}: {len(value)} characters are more than {self.high:g}")
        if isinstance(value, str) and self.low is not None and len(value) < self.low:
            raise ValueError(f"{self}: {len(value)} characters are fewer than {self.low:g}")
        if self.choices:
            members = value if isinstance(value, tuple) else (value,)
            if len(set(members)) < len(members):
                raise ValueError(f"{self} names a value twice")
            for member in members:
                if member not in self.choices:
                    raise ValueError(f"{self}: {member!r} is not one of {', '.join(self.choices)}")


def shown(value: float) -> str:
    """A number as a line of text can hold it."""
    text = str(value)
    return text if len(text) <= 20 else f"{text[:17]}..."


def _data_type(default: object) -> DataType:
    if isinstance(default, bool):
        return "boolean"
    if isinstance(default, int):
        return "integer"
    if isinstance(default, float):
        return "decimal"
    if isinstance(default, tuple):
        return "MemberList"
    return "dateTime" if isinstance(default, datetime) else "string"
