"""Block J, as far as a plain session needs it: when the meter is read, and in which words a reading is told."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from agent.blocks.j_meter_values import QUIET_PERIOD_S
from agent.blocks.readings import MEASURANDS, meter_value
from agent.model.catalogue import MEASURANDS as CONFIGURABLE
from agent.session.metering import CHARGING_PERIOD_S
from agent.session.transaction import Reading
from hal.events import MeterSampled
from tests.bench import Bench, story
from tests.blocks.test_e_start import bench_with

AT = datetime(2026, 1, 1, tzinfo=UTC)
FULL = Reading(
    MeterSampled(
        1,
        import_wh=1500.0,
        export_wh=7.0,
        power_w=11040.0,
        voltage_v=(230.0, 231.0, 232.0),
        current_a=(16.0, 15.9, 15.8),
        frequency_hz=50.01,
        power_factor=0.99,
        soc_percent=55.0,
        import_phase_wh=(500.0, 501.0, 499.0),
        export_phase_wh=(3.0, 2.0, 2.0),
        import_varh=11.0,
        export_varh=12.0,
        reactive_var=-90.0,
        import_vah=1700.0,
        export_vah=8.0,
    ),
    AT,
)


def test_J02_FR_03_every_measurand_that_can_be_configured_has_words():
    assert set(CONFIGURABLE) == set(MEASURANDS)
    told = meter_value(FULL, CONFIGURABLE, "Transaction.End")
    assert told is not None
    assert {sampled.measurand or "Energy.Active.Import.Register" for sampled in told.sampled_value} == set(CONFIGURABLE)


def test_J02_FR_02_J02_FR_06_J02_FR_07_currents_and_voltages_are_told_by_phase_in_one_meter_value():
    told = meter_value(FULL, ("Current.Import", "Voltage"), "Sample.Periodic")
    assert told is not None
    assert [(sampled.phase, sampled.value) for sampled in told.sampled_value] == [
        ("L1", 16.0),
        ("L2", 15.9),
        ("L3", 15.8),
        ("L1-N", 230.0),
        ("L2-N", 231.0),
        ("L3-N", 232.0),
    ]


def test_J02_FR_04_the_context_and_J02_FR_18_the_time_of_a_reading():
    told = meter_value(FULL, ("Power.Active.Import",), "Trigger")
    assert told is not None
    assert (told.timestamp, told.sampled_value[0].context, told.sampled_value[0].unit_of_measure.unit) == (  # type: ignore[union-attr]
        AT,
        "Trigger",
        "W",
    )


def test_what_the_meter_does_not_measure_is_left_out():
    little = Reading(MeterSampled(1, import_wh=5.0), AT)
    told = meter_value(little, CONFIGURABLE, "Sample.Periodic")
    assert told is not None
    assert [sampled.value for sampled in told.sampled_value] == [5.0]
    assert meter_value(little, ("SoC",), "Sample.Periodic") is None
    assert meter_value(None, CONFIGURABLE, "Sample.Periodic") is None
    assert meter_value(FULL, (), "Sample.Periodic") is None


def test_J01_FR_01_the_meter_is_read_from_the_start_and_seldom_while_nothing_happens():
    bench = Bench()
    assert bench.evse().reading is not None
    assert bench.plants[1].period_s == QUIET_PERIOD_S


def test_J02_FR_01_the_meter_is_read_often_in_a_transaction_and_seldom_after_it():
    bench = bench_with()
    bench.plug_in()
    bench.swipe()
    assert bench.plants[1].period_s == CHARGING_PERIOD_S
    bench.vehicle_wants(False)
    assert bench.plants[1].period_s == CHARGING_PERIOD_S
    bench.swipe()
    assert bench.plants[1].period_s == QUIET_PERIOD_S


def test_an_evse_at_rest_is_read_before_a_transaction_begins_with_what_it_shows():
    bench = bench_with()
    bench.pass_time(QUIET_PERIOD_S - 1)
    bench.plug_in()
    assert bench.evse().read_at_mono == bench.mono
    bench.pass_time(5)
    bench.swipe()
    assert bench.evse().read_at_mono == bench.mono


def test_the_meter_is_read_at_the_interval_of_the_readings_when_that_is_shorter():
    bench = bench_with(variables={"SampledDataCtrlr.TxUpdatedInterval": 2})
    bench.plug_in()
    bench.swipe()
    assert bench.plants[1].period_s == 2.0


def test_without_relay_feedback_the_meter_is_read_often_all_the_same():
    bench = bench_with(relay_feedback=False)
    bench.plug_in()
    bench.swipe()
    assert bench.plants[1].period_s == CHARGING_PERIOD_S


def test_J02_FR_11_readings_go_on_while_the_vehicle_pauses():
    bench = bench_with(variables={"SampledDataCtrlr.TxUpdatedInterval": 30})
    bench.plug_in()
    bench.swipe()
    bench.vehicle_wants(False)
    bench.take_events()
    bench.pass_time(90)
    assert bench.take_story() == [("Updated", "MeterValuePeriodic", "SuspendedEV")] * 3


def test_a_reading_that_was_told_is_not_told_as_a_new_one():
    bench = bench_with(variables={"SampledDataCtrlr.TxUpdatedInterval": 30})
    bench.plug_in()
    bench.swipe()
    bench.pass_time(30)
    bench.plants[1].meter_answers = False
    bench.take_events()
    bench.pass_time(300)
    assert [story(event)[1] for event in bench.take_events()].count("MeterValuePeriodic") <= 1


def test_J02_FR_17_registers_are_told_as_they_are_read():
    bench = bench_with()
    bench.plants[1].register_wh = 987654.321
    bench.read_meter()
    bench.plug_in()
    bench.swipe()
    started = bench.take_events()[0]
    assert started["meterValue"][0]["sampledValue"][0]["value"] == 987654.321


@pytest.mark.parametrize("before", [0, 30])
def test_an_interval_that_is_set_in_a_transaction_counts_at_once(before: int):
    bench = bench_with(variables={"SampledDataCtrlr.TxUpdatedInterval": before})
    bench.plug_in()
    bench.swipe()
    bench.set("SampledDataCtrlr.TxUpdatedInterval", 2)
    bench.pass_time(5)  # the meter is read at the new pace from its next reading on
    bench.take_events()
    bench.pass_time(60)
    assert bench.take_story() == [("Updated", "MeterValuePeriodic", "Charging")] * 30
    assert bench.set("SampledDataCtrlr.TxUpdatedInterval", 0) == "Accepted"
    bench.pass_time(60)
    assert bench.take_events() == []
