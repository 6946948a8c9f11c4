"""Monitors of a board file: set at the start, the CSMS's to replace; what is wrong with one has its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.errors import StartFailed
from agent.given import check_presets, presets_of
from board.descriptor import BoardError, read_board
from tests.bench import Bench
from tests.blocks.test_n_monitoring import PRESET_ID, monitored, reported
from tests.scenarios.station import sim_board

POWER = """
[[monitor]]
component = "EVSE"
evse = 1
variable = "Power"
type = "UpperThreshold"
value = 5000
severity = 6
"""


def test_a_monitor_of_the_board_file_is_there_from_the_first_start_on(tmp_path: Path):
    bench = monitored(monitors=presets_of(read_board(sim_board(tmp_path, POWER))))
    told = reported(bench)[PRESET_ID]
    assert (told["component"], told["variable"]) == ({"name": "EVSE", "evse": {"id": 1}}, {"name": "Power"})
    assert (told["type"], told["value"], told["severity"], told["transaction"]) == ("UpperThreshold", 5000, 6, False)


@pytest.mark.parametrize(
    ("monitor", "why"),
    [
        (POWER.replace("evse = 1", "evse = 9"), "monitor[0]: UnknownComponent EVSE.Power"),
        (POWER.replace('"Power"', '"Colour"'), "monitor[0]: UnknownVariable EVSE.Colour"),
        (POWER.replace("5000", "5e9"), "monitor[0]: UpperThreshold 5e+09 is not between"),
        (POWER.replace('"Power"', '"AvailabilityState"'), "monitor[0]: EVSE.AvailabilityState cannot have"),
        (POWER + POWER, "monitor[1]: EVSE.Power has one of this type and severity already"),
    ],
)
def test_one_that_cannot_be_set_has_its_place(tmp_path: Path, monitor: str, why: str):
    board = read_board(sim_board(tmp_path, monitor))
    with pytest.raises(StartFailed) as failed:
        check_presets(board, Bench().station.model)
    assert str(failed.value).startswith(why)


@pytest.mark.parametrize(
    ("monitor", "place"),
    [(POWER.replace("severity = 6", "severity = 10"), "$.monitor[0].severity"), (POWER + "limit = 1", "limit")],
)
def test_what_is_no_monitor_is_said_when_the_file_is_read(tmp_path: Path, monitor: str, place: str):
    with pytest.raises(BoardError, match="monitor") as failed:
        read_board(sim_board(tmp_path, monitor))
    assert place in str(failed.value)
