"""Block J, sampled data: what a transaction tells of its readings, and what its Ended has collected (J02, E06)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from agent.blocks.readings import MOST_BYTES, meter_value, thinned
from agent.session.transaction import MOST_COLLECTED, Collected, Reading, Transaction
from agent.vocabulary.values import ClockShift
from hal.events import MeterSampled
from tests.bench import Bench, Payload, contexts, only, register_wh, story
from tests.blocks.test_e_start import bench_with
from tests.blocks.test_j_clock_aligned import QUARTER_S, after_s

AT = datetime(2026, 1, 1, tzinfo=UTC)
ENDED = "SampledDataCtrlr.TxEndedInterval"
SILENT = {"SampledDataCtrlr.TxUpdatedInterval": 0}
CLOCK_ENDED = {
    "AlignedDataCtrlr.TxEndedInterval": QUARTER_S,
    "AlignedDataCtrlr.TxEndedMeasurands": "Energy.Active.Import.Register",
}


def charging(**variables: object) -> Bench:
    bench = bench_with(variables={**SILENT, **variables})
    bench.plug_in()
    bench.swipe()
    bench.take_sent()
    return bench


def ended(bench: Bench) -> Payload:
    bench.swipe()
    event = bench.take_events()[-1]
    assert event["eventType"] == "Ended"
    return event


def collected(event: Payload, context: str) -> list[float]:
    """When they were read, in seconds after midnight."""
    return [
        after_s(value["timestamp"])
        for value in event["meterValue"]
        if value["sampledValue"][0].get("context", "Sample.Periodic") == context
    ]


# ---- where it begins ----


@pytest.mark.parametrize("start", ["EVConnected", "PowerPathClosed", "EnergyTransfer"])
def test_J02_FR_04_E01_FR_09_where_the_evse_is_known_the_started_has_the_beginning(start: str):
    bench = bench_with(start=start, variables=SILENT)
    bench.plug_in()
    bench.swipe()
    first, *rest = bench.take_events()
    assert contexts(first) == ["Transaction.Begin"]
    assert [contexts(event) for event in rest] == [[]] * len(rest)


def test_E01_FR_17_where_the_evse_becomes_known_the_charging_has_the_beginning():
    bench = bench_with(evses=2, start="Authorized", variables=SILENT)
    bench.swipe()
    assert [contexts(event) for event in bench.take_events()] == [[]]
    bench.plug_in(evse=2)
    charging = bench.take_events()[-1]
    assert (story(charging)[2], contexts(charging)) == ("Charging", ["Transaction.Begin"])
    bench.vehicle_wants(False, evse=2)
    bench.vehicle_wants(True, evse=2)
    assert [contexts(event) for event in bench.take_events()] == [[]] * 2


def test_E01_FR_16_the_first_event_that_names_the_evse_has_the_beginning():
    """EVConnectedPreSession within EnergyTransferStarted, for a driver who was authorized at the station's reader."""
    chosen = "Energy.Active.Import.Register,Power.Active.Import"
    bench = bench_with(
        evses=2, start="Authorized", variables={**SILENT, "SampledDataCtrlr.TxStartedMeasurands": chosen}
    )
    bench.swipe()
    bench.plug_in(evse=2)
    told = bench.take_events()
    first = next(event for event in told if "evse" in event)
    assert first["evse"] == {"id": 2, "connectorId": 1}
    assert contexts(first) == ["Transaction.Begin"] * 2
    assert [each.get("measurand") for each in first["meterValue"][0]["sampledValue"]] == [None, "Power.Active.Import"]


def test_on_a_station_with_one_evse_the_first_event_that_names_it_has_the_beginning_too():
    bench = bench_with(start="Authorized", variables=SILENT)
    bench.swipe(evse=1)
    bench.plug_in()
    told = bench.take_events()
    assert [("evse" in event, contexts(event)) for event in told] == [
        (False, ["Transaction.Begin"]),  # E01.FR.09: it can be no other
        (True, ["Transaction.Begin"]),
        (False, []),
    ]


def test_the_beginning_is_not_told_again_with_a_vehicle_that_is_plugged_in_again():
    bench = bench_with(
        start="EVConnected", stop="Authorized", variables={**SILENT, "TxCtrlr.StopTxOnEVSideDisconnect": False}
    )
    bench.plug_in()
    bench.swipe()
    bench.take_events()
    bench.unplug()
    bench.plug_in()
    told = bench.take_events()
    assert "evse" in told[1]
    assert [contexts(event) for event in told] == [[]] * len(told)


# ---- what the Ended has collected ----


@pytest.mark.parametrize("interval_s", [7, 60])
def test_E06_FR_11_the_ended_has_readings_at_their_interval_between_beginning_and_end(interval_s: int):
    bench = charging(**{ENDED: interval_s})
    bench.pass_time(3.5 * interval_s)
    event = ended(bench)
    assert contexts(event) == ["Transaction.Begin", *["Sample.Periodic"] * 3, "Transaction.End"]
    assert collected(event, "Sample.Periodic") == [interval_s, 2 * interval_s, 3 * interval_s]


def test_E06_FR_11_an_interval_of_0_leaves_beginning_and_end():
    bench = charging(**{ENDED: 0})
    bench.pass_time(600)
    assert contexts(ended(bench)) == ["Transaction.Begin", "Transaction.End"]


def test_no_measurands_no_readings_in_the_ended():
    bench = charging(**{ENDED: 60, "SampledDataCtrlr.TxEndedMeasurands": ""})
    bench.pass_time(600)
    assert "meterValue" not in ended(bench)
    assert "course/1" not in bench.records


def test_the_ended_has_the_readings_of_the_clock():
    bench = charging(**CLOCK_ENDED, **{"SampledDataCtrlr.TxEndedMeasurands": ""})
    bench.pass_time(3 * QUARTER_S + 10)
    event = ended(bench)
    assert contexts(event) == ["Sample.Clock"] * 3
    assert collected(event, "Sample.Clock") == [900, 1800, 2700]


def test_J01_FR_19_the_ended_has_none_of_the_clock_where_they_wait_for_idle():
    bench = charging(**CLOCK_ENDED, **{"AlignedDataCtrlr.SendDuringIdle": "true"})
    bench.pass_time(3 * QUARTER_S + 10)
    assert contexts(ended(bench)) == ["Transaction.Begin", "Transaction.End"]


def test_the_next_transaction_begins_with_nothing_collected():
    bench = charging(**{ENDED: 60})
    bench.pass_time(100)
    ended(bench)
    bench.swipe()
    assert contexts(ended(bench)) == ["Transaction.Begin", "Transaction.End"]
    assert "course/1" not in bench.records


def test_what_was_collected_outlives_a_power_cut():
    bench = charging(**{ENDED: 60})
    bench.pass_time(130)
    bench.power_cycle()
    bench.connect()
    bench.pass_time(30)
    event = bench.take_events()[-1]
    assert event["eventType"] == "Ended"
    assert collected(event, "Sample.Periodic") == [60, 120]
    assert "course/1" not in bench.records


def test_what_was_collected_in_another_transaction_is_forgotten_at_a_power_cut():
    bench = charging(**{ENDED: 60})
    bench.pass_time(130)
    stale = bench.records["course/1"]
    ended(bench)
    bench.swipe()
    bench.records["course/1"] = stale
    bench.power_cycle()
    bench.connect()
    bench.pass_time(30)
    assert contexts(bench.take_events()[-1]) == ["Transaction.Begin", "Transaction.End"]
    assert "course/1" not in bench.records


def test_an_event_in_the_course_does_not_write_what_was_collected_again():
    bench = charging(**{ENDED: 1})
    bench.pass_time(90)
    written = len(bench.records["transaction/1"])
    bench.pass_time(400)
    bench.vehicle_wants(False)
    assert len(bench.records["transaction/1"]) < written + 200


def test_E06_FR_13_J02_FR_20_of_too_many_the_intermediate_ones_go_and_the_rest_is_even():
    many = Collected()
    taken = [many.offer(Reading(MeterSampled(1, float(n)), AT + timedelta(seconds=n))) for n in range(1, 1001)]
    numbers = [reading.sample.import_wh for reading in many.readings]
    assert numbers == list(range(16, 1001, 16))
    assert len(numbers) <= MOST_COLLECTED
    assert sum(taken) < 400  # writes to the disk grow with the logarithm


def test_E06_FR_13_what_does_not_fit_into_one_message_is_thinned_from_the_first():
    many = ("Current.Import",) * 40
    sample = MeterSampled(1, current_a=(1.0, 2.0, 3.0))
    readings = [Reading(sample, AT + timedelta(seconds=n)) for n in range(8)]
    values = [value for each in readings if (value := meter_value(each, many, "Sample.Clock"))]
    few = thinned(values)
    assert [values.index(value) for value in few] == [1, 3, 5, 7]
    assert len(msgspec.json.encode(few)) < MOST_BYTES + 100 < len(msgspec.json.encode(values))


def test_a_clock_that_is_set_moves_what_was_collected_before():
    collected_at = Reading(MeterSampled(1, 1.0), AT)
    transaction = Transaction(id="a", started_at=AT)
    transaction.course.periodic.offer(collected_at)
    transaction.course.aligned.offer(collected_at)
    transaction.move_times(ClockShift(3 * 3600.0, since=AT))
    course = transaction.course
    assert [each.at for each in (*course.periodic.readings, *course.aligned.readings)] == [AT + timedelta(hours=3)] * 2


# ---- the events in its course ----


def test_J02_FR_11_the_intervals_do_not_drift():
    bench = charging(**{"SampledDataCtrlr.TxUpdatedInterval": 10})
    bench.pass_time(9.9)
    bench.mono += 0.3  # the timer is a little late
    bench.pass_time(90)
    told = bench.take_events()
    assert [story(event)[1] for event in told] == ["MeterValuePeriodic"] * 10
    assert [after_s(event["timestamp"]) for event in told] == [10.2, *(10 * n for n in range(2, 11))]


def test_J02_FR_10_what_is_told_was_read_within_the_interval():
    bench = charging(**{"SampledDataCtrlr.TxUpdatedInterval": 10})
    bench.pass_time(33)
    bench.plants[1].meter_answers = False
    bench.pass_time(60)
    ages = [
        after_s(event["timestamp"]) - after_s(only(event["meterValue"])["timestamp"]) for event in bench.take_events()
    ]
    assert len(ages) == 3
    assert all(0 <= age < 10 for age in ages)


def test_no_measurands_no_periodic_events():
    bench = charging(**{"SampledDataCtrlr.TxUpdatedInterval": 10, "SampledDataCtrlr.TxUpdatedMeasurands": ""})
    bench.pass_time(100)
    assert bench.take_events() == []


def test_J02_FR_16_a_register_that_runs_backwards_is_not_told():
    bench = charging(**{"SampledDataCtrlr.TxUpdatedInterval": 10})
    bench.pass_time(30)
    bench.take_events()
    bench.plants[1].register_wh = 3.0
    bench.pass_time(30)
    assert bench.take_events() == []
    bench.swipe()
    bench.pass_time(10)
    assert register_wh(bench.take_events()[-1], "Transaction.End") > 1000


def test_a_reading_that_is_old_is_not_told_as_the_present_one():
    bench = charging(**{"SampledDataCtrlr.TxUpdatedInterval": 60})
    bench.plants[1].meter_answers = False
    bench.pass_time(600)
    assert bench.take_events() == []
    assert bench.ask("TriggerMessage", requestedMessage="TransactionEvent") == {"status": "Accepted"}
    assert "meterValue" not in only(bench.take_events())


def test_F06_FR_07_a_trigger_is_not_answered_with_the_reading_of_an_hour_ago():
    bench = charging(**{"SampledDataCtrlr.TxUpdatedInterval": 7200})
    bench.plants[1].meter_answers = False
    bench.pass_time(3600)
    bench.ask("TriggerMessage", requestedMessage="TransactionEvent")
    assert "meterValue" not in only(bench.take_events())


def test_a_lost_meter_has_nothing_to_tell_and_its_first_reading_is_told_again():
    bench = charging(**{"SampledDataCtrlr.TxUpdatedInterval": 10, "TxCtrlr.TxStopPoint": "EVConnected"})
    bench.lose("meter")
    bench.take_events()
    bench.pass_time(60)
    assert bench.take_events() == []
    assert bench.ask("TriggerMessage", requestedMessage="MeterValues") == {"status": "Rejected"}
    bench.find("meter")
    bench.pass_time(10)
    assert "MeterValuePeriodic" in [story(event)[1] for event in bench.take_events()]


def test_F06_FR_06_a_trigger_is_answered_with_a_reading_that_was_taken_for_it():
    bench = bench_with(variables=SILENT)
    bench.pass_time(47)
    bench.plants[1].register_wh = 1234.0
    bench.ask("TriggerMessage", requestedMessage="MeterValues")
    value = only(only(bench.take_sent()).payload["meterValue"])
    assert (after_s(value["timestamp"]), value["sampledValue"][0]["value"]) == (47, 1234.0)


def test_a_trigger_is_not_answered_when_the_meter_speaks_much_later():
    bench = bench_with(variables=SILENT)
    bench.plants[1].meter_answers = False
    bench.ask("TriggerMessage", requestedMessage="MeterValues")
    bench.pass_time(600)
    bench.plants[1].meter_answers = True
    bench.pass_time(120)
    assert "MeterValues" not in [said.action for said in bench.take_sent()]


# ---- words ----


def words(measurand: str, sample: MeterSampled, **options: bool) -> list[tuple[object, ...]]:
    told = meter_value(Reading(sample, AT), (measurand,), "Sample.Periodic", **options)
    assert told is not None
    return [
        (each.phase, each.value, each.unit_of_measure and each.unit_of_measure.unit, each.location)
        for each in told.sampled_value
    ]


def test_J02_FR_06_an_energy_register_with_its_phases_and_without():
    sample = MeterSampled(1, import_wh=60.0, import_phase_wh=(10.0, 20.0, 30.0))
    measurand = "Energy.Active.Import.Register"
    whole = (None, 60.0, None, None)
    phases = [("L1", 10.0, None, None), ("L2", 20.0, None, None), ("L3", 30.0, None, None)]
    assert words(measurand, sample) == [whole, *phases]
    assert words(measurand, sample, energy_by_phase=False) == [whole]


@pytest.mark.parametrize(("without", "values"), [("true", 1), ("false", 4)])
def test_register_values_without_phases_is_what_the_variable_says(without: str, values: int):
    bench = charging(**{"SampledDataCtrlr.RegisterValuesWithoutPhases": without})
    bench.post(MeterSampled(1, import_wh=2000.0, import_phase_wh=(500.0, 700.0, 800.0)))
    bench.ask("TriggerMessage", requestedMessage="TransactionEvent")
    assert len(only(only(bench.take_events())["meterValue"])["sampledValue"]) == values


@pytest.mark.parametrize(
    ("measurand", "expected"),
    [
        ("Power.Active.Import", [(None, 0.0, "W", None), ("L1", 0.0, "W", None), ("L2", 5.0, "W", None)]),
        ("Power.Active.Export", [(None, 95.0, "W", None), ("L1", 100.0, "W", None), ("L2", 0.0, "W", None)]),
        ("Power.Reactive.Import", [(None, 7.0, "var", None)]),
        ("Power.Reactive.Export", [(None, 0.0, "var", None)]),
        ("Energy.Reactive.Import.Register", [(None, 1.0, "varh", None)]),
        ("Energy.Reactive.Export.Register", [(None, 2.0, "varh", None)]),
        ("Energy.Apparent.Import", [(None, 3.0, "VAh", None)]),
        ("Energy.Apparent.Export", [(None, 4.0, "VAh", None)]),
        ("Frequency", [(None, 50.0, "Hz", None)]),
        ("SoC", [(None, 80.0, "Percent", "EV")]),
    ],
)
def test_J02_FR_03_J02_FR_05_J02_FR_06_every_measurand_in_its_unit_phase_and_place(
    measurand: str, expected: list[tuple[object, ...]]
):
    sample = MeterSampled(
        1,
        export_wh=0.0,
        power_w=-95.0,
        power_phase_w=(-100.0, 5.0),
        reactive_var=7.0,
        import_varh=1.0,
        export_varh=2.0,
        import_vah=3.0,
        export_vah=4.0,
        frequency_hz=50.0,
        soc_percent=80.0,
    )
    assert words(measurand, sample) == expected


def test_a_meter_that_counts_no_export_tells_no_exported_power():
    sample = Reading(MeterSampled(1, import_wh=1.0, power_w=100.0, reactive_var=5.0), AT)
    assert meter_value(sample, ("Power.Active.Export", "Power.Reactive.Export"), "Trigger") is None


# ---- what the CSMS may choose ----


@pytest.mark.parametrize(
    "name",
    [
        "SampledDataCtrlr.TxStartedMeasurands",
        "SampledDataCtrlr.TxUpdatedMeasurands",
        "SampledDataCtrlr.TxEndedMeasurands",
        "AlignedDataCtrlr.Measurands",
        "AlignedDataCtrlr.TxEndedMeasurands",
    ],
)
def test_B05_FR_07_a_measurand_that_no_meter_here_gives_is_refused(name: str):
    bench = bench_with(variables=SILENT)
    assert bench.set(name, "Energy.Active.Import.Register,Voltage") == "Rejected"
    assert bench.set(name, "Energy.Active.Import.Register,Power.Active.Import") == "Accepted"
    bench.post(MeterSampled(1, voltage_v=(230.0,)))
    assert bench.set(name, "Voltage") == "Accepted"


def test_while_no_meter_has_spoken_every_measurand_may_be_chosen():
    assert bench_with(meter=False).set("SampledDataCtrlr.TxUpdatedMeasurands", "Voltage") == "Accepted"


def test_the_refusal_says_what_the_meters_give():
    item = {
        "component": {"name": "SampledDataCtrlr"},
        "variable": {"name": "TxUpdatedMeasurands"},
        "attributeValue": "SoC",
    }
    answer = bench_with().ask("SetVariables", setVariableData=[item])
    assert isinstance(answer, dict)
    info = answer["setVariableResult"][0]["attributeStatusInfo"]["additionalInfo"]
    assert info == "no meter here gives SoC; they give Energy.Active.Import.Register, Power.Active.Import"
