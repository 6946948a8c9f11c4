"""The drivers of the EVerest family against emulated boards with vehicles, over a pseudo-terminal."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from select import select
from typing import Any, get_args

import pytest

from hal.bus.serial import SerialBus
from hal.drivers import everest_mcu_line
from hal.drivers.everest_mcu import EverestMcu
from hal.drivers.everest_mcu_states import MEANINGS, Seen, duty_of
from hal.errors import BadOptions
from hal.events import (
    CableRated,
    CpState,
    DeviceFound,
    DeviceLost,
    Event,
    HardwareFaulted,
    HardwareHealed,
    HardwareWarned,
    LockMoved,
    MeterSampled,
    PilotChanged,
    PowerChanged,
)
from hal.liveness import Liveness
from hal.ports import ConnectorLock, EnergyMeter, PilotController, PilotIntent, Place
from hal.registry import make_driver
from hal.wire.everest_mcu import FLAGS, MODELS, PHYVERSO_FLAGS, Errors, Flag, Name
from tests.emulators.everest_mcu import BOARDS, F_HOST_SILENT, EmulatedEverestMcu, split
from tests.emulators.load import Load
from tests.emulators.pty import BYTE_BY_BYTE, QUIET, Noise
from tests.hal.rig import Heard, eventually, running

A, B, C, F = CpState.A, CpState.B, CpState.C, CpState.F
POWER_13_A = PilotIntent(limit_a=13, permit_power=True)
PLACE = Place("evse[0].pilot", 1, limit_a=16)
NOISY = Noise(chunk=3, garbage=0.002, loss=0.0005)

pytestmark = pytest.mark.usefixtures("quick_hotplug")

boards = pytest.mark.parametrize("board", sorted(get_args(Name)))


class Rig:
    """A pilot that runs, its board, and what it posts."""

    def __init__(self, part: EmulatedEverestMcu, place: Place = PLACE, **options: Any) -> None:
        self.part = part
        self.heard = Heard()
        self.bus = SerialBus(SerialBus.Config(device=part.device))
        self.driver: Any = self.more("everest_mcu", place, **{"board": part.board} | options)

    def more(self, driver: str, place: Place, **options: Any) -> Any:
        """Another driver on the same line."""
        return make_driver(driver, options, place, self.bus, self.heard)

    def told(self, name: str) -> list[int]:
        """What the board was told of this kind, without repetitions."""
        values = [value for kind, _, value in self.part.heard if kind == name]
        return [value for index, value in enumerate(values) if index == 0 or values[index - 1] != value]

    async def charging(self) -> None:
        await self.heard.until(PilotChanged(1, A))
        self.part.plug_in(10)
        await self.heard.until(PilotChanged(1, B))
        self.driver.apply(POWER_13_A)
        await self.heard.until(PowerChanged(1, True))


@asynccontextmanager
async def rig(
    board: str = "yeti", noise: Noise = QUIET, part: EmulatedEverestMcu | None = None, **options: Any
) -> AsyncIterator[Rig]:
    async with part or EmulatedEverestMcu(noise=noise, speed=20, board=board) as emulated:
        made = Rig(emulated, **options)
        async with running(made.driver):
            yield made


def warnings(heard: Heard) -> list[str]:
    return [event.text for event in heard.events if isinstance(event, HardwareWarned)]


# ---- the session ----


@boards
async def test_a_session_from_plug_to_unplug_on_every_board(board: str) -> None:
    async with rig(board) as bench:
        await bench.charging()
        assert (bench.part.offers_a, bench.part.load.current_a) == (13, 10)
        bench.driver.apply(PilotIntent())
        await bench.heard.until(PowerChanged(1, False))
        assert bench.part.duty == MODELS[board].x1  # type: ignore[index]
        bench.part.unplug()
        await bench.heard.until(PilotChanged(1, A))
        assert bench.told("pwm") == [MODELS[board].x1, 2166, MODELS[board].x1]  # type: ignore[index]


async def test_a_wish_is_on_the_wire_before_the_loop_turns_again() -> None:
    async with rig() as bench:
        await bench.heard.until(PilotChanged(1, A))
        bench.driver.apply(POWER_13_A)
        far = bench.part._pty._master
        assert select([far], [], [], 5)[0]
        bench.part._receive(os.read(far, 4096))
        assert (bench.part.offers_a, bench.part.permitted) == (13, True)


@pytest.mark.parametrize("noise", [BYTE_BY_BYTE, NOISY], ids=["byte by byte", "noisy"])
async def test_a_session_on_a_bad_line(noise: Noise) -> None:
    async with rig(noise=noise) as bench:
        await bench.charging()
        bench.driver.apply(PilotIntent())
        await bench.heard.until(PowerChanged(1, False))
        bench.part.unplug()
        await bench.heard.until(PilotChanged(1, A))


async def test_a_vehicle_opens_its_own_switch_before_the_contactor_does() -> None:
    async with rig() as bench:
        await bench.charging()
        del bench.part.heard[:]
        bench.driver.apply(PilotIntent())
        await bench.heard.until(PowerChanged(1, False))
        assert (bench.told("pwm"), bench.part.opened_under_load) == ([10_001], 0)
        await eventually(lambda: bench.told("permit") == [1, 0])


async def test_under_a_vehicle_that_goes_on_drawing_the_contactor_opens_all_the_same() -> None:
    async with rig(stop_s=0.2) as bench:
        bench.part.stubborn = True
        await bench.charging()
        bench.driver.apply(PilotIntent())
        await bench.heard.until(PowerChanged(1, False))
        assert bench.part.s2 and bench.part.opened_under_load == 1


async def test_unavailable_is_state_f_at_once_and_the_contactor_opens_first() -> None:
    async with rig() as bench:
        await bench.charging()
        del bench.part.heard[:]
        bench.driver.apply(PilotIntent(available=False))
        await bench.heard.until(PilotChanged(1, F))
        assert [kind for kind, _, _ in bench.part.heard][:2] == ["permit", "pwm"]
        assert (bench.part.relay, bench.part.duty) == (False, 0)
        bench.driver.apply(PilotIntent())
        await bench.heard.until(PilotChanged(1, B))


async def test_less_than_six_amps_is_no_power_and_never_more_than_the_board_can() -> None:
    async with rig(part=EmulatedEverestMcu(speed=20, max_a=10)) as bench:
        await bench.heard.until(PilotChanged(1, A))
        assert "offers at most 10 A, the board file says 16 A" in warnings(bench.heard)
        bench.driver.apply(PilotIntent(limit_a=63, permit_power=True))
        await eventually(lambda: bench.part.offers_a == 10)
        bench.driver.apply(PilotIntent(limit_a=5.9, permit_power=True))
        await eventually(lambda: bench.part.duty == 10_001 and not bench.part.permitted)


async def test_a_board_file_with_more_than_a_pilot_can_say_offers_what_it_can() -> None:
    async with EmulatedEverestMcu(speed=20, max_a=0.0) as part:  # an older firmware does not say what it can
        made = Rig(part, Place("evse[0].pilot", 1, limit_a=200))
        assert made.driver.traits.max_a == 80
        async with running(made.driver):
            made.driver.apply(PilotIntent(limit_a=200, permit_power=True))
            await eventually(lambda: part.offers_a == 80)


def test_each_board_has_its_own_number_for_a_steady_pilot() -> None:
    steady = {name: duty_of(PilotIntent(), 6, 16, model) for name, model in MODELS.items()}
    assert steady.pop("phyverso") == 10_000
    assert set(steady.values()) == {10_001}


async def test_the_cable_is_told() -> None:
    async with rig() as bench:
        await bench.heard.until(CableRated(1, None))
        bench.part.plug_in(cable=2)
        await bench.heard.until(CableRated(1, 20.0))
        bench.part.plug_in(cable=5)
        fault = await bench.heard.until(HardwareFaulted)
        assert fault == HardwareFaulted(1, "OtherError", vendor_code="cable", text="cable coding (PP)")


async def test_phases_are_switched_where_the_board_file_says_so() -> None:
    async with rig(phase_switch=True) as bench:
        assert bench.driver.traits.phase_switch
        await bench.heard.until(PilotChanged(1, A))
        bench.driver.apply(PilotIntent(limit_a=10, permit_power=True, phases=1))
        await eventually(lambda: not bench.part.three_phases)
        bench.driver.apply(PilotIntent(limit_a=10, permit_power=True))
        await eventually(lambda: bench.part.three_phases)
    async with rig() as bench:
        assert not bench.driver.traits.phase_switch
        await bench.charging()
        assert bench.told("phases") == []


# ---- what may go wrong ----


@pytest.mark.parametrize(("number", "flag"), FLAGS.items(), ids=str)
async def test_an_error_is_told_with_its_code_and_its_end(number: int, flag: Flag) -> None:
    async with rig() as bench:
        await bench.charging()
        bench.part.fault(number)
        fault = await bench.heard.until(HardwareFaulted)
        assert isinstance(fault, HardwareFaulted)
        assert (fault.code, fault.vendor_code) == (MEANINGS[flag][0], flag)
        bench.part.clear_fault()
        await bench.heard.until(HardwareHealed(1, fault.code))
        await bench.heard.until(PowerChanged(1, True))


def test_every_flag_means_something() -> None:
    assert set(MEANINGS) == {*FLAGS.values(), *PHYVERSO_FLAGS.values()} == set(get_args(Flag))


def test_two_errors_of_one_code_are_one_fault_until_both_are_gone() -> None:
    seen = Seen(1, 1)

    def look(*flags: Flag) -> list[Event]:
        return list(seen.look(Errors(0, frozenset(flags))))

    (first,) = look("diode")
    assert first == HardwareFaulted(1, "PilotFailure", vendor_code="diode", text="no diode in the vehicle")
    (both,) = look("diode", "pilot")
    assert isinstance(both, HardwareFaulted) and both.vendor_code == "diode, pilot"
    assert [type(event) for event in look("pilot")] == [HardwareFaulted]
    assert look("pilot") == []
    assert look() == [HardwareHealed(1, "PilotFailure")]


async def test_clearing_a_fault_lets_the_board_start_anew_and_only_a_faulted_one() -> None:
    async with rig() as bench:
        await bench.charging()
        del bench.part.heard[:]
        bench.driver.clear_fault()
        bench.driver.apply(PilotIntent(limit_a=12, permit_power=True))
        await eventually(lambda: bench.part.offers_a == 12)
        assert bench.told("reset") == []
        bench.part.fault(1)
        await bench.heard.until(HardwareFaulted)
        bench.driver.clear_fault()
        await bench.heard.until(HardwareHealed(1, "PilotFailure"))
        await eventually(lambda: bench.part.offers_a == 12)
        assert "the board has started anew" not in " ".join(warnings(bench.heard))
        assert not bench.heard.of(DeviceLost)


@pytest.mark.parametrize("board", ["tida_010939", "phyverso"])
async def test_a_tripped_residual_current_device_is_reset_where_the_board_can(board: str) -> None:
    async with rig(board) as bench:
        await bench.charging()
        bench.part.fault(3)
        await bench.heard.until(HardwareFaulted)
        del bench.part.heard[:]
        bench.driver.clear_fault()
        await bench.heard.until(HardwareHealed(1, "GroundFailure"))
        assert (bench.told("reset"), len(bench.told("rcd"))) == ([], 1)


async def test_a_board_that_starts_anew_by_itself_is_warned_of_and_has_the_wish_again() -> None:
    async with rig() as bench:
        await bench.charging()
        bench.part.power_cycle()
        await bench.heard.until(HardwareWarned)
        assert warnings(bench.heard) == ["the board has started anew: its watchdog bit"]
        await bench.heard.until(PowerChanged(1, True))
        assert bench.part.offers_a == 13
        assert not bench.heard.of(DeviceLost)


# ---- the host goes silent ----


@boards
async def test_a_board_that_hears_nothing_goes_on_charging_as_declared(
    board: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As long as nobody has read what the firmware does, the worst is declared, and the emulator does it."""
    monkeypatch.setattr("tests.emulators.everest_mcu.HOST_SILENT_S", 0.3)
    monkeypatch.setattr(everest_mcu_line, "KEEP_ALIVE_S", 0.02)
    liveness = Liveness(clock=lambda: 0.0)
    liveness.feed()
    place = Place("evse[0].pilot", 1, limit_a=16, liveness=liveness)
    async with EmulatedEverestMcu(speed=20, board=board) as part:
        made = Rig(part, place)
        assert made.driver.traits.on_host_loss == "continues"
        async with running(made.driver):
            await made.charging()
            liveness._clock = lambda: 60.0  # the agent hangs: nobody feeds it
            if board == "phyverso":
                await made.heard.until(HardwareFaulted)
                assert F_HOST_SILENT in part.flags
            assert part.relay and part.load.current_a == 10


async def test_an_agent_that_hangs_sends_no_keep_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(everest_mcu_line, "KEEP_ALIVE_S", 0.02)
    now = 0.0
    liveness = Liveness(clock=lambda: now)
    liveness.feed()
    async with EmulatedEverestMcu(speed=20) as part:
        made = Rig(part, Place("evse[0].pilot", 1, limit_a=16, liveness=liveness))
        assert made.driver.wants_liveness
        async with running(made.driver):
            await made.charging()
            before = len(part.heard)
            await eventually(lambda: len(part.heard) > before + 10)  # the wish is repeated
            now = 60.0
            made.driver.apply(POWER_13_A)  # what is told after the last repetition
            heard = len(part.heard)
            part.pause()
            await made.heard.until(PowerChanged(1, False))
            assert len(part.heard) <= heard + 4


async def test_a_clean_end_withdraws_the_permission() -> None:
    async with EmulatedEverestMcu(speed=20) as part:
        made = Rig(part)
        async with running(made.driver):
            await made.charging()
        await eventually(lambda: not part.permitted and not part.relay and part.duty == 10_001)


# ---- the wire ----


async def test_a_board_that_falls_silent_is_lost_and_found_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(everest_mcu_line, "SILENT_S", 0.2)
    monkeypatch.setattr(everest_mcu_line, "KEEP_ALIVE_S", 0.05)
    monkeypatch.setattr(everest_mcu_line, "RESTART_S", 0.1)
    async with rig() as bench:
        await bench.charging()
        bench.part.muted = True
        lost = await bench.heard.until(DeviceLost)
        assert lost == DeviceLost(1, "evse[0].pilot", f"{bench.part.device}: silent")
        bench.part.muted = False
        await bench.heard.until(DeviceFound)
        await bench.heard.until(PowerChanged(1, True))
        assert len(bench.heard.of(DeviceLost)) == 1


async def test_what_the_board_says_of_itself_is_told() -> None:
    async with rig("phyverso") as bench:
        found = await bench.heard.until(DeviceFound)
        assert found == DeviceFound(1, "evse[0].pilot", "phyVERSO firmware 1.4.0")


async def test_a_device_that_answers_nothing_is_lost_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(everest_mcu_line, "RESTART_S", 0.02)
    part = EmulatedEverestMcu(speed=20)
    part.muted = True
    async with rig(part=part) as bench:
        lost = await bench.heard.until(DeviceLost)
        assert lost == DeviceLost(1, "evse[0].pilot", f"{bench.part.device}: no answer to a reset")
        await eventually(lambda: bench.told("reset") == [1] and len(part.heard) > 6)
        assert len(bench.heard.of(DeviceLost)) == 1


# ---- several parts of one board ----


async def test_pilot_lock_and_meter_share_the_line_and_each_says_when_it_is_gone() -> None:
    async with EmulatedEverestMcu(speed=20) as part:
        made = Rig(part)
        lock = made.more("everest_mcu_lock", Place("evse[0].connectors[0].lock", 1))
        meter = made.more("everest_mcu_meter", Place("evse[0].meter", 1, phases=3))
        assert isinstance(lock, ConnectorLock) and isinstance(meter, EnergyMeter)
        assert isinstance(made.driver, PilotController)
        async with running(made.driver), running(lock), running(meter):
            meter.sample_every(1)
            lock.lock()
            await made.charging()
            await eventually(lambda: part.locked)
            await made.heard.until(lambda event: isinstance(event, MeterSampled) and event.power_w == 6900)
            await part.take_away()
            await eventually(lambda: len(made.heard.of(DeviceLost)) == 3)
            await part.bring_back()
            await eventually(lambda: len(made.heard.of(DeviceFound)) == 6)


async def test_when_the_driver_that_runs_the_line_ends_another_takes_over() -> None:
    async with EmulatedEverestMcu(speed=20) as part:
        made = Rig(part)
        lock: Any = made.more("everest_mcu_lock", Place("evse[0].connectors[0].lock", 1))
        async with running(made.driver):
            await made.heard.until(PilotChanged(1, A))
            async with running(lock):
                await made.heard.until(LockMoved)
            other = asyncio.create_task(lock.run())
        try:
            lock.lock()
            await eventually(lambda: part.locked)
        finally:
            other.cancel()


async def test_a_bolt_that_jams_is_not_hammered_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(everest_mcu_line, "KEEP_ALIVE_S", 0.02)
    async with EmulatedEverestMcu(speed=20) as part:
        made = Rig(part)
        lock: Any = made.more("everest_mcu_lock", Place("evse[0].connectors[0].lock", 1))
        async with running(made.driver), running(lock):
            await made.heard.until(LockMoved(1, "unlocked"))
            part.jam()
            lock.lock()
            await eventually(lambda: len([kind for kind, _, _ in part.heard if kind == "pwm"]) > 20)
            assert len([kind for kind, _, _ in part.heard if kind == "lock"]) == 3


async def test_two_ports_of_one_board_are_two_evses() -> None:
    first = EmulatedEverestMcu(Load(), speed=20, board="phyverso", port=1)
    second = EmulatedEverestMcu(Load(), speed=20, board="phyverso", port=2)
    first.share_line(second)
    async with first:
        made = Rig(first, motor_lock="hella", socket=True)
        other: Any = made.more("everest_mcu", Place("evse[1].pilot", 2, limit_a=16), board="phyverso", port=2)
        async with running(made.driver), running(other):
            await made.heard.until(PilotChanged(2, A))
            second.plug_in(10)
            await made.heard.until(PilotChanged(2, B))
            other.apply(POWER_13_A)
            await made.heard.until(PowerChanged(2, True))
            assert (first.offers_a, first.relay, second.load.current_a) == (None, False, 10)
            assert PilotChanged(1, B) not in made.heard.events
        ports = [dict(split(value)) for field, value in split(first.config) if field == 6]
        assert ports[0] == {1: 1, 4: 1, 5: 1}
        assert ports[1][1] == 1


async def test_a_port_whose_driver_ends_is_not_permitted_to_charge_and_the_other_goes_on() -> None:
    first = EmulatedEverestMcu(Load(), speed=20, board="phyverso", port=1)
    second = EmulatedEverestMcu(Load(), speed=20, board="phyverso", port=2)
    first.share_line(second)
    async with first:
        made = Rig(first)
        other: Any = made.more("everest_mcu", Place("evse[1].pilot", 2, limit_a=16), board="phyverso", port=2)
        async with running(made.driver):
            await made.charging()
            async with running(other):
                second.plug_in(10)
                other.apply(POWER_13_A)
                await made.heard.until(PowerChanged(2, True))
            await eventually(lambda: not second.permitted and not second.relay)
            assert first.relay


async def test_two_pilots_on_one_port_are_told() -> None:
    async with EmulatedEverestMcu(speed=20) as part:
        made = Rig(part)
        second = made.more("everest_mcu", Place("evse[1].pilot", 2))
        async with running(made.driver):
            await made.heard.until(DeviceFound)
            async with running(second):
                lost = await made.heard.until(DeviceLost)
        assert lost == DeviceLost(2, "evse[1].pilot", f"{part.device}: used by another part of this board")


@pytest.mark.parametrize(
    ("driver", "options", "complaint"),
    [
        ("everest_mcu", {"board": "yetti"}, "Invalid enum value 'yetti'"),
        ("everest_mcu", {"port": 2}, "evse[0].pilot: Yeti has 1 port, not 2"),
        ("everest_mcu", {"board": "umwc", "phase_switch": True}, "evse[0].pilot: uMWC cannot switch phases"),
        ("everest_mcu_lock", {"board": "ad_acevse22kwz"}, "evse[0].pilot: AD-ACEVSE22KWZ has no lock"),
        ("everest_mcu_meter", {"board": "phyverso"}, "evse[0].pilot: phyVERSO tells of no meter"),
    ],
)
def test_what_a_board_has_not_is_told_before_anything_runs(
    driver: str, options: dict[str, Any], complaint: str
) -> None:
    bus = SerialBus(SerialBus.Config(device="/dev/null"))
    with pytest.raises(BadOptions) as caught:
        make_driver(driver, options, PLACE, bus, print)
    assert complaint in str(caught.value)


def test_two_boards_on_one_line_are_told() -> None:
    bus = SerialBus(SerialBus.Config(device="/dev/null"))
    make_driver("everest_mcu", {"board": "yeti"}, PLACE, bus, print)
    with pytest.raises(BadOptions, match="board 'umwc', but another part says that 'yeti' is on this bus"):
        make_driver("everest_mcu_lock", {"board": "umwc"}, Place("evse[0].lock", 1), bus, print)


def test_every_board_can_be_emulated() -> None:
    assert set(BOARDS) == set(MODELS) == set(get_args(Name))
    assert issubclass(EverestMcu, object)
