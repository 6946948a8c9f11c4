"""Bender isoCHA425HV: its registers, its self test, and when a value counts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from struct import pack, unpack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.bus.rtu import RtuBus
from hal.drivers.isocha import IsoCha425
from hal.events import (
    DeviceFound,
    DeviceLost,
    HardwareFaulted,
    HardwareHealed,
    HardwareWarned,
    InsulationMeasured,
    InsulationTested,
)
from hal.ports import Place
from hal.wire.isocha import OHM, VOLT, Value, read_name, read_value
from tests.emulators.isocha import EmulatedIsoCha
from tests.hal.rig import Heard, eventually, running

PLACE = Place("evse[0].insulation", 1)

pytestmark = pytest.mark.usefixtures("quick_hotplug")


@asynccontextmanager
async def rig(speed: float = 10.0) -> AsyncIterator[tuple[IsoCha425, EmulatedIsoCha, Heard]]:
    async with EmulatedIsoCha(speed=speed) as part:
        heard = Heard()
        bus = RtuBus(RtuBus.Config(device=part.device, timeout_s=0.25, retries=0))
        driver = IsoCha425(IsoCha425.Config(poll_s=0.1), PLACE, bus, heard)
        async with running(driver):
            yield driver, part, heard


async def test_what_is_measured_is_told_when_it_changes() -> None:
    async with rig() as (_, part, heard):
        await heard.until(InsulationMeasured(1, 1_000_000.0))
        part.earth_fault()
        await heard.until(InsulationMeasured(1, 20_000.0))
        part.mend()
        await heard.until(InsulationMeasured(1, 1_000_000.0))
        assert heard.of(DeviceFound) == [DeviceFound(1, PLACE.part, "Bender isoCHA425HV unit 3")]


async def test_response_values_are_written_when_they_differ() -> None:
    async with rig() as (_, part, heard):
        await heard.until(InsulationMeasured)
        assert part.settings == {3005: 250, 3007: 100}


async def test_a_self_test_that_passes_is_told_and_no_value_counts_meanwhile() -> None:
    async with rig() as (driver, part, heard):
        await heard.until(InsulationMeasured(1, 1_000_000.0))
        driver.self_test()
        await heard.until(InsulationMeasured(1, None))
        await heard.until(InsulationTested(1, True))
        await heard.until(InsulationMeasured(1, 1_000_000.0))
        assert part.tests == 1


async def test_a_device_that_is_broken_fails_its_test_and_is_a_fault() -> None:
    async with rig() as (driver, part, heard):
        await heard.until(InsulationMeasured(1, 1_000_000.0))
        part.break_down()
        fault = await heard.until(HardwareFaulted)
        assert isinstance(fault, HardwareFaulted)
        assert (fault.code, fault.vendor_code) == ("GroundFailure", "IMD")
        driver.self_test()
        await heard.until(InsulationTested(1, False))
        assert HardwareWarned(1, PLACE.part, "the self test of the insulation monitor failed") in heard.events
        part.repair()
        await heard.until(HardwareHealed(1, "GroundFailure"))
        await heard.until(InsulationMeasured(1, 1_000_000.0))


async def test_a_monitor_that_is_lost_has_measured_nothing() -> None:
    async with rig() as (_, part, heard):
        await heard.until(InsulationMeasured(1, 1_000_000.0))
        part.mute()
        await heard.until(InsulationMeasured(1, None))
        await heard.until(DeviceLost)
        part.unmute()
        await heard.until(InsulationMeasured(1, 1_000_000.0))


async def test_a_value_that_is_no_number_is_complained_about_once() -> None:
    async with rig() as (_, part, heard):
        await heard.until(InsulationMeasured(1, 1_000_000.0))
        part.spoilt = {1000: pack(">f", float("nan"))}
        await heard.until(InsulationMeasured(1, None))
        seen = len(part.requests)
        await eventually(lambda: len(part.requests) > seen + 3)
        assert len(heard.of(HardwareWarned)) == 1


def words(number: float, high: int = 0, low: int = OHM, channel: int = 71) -> list[int]:
    return [*unpack(">HH", pack(">f", number)), high << 8 | low, channel]


def test_a_value_has_its_flags() -> None:
    assert read_value(words(250_000.0)) == Value(250_000.0, True, False, False, OHM, 71)
    assert read_value(words(250_000.0, high=0x82, low=0xC2)) == Value(250_000.0, False, True, True, OHM, 71)


@pytest.mark.parametrize(
    ("high", "low", "usable"),
    [
        (0x00, OHM, True),
        (0x00, 0x80 | OHM, True),  # at least so much
        (0x00, 0x40 | OHM, False),  # less than that
        (0x00, 0xC0 | OHM, False),
        (0x40, OHM, False),
        (0x80, OHM, False),
        (0x02, OHM, False),
        (0x00, VOLT, False),
    ],
)
def test_only_a_value_that_is_sure_counts(high: int, low: int, usable: bool) -> None:
    value = read_value(words(250_000.0, high, low))
    assert value is not None
    assert value.usable is usable


def test_a_name_is_text_whatever_fills_it_up() -> None:
    assert read_name([0x6973, 0x6F43, 0x4841, 0x0000, 0x2020]) == "isoCHA"


@given(st.lists(st.integers(0, 0xFFFF), max_size=12))
def test_no_words_break_the_reader(each: list[int]) -> None:
    read_value(each)
    read_name(each)
