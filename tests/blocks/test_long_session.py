"""A session of a whole day in virtual time: every event is there, in order, at its time, and little is kept of it."""

from __future__ import annotations

import time
from datetime import datetime

from tests.bench import POWER_ON, Payload, contexts, register_wh
from tests.blocks.test_e_start import bench_with

DAY_S, SAMPLE_S, QUARTER_S = 86_400, 10, 900
VARIABLES = {
    "SampledDataCtrlr.TxUpdatedInterval": SAMPLE_S,
    "SampledDataCtrlr.TxUpdatedMeasurands": "Energy.Active.Import.Register,Power.Active.Import",
    "AlignedDataCtrlr.Interval": QUARTER_S,
    "AlignedDataCtrlr.TxEndedInterval": QUARTER_S,
    "AlignedDataCtrlr.TxEndedMeasurands": "Energy.Active.Import.Register",
}


def after_s(timestamp: str) -> float:
    """Seconds after power-on, which is midnight."""
    return (datetime.fromisoformat(timestamp) - POWER_ON).total_seconds()


def of(events: list[Payload], trigger: str) -> list[Payload]:
    return [event for event in events if event["triggerReason"] == trigger]


def test_a_session_of_24_hours_with_samples_at_10_s_and_clock_aligned_data_at_15_minutes():
    began = time.process_time()
    bench = bench_with(variables=VARIABLES)
    bench.pass_time(7)  # so that samples and quarters of an hour are different moments
    bench.plug_in()
    bench.swipe()
    start_wh = bench.plants[1].register_wh
    bench.pass_time(DAY_S)
    end_wh = bench.plants[1].register_wh
    bench.swipe()
    bench.unplug()
    events = bench.take_events()
    print(f"{len(events)} events of a day in {time.process_time() - began:.1f} s of the processor")

    assert [event["seqNo"] for event in events] == list(range(len(events)))
    stamps = [event["timestamp"] for event in events]
    assert stamps == sorted(stamps)

    periodic = of(events, "MeterValuePeriodic")
    assert [after_s(event["timestamp"]) for event in periodic] == [7 + SAMPLE_S * n for n in range(1, 8641)]
    for event in periodic:
        (value,) = event["meterValue"]
        assert 0 <= after_s(event["timestamp"]) - after_s(value["timestamp"]) < SAMPLE_S  # J02.FR.10
    readings = [event["meterValue"][0]["timestamp"] for event in periodic]
    assert len(set(readings)) == len(readings)

    clock = of(events, "MeterValueClock")
    assert [after_s(event["timestamp"]) for event in clock] == [QUARTER_S * n for n in range(1, 97)]
    assert [after_s(event["meterValue"][0]["timestamp"]) for event in clock] == [QUARTER_S * n for n in range(1, 97)]

    told_wh = [
        sampled["value"]
        for event in events[:-1]
        for value in event.get("meterValue", ())
        for sampled in value["sampledValue"]
        if "measurand" not in sampled
    ]
    assert told_wh == sorted(told_wh)  # J02.FR.16

    ended = events[-1]
    assert ended["eventType"] == "Ended"
    assert contexts(ended) == ["Transaction.Begin", *["Sample.Clock"] * 96, "Transaction.End"]
    assert register_wh(ended, "Transaction.Begin") == start_wh == told_wh[0]
    assert abs(register_wh(ended, "Transaction.End") - end_wh) < 0.01
    assert bench.rows == {}
    assert not [key for key in bench.records if key.startswith(("transaction/", "course/"))]
