"""The local list with and without the CSMS (C13, C14), unknown cards without it (C15), where a card is good (C01)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.bench import CARD, OTHER_CARD, POWER_ON, TOKEN, Bench, Payload, story
from tests.blocks.cards import asked_about, charges, refusals
from tests.blocks.test_d_local_auth_list import item, send
from tests.blocks.test_e_start import bench_with

SILENT = {"SampledDataCtrlr.TxUpdatedInterval": 0}
LOCAL = {"AuthCtrlr.LocalPreAuthorize": True, **SILENT}
UNKNOWN_IDS = "AuthCtrlr.OfflineTxForUnknownIdEnabled"
UNKNOWN_TOO = {UNKNOWN_IDS: True, **SILENT}
GROUP = {"idToken": "FAMILY", "type": "Central"}
STATUSES = ["Blocked", "ConcurrentTx", "Expired", "Invalid", "NoCredit", "NotAllowedTypeEVSE", "Unknown"]


def stamp(seconds: float) -> str:
    return (POWER_ON + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def with_list(*items: Payload, variables: Payload = LOCAL, **options: object) -> Bench:
    """A station whose list has these entries."""
    bench = bench_with(variables=variables, **options)
    assert send(bench, 1, *items) == "Accepted"
    bench.take_sent()
    return bench


def offline_charges(bench: Bench, card: str = CARD) -> bool:
    bench.disconnect()
    return charges(bench, card)


def cache(bench: Bench, card: str, status: str) -> None:
    """What the CSMS says of a card that is held to the reader once."""
    bench.script["Authorize"] = {"idTokenInfo": {"status": status}}
    bench.swipe(card)
    if status == "Accepted":
        bench.swipe(card)
    del bench.script["Authorize"]
    bench.take_sent()
    bench.facts.clear()


# ---- C14: online ----

TIMELESS = {"LocalAuthListCtrlr.SupportsExpiryDateTime": False}
"""A board that does not look at cacheExpiryDateTime."""


@pytest.mark.parametrize("info", [{}, {"cacheExpiryDateTime": stamp(-1)}], ids=["no time", "time has passed"])
def test_C14_FR_02_a_listed_card_charges_without_asking(info: Payload):
    bench = with_list(item(CARD, **info), variables=LOCAL | TIMELESS)
    assert charges(bench)
    assert asked_about(bench) == []
    assert bench.take_events()[0]["idToken"] == TOKEN


@pytest.mark.parametrize("status", STATUSES)
def test_C14_FR_03_one_that_is_not_accepted_is_asked_about(status: str):
    bench = with_list(item(CARD, status))
    bench.script["Authorize"] = {"idTokenInfo": {"status": status}}
    assert not charges(bench)
    assert asked_about(bench) == [CARD]


def test_C14_FR_03_and_charges_when_the_csms_accepts_it():
    bench = with_list(item(CARD, "Invalid"))
    assert charges(bench)
    assert asked_about(bench) == [CARD]


def test_it_is_not_asked_about_where_that_is_switched_off():
    bench = with_list(item(CARD, "Invalid"), variables=LOCAL | {"LocalAuthListCtrlr.DisablePostAuthorize": True})
    assert not charges(bench)
    assert asked_about(bench) == []
    assert refusals(bench) == ["Invalid"]


@pytest.mark.parametrize("info", [{}, {"cacheExpiryDateTime": stamp(3600)}], ids=["no time", "time ahead"])
def test_C14_FR_04_one_whose_time_has_not_come_charges_without_asking(info: Payload):
    bench = with_list(item(CARD, **info))
    assert charges(bench)
    assert asked_about(bench) == []


@pytest.mark.parametrize("post", [False, True])
def test_C14_FR_05_one_whose_time_has_passed_is_asked_about(post: bool):
    disabled = {"LocalAuthListCtrlr.DisablePostAuthorize": not post}
    bench = with_list(item(CARD, cacheExpiryDateTime=stamp(-1)), variables=LOCAL | disabled)
    assert charges(bench)
    assert asked_about(bench) == [CARD]


def test_C14_without_LocalPreAuthorize_the_csms_is_asked():
    bench = with_list(item(CARD), variables=SILENT)
    assert charges(bench)
    assert asked_about(bench) == [CARD]


def test_C14_a_list_that_is_not_in_use_knows_nobody():
    bench = with_list(item(CARD))
    bench.set("LocalAuthListCtrlr.Enabled", False)
    assert charges(bench)
    assert asked_about(bench) == [CARD]


@pytest.mark.parametrize(("listed", "kept"), [("Invalid", "Accepted"), ("Accepted", "Invalid")])
def test_C14_FR_01_the_list_comes_before_the_cache(listed: str, kept: str):
    bench = bench_with(variables=LOCAL | {"LocalAuthListCtrlr.DisablePostAuthorize": True})
    cache(bench, CARD, kept)
    send(bench, 1, item(CARD, listed))
    assert charges(bench) is (listed == "Accepted")
    assert asked_about(bench) == []


@pytest.mark.parametrize("remote", [True, False])
def test_DisableRemoteAuthorization_takes_the_list_for_the_whole_truth(remote: bool):
    bench = with_list(item(CARD), variables=SILENT | {"AuthCtrlr.DisableRemoteAuthorization": remote})
    assert charges(bench)
    assert asked_about(bench) == ([] if remote else [CARD])


# ---- C13: offline ----


unknown_too_or_not = pytest.mark.parametrize("unknown_too", [False, True])
timeless_or_not = pytest.mark.parametrize("timeless", [False, True])


def offline(unknown_too: bool, timeless: bool) -> Payload:
    return SILENT | {UNKNOWN_IDS: unknown_too} | (TIMELESS if timeless else {})


@pytest.mark.proves("C13.FR.02", "C13.FR.03", "C13.FR.04", "C13.FR.05", "C13.FR.06")
@timeless_or_not
@unknown_too_or_not
def test_offline_a_listed_card_charges(unknown_too: bool, timeless: bool):
    bench = with_list(item(CARD), variables=offline(unknown_too, timeless))
    assert offline_charges(bench)
    bench.connect()
    assert asked_about(bench) == []


@pytest.mark.proves("C13.FR.02", "C13.FR.04", "C13.FR.05", "C13.FR.06")
@timeless_or_not
@unknown_too_or_not
@pytest.mark.parametrize("status", STATUSES)
def test_offline_one_that_is_not_accepted_does_not(status: str, unknown_too: bool, timeless: bool):
    bench = with_list(item(CARD, status), variables=offline(unknown_too, timeless))
    assert not offline_charges(bench)
    assert refusals(bench) == [status]


@pytest.mark.proves("C13.FR.02", "C13.FR.04", "C13.FR.05", "C13.FR.06")
@timeless_or_not
@unknown_too_or_not
def test_offline_one_that_is_not_listed_only_where_unknown_ones_may(unknown_too: bool, timeless: bool):
    bench = with_list(item(OTHER_CARD), variables=offline(unknown_too, timeless))
    assert offline_charges(bench) is unknown_too


@pytest.mark.parametrize(("unknown_too", "ahead_s"), [(False, 3600), (False, -1), (True, 3600), (True, -1)])
def test_C13_FR_05_C13_FR_06_one_whose_time_has_passed_is_neither_accepted_nor_unknown(
    unknown_too: bool, ahead_s: float
):
    bench = with_list(
        item(CARD, cacheExpiryDateTime=stamp(ahead_s)),
        variables=offline(unknown_too, timeless=False),
    )
    assert offline_charges(bench) is (ahead_s > 0)
    assert refusals(bench) == ([] if ahead_s > 0 else ["Expired"])


@unknown_too_or_not
def test_C13_FR_02_C13_FR_04_a_board_that_does_not_look_at_the_time(unknown_too: bool):
    bench = with_list(item(CARD, cacheExpiryDateTime=stamp(-1)), variables=offline(unknown_too, timeless=True))
    assert offline_charges(bench)


@pytest.mark.parametrize(("listed", "kept"), [("Invalid", "Accepted"), ("Accepted", "Invalid")])
def test_C13_FR_01_the_list_comes_before_the_cache(listed: str, kept: str):
    bench = bench_with(variables=SILENT)
    cache(bench, CARD, kept)
    send(bench, 1, item(CARD, listed))
    assert offline_charges(bench) is (listed == "Accepted")


def test_C13_LocalAuthorizeOffline_off_a_listed_card_does_not_charge_offline():
    bench = with_list(item(CARD), variables=SILENT | {"AuthCtrlr.LocalAuthorizeOffline": False})
    assert not offline_charges(bench)
    assert refusals(bench) == ["Offline"]


def test_C13_after_a_power_cut_and_before_the_csms_is_there():
    bench = with_list(item(CARD), variables=SILENT | {"TxCtrlr.TxBeforeAcceptedEnabled": True})
    bench.power_cycle()
    assert charges(bench)


# ---- C09, C16 by the list ----


def test_C09_FR_07_one_of_the_group_who_is_listed_ends_it_without_asking():
    bench = with_list(item(CARD, groupIdToken=GROUP), item(OTHER_CARD, groupIdToken=GROUP), variables=SILENT)
    bench.script["Authorize"] = {"idTokenInfo": {"status": "Accepted", "groupIdToken": GROUP}}
    assert charges(bench)
    bench.swipe(OTHER_CARD)
    assert not bench.intents[1].permit_power
    assert asked_about(bench) == [CARD]


def test_C09_FR_11_one_of_the_group_who_is_listed_as_invalid_is_asked_about():
    bench = with_list(item(CARD, groupIdToken=GROUP), item(OTHER_CARD, "Invalid", groupIdToken=GROUP))
    assert charges(bench)
    bench.script["Authorize"] = {"idTokenInfo": {"status": "Invalid", "groupIdToken": GROUP}}
    bench.swipe(OTHER_CARD)
    assert asked_about(bench) == [OTHER_CARD]
    assert bench.intents[1].permit_power


def test_C09_FR_07_offline_one_of_the_group_ends_it_too():
    bench = with_list(item(CARD, groupIdToken=GROUP), item(OTHER_CARD, groupIdToken=GROUP))
    assert offline_charges(bench)
    bench.swipe(OTHER_CARD)
    assert not bench.intents[1].permit_power


def test_C16_FR_05_a_master_pass_that_is_listed_ends_every_transaction_offline():
    police = {"idToken": "POLICE", "type": "Central"}
    bench = with_list(
        item(CARD), item("pass", groupIdToken=police), variables=SILENT | {"AuthCtrlr.MasterPassGroupId": "POLICE"}
    )
    assert offline_charges(bench)
    bench.swipe("pass")
    assert not bench.intents[1].permit_power
    assert bench.told[-1].transaction_info.stopped_reason == "MasterPass"


# ---- C01: where a card is good ----


def test_C01_FR_21_a_listed_card_is_good_at_the_evses_that_are_named():
    bench = with_list(item(CARD, evseId=[2]), evses=2)
    bench.plug_in(evse=1)
    bench.swipe(evse=1)
    assert refusals(bench) == ["no free EVSE"]
    bench.plug_in(evse=2)
    bench.swipe()
    assert (bench.intents[1].permit_power, bench.intents[2].permit_power) == (False, True)


def test_without_names_a_card_is_good_at_all_of_them():
    bench = with_list(item(CARD), evses=2)
    bench.plug_in(evse=2)
    bench.swipe()
    assert bench.intents[2].permit_power


def test_C01_FR_21_a_right_does_not_move_to_an_evse_where_it_is_not_good():
    bench = with_list(item(CARD, evseId=[1]), evses=2)
    bench.swipe()
    bench.plug_in(evse=2)
    assert not bench.intents[2].permit_power
    bench.plug_in(evse=1)
    assert bench.intents[1].permit_power


def test_C01_FR_21_and_moves_to_one_where_it_is():
    bench = with_list(item(CARD, evseId=[1, 2]), evses=2)
    bench.swipe()
    bench.plug_in(evse=2)
    assert bench.intents[2].permit_power


@pytest.mark.parametrize("status", ["NotAtThisLocation", "NotAllowedTypeEVSE"])
def test_a_card_that_is_good_nowhere_here_charges_nowhere(status: str):
    bench = bench_with(evses=2)
    bench.script["Authorize"] = {"idTokenInfo": {"status": status}}
    assert not charges(bench)
    assert refusals(bench) == [status]


# ---- C15: unknown cards offline, and what the CSMS says of them afterwards ----


def offline_then_refused(wh: float = 0.0, variables: Payload | None = None, **options: object) -> Bench:
    """An unknown card charges offline so much; then the CSMS is back and does not know it."""
    bench = bench_with(variables=UNKNOWN_TOO | (variables or {}), **options)
    assert offline_charges(bench)
    bench.charge(wh)
    bench.script["TransactionEvent"] = lambda asked: (
        {"idTokenInfo": {"status": "Invalid"}} if "idToken" in asked else {}
    )
    bench.take_sent()
    bench.connect()
    return bench


KEEP = {"TxCtrlr.StopTxOnInvalidId": False}


def test_C15_FR_02_what_was_authorized_offline_is_told_afterwards():
    told = offline_then_refused().take_events()
    assert (told[0]["eventType"], told[0]["offline"], told[0]["idToken"]) == ("Started", True, TOKEN)


@pytest.mark.parametrize("stop", ["Authorized", "PowerPathClosed", "EnergyTransfer", "EVConnected,Authorized"])
def test_C15_FR_04_refused_the_transaction_ends(stop: str):
    bench = offline_then_refused(stop=stop)
    bench.pass_time(10)
    ended = bench.take_events()[-1]
    assert story(ended)[:2] == ("Ended", "Deauthorized")
    assert ended["transactionInfo"]["stoppedReason"] == "DeAuthorized"
    assert not bench.intents[1].permit_power


@pytest.mark.parametrize("stop", ["EVConnected", "ParkingBayOccupancy"])
def test_C15_FR_03_refused_the_energy_ends_and_the_transaction_stays(stop: str):
    bench = offline_then_refused(stop=stop, bay=stop == "ParkingBayOccupancy")
    told = [story(event) for event in bench.take_events()]
    assert [trigger for _, trigger, _ in told].count("Deauthorized") == 1
    assert told[-1] == ("Updated", "Deauthorized", "EVConnected")
    assert "Ended" not in [event for event, _, _ in told]
    assert not bench.intents[1].permit_power


def deauthorized_with_a_contactor_that_sticks(**variables: object) -> Bench:
    """And with a vehicle that goes on drawing, whatever it is offered."""
    bench = bench_with(variables=UNKNOWN_TOO | variables, stop="EVConnected")
    bench.disconnect()
    bench.plug_in(simplified=True)
    bench.swipe()
    bench.plants[1].welded = True
    bench.script["TransactionEvent"] = lambda asked: (
        {"idTokenInfo": {"status": "Invalid"}} if "idToken" in asked else {}
    )
    bench.connect()
    assert not bench.intents[1].permit_power
    assert "Deauthorized" not in [trigger for _, trigger, _ in bench.take_story()]
    return bench


def test_E05_FR_09_a_power_path_that_does_not_open_holds_up_the_message_for_a_while_only():
    bench = deauthorized_with_a_contactor_that_sticks()
    bench.pass_time(3.9)
    assert bench.take_story() == []
    bench.pass_time(0.2)
    assert bench.take_story() == [("Updated", "Deauthorized", "Charging")]
    bench.plants[1].welded = False
    bench.read_meter()
    assert bench.take_story() == [("Updated", "ChargingStateChanged", "EVConnected")]


def test_a_right_that_was_taken_does_not_come_back_with_the_power_before_the_message_was_made():
    bench = deauthorized_with_a_contactor_that_sticks(**{"TxCtrlr.ResumptionTimeout": 3600})
    bench.power_cycle()
    bench.accept()
    bench.pass_time(60)
    assert not bench.intents[1].permit_power


def test_C15_FR_05_the_cable_stays_locked_until_its_owner_comes():
    bench = offline_then_refused(attached=False, lock=True)
    bench.pass_time(10)
    assert bench.plants[1].locked[1] == "locked"
    bench.swipe()
    assert bench.plants[1].locked[1] == "unlocked"
    assert not bench.intents[1].permit_power


def test_C15_FR_06_refused_the_energy_is_held_back_at_once():
    bench = offline_then_refused(variables=KEEP)
    told = [story(event) for event in bench.take_events()]
    assert told[-1] == ("Updated", "ChargingStateChanged", "SuspendedEVSE")
    assert "Deauthorized" not in [trigger for _, trigger, _ in told]
    assert not bench.intents[1].permit_power


@pytest.mark.parametrize(("before_wh", "goes_on"), [(400.0, True), (500.0, False), (900.0, False)])
def test_C15_FR_06_C15_FR_07_refused_it_may_have_what_is_left_of_MaxEnergyOnInvalidId(before_wh: float, goes_on: bool):
    bench = offline_then_refused(before_wh, variables=KEEP | {"TxCtrlr.MaxEnergyOnInvalidId": 500})
    assert bench.intents[1].permit_power is goes_on
    bench.charge(200)
    assert not bench.intents[1].permit_power
    assert story(bench.take_events()[-1]) == ("Updated", "ChargingStateChanged", "SuspendedEVSE")


def test_StopTxOnInvalidId_comes_before_MaxEnergyOnInvalidId():
    bench = offline_then_refused(variables={"TxCtrlr.MaxEnergyOnInvalidId": 500})
    bench.pass_time(10)
    assert story(bench.take_events()[-1])[:2] == ("Ended", "Deauthorized")


def test_C15_FR_08_accepted_afterwards_it_goes_on():
    bench = bench_with(variables=UNKNOWN_TOO)
    assert offline_charges(bench)
    bench.connect()
    assert bench.intents[1].permit_power
    assert [event["eventType"] for event in bench.take_events()] == ["Started", "Updated"]


def test_C15_a_transaction_that_is_over_by_then_stays_as_it_was():
    bench = bench_with(variables=UNKNOWN_TOO)
    assert offline_charges(bench)
    bench.swipe()
    bench.unplug()
    bench.pass_time(10)
    bench.script["TransactionEvent"] = lambda asked: (
        {"idTokenInfo": {"status": "Invalid"}} if "idToken" in asked else {}
    )
    bench.connect()
    assert [event["eventType"] for event in bench.take_events()].count("Ended") == 1
    assert refusals(bench) == []
