"""Block J with a meter that signs whole sessions: when it begins and ends one, and how its record reaches the Ended."""

from __future__ import annotations

import pytest

from agent.blocks.e_watch import SIGNATURE_PATIENCE_S
from agent.vocabulary.commands import BeginSigned, EndSigned
from hal.events import DeviceLost, MeterSampled, SignedRecord
from hal.ports import SignedSession
from tests.bench import CARD, METER_KEY, Bench
from tests.blocks.test_j_signed import SIGN, SILENT, signed_values


def bench_that_signs(**variables: object) -> Bench:
    bench = Bench(layout={"signs_sessions": True}, variables={**SILENT, **SIGN, **variables})
    bench.accept()
    bench.read_meter()
    bench.take_sent()
    return bench


def record(bench: Bench, transaction_id: str) -> None:
    """The meter has signed."""
    signed = SignedRecord("T0NNRg==", "OCMF", public_key=METER_KEY, transaction_id=transaction_id)
    bench.post(MeterSampled(1, round(bench.plants[1].register_wh, 3), signed=signed))


def charge(bench: Bench) -> SignedSession:
    bench.plug_in()
    bench.swipe()
    bench.pass_time(60)
    return SignedSession(bench.transaction_id, CARD, "ISO14443")


def test_nobody_s_session_is_ended_at_power_on():
    assert bench_that_signs().signing == [EndSigned(1, None)]


@pytest.mark.parametrize("cable_first", [True, False])
def test_a_session_begins_when_driver_and_vehicle_are_known_and_ends_with_the_power_path_open(cable_first: bool):
    bench = bench_that_signs(**{"TxCtrlr.TxStartPoint": "EVConnected,Authorized"})
    first, second = (bench.plug_in, bench.swipe) if cable_first else (bench.swipe, bench.plug_in)
    first()
    assert bench.signing[1:] == []
    second()
    session = SignedSession(bench.transaction_id, CARD, "ISO14443")
    assert bench.signing[1:] == [BeginSigned(1, session)]
    bench.pass_time(60)
    bench.plants[1].welded = True
    bench.swipe()
    assert bench.signing[2:] == []
    bench.plants[1].welded = False
    bench.pass_time(1)
    assert bench.signing[2:] == [EndSigned(1, session)]


def test_the_ended_waits_for_the_record_and_carries_it():
    bench = bench_that_signs()
    session = charge(bench)
    bench.take_sent()
    bench.swipe()
    bench.pass_time(3)
    assert [event["eventType"] for event in bench.take_events()].count("Ended") == 0
    record(bench, session.transaction_id)
    ended = bench.take_events()[-1]
    assert ended["eventType"] == "Ended"
    assert signed_values(ended)[-1] == (
        "Transaction.End",
        {"signedMeterData": "T0NNRg==", "encodingMethod": "OCMF", "signingMethod": "", "publicKey": METER_KEY},
    )


def test_a_meter_that_does_not_sign_holds_the_ended_for_a_while_only():
    bench = bench_that_signs()
    charge(bench)
    bench.swipe()
    bench.pass_time(SIGNATURE_PATIENCE_S - 2)
    assert "Ended" not in [event["eventType"] for event in bench.take_events()]
    bench.pass_time(4)
    assert bench.take_events()[-1]["eventType"] == "Ended"


def test_a_meter_that_is_gone_holds_nothing():
    bench = bench_that_signs()
    charge(bench)
    bench.post(DeviceLost(1, "evse[0].meter", "silent"))
    bench.swipe()
    assert bench.take_events()[-1]["eventType"] == "Ended"


def test_the_record_of_another_session_is_not_carried():
    bench = bench_that_signs()
    charge(bench)
    bench.plants[1].meter_answers = False
    bench.swipe()
    record(bench, "somebody else's")
    bench.pass_time(SIGNATURE_PATIENCE_S + 2)
    ended = bench.take_events()[-1]
    assert [(context, signed) for context, signed in signed_values(ended)][-1] == ("Transaction.End", None)


def test_a_record_that_a_power_cut_left_unread_goes_out_with_the_ended_of_its_transaction():
    bench = bench_that_signs()
    session = charge(bench)
    bench.take_sent()
    bench.power_cycle()
    bench.connect()
    assert bench.signing[-1] == EndSigned(1, session)
    assert "Ended" not in [event["eventType"] for event in bench.take_events()]
    record(bench, session.transaction_id)
    ended = bench.take_events()[-1]
    assert (ended["eventType"], ended["transactionInfo"]["stoppedReason"]) == ("Ended", "PowerLoss")
    assert signed_values(ended)[-1][1] is not None


def test_a_transaction_that_goes_on_after_a_power_cut_is_begun_anew_and_carries_both_records():
    bench = bench_that_signs(**{"TxCtrlr.ResumptionTimeout": 300})
    session = charge(bench)
    bench.power_cycle(off_s=5)
    bench.connect()
    bench.pass_time(2)
    assert bench.signing[-1] == BeginSigned(1, session)
    record(bench, session.transaction_id)
    bench.pass_time(20)
    bench.swipe()
    record(bench, session.transaction_id)
    ended = bench.take_events()[-1]
    assert ended["eventType"] == "Ended"
    assert sum(signed is not None for _, signed in signed_values(ended)) == 2


def test_a_driver_who_comes_back_to_his_transaction_begins_no_second_session():
    bench = bench_that_signs(**{"TxCtrlr.TxStopPoint": "EVConnected"})
    session = charge(bench)
    bench.swipe()
    bench.pass_time(5)
    bench.swipe(CARD.lower())
    bench.pass_time(5)
    assert bench.evse().authorization is not None
    assert bench.signing[1:] == [BeginSigned(1, session)]


def test_readings_can_be_told_signed_before_the_first_session():
    bench = Bench(layout={"signs_sessions": True}, variables=SILENT)
    bench.accept()
    assert bench.set("SampledDataCtrlr.SignReadings", True) == "Accepted"
