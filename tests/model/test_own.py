"""An integrator's own variables: of every type, checked as ours are, refused with the key that is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from agent.model.own import own_variable


@pytest.mark.parametrize(
    ("data_type", "more", "first"),
    [
        ("string", {}, ""),
        ("string", {"value": "oak"}, "oak"),
        ("integer", {}, "0"),
        ("integer", {"low": 5}, "5"),
        ("integer", {"low": -5, "value": "-3"}, "-3"),
        ("decimal", {"value": "0.5", "unit": "A"}, "0.5"),
        ("boolean", {}, "false"),
        ("dateTime", {"value": "2026-01-02T03:04:05Z"}, "2026-01-02T03:04:05.000Z"),
        ("OptionList", {"values": ("red", "blue")}, "red"),
        ("MemberList", {"values": ("red", "blue"), "value": "blue,red"}, "blue,red"),
        ("SequenceList", {"values": ("red",)}, ""),
    ],
)
def test_every_data_type_has_a_first_value(data_type: Any, more: dict[str, Any], first: str):
    variable = own_variable("Box", "Thing", data_type, **more)
    assert variable.to_text(variable.default) == first
    assert variable.from_text(first) == variable.default
    assert variable.data_type == data_type


@pytest.mark.parametrize(
    ("data_type", "more", "told"),
    [
        ("integer", {"value": "x"}, r"^value: Box\.Thing = 'x' is not of type integer"),
        ("integer", {"value": "9", "high": 8}, r"^value: .*not between"),
        ("integer", {"low": 9, "high": 8}, "^low: 9 is above high, 8"),
        ("boolean", {"low": 1}, "^low: boolean has no range"),
        ("boolean", {"high": 1}, "^high: boolean has none"),
        ("string", {"unit": "A"}, "^unit: string has none"),
        ("string", {"values": ("a",)}, "^values: string has none"),
        ("OptionList", {}, "^values: OptionList needs"),
        ("OptionList", {"values": ("a,b",)}, "^values: a comma"),
        ("OptionList", {"values": ("a" * 999, "b" * 9)}, "^values: together longer"),
        ("MemberList", {"values": ("a",), "value": "c"}, r"^value: .*'c' is not one of a"),
    ],
)
def test_what_contradicts_itself_is_refused_with_its_key(data_type: Any, more: dict[str, Any], told: str):
    with pytest.raises(ValueError, match=told):
        own_variable("Box", "Thing", data_type, **more)


def test_a_text_is_no_longer_than_ocpp_can_set():
    with pytest.raises(ValueError, match="more than 1000"):
        own_variable("Box", "Thing", "string").from_text("x" * 1001)
