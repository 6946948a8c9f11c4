"""The bench runs real processes, hears them, and does not wait for one that is gone."""

import asyncio
import os

import pytest

from tests.csms.practice import PracticeCsms
from tests.perf.latency import session
from tests.perf.process import cpu_s, memory_of
from tests.perf.subject import (
    OCPP_STATION,
    BenchFailed,
    Subject,
    charging,
    ocpp_station_command,
    spawned,
    until_exists,
)


async def test_a_session_of_the_station_beside_us_is_timed(tmp_path):
    async with charging(OCPP_STATION, tmp_path) as running, running.controlled() as control:
        occupied_s, started_s = await session(running, control)
        assert 0 < occupied_s < started_s
        assert memory_of(running.pid).rss_mb > memory_of(running.pid).pss_mb > 1


async def test_the_station_beside_us_keeps_the_rules(tmp_path):
    async with PracticeCsms(latency_s=0.01) as csms:
        at_practice = Subject("x", lambda _, path, data: ocpp_station_command(csms.url, path, data), waits=False)
        async with spawned(at_practice, tmp_path) as running:
            await csms.wait_for("StatusNotification")
            await until_exists(running.control)
            async with running.controlled() as control:
                for _ in range(2):
                    await control.send("plug_in", evse=1)
                    await control.send("unplug", evse=1)
            await csms.wait_for("StatusNotification", count=5)
    record = csms.station("CS001")
    assert [transaction.types for transaction in record.transactions.values()] == [["Started", "Ended"]] * 2
    assert record.violations == record.transaction_faults() == []


async def test_a_subject_that_ends_is_named_at_once_with_its_output(tmp_path):
    broken = Subject("broken", lambda *_: ["-c", "raise SystemExit('no such board')"], waits=False)
    with pytest.raises(BenchFailed, match=r"broken: ended with status 1; its output: .*output.txt"):
        async with asyncio.timeout(10), spawned(broken, tmp_path) as running:
            await running.csms.wait_for("BootNotification")
    assert (tmp_path / "output.txt").read_text() == "no such board\n"


async def test_what_the_control_socket_refuses_is_named(tmp_path):
    async with charging(OCPP_STATION, tmp_path) as running, running.controlled() as control:
        with pytest.raises(BenchFailed, match="fly"):
            await control.send("fly")


def test_processor_time_is_what_times_tells():
    assert cpu_s(os.getpid()) == pytest.approx(sum(os.times()[:2]), abs=0.05)
