"""Block J, clock-aligned data: every even moment of the day, in a transaction and outside one (J01)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hal.events import MeterSampled
from tests.bench import Bench, Payload, Said, contexts, only, story
from tests.blocks.test_e_start import bench_with

QUARTER_S = 900
SILENT = {"SampledDataCtrlr.TxUpdatedInterval": 0}


def aligned(interval_s: int = QUARTER_S, **options: object) -> Bench:
    variables = {**SILENT, "AlignedDataCtrlr.Interval": interval_s}
    variables |= options.pop("variables", {})  # type: ignore[arg-type]
    bench = bench_with(variables=variables, **options)
    bench.pass_time(60)  # past the moment at which it was switched on
    bench.take_sent()
    return bench


def meter_values(bench: Bench) -> list[Payload]:
    return [said.payload for said in bench.take_sent() if said.action == "MeterValues"]


def after_s(timestamp: str) -> float:
    """Seconds after power-on, which is midnight."""
    whole = timedelta(hours=int(timestamp[11:13]), minutes=int(timestamp[14:16]), seconds=float(timestamp[17:-1]))
    return whole.total_seconds()


def times(values: list[Payload]) -> list[float]:
    return [after_s(value["meterValue"][0]["timestamp"]) for value in values]


def clock_events(said: list[Said]) -> list[Payload]:
    return [each.payload for each in said if each.payload.get("triggerReason") == "MeterValueClock"]


def test_J01_FR_14_J01_FR_02_J01_FR_05_every_even_moment_is_told_of_every_evse():
    bench = aligned(evses=2)
    bench.pass_time(3 * QUARTER_S)
    told = meter_values(bench)
    assert [value["evseId"] for value in told] == [1, 2] * 3  # J01.FR.02
    assert times(told) == [900, 900, 1800, 1800, 2700, 2700]  # J01.FR.05
    for value in told:
        assert [sampled["context"] for sampled in value["meterValue"][0]["sampledValue"]] == ["Sample.Clock"]


def test_J01_FR_06_J01_FR_07_J01_FR_08_J01_FR_17_all_measurands_of_a_moment_are_one_meter_value():
    bench = aligned(variables={"AlignedDataCtrlr.Measurands": "Energy.Active.Import.Register,Power.Active.Import"})
    bench.pass_time(QUARTER_S)
    value = only(only(meter_values(bench))["meterValue"])
    assert [sampled.get("measurand") for sampled in value["sampledValue"]] == [None, "Power.Active.Import"]  # J01.FR.07
    assert {sampled["context"] for sampled in value["sampledValue"]} == {"Sample.Clock"}  # J01.FR.08


def test_J01_FR_09_J01_FR_10_J01_FR_11_phases_and_place_of_a_moments_values_are_the_meters():
    bench = aligned(variables={"AlignedDataCtrlr.Measurands": "Current.Import,Voltage,SoC"})
    bench.plants[1].meter_answers = False
    bench.pass_time(QUARTER_S - 60)
    bench.post(MeterSampled(1, current_a=(9.0, 8.0), voltage_v=(229.0, 231.0), soc_percent=40.0))
    value = only(only(meter_values(bench))["meterValue"])
    assert [(each.get("phase"), each["value"], each.get("location")) for each in value["sampledValue"]] == [
        ("L1", 9.0, None),
        ("L2", 8.0, None),
        ("L1-N", 229.0, None),
        ("L2-N", 231.0, None),
        (None, 40.0, "EV"),
    ]


def test_the_intervals_start_anew_at_midnight():
    bench = aligned(7 * 3600)
    bench.pass_time(2 * 86_400 - 61)
    assert times(meter_values(bench)) == [7 * 3600, 14 * 3600, 21 * 3600, 0, 7 * 3600, 14 * 3600, 21 * 3600]


@pytest.mark.parametrize("switch", [{"AlignedDataCtrlr.Interval": 0}, {"AlignedDataCtrlr.Enabled": "false"}])
def test_J01_FR_14_nothing_is_told_where_it_is_switched_off(switch: dict[str, object]):
    bench = aligned(variables=switch)
    bench.pass_time(3 * QUARTER_S)
    assert meter_values(bench) == []


def test_an_interval_that_is_set_counts_from_the_next_moment_on():
    bench = aligned(0)
    bench.pass_time(30)
    assert bench.set("AlignedDataCtrlr.Interval", 100) == "Accepted"
    bench.pass_time(220)
    assert times(meter_values(bench)) == [100, 200, 300]


def test_J01_FR_22_J02_FR_22_in_a_transaction_its_events_tell_and_the_other_evse_speaks_for_itself():
    bench = aligned(evses=2)
    bench.plug_in()
    bench.swipe(evse=1)
    bench.take_sent()
    bench.pass_time(2 * QUARTER_S)
    said = bench.take_sent()
    events = clock_events(said)
    assert [story(event) for event in events] == [("Updated", "MeterValueClock", "Charging")] * 2
    assert [contexts(event) for event in events] == [["Sample.Clock"]] * 2
    assert [after_s(event["timestamp"]) for event in events] == [900, 1800]
    assert times(events) == [900, 1800]
    assert [each.payload["evseId"] for each in said if each.action == "MeterValues"] == [2, 2]


def test_J01_FR_22_a_moment_is_told_once_though_the_transaction_starts_or_ends_in_it():
    bench = aligned()
    bench.pass_time(QUARTER_S - 60)
    bench.plug_in()
    bench.swipe()
    bench.pass_time(5)
    said = bench.take_sent()
    assert times([each.payload for each in said if each.action == "MeterValues"]) == [900]
    assert clock_events(said) == []
    bench.pass_time(QUARTER_S - 5)
    bench.swipe()
    bench.pass_time(5)
    said = bench.take_sent()
    assert times(clock_events(said)) == [1800]
    assert [each for each in said if each.action == "MeterValues"] == []


def test_J01_FR_20_a_station_that_tells_in_idle_only_is_silent_while_anybody_charges():
    bench = aligned(evses=2, variables={"AlignedDataCtrlr.SendDuringIdle": "true"})
    bench.pass_time(QUARTER_S)
    assert len(meter_values(bench)) == 2
    bench.plug_in()
    bench.swipe(evse=1)
    bench.pass_time(QUARTER_S)
    said = bench.take_sent()
    assert [each for each in said if each.action == "MeterValues"] == clock_events(said) == []
    bench.swipe(evse=1)
    bench.unplug()
    bench.pass_time(QUARTER_S)
    assert len(meter_values(bench)) == 2


def test_J01_FR_19_an_evse_that_tells_in_idle_only_is_silent_in_its_own_transaction():
    bench = aligned(evses=2)
    item = {
        "component": {"name": "AlignedDataCtrlr", "evse": {"id": 1}},
        "variable": {"name": "SendDuringIdle"},
        "attributeValue": "true",
    }
    answer = bench.ask("SetVariables", setVariableData=[item])
    assert isinstance(answer, dict)
    assert answer["setVariableResult"][0]["attributeStatus"] == "Accepted"
    bench.plug_in()
    bench.swipe(evse=1)
    bench.take_sent()
    bench.pass_time(QUARTER_S)
    said = bench.take_sent()
    assert clock_events(said) == []
    assert [each.payload["evseId"] for each in said if each.action == "MeterValues"] == [2]


def test_while_nobody_knows_the_time_no_moment_is_one_of_the_clock():
    bench = aligned()
    bench.station.desk.clock_known = False
    bench.pass_time(2 * QUARTER_S)
    assert meter_values(bench) == []
    bench.station.desk.clock_known = True
    bench.pass_time(QUARTER_S)
    assert times(meter_values(bench)) == [2700]


@pytest.mark.parametrize("moved_s", [-7_321, 7_321])
def test_a_clock_that_is_set_late_moves_the_moments_with_it(moved_s: float):
    bench = aligned()
    bench.pass_time(4 * 3600)
    bench.take_sent()
    bench.clock_moved_s = moved_s
    bench.pass_time(2 * QUARTER_S)
    told = times(meter_values(bench))
    assert [at % QUARTER_S for at in told] == [0.0, 0.0]
    assert told[1] - told[0] == QUARTER_S


def test_a_clock_that_is_set_back_a_little_does_not_tell_a_moment_twice():
    bench = aligned()
    bench.pass_time(QUARTER_S - 58)
    bench.clock_moved_s = -4.0
    bench.pass_time(QUARTER_S + 5)
    assert times(meter_values(bench)) == [900, 1800]


def test_a_meter_that_is_lost_tells_nothing_and_no_old_reading_is_told_as_the_moments():
    bench = aligned(evses=2)
    bench.lose("meter")
    bench.pass_time(QUARTER_S)
    assert [value["evseId"] for value in meter_values(bench)] == [2]
    bench.pass_time(120)
    bench.find("meter")
    bench.read_meter()
    assert meter_values(bench) == []
    bench.pass_time(QUARTER_S)
    assert [value["evseId"] for value in meter_values(bench)] == [1, 2]


def test_J01_FR_02_the_time_of_a_value_is_when_it_was_read():
    bench = aligned()
    bench.pass_time(QUARTER_S - 62)
    bench.plants[1].meter_answers = False
    bench.pass_time(4)  # over the moment
    bench.plants[1].meter_answers = True
    bench.plants[1].sample_at = bench.mono + 1
    bench.pass_time(2)
    assert times(meter_values(bench)) == [903]


def test_aligned_data_is_there_where_a_meter_is():
    assert aligned().get("AlignedDataCtrlr.Available") == "true"
    assert aligned(meter=False).get("AlignedDataCtrlr.Available") == "false"
