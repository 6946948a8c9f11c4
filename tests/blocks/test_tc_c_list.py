"""Certification cases of block C with a token on the local authorization list, with the CSMS and without it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.bench import CARD, OTHER_CARD
from tests.blocks.reusable import DURATION_S, Octt
from tests.blocks.test_tc_c_start import GROUP, POINTS, every_start_point, every_stop_point

LIST = {"LocalAuthListCtrlr.Enabled": True, "AuthCtrlr.LocalPreAuthorize": True}
ASKED_ALL_THE_SAME = {**LIST, "LocalAuthListCtrlr.DisablePostAuthorize": False}
LINK = {
    "OCPPCommCtrlr.RetryBackOffWaitMinimum": 30,
    "OCPPCommCtrlr.OfflineThreshold": 90,
    "OCPPCommCtrlr.RetryBackOffRandomRange": 0,
}
OFFLINE = {
    **LIST,
    "AuthCtrlr.OfflineTxForUnknownIdEnabled": False,
    "AuthCtrlr.LocalAuthorizeOffline": True,
}


def with_listed(configuration: Mapping[str, object], status: str = "Accepted", **options: object) -> Octt:
    octt = Octt(configuration, bay=True, **options)
    octt.id_token_local_auth_list(status=status)
    octt.expect_nothing()
    return octt


# ---- with the CSMS ----


@every_start_point
def test_TC_C_27_CS_accepted(start: str):
    octt = with_listed(LIST, start=start)
    octt.authorized(asks=False, remote=False)
    octt.ev_connected_pre_session()
    octt.energy_transfer_started()
    octt.expect_nothing()
    assert octt.transfers_energy()


@every_start_point
def test_TC_C_28_CS_invalid(start: str):
    octt = with_listed(ASKED_ALL_THE_SAME, "Invalid", start=start)
    octt.asked_about(CARD, "Invalid")
    octt.expect_silence()


@every_start_point
def test_TC_C_29_CS_blocked(start: str):
    with_listed(ASKED_ALL_THE_SAME, "Blocked", start=start).refused_with_cable(CARD, "Blocked")


@every_start_point
def test_TC_C_30_CS_expired(start: str):
    with_listed(ASKED_ALL_THE_SAME, "Expired", start=start).refused_with_cable(CARD, "Expired")


@every_start_point
@pytest.mark.parametrize("remote", [False, True], ids=["local", "remote"])
def test_TC_C_31_CS_invalid_and_accepted_by_the_csms(start: str, remote: bool):
    octt = with_listed({**LIST, "AuthCtrlr.AuthorizeRemoteStart": True}, "Invalid", start=start, remote=remote)
    octt.authorized()
    octt.ev_connected_pre_session()
    octt.energy_transfer_started()
    octt.expect_nothing()
    assert octt.transfers_energy()


@every_start_point
def test_TC_C_58_CS_invalid_and_not_asked_about(start: str):
    octt = with_listed({**LIST, "LocalAuthListCtrlr.DisablePostAuthorize": True}, "Invalid", start=start)
    octt.present(CARD)
    octt.expect_silence()
    octt.ev_connected_pre_session()
    octt.expect_nothing()
    assert not octt.transfers_energy()


# ---- one of the group ----


@every_stop_point
@every_start_point
def test_TC_C_40_CS_another_one_of_the_group_stops(start: str, stop: str):
    octt = Octt(LIST, start=start, stop=stop, bay=True)
    octt.id_tokens_local_auth_list({CARD: "Accepted", OTHER_CARD: "Accepted"}, GROUP)
    octt.judge_tokens("Accepted", GROUP)
    octt.ev_connected_pre_session()
    octt.authorized(asks=False, remote=False)
    octt.energy_transfer_started()
    octt.stop_authorized(OTHER_CARD)  # Ended or Updated as the stop point is: erratum 6.2.117
    octt.ev_connected_post_session()
    octt.ev_disconnected()
    octt.parking_bay_unoccupied()
    octt.expect_nothing()
    assert octt.running is None


@every_start_point
def test_TC_C_43_CS_one_of_the_group_who_is_invalid_stops_nothing(start: str):
    octt = Octt(LIST, start=start, bay=True)
    octt.id_tokens_local_auth_list({CARD: "Accepted", OTHER_CARD: "Invalid"}, GROUP)
    octt.judge_tokens("Accepted", GROUP)
    octt.ev_connected_pre_session()
    octt.authorized(asks=False, remote=False)
    octt.energy_transfer_started()
    octt.asked_about(OTHER_CARD, "Invalid", GROUP)
    octt.expect_silence()
    assert octt.running
    assert octt.transfers_energy()


# ---- without the CSMS ----


@every_stop_point
@every_start_point
def test_TC_C_21_CS_offline_accepted(start: str, stop: str):
    octt = with_listed(OFFLINE, start=start, stop=stop)
    octt.start_offline_transaction()
    octt.present(CARD)
    octt.bench.unplug()
    octt.drive_out()
    events = octt.expect_events()
    stopped = [event["triggerReason"] for event in events].index("StopAuthorized")
    assert stopped > 0
    assert all(event["offline"] is True for event in events[:stopped])
    assert [event["idToken"]["idToken"] for event in events[:stopped] if "idToken" in event] == [CARD]
    assert octt.readings == []
    ended = events[-1]
    assert (ended["eventType"], ended["transactionInfo"]["stoppedReason"]) == ("Ended", "Local")
    assert stop != "ParkingBayOccupancy" or ended["triggerReason"] == "EVDeparted"
    assert octt.running is None


def play_offline_refused(start: str, status: str) -> None:
    octt = with_listed({**OFFLINE, **LINK}, status, start=start)
    octt.bench.disconnect()
    octt.drive_in()
    octt.present(CARD)
    octt.bench.connect()
    if start == "ParkingBayOccupancy":
        assert octt.expect_event("Started", trigger="EVDetected")["offline"] is True
    octt.expect_silence()
    octt.bench.plug_in()
    assert not octt.transfers_energy()


@every_start_point
def test_TC_C_22_CS_offline_invalid(start: str):
    play_offline_refused(start, "Invalid")


@every_start_point
def test_TC_C_23_CS_offline_blocked(start: str):
    play_offline_refused(start, "Blocked")


@every_start_point
def test_TC_C_24_CS_offline_expired(start: str):
    play_offline_refused(start, "Expired")


@pytest.mark.parametrize("start", [point for point in POINTS if point not in ("ParkingBayOccupancy", "EVConnected")])
def test_TC_C_25_CS_the_list_comes_before_the_cache(start: str):
    octt = Octt(
        {
            **OFFLINE,
            **LINK,
            "AuthCtrlr.OfflineTxForUnknownIdEnabled": True,
            "TxCtrlr.StopTxOnInvalidId": False,
        },
        start=start,
        bay=True,
    )
    octt.id_token_cached()
    octt.id_token_local_auth_list(status="Invalid")
    octt.ev_connected_pre_session()
    known = octt.transaction_id
    octt.bench.disconnect()
    octt.present(CARD)
    octt.bench.pass_time(DURATION_S)
    octt.bench.connect()
    octt.expect_silence()
    assert octt.transaction_id == known
    assert not octt.transfers_energy()
