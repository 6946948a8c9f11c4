"""A driver with a defect costs its part, never the station: it is told, tried again, and trusted when it works."""

from __future__ import annotations

import asyncio

import pytest

from agent.edge import supervision
from agent.edge.supervision import supervised
from hal.events import DeviceFound, DeviceLost, Event
from hal.ports import Place
from tests.csms.practice import PracticeCsms
from tests.scenarios.lossy.virtual_time import VirtualLoop, run_virtually
from tests.scenarios.station import AgentInLoop

PLACE = Place("evse[0].meter", 1)


class Fragile:
    """Breaks as often as it is told to, then works."""

    def __init__(self, breaks: int) -> None:
        self.breaks = breaks
        self.runs = 0

    async def run(self) -> None:
        self.runs += 1
        if self.runs <= self.breaks:
            raise KeyError("register 30")
        await asyncio.sleep(1e6)


def test_it_is_told_tried_again_ever_more_slowly_and_found_when_it_works() -> None:
    events: list[tuple[float, Event]] = []

    async def work(loop: VirtualLoop) -> None:
        driver = Fragile(3)
        task = asyncio.create_task(supervised(driver, PLACE, lambda event: events.append((loop.time(), event))))
        await asyncio.sleep(100)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert driver.runs == 4

    run_virtually(work)
    began = events[0][0]
    assert [(round(at - began), type(event)) for at, event in events] == [
        (0, DeviceLost),
        (1, DeviceLost),
        (3, DeviceLost),
        (12, DeviceFound),
    ]
    lost = events[0][1]
    assert isinstance(lost, DeviceLost)
    assert (lost.part, lost.reason[:23]) == ("driver of evse[0].meter", "KeyError: 'register 30'")


async def test_the_station_goes_on_without_the_part(
    agent: AgentInLoop, csms: PracticeCsms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervision, "FIRST_PAUSE_S", 1000.0)
    from hal.drivers.sim_meter import SimMeter

    async def broken(self: SimMeter) -> None:
        raise ValueError("a defect of the driver")

    monkeypatch.setattr(SimMeter, "run", broken)
    await agent.start(csms.url)
    await csms.wait_for("StatusNotification", count=2)
    status = await agent.cmd("status")
    assert [evse["fault"] for evse in status["evses"]] != [None, None]
    assert status["connected"]
