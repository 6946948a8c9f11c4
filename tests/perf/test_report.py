"""The report says what was measured, beside what, and whether that is enough."""

import json

import pytest

from tests.perf.latency import percentiles
from tests.perf.report import Figure, Goal, Section, as_json, number, table, verdict

MET = Figure("start", "ms", 80.0, 100.0, (Goal("<=", 0.8),))
MISSED = Figure("RSS idle", "MB", 36.0, 40.0, (Goal("<=", 1.0), Goal("<=", 35, of="ours")))
UNMEASURED = Figure("append", "1/s", None, 1234.0, (Goal(">=", 0.7),))
PLAIN = Figure("p99", "ms", 0.5, 1.0)
SECTIONS = [Section("times", "other", [MET, PLAIN]), Section("sizes", "other", [MISSED, UNMEASURED])]


def test_a_goal_is_of_the_ratio_or_of_our_own_figure():
    assert MET.met is True
    assert MISSED.met is False  # 0.9x, but more than 35 MB
    assert UNMEASURED.met is None
    assert PLAIN.met is None
    assert Figure("rate", "1/s", 69.0, 100.0, (Goal(">=", 0.7),)).met is False


def test_nothing_beside_is_no_ratio():
    assert Figure("x", "s", 1.0, None).ratio is None
    assert Figure("x", "s", 1.0, 0.0).ratio is None


def test_the_table_is_aligned_and_tells_every_figure():
    lines = table(SECTIONS).splitlines()
    assert lines[0].split() == ["times", "agent", "other", "unit", "ratio", "goal", "met"]
    assert lines[1].split() == ["start", "80", "100", "ms", "0.80x", "<=", "0.8x", "yes"]
    assert lines[5].split("  ")[-1].strip() == "NO"
    assert lines[6].split() == ["append", "-", "1,234", "1/s", ">=", "0.7x", "?"]
    assert len({line.rindex("goal") for line in lines if "goal" in line} | {lines[1].index("<=")}) == 1


def test_the_verdict_counts_what_is_met_and_names_what_is_missed():
    assert verdict(SECTIONS) == "1 of 3 goals met; missed: RSS idle"


def test_the_json_has_figures_ratios_and_verdicts():
    told = json.loads(as_json(SECTIONS, {"processors": 2}))
    assert told["machine"] == {"processors": 2}
    figure = told["sections"][0]["figures"][0]
    assert (figure["ours"], figure["beside"], figure["ratio"], figure["met"]) == (80, 100, 0.8, True)


@pytest.mark.parametrize(("value", "text"), [(None, "-"), (0.0123, "0.0123"), (12.345, "12.3"), (12345.6, "12,346")])
def test_numbers_have_three_digits_and_no_exponent(value, text):
    assert number(value) == text


def test_percentiles_are_of_what_was_measured():
    assert percentiles([s / 1000 for s in range(101)]) == (50.0, 99.0)
    assert percentiles([]) == (None, None)
