"""The OpenEVSE's thermometers and lock, beside its pilot on one line."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from hal.bus.serial import SerialBus
from hal.events import CpState, DeviceFound, DeviceLost, LockMoved, PilotChanged, PowerChanged, TemperatureMeasured
from hal.ports import ConnectorLock, PilotIntent, Place
from hal.registry import make_driver
from tests.emulators.openevse import EmulatedOpenEvse
from tests.hal.rig import Heard, eventually, running

PILOT, LOCK = Place("evse[0].pilot", 1, limit_a=16), Place("evse[0].connectors[0].lock", 1)
SPOT = Place("evse[0].thermometer[0]", 1, spot="inlet")

pytestmark = pytest.mark.usefixtures("quick_hotplug")


class Desk:
    """One controller, its bus, and the drivers that a test puts on it."""

    def __init__(self, part: EmulatedOpenEvse) -> None:
        self.part = part
        self.bus = SerialBus(SerialBus.Config(device=part.device))

    def make(self, name: str, place: Place, **options: Any) -> tuple[Any, Heard]:
        heard = Heard()
        return make_driver(name, options, place, self.bus, heard), heard


@asynccontextmanager
async def desk() -> AsyncIterator[Desk]:
    async with EmulatedOpenEvse(speed=20) as part:
        yield Desk(part)


async def test_pilot_lock_and_thermometer_share_one_line_and_a_session_goes_through() -> None:
    async with desk() as bench:
        pilot, pilot_said = bench.make("openevse", PILOT)
        lock, lock_said = bench.make("openevse_lock", LOCK)
        spot, spot_said = bench.make("openevse_thermometer", SPOT, poll_s=0.5)
        async with running(pilot), running(lock), running(spot):
            await pilot_said.until(PilotChanged(1, CpState.A, pwm=False))
            bench.part.plug_in(10)
            await pilot_said.until(PilotChanged(1, CpState.B, pwm=False))
            lock.lock()
            await lock_said.until(LockMoved(1, "unknown"))
            assert bench.part.locked
            pilot.apply(PilotIntent(limit_a=13, permit_power=True))
            await pilot_said.until(PowerChanged(1, True))
            bench.part.heat(61.5)
            await spot_said.until(TemperatureMeasured(1, "inlet", 61.5))
            await bench.part.take_away()
            for said in (pilot_said, lock_said, spot_said):
                await said.until(DeviceLost)
            await bench.part.bring_back()
            for said in (pilot_said, lock_said, spot_said):
                await said.until(DeviceFound)


async def test_one_that_leaves_does_not_close_the_line_under_the_other() -> None:
    async with desk() as bench:
        pilot, pilot_said = bench.make("openevse", PILOT)
        spot, spot_said = bench.make("openevse_thermometer", SPOT)
        async with running(pilot):
            await pilot_said.until(DeviceFound)
            async with running(spot):
                await spot_said.until(TemperatureMeasured)
            bench.part.plug_in(10)
            await pilot_said.until(PilotChanged(1, CpState.B, pwm=False))
            assert not pilot_said.of(DeviceLost)


async def test_a_sensor_that_is_not_there_is_lost_and_the_pilot_is_not() -> None:
    async with desk() as bench:
        pilot, pilot_said = bench.make("openevse", PILOT)
        spot, spot_said = bench.make("openevse_thermometer", SPOT, sensor="infrared")
        async with running(pilot), running(spot):
            lost = await spot_said.until(DeviceLost)
            assert isinstance(lost, DeviceLost)
            assert lost.reason == f"{bench.part.device}: has no infrared sensor"
            await pilot_said.until(DeviceFound)
            bench.part.plug_in(10)
            await pilot_said.until(PilotChanged(1, CpState.B, pwm=False))
            assert not pilot_said.of(DeviceLost)


async def test_the_lock_is_taken_from_its_automatic_mode_and_again_after_a_restart() -> None:
    async with desk() as bench:
        lock, said = bench.make("openevse_lock", LOCK)
        assert isinstance(lock, ConnectorLock)
        async with running(lock):
            lock.lock()
            await said.until(LockMoved(1, "unknown"))
            assert (bench.part.lock_by_host, bench.part.lock_pulses) == (True, 1)
            bench.part.power_cycle()
            await eventually(lambda: bench.part.heard.count("S5 M") == 2)
            lock.unlock()
            await eventually(lambda: not bench.part.locked)


async def test_the_same_wish_again_is_answered_and_moves_no_motor() -> None:
    async with desk() as bench:
        lock, said = bench.make("openevse_lock", LOCK)
        async with running(lock):
            for _ in range(2):
                lock.lock()
                await said.until(LockMoved(1, "unknown"))
            assert bench.part.lock_pulses == 1


async def test_a_firmware_without_a_lock_is_told_as_a_lost_lock() -> None:
    async with desk() as bench:
        bench.part.commands = {name: each for name, each in bench.part.commands.items() if name not in ("G5", "S5")}
        lock, said = bench.make("openevse_lock", LOCK)
        async with running(lock):
            lost = await said.until(DeviceLost)
            assert isinstance(lost, DeviceLost)
            assert lost.reason == f"{bench.part.device}: refused G5"
