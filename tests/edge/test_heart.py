"""The heart beat: fed while the station is able to work, told to the service manager, and not a moment longer."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.edge.heart import Heart, ServiceManager
from hal.liveness import Liveness
from tests.scenarios.lossy.virtual_time import VirtualLoop, run_virtually


class Manager:
    """What systemd does with its socket."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.setblocking(False)

    def heard(self) -> list[str]:
        told = []
        while True:
            try:
                told.append(self._socket.recv(4096).decode())
            except BlockingIOError:
                return told

    def environment(self, watchdog_s: float | None = None) -> dict[str, str]:
        found = {"NOTIFY_SOCKET": str(self.path)}
        if watchdog_s is not None:
            found |= {"WATCHDOG_USEC": str(int(watchdog_s * 1e6)), "WATCHDOG_PID": str(os.getpid())}
        return found

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def manager(folder: Path) -> Iterator[Manager]:
    manager = Manager(folder / "notify")
    yield manager
    manager.close()


def test_a_beat_goes_out_three_times_in_the_patience_of_the_service_manager(manager: Manager) -> None:
    async def work(loop: VirtualLoop) -> None:
        heart = Heart(Liveness(loop.time), ServiceManager(manager.environment(30)), lambda: True)
        heart.start(for_drivers=False)
        await asyncio.sleep(59)
        heart.stop()
        await asyncio.sleep(60)

    run_virtually(work)
    assert manager.heard() == ["WATCHDOG=1"] * 6


def test_a_station_that_is_not_able_to_work_is_not_alive(manager: Manager, caplog: pytest.LogCaptureFixture) -> None:
    async def work(loop: VirtualLoop) -> None:
        able = True
        liveness = Liveness(loop.time)
        heart = Heart(liveness, ServiceManager(manager.environment(30)), lambda: able)
        heart.start(for_drivers=True)
        await asyncio.sleep(10)
        assert liveness.fresh()
        able = False
        manager.heard()
        await asyncio.sleep(60)
        assert not liveness.fresh()
        assert manager.heard() == []
        able = True
        await asyncio.sleep(1)
        assert liveness.fresh()
        assert "WATCHDOG=1" in manager.heard()
        heart.stop()

    run_virtually(work)
    assert caplog.text.count("not able to work") == 1


def test_where_nobody_wants_to_know_nothing_beats(manager: Manager) -> None:
    async def work(loop: VirtualLoop) -> None:
        liveness = Liveness(loop.time)
        Heart(liveness, ServiceManager(manager.environment()), lambda: True).start(for_drivers=False)
        await asyncio.sleep(60)
        assert not liveness.fresh(60)

    run_virtually(work)
    assert manager.heard() == []


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_of_another_process_is_not_ours(environment: dict[str, str], expected: float | None) -> None:
    assert ServiceManager(environment).watchdog_s == expected


def test_a_service_manager_that_has_gone_is_no_reason_to_end(folder: Path) -> None:
    ServiceManager({"NOTIFY_SOCKET": str(folder / "gone")}).tell("READY=1")
    ServiceManager({}).tell("READY=1")


async def test_a_whole_station_says_that_it_is_ready_alive_and_stopping(
    folder: Path, manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.scenarios.station import AgentInLoop

    for name, value in manager.environment(3).items():
        monkeypatch.setenv(name, value)
    async with AgentInLoop(folder) as agent:
        await agent.start("ws://127.0.0.1:9/ocpp")
        told: list[str] = []
        async with asyncio.timeout(20):
            while told.count("WATCHDOG=1") < 2:
                told += manager.heard()
                await asyncio.sleep(0.05)
        assert told[0] == "READY=1"
    assert manager.heard()[-1] == "STOPPING=1"
