"""Block J, what a certified meter signed: carried as it came, with its key when it is wanted (J01.FR.21, J02.FR.21)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hal.events import MeterSampled, SignedRecord
from tests.bench import METER_KEY, Bench, Payload, contexts, only, story
from tests.blocks.test_e_start import bench_with

SILENT = {"SampledDataCtrlr.TxUpdatedInterval": 0}
SIGN = {"SampledDataCtrlr.SignReadings": "true"}
KEY = "OCPPCommCtrlr.PublicKeyWithSignedMeterValue"


def signing(*, evses: int = 1, start: str | None = None, stop: str | None = None, **variables: object) -> Bench:
    bench = bench_with(evses=evses, start=start, stop=stop, variables={**SILENT, **variables})
    for plant in bench.plants.values():
        plant.signs = True
    for evse in bench.plants:
        bench.read_meter(evse)
    bench.take_sent()
    return bench


def charge_a_while(bench: Bench) -> list[Payload]:
    bench.plug_in()
    bench.swipe()
    bench.pass_time(150)
    bench.swipe()
    return bench.take_events()


def signed_values(event: Payload) -> list[tuple[str, dict[str, Any] | None]]:
    return [
        (sampled.get("context", "Sample.Periodic"), sampled.get("signedMeterValue"))
        for value in event.get("meterValue", ())
        for sampled in value["sampledValue"]
    ]


def keys(events: list[Payload]) -> list[str]:
    return [signed["publicKey"] for event in events for _, signed in signed_values(event) if signed is not None]


def test_J02_FR_21_the_readings_of_a_transaction_carry_what_the_meter_signed():
    bench = signing(**SIGN, **{"SampledDataCtrlr.TxEndedInterval": 60, KEY: "EveryMeterValue"})
    ended = charge_a_while(bench)[-1]
    assert contexts(ended) == ["Transaction.Begin", "Sample.Periodic", "Sample.Periodic", "Transaction.End"]
    assert signed_values(ended)[0] == (
        "Transaction.Begin",
        {
            "signedMeterData": "T0NNRnx71000",
            "encodingMethod": "OCMF",
            "signingMethod": "",
            "publicKey": METER_KEY,
        },
    )
    assert all(signed is not None for _, signed in signed_values(ended))


def start_with_the_cable(bench: Bench) -> None:
    """E02."""
    bench.plug_in()
    bench.swipe()


def start_with_the_card(bench: Bench) -> None:
    """E03."""
    bench.swipe()
    bench.plug_in()


def start_offline(bench: Bench) -> None:
    """E04."""
    bench.disconnect()
    bench.plug_in()
    bench.swipe()


def start_and_be_refused(bench: Bench) -> None:
    """E05."""
    bench.script["TransactionEvent"] = {"idTokenInfo": {"status": "Blocked"}}
    bench.plug_in()
    bench.swipe()
    del bench.script["TransactionEvent"]


def stop_with_the_card(bench: Bench) -> None:
    """E07."""
    bench.swipe()


def stop_offline(bench: Bench) -> None:
    """E08."""
    bench.disconnect()
    bench.swipe()


def stop_at_the_vehicle(bench: Bench) -> None:
    """E09."""
    bench.unplug()


@pytest.mark.parametrize("start", [start_with_the_cable, start_with_the_card, start_offline, start_and_be_refused])
@pytest.mark.parametrize("stop", [stop_with_the_card, stop_offline, stop_at_the_vehicle])
def test_E02_FR_14_E03_FR_10_E04_FR_10_E05_FR_06_E07_FR_12_E08_FR_12_E09_FR_08_beginning_and_end_are_signed_always(
    start: Callable[[Bench], None], stop: Callable[[Bench], None]
):
    bench = signing(**SIGN, **{"AuthCtrlr.OfflineTxForUnknownIdEnabled": "true"})
    start(bench)
    bench.pass_time(20)
    stop(bench)
    bench.pass_time(20)
    if bench.link.state != "open":
        bench.connect()
    bench.unplug()
    bench.pass_time(300)
    told = [signed_values(event) for event in bench.take_events() if "meterValue" in event]
    assert [context for context, _ in told[0]] == ["Transaction.Begin"]
    assert [context for context, _ in told[-1]] == ["Transaction.Begin", "Transaction.End"]
    assert all(signed is not None for values in told for _, signed in values)


def suspend_at_the_vehicle(bench: Bench) -> None:
    """E10."""
    bench.unplug()
    bench.pass_time(20)
    bench.plug_in()


def lose_the_link(bench: Bench) -> None:
    """E11."""
    bench.disconnect()
    bench.pass_time(150)
    bench.connect()


def be_offline_throughout(bench: Bench) -> None:
    """E12."""
    bench.pass_time(150)


@pytest.mark.parametrize("course", [suspend_at_the_vehicle, lose_the_link, be_offline_throughout])
@pytest.mark.proves("E10.FR.07", "E11.FR.08", "E12.FR.10")
def test_readings_are_signed_whatever_interrupts_the_transaction(course: Callable[[Bench], None]):
    told = {**SIGN, "SampledDataCtrlr.TxUpdatedInterval": 30, "SampledDataCtrlr.TxEndedInterval": 30}
    suspends = {"TxCtrlr.StopTxOnEVSideDisconnect": False, "AuthCtrlr.OfflineTxForUnknownIdEnabled": True}
    bench = signing(stop="Authorized", **told, **suspends)
    if course is be_offline_throughout:
        bench.disconnect()
    start_with_the_cable(bench)
    bench.pass_time(65)
    course(bench)
    bench.pass_time(65)
    bench.swipe()
    bench.connect()
    values = [signed_values(event) for event in bench.take_events() if "meterValue" in event]
    assert [context for context, _ in values[-1]][:: len(values[-1]) - 1] == ["Transaction.Begin", "Transaction.End"]
    registers = [event for event in values[:-1] if any(signed for _, signed in event)]
    assert len(registers) == len(values) - 1 >= 5
    assert all(signed is not None for _, signed in values[-1])


def test_J02_FR_21_nothing_signed_is_carried_where_that_is_switched_off():
    events = charge_a_while(signing())
    assert keys(events) == []
    assert signed_values(events[0]) == [("Transaction.Begin", None)]


def test_only_the_register_that_the_meter_signs_carries_the_signature():
    bench = signing(
        **SIGN, **{"SampledDataCtrlr.TxStartedMeasurands": "Energy.Active.Import.Register,Power.Active.Import"}
    )
    values = signed_values(charge_a_while(bench)[0])
    assert [signed is not None for _, signed in values] == [True, False]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("Never", ["", "", ""]),
        ("OncePerTransaction", [METER_KEY, "", ""]),
        ("EveryMeterValue", [METER_KEY, METER_KEY, METER_KEY]),
    ],
)
def test_the_public_key_is_told_as_often_as_the_variable_says(rule: str, expected: list[str]):
    bench = signing(**SIGN, **{KEY: rule})
    assert keys(charge_a_while(bench)) == expected  # Started; beginning and end in the Ended
    bench.unplug()
    bench.take_events()
    assert keys(charge_a_while(bench)) == expected


def test_the_key_that_was_told_before_a_power_cut_is_not_told_again():
    bench = signing(**SIGN)
    bench.plug_in()
    bench.swipe()
    assert keys(bench.take_events()) == [METER_KEY]
    bench.power_cycle()
    bench.connect()
    bench.pass_time(30)
    assert keys(bench.take_events()) == ["", ""]


def test_J01_FR_21_the_readings_of_the_clock_carry_what_the_meter_signed():
    variables = {
        "AlignedDataCtrlr.SignReadings": "true",
        "AlignedDataCtrlr.Interval": 60,
        "AlignedDataCtrlr.TxEndedInterval": 60,
        "AlignedDataCtrlr.TxEndedMeasurands": "Energy.Active.Import.Register",
        "SampledDataCtrlr.TxEndedMeasurands": "",
    }
    bench = signing(evses=2, **variables)
    bench.pass_time(30)
    bench.plug_in()
    bench.swipe(evse=1)
    bench.take_sent()
    bench.pass_time(60)
    said = bench.take_sent()
    clock = only(each.payload for each in said if each.payload.get("triggerReason") == "MeterValueClock")
    assert keys([clock, only(each.payload for each in said if each.action == "MeterValues")]) == [METER_KEY] * 2
    bench.swipe(evse=1)
    ended = bench.take_events()[-1]
    assert [(context, signed is not None) for context, signed in signed_values(ended)] == [("Sample.Clock", True)]


def test_a_record_that_ocpp_cannot_carry_whole_is_left_out_and_its_value_is_told():
    bench = signing(**SIGN)
    bench.plug_in()
    bench.swipe()
    bench.take_events()
    bench.post(MeterSampled(1, 1500.0, signed=SignedRecord("x" * 2501, "OCMF")))
    bench.ask("TriggerMessage", requestedMessage="TransactionEvent")
    assert signed_values(only(bench.take_events())) == [("Trigger", None)]


def test_readings_are_signed_only_where_a_meter_signs():
    bench = bench_with(variables=SILENT)
    assert bench.set("SampledDataCtrlr.SignReadings", True) == "Rejected"
    bench.plants[1].signs = True
    bench.read_meter()
    assert bench.set("SampledDataCtrlr.SignReadings", True) == "Accepted"
    assert bench.set("AlignedDataCtrlr.SignReadings", True) == "Accepted"


# ---- DataSigned as a start point ----


def test_E01_FR_04_the_first_signed_reading_starts():
    bench = signing(**SIGN, start="DataSigned,EnergyTransfer")
    bench.swipe()
    assert bench.take_events() == []
    bench.plug_in()
    started, *_ = bench.take_events()
    assert story(started)[:2] == ("Started", "SignedDataReceived")
    assert started["evse"] == {"id": 1, "connectorId": 1}
    assert "idToken" in started
    ((context, signed),) = signed_values(started)
    assert (context, signed is not None) == ("Transaction.Begin", True)


@pytest.mark.parametrize("why", ["switched off", "not signed", "nobody there"])
def test_E01_FR_04_nothing_starts_without_a_signed_reading_that_is_wanted(why: str):
    bench = signing(**({} if why == "switched off" else SIGN), start="DataSigned,EnergyTransfer")
    bench.plants[1].signs = why != "not signed"
    bench.plug_in(wants=False)
    if why != "nobody there":
        bench.swipe()
    bench.pass_time(120)
    assert bench.take_events() == []


def test_DataSigned_is_no_stop_point_and_a_meter_that_signs_only_some_readings_ends_nothing():
    bench = signing(**SIGN, start="DataSigned,EnergyTransfer", stop="EVConnected")
    assert bench.set("TxCtrlr.TxStopPoint", "DataSigned,EVConnected") == "Rejected"  # erratum 2.24 of 2025-09
    bench.plug_in()
    bench.swipe()
    bench.plants[1].signs = False
    bench.pass_time(60)
    assert "Ended" not in [story(event)[0] for event in bench.take_events()]
