"""Block C: a card in, a right to charge out, or not (C01, C02, and C15 as far as nothing is cached here)."""

from __future__ import annotations

import pytest

from agent.session.key_codes import FIRST_PAUSE_S, KeyCodePatience
from hal.events import TokenKind
from tests.bench import CARD, OTHER_CARD, TOKEN, Bench, Payload, only, story
from tests.blocks.cards import authorizes, refusals
from tests.blocks.test_e_start import bench_with

SILENT = {"SampledDataCtrlr.TxUpdatedInterval": 0}


# ---- C01 ----


def test_C01_FR_01_a_vehicle_alone_gets_nothing():
    bench = bench_with()
    bench.plug_in(simplified=True)
    bench.pass_time(600)
    assert not bench.intents[1].permit_power
    assert not bench.plants[1].closed


def test_C01_FR_02_a_card_is_asked_about():
    bench = bench_with()
    bench.plug_in()
    bench.swipe()
    assert authorizes(bench) == [{"idToken": TOKEN}]
    assert bench.intents[1].permit_power


def test_C01_FR_01_no_power_before_the_answer():
    bench = bench_with()
    bench.script["Authorize"] = None
    bench.plug_in()
    bench.swipe()
    assert not bench.intents[1].permit_power


def test_C01_FR_03_the_card_that_is_authorized_ends_that_without_asking():
    bench = bench_with()
    bench.plug_in()
    bench.swipe()
    bench.swipe(CARD.lower())  # identifiers are compared without regard to case
    assert len(authorizes(bench)) == 1
    assert not bench.intents[1].permit_power


def test_a_right_that_was_not_used_yet_ends_too():
    bench = bench_with()
    bench.swipe()
    bench.swipe()
    bench.plug_in()
    assert not bench.intents[1].permit_power


@pytest.mark.parametrize(
    "status",
    ["Blocked", "ConcurrentTx", "Expired", "Invalid", "NoCredit", "NotAtThisLocation", "NotAtThisTime", "Unknown"],
)
def test_any_status_but_accepted_is_a_refusal(status: str):
    bench = bench_with()
    bench.script["Authorize"] = {"idTokenInfo": {"status": status}}
    bench.plug_in()
    bench.swipe()
    assert not bench.intents[1].permit_power
    assert bench.take_events() == []
    assert refusals(bench) == [status]


@pytest.mark.parametrize("answer", ["InternalError", "NotImplemented"])
def test_an_error_for_an_answer_is_a_refusal(answer: str):
    bench = bench_with()
    bench.script["Authorize"] = answer
    bench.plug_in()
    bench.swipe()
    assert refusals(bench) == [answer]
    assert not bench.intents[1].permit_power


def test_no_answer_is_a_refusal_in_the_end_and_the_card_may_try_again():
    bench = bench_with()
    bench.script["Authorize"] = None
    bench.plug_in()
    bench.swipe()
    bench.pass_time(31)
    assert refusals(bench) == ["Timeout"]
    del bench.script["Authorize"]
    bench.pass_time(20)
    bench.swipe()
    assert bench.intents[1].permit_power


def test_a_card_that_is_held_to_the_reader_is_asked_about_once():
    bench = bench_with()
    bench.script["Authorize"] = None
    bench.swipe()
    bench.swipe()
    bench.swipe()
    assert len(authorizes(bench)) == 1


def test_two_cards_at_once_are_told_apart():
    bench = bench_with(evses=2)
    replies: dict[str, Payload] = {CARD: {"idTokenInfo": {"status": "Blocked"}}}
    bench.script["Authorize"] = lambda asked: replies.get(
        asked["idToken"]["idToken"], {"idTokenInfo": {"status": "Accepted"}}
    )
    bench.plug_in(1)
    bench.plug_in(2)
    bench.swipe(CARD, evse=1)
    bench.swipe(OTHER_CARD, evse=2)
    assert (bench.intents[1].permit_power, bench.intents[2].permit_power) == (False, True)


def test_C01_FR_21_only_at_the_evses_that_the_csms_names():
    bench = bench_with(evses=2)
    bench.script["Authorize"] = {"idTokenInfo": {"status": "Accepted", "evseId": [2]}}
    bench.plug_in(evse=1)
    bench.swipe(evse=1)
    assert refusals(bench) == ["no free EVSE"]
    bench.plug_in(evse=2)
    bench.swipe(evse=0)
    assert (bench.intents[1].permit_power, bench.intents[2].permit_power) == (False, True)


def test_C01_FR_23_is_the_same_for_a_remote_start():
    bench = bench_with(stop="EVConnected", variables=SILENT)
    bench.plug_in()
    bench.swipe()
    bench.swipe()
    other = {"idToken": OTHER_CARD, "type": "ISO14443"}
    assert bench.ask("RequestStartTransaction", idToken=other, remoteStartId=1, evseId=1) == {"status": "Rejected"}


def test_C01_FR_04_nothing_but_an_identifier_is_asked_about():
    bench = bench_with()
    bench.plug_in()
    bench.swipe()
    bench.charge(1000)
    bench.vehicle_wants(False)
    bench.unplug()
    bench.pass_time(10)
    assert authorizes(bench) == [{"idToken": TOKEN}]


@pytest.mark.parametrize("kind", ["ISO14443", "ISO15693", "KeyCode", "Local", "MacAddress", "eMAID"])
def test_C06_FR_01_C06_FR_02_whatever_identifies_a_driver_is_asked_about(kind: TokenKind):
    bench = bench_with()
    bench.script["Authorize"] = None
    bench.plug_in()
    bench.swipe("1234", kind=kind)
    assert authorizes(bench) == [{"idToken": {"idToken": "1234", "type": kind}}]
    assert not bench.intents[1].permit_power


@pytest.mark.parametrize("kind", ["Local", "KeyCode"])
def test_C06_FR_03_only_who_wants_to_charge_is_asked_about(kind: TokenKind):
    bench = bench_with()
    bench.plug_in()
    bench.swipe("1234", kind=kind)
    bench.vehicle_wants(False)
    bench.swipe("1234", kind=kind)  # he wants to stop
    bench.unplug()
    bench.pass_time(600)
    assert len(authorizes(bench)) == 1


# ---- C04: key codes ----


def wrong_codes(bench: Bench, count: int, evse: int = 0) -> None:
    bench.script["Authorize"] = {"idTokenInfo": {"status": "Invalid"}}
    for number in range(count):
        bench.swipe(f"000{number}", evse, kind="KeyCode")
    del bench.script["Authorize"]


def test_C04_FR_06_after_some_wrong_codes_none_is_looked_at_for_a_while():
    bench = bench_with()
    bench.plug_in()
    wrong_codes(bench, 3)
    bench.take_sent()
    bench.swipe("1234", kind="KeyCode")
    assert refusals(bench)[-1] == "TooManyAttempts"
    assert authorizes(bench) == []
    bench.pass_time(FIRST_PAUSE_S)
    bench.swipe("1234", kind="KeyCode")
    assert bench.intents[1].permit_power


def test_C04_FR_06_each_further_wrong_code_doubles_the_pause_up_to_a_bound():
    patience, mono, pauses = KeyCodePatience(), 1000.0, []
    for _ in range(12):
        patience.wrong(1, mono)
        begun = mono
        while not patience.may_try(1, mono):
            mono += 1.0
        pauses.append(mono - begun)
    assert pauses == [0, 0, 10, 20, 40, 80, 160, 320, 600, 600, 600, 600]


def test_C04_FR_06_the_right_code_begins_anew():
    bench = bench_with()
    wrong_codes(bench, 2)
    bench.swipe("1234", kind="KeyCode")
    wrong_codes(bench, 2)
    assert "TooManyAttempts" not in refusals(bench)


def test_C04_FR_06_a_card_that_is_good_makes_no_code_better():
    bench = bench_with()
    wrong_codes(bench, 2)
    bench.swipe()
    wrong_codes(bench, 1)
    bench.swipe("1234", kind="KeyCode")
    assert refusals(bench)[-1] == "TooManyAttempts"


def test_C04_FR_06_cards_and_the_keys_of_another_reader_are_not_held_up():
    bench = bench_with(evses=2)
    bench.plug_in(1)
    bench.plug_in(2)
    wrong_codes(bench, 3, evse=1)
    bench.swipe(evse=1)
    bench.swipe("1234", evse=2, kind="KeyCode")
    assert (bench.intents[1].permit_power, bench.intents[2].permit_power) == (True, True)


def test_C04_FR_06_the_code_that_charges_cannot_be_found_by_ending_it():
    bench = bench_with()
    bench.plug_in()
    bench.swipe("1234", kind="KeyCode")
    wrong_codes(bench, 3)
    bench.swipe("1234", kind="KeyCode")
    assert bench.intents[1].permit_power
    bench.pass_time(FIRST_PAUSE_S)
    bench.swipe("1234", kind="KeyCode")
    assert not bench.intents[1].permit_power


def test_a_remote_start_that_is_refused_holds_up_nobody_at_the_keys():
    bench = bench_with(variables={"AuthCtrlr.AuthorizeRemoteStart": True})
    bench.plug_in()
    bench.script["Authorize"] = {"idTokenInfo": {"status": "Invalid"}}
    for number in range(5):
        code = {"idToken": f"000{number}", "type": "KeyCode"}
        bench.ask("RequestStartTransaction", idToken=code, remoteStartId=number + 1, evseId=1)
    del bench.script["Authorize"]
    bench.swipe("1234", evse=1, kind="KeyCode")
    assert bench.intents[1].permit_power


def test_another_card_ends_nothing():
    bench = bench_with()
    bench.plug_in()
    bench.swipe()
    bench.swipe(OTHER_CARD)
    assert bench.intents[1].permit_power
    assert [event["eventType"] for event in bench.take_events()] == ["Started", "Updated"]


@pytest.mark.parametrize("status", ["Invalid", "Unknown"])
def test_a_refused_driver_is_not_locked_in(status: str):
    bench = bench_with(attached=False, lock=True)
    bench.script["Authorize"] = {"idTokenInfo": {"status": status}}
    bench.plug_in()
    bench.swipe()
    assert bench.plants[1].locked[1] == "unlocked"
    assert not bench.intents[1].permit_power


# ---- a reader for the whole station ----


def test_a_card_at_the_stations_reader_goes_to_the_vehicle_that_waits():
    bench = bench_with(evses=2)
    bench.plug_in(evse=2)
    bench.swipe()
    assert (bench.intents[1].permit_power, bench.intents[2].permit_power) == (False, True)


def test_the_driver_may_plug_in_at_the_other_evse():
    bench = bench_with(evses=2, variables=SILENT)
    bench.swipe()
    assert bench.evse(1).authorization is not None
    bench.plug_in(evse=2)
    assert (bench.intents[1].permit_power, bench.intents[2].permit_power) == (False, True)
    started = bench.take_events()[0]
    assert started["evse"] == {"id": 2, "connectorId": 1}
    assert started["idToken"] == TOKEN
    bench.pass_time(120)  # the clock at the first EVSE is stopped
    assert bench.intents[2].permit_power


def test_a_transaction_moves_with_its_driver():
    bench = bench_with(evses=2, start="Authorized", variables={"AuthCacheCtrlr.Enabled": False, **SILENT})
    bench.swipe()
    bench.plug_in(evse=2)
    bench.swipe()
    told = bench.take_events()
    assert len({event["transactionInfo"]["transactionId"] for event in told}) == 1
    assert [event["seqNo"] for event in told] == [0, 1, 2, 3]
    assert [event["eventType"] for event in told] == ["Started", "Updated", "Updated", "Ended"]
    assert sorted(bench.records) == []


def test_a_moved_transaction_outlives_the_power_where_it_is_now():
    bench = bench_with(evses=2, start="Authorized", variables=SILENT)
    bench.swipe()
    bench.plug_in(evse=2)
    assert [key for key in bench.records if key.startswith("transaction")] == ["transaction/2"]


def test_a_card_at_the_reader_of_an_evse_stays_there():
    bench = bench_with(evses=2)
    bench.swipe(evse=1)
    bench.plug_in(evse=2)
    assert not bench.intents[2].permit_power


def test_two_drivers_at_one_reader():
    bench = bench_with(evses=2, variables=SILENT)
    bench.plug_in(evse=1)
    bench.swipe(CARD)
    bench.plug_in(evse=2)
    bench.swipe(OTHER_CARD)
    assert (bench.intents[1].permit_power, bench.intents[2].permit_power) == (True, True)
    bench.swipe(CARD)
    assert (bench.intents[1].permit_power, bench.intents[2].permit_power) == (False, True)


def test_a_third_driver_finds_no_free_evse():
    bench = bench_with(evses=2)
    bench.swipe(CARD, evse=1)
    bench.swipe(OTHER_CARD, evse=2)
    bench.swipe("third")
    assert refusals(bench) == ["no free EVSE"]


# ---- C02 ----


def test_C02_FR_01_without_authorization_connecting_is_enough():
    bench = bench_with(variables={"AuthCtrlr.Enabled": False})
    bench.plug_in()
    assert authorizes(bench) == []
    started = bench.take_events()[0]
    assert started["idToken"] == {"idToken": "", "type": "NoAuthorization"}
    assert bench.intents[1].permit_power


def test_C02_without_authorization_a_vehicle_that_was_there_before_we_were_accepted_waits_for_that():
    bench = Bench(variables={"AuthCtrlr.Enabled": False})
    bench.plug_in()
    assert not bench.intents[1].permit_power
    bench.accept()
    assert bench.intents[1].permit_power


def test_C02_a_start_button_is_not_asked_about_and_starts_and_stops():
    bench = bench_with()
    bench.plug_in()
    bench.swipe("", evse=1, kind="NoAuthorization")
    assert authorizes(bench) == []
    assert bench.take_events()[0]["idToken"] == {"idToken": "", "type": "NoAuthorization"}
    bench.swipe("", evse=1, kind="NoAuthorization")
    assert not bench.intents[1].permit_power


def test_C02_FR_01_whatever_the_button_says_of_itself_it_has_no_identifier():
    bench = bench_with()
    bench.plug_in()
    bench.swipe("BUTTON", evse=1, kind="NoAuthorization")
    assert bench.take_events()[0]["idToken"] == {"idToken": "", "type": "NoAuthorization"}


def test_C02_after_a_remote_stop_the_vehicle_waits_to_be_plugged_in_anew():
    bench = bench_with(variables={"AuthCtrlr.Enabled": False})
    bench.plug_in()
    bench.ask("RequestStopTransaction", transactionId=bench.transaction_id)
    bench.pass_time(60)
    assert not bench.intents[1].permit_power
    bench.unplug()
    bench.plug_in()
    assert bench.intents[1].permit_power


# ---- C15: offline ----


@pytest.mark.parametrize("allowed", [False, True])
def test_C15_FR_08_offline_an_unknown_card_is_accepted_where_that_is_configured(allowed: bool):
    bench = bench_with(variables={"AuthCtrlr.OfflineTxForUnknownIdEnabled": allowed})
    bench.disconnect()
    bench.plug_in()
    bench.swipe()
    assert bench.intents[1].permit_power is allowed
    assert refusals(bench) == ([] if allowed else ["Offline"])


def test_C15_FR_02_C15_FR_04_the_csms_has_the_last_word_when_it_is_back():
    bench = bench_with(variables={"AuthCtrlr.OfflineTxForUnknownIdEnabled": True, **SILENT})
    bench.disconnect()
    bench.plug_in()
    bench.swipe()
    bench.script["TransactionEvent"] = lambda asked: (
        {"idTokenInfo": {"status": "Invalid"}} if "idToken" in asked else {}
    )
    bench.connect()
    told = bench.take_events()
    assert [(story(event)[:2], event.get("offline")) for event in told] == [
        (("Started", "Authorized"), True),
        (("Updated", "ChargingStateChanged"), True),
        (("Ended", "Deauthorized"), None),
    ]
    assert not bench.intents[1].permit_power


def test_a_card_that_is_asked_about_while_the_link_goes_is_an_offline_card():
    bench = bench_with(variables={"AuthCtrlr.OfflineTxForUnknownIdEnabled": True})
    bench.script["Authorize"] = None
    bench.plug_in()
    bench.swipe()
    bench.disconnect()
    assert bench.intents[1].permit_power
    assert only([event.event_type for event in bench.told if event.event_type == "Started"]) == "Started"
