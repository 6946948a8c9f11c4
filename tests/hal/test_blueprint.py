"""The driver to copy works, and keeps the rules that it tells others to keep."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from hal.bus.serial import SerialBus
from hal.drivers.blueprint import BlueprintLock
from hal.events import DeviceFound, DeviceLost, HardwareWarned, LockMoved
from hal.ports import ConnectorLock, Place
from tests.emulators.blueprint import EmulatedLock
from tests.emulators.pty import BYTE_BY_BYTE, QUIET, Noise
from tests.hal.rig import Heard, eventually, running

PLACE = Place("evse[0].connectors[0].lock", 1)

pytestmark = pytest.mark.usefixtures("quick_hotplug")


@asynccontextmanager
async def rig(noise: Noise = QUIET, poll_s: float = 5.0) -> AsyncIterator[tuple[BlueprintLock, EmulatedLock, Heard]]:
    async with EmulatedLock(noise=noise, speed=20) as part:
        heard = Heard()
        bus = SerialBus(SerialBus.Config(device=part.device))
        driver = BlueprintLock(BlueprintLock.Config(poll_s=poll_s), PLACE, bus, heard)
        async with running(driver):
            yield driver, part, heard


@pytest.mark.parametrize("noise", [QUIET, BYTE_BY_BYTE])
async def test_it_locks_and_unlocks(noise: Noise) -> None:
    async with rig(noise) as (driver, _, heard):
        await heard.until(LockMoved(1, "unlocked"))
        driver.lock()
        await heard.until(LockMoved(1, "moving"))
        await heard.until(LockMoved(1, "locked"))
        driver.unlock()
        await heard.until(LockMoved(1, "unlocked"))


async def test_the_same_position_again_is_no_news() -> None:
    async with rig(poll_s=0.05) as (_, part, heard):
        await heard.until(LockMoved)
        part.garbage(b"UNLOCKED\n" * 3)
        part.garbage(b"MOVING\n")
        await heard.until(LockMoved(1, "moving"))
        assert len(heard.of(LockMoved)) == 2


async def test_a_wish_from_before_the_start_and_across_a_loss_is_kept() -> None:
    async with rig() as (driver, part, heard):
        driver.lock()
        await heard.until(LockMoved(1, "locked"))
        await part.take_away()
        await heard.until(DeviceLost)
        part.position = "UNLOCKED"
        await part.bring_back()
        await heard.until(DeviceFound)
        await heard.until(LockMoved(1, "locked"))


async def test_a_part_that_falls_silent_is_lost_and_found() -> None:
    async with rig(poll_s=0.05) as (_, part, heard):
        await heard.until(DeviceFound)
        part.muted = True
        assert await heard.until(DeviceLost) == DeviceLost(1, PLACE.part, f"{part.device}: silent")
        part.muted = False
        await heard.until(DeviceFound)


async def test_garbage_is_counted_and_told_once() -> None:
    async with rig() as (driver, part, heard):
        await heard.until(DeviceFound)
        for _ in range(20):
            part.garbage(b"\xff" * 100 + b"\nWHAT\n")
        await eventually(lambda: driver.counters["garbage_bytes"] == 20 * 104)
        assert len(heard.of(HardwareWarned)) == 1
        driver.lock()
        await heard.until(LockMoved(1, "locked"))


def test_it_is_a_connector_lock() -> None:
    bus = SerialBus(SerialBus.Config(device="/dev/null"))
    assert isinstance(BlueprintLock(BlueprintLock.Config(), PLACE, bus, print), ConnectorLock)
