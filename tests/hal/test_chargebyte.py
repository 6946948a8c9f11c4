"""The driver of chargebyte's safety controller against an emulated one with a vehicle, over a pseudo-terminal."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from hal.bus.serial import SerialBus
from hal.drivers.chargebyte import Chargebyte
from hal.drivers.chargebyte_pt1000 import ChargebytePt1000
from hal.drivers.chargebyte_rcm import ChargebyteRcm
from hal.drivers.chargebyte_states import REASONS, Seen, control_for
from hal.errors import BadOptions
from hal.events import (
    CableRated,
    CpState,
    DeviceFound,
    DeviceLost,
    HardwareFaulted,
    HardwareHealed,
    HardwareWarned,
    PilotChanged,
    PowerChanged,
    ResidualCurrentTested,
    TemperatureMeasured,
)
from hal.liveness import FRESH_FOR_S, Liveness
from hal.ports import PilotController, PilotIntent, Place, ResidualCurrentMonitor, Thermometer
from hal.registry import make_bus, make_driver
from hal.wire.chargebyte import CHARGE_CONTROL, READERS, Control
from tests.csms.waiting import PATIENT_S
from tests.emulators.chargebyte import HOST_SILENT, RCM_TRIPPED, EmulatedChargebyte
from tests.emulators.pty import BYTE_BY_BYTE, QUIET, Noise
from tests.hal.rig import Heard, eventually, running

A, B, C, F = CpState.A, CpState.B, CpState.C, CpState.F
POWER_13_A = PilotIntent(limit_a=13, permit_power=True)
PLACE = Place("evse[0].pilot", 1, limit_a=16)
NOISY = Noise(chunk=3, garbage=0.005, loss=0.001)
BRISK_S = 0.6

pytestmark = pytest.mark.usefixtures("quick_hotplug")


class Rig:
    """A driver that runs, its controller, and what it posts."""

    def __init__(self, part: EmulatedChargebyte, place: Place = PLACE, **options: Any) -> None:
        self.part = part
        self.heard = Heard()
        self.bus = SerialBus(SerialBus.Config(device=part.device))
        driver = make_driver("chargebyte", options, place, self.bus, self.heard)
        assert isinstance(driver, Chargebyte)
        self.driver = driver

    async def charging(self) -> None:
        await self.heard.until(PilotChanged(1, A, pwm=False))
        self.part.plug_in(10)
        await self.heard.until(PilotChanged(1, B, pwm=False))
        self.driver.apply(POWER_13_A)
        await self.heard.until(PowerChanged(1, True))


@asynccontextmanager
async def rig(
    noise: Noise = QUIET, part: EmulatedChargebyte | None = None, place: Place = PLACE, **options: Any
) -> AsyncIterator[Rig]:
    async with part or EmulatedChargebyte(noise=noise, speed=20) as emulated:
        made = Rig(emulated, place, **options)
        async with running(made.driver):
            yield made


def warnings(heard: Heard) -> list[str]:
    return [event.text for event in heard.events if isinstance(event, HardwareWarned)]


def controls(part: EmulatedChargebyte) -> list[Control]:
    return [Control.from_word(word) for com, word in part.heard if com == CHARGE_CONTROL]


# ---- the session ----


@pytest.mark.parametrize("noise", [QUIET, BYTE_BY_BYTE, NOISY], ids=["quiet", "byte by byte", "noisy"])
@pytest.mark.parametrize("firmware", [(0, 2, 5), (0, 4, 1)], ids=["two contactors", "three contactors"])
async def test_a_session_from_plug_to_unplug(firmware: tuple[int, int, int], noise: Noise) -> None:
    async with rig(part=EmulatedChargebyte(noise=noise, speed=20, firmware=firmware)) as bench:
        await bench.charging()
        assert bench.part.offers_a == 13
        assert bench.part.load.current_a == 10
        bench.driver.apply(PilotIntent())
        await bench.heard.until(PowerChanged(1, False))
        await eventually(lambda: bench.part.offers_a is None)
        bench.part.unplug()
        await bench.heard.until(lambda event: isinstance(event, PilotChanged) and event.state is A)


async def test_what_it_is_is_asked_before_anything_is_controlled() -> None:
    async with rig() as bench:
        assert await bench.heard.until(DeviceFound) == DeviceFound(1, PLACE.part, "Charge SOM firmware 0.4.1")
        await eventually(lambda: bool(controls(bench.part)))
        assert bench.part.heard[0] == (0xFF, 0x0A << 56)
        assert controls(bench.part)[0] == Control(pwm=True, duty=1000)


async def test_the_controller_that_begins_at_zero_volts_tells_no_state() -> None:
    async with rig() as bench:
        await bench.heard.until(PilotChanged)
        assert bench.heard.of(PilotChanged)[0] == PilotChanged(1, A, pwm=False)


@pytest.mark.parametrize(
    ("intent", "control"),
    [
        (PilotIntent(), Control(True, 1000)),
        (PilotIntent(available=False, limit_a=16, permit_power=True), Control(True, 0)),
        (PilotIntent(limit_a=16), Control(True, 266)),
        (PilotIntent(limit_a=6, permit_power=True), Control(True, 100, frozenset({1, 2}))),
        (PilotIntent(limit_a=5.9, permit_power=True), Control(True, 1000)),
        (PilotIntent(permit_power=True), Control(True, 1000)),
        (PilotIntent(limit_a=80, permit_power=True), Control(True, 533, frozenset({1, 2}))),
    ],
)
def test_what_a_wish_is_on_the_wire(intent: PilotIntent, control: Control) -> None:
    assert control_for(intent, 32, frozenset({1, 2})) == control


def test_a_board_file_with_more_than_a_pilot_can_say_offers_80_a() -> None:
    bus = make_bus("serial", {"device": "/dev/ttyNotHere"}, "bus.safety")
    driver: Any = make_driver("chargebyte", {}, Place("evse[0].pilot", 1, limit_a=200), bus, print)
    assert driver.traits.max_a == 80


async def test_a_wish_is_told_at_once_and_never_more_than_the_board_allows() -> None:
    async with rig() as bench:
        await bench.heard.until(PilotChanged)
        bench.driver.apply(PilotIntent(limit_a=63, permit_power=True))
        await eventually(lambda: bench.part.offers_a == 16)


async def test_unavailable_is_state_f_and_available_again_shows_the_vehicle() -> None:
    async with rig() as bench:
        await bench.heard.until(PilotChanged(1, A, pwm=False))
        bench.driver.apply(PilotIntent(available=False))
        await bench.heard.until(PilotChanged(1, F, pwm=False))
        assert not bench.heard.of(HardwareFaulted)
        bench.part.plug_in(ready_after=None)
        bench.driver.apply(PilotIntent())
        await bench.heard.until(PilotChanged(1, B, pwm=False))


async def test_a_vehicle_gets_time_to_stop_before_the_contactor_opens() -> None:
    async with rig() as bench:
        await bench.charging()
        del bench.part.heard[:]
        bench.driver.apply(PilotIntent())
        await bench.heard.until(PowerChanged(1, False))
        assert controls(bench.part)[0] == Control(True, 1000, frozenset({1}))
        await eventually(lambda: controls(bench.part)[-1] == Control(True, 1000))


async def test_a_vehicle_that_does_not_stop_is_cut_off() -> None:
    async with rig(stop_s=0.2) as bench:
        bench.part.stubborn = True
        await bench.charging()
        bench.driver.apply(PilotIntent())
        await bench.heard.until(PowerChanged(1, False))
        assert bench.part.s2
        assert bench.part.load.current_a == 0


async def test_not_available_opens_at_once() -> None:
    async with rig() as bench:
        bench.part.stubborn = True
        await bench.charging()
        bench.driver.apply(PilotIntent(available=False))
        await bench.heard.until(PowerChanged(1, False))
        await bench.heard.until(PilotChanged(1, F, pwm=False))


async def test_the_cable_tells_what_it_carries() -> None:
    async with rig() as bench:
        await bench.heard.until(CableRated(1, None))
        bench.part.cable_a = 20
        await bench.heard.until(CableRated(1, 20.0))
        bench.part.cable_a = None
        await bench.heard.until(CableRated(1, None))


async def test_every_contactor_that_is_named_is_asked_for() -> None:
    part = EmulatedChargebyte(speed=20)
    part.fitted = 3
    async with rig(part=part, contactors=[1, 3]) as bench:
        await bench.charging()
        assert part.closed == {1, 3}


async def test_a_contactor_that_is_not_configured_is_warned_of() -> None:
    async with rig(contactors=[2]) as bench:
        await bench.heard.until(HardwareWarned)
        assert warnings(bench.heard) == ["contactor 2 is not configured in the controller"]


# ---- the keep-alive ----


async def test_frames_come_every_100_ms_also_while_the_loop_is_busy() -> None:
    async with rig(part=EmulatedChargebyte(speed=20, host_timeout_s=5)) as bench:
        await bench.heard.until(PilotChanged)
        before, began = bench.driver.counters["keepalives"], time.monotonic()
        while bench.driver.counters["keepalives"] < before + 6 and time.monotonic() < began + PATIENT_S:
            time.sleep(0.01)  # noqa: ASYNC251 (the loop is not let in: this is what is tried)
        assert bench.driver.counters["keepalives"] == before + 6
        assert time.monotonic() - began > 0.4


async def test_an_agent_that_hangs_is_a_silent_host_and_the_controller_stops() -> None:
    now = [0.0]
    token = Liveness(lambda: now[0])
    token.feed()
    place = Place("evse[0].pilot", 1, limit_a=16, liveness=token)
    async with rig(part=EmulatedChargebyte(speed=20, host_timeout_s=BRISK_S), place=place) as bench:
        await bench.charging()
        assert bench.driver.traits.on_host_loss == "stops"
        now[0] = FRESH_FOR_S + 0.1
        await bench.heard.until(HardwareFaulted)
        await bench.heard.until(PowerChanged(1, False))
        await bench.heard.until(PilotChanged(1, F, pwm=False))
        assert (bench.part.mode, bench.part.reason) == ("safe", HOST_SILENT)
        assert bench.driver.counters["withheld"] > 0


async def test_without_a_driver_the_controller_stops_as_declared() -> None:
    async with EmulatedChargebyte(speed=20, host_timeout_s=BRISK_S) as part:
        made = Rig(part)
        async with running(made.driver):
            await made.charging()
        await eventually(lambda: controls(part)[-1] == Control(True, 1000))  # its last word
        await eventually(lambda: part.mode == "safe" and not part.powered)
        assert part.reason == HOST_SILENT


def test_it_asks_for_the_token() -> None:
    assert Chargebyte.wants_liveness


# ---- what may go wrong ----


async def test_a_safe_state_is_told_with_its_reason_and_stays_until_the_power_is_cycled() -> None:
    async with rig() as bench:
        await bench.charging()
        bench.part.fault(14)
        fault = await bench.heard.until(HardwareFaulted)
        assert fault == HardwareFaulted(
            1,
            "PilotFailure",
            vendor_code="safe state 14",
            text="safe state: no diode in the vehicle; only switching its power off and on leads out of it: "
            "the board file names no reset line",
        )
        await bench.heard.until(PowerChanged(1, False))
        bench.driver.clear_fault()
        assert warnings(bench.heard)[-1].startswith("cannot be reset: only switching its power off and on")
        bench.part.power_cycle()
        await bench.heard.until(HardwareHealed(1, "PilotFailure"))
        await bench.heard.until(PowerChanged(1, True))  # the wish still stands
        assert not bench.heard.of(DeviceLost)


@pytest.mark.parametrize("reason", [*REASONS, 19, 99])
def test_every_reason_of_the_safe_state_has_a_code(reason: int) -> None:
    word = 1 << 58 | 6 << 40 | reason << 8
    events = list(Seen(1, 1, (1,), "way out").look(READERS["three_contactors"](word)))
    assert isinstance(events[0], HardwareFaulted)
    assert (events[0].code, events[0].vendor_code) == (
        REASONS.get(reason, ("OtherError", ""))[0],
        f"safe state {reason}",
    )
    assert events[-1] == PilotChanged(1, F, pwm=False)


async def test_an_emergency_stop_is_one_and_its_end_is_told() -> None:
    async with rig() as bench:
        await bench.charging()
        bench.part.press_estop(2)
        fault = await bench.heard.until(HardwareFaulted)
        assert isinstance(fault, HardwareFaulted)
        assert (fault.code, fault.vendor_code) == ("EmergencyStop", "safe state 17")
        bench.part.release_estop(2)
        bench.part.power_cycle()
        await bench.heard.until(HardwareHealed(1, "EmergencyStop"))


async def test_a_residual_current_is_a_ground_failure() -> None:
    async with rig() as bench:
        await bench.charging()
        bench.part.fault(RCM_TRIPPED)
        fault = await bench.heard.until(HardwareFaulted)
        assert isinstance(fault, HardwareFaulted)
        assert fault.code == "GroundFailure"


@pytest.mark.parametrize(
    ("word", "codes"),
    [
        (1 << 26, {"PowerSwitchFailure"}),
        (1 << 17, {"EmergencyStop"}),
        (1 << 19, {"GroundFailure"}),
        (1 << 20, {"InternalError"}),
        (1 << 44, {"PilotFailure"}),
        (0, set()),
    ],
)
def test_the_older_layout_tells_faults_by_their_bits(word: int, codes: set[str]) -> None:
    events = Seen(1, 1, (1,), "").look(READERS["two_contactors"](word | 1 << 63 | 1 << 40))
    assert {event.code for event in events if isinstance(event, HardwareFaulted)} == codes


def test_causes_come_before_effects() -> None:
    seen = Seen(1, 1, (1,), "way out")
    read = READERS["three_contactors"]
    on = 1 << 63 | 200 << 48
    list(seen.look(read(on | 2 << 40 | 1 << 24)))
    assert list(seen.look(read(on | 3 << 40 | 2 << 24))) == [PilotChanged(1, C, pwm=True), PowerChanged(1, True)]
    assert [type(event) for event in seen.look(read(1 << 58 | 6 << 40 | 1 << 24 | 20 << 8))] == [
        HardwareFaulted,
        PowerChanged,
        PilotChanged,
    ]


async def test_a_fault_that_is_gone_when_the_device_is_back_is_healed() -> None:
    async with rig() as bench:
        await bench.charging()
        bench.part.fault(7)
        await bench.heard.until(HardwareFaulted)
        await bench.part.take_away()
        await bench.heard.until(DeviceLost)
        bench.part.power_cycle()
        await bench.part.bring_back()
        await bench.heard.until(HardwareHealed(1, "HighTemperature"))


async def test_a_firmware_that_nobody_described_is_never_kept_awake() -> None:
    async with rig(part=EmulatedChargebyte(speed=20, firmware=(3, 0, 1))) as bench:
        lost = await bench.heard.until(DeviceLost)
        text = "Charge SOM firmware 3.0.1: its messages are not known; known firmware: 0.x"
        assert lost == DeviceLost(1, PLACE.part, text)
        await eventually(lambda: sum(com == 0xFF for com, _ in bench.part.heard) >= 3)
        assert controls(bench.part) == []
        assert len(bench.heard.of(DeviceLost)) == 1
        bench.part.firmware = (0, 5, 0)
        await bench.heard.until(DeviceFound)
        await bench.charging()


async def test_the_layout_of_the_options_wins_over_the_firmware() -> None:
    part = EmulatedChargebyte(speed=20, firmware=(0, 2, 9))
    part._old_state = part._new_state  # type: ignore[method-assign]
    async with rig(part=part, layout="three_contactors") as bench:
        await bench.charging()
        part.fault(12)
        await bench.heard.until(HardwareFaulted)


async def test_a_controller_that_falls_silent_is_lost_and_found_again() -> None:
    async with rig() as bench:
        await bench.heard.until(PilotChanged)
        bench.part.muted = True
        lost = await bench.heard.until(DeviceLost)
        assert lost == DeviceLost(1, PLACE.part, f"{bench.part.device}: silent")
        bench.part.muted = False
        bench.part.power_cycle()
        await bench.heard.until(DeviceFound)
        await bench.charging()


async def test_what_the_controller_complains_of_is_passed_on_once() -> None:
    async with rig() as bench:
        await bench.heard.until(PilotChanged)
        for _ in range(3):
            bench.part.say(0x0E, 1 << 63 | 5 << 48 | 12 << 32)
        bench.part.say(0x0E, 5 << 48 | 13 << 32)
        await bench.heard.until(HardwareWarned)
        bench.driver.apply(PilotIntent(available=False))
        await bench.heard.until(PilotChanged(1, F, pwm=False))
        assert warnings(bench.heard) == ["the controller reports error 12 of module 5"]


async def test_two_pilots_on_one_controller_is_one_too_many() -> None:
    async with rig() as bench:
        await bench.heard.until(PilotChanged)
        heard = Heard()
        other = make_driver("chargebyte", {}, Place("evse[1].pilot", 2), bench.bus, heard)
        async with running(other):
            lost = await heard.until(DeviceLost)
            assert lost == DeviceLost(2, "evse[1].pilot", f"{bench.part.device}: used by another part of this board")


# ---- the reset ----


@asynccontextmanager
async def reset_line(part: EmulatedChargebyte, folder: Path) -> AsyncIterator[dict[str, Any]]:
    """Options that name a line which resets the controller when it is let go."""
    levels: list[bool] = []

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"{}\n")
        while line := await reader.readline():
            levels.append(json.loads(line)["nRESET"])
            if levels[-2:] == [True, False]:
                part.power_cycle()
        writer.close()

    socket = folder / "chip"
    server = await asyncio.start_unix_server(play, socket)
    try:
        yield {"reset": {"line": "nRESET", "active_low": True}, "reset_chip": str(socket)}
    finally:
        server.close()


async def test_what_the_agents_own_silence_has_latched_is_reset_at_the_start(tmp_path: Path) -> None:
    part = EmulatedChargebyte(speed=20)
    async with reset_line(part, tmp_path) as options:
        part.fault(HOST_SILENT)
        async with rig(part=part, **options) as bench:
            fault = await bench.heard.until(HardwareFaulted)
            assert isinstance(fault, HardwareFaulted)
            assert (fault.code, fault.vendor_code) == ("InternalError", "safe state 2")
            await bench.heard.until(HardwareHealed(1, "InternalError"))
            await bench.charging()
        assert part.resets == 1


async def test_another_fault_is_reset_when_somebody_asks_and_not_before(tmp_path: Path) -> None:
    part = EmulatedChargebyte(speed=20)
    async with reset_line(part, tmp_path) as options, rig(part=part, **options) as bench:
        await bench.charging()
        bench.driver.clear_fault()
        part.fault(13)
        fault = await bench.heard.until(HardwareFaulted)
        assert isinstance(fault, HardwareFaulted)
        assert fault.text.endswith("it is reset when a technician clears the fault")
        await bench.heard.until(PilotChanged(1, F, pwm=False))
        assert part.resets == 0
        bench.driver.clear_fault()
        await bench.heard.until(HardwareHealed(1, "PilotFailure"))
        await bench.heard.until(PowerChanged(1, True))
        assert part.resets == 1
        assert not bench.heard.of(DeviceLost)


async def test_a_reset_line_that_is_not_there_is_told_and_the_line_stays() -> None:
    async with rig(reset={"line": 4}, reset_chip="/dev/no-chip") as bench:
        await bench.charging()
        bench.part.fault(13)
        await bench.heard.until(HardwareFaulted)
        await bench.heard.until(PilotChanged(1, F, pwm=False))
        bench.driver.clear_fault()
        await bench.heard.until(HardwareWarned)
        assert warnings(bench.heard) == ["cannot be reset: /dev/no-chip: No such file or directory"]
        keepalives = bench.driver.counters["keepalives"]
        await eventually(lambda: bench.driver.counters["keepalives"] > keepalives + 3)
        assert not bench.heard.of(DeviceLost)


# ---- the thermometers ----


@asynccontextmanager
async def thermometer(bus: SerialBus, **options: Any) -> AsyncIterator[Heard]:
    heard = Heard()
    place = Place("evse[0].thermometer[0]", 1, spot="inlet")
    driver = make_driver("chargebyte_pt1000", options, place, bus, heard)
    assert isinstance(driver, ChargebytePt1000)
    assert isinstance(driver, Thermometer)
    async with running(driver):
        yield heard


async def test_a_thermometer_shares_the_line_of_the_pilot() -> None:
    async with rig() as bench, thermometer(bench.bus) as heard:
        await heard.until(TemperatureMeasured(1, "inlet", 25.0))
        bench.part.heat(-12.3)
        await heard.until(TemperatureMeasured(1, "inlet", -12.3))
        await bench.charging()
        await bench.part.take_away()
        await heard.until(DeviceLost)
        await bench.part.bring_back()
        await heard.until(DeviceFound)
        await heard.until(TemperatureMeasured)


async def test_the_line_goes_on_when_the_driver_that_ran_it_ends() -> None:
    async with EmulatedChargebyte(speed=20, host_timeout_s=BRISK_S) as part, AsyncExitStack() as later:
        made = Rig(part)
        async with running(made.driver):
            await made.heard.until(DeviceFound)
            heard = await later.enter_async_context(thermometer(made.bus))
            await heard.until(TemperatureMeasured)
            await made.charging()
        await eventually(lambda: part.mode == "safe")  # no pilot: nobody keeps it awake
        part.heat(77)
        await heard.until(TemperatureMeasured(1, "inlet", 77.0))
        part.power_cycle()
        async with running(made.driver):
            await made.heard.until(PowerChanged(1, True))


async def test_the_same_temperature_is_told_once_a_period_and_a_small_change_waits() -> None:
    async with rig() as bench, thermometer(bench.bus, step_c=1, period_s=3600) as heard:
        await heard.until(TemperatureMeasured(1, "inlet", 25.0))
        bench.part.heat(25.9)
        await bench.charging()
        bench.part.heat(26.0)
        await heard.until(TemperatureMeasured(1, "inlet", 26.0))
        assert len(heard.of(TemperatureMeasured)) == 2


async def test_a_sensor_that_is_not_there_or_broken_is_a_lost_part() -> None:
    async with rig() as bench, thermometer(bench.bus, channel=2) as heard:
        assert await heard.until(DeviceLost) == DeviceLost(1, "evse[0].thermometer[0]", "PT1000 channel 2: no sensor")
        bench.part.heat(30, channel=2)
        await heard.until(TemperatureMeasured(1, "inlet", 30.0))
        bench.part.broken.add(2)
        lost = await heard.until(DeviceLost)
        assert isinstance(lost, DeviceLost)
        assert lost.reason == "PT1000 channel 2: its self test failed"


async def test_a_sensor_that_stops_charging_is_a_fault_of_the_pilot() -> None:
    async with rig() as bench:
        await bench.heard.until(PilotChanged)
        bench.part.heat(101.5, channel=3)
        bench.part.hot.add(3)
        fault = await bench.heard.until(HardwareFaulted)
        assert fault == HardwareFaulted(
            1, "HighTemperature", vendor_code="PT1000 3", text="temperature sensor 3 stops charging at 101.5 degC"
        )
        bench.part.hot.clear()
        await bench.heard.until(HardwareHealed(1, "HighTemperature"))


# ---- the residual current monitor ----


@asynccontextmanager
async def monitor(bus: SerialBus, **options: Any) -> AsyncIterator[tuple[ChargebyteRcm, Heard]]:
    heard = Heard()
    driver = make_driver("chargebyte_rcm", options, Place("evse[0].rcd", 1), bus, heard)
    assert isinstance(driver, ChargebyteRcm)
    assert isinstance(driver, ResidualCurrentMonitor)
    async with running(driver):
        yield driver, heard


async def test_the_monitor_tests_itself_when_told_and_once() -> None:
    async with rig() as bench, monitor(bench.bus) as (driver, heard):
        await heard.until(DeviceFound)
        driver.self_test()
        await heard.until(ResidualCurrentTested(1, True))
        assert sum(word >> 48 == 0xFE01 for com, word in bench.part.heard if com == 0xFF) == 1
        await bench.charging()
        assert not heard.of(HardwareFaulted)


async def test_a_monitor_that_does_not_pass_latches_the_controller() -> None:
    part = EmulatedChargebyte(speed=20)
    part.rcm_broken = True
    async with rig(part=part) as bench, monitor(bench.bus) as (driver, heard):
        await heard.until(DeviceFound)
        driver.self_test()
        fault = await heard.until(HardwareFaulted)
        assert isinstance(fault, HardwareFaulted)
        assert (fault.code, fault.vendor_code) == ("InternalError", "RCM test")
        await heard.until(ResidualCurrentTested(1, False, "not passed"))
        driver.self_test()
        await heard.until(ResidualCurrentTested(1, False, "it has tripped, or the controller is in its safe state"))


async def test_a_monitor_that_is_not_configured_is_no_part_and_passes_no_test() -> None:
    part = EmulatedChargebyte(speed=20)
    async with rig(part=part) as bench, monitor(bench.bus, test_s=0.5) as (driver, heard):
        await heard.until(DeviceFound)
        part.rcm = 0
        driver.self_test()
        assert await heard.until(DeviceLost) == DeviceLost(
            1, "evse[0].rcd", "no residual current monitor in the controller's parameters"
        )
        await heard.until(ResidualCurrentTested(1, False, "no test was seen"))


def test_a_bus_with_another_kind_of_part_on_it_is_told_with_the_place() -> None:
    bus = SerialBus(SerialBus.Config(device="/dev/null"))
    make_driver("chargebyte", {}, PLACE, bus, print)
    make_driver("chargebyte_pt1000", {}, Place("evse[0].thermometer[0]", 1), bus, print)
    bus.shared = object()
    with pytest.raises(BadOptions, match=r"^evse\[0\]\.pilot: another part says that something else"):
        make_driver("chargebyte", {}, PLACE, bus, print)


def test_it_is_a_pilot_controller() -> None:
    driver = Chargebyte(Chargebyte.Config(), PLACE, SerialBus(SerialBus.Config(device="/dev/null")), print)
    assert isinstance(driver, PilotController)
    assert driver.traits.max_a == 16
