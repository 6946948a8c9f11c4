"""Certification cases of block J, step by step as Part 6 tells them: clock-aligned and sampled meter values."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

import pytest

from hal.events import MeterSampled
from tests.bench import METER_KEY, Bench, Payload
from tests.blocks.reusable import Octt

REGISTER = "Energy.Active.Import.Register"
CHOSEN = f"{REGISTER},Power.Active.Import"
PER_PHASE = f"{CHOSEN},Current.Import,Voltage"
INTERVAL_S = 60
KEY = "OCPPCommCtrlr.PublicKeyWithSignedMeterValue"

one_or_two = pytest.mark.parametrize("evses", [1, 2])


def at(stamped: Payload) -> datetime:
    return datetime.fromisoformat(stamped["timestamp"])


def expect_interval(stamped: list[Payload], interval_s: float = INTERVAL_S) -> None:
    assert len(stamped) > 1
    for before, after in pairwise(stamped):
        assert (at(after) - at(before)).total_seconds() == interval_s


def expect_values(value: Payload, context: str, measurands: str = CHOSEN) -> None:
    """An element, or one for each phase, per configured measurand; none of them at the EV (erratum 6.2.58)."""
    sampled = value["sampledValue"]
    assert {each.get("context", "Sample.Periodic") for each in sampled} == {context}
    assert {each.get("measurand", REGISTER) for each in sampled} == set(measurands.split(","))
    assert not any(each.get("location") == "EV" for each in sampled if each.get("measurand") != "SoC")


def values_of(event: Payload, context: str) -> list[Payload]:
    """Its meter values that begin with one of this context."""
    return [
        value
        for value in event.get("meterValue", ())
        if value["sampledValue"][0].get("context", "Sample.Periodic") == context
    ]


def expect_meter_values(octt: Octt, evses: tuple[int, ...], moments: int, measurands: str = CHOSEN) -> list[Payload]:
    """One MeterValues for each EVSE and moment; the meter values of the first of these EVSEs."""
    told = octt.expect_all("MeterValues")
    assert all(len(each["meterValue"]) == 1 for each in told)
    stamped = sorted((each["meterValue"][0]["timestamp"], each["evseId"]) for each in told)
    assert stamped == sorted((time, evse) for time in {time for time, _ in stamped} for evse in evses)
    assert len(stamped) == moments * len(evses)
    for each in told:
        expect_values(each["meterValue"][0], "Sample.Clock", measurands)
    return [each["meterValue"][0] for each in told if each["evseId"] == evses[0]]


# ---- aligned with the clock ----


@one_or_two
def test_TC_J_01_CS_no_transaction(evses: int):
    octt = Octt({"AlignedDataCtrlr.Measurands": CHOSEN}, evses=evses)
    octt.bench.pass_time(7)
    octt.configure({"AlignedDataCtrlr.Interval": INTERVAL_S})
    octt.bench.pass_time(3 * INTERVAL_S)
    expect_interval(expect_meter_values(octt, tuple(range(1, evses + 1)), moments=3))


@one_or_two
def test_TC_J_02_CS_a_transaction(evses: int):
    octt = Octt(
        {
            "AlignedDataCtrlr.Interval": INTERVAL_S,
            "AlignedDataCtrlr.Measurands": CHOSEN,
            "AlignedDataCtrlr.SendDuringIdle": False,
            "SampledDataCtrlr.RegisterValuesWithoutPhases": False,
        },
        evses=evses,
    )
    octt.energy_transfer_started()
    octt.expect_all("MeterValues")
    octt.bench.pass_time(3 * INTERVAL_S)
    idle = expect_meter_values(octt, (2,), moments=3) if evses == 2 else []
    octt.expect_nothing()
    clock = [event for event in octt.readings if event["triggerReason"] == "MeterValueClock"]
    assert len(clock) == 3
    expect_interval(clock)
    values = [value for event in clock for value in event["meterValue"]]
    assert len(values) == len(clock)
    expect_interval(values)
    for value in values:
        expect_values(value, "Sample.Clock")
    assert [at(value) for value in idle] == ([at(value) for value in values] if evses == 2 else [])


def read_three_phases(octt: Octt) -> None:
    wh = octt.bench.plants[1].register_wh
    octt.bench.post(MeterSampled(1, wh, power_w=6900.0, current_a=(10.0,) * 3, voltage_v=(230.0,) * 3))


def test_TC_J_02_CS_of_a_meter_that_knows_the_phases():
    octt = Octt()
    read_three_phases(octt)
    octt.configure(
        {
            "AlignedDataCtrlr.Interval": INTERVAL_S,
            "AlignedDataCtrlr.Measurands": PER_PHASE,
            "SampledDataCtrlr.RegisterValuesWithoutPhases": False,
            "SampledDataCtrlr.TxUpdatedInterval": 0,
        }
    )
    octt.energy_transfer_started()
    octt.expect_all("MeterValues")
    octt.bench.plants[1].meter_answers = False
    for _ in range(2):
        octt.bench.pass_time(INTERVAL_S)
        read_three_phases(octt)
    octt.expect_nothing()
    expect_interval(octt.readings)
    for event in octt.readings:
        (value,) = event["meterValue"]
        expect_values(value, "Sample.Clock", PER_PHASE)
        phases = [each["phase"] for each in value["sampledValue"] if each.get("measurand") == "Current.Import"]
        assert phases == ["L1", "L2", "L3"]


def signing() -> Bench:
    """Its meter is known to sign."""
    bench = Bench(bay=True)
    bench.plants[1].signs = True
    bench.read_meter()
    return bench


def with_clock_at_the_end(bench: Bench | None = None, **more: object) -> Octt:
    configuration = {
        "AlignedDataCtrlr.TxEndedInterval": INTERVAL_S,
        "AlignedDataCtrlr.TxEndedMeasurands": CHOSEN,
        "AlignedDataCtrlr.SendDuringIdle": False,
        "SampledDataCtrlr.TxEndedMeasurands": "",
    }
    return Octt({**configuration, **more}, bench=bench or Bench(bay=True), stop="ParkingBayOccupancy")


def end_of_session(octt: Octt, duration_s: float) -> Payload:
    """EnergyTransferStarted, so long, then ParkingBayUnoccupied; the Ended of it."""
    octt.energy_transfer_started()
    octt.bench.pass_time(duration_s)
    octt.parking_bay_unoccupied()
    octt.expect_all("MeterValues")
    octt.expect_nothing()
    ended = octt.events[-1]
    assert ended["eventType"] == "Ended"
    return ended


def test_TC_J_03_CS_the_ended():
    ended = end_of_session(with_clock_at_the_end(), 3 * INTERVAL_S)
    values = ended["meterValue"]
    assert len(values) >= 3
    expect_interval(values)
    for value in values:
        expect_values(value, "Sample.Clock")


def expect_signed(values: list[Payload], keys: str) -> None:
    """The values of an Ended: with the key as ``PublicKeyWithSignedMeterValue`` wants it."""
    signed = [each["signedMeterValue"] for value in values for each in value["sampledValue"]]
    told = [each["publicKey"] for each in signed]
    assert all(each["signedMeterData"] for each in signed)
    if keys == "EveryMeterValue":
        assert set(told) == {METER_KEY}
    else:
        assert set(told) <= {"", METER_KEY}
        assert told.count(METER_KEY) <= (keys == "OncePerTransaction")


every_key_rule = pytest.mark.parametrize("keys", ["Never", "OncePerTransaction", "EveryMeterValue"])


@every_key_rule
def test_TC_J_04_CS_signed(keys: str):
    only_energy = {"AlignedDataCtrlr.TxEndedMeasurands": REGISTER}
    octt = with_clock_at_the_end(signing(), **{"AlignedDataCtrlr.SignReadings": True, KEY: keys, **only_energy})
    ended = end_of_session(octt, 3 * INTERVAL_S)
    values = ended["meterValue"]
    assert len(values) >= 3
    expect_interval(values)
    for value in values:
        expect_values(value, "Sample.Clock", REGISTER)
    expect_signed(values, keys)


@one_or_two
def test_TC_J_06_CS_no_meter_values_during_a_transaction(evses: int):
    nothing_else = {f"SampledDataCtrlr.Tx{moment}Measurands": "" for moment in ("Started", "Updated", "Ended")}
    octt = Octt(
        {
            "AlignedDataCtrlr.Interval": INTERVAL_S,
            "AlignedDataCtrlr.Measurands": CHOSEN,
            "AlignedDataCtrlr.SendDuringIdle": True,
            **nothing_else,
        },
        evses=evses,
        bay=True,
    )
    everywhere = tuple(range(1, evses + 1))
    octt.bench.pass_time(2 * INTERVAL_S + 10)
    expect_interval(expect_meter_values(octt, everywhere, moments=2))
    octt.energy_transfer_started()
    octt.bench.pass_time(INTERVAL_S + 5)
    octt.expect_nothing()
    octt.parking_bay_unoccupied()
    octt.expect_nothing()
    assert octt.running is None
    assert not any("meterValue" in event for event in octt.events)
    octt.bench.pass_time(2 * INTERVAL_S)
    expect_interval(expect_meter_values(octt, everywhere, moments=2))


# ---- sampled ----


@pytest.mark.parametrize("start", ["EVConnected", "Authorized", "PowerPathClosed", "EnergyTransfer"])
def test_TC_J_07_CS_the_started(start: str):
    octt = Octt({"SampledDataCtrlr.TxStartedMeasurands": CHOSEN}, start=start)
    octt.parking_bay_occupied()
    octt.ev_connected_pre_session()
    octt.energy_transfer_started()
    started = octt.events[0]
    assert started["eventType"] == "Started"
    (value,) = started["meterValue"]
    expect_values(value, "Transaction.Begin")


@one_or_two
@pytest.mark.parametrize("start", ["Authorized", "ParkingBayOccupancy", "ParkingBayOccupancy,Authorized"])
def test_TC_J_08_CS_the_first_event_that_names_the_evse(start: str, evses: int):
    octt = Octt({"SampledDataCtrlr.TxStartedMeasurands": CHOSEN}, start=start, evses=evses, bay=True)
    octt.energy_transfer_started()
    first = next(event for event in octt.events if "evse" in event)
    assert first["triggerReason"] == "CablePluggedIn"
    (value,) = first["meterValue"]
    expect_values(value, "Transaction.Begin")


@pytest.mark.parametrize("start", ["EVConnected", "PowerPathClosed", "EnergyTransfer"])
def test_TC_J_09_CS_the_updated(start: str):
    configuration = {
        "SampledDataCtrlr.TxUpdatedInterval": INTERVAL_S,
        "SampledDataCtrlr.TxUpdatedMeasurands": CHOSEN,
    }
    octt = Octt(configuration, start=start)
    octt.energy_transfer_started()
    octt.bench.pass_time(4 * INTERVAL_S)
    octt.expect_nothing()
    assert len(octt.readings) == 4
    assert {event["triggerReason"] for event in octt.readings} == {"MeterValuePeriodic"}
    expect_interval(octt.readings)
    for event in octt.readings:
        (value,) = event["meterValue"]
        expect_values(value, "Sample.Periodic")


def with_samples_at_the_end(bench: Bench | None = None, measurands: str = CHOSEN, **more: object) -> Octt:
    configuration = {
        "SampledDataCtrlr.TxEndedInterval": INTERVAL_S,
        "SampledDataCtrlr.TxEndedMeasurands": measurands,
        "AlignedDataCtrlr.TxEndedMeasurands": "",
    }
    return Octt({**configuration, **more}, bench=bench or Bench(bay=True), stop="ParkingBayOccupancy")


def expect_samples(ended: Payload, measurands: str = CHOSEN) -> None:
    """Samples at their interval, and one of the end."""
    periodic = values_of(ended, "Sample.Periodic")
    assert len(periodic) >= 3
    expect_interval(periodic)
    (end,) = values_of(ended, "Transaction.End")
    assert 0 <= (at(end) - at(periodic[-1])).total_seconds() <= INTERVAL_S
    for value in ended["meterValue"]:
        expect_values(value, value["sampledValue"][0].get("context", "Sample.Periodic"), measurands)


def test_TC_J_10_CS_the_ended():
    expect_samples(end_of_session(with_samples_at_the_end(), 3 * INTERVAL_S))


@every_key_rule
def test_TC_J_11_CS_signed(keys: str):
    octt = with_samples_at_the_end(signing(), REGISTER, **{"SampledDataCtrlr.SignReadings": True, KEY: keys})
    ended = end_of_session(octt, 3 * INTERVAL_S)
    expect_samples(ended, REGISTER)
    expect_signed(ended["meterValue"], keys)
