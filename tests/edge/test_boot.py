"""What the system and the service manager left for the next start: read as it is, forgotten when it was told."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.edge.boot import LAST_END, board_reset, forget_end, last_end, machine_start
from agent.vocabulary.values import LastEnd
from tests.csms.practice import PracticeCsms
from tests.scenarios.station import AgentInLoop


def test_an_end_is_what_the_service_manager_wrote(folder: Path) -> None:
    (folder / LAST_END).write_text("watchdog killed ABRT\n")
    assert last_end(folder) == LastEnd("watchdog", "killed", "ABRT")
    forget_end(folder)
    assert last_end(folder) is None


@pytest.mark.parametrize("text", ["", "watchdog", "one two three four", "\0" * 100])
def test_an_end_that_was_half_written_says_nothing(folder: Path, text: str) -> None:
    (folder / LAST_END).write_text(text)
    assert last_end(folder) is None


def test_no_end_is_no_end(folder: Path) -> None:
    forget_end(folder)
    assert last_end(folder) is None


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("32", "the hardware watchdog watchdog1 reset the board"),
        ("0x8020", "the hardware watchdog watchdog1 reset the board"),
        ("0", ""),
        ("1", ""),  # it was too hot
        ("?", ""),
    ],
)
def test_a_watchdog_tells_whether_it_reset_the_board(folder: Path, status: str, said: str) -> None:
    for name, text in (("watchdog0", "0"), ("watchdog1", status)):
        (folder / name).mkdir()
        (folder / name / "bootstatus").write_text(text + "\n")
    assert board_reset(folder) == said


def test_a_board_without_a_watchdog_was_not_reset_by_one(folder: Path) -> None:
    assert board_reset(folder / "none") == ""


def test_a_system_that_does_not_number_its_starts_is_asked_in_vain(folder: Path) -> None:
    assert machine_start(folder / "none") == ""


async def test_a_whole_station_tells_how_it_died_once(folder: Path) -> None:
    async with PracticeCsms() as csms, AgentInLoop(folder) as agent:
        agent.data.mkdir(exist_ok=True)
        (agent.data / LAST_END).write_text("watchdog killed ABRT\n")
        await agent.start(csms.url)
        assert (await csms.wait_for("BootNotification"))["reason"] == "Watchdog"
        reset = await csms.wait_for("SecurityEventNotification", where=lambda told: told["type"] == "ResetOrReboot")
        assert reset["techInfo"] == "Watchdog: watchdog, killed ABRT"
        await agent.said("the agent has died: watchdog, killed ABRT")
        assert not (agent.data / LAST_END).exists()
