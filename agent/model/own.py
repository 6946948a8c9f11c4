"""Variables that an integrator adds to the device model: checked as ours are, read by nobody here but told and kept."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from agent.model.variable import DataType, Mutability, Variable

LONGEST_VALUE = 1000
"""Of a value that can be set, and of the list of choices."""

LISTS = ("SequenceList", "MemberList")
KINDS: dict[str, object] = {
    "string": "",
    "integer": 0,
    "decimal": 0.0,
    "boolean": False,
    "dateTime": datetime(1970, 1, 1, tzinfo=UTC),
    "OptionList": "",
    "SequenceList": (),
    "MemberList": (),
}
"""A value of each data type."""


def own_variable(
    component: str,
    name: str,
    data_type: DataType,
    *,
    value: str | None = None,
    unit: str = "",
    low: float | None = None,
    high: float | None = None,
    values: tuple[str, ...] = (),
    mutability: Mutability = "ReadWrite",
    instance: str | None = None,
) -> Variable[Any]:
    """A variable as a board file describes it; ``value`` is the one of a new station.

    Raises:
        ValueError: the description contradicts itself; the text begins with the key.

    """
    chosen = data_type == "OptionList" or data_type in LISTS
    number = data_type in ("integer", "decimal")
    _check_keys(data_type, values=values, low=low, high=high, unit=unit, chosen=chosen, number=number)
    if value is None:
        value = _first(data_type, values, low)
    draft = _draft(component, name, KINDS[data_type], data_type, unit, low, high, values, mutability, instance)
    try:
        default = draft.from_text(value)
    except ValueError as error:
        raise ValueError(f"value: {error}") from None
    return _draft(component, name, default, data_type, unit, low, high, values, mutability, instance)


def _draft(
    component: str,
    name: str,
    default: object,
    data_type: DataType,
    unit: str,
    low: float | None,
    high: float | None,
    values: tuple[str, ...],
    mutability: Mutability,
    instance: str | None,
) -> Variable[Any]:
    if data_type == "string" and high is None:
        high = LONGEST_VALUE
    return Variable(
        component,
        name,
        default,
        unit,
        choices=values,
        low=low,
        high=high,
        instance=instance,
        mutability=mutability,
        data_type=data_type,
    )


def _check_keys(
    data_type: str,
    *,
    values: tuple[str, ...],
    low: float | None,
    high: float | None,
    unit: str,
    chosen: bool,
    number: bool,
) -> None:
    if chosen and not values:
        raise ValueError(f"values: {data_type} needs the values that may be chosen")
    if values and not chosen:
        raise ValueError(f"values: {data_type} has none; OptionList, SequenceList and MemberList have")
    if len(",".join(values)) > LONGEST_VALUE:
        raise ValueError(f"values: together longer than {LONGEST_VALUE} characters")
    if any("," in each for each in values):
        raise ValueError("values: a comma divides the values of a list and can be in none of them")
    if low is not None and not number:
        raise ValueError(f"low: {data_type} has no range; integer and decimal have")
    if high is not None and not number and data_type != "string":
        raise ValueError(f"high: {data_type} has none; integer, decimal and string (its length) have")
    if unit and not number:
        raise ValueError(f"unit: {data_type} has none; integer and decimal have")
    if low is not None and high is not None and low > high:
        raise ValueError(f"low: {low:g} is above high, {high:g}")


def _first(data_type: str, values: tuple[str, ...], low: float | None) -> str:
    """The value of a new station where the board file names none."""
    if data_type == "OptionList":
        return values[0]
    if data_type == "boolean":
        return "false"
    if data_type == "dateTime":
        return "1970-01-01T00:00:00Z"
    if data_type in ("integer", "decimal"):
        return f"{max(low or 0, 0):g}"
    return ""
