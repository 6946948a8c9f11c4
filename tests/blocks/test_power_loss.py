"""The power goes in a session: the transaction is resumed or ended, with what the hardware says when it is back."""

from __future__ import annotations

from tests.bench import CARD, TOKEN, Bench

ENERGY = "Energy.Active.Import.Register"
POINTS = {"TxCtrlr.TxStartPoint": "Authorized", "TxCtrlr.TxStopPoint": "Authorized"}


def charging(**variables: object) -> Bench:
    bench = Bench(variables=variables)
    bench.accept()
    bench.plug_in()
    bench.swipe(CARD)
    assert bench.evse().charging_state(bench.mono) == "Charging"
    bench.charge(500)
    bench.take_sent()
    return bench


def registers(event: dict[str, object]) -> dict[str, float]:
    return {
        sample.get("context", "Sample.Periodic"): sample["value"]
        for value in event["meterValue"]  # type: ignore[attr-defined]
        for sample in value["sampledValue"]
    }


def test_the_transaction_ends_with_power_loss_and_the_register_as_it_is_found() -> None:
    bench = charging()
    transaction_id = bench.transaction_id
    bench.plants[1].register_wh += 40  # flowed after the last reading that was stored
    bench.power_cycle()
    bench.connect()
    bench.pass_time(10)
    (ended,) = [event for event in bench.take_events() if event["eventType"] == "Ended"]
    info = ended["transactionInfo"]
    assert (info["transactionId"], info["stoppedReason"]) == (transaction_id, "PowerLoss")
    assert ended["triggerReason"] == "AbnormalCondition"
    assert ended["offline"] is True
    values = registers(ended)
    assert values["Transaction.End"] - values["Transaction.Begin"] == 540


def test_it_ends_at_the_last_moment_of_which_something_is_known() -> None:
    bench = charging()
    last_known = bench.told[-1].timestamp
    bench.power_cycle(off_s=3600)
    bench.connect()
    bench.pass_time(10)
    (ended,) = [event for event in bench.told if event.event_type == "Ended"]
    assert last_known <= ended.timestamp <= last_known.replace(year=2027)
    assert (bench.now.wall - ended.timestamp).total_seconds() > 3600


def test_a_meter_that_forgot_its_register_takes_nothing_back() -> None:
    bench = charging(**{"SampledDataCtrlr.TxUpdatedInterval": 10})
    bench.pass_time(60)
    stored = bench.told[-1].meter_value
    assert stored
    bench.plants[1].register_wh = 0.0
    bench.power_cycle()
    bench.connect()
    bench.pass_time(10)
    (ended,) = [event for event in bench.take_events() if event["eventType"] == "Ended"]
    values = registers(ended)
    assert values["Transaction.End"] >= stored[-1].sampled_value[0].value > values["Transaction.Begin"]


def test_a_meter_that_does_not_come_back_delays_the_end_only_a_little() -> None:
    bench = charging()
    bench.plants[1].meter_answers = False
    bench.power_cycle()
    bench.connect()
    bench.pass_time(10)
    assert [event["eventType"] for event in bench.take_events()].count("Ended") == 1


def test_without_a_pilot_after_the_cut_the_register_is_waited_for_all_the_same() -> None:
    bench = charging()
    bench.plants[1].register_wh += 40
    bench.plants[1].meter_answers = bench.plants[1].pilot_answers = False
    bench.power_cycle()
    bench.connect()
    bench.lose("pilot")
    bench.pass_time(1)
    bench.plants[1].meter_answers = True
    bench.pass_time(5)
    (ended,) = [event for event in bench.take_events() if event["eventType"] == "Ended"]
    values = registers(ended)
    assert values["Transaction.End"] - values["Transaction.Begin"] == 540


def test_no_number_is_used_twice_over_a_power_cut() -> None:
    bench = charging()
    before = [event.seq_no for event in bench.told]
    bench.power_cycle()
    bench.connect()
    bench.pass_time(10)
    assert [event.seq_no for event in bench.told] == [*before, before[-1] + 1]


def test_a_vehicle_that_is_still_plugged_in_gets_nothing_until_somebody_is_authorized_again() -> None:
    bench = charging()
    bench.power_cycle()
    bench.connect()
    bench.pass_time(10)
    assert bench.evse().plugged == 1
    assert not bench.intents[1].permit_power
    bench.take_sent()
    bench.swipe(CARD)
    assert bench.take_story()[0][0] == "Started"
    assert bench.intents[1].permit_power


def test_with_EVConnected_as_start_point_a_new_transaction_starts_for_the_vehicle_that_stayed() -> None:
    bench = charging(**{"TxCtrlr.TxStartPoint": "EVConnected", "TxCtrlr.TxStopPoint": "EVConnected"})
    old = bench.transaction_id
    bench.power_cycle()
    bench.connect()
    bench.pass_time(10)
    assert bench.transaction_id != old
    kinds = [(event["eventType"], event["transactionInfo"]["transactionId"] == old) for event in bench.take_events()]
    assert kinds == [("Ended", True), ("Started", False)]


def test_E17_within_the_resumption_timeout_the_same_transaction_goes_on() -> None:
    bench = charging(**{"TxCtrlr.ResumptionTimeout": 120})
    transaction_id, told = bench.transaction_id, len(bench.told)
    bench.power_cycle(off_s=30)
    bench.connect()
    bench.pass_time(10)
    assert bench.transaction_id == transaction_id
    assert bench.evse().charging_state(bench.mono) == "Charging"
    after = bench.told[told:]
    assert {event.event_type for event in after} == {"Updated"}
    assert [event.seq_no for event in after] == list(range(told, told + len(after)))
    assert after[-1].transaction_info.charging_state == "Charging"
    bench.charge(100)
    bench.swipe(CARD)
    bench.pass_time(10)
    assert bench.told[-1].event_type == "Ended"


def test_E17_longer_than_the_resumption_timeout_it_ends() -> None:
    bench = charging(**{"TxCtrlr.ResumptionTimeout": 20})
    bench.power_cycle(off_s=30)
    bench.connect()
    bench.pass_time(10)
    assert bench.told[-1].transaction_info.stopped_reason == "PowerLoss"


def test_E17_the_vehicle_left_in_the_dark() -> None:
    bench = charging(**{"TxCtrlr.ResumptionTimeout": 120})
    bench.plants[1].connector = None
    bench.power_cycle(off_s=30)
    bench.connect()
    bench.pass_time(60)
    assert [event.event_type for event in bench.told].count("Ended") == 1
    assert bench.told[-1].transaction_info.stopped_reason == "PowerLoss"
    assert bench.evse().transaction is None


def test_E17_without_energy_transfer_resumption_the_transaction_goes_on_without_energy() -> None:
    bench = charging(**{"TxCtrlr.ResumptionTimeout": 120, "TxCtrlr.AllowEnergyTransferResumption": False})
    transaction_id = bench.transaction_id
    bench.power_cycle(off_s=30)
    bench.connect()
    bench.pass_time(10)
    assert bench.transaction_id == transaction_id
    assert bench.told[-1].transaction_info.charging_state == "SuspendedEVSE"
    assert not bench.intents[1].permit_power


def test_E17_with_a_clock_that_is_not_known_nothing_is_resumed() -> None:
    bench = charging(**{"TxCtrlr.ResumptionTimeout": 120})
    record = bench.records["transaction/1"]
    bench.power_cycle(off_s=30)
    bench.records["transaction/1"] = record
    bench.station.desk.clock_known = False
    bench.station.power_on(bench.records, bench.now)
    bench.pass_time(30)
    assert bench.told[-1].transaction_info.stopped_reason == "PowerLoss"


def test_a_second_power_cut_before_the_end_is_told_changes_nothing() -> None:
    bench = charging()
    bench.disconnect()
    bench.plants[1].meter_answers = False
    bench.power_cycle()
    bench.pass_time(1)
    bench.plants[1].meter_answers = True
    bench.power_cycle()
    bench.pass_time(10)
    bench.connect()
    events = bench.told
    assert [event.event_type for event in events].count("Ended") == 1
    assert [event.seq_no for event in events] == list(range(len(events)))


def test_E14_FR_01_an_unknown_transaction_is_not_ongoing_and_has_nothing_waiting() -> None:
    bench = Bench()
    bench.accept()
    answer = bench.ask("GetTransactionStatus", transactionId="never-heard-of")
    assert answer == {"messagesInQueue": False, "ongoingIndicator": False}


def test_E14_FR_02_to_05_a_transaction_is_ongoing_until_it_ended() -> None:
    bench = charging()
    transaction_id = bench.transaction_id
    ongoing = {"messagesInQueue": False, "ongoingIndicator": True}
    assert bench.ask("GetTransactionStatus", transactionId=transaction_id) == ongoing
    bench.script["TransactionEvent"] = None  # the CSMS takes its time
    bench.swipe(CARD)
    bench.pass_time(1)
    ended = {"messagesInQueue": True, "ongoingIndicator": False}
    assert bench.ask("GetTransactionStatus", transactionId=transaction_id) == ended


def test_E14_FR_06_E14_FR_07_E14_FR_08_without_an_id_it_is_only_asked_what_waits() -> None:
    bench = charging()
    assert bench.ask("GetTransactionStatus") == {"messagesInQueue": False}
    bench.script["TransactionEvent"] = None
    bench.ask("RequestStopTransaction", transactionId=bench.transaction_id)
    assert bench.ask("GetTransactionStatus") == {"messagesInQueue": True}


def test_a_remote_start_survives_a_resumption() -> None:
    bench = Bench(variables={"TxCtrlr.ResumptionTimeout": 120})
    bench.accept()
    bench.plug_in()
    bench.ask("RequestStartTransaction", idToken=TOKEN, remoteStartId=7, evseId=1)
    bench.power_cycle(off_s=10)
    bench.connect()
    bench.pass_time(10)
    assert bench.evse().charging_state(bench.mono) == "Charging"
    starts = [event.transaction_info.remote_start_id for event in bench.told]
    assert starts.count(7) == 1
