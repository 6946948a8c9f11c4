"""InfyPower modules: shared current, keep-alive, modules that are lost and faulted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from hal.bus.can import CanBus
from hal.drivers.infypower import InfyPower
from hal.drivers.infypower_modules import Fleet
from hal.events import DcCapability, DcOutput, DeviceFound, HardwareFaulted, HardwareHealed, HardwareWarned
from hal.ports import DcWish, Place
from hal.wire.infypower import Condition, Measured, Rating
from tests.emulators.infypower import EmulatedInfyPower
from tests.hal.rig import Heard, eventually, running

PLACE = Place("evse[0].supply", 1)
RATING = {"max_v": 1000.0, "min_v": 200.0, "max_a": 50.0, "max_w": 20_000.0}


class Rig:
    def __init__(self, part: EmulatedInfyPower, modules: int) -> None:
        self.part, self.heard = part, Heard()
        bus = CanBus(CanBus.Config(device=part.device, bitrate=125_000))
        config = InfyPower.Config(modules=modules, gap_s=0.01, poll_s=0.1)
        self.driver = InfyPower(config, PLACE, bus, self.heard)


@asynccontextmanager
async def rig(modules: int = 2) -> AsyncIterator[Rig]:
    async with EmulatedInfyPower(modules=modules) as part:
        made = Rig(part, modules)
        async with running(made.driver):
            yield made


def capability(modules: int) -> DcCapability:
    return DcCapability(1, modules, 200.0, 1000.0, modules * 50.0, modules * 20_000.0)


def shares(part: EmulatedInfyPower) -> list[tuple[bool, float, float]]:
    return [(each.on, each.voltage_v, round(each.current_a, 3)) for each in part.modules.values()]


async def test_three_modules_share_the_current_equally() -> None:
    async with rig(3) as bench:
        await bench.heard.until(capability(3))
        bench.driver.supply(DcWish(True, 400, 60))
        await eventually(lambda: shares(bench.part) == [(True, 400, 20)] * 3)
        bench.driver.supply(DcWish(True, 410, 30))
        await eventually(lambda: shares(bench.part) == [(True, 410, 10)] * 3)
        assert bench.part.adapter.bitrate == 125_000


async def test_nothing_is_switched_on_before_it_knows_how_much() -> None:
    async with rig(2) as bench:
        await bench.heard.until(capability(2))
        bench.part.adapter.heard.clear()
        bench.driver.supply(DcWish(True, 400, 60))
        await eventually(lambda: all(on for on, *_ in shares(bench.part)))
        for module in (0, 1):
            said = [id for id, data in bench.part.adapter.heard if id >> 8 & 0xFF == module and data[0] == 0]
            assert said.index(0x029C00F0 | module << 8) < said.index(0x029A00F0 | module << 8)


async def test_off_reaches_all_modules_at_once_whatever_else_waits() -> None:
    async with rig(2) as bench:
        await bench.heard.until(capability(2))
        bench.driver.supply(DcWish(True, 400, 60))
        await eventually(lambda: all(on for on, *_ in shares(bench.part)))
        bench.part.adapter.heard.clear()
        bench.driver.supply(DcWish())
        await eventually(lambda: not any(on for on, *_ in shares(bench.part)))
        assert bench.part.adapter.heard[0] == (0x029A3FF0, bytes((1, 0, 0, 0, 0, 0, 0, 0)))


async def test_what_flows_is_told() -> None:
    async with rig(2) as bench:
        link = bench.part.link
        link.closed, link.wanted_a, link.battery_v = True, 25.0, 380.0
        bench.driver.supply(DcWish(True, 400, 60))
        await bench.heard.until(DcOutput(1, 380.0, 25.0))
        bench.driver.supply(DcWish())
        await bench.heard.until(DcOutput(1, 380.0, 0.0))


async def test_modules_that_hear_nothing_switch_themselves_off() -> None:
    """As ``on_host_loss`` promises."""
    async with EmulatedInfyPower() as part:
        part.switches_off_s = 0.3
        bench = Rig(part, 2)
        async with running(bench.driver):
            await bench.heard.until(capability(2))
            bench.driver.supply(DcWish(True, 400, 60))
            await eventually(lambda: all(on for on, *_ in shares(part)))
            part.adapter.parts.clear()  # every wire of theirs is cut: nothing reaches them any more
        await eventually(lambda: not any(on for on, *_ in shares(part)))
    assert InfyPower.dc_traits.on_host_loss == "stops"


async def test_the_driver_that_ends_switches_off() -> None:
    async with EmulatedInfyPower() as part:
        bench = Rig(part, 2)
        async with running(bench.driver):
            await bench.heard.until(capability(2))
            bench.driver.supply(DcWish(True, 400, 60))
            await eventually(lambda: all(on for on, *_ in shares(part)))
        await eventually(lambda: not any(on for on, *_ in shares(part)))


async def test_a_faulted_module_is_left_out_and_taken_back() -> None:
    async with rig(2) as bench:
        await bench.heard.until(capability(2))
        bench.driver.supply(DcWish(True, 400, 60))
        await eventually(lambda: shares(bench.part) == [(True, 400, 30)] * 2)
        bench.part.fault(1, byte=6, bit=4)
        await bench.heard.until(capability(1))
        assert bench.heard.of(HardwareWarned) == [HardwareWarned(1, PLACE.part, "module 1: over-temperature")]
        await eventually(lambda: shares(bench.part)[0] == (True, 400, 60) and not shares(bench.part)[1][0])
        bench.part.clear_fault(1)
        await bench.heard.until(capability(2))
        await eventually(lambda: shares(bench.part) == [(True, 400, 30)] * 2)
        assert not bench.heard.of(HardwareFaulted)


async def test_with_no_module_left_the_output_has_a_fault() -> None:
    async with rig(2) as bench:
        await bench.heard.until(capability(2))
        bench.part.fault(0, byte=5, bit=3)
        bench.part.fault(1, byte=5, bit=3)
        fault = await bench.heard.until(HardwareFaulted)
        assert isinstance(fault, HardwareFaulted)
        assert (fault.code, fault.vendor_code) == ("UnderVoltage", "phase lost")
        bench.part.clear_fault(0)
        await bench.heard.until(HardwareHealed(1, "UnderVoltage"))


async def test_one_module_that_never_answers_does_not_hold_the_other_up() -> None:
    async with EmulatedInfyPower(modules=2) as part:
        part.lose_module(1)
        bench = Rig(part, 2)
        async with running(bench.driver):
            await bench.heard.until(capability(1))
            await bench.heard.until(DeviceFound)
            bench.driver.supply(DcWish(True, 400, 40))
            await eventually(lambda: shares(part)[0] == (True, 400, 40))


@pytest.mark.parametrize(("silent_s", "active"), [(9.9, [0, 1]), (14.9, [0, 1]), (15.0, [0])])
def test_a_silent_module_keeps_its_share_until_it_has_switched_itself_off(silent_s: float, active: list[int]) -> None:
    fleet = Fleet(range(2), gone_s=15.0)
    fleet.take(Rating(1, 0, **RATING), 100.0)
    fleet.take(Rating(0, 0, **RATING), 100.0 + silent_s)
    assert fleet.active(100.0 + silent_s) == active
    assert fleet.capability(1, 100.0 + silent_s).modules == len(active)


def test_what_was_measured_long_ago_flows_no_more() -> None:
    fleet = Fleet(range(2), gone_s=15.0)
    fleet.take(Measured(0, 0, 400.0, 10.0), 100.0)
    fleet.take(Measured(1, 0, 399.0, 11.0), 102.0)
    assert fleet.output(1, 102.5) == DcOutput(1, 400.0, 21.0)
    assert fleet.output(1, 103.5) == DcOutput(1, 399.0, 11.0)
    assert fleet.output(1, 110.0) is None


def test_modules_of_others_are_not_counted() -> None:
    fleet = Fleet(range(2), gone_s=15.0)
    assert not fleet.take(Condition(7, 0, frozenset()), 100.0)
    assert fleet.present(100.0) == []
