"""Certification cases of block E, the end: stop points, by the driver, by the CSMS and by the vehicle."""

from __future__ import annotations

import pytest

from tests.bench import CARD
from tests.blocks.reusable import DURATION_S, Octt

POINTS = ("ParkingBayOccupancy", "EVConnected", "Authorized", "PowerPathClosed", "EnergyTransfer")

by_card_and_by_csms = pytest.mark.parametrize("remote", [False, True], ids=["local", "remote"])


def stop_by_csms(octt: Octt) -> None:
    octt.bench.pass_time(DURATION_S)
    answer = octt.ask("RequestStopTransaction", transactionId=octt.running)
    assert answer["status"] == "Accepted"


# ---- by card, by the CSMS ----


@pytest.mark.parametrize("bay", [False, True], ids=["no bay", "bay"])
@pytest.mark.parametrize("stop", POINTS)
def test_TC_E_06_CS_the_card_that_started_stops(stop: str, bay: bool):
    configuration = {"AuthCtrlr.Enabled": True, "AuthCtrlr.DisableRemoteAuthorization": False}
    octt = Octt(configuration, stop=stop, bay=bay)
    octt.energy_transfer_started()
    octt.stop_authorized(remote=False)
    octt.ev_connected_post_session()
    octt.ev_disconnected()
    octt.parking_bay_unoccupied()
    octt.expect_nothing()
    assert octt.running is None


def test_TC_E_07_CS_the_card_opens_the_power_path():
    octt = Octt(stop="PowerPathClosed")
    octt.energy_transfer_started()
    octt.stop_authorized(remote=False)
    octt.expect_nothing()
    assert octt.running is None


def test_TC_E_35_CS_the_csms_opens_the_power_path():
    octt = Octt(stop="PowerPathClosed")
    octt.energy_transfer_started()
    stop_by_csms(octt)
    octt.expect_event("Ended", trigger="RemoteStop", reason="Remote")
    octt.expect_nothing()


@by_card_and_by_csms
def test_TC_E_08_CS_the_energy_transfer_stops_with_the_authorization(remote: bool):
    octt = Octt(stop="EnergyTransfer", remote=remote)
    octt.energy_transfer_started()
    octt.stop_authorized()
    octt.expect_nothing()
    assert octt.running is None


def test_TC_E_15_CS_the_card_stops():
    octt = Octt(stop="Authorized")
    octt.energy_transfer_started()
    octt.bench.pass_time(DURATION_S)
    octt.present(CARD)
    octt.expect_event("Ended", trigger="StopAuthorized", reason="Local")
    octt.expect_nothing()


def test_TC_E_21_CS_the_csms_stops():
    octt = Octt(stop="Authorized")
    octt.energy_transfer_started()
    stop_by_csms(octt)
    octt.expect_event("Ended", trigger="RemoteStop", reason="Remote")
    octt.expect_nothing()


@by_card_and_by_csms
def test_TC_E_14_CS_the_cable_that_is_taken_at_the_station_stops(remote: bool):
    octt = Octt(stop="EVConnected", remote=remote, attached=False, lock=True)
    octt.ev_connected_post_session()
    assert octt.bench.plants[1].locked[1] == "unlocked"
    octt.bench.unplug()
    octt.expect_status("Available")
    reason = ("Remote", "EVDisconnected") if remote else ("Local", "EVDisconnected", None)  # erratum 6.2.51
    octt.expect_event("Ended", trigger="EVCommunicationLost", state="Idle", reason=reason)
    octt.expect_nothing()


@by_card_and_by_csms
def test_TC_E_19_CS_the_vehicle_that_leaves_the_bay_stops(remote: bool):
    octt = Octt(stop="ParkingBayOccupancy", remote=remote, bay=True)
    octt.ev_disconnected()
    octt.drive_out()
    octt.expect_event("Ended", trigger="EVDeparted", reason="Remote" if remote else "Local")
    octt.expect_nothing()


# ---- by the vehicle ----


@by_card_and_by_csms
def test_TC_E_22_CS_the_vehicle_that_suspends_stops(remote: bool):
    octt = Octt(stop="EnergyTransfer", remote=remote)
    octt.energy_transfer_started()
    octt.bench.vehicle_wants(False)
    octt.expect_event("Ended", trigger="ChargingStateChanged", state="EVConnected", reason="StoppedByEV")
    octt.expect_nothing()


@pytest.mark.parametrize("stop", POINTS)
def test_TC_E_46_CS_the_vehicle_that_ends_its_session_is_no_more_authorized(stop: str):
    octt = Octt(stop=stop, bay=True)
    octt.ev_connected_pre_session()
    octt.authorized(remote=False)  # Authorized15118 with EIM (erratum 6.2.55)
    octt.energy_transfer_started()
    octt.bench.vehicle_ends()
    if stop in ("Authorized", "PowerPathClosed", "EnergyTransfer"):
        octt.expect_event("Ended", trigger="StopAuthorized", state="EVConnected", reason="StoppedByEV")
        octt.expect_nothing()
    else:
        octt.expect_event("Updated", trigger="StopAuthorized", state="EVConnected")
        assert octt.running


# ---- the token turns out invalid ----


@pytest.mark.parametrize("stop", ["Authorized", "PowerPathClosed", "PowerPathClosed,Authorized"])
@pytest.mark.parametrize("known", ["not", "cached", "on the list"])
def test_TC_E_16_CS_a_token_that_turns_out_invalid_stops(known: str, stop: str):
    octt = Octt(
        {
            "AuthCtrlr.Enabled": True,
            "AuthCtrlr.DisableRemoteAuthorization": False,
            "AuthCtrlr.OfflineTxForUnknownIdEnabled": True,
            "TxCtrlr.StopTxOnInvalidId": True,
        },
        stop=stop,
    )
    if known == "cached":
        octt.id_token_cached()
    elif known == "on the list":
        octt.id_token_local_auth_list()
    octt.judge_tokens("Invalid", by=("TransactionEvent",))
    octt.start_offline_transaction()
    queued = octt.expect_event("Started")
    assert (queued["offline"], queued["idToken"]["idToken"]) == (True, CARD)
    queued = octt.expect_event("Updated", state="Charging")
    assert queued["offline"] is True
    octt.expect_event("Ended", trigger="Deauthorized", reason="DeAuthorized")
    octt.expect_status("Occupied")
    octt.expect_nothing()


# ---- all of them together ----


@by_card_and_by_csms
@pytest.mark.parametrize("cable_first", [False, True], ids=["authorized first", "cable first"])
@pytest.mark.parametrize("start", POINTS)
@pytest.mark.parametrize("stop", POINTS)
def test_every_pair_of_points_gives_the_messages_of_the_reusable_states(
    start: str, stop: str, cable_first: bool, remote: bool
):
    octt = Octt(start=start, stop=stop, remote=remote, bay=True)
    if cable_first:
        octt.ev_connected_pre_session()
    octt.energy_transfer_started()
    octt.stop_authorized()
    octt.ev_connected_post_session()
    octt.ev_disconnected()
    octt.parking_bay_unoccupied()
    octt.expect_nothing()
    assert octt.running is None
