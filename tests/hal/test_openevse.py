"""The OpenEVSE driver against an emulated controller with a vehicle, over a pseudo-terminal."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from select import select
from typing import Any

import pytest

from hal.bus.serial import SerialBus
from hal.drivers.openevse import OpenEvse
from hal.drivers.openevse_states import FAULTS, Seen
from hal.events import (
    CpState,
    DeviceFound,
    DeviceLost,
    Event,
    HardwareFaulted,
    HardwareHealed,
    HardwareWarned,
    PilotChanged,
    PowerChanged,
)
from hal.ports import PilotController, PilotIntent, Place
from hal.registry import make_driver
from tests.emulators.openevse import DISABLED, SLEEPING, EmulatedOpenEvse
from tests.emulators.pty import BYTE_BY_BYTE, QUIET, Noise
from tests.hal.rig import Heard, eventually, running

A, B, C, F = CpState.A, CpState.B, CpState.C, CpState.F
POWER_13_A = PilotIntent(limit_a=13, permit_power=True)
PLACE = Place("evse[0].pilot", 1, limit_a=16)
NOISY = Noise(chunk=3, garbage=0.01, loss=0.002)

pytestmark = pytest.mark.usefixtures("quick_hotplug")


class Rig:
    """A driver that runs, its controller, and what it posts."""

    def __init__(self, part: EmulatedOpenEvse, **options: Any) -> None:
        self.part = part
        self.heard = Heard()
        self.bus = SerialBus(SerialBus.Config(device=part.device))
        driver = make_driver("openevse", options, PLACE, self.bus, self.heard)
        assert isinstance(driver, OpenEvse)
        self.driver = driver

    async def greeted(self) -> None:
        """The handshake is over when the trips were counted."""
        await self.heard.until(DeviceFound)
        await eventually(lambda: "GF" in self.part.heard)

    async def charging(self) -> None:
        await self.heard.until(PilotChanged(1, A, pwm=False))
        self.part.plug_in(10)
        await self.heard.until(PilotChanged(1, B, pwm=False))
        self.driver.apply(POWER_13_A)
        await self.heard.until(PowerChanged(1, True))


@asynccontextmanager
async def rig(noise: Noise = QUIET, part: EmulatedOpenEvse | None = None, **options: Any) -> AsyncIterator[Rig]:
    async with part or EmulatedOpenEvse(noise=noise, speed=20) as emulated:
        made = Rig(emulated, **options)
        async with running(made.driver):
            yield made


def warnings(heard: Heard) -> list[str]:
    return [event.text for event in heard.events if isinstance(event, HardwareWarned)]


# ---- the session ----


@pytest.mark.parametrize("noise", [QUIET, BYTE_BY_BYTE, NOISY], ids=["quiet", "byte by byte", "noisy"])
async def test_a_session_from_plug_to_unplug(noise: Noise) -> None:
    async with rig(noise) as bench:
        await bench.charging()
        assert bench.part.offers_a == 13
        assert bench.part.load.current_a == 10
        bench.driver.apply(PilotIntent())
        await bench.heard.until(PowerChanged(1, False))
        await eventually(lambda: bench.part.state == SLEEPING)
        bench.part.unplug()
        await bench.heard.until(lambda event: isinstance(event, PilotChanged) and event.state is A)


async def test_a_plug_in_is_seen_while_power_is_not_permitted() -> None:
    async with rig() as bench:
        await eventually(lambda: bench.part.state == SLEEPING)
        bench.part.plug_in()
        await bench.heard.until(PilotChanged(1, B, pwm=False))
        assert not bench.part.relay
        bench.part.unplug()
        await bench.heard.until(PilotChanged(1, A, pwm=False))


async def test_the_current_is_set_volatile_and_before_the_controller_is_enabled() -> None:
    async with rig() as bench:
        await bench.greeted()
        written = bench.part.eeprom_writes
        del bench.part.heard[:]
        bench.driver.apply(POWER_13_A)
        await eventually(lambda: "FE" in bench.part.heard)
        assert bench.part.heard[:2] == ["SC 13 V", "FE"]
        assert bench.part.eeprom_writes == written


async def test_only_what_differs_is_sent() -> None:
    async with rig() as bench:
        await bench.greeted()
        bench.driver.apply(POWER_13_A)
        await eventually(lambda: "FE" in bench.part.heard)
        del bench.part.heard[:]
        bench.driver.apply(PilotIntent(limit_a=13, permit_power=True, reason="again"))
        bench.driver.apply(PilotIntent(limit_a=8.9, permit_power=True))
        await eventually(lambda: bool(bench.part.heard))
        bench.driver.apply(PilotIntent(limit_a=8, permit_power=True))
        bench.driver.apply(PilotIntent())
        await eventually(lambda: "FS" in bench.part.heard)
        assert [line for line in bench.part.heard if line != "GS"] == ["SC 8 V", "FS"]


async def test_the_first_wish_goes_at_once_and_the_latest_wins() -> None:
    async with rig() as bench:
        await bench.greeted()
        for amps in (6, 7, 8, 9, 10):
            bench.driver.apply(PilotIntent(limit_a=amps, permit_power=True))
        await eventually(lambda: "FE" in bench.part.heard)
        assert [line for line in bench.part.heard if line.startswith("SC")] == ["SC 6 V", "SC 10 V"]


async def test_a_wish_is_on_the_wire_before_the_loop_turns_again() -> None:
    async with rig() as bench:
        await bench.greeted()
        bench.driver.apply(POWER_13_A)
        far = bench.part._pty._master
        assert select([far], [], [], 5)[0]
        bench.part._receive(os.read(far, 4096))
        assert bench.part.heard[-1] == "SC 13 V"
        await eventually(lambda: bench.part.heard[-1] == "FE")


async def test_a_command_does_not_wait_for_the_answer_to_a_question() -> None:
    async with rig(poll_s=0.5) as bench:
        await bench.greeted()
        bench.part.commands = bench.part.commands | {"GS": lambda *_: None}
        del bench.part.heard[:]
        await eventually(lambda: "GS" in bench.part.heard)
        bench.driver.apply(POWER_13_A)
        await eventually(lambda: len(bench.part.heard) > 1)
        assert bench.part.heard[:2] == ["GS", "SC 13 V"]


@pytest.mark.parametrize("limit_a", [None, 0.0, 5.9])
async def test_less_than_six_amps_is_no_power(limit_a: float | None) -> None:
    async with rig() as bench:
        await bench.greeted()
        bench.driver.apply(POWER_13_A)
        await eventually(lambda: bench.part.state != SLEEPING)
        bench.driver.apply(PilotIntent(limit_a=limit_a, permit_power=True))
        await eventually(lambda: bench.part.state == SLEEPING)


async def test_never_more_than_the_board_and_the_part_allow() -> None:
    async with rig(part=EmulatedOpenEvse(speed=20, max_a=10)) as bench:
        await bench.greeted()
        bench.driver.apply(PilotIntent(limit_a=63, permit_power=True))
        await eventually(lambda: bench.part.state != SLEEPING)
        assert not [line for line in bench.part.heard if line.startswith("SC")]  # it offers 10 A already
        assert bench.part.amps == 10
        assert "offers at most 10 A, the board file says 16 A" in warnings(bench.heard)


async def test_unavailable_is_state_f_and_available_again_shows_the_vehicle() -> None:
    async with rig() as bench:
        await bench.heard.until(PilotChanged(1, A, pwm=False))
        bench.driver.apply(PilotIntent(available=False))
        await bench.heard.until(PilotChanged(1, F, pwm=False))
        assert bench.part.state == DISABLED
        bench.part.plug_in()
        bench.driver.apply(PilotIntent())
        await bench.heard.until(PilotChanged(1, B, pwm=False))


async def test_a_vehicle_that_pauses_is_b_and_goes_on_by_itself() -> None:
    async with rig() as bench:
        await bench.charging()
        bench.part.pause()
        await bench.heard.until(PowerChanged(1, False))
        await bench.heard.until(PilotChanged(1, B, pwm=True))
        bench.part.ready()
        await bench.heard.until(PowerChanged(1, True))


async def test_a_relay_that_opens_late_is_seen_although_no_frame_tells() -> None:
    async with rig() as bench:
        bench.part.stubborn = True
        await bench.charging()
        bench.driver.apply(PilotIntent())
        await eventually(lambda: not bench.part.relay)
        await bench.heard.until(PowerChanged(1, False))


async def test_causes_come_before_effects() -> None:
    seen = Seen(1)
    list(seen.look(0x02, 0x02, 0x0100))
    assert list(seen.look(0x03, 0x03, 0x0140)) == [PilotChanged(1, C, pwm=True), PowerChanged(1, True)]
    assert list(seen.look(0x06, 0x03, 0x0102)) == [
        HardwareFaulted(
            1,
            "GroundFailure",
            vendor_code="06",
            text="residual current (GFCI) tripped, latched until it is unplugged or restarted",
        ),
        PowerChanged(1, False),
        PilotChanged(1, C, pwm=False),
    ]


# ---- what may go wrong ----


@pytest.mark.parametrize("state", FAULTS, ids=lambda state: f"{state:02X}")
async def test_a_fault_is_told_with_its_code_and_its_end(state: int) -> None:
    code = FAULTS[state][0]
    async with rig() as bench:
        await bench.greeted()
        bench.part.fault(state)
        fault = await bench.heard.until(HardwareFaulted)
        assert isinstance(fault, HardwareFaulted)
        assert (fault.code, fault.vendor_code) == (code, f"{state:02X}")
        bench.part.clear_fault()
        await bench.heard.until(HardwareHealed(1, code))


async def test_a_faulted_controller_is_not_sent_to_sleep_and_gets_the_wish_when_it_heals() -> None:
    async with rig(poll_s=0.5) as bench:
        await bench.charging()
        bench.part.fault(0x06)
        await bench.heard.until(HardwareFaulted)
        del bench.part.heard[:]
        bench.driver.apply(PilotIntent())
        await eventually(lambda: bench.part.heard.count("GS") >= 2)
        assert (bench.part.state, "FS" in bench.part.heard) == (0x06, False)
        bench.part.clear_fault()
        await eventually(lambda: bench.part.state == SLEEPING)
        assert HardwareHealed(1, "GroundFailure") in bench.heard.events
        await eventually(lambda: not bench.part.relay)


async def test_a_fault_that_is_gone_when_the_device_is_back_is_healed() -> None:
    async with rig() as bench:
        await bench.greeted()
        bench.part.fault(0x07)
        await bench.heard.until(HardwareFaulted)
        await bench.part.take_away()
        await bench.heard.until(DeviceLost)
        bench.part.clear_fault()
        await bench.part.bring_back()
        await bench.heard.until(HardwareHealed(1, "GroundFailure"))


async def test_clearing_a_fault_restarts_the_controller_and_only_a_faulted_one() -> None:
    async with rig() as bench:
        await bench.greeted()
        bench.driver.clear_fault()
        bench.driver.apply(POWER_13_A)
        await eventually(lambda: "FE" in bench.part.heard)
        assert "FR" not in bench.part.heard
        bench.part.fault(0x08)
        await bench.heard.until(HardwareFaulted)
        bench.driver.clear_fault()
        await bench.heard.until(HardwareHealed(1, "WeldedContactor"))
        assert "FR" in bench.part.heard
        await eventually(lambda: bench.part.amps == 13)
        assert not bench.heard.of(DeviceLost)


async def test_a_restarted_controller_is_put_to_sleep_at_once_and_gets_the_current_again() -> None:
    async with rig() as bench:
        await bench.greeted()
        bench.part.power_cycle()
        await eventually(lambda: bench.part.heard.count("FS") == 2)
        assert bench.part.state == SLEEPING
        bench.driver.apply(POWER_13_A)
        await eventually(lambda: bench.part.offers_a is None and "FE" in bench.part.heard)
        bench.part.power_cycle()
        await eventually(lambda: bench.part.heard.count("SC 13 V") == 2)
        assert (bench.part.amps, bench.part.state) == (13, 0x01)
        assert "the controller has restarted" in warnings(bench.heard)


async def test_enabled_by_another_hand_is_undone_at_once() -> None:
    async with rig(poll_s=60) as bench:
        await bench.greeted()
        await eventually(lambda: bench.part.state == SLEEPING)
        bench.part.switch_by_hand()
        assert bench.part.state != SLEEPING
        await eventually(lambda: bench.part.state == SLEEPING)


async def test_put_to_sleep_by_another_hand_is_undone_at_the_next_poll() -> None:
    async with rig(poll_s=0.5) as bench:
        await bench.charging()
        bench.part.switch_by_hand()
        await eventually(lambda: bench.part.state != SLEEPING)


async def test_switched_off_safety_checks_are_warned_of_once() -> None:
    async with rig(part=EmulatedOpenEvse(speed=20, flags=0x0021 | 0x0008 | 0x0200)) as bench:
        await bench.greeted()
        bench.part.power_cycle()
        await bench.heard.until(HardwareWarned)
        await eventually(lambda: bench.part.heard.count("GE") == 2)
        told = [text for text in warnings(bench.heard) if "safety" in text]
        assert told == ["safety checks switched off in the controller: ground check, GFCI self test"]


async def test_an_overheated_controller_is_not_fought_with() -> None:
    async with rig() as bench:
        await bench.charging()
        bench.part.amps = 8
        bench.part.state = 0x0A
        bench.part._announce()
        await bench.heard.until(HardwareFaulted)
        await bench.heard.until(lambda event: isinstance(event, HardwareWarned) and "refused SC 13" in event.text)
        assert bench.part.heard.count("SC 13 V") <= 3
        assert bench.part.amps == 8


async def test_a_controller_that_does_not_go_down_is_put_to_sleep() -> None:
    part = EmulatedOpenEvse(speed=20)
    part.commands = part.commands | {"SC": lambda _self, _words: (False, "32")}
    async with rig(part=part) as bench:
        bench.driver.apply(POWER_13_A)
        await bench.heard.until(lambda event: isinstance(event, HardwareWarned) and "refused SC 13" in event.text)
        await eventually(lambda: part.state == SLEEPING)
        assert "FE" not in part.heard


async def test_trips_of_the_past_are_told_once_and_new_ones_when_they_come() -> None:
    part = EmulatedOpenEvse(speed=20)
    part.trips.update({0x06: 3, 0x08: 255})
    async with rig(part=part, poll_s=0.5) as bench:
        await bench.heard.until(
            HardwareWarned(
                1,
                "evse[0].pilot",
                "the controller has tripped since it was made, counts: residual current 3, stuck relay 255 or more",
            )
        )
        bench.part.fault(0x07)
        await bench.heard.until(
            HardwareWarned(1, "evse[0].pilot", "the controller has tripped again, counts: no earth 1")
        )
        assert len([text for text in warnings(bench.heard) if "tripped" in text]) == 2


async def test_a_controller_without_counters_is_used_all_the_same() -> None:
    part = EmulatedOpenEvse(speed=20)
    part.commands = {name: answer for name, answer in part.commands.items() if name != "GF"}
    async with rig(part=part) as bench:
        await bench.charging()
        assert not [text for text in warnings(bench.heard) if "tripped" in text]


@pytest.mark.parametrize("flag", [0x4000, 0x0008], ids=["boot lock", "authorization lock"])
async def test_a_lock_of_its_own_is_opened(flag: int) -> None:
    part = EmulatedOpenEvse(speed=20)
    part.extra_flags = flag
    async with rig(part=part) as bench:
        await eventually(lambda: part.extra_flags == 0)
        await bench.charging()


async def test_an_authorization_lock_that_stays_is_warned_of() -> None:
    part = EmulatedOpenEvse(speed=20)
    part.extra_flags = 0x0008
    part.commands = {name: answer for name, answer in part.commands.items() if name != "S4"}
    async with rig(part=part) as bench:
        await bench.heard.until(lambda event: isinstance(event, HardwareWarned) and "authorization lock" in event.text)


async def test_limits_set_at_the_controller_are_warned_of() -> None:
    part = EmulatedOpenEvse(speed=20)
    part.extra_flags = 0x0010 | 0x2000
    async with rig(part=part, poll_s=0.5) as bench:
        await bench.heard.until(HardwareWarned)
        await eventually(
            lambda: (
                "set at the controller itself: a time limit is set, a charge limit is set; it may stop by itself"
                in warnings(bench.heard)
            )
        )


async def test_a_restart_that_ends_in_a_failed_self_test_says_so() -> None:
    async with rig() as bench:
        await bench.greeted()
        bench.part.postcode = 0x09
        bench.part.power_cycle()
        await eventually(lambda: "the controller has restarted; its self test says 09" in warnings(bench.heard))


async def test_a_fault_that_latches_says_how_to_get_rid_of_it() -> None:
    async with rig() as bench:
        await bench.greeted()
        bench.part.fault(0x06)
        fault = await bench.heard.until(HardwareFaulted)
        assert isinstance(fault, HardwareFaulted)
        assert fault.text.endswith("latched until it is unplugged or restarted")


async def test_the_command_that_switches_the_echo_on_is_never_sent() -> None:
    async with rig() as bench:
        await bench.charging()
        bench.part.fault(0x08)
        await bench.heard.until(HardwareFaulted)
        bench.driver.clear_fault()
        await bench.heard.until(HardwareHealed)
        assert not [line for line in bench.part.heard if line.startswith("FF")]


# ---- the heartbeat ----


async def test_the_heartbeat_is_armed_once_and_not_written_again() -> None:
    async with rig(heartbeat_s=30, fallback_a=8) as bench:
        await eventually(lambda: bench.part.heartbeat_s == 30)
        assert (bench.part.fallback_a, bench.part.eeprom_writes) == (8, 1)
        bench.part.power_cycle()
        await eventually(lambda: bench.part.heard.count("GY") == 2)
        assert bench.part.eeprom_writes == 1


async def test_a_missed_heartbeat_of_the_last_run_is_acknowledged() -> None:
    part = EmulatedOpenEvse(speed=20)
    part.heartbeat_s, part.fallback_a, part.trigger, part.amps = 30, 6, 2, 6
    async with rig(part=part) as bench:
        bench.driver.apply(POWER_13_A)
        await eventually(lambda: part.trigger == 1)
        await eventually(lambda: part.amps == 13 and part.state != SLEEPING)


async def test_pulses_keep_the_current_and_silence_lowers_it() -> None:
    async with EmulatedOpenEvse(speed=20) as part:
        made = Rig(part, heartbeat_s=1, poll_s=60)
        assert made.driver.traits.on_host_loss == "falls_back"
        assert made.driver.traits.fallback_a == 6
        async with running(made.driver):
            await made.charging()
            await eventually(lambda: part.heard.count("SY") >= 4)
            assert (part.trigger, part.amps) == (0, 13)
        part.switch_by_hand()  # it was sent to sleep; what the declaration speaks of is a controller that is enabled
        await eventually(lambda: part.trigger == 2)
        assert part.offers_a == 6


async def test_a_heartbeat_that_came_too_late_is_acknowledged_and_the_current_restored() -> None:
    async with rig(heartbeat_s=1) as bench:
        bench.driver.apply(POWER_13_A)
        await bench.greeted()
        bench.part._miss()
        await eventually(lambda: bench.part.trigger == 1)
        await eventually(lambda: bench.part.amps == 13)
        assert "a heartbeat came too late, the controller had fallen back" in warnings(bench.heard)


async def test_without_heartbeat_the_declaration_says_so() -> None:
    async with rig(heartbeat_s=0) as bench:
        assert bench.driver.traits.on_host_loss == "continues"
        await bench.heard.until(DeviceFound)
        await eventually(lambda: "GY" in bench.part.heard)
        bench.driver.apply(POWER_13_A)
        await eventually(lambda: "FE" in bench.part.heard)
        assert not [line for line in bench.part.heard if line.startswith("SY")]


async def test_a_controller_without_heartbeat_is_warned_of_and_used() -> None:
    part = EmulatedOpenEvse(speed=20)
    part.commands = {name: answer for name, answer in part.commands.items() if name not in ("GY", "SY")}
    async with rig(part=part) as bench:
        await bench.charging()
        assert any("no heartbeat supervision" in text for text in warnings(bench.heard))


# ---- the wire ----


async def test_a_device_that_goes_is_lost_once_found_once_and_has_its_wish_again() -> None:
    async with rig() as bench:
        await bench.charging()
        await bench.part.take_away()
        lost = await bench.heard.until(DeviceLost)
        assert lost == DeviceLost(1, "evse[0].pilot", f"{bench.part.device}: hung up")
        bench.part.power_cycle()
        await bench.part.bring_back()
        await bench.heard.until(DeviceFound)
        await bench.heard.until(PilotChanged)
        await eventually(lambda: bench.part.offers_a == 13)
        assert len(bench.heard.of(DeviceLost)) == 1
        assert len(bench.heard.of(DeviceFound)) == 2


async def test_a_controller_that_falls_silent_is_lost_and_found_again() -> None:
    async with rig(poll_s=0.5) as bench:
        await bench.greeted()
        bench.part.muted = True
        lost = await bench.heard.until(DeviceLost)
        assert lost == DeviceLost(1, "evse[0].pilot", f"{bench.part.device}: no answer to GS")
        bench.part.muted = False
        await bench.heard.until(DeviceFound)
        assert bench.driver.counters["timeouts"] >= 3


async def test_garbage_is_skipped_counted_and_told_once() -> None:
    async with rig(poll_s=0.5) as bench:
        await bench.greeted()
        for _ in range(50):
            bench.part.garbage(bytes(range(256)))
        bench.part.plug_in()
        await bench.heard.until(PilotChanged(1, B, pwm=False))
        await bench.heard.until(lambda event: isinstance(event, HardwareWarned) and "noise" in event.text)
        assert bench.driver.counters["garbage_bytes"] > 5000
        assert len([text for text in warnings(bench.heard) if "noise" in text]) == 1


async def test_replies_to_nobody_change_nothing() -> None:
    async with rig() as bench:
        await bench.greeted()
        bench.part.say("OK 03 0 03 0140 :77")
        bench.part.say("NK")
        bench.part.plug_in()
        await bench.heard.until(PilotChanged(1, B, pwm=False))
        await eventually(lambda: bench.driver.counters["stale_replies"] == 2)
        assert PowerChanged(1, True) not in bench.heard.events


async def test_a_late_reply_is_not_taken_for_the_answer_to_another_question() -> None:
    part = EmulatedOpenEvse(speed=20)

    def status(self: EmulatedOpenEvse, words: list[str]) -> tuple[bool, str]:
        self.say("OK FF 0 01 0000 :F0")
        return self._get_status(words)

    part.commands = part.commands | {"GS": status}
    async with rig(part=part) as bench:
        await bench.charging()
        assert bench.driver.counters["stale_replies"] >= 1
        assert PilotChanged(1, F, pwm=False) not in bench.heard.events


async def test_what_it_says_by_itself_behind_a_reply_is_newer_than_the_reply() -> None:
    part = EmulatedOpenEvse(speed=20)
    plugs = [False]

    def status(self: EmulatedOpenEvse, words: list[str]) -> tuple[bool, str]:
        before = self._get_status(words)
        if plugs.pop() if plugs else False:
            self.plug_in(ready_after=None)
            self._settle()  # told behind the reply, in the same breath
        return before

    part.commands = part.commands | {"GS": status}
    async with rig(part=part) as bench:
        await bench.greeted()
        plugs.append(True)
        await bench.heard.until(PilotChanged(1, B, pwm=False))
        asked = part.heard.count("GS")
        await eventually(lambda: part.heard.count("GS") > asked + 1)
        pilots = [event.state for event in bench.heard.events if isinstance(event, PilotChanged)]
        assert pilots == [A, B]


async def test_a_flood_of_states_is_cut_and_the_truth_is_known_after_it() -> None:
    async with rig() as bench:
        await bench.greeted()
        for number in range(400):
            bench.part.say(f"AT FE 0{1 + number % 2} 13 0000")
        bench.part.plug_in()
        await eventually(lambda: bench.driver.counters["flooded"] > 300)
        assert len(bench.heard.of(PilotChanged)) < 100
        await bench.heard.until(lambda event: isinstance(event, HardwareWarned) and "state changes" in event.text)
        last = bench.heard.events
        await eventually(lambda: _last_pilot(last) is B)


def _last_pilot(events: list[Event]) -> CpState:
    return [event.state for event in events if isinstance(event, PilotChanged)][-1]


async def test_a_clean_end_puts_the_controller_to_sleep() -> None:
    async with EmulatedOpenEvse(speed=20) as part:
        made = Rig(part)
        async with running(made.driver):
            await made.charging()
        assert part.heard[-1] == "FS"
        assert part.state == SLEEPING


async def test_a_clean_end_does_not_wait_for_a_controller_that_says_nothing() -> None:
    async with EmulatedOpenEvse(speed=20) as part:
        made = Rig(part)
        task = asyncio.create_task(made.driver.run())
        await made.charging()
        part.muted = True
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 1)


def test_it_is_a_pilot_controller() -> None:
    driver = OpenEvse(OpenEvse.Config(), PLACE, SerialBus(SerialBus.Config(device="/dev/null")), print)
    assert isinstance(driver, PilotController)
    assert driver.traits.max_a == 16
