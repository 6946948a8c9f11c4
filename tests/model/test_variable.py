"""A variable takes what is of its type and in its range, and says in one line why not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.model.catalogue import STATION_VARIABLES, TX_START_POINT, TX_STOP_POINT
from agent.model.variable import Variable

SECONDS = Variable("Box", "Patience", 60, "s", low=1, high=3600)
SHARE = Variable("Box", "Share", 0.5, low=0, high=1)
FLAG = Variable("Box", "Flag", True)
NAMES = Variable("Box", "Colours", ("red",), choices=("red", "green", "blue"))
NAME = Variable("Box", "Name", "oak", high=8)
WHEN = Variable("Box", "Since", datetime(2026, 1, 1, tzinfo=UTC))


def test_the_default_fixes_the_type():
    kinds = {each.name: each.data_type for each in (SECONDS, SHARE, FLAG, NAMES, NAME, WHEN)}
    assert kinds == {
        "Patience": "integer",
        "Share": "decimal",
        "Flag": "boolean",
        "Colours": "MemberList",
        "Name": "string",
        "Since": "dateTime",
    }


@pytest.mark.parametrize(
    ("variable", "text", "value"),
    [
        (SECONDS, "120", 120),
        (SECONDS, " 120 ", 120),
        (SHARE, "0.25", 0.25),
        (SHARE, "1", 1.0),
        (FLAG, "false", False),
        (FLAG, "TRUE", True),
        (NAMES, "red,blue", ("red", "blue")),
        (NAMES, "red, blue", ("red", "blue")),
        (NAMES, "", ()),
        (NAME, "ash", "ash"),
        (WHEN, "2026-02-03T04:05:06Z", datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)),
    ],
)
def test_a_value_of_the_type_is_taken(variable: Variable[object], text: str, value: object):
    assert variable.from_text(text) == value


@pytest.mark.parametrize("text", ["abc", "", "1.5", "true", "1_000", "1e3", "٣", "--1", "2026-01-01T00:00:00Z"])
def test_what_is_no_integer_is_refused(text: str):
    with pytest.raises(ValueError, match=r"Box\.Patience"):
        SECONDS.from_text(text)


@pytest.mark.parametrize("text", ["abc", "nan", "inf", "-infinity", "1_0.5", "1,5", "1e-3", "."])
def test_what_is_no_decimal_is_refused(text: str):
    with pytest.raises(ValueError, match=r"Box\.Share"):
        SHARE.from_text(text)


@pytest.mark.parametrize("text", ["yes", "1", "", "truefalse"])
def test_what_is_no_boolean_is_refused(text: str):
    with pytest.raises(ValueError, match="boolean"):
        FLAG.from_text(text)


def test_what_is_no_member_is_refused_with_the_choices():
    with pytest.raises(ValueError, match="'pink' is not one of red, green, blue"):
        NAMES.from_text("red,pink")


@pytest.mark.parametrize("text", ["0", "3601", "-5", "9" * 600])
def test_what_is_out_of_range_is_refused_with_the_range(text: str):
    with pytest.raises(ValueError, match="not between 1 and 3600") as refused:
        SECONDS.from_text(text)
    assert len(str(refused.value)) < 100


def test_a_text_is_no_longer_than_allowed():
    with pytest.raises(ValueError, match="9 characters are more than 8"):
        NAME.from_text("bethlehem")


@pytest.mark.parametrize("variable", STATION_VARIABLES, ids=repr)
def test_no_number_that_is_taken_is_too_great_for_a_timer(variable: Variable[object]):
    for text in ("9" * 12, "-" + "9" * 12):
        if isinstance(variable.default, (int, float)):
            with pytest.raises(ValueError, match=r".+"):
                variable.from_text(text)


@pytest.mark.parametrize("variable", [each for each in STATION_VARIABLES if each.mutability != "WriteOnly"], ids=repr)
def test_what_is_told_can_be_set(variable: Variable[object]):
    assert variable.from_text(variable.to_text(variable.default)) == variable.default


@given(st.floats(min_value=0, max_value=1))
def test_a_decimal_is_written_without_an_exponent(value: float):
    text = SHARE.to_text(value)
    assert "e" not in text
    assert abs(SHARE.from_text(text) - value) < 1e-6


def test_a_great_decimal_keeps_its_digits():
    power = Variable("EVSE", "Power", 0.0, "W")
    assert power.to_text(1_234_567.8) == "1234567.8"
    assert power.to_text(22_080.0) == "22080"


@pytest.mark.parametrize("variable", [TX_START_POINT, TX_STOP_POINT], ids=repr)
def test_points_that_never_come_about_here_are_refused(variable: Variable[tuple[str, ...]]):
    for text in ("", "DataSigned"):
        with pytest.raises(ValueError, match=r"not allowed|is not one of"):
            variable.from_text(text)
    assert variable.from_text("EVConnected,Authorized") == ("EVConnected", "Authorized")
