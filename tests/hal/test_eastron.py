"""The Eastron driver against pymodbus' server with the meter's register map, over a pseudo-terminal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from struct import pack
from typing import Any

import pytest

from hal.bus.rtu import RtuBus
from hal.drivers.eastron import Sdm630
from hal.events import DeviceFound, DeviceLost, HardwareWarned, MeterSampled
from hal.ports import EnergyMeter, Place
from hal.registry import make_driver
from tests.emulators.eastron import EmulatedSdm630
from tests.emulators.load import Load
from tests.emulators.pty import BYTE_BY_BYTE, QUIET, Noise
from tests.hal.rig import Heard, eventually, running

PLACE = Place("evse[0].meter", 1)
TIMEOUT_S = 0.25

pytestmark = pytest.mark.usefixtures("quick_hotplug")


@asynccontextmanager
async def rig(
    noise: Noise = QUIET, load: Load | None = None, place: Place = PLACE, **options: Any
) -> AsyncIterator[tuple[Sdm630, EmulatedSdm630, Heard]]:
    async with EmulatedSdm630(load, noise) as part:
        heard = Heard()
        bus = RtuBus(RtuBus.Config(device=part.device, timeout_s=TIMEOUT_S, retries=1))
        driver = make_driver("eastron_sdm630", options, place, bus, heard)
        assert isinstance(driver, Sdm630)
        async with running(driver):
            yield driver, part, heard


@pytest.mark.parametrize("noise", [QUIET, BYTE_BY_BYTE])
async def test_a_reading_has_the_units_of_the_event(noise: Noise) -> None:
    load = Load(start_wh=1_234_000, clock=lambda: 0.0)
    load.current_a = 10.0
    async with rig(noise, load) as (_, _, heard):
        sample = await heard.until(MeterSampled)
        assert sample == MeterSampled(
            evse=1,
            import_wh=1_234_000.0,
            export_wh=0.0,
            power_w=6900.0,
            power_phase_w=(2300.0, 2300.0, 2300.0),
            voltage_v=(230.0, 230.0, 230.0),
            current_a=(10.0, 10.0, 10.0),
            frequency_hz=50.0,
        )


async def test_an_evse_on_one_phase_has_one_value_a_quantity() -> None:
    async with rig(place=Place("evse[0].meter", 1, phases=1), load=Load(phases=1)) as (_, _, heard):
        sample = await heard.until(MeterSampled)
        assert isinstance(sample, MeterSampled)
        assert (sample.voltage_v, sample.current_a) == ((230.0,), (0.0,))


async def test_the_energy_that_flowed_is_the_difference_of_two_readings() -> None:
    now = [0.0]
    load = Load(speed=60, clock=lambda: now[0])
    load.current_a = 16.0
    async with rig(load=load) as (driver, _, heard):
        before = await heard.until(MeterSampled)
        now[0] = 60.0
        driver.sample_every(60)
        after = await heard.until(MeterSampled)
        assert isinstance(before, MeterSampled)
        assert isinstance(after, MeterSampled)
        assert (after.import_wh or 0) - (before.import_wh or 0) == pytest.approx(11_040, abs=1)  # 11.04 kW for 1 h


async def test_it_is_read_once_at_the_start_and_then_only_when_asked() -> None:
    async with rig(fastest_s=0.1) as (driver, part, heard):
        await heard.until(MeterSampled)
        driver.sample_every(3600)
        await heard.until(MeterSampled)
        driver.sample_every(0.1)
        for _ in range(4):
            await heard.until(MeterSampled)
        driver.sample_every(3600)
        await heard.until(MeterSampled)
        assert len(part.requests) == len(heard.of(MeterSampled))
        assert set(part.requests) == {(0, 76)}


async def test_a_reading_that_is_asked_for_comes_at_once() -> None:
    async with rig() as (driver, _, heard):
        await heard.until(MeterSampled)
        for _ in range(5):
            driver.sample_every(3600)
            await asyncio.wait_for(heard.until(MeterSampled), 2)


async def test_a_pace_faster_than_the_options_allow_is_slowed_down() -> None:
    async with rig(fastest_s=3600) as (driver, part, heard):
        await heard.until(MeterSampled)
        driver.sample_every(0.001)
        await heard.until(MeterSampled)
        assert driver._pause_s() == pytest.approx(3600, abs=30)
        assert len(part.requests) == 2


async def test_a_meter_that_is_silent_is_lost_after_some_misses_and_found_when_back() -> None:
    async with rig(fastest_s=0.1, misses=3) as (driver, part, heard):
        driver.sample_every(0.1)
        await heard.until(MeterSampled)
        part.mute()
        warned = await heard.until(HardwareWarned)
        assert warned == HardwareWarned(1, PLACE.part, f"no reading: {part.device} unit 1: silent")
        await heard.until(DeviceLost(1, PLACE.part, f"{part.device} unit 1: silent"))
        assert driver.counters["misses"] == 3
        await eventually(lambda: driver.counters["misses"] >= 5)
        part.unmute()
        await heard.until(DeviceFound(1, PLACE.part, "Eastron SDM630 unit 1"))
        await heard.until(MeterSampled)
        assert len(heard.of(DeviceLost)) == 1
        assert len(heard.of(HardwareWarned)) == 1


async def test_one_miss_is_no_loss() -> None:
    async with rig(fastest_s=0.1, misses=3) as (driver, part, heard):
        driver.sample_every(0.1)
        await heard.until(MeterSampled)
        part.mute()
        await eventually(lambda: driver.counters["misses"] == 1)
        part.unmute()
        await heard.until(MeterSampled)
        assert not heard.of(DeviceLost)


async def test_a_line_that_goes_is_a_loss_at_once_and_reading_goes_on_when_it_is_back() -> None:
    async with rig(fastest_s=0.1, misses=100) as (driver, part, heard):
        driver.sample_every(0.1)
        await heard.until(MeterSampled)
        await part.take_away()
        await heard.until(DeviceLost)
        await part.bring_back()
        await heard.until(DeviceFound)
        await heard.until(MeterSampled)
        await heard.until(MeterSampled)
        assert len(heard.of(DeviceLost)) == 1


async def test_a_part_that_refuses_is_lost_with_the_reason() -> None:
    async with rig(misses=1) as (driver, part, heard):
        await heard.until(MeterSampled)
        part.refuses = True
        driver.sample_every(1)
        lost = await heard.until(DeviceLost)
        assert isinstance(lost, DeviceLost)
        assert lost.reason.endswith("refused read_input_registers at 0, exception code 1")


async def test_a_value_that_is_no_number_is_no_reading() -> None:
    async with rig(misses=1) as (driver, part, heard):
        await heard.until(MeterSampled)
        part.spoilt[72] = pack(">f", float("nan"))
        driver.sample_every(1)
        lost = await heard.until(DeviceLost)
        assert lost == DeviceLost(1, PLACE.part, "import_wh at 72 is nan")
        assert driver.counters["senseless"] == 1
        assert len(heard.of(MeterSampled)) == 1


async def test_several_meters_share_a_line_and_one_that_is_dead_does_not_silence_the_others() -> None:
    async with AsyncExitStack() as stack:
        first = EmulatedSdm630(Load(start_wh=1000), unit=1)
        others = [EmulatedSdm630(Load(start_wh=1000 * unit), unit=unit) for unit in (2, 3)]
        for other in others:
            first.share_line(other)
        others[0].mute()
        device = (await stack.enter_async_context(first)).device
        bus = RtuBus(RtuBus.Config(device=device, timeout_s=TIMEOUT_S, retries=0))
        heards = {unit: Heard() for unit in (1, 2, 3)}
        for unit, heard in heards.items():
            config = Sdm630.Config(unit=unit, fastest_s=0.1, misses=2)
            driver = Sdm630(config, Place(f"evse[{unit - 1}].meter", unit), bus, heard)
            driver.sample_every(0.1)
            await stack.enter_async_context(running(driver))
        await heards[2].until(DeviceLost)
        for unit in (1, 3):
            sample = await heards[unit].until(MeterSampled)
            assert isinstance(sample, MeterSampled)
            assert (sample.evse, sample.import_wh) == (unit, 1000 * unit)
            await heards[unit].until(MeterSampled)
            assert not heards[unit].of(DeviceLost)


def test_it_is_an_energy_meter() -> None:
    driver = Sdm630(Sdm630.Config(), PLACE, RtuBus(RtuBus.Config(device="/dev/null")), print)
    assert isinstance(driver, EnergyMeter)
