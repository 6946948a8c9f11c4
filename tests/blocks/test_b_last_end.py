"""What the CSMS hears of a start that nobody asked for: B01.FR.09 and the security event."""

from __future__ import annotations

import pytest

from agent.vocabulary.values import LastEnd
from tests.bench import Bench, Payload

WATCHDOG = LastEnd("watchdog", "killed", "ABRT")
SEGFAULT = LastEnd("signal", "killed", "SEGV")
STOPPED = LastEnd("success", "exited", "0")


def started(*, end: LastEnd | None = None, board_reset: str = "", machine: str = "first") -> Bench:
    """On a machine that was started as ``first`` once before."""
    bench = Bench()
    bench.machine_start = "first"
    bench.power_cycle()
    bench.last_end, bench.board_reset, bench.machine_start = end, board_reset, machine
    bench.power_cycle()
    bench.security.clear()
    bench.accept()
    return bench


def reset_told(bench: Bench) -> list[Payload]:
    return [each for each in bench.security if each["type"] == "ResetOrReboot"]


@pytest.mark.parametrize(
    ("end", "machine", "reason"),
    [
        (WATCHDOG, "first", "Watchdog"),
        (WATCHDOG, "second", "Watchdog"),  # it died so often that the board was restarted
        (SEGFAULT, "first", "ApplicationReset"),
        (SEGFAULT, "second", "ApplicationReset"),
        (STOPPED, "second", "PowerUp"),
        (None, "second", "PowerUp"),
    ],
)
def test_B01_FR_09_a_process_that_died_is_told_from_a_power_cut(end: LastEnd | None, machine: str, reason: str):
    bench = started(end=end, machine=machine)
    assert bench.sent[0].payload["reason"] == reason


@pytest.mark.proves("A04.FR.01")
def test_how_the_process_died_is_a_security_event():
    assert [each["techInfo"] for each in reset_told(started(end=WATCHDOG))] == ["Watchdog: watchdog, killed ABRT"]


def test_a_process_that_was_stopped_did_not_die():
    assert reset_told(started(end=STOPPED, machine="second")) == []


@pytest.mark.proves("B01.FR.09", "A04.FR.01")
def test_a_board_that_its_watchdog_reset_says_so():
    bench = started(board_reset="watchdog0 reset the board", machine="second")
    assert bench.sent[0].payload["reason"] == "Watchdog"
    assert [each["techInfo"] for each in reset_told(bench)] == ["Watchdog: watchdog0 reset the board"]


def test_what_reset_the_board_long_ago_is_no_reason_for_a_later_start_of_the_agent():
    bench = started(board_reset="watchdog0 reset the board", machine="first")
    assert bench.sent[0].payload["reason"] == "ApplicationReset"
    assert [each["techInfo"] for each in reset_told(bench)] == ["ApplicationReset"]
