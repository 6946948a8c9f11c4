"""Energy of the simulated world: exact, lazy, and nothing ticks."""

from __future__ import annotations

import pytest

from hal.bus.sim_evse import Vehicle
from hal.events import (
    MeterSampled,
)
from hal.ports import PilotIntent
from tests.hal.test_sim import KW_16A, PERMIT_16A, Desk


@pytest.mark.parametrize(
    ("ev", "intent", "power_w"),
    [
        (Vehicle(current_a=32), PERMIT_16A, 3 * 230 * 16),
        (Vehicle(current_a=10), PERMIT_16A, 3 * 230 * 10),
        (Vehicle(phases=1), PERMIT_16A, 230 * 16),
        (Vehicle(), PilotIntent(limit_a=16.0, permit_power=True, phases=1), 230 * 16),
        (Vehicle(current_a=100), PilotIntent(limit_a=80.0, permit_power=True), 3 * 230 * 32),  # as the EVSE is wired
    ],
)
def test_a_vehicle_draws_the_least_of_what_it_wants_and_what_is_offered(ev, intent, power_w):
    desk = Desk()
    desk.world.plug_in(1, ev=ev)
    desk.apply(intent)
    desk.clock.advance(1800)
    assert desk.world.at(1).power_w == power_w
    assert desk.register_wh() == power_w / 2


def test_a_change_of_the_limit_counts_each_part_at_its_own_power():
    desk = Desk()
    desk.charge()
    desk.clock.advance(900)
    desk.apply(PilotIntent(limit_a=8.0, permit_power=True))
    assert desk.take(MeterSampled)[0].import_wh == KW_16A / 4
    desk.clock.advance(900)
    assert desk.register_wh() == KW_16A / 4 + KW_16A / 8


def test_speed_multiplies_energy_and_not_power_or_time():
    desk = Desk(speed=60)
    desk.charge(Vehicle(ready_after_ms=1000))
    desk.clock.advance(1)
    assert desk.take(MeterSampled)[0].power_w == KW_16A
    desk.clock.advance(60)
    assert desk.register_wh() == KW_16A


def test_a_reading_has_one_entry_a_phase():
    desk = Desk()
    desk.charge(Vehicle(phases=1, current_a=10))
    desk.world.meter(1, soc=41.0)
    [reading] = desk.take(MeterSampled)
    assert reading == MeterSampled(
        1,
        import_wh=0.0,
        export_wh=0.0,
        power_w=2300.0,
        power_phase_w=(2300.0, 0.0, 0.0),
        voltage_v=(230.0, 230.0, 230.0),
        current_a=(10.0, 0.0, 0.0),
        frequency_hz=50.0,
        power_factor=1.0,
        soc_percent=41.0,
    )


def test_a_meter_reads_at_its_pace_while_power_flows_and_rests_while_none_does():
    desk = Desk()
    desk.meters[1].sample_every(10.0)
    desk.clock.turn()
    desk.take()
    desk.clock.advance(3600)
    assert desk.take() == [] and desk.clock.pending == 0
    desk.charge()
    desk.clock.advance(30)
    assert [event.import_wh for event in desk.take()] == pytest.approx(
        [KW_16A * s / 3600 for s in (10, 20, 30)], abs=1e-3
    )
    desk.world.ev(1, "paused")
    desk.take()
    desk.clock.advance(3600)
    assert desk.take() == [] and desk.clock.pending == 0


def test_asking_for_a_pace_gives_the_first_reading_at_once():
    desk = Desk()
    desk.take()
    desk.meters[1].sample_every(60.0)
    desk.clock.turn()
    assert [type(event) for event in desk.take()] == [MeterSampled]


def test_a_meter_that_is_set_says_so_and_counts_on_from_there():
    desk = Desk()
    desk.charge()
    desk.world.meter(1, energy_wh=5000.0, power_w=1000.0)
    [reading] = desk.take()
    assert (reading.import_wh, reading.power_w) == (5000.0, 1000.0)
    desk.clock.advance(3600)
    assert desk.register_wh() == 6000.0


@pytest.mark.parametrize("cut", [lambda world: world.unplug(1), lambda world: world.ev(1, "paused")])
def test_power_that_was_set_is_cut_off_with_the_contactor(cut):
    desk = Desk()
    desk.charge()
    desk.world.meter(1, power_w=1000.0)
    cut(desk.world)
    desk.clock.advance(3600)
    assert desk.register_wh() == 0.0 and desk.clock.pending == 0


def test_power_that_was_set_at_an_open_contactor_ends_with_the_cable():
    desk = Desk()
    desk.meters[1].sample_every(60.0)
    desk.world.plug_in(1)
    desk.world.meter(1, power_w=1000.0)
    desk.clock.advance(3600)
    desk.world.unplug(1)
    desk.clock.advance(3600)
    assert desk.register_wh() == 1000.0 and desk.clock.pending == 0
