"""The driver of SimpleEVSE and EVSE-WB-DIN against its registers on pymodbus' server, over a pseudo-terminal."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from hal.bus.rtu import RtuBus
from hal.drivers.simpleevse import SimpleEvse
from hal.events import CpState, DeviceFound, DeviceLost, HardwareWarned, PilotChanged
from hal.ports import PilotController, PilotIntent, Place
from hal.registry import make_driver
from tests.emulators.pty import BYTE_BY_BYTE, QUIET, Noise
from tests.emulators.simpleevse import HUNDREDTHS, EmulatedSimpleEvse
from tests.hal.rig import Heard, eventually, running

A, B, C, D = CpState.A, CpState.B, CpState.C, CpState.D
PLACE = Place("evse[0].pilot", 1, limit_a=16)

pytestmark = pytest.mark.usefixtures("quick_hotplug")


@asynccontextmanager
async def rig(
    part: EmulatedSimpleEvse | None = None, noise: Noise = QUIET, **options: Any
) -> AsyncIterator[tuple[SimpleEvse, EmulatedSimpleEvse, Heard]]:
    async with part or EmulatedSimpleEvse(noise=noise, speed=20) as emulated:
        heard = Heard()
        bus = RtuBus(RtuBus.Config(device=emulated.device, timeout_s=0.25, retries=1))
        driver = make_driver("simpleevse", {"poll_s": 0.1} | options, PLACE, bus, heard)
        assert isinstance(driver, SimpleEvse)
        async with running(driver):
            yield driver, emulated, heard


@pytest.mark.parametrize("noise", [QUIET, BYTE_BY_BYTE])
async def test_a_session_from_plug_to_unplug(noise: Noise) -> None:
    async with rig(noise=noise) as (driver, part, heard):
        await heard.until(PilotChanged(1, A, pwm=False))
        part.plug_in(10)
        await heard.until(PilotChanged(1, B, pwm=False))
        driver.apply(PilotIntent(limit_a=13, permit_power=True))
        await heard.until(PilotChanged(1, C, pwm=True))
        await eventually(lambda: part.load.current_a == 10)
        driver.apply(PilotIntent())
        await heard.until(PilotChanged(1, B, pwm=False))
        assert part.current == 0
        part.unplug()
        await heard.until(PilotChanged(1, A, pwm=False))


@pytest.mark.parametrize(
    ("firmware", "config", "wanted_a", "register"),
    [(16, 0, 12.7, 12), (17, 0, 12.7, 1270), (18, HUNDREDTHS | 1, 12.7, 1270), (18, 0, 63, 1600), (10, 0, 63, 16)],
)
async def test_the_current_counts_in_what_the_firmware_knows(
    firmware: int, config: int, wanted_a: float, register: int
) -> None:
    part = EmulatedSimpleEvse(speed=20, firmware=firmware, config=config)
    async with rig(part) as (driver, _, _heard):
        driver.apply(PilotIntent(limit_a=wanted_a, permit_power=True))
        await eventually(lambda: part.current == register)
        assert part.config & 1 == config & 1


async def test_hundredths_can_be_left_alone() -> None:
    part = EmulatedSimpleEvse(speed=20, firmware=18)
    async with rig(part, hundredths=False) as (driver, _, _heard):
        driver.apply(PilotIntent(limit_a=12.7, permit_power=True))
        await eventually(lambda: part.current == 12)
        assert part.config_writes == 0


async def test_the_unit_is_switched_once_and_with_nothing_on_offer() -> None:
    part = EmulatedSimpleEvse(speed=20, firmware=18)
    for _ in range(2):
        async with rig(part) as (_, _, heard):
            await heard.until(PilotChanged)
    assert part.config_writes == 1
    assert part.written[0] == (1000, 0)


@pytest.mark.parametrize(
    "intent",
    [
        PilotIntent(),
        PilotIntent(limit_a=16),
        PilotIntent(limit_a=5.99, permit_power=True),
        PilotIntent(available=False, limit_a=16, permit_power=True),
        PilotIntent(permit_power=True),
    ],
)
async def test_what_is_no_power_is_zero_amps(intent: PilotIntent) -> None:
    async with rig() as (driver, part, _):
        driver.apply(PilotIntent(limit_a=10, permit_power=True))
        await eventually(lambda: part.offers_a == 10)
        driver.apply(intent)
        await eventually(lambda: part.current == 0)


async def test_a_restarted_controller_that_charges_by_itself_is_set_right() -> None:
    async with rig() as (_, part, heard):
        await heard.until(PilotChanged)
        part.power_cycle()
        assert part.offers_a == 16
        await eventually(lambda: part.offers_a is None)
        await heard.until(HardwareWarned)


async def test_it_goes_on_when_the_host_is_gone_and_not_after_a_clean_end() -> None:
    part = EmulatedSimpleEvse(speed=20)
    async with part:
        heard = Heard()
        bus = RtuBus(RtuBus.Config(device=part.device, timeout_s=0.25, retries=1))
        driver = SimpleEvse(SimpleEvse.Config(poll_s=0.1), PLACE, bus, heard)
        assert driver.traits.on_host_loss == "continues"
        async with running(driver):
            part.plug_in(10)
            driver.apply(PilotIntent(limit_a=13, permit_power=True))
            await heard.until(PilotChanged(1, C, pwm=True))
            await part.take_away()
            await heard.until(DeviceLost)
            assert part.powered
            await part.bring_back()
            await heard.until(DeviceFound)
            await heard.until(PilotChanged(1, C, pwm=True))
        assert part.current == 0


async def test_a_state_that_is_none_is_a_miss() -> None:
    async with rig(misses=2) as (_, part, heard):
        await heard.until(PilotChanged)
        part.state = 9
        lost = await heard.until(DeviceLost)
        assert lost == DeviceLost(1, PLACE.part, "register 1002 says 9, which is no vehicle status")
        part.state = 4
        await heard.until(PilotChanged(1, D, pwm=False))


def test_it_is_a_pilot_controller_that_promises_little() -> None:
    bus = RtuBus(RtuBus.Config(device="/dev/null"))
    driver = SimpleEvse(SimpleEvse.Config(), PLACE, bus, print)
    assert isinstance(driver, PilotController)
    assert (driver.traits.relay_feedback, driver.traits.shows_state_f) == (False, False)
