"""The drivers of a Phoenix EV Charge Control Basic against its registers on pymodbus' server, on a pseudo-terminal."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.bus.rtu import RtuBus
from hal.drivers.eastron import Sdm630
from hal.drivers.phoenix import PhoenixPilot
from hal.drivers.phoenix_lock import PhoenixLock
from hal.drivers.phoenix_states import CURRENT, ERRORS_OF, RELEASE, STATUS, bits_of, faults_of, read_status
from hal.errors import PartRefused
from hal.events import (
    CableRated,
    CpState,
    DeviceFound,
    DeviceLost,
    HardwareFaulted,
    HardwareHealed,
    HardwareWarned,
    LockMoved,
    MeterSampled,
    PilotChanged,
    PowerChanged,
)
from hal.ports import ConnectorLock, PilotController, PilotIntent, Place
from hal.registry import make_driver
from hal.wire import modbus
from hal.wire.modbus import reading, writing
from tests.emulators.eastron import EmulatedSdm630
from tests.emulators.load import Load
from tests.emulators.phoenix import LOCK, EmulatedPhoenix
from tests.emulators.pty import BYTE_BY_BYTE, QUIET, Noise
from tests.emulators.rtu_controller import READ_HOLDING, READ_INPUT
from tests.hal.rig import Heard, eventually, running

A, B, C, F = CpState.A, CpState.B, CpState.C, CpState.F
POWER_13_A = PilotIntent(limit_a=13, permit_power=True)
PLACE = Place("evse[0].pilot", 1, limit_a=16)
LOCK_PLACE = Place("evse[0].connectors[0].lock", 1)
TIMEOUT_S = 0.25

pytestmark = pytest.mark.usefixtures("quick_hotplug")


class Rig:
    """A driver that runs, its controller, and what it posts."""

    def __init__(self, part: EmulatedPhoenix, **options: Any) -> None:
        self.part = part
        self.heard = Heard()
        self.bus = RtuBus(RtuBus.Config(device=part.device, timeout_s=TIMEOUT_S, retries=1))
        driver = make_driver("phoenix", {"poll_s": 0.1} | options, PLACE, self.bus, self.heard)
        assert isinstance(driver, PhoenixPilot)
        self.driver = driver

    async def charging(self) -> None:
        self.part.plug_in(10)
        await self.heard.until(PilotChanged(1, B, pwm=False))
        self.driver.apply(POWER_13_A)
        await self.heard.until(PilotChanged(1, C, pwm=True))

    def warnings(self) -> list[str]:
        return [event.text for event in self.heard.events if isinstance(event, HardwareWarned)]


@asynccontextmanager
async def rig(noise: Noise = QUIET, part: EmulatedPhoenix | None = None, **options: Any) -> AsyncIterator[Rig]:
    async with part or EmulatedPhoenix(noise=noise, speed=20) as emulated:
        made = Rig(emulated, **options)
        async with running(made.driver):
            yield made


@asynccontextmanager
async def lock(bus: RtuBus, **options: Any) -> AsyncIterator[tuple[PhoenixLock, Heard]]:
    heard = Heard()
    driver = make_driver("phoenix_lock", {"poll_s": 0.1, "settle_s": 0.1} | options, LOCK_PLACE, bus, heard)
    assert isinstance(driver, PhoenixLock)
    async with running(driver):
        yield driver, heard


# ---- the registers ----


@pytest.mark.parametrize(
    ("question", "line"),
    [
        (reading(modbus.READ_HOLDING, 1, STATUS, 1), "01 03 5d c0 00 01 97 9a"),
        (writing(modbus.WRITE_COIL, 1, RELEASE, 0xFF00), "01 05 4e 20 ff 00 9a d8"),
        (writing(modbus.WRITE_REGISTER, 1, CURRENT, 16), "01 06 55 f0 00 10 99 f9"),
    ],
)
def test_the_frames_are_those_of_the_vectors(question: modbus.Question, line: str) -> None:
    assert question.frame == bytes.fromhex(line)


@pytest.mark.parametrize(
    ("word", "pilot", "pwm"),
    [(0x4131, A, False), (0x4232, B, True), (0x4332, C, True), (0x4331, C, False), (0x4630, F, False)],
)
def test_the_first_character_is_the_state_and_the_second_the_oscillator(word: int, pilot: CpState, pwm: bool) -> None:
    status = read_status([word, 0, 0, 0, 0, 0])
    assert (status.pilot, status.pwm) == (pilot, pwm)


@given(st.lists(st.integers(0, 0xFFFF), min_size=6, max_size=6))
def test_any_words_are_a_status_or_refused(words: list[int]) -> None:
    try:
        assert read_status(words).pilot.value == chr(words[0] >> 8)
    except PartRefused:
        assert chr(words[0] >> 8) not in "ABCDEF"


@given(st.integers(0, 0xFFFF))
def test_every_bit_of_the_error_register_is_told_once(word: int) -> None:
    faults = faults_of(word, 1)
    told = {int(number) for vendor_code, _ in faults.values() for number in vendor_code.split("+")}
    assert told == set(bits_of(word)) & set(ERRORS_OF)


def test_errors_of_one_kind_are_one_fault_with_both_texts() -> None:
    assert faults_of(1 << 3 | 1 << 12 | 1 << 5, 2) == {
        ("PilotFailure", None): ("4+13", "control pilot invalid, no diode in the vehicle"),
        ("ConnectorLockFailure", 2): ("6", "does not lock"),
    }


# ---- the session ----


@pytest.mark.parametrize("noise", [QUIET, BYTE_BY_BYTE])
async def test_a_session_from_plug_to_unplug(noise: Noise) -> None:
    async with rig(noise, contactor_reply=True) as bench:
        assert bench.driver.traits.relay_feedback
        await bench.heard.until(PilotChanged(1, A, pwm=False))
        await bench.charging()
        await bench.heard.until(PowerChanged(1, True))
        assert bench.part.offers_a == 13
        bench.driver.apply(PilotIntent())
        await bench.heard.until(PowerChanged(1, False))
        bench.part.unplug()
        await bench.heard.until(PilotChanged(1, A, pwm=False))


async def test_without_a_wired_reply_no_contactor_is_told_and_none_is_promised() -> None:
    async with rig() as bench:
        await bench.charging()
        assert not bench.driver.traits.relay_feedback
        await eventually(lambda: bench.part.powered)
        assert not bench.heard.of(PowerChanged)
        assert bench.part.retentive[4006] == 0


async def test_the_current_comes_before_the_release_and_pausing_is_the_release_withdrawn() -> None:
    async with rig() as bench:
        await bench.heard.until(PilotChanged)
        del bench.part.written[:]
        bench.driver.apply(POWER_13_A)
        await eventually(lambda: len(bench.part.written) == 2)
        bench.driver.apply(PilotIntent(limit_a=10.9, permit_power=True))
        await eventually(lambda: len(bench.part.written) == 3)
        bench.driver.apply(PilotIntent(limit_a=5.9, permit_power=True))
        await eventually(lambda: len(bench.part.written) == 4)
        bench.driver.apply(POWER_13_A)
        await eventually(lambda: len(bench.part.written) == 6)
        assert bench.part.written == [
            (CURRENT, 13), (RELEASE, 1), (CURRENT, 10), (RELEASE, 0), (CURRENT, 13), (RELEASE, 1)
        ]  # fmt: skip


async def test_never_more_than_the_board_allows() -> None:
    async with rig() as bench:
        bench.driver.apply(PilotIntent(limit_a=63, permit_power=True))
        await eventually(lambda: bench.part.offers_a == 16)


async def test_unavailable_is_state_f_where_the_switch_allows_it() -> None:
    async with rig() as bench:
        assert bench.driver.traits.shows_state_f
        await bench.heard.until(PilotChanged(1, A, pwm=False))
        bench.driver.apply(PilotIntent(available=False))
        await bench.heard.until(PilotChanged(1, F, pwm=False))
        bench.driver.apply(PilotIntent())
        await bench.heard.until(PilotChanged(1, A, pwm=False))


async def test_without_the_switch_no_state_f_is_promised_and_none_asked_for() -> None:
    async with rig(availability=False) as bench:
        assert not bench.driver.traits.shows_state_f
        await bench.heard.until(PilotChanged(1, A, pwm=False))
        bench.driver.apply(PilotIntent(available=False))
        await bench.charging()
        assert bench.part.retentive[4001] == 1


async def test_the_cable_tells_what_it_carries() -> None:
    async with rig() as bench:
        await bench.heard.until(CableRated(1, None))
        bench.part.ev.cable_a = 20
        await bench.heard.until(CableRated(1, 20.0))
        bench.part.fault(3)
        fault = await bench.heard.until(HardwareFaulted)
        assert isinstance(fault, HardwareFaulted)
        assert (fault.code, fault.vendor_code) == ("OtherError", "3")
        assert len(bench.heard.of(CableRated)) == 2  # a short is no rating


async def test_retentive_registers_are_written_once_in_a_lifetime() -> None:
    async with EmulatedPhoenix(speed=20) as part:
        for _ in range(3):
            made = Rig(part, contactor_reply=True)
            async with running(made.driver), lock(made.bus) as (_, heard):
                await made.heard.until(PilotChanged)
                await heard.until(LockMoved)
        assert part.wears == 5
        assert [part.retentive[register] for register in (4000, 4001, 4002, 4006, 4012)] == [3, 2, 3, 1, 0]


async def test_a_register_that_does_not_take_its_value_is_warned_of_with_the_switch() -> None:
    part = EmulatedPhoenix(speed=20)
    part.dips_on = False
    async with rig(part=part) as bench:
        await bench.heard.until(HardwareWarned)
        assert bench.warnings() == ["register 4001 stays 1 instead of 2; is DIP switch S1/2 on?"]
        await bench.heard.until(PilotChanged)
        await part.take_away()
        await bench.heard.until(DeviceLost)
        await part.bring_back()
        await bench.heard.until(DeviceFound)
        await bench.heard.until(PilotChanged)
        assert part.wears == 2  # the release mode, and one try of this


@pytest.mark.parametrize("functions", [(READ_HOLDING,), (READ_INPUT,), (READ_HOLDING, READ_INPUT)])
async def test_the_status_is_read_by_whichever_function_is_answered(functions: tuple[int, ...]) -> None:
    part = EmulatedPhoenix(speed=20)
    part.status_functions = functions
    async with rig(part=part) as bench:
        await bench.heard.until(PilotChanged(1, A, pwm=False))
        refused = bench.bus.counters["refused"]
        await bench.charging()
        assert bench.bus.counters["refused"] == refused <= 1


# ---- what may go wrong ----


async def test_nothing_stops_it_when_the_host_is_gone_and_a_clean_end_does() -> None:
    async with EmulatedPhoenix(speed=20) as part:
        made = Rig(part)
        assert made.driver.traits.on_host_loss == "continues"
        async with running(made.driver):
            await made.charging()
            await part.take_away()
            await made.heard.until(DeviceLost)
            assert part.powered
            assert part.offers_a == 13
            await part.bring_back()
            await made.heard.until(DeviceFound)
            await made.heard.until(PilotChanged(1, C, pwm=True))
        assert part.coils[RELEASE] == 0


@pytest.mark.parametrize("number", ERRORS_OF)
async def test_a_fault_is_told_with_its_code_and_its_end(number: int) -> None:
    code = ERRORS_OF[number][0]
    connector = 1 if code == "ConnectorLockFailure" else None
    async with rig() as bench:
        await bench.heard.until(PilotChanged)
        bench.part.fault(number)
        fault = await bench.heard.until(HardwareFaulted)
        assert fault == HardwareFaulted(1, code, connector, str(number), ERRORS_OF[number][1])
        bench.part.clear_fault()
        await bench.heard.until(HardwareHealed(1, code, connector))


async def test_the_bit_of_an_unavailable_station_is_no_fault() -> None:
    async with rig() as bench:
        await bench.heard.until(PilotChanged)
        bench.part.fault(5)
        await bench.charging()
        assert not bench.heard.of(HardwareFaulted)


async def test_clearing_a_fault_restarts_the_controller_and_only_a_faulted_one() -> None:
    async with rig() as bench:
        await bench.charging()
        bench.driver.clear_fault()
        bench.driver.apply(PilotIntent(limit_a=8, permit_power=True))
        await eventually(lambda: bench.part.offers_a == 8)
        assert bench.part.restarts == 0
        bench.part.fault(15)
        await bench.heard.until(HardwareFaulted)
        bench.driver.clear_fault()
        await bench.heard.until(HardwareHealed(1, "GroundFailure"))
        await eventually(lambda: bench.part.offers_a == 8)
        assert bench.part.restarts == 1


async def test_a_restarted_controller_gets_current_and_release_again() -> None:
    async with rig() as bench:
        await bench.charging()
        bench.part.power_cycle()
        assert (bench.part.offers_a, bench.part.current_a) == (None, 16)
        await eventually(lambda: bench.part.offers_a == 13)
        assert "the controller has restarted, or somebody else switches it" in bench.warnings()


async def test_a_restart_while_paused_does_not_leave_the_preset_current_for_the_next_release() -> None:
    async with rig() as bench:
        await bench.charging()
        bench.driver.apply(PilotIntent())
        await eventually(lambda: bench.part.offers_a is None)
        bench.part.power_cycle()
        bench.part.coils[20001] = 1  # so that nothing shows that it has restarted
        del bench.part.written[:]
        bench.driver.apply(POWER_13_A)
        await eventually(lambda: bench.part.offers_a is not None)
        assert bench.part.offers_a == 13


async def test_a_current_that_another_hand_has_raised_is_lowered_again() -> None:
    async with rig() as bench:
        await bench.charging()
        bench.part.current_a = 32
        bench.part._obey()
        await eventually(lambda: bench.part.offers_a == 13)
        assert "signals 32 A instead of 13 A" in bench.warnings()


async def test_a_silent_controller_is_lost_after_some_misses_and_found_when_back() -> None:
    async with rig() as bench:
        await bench.charging()
        bench.part.mute()
        await bench.heard.until(HardwareWarned)
        lost = await bench.heard.until(DeviceLost)
        assert lost == DeviceLost(1, PLACE.part, f"{bench.part.device} unit 1: silent")
        bench.part.unmute()
        found = await bench.heard.until(DeviceFound)
        assert found == DeviceFound(1, PLACE.part, "Phoenix EV Charge Control Basic unit 1")
        await bench.heard.until(PilotChanged(1, C, pwm=True))


# ---- the lock ----


async def test_the_lock_moves_and_every_command_is_answered() -> None:
    async with rig() as bench, lock(bench.bus) as (driver, heard):
        await heard.until(LockMoved(1, "unlocked"))
        driver.lock()
        await heard.until(LockMoved(1, "moving"))
        await heard.until(LockMoved(1, "locked"))
        assert bench.part.locked
        driver.lock()
        await heard.until(LockMoved(1, "locked"))
        driver.unlock()
        await heard.until(LockMoved(1, "unlocked"))
        assert not bench.part.locked


async def test_a_lock_that_jams_is_where_it_was_and_the_pilot_tells_the_fault() -> None:
    async with rig() as bench, lock(bench.bus, settle_s=0.3) as (driver, heard):
        await heard.until(LockMoved(1, "unlocked"))
        bench.part.jam()
        driver.lock()
        await heard.until(LockMoved(1, "moving"))
        await heard.until(LockMoved(1, "unlocked"))
        fault = await bench.heard.until(HardwareFaulted)
        assert fault == HardwareFaulted(1, "ConnectorLockFailure", 1, "6", "does not lock")
        assert LockMoved(1, "locked") not in heard.events


async def test_a_plug_that_cannot_be_unlocked_counts_as_locked() -> None:
    async with rig() as bench, lock(bench.bus, settle_s=0.3) as (driver, heard):
        driver.lock()
        await heard.until(LockMoved(1, "locked"))
        bench.part.jam()
        driver.unlock()
        await heard.until(LockMoved(1, "moving"))
        await heard.until(LockMoved(1, "locked"))


async def test_a_lock_whose_controller_has_restarted_is_locked_again() -> None:
    async with rig() as bench, lock(bench.bus) as (driver, heard):
        driver.lock()
        await heard.until(LockMoved(1, "locked"))
        bench.part.power_cycle()
        bench.part.locked = False
        await eventually(lambda: bench.part.coils[LOCK] == 1 and bench.part.locked)


async def test_the_last_of_several_wishes_counts() -> None:
    async with rig() as bench, lock(bench.bus, settle_s=10) as (driver, heard):
        await heard.until(LockMoved(1, "unlocked"))
        driver.lock()
        await heard.until(LockMoved(1, "moving"))
        driver.unlock()
        await eventually(lambda: bench.part.coils[LOCK] == 0)
        assert LockMoved(1, "locked") not in heard.events


# ---- the line ----


async def test_a_meter_shares_the_line() -> None:
    async with AsyncExitStack() as stack:
        load = Load()
        part, meter = EmulatedPhoenix(load, speed=20), EmulatedSdm630(load, unit=2)
        part.share_line(meter)
        await stack.enter_async_context(part)
        made = Rig(part)
        heard = Heard()
        sdm630 = Sdm630(Sdm630.Config(unit=2, fastest_s=0.1), Place("evse[0].meter", 1), made.bus, heard)
        sdm630.sample_every(0.1)
        for driver in (made.driver, sdm630):
            await stack.enter_async_context(running(driver))
        await made.charging()
        await heard.until(lambda event: isinstance(event, MeterSampled) and event.power_w == 6900)
        meter.mute()
        made.driver.apply(PilotIntent())
        await heard.until(DeviceLost)
        await eventually(lambda: part.offers_a is None)
        assert not made.heard.of(DeviceLost)


def test_it_is_a_pilot_controller_and_a_lock() -> None:
    bus = RtuBus(RtuBus.Config(device="/dev/null"))
    assert isinstance(PhoenixPilot(PhoenixPilot.Config(), PLACE, bus, print), PilotController)
    assert isinstance(PhoenixLock(PhoenixLock.Config(), LOCK_PLACE, bus, print), ConnectorLock)
