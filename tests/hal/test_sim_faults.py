"""Faults, lost wires and power cuts on a simulated board."""

from __future__ import annotations

import asyncio

import pytest

from hal.bus.sim import SimBus
from hal.bus.sim_evse import Vehicle
from hal.drivers.sim_pilot import SimPilot
from hal.events import (
    BayChanged,
    CableRated,
    CardPresented,
    CpState,
    DeviceFound,
    DeviceLost,
    Event,
    HardwareFaulted,
    HardwareHealed,
    LockMoved,
    MeterSampled,
    PilotChanged,
    PowerChanged,
)
from hal.ports import PilotIntent, Place
from tests.hal.test_sim import KW_16A, PERMIT_16A, Desk

# ---- faults ----


def test_a_fault_opens_the_contactor_and_is_told_before_it():
    desk = Desk()
    desk.charge()
    desk.world.fault(1, "GroundFailure", vendor_code="RCD-6mA")
    assert desk.take(HardwareFaulted, PowerChanged) == [
        HardwareFaulted(1, "GroundFailure", None, "RCD-6mA"),
        PowerChanged(1, closed=False),
    ]
    desk.world.clear_fault(1)
    assert desk.take(HardwareHealed, PowerChanged) == [
        HardwareHealed(1, "GroundFailure"),
        PowerChanged(1, closed=True, phases=3),
    ]


def test_two_faults_on_two_connectors_are_told_and_healed_apart():
    desk = Desk(connectors=2)
    desk.take()
    desk.world.fault(1, "HighTemperature", connector=1)
    desk.world.fault(1, "HighTemperature", connector=2)
    desk.world.fault(1, "HighTemperature", connector=2)
    desk.world.clear_fault(1)
    assert desk.take() == [
        HardwareFaulted(1, "HighTemperature", 1),
        HardwareFaulted(1, "HighTemperature", 2),
        HardwareHealed(1, "HighTemperature", 1),
        HardwareHealed(1, "HighTemperature", 2),
    ]


def test_a_fault_that_has_no_name_here_is_an_other_error_that_keeps_its_name():
    desk = Desk()
    desk.take()
    desk.world.fault(1, "EVCommunicationError")
    desk.world.fault(1, "WeakSignal", connector=1, vendor_code="W7")
    assert desk.take() == [
        HardwareFaulted(1, "OtherError", None, "EVCommunicationError", "EVCommunicationError"),
        HardwareFaulted(1, "OtherError", 1, "W7", "WeakSignal"),
    ]


def test_a_broken_card_reader_does_not_stop_a_charge():
    desk = Desk()
    desk.charge()
    desk.world.fault(1, "ReaderFailure")
    assert desk.take() == [HardwareFaulted(1, "ReaderFailure")]


def test_a_lock_answers_every_command_and_a_stuck_one_with_where_it_stays():
    desk = Desk()
    desk.take()
    lock = desk.locks[1, 1]
    lock.lock()
    lock.lock()
    desk.clock.turn()
    assert desk.take()[0] == LockMoved(1, "locked")
    desk.world.fault(1, "ConnectorLockFailure", connector=1)
    desk.take()
    lock.unlock()
    desk.clock.turn()
    assert desk.take() == [LockMoved(1, "locked")]


def test_a_locked_cable_can_be_torn_out():
    desk = Desk()
    desk.charge()
    desk.locks[1, 1].lock()
    desk.world.unplug(1)
    assert desk.world.plugged(1) is None and not desk.world.at(1).closed


# ---- wires and power that come and go ----


def test_a_pilot_without_its_host_stops_and_gets_its_last_wish_when_it_is_back():
    desk = Desk()
    desk.charge()
    desk.world.lose(1, "pilot")
    assert not desk.world.at(1).closed
    assert desk.take(DeviceLost, PilotChanged, PowerChanged) == [
        DeviceLost(1, "evse[0].pilot", "the simulated wire is off")
    ]
    desk.pilots[1].apply(PilotIntent(limit_a=10.0, permit_power=True))
    desk.world.unplug(1)
    desk.world.plug_in(1)
    assert desk.take(PilotChanged) == []
    desk.world.find(1, "pilot")
    back = desk.take(DeviceFound, PilotChanged, PowerChanged)
    assert (type(back[0]), back[-1]) == (DeviceFound, PowerChanged(1, closed=True, phases=3))
    assert desk.world.at(1).power_w == 3 * 230 * 10


def test_a_meter_that_is_lost_is_silent_and_has_counted_on_when_it_is_back():
    desk = Desk()
    desk.meters[1].sample_every(60.0)
    desk.charge()
    desk.world.lose(1, "meter")
    desk.clock.advance(1800)
    desk.world.find(1, "meter")
    lost, found, reading = desk.take()
    assert (type(lost), type(found)) == (DeviceLost, DeviceFound)
    assert reading.import_wh == KW_16A / 2
    desk.clock.advance(60)
    assert [type(event) for event in desk.take()] == [MeterSampled]


def test_a_card_at_a_reader_that_is_lost_is_not_read():
    desk = Desk()
    desk.world.lose(0, "reader")
    desk.world.swipe("04AB")
    desk.world.find(0, "reader")
    assert desk.take(CardPresented) == []


def test_over_a_power_cut_the_vehicle_and_the_register_stay_and_the_contactor_opens():
    desk = Desk()
    desk.meters[1].sample_every(1.0)
    desk.charge()
    desk.clock.advance(3600)
    desk.take()
    old = desk.pilots[1]
    desk.world.power_lost()
    desk.clock.advance(3600)
    old.apply(PERMIT_16A)
    desk.clock.turn()
    assert desk.take() == [] and desk.clock.pending == 0
    assert not desk.world.at(1).closed
    desk.world.power_restored()
    desk.power_on()
    said = desk.take(PilotChanged, PowerChanged, MeterSampled, CableRated)
    assert PilotChanged(1, CpState.B, pwm=False) in said and PowerChanged(1, closed=False) in said
    assert CableRated(1, 63.0) in said
    assert [event.import_wh for event in said if isinstance(event, MeterSampled)] == [pytest.approx(KW_16A)]


def test_what_happens_while_the_station_is_dark_is_learned_when_it_wakes():
    desk = Desk()
    desk.world.power_lost()
    desk.world.plug_in(1)
    desk.world.fault(1, "OverVoltage")
    desk.world.bay(1, True)
    desk.world.swipe("04AB")
    desk.world.power_restored()
    desk.take()
    desk.power_on()
    said = desk.take()
    assert {PilotChanged(1, CpState.B, pwm=False), HardwareFaulted(1, "OverVoltage"), BayChanged(1, True)} <= set(said)
    assert not any(isinstance(event, CardPresented) for event in said)


async def test_a_driver_is_there_while_it_runs_and_its_contactor_opens_when_it_is_cancelled():
    bus = SimBus(SimBus.Config())
    closed = asyncio.Event()
    heard: list[Event] = []

    def post(event: Event) -> None:
        heard.append(event)
        if isinstance(event, PowerChanged) and event.closed:
            closed.set()

    pilot = SimPilot(SimPilot.Config(), Place("evse[0].pilot", 1), bus, post)
    pilot.apply(PERMIT_16A)  # a wish from before it runs
    running = asyncio.create_task(pilot.run())
    await asyncio.sleep(0)
    bus.world.plug_in(1, ev=Vehicle(ready_after_ms=1))
    await asyncio.wait_for(closed.wait(), 10)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert not bus.world.at(1).closed
    heard.clear()
    bus.world.unplug(1)
    assert heard == []
