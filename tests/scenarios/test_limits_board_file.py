"""Limits, thermometers and derating in a board file: what is said wrong is an error with its place."""

from pathlib import Path

import pytest

from board.descriptor import BoardError, read_board
from tests.scenarios.station import ended, sim_board

LIMIT = """
[[evse.limit]]
source = "site"
fallback_a = [10, 12, 14]
lease_s = 60
"""
THERMOMETER = """
[[evse.thermometer]]
spot = "inlet"
driver = "sim_thermometer"
bus = "world"
derate = { from_c = 60, to_c = 80, stop_c = 90 }
"""
GOOD = LIMIT + THERMOMETER


def test_a_board_may_name_sources_and_thermometers(tmp_path: Path) -> None:
    evse = read_board(sim_board(tmp_path, GOOD)).evse[1]
    assert [(each.source, each.fallback_a, each.lease_s) for each in evse.limit] == [("site", (10.0, 12.0, 14.0), 60.0)]
    (thermometer,) = evse.thermometer
    assert thermometer.derate is not None
    assert (thermometer.spot, thermometer.derate.to_a, thermometer.derate.hysteresis_c) == ("inlet", 6.0, 3.0)


@pytest.mark.parametrize(
    ("good", "bad", "place", "words"),
    [
        ('source = "site"', 'source = "board"', "$.evse[1].limit[0].source", "'board'"),
        ('source = "site"', "", "$.evse[1].limit[0]", "keys: source, fallback_a, phases, lease_s"),
        ("fallback_a = [10, 12, 14]", "", "$.evse[1].limit[0]", "fallback_a"),
        ("[10, 12, 14]", "[10, 12]", "$.evse[1].limit[0].fallback_a", "2 currents; the EVSE has 3 phases"),
        ("[10, 12, 14]", "-1", "$.evse[1].limit[0].fallback_a", ">= 0"),
        ("[10, 12, 14]", "501", "$.evse[1].limit[0].fallback_a", "<= 500"),
        ("lease_s = 60", "lease_s = 0", "$.evse[1].limit[0].lease_s", "> 0"),
        ("lease_s = 60", "phases = 4", "$.evse[1].limit[0].phases", "4"),
        (LIMIT, LIMIT * 2, "$.evse[1].limit[...].source", "'site' is there twice"),
        (THERMOMETER, THERMOMETER * 2, "$.evse[1].thermometer[...].spot", "'inlet' is there twice"),
        ('spot = "inlet"', 'sport = "inlet"', "$.evse[1].thermometer[0]", "keys: spot, driver, bus, options, derate"),
        ('bus = "world"', 'bus = "work"', "$.evse[1].thermometer[0].bus", "no bus 'work'"),
        ("to_c = 80", "to_c = 60", "$.evse[1].thermometer[0].derate", "from_c < to_c <= stop_c, not 60, 60, 90"),
        ("stop_c = 90", "stop_c = 70", "$.evse[1].thermometer[0].derate", "from_c < to_c <= stop_c, not 60, 80, 70"),
        ("stop_c = 90", "stop_c = 900", "$.evse[1].thermometer[0].derate.stop_c", "<= 200"),
        ("stop_c = 90", "stop_c = 90, to_a = 33", "$.evse[1].thermometer[0].derate.to_a", "33 is more than"),
        ("stop_c = 90", "stop_c = 90, lease = 1", "$.evse[1].thermometer[0].derate", "keys: from_c, to_c, stop_c"),
    ],
)
def test_a_wrong_value_is_an_error_with_its_place(tmp_path: Path, good: str, bad: str, place: str, words: str) -> None:
    assert good in GOOD
    with pytest.raises(BoardError) as error:
        read_board(sim_board(tmp_path, GOOD.replace(good, bad)))
    assert place in str(error.value)
    assert words in str(error.value)


async def test_an_option_that_the_thermometer_does_not_have_ends_with_status_2_and_one_line(tmp_path: Path) -> None:
    board = sim_board(tmp_path, GOOD.replace("derate =", "options = { every = 1 }\nderate ="))
    status, lines = await ended("run", "--board", str(board), "--data", str(tmp_path / "data"))
    assert status == 2
    assert len(lines) == 1
    assert "evse[1].thermometer[0]" in lines[0]
    assert "celsius, period_s" in lines[0]
