"""Parts on GPIO lines, over a played chip: the right line, at the right time, and what is said of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from hal.bus.gpio import GpioBus, Pin, _settings
from hal.errors import BadOptions, BusLost
from hal.events import (
    DeviceFound,
    DeviceLost,
    HardwareFaulted,
    HardwareHealed,
    HardwareWarned,
    LockMoved,
    ResidualCurrentTested,
)
from hal.ports import ConnectorLock, Place, ResidualCurrentMonitor, SafetyInput
from hal.registry import make_bus, make_driver
from tests.emulators.gpio import (
    EmulatedChip,
    EmulatedGpioContactor,
    EmulatedGpioLock,
    EmulatedGpioRcd,
    EmulatedGpioSafety,
)
from tests.hal.rig import Heard, eventually, running

PLACE = Place("evse[0].part", 1, connector=2)

pytestmark = pytest.mark.usefixtures("quick_hotplug")


class Desk:
    """A part, its driver that runs, and what that says."""

    def __init__(self, name: str, part: EmulatedChip, options: dict[str, Any]) -> None:
        self.part: Any = part
        self.heard = Heard()
        self.bus = make_bus("gpio", {"device": part.device}, "bus.gpio")
        self.driver: Any = make_driver(name, options, PLACE, self.bus, self.heard)


@asynccontextmanager
async def desk(name: str, part: EmulatedChip, **options: Any) -> AsyncIterator[Desk]:
    async with part:
        made = Desk(name, part, options)
        async with running(made.driver):
            await made.heard.until(DeviceFound)
            yield made


QUICK_LOCK: dict[str, Any] = {"pulse_s": 0.1, "settle_s": 0.05, "pause_s": 0.02}


# ---- the lock ----


async def test_a_lock_moves_and_says_so() -> None:
    async with desk("gpio_lock", EmulatedGpioLock(speed=20), **QUICK_LOCK) as bench:
        assert isinstance(bench.driver, ConnectorLock)
        await bench.heard.until(LockMoved(1, "unlocked", 2))
        bench.driver.lock()
        await bench.heard.until(LockMoved(1, "moving", 2))
        await bench.heard.until(LockMoved(1, "locked", 2))
        assert bench.part.pulses == ["LOCK_CLOSE"]
        assert not bench.part.levels["LOCK_CLOSE"]
        bench.driver.unlock()
        await bench.heard.until(LockMoved(1, "unlocked", 2))
        assert bench.part.pulses == ["LOCK_CLOSE", "LOCK_OPEN"]


async def test_a_lock_that_is_there_already_is_not_driven_and_answers() -> None:
    async with desk("gpio_lock", EmulatedGpioLock(speed=20), **QUICK_LOCK) as bench:
        bench.driver.unlock()
        await bench.heard.until(LockMoved(1, "unlocked", 2))
        bench.driver.unlock()
        await bench.heard.until(LockMoved(1, "unlocked", 2))
        assert bench.part.pulses == []


async def test_a_bolt_that_does_not_move_is_tried_three_times_and_is_a_fault_until_it_does() -> None:
    async with desk("gpio_lock", EmulatedGpioLock(speed=20), **QUICK_LOCK) as bench:
        bench.part.block()
        bench.driver.lock()
        fault = await bench.heard.until(HardwareFaulted)
        assert fault == HardwareFaulted(
            1, "ConnectorLockFailure", 2, "", "the bolt is unlocked after 3 tries, it should be locked"
        )
        assert bench.part.pulses == ["LOCK_CLOSE"] * 3
        await bench.heard.until(LockMoved(1, "unlocked", 2))
        bench.part.free()
        bench.driver.lock()
        await bench.heard.until(HardwareHealed(1, "ConnectorLockFailure", 2))
        await bench.heard.until(LockMoved(1, "locked", 2))


async def test_a_bolt_that_is_forced_open_is_told_and_not_driven() -> None:
    async with desk("gpio_lock", EmulatedGpioLock(speed=20), **QUICK_LOCK) as bench:
        bench.driver.lock()
        await bench.heard.until(LockMoved(1, "locked", 2))
        bench.part.set("LOCK_CLOSED", False)
        await bench.heard.until(LockMoved(1, "unlocked", 2))
        assert bench.part.pulses == ["LOCK_CLOSE"]


async def test_without_feedback_it_is_driven_once_and_its_position_is_unknown() -> None:
    async with desk("gpio_lock", EmulatedGpioLock(speed=20), feedback="none", **QUICK_LOCK) as bench:
        bench.driver.lock()
        await bench.heard.until(LockMoved(1, "moving", 2))
        await bench.heard.until(LockMoved(1, "unknown", 2))
        assert bench.part.pulses == ["LOCK_CLOSE"]
        assert not bench.heard.of(HardwareFaulted)


async def test_ends_that_contradict_each_other_are_unknown_and_a_fault_after_a_command() -> None:
    async with desk("gpio_lock", EmulatedGpioLock(speed=20), feedback="both", **QUICK_LOCK) as bench:
        await bench.heard.until(LockMoved(1, "unlocked", 2))
        bench.part.block()
        bench.part.set("LOCK_CLOSED", True)
        await bench.heard.until(LockMoved(1, "unknown", 2))
        bench.driver.lock()
        await bench.heard.until(HardwareFaulted)


async def test_the_last_wish_counts_and_both_directions_are_never_driven_at_once() -> None:
    async with desk("gpio_lock", EmulatedGpioLock(speed=20), **QUICK_LOCK) as bench:
        bench.driver.lock()
        await bench.heard.until(LockMoved(1, "moving", 2))
        for _ in range(5):
            bench.driver.unlock()
            bench.driver.lock()
        bench.driver.unlock()
        await eventually(lambda: "LOCK_OPEN" in bench.part.pulses and not bench.part.locked)
        assert not bench.part.burnt


async def test_the_motor_is_let_go_when_the_driver_ends_in_the_middle_of_a_pulse() -> None:
    async with EmulatedGpioLock(speed=0.1) as part:
        made = Desk("gpio_lock", part, {"pulse_s": 2.0})
        async with running(made.driver):
            made.driver.lock()
            await eventually(lambda: part.levels.get("LOCK_CLOSE", False))
        await eventually(lambda: not part.levels["LOCK_CLOSE"])


# ---- the residual current monitor ----


async def test_a_self_test_trips_it_and_brings_it_back() -> None:
    async with desk("gpio_rcd", EmulatedGpioRcd(speed=20), reset_s=0.05) as bench:
        assert isinstance(bench.driver, ResidualCurrentMonitor)
        bench.driver.self_test()
        await bench.heard.until(ResidualCurrentTested(1, True))
        assert bench.part.resets == 1
        assert not bench.part.levels["RCD_TRIPPED"]
        assert not bench.heard.of(HardwareFaulted)


@pytest.mark.parametrize(
    ("broken", "complaint"),
    [
        ("deaf", "the test current did not trip it within 0.1 s"),
        ("sticks", "it stays tripped after the test"),
        ("leaks", "it has tripped before the test"),
    ],
)
async def test_a_self_test_that_fails_is_a_fault_until_one_is_passed(broken: str, complaint: str) -> None:
    async with desk("gpio_rcd", EmulatedGpioRcd(speed=20), trip_s=0.1, reset_s=0.05) as bench:
        setattr(bench.part, broken, True)
        if broken == "leaks":
            bench.part.trip()
            await bench.heard.until(HardwareFaulted)
        bench.driver.self_test()
        await bench.heard.until(ResidualCurrentTested(1, False, complaint))
        await bench.heard.until(
            HardwareFaulted(1, "InternalError", None, "SelfTest", f"residual current monitor: {complaint}")
        )
        setattr(bench.part, broken, False)
        bench.driver.reset()
        await eventually(lambda: not bench.part.levels["RCD_TRIPPED"])
        bench.driver.self_test()
        await bench.heard.until(HardwareHealed(1, "InternalError"))


async def test_a_trip_stays_until_it_is_reset_without_a_residual_current() -> None:
    async with desk("gpio_rcd", EmulatedGpioRcd(speed=20), reset_s=0.05) as bench:
        bench.part.trip()
        await bench.heard.until(
            HardwareFaulted(1, "GroundFailure", None, "RCD", "the residual current monitor has tripped")
        )
        bench.driver.reset()
        await eventually(lambda: bench.part.resets == 1)
        assert not bench.heard.of(HardwareHealed)
        bench.part.heal()
        bench.driver.reset()
        await bench.heard.until(HardwareHealed(1, "GroundFailure"))


# ---- the switches ----

SWITCHES = [
    {"kind": "emergency_stop", "line": "ESTOP"},
    {"kind": "emergency_stop", "line": "ESTOP2"},
    {"kind": "door", "line": "DOOR"},
    {"kind": "tilt", "line": "TILT"},
    {"kind": "water", "line": 17, "report": "warning"},
]


@pytest.mark.parametrize(("line", "code"), [("ESTOP", "EmergencyStop"), ("DOOR", "DoorOpen"), ("TILT", "TiltDetected")])
async def test_a_switch_is_a_fault_with_its_code_while_it_is_active(line: str, code: str) -> None:
    async with desk("gpio_safety", EmulatedGpioSafety(), inputs=SWITCHES) as bench:
        assert isinstance(bench.driver, SafetyInput)
        bench.part.trip(line)
        fault = await bench.heard.until(HardwareFaulted)
        assert isinstance(fault, HardwareFaulted)
        assert fault.code == code
        bench.part.heal(line)
        healed = await bench.heard.until(HardwareHealed)
        assert isinstance(healed, HardwareHealed)
        assert healed.code == code


async def test_two_of_a_kind_are_one_fault_that_is_gone_when_both_are() -> None:
    async with desk("gpio_safety", EmulatedGpioSafety(), inputs=SWITCHES) as bench:
        bench.part.trip("ESTOP")
        bench.part.trip("ESTOP2")
        await bench.heard.until(HardwareFaulted)
        bench.part.heal("ESTOP")
        bench.part.trip("DOOR")
        await bench.heard.until(lambda event: isinstance(event, HardwareFaulted) and event.code == "DoorOpen")
        assert not bench.heard.of(HardwareHealed)
        bench.part.heal("ESTOP2")
        await bench.heard.until(HardwareHealed(1, "EmergencyStop"))


async def test_what_shall_only_be_warned_of_takes_no_power() -> None:
    async with desk("gpio_safety", EmulatedGpioSafety(), inputs=SWITCHES) as bench:
        bench.part.trip("17")
        warned = await bench.heard.until(HardwareWarned)
        assert warned == HardwareWarned(1, "evse[0].part", "there is water inside (line 17)")
        assert not bench.heard.of(HardwareFaulted)


async def test_one_that_is_pressed_at_power_on_is_told_at_once() -> None:
    part = EmulatedGpioSafety()
    part.levels["ESTOP"] = True
    async with desk("gpio_safety", part) as bench:
        await bench.heard.until(HardwareFaulted)


# ---- the contact of a contactor ----


async def test_a_contactor_that_follows_its_coil_says_nothing() -> None:
    async with desk("gpio_contactor_feedback", EmulatedGpioContactor(), settle_s=0.05) as bench:
        for closed in (True, False, True, False):
            bench.part.switch(closed)
            await asyncio.sleep(0)
        await eventually(lambda: not bench.part.levels["CONTACTOR_CLOSED"])
        assert not bench.heard.of(HardwareFaulted)


async def test_a_welded_contact_is_a_fault_that_does_not_heal_by_itself() -> None:
    async with desk("gpio_contactor_feedback", EmulatedGpioContactor(), settle_s=0.05) as bench:
        bench.part.switch(True)
        bench.part.switch(False, welded=True)
        fault = await bench.heard.until(HardwareFaulted)
        assert fault == HardwareFaulted(1, "WeldedContactor", None, "", "closed without voltage on its coil")
        bench.part.switch(True)
        bench.part.switch(False)
        bench.part.trip()
        await bench.heard.until(lambda event: isinstance(event, HardwareFaulted) and event.code == "PowerSwitchFailure")
        bench.part.switch(False)
        await bench.heard.until(HardwareHealed(1, "PowerSwitchFailure"))
        assert HardwareHealed(1, "WeldedContactor") not in bench.heard.events


# ---- the chip ----


async def test_several_parts_share_a_chip_and_none_takes_the_line_of_another() -> None:
    async with EmulatedGpioSafety() as part:
        first, second = Desk("gpio_safety", part, {}), Desk("gpio_safety", part, {})
        door = Desk("gpio_safety", part, {"inputs": [{"kind": "door", "line": "DOOR"}]})
        async with running(first.driver):
            await first.heard.until(DeviceFound)
            async with running(door.driver):
                await door.heard.until(DeviceFound)
            async with running(second.driver):
                part.trip()
                await first.heard.until(HardwareFaulted)
                assert not second.heard.of(HardwareFaulted)


async def test_a_switch_that_is_lost_is_said_and_what_it_shows_when_it_is_back() -> None:
    async with desk("gpio_safety", EmulatedGpioSafety()) as bench:
        await bench.part.take_away()
        lost = await bench.heard.until(DeviceLost)
        assert lost == DeviceLost(1, "evse[0].part", f"{bench.part.device}: gone")
        bench.part.trip()
        await bench.part.bring_back()
        await bench.heard.until(DeviceFound)
        await bench.heard.until(HardwareFaulted)


async def test_what_is_no_chip_and_what_is_not_there_is_said_in_one_line(tmp_path: Path) -> None:
    nothing, file = tmp_path / "gpiochip7", tmp_path / "file"
    file.write_text("no chip")
    for path, words in ((nothing, "No such file or directory"), (file, "")):
        with pytest.raises(BusLost, match=rf"^{path}: .*{words}"):
            await GpioBus(GpioBus.Config(device=str(path))).take({"in": Pin(1)}, ())


def test_what_libgpiod_is_asked_for_is_what_the_pin_says() -> None:
    gpiod = pytest.importorskip("gpiod", exc_type=ImportError)
    config = GpioBus.Config(debounce_ms=20)
    made = _settings(gpiod, config, Pin("DOOR", active_low=True, bias="pull_up"), False)
    line = gpiod.line
    assert (made.direction, made.edge_detection) == (line.Direction.INPUT, line.Edge.BOTH)
    assert (made.active_low, made.bias, made.debounce_period.total_seconds()) == (True, line.Bias.PULL_UP, 0.02)
    made = _settings(gpiod, config, Pin(4), True)
    assert (made.direction, made.output_value) == (line.Direction.OUTPUT, line.Value.INACTIVE)
    polled = _settings(gpiod, GpioBus.Config(edges=False), Pin(4), False)
    assert (polled.edge_detection, polled.debounce_period.total_seconds()) == (line.Edge.NONE, 0)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"inputs": []}, "length >= 1"),
        ({"inputs": [{"kind": "fire"}]}, "Invalid enum value 'fire'"),
        ({"inputs": [{"line": -1}]}, ">= 0"),
        ({"inputs": [{"line": "DOOR", "color": 1}]}, "unknown field `color`"),
    ],
)
def test_a_pin_that_makes_no_sense_is_refused_with_its_place(options: dict[str, Any], words: str) -> None:
    bus = make_bus("gpio", {}, "bus.gpio")
    with pytest.raises(BadOptions, match=rf"^evse\[0\]\.part: .*{words}"):
        make_driver("gpio_safety", options, PLACE, bus, print)
