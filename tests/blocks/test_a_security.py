"""A04: what may be of interest for security is in the log of the station, and what is critical reaches the CSMS."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agent.vocabulary.commands import LogSecurityEvent
from agent.vocabulary.incoming import SecurityNoticed
from tests.bench import Bench


def logged(bench: Bench) -> list[str]:
    """What is in the security log, by type."""
    return [event.type for event in bench.security_log]


def told(bench: Bench) -> list[tuple[str, str | None]]:
    """What the CSMS heard."""
    return [(each["type"], each.get("techInfo")) for each in bench.security]


def test_A04_FR_01_a_start_is_told_when_the_csms_has_accepted_us():
    bench = Bench()
    bench.connect()
    assert told(bench) == [("StartupOfTheDevice", None)]
    assert bench.security[0]["timestamp"] == "2026-01-01T00:00:00Z"


@pytest.mark.proves("A04.FR.01")
def test_a_start_after_a_reset_says_so_too():
    bench = Bench()
    bench.accept()
    bench.ask("Reset", type="Immediate")
    bench.pass_time(60)
    bench.security.clear()
    bench.power_cycle()
    bench.accept()
    assert told(bench) == [("ResetOrReboot", "RemoteReset"), ("StartupOfTheDevice", None)]


def test_A04_FR_02_what_happened_offline_is_told_later_over_a_power_cut():
    bench = Bench()
    bench.accept()
    bench.disconnect()
    bench.security.clear()
    bench.notice(SecurityNoticed("TamperDetectionActivated", "the door"))
    bench.pass_time(60)
    bench.power_cycle()
    assert told(bench) == []
    bench.accept()
    assert told(bench) == [("TamperDetectionActivated", "the door"), ("StartupOfTheDevice", None)]
    assert bench.security[0]["timestamp"] == "2026-01-01T00:00:00Z"


@pytest.mark.proves("A04.FR.02")
def test_an_event_that_the_csms_does_not_take_is_said_again():
    bench = Bench(variables={"OCPPCommCtrlr.MessageAttemptInterval[TransactionEvent]": 5})
    bench.script["SecurityEventNotification"] = "InternalError"
    bench.accept()
    del bench.script["SecurityEventNotification"]
    bench.pass_time(10)
    assert told(bench) == [("StartupOfTheDevice", None)] * 2
    assert bench.rows == {}


def test_A04_FR_04_everything_is_logged_and_what_is_not_critical_is_not_told():
    bench = Bench()
    bench.accept()
    bench.security.clear()
    bench.notice(SecurityNoticed("InvalidMessages", "no JSON"))
    assert logged(bench) == ["StartupOfTheDevice", "InvalidMessages"]
    assert bench.security_log[-1] == LogSecurityEvent("InvalidMessages", bench.now.wall, "no JSON")
    assert told(bench) == []


@pytest.mark.parametrize(("moved_s", "heard"), [(21.0, ["by +21 s"]), (-3600.0, ["by -3600 s"]), (19.0, [])])
def test_a_clock_that_is_set_by_more_than_the_threshold_is_told(moved_s: float, heard: list[str]) -> None:
    """ClockCtrlr.TimeAdjustmentReportingThreshold: 20 s unless the CSMS wants another."""
    bench = Bench()
    bench.accept()
    bench.security.clear()
    bench.station.clock_moved(moved_s, bench.now)
    bench.pass_time(0)
    assert [each["techInfo"] for each in bench.security if each["type"] == "SettingSystemTime"] == heard


def test_a_threshold_of_zero_tells_of_no_adjustment():
    bench = Bench()
    bench.accept()
    bench.security.clear()
    assert bench.set("ClockCtrlr.TimeAdjustmentReportingThreshold", 0) == "Accepted"
    bench.station.clock_moved(timedelta(days=1).total_seconds(), bench.now)
    bench.pass_time(0)
    assert told(bench) == []


def test_a_long_text_is_cut_to_what_the_message_takes():
    bench = Bench()
    bench.accept()
    bench.notice(SecurityNoticed("MemoryExhaustion", "x" * 1000))
    assert len(bench.security[-1]["techInfo"]) == 255
