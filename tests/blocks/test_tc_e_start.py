"""Certification cases of block E, the beginning: start points, cable or card first, a driver who does not come."""

from __future__ import annotations

import pytest

from agent.session.evse_state import OFFER_GRACE_S
from tests.bench import METER_KEY, TOKEN, only
from tests.blocks.reusable import Octt

AUTHORIZING = {"AuthCtrlr.Enabled": True, "AuthCtrlr.DisableRemoteAuthorization": False}
CONNECTED = {"id": 1, "connectorId": 1}
START_POINTS = ("ParkingBayOccupancy", "EVConnected", "Authorized", "PowerPathClosed", "EnergyTransfer")

by_card_and_by_csms = pytest.mark.parametrize("remote", [False, True], ids=["local", "remote"])
whatever_starts = pytest.mark.parametrize("start", START_POINTS)


# ---- start points ----


@by_card_and_by_csms
def test_TC_E_01_CS_the_closed_power_path_starts(remote: bool):
    octt = Octt(start="PowerPathClosed", remote=remote)
    octt.authorized()
    octt.expect_nothing()
    octt.ev_connected_pre_session()
    octt.energy_transfer_started()  # erratum 6.2.44
    octt.expect_nothing()


@by_card_and_by_csms
def test_TC_E_02_CS_the_energy_transfer_starts(remote: bool):
    octt = Octt(start="EnergyTransfer", remote=remote)
    octt.authorized()
    octt.expect_nothing()
    octt.connect()
    octt.expect_status("Occupied")
    started = octt.expect_event("Started", trigger=("ChargingStateChanged", "Authorized"), state="Charging", token=True)
    assert started["evse"] == CONNECTED
    octt.expect_nothing()


@by_card_and_by_csms
def test_TC_E_09_CS_the_connected_vehicle_starts(remote: bool):
    octt = Octt(start="EVConnected", remote=remote)
    octt.parking_bay_occupied()
    octt.connect()
    octt.expect_status("Occupied")
    started = octt.expect_event("Started", trigger=("CablePluggedIn", "ChargingStateChanged"), state="EVConnected")
    assert started["evse"] == CONNECTED
    octt.reached.add("ev_connected_pre_session")
    octt.authorized()  # erratum 6.2.44
    octt.energy_transfer_started()
    octt.expect_nothing()


def test_TC_E_10_CS_the_authorized_driver_starts():
    octt = Octt(AUTHORIZING, start="Authorized")
    octt.present()
    assert octt.expect("Authorize")["idToken"] == TOKEN
    assert octt.expect_event("Started", trigger="Authorized")["idToken"] == TOKEN
    octt.reached.add("authorized")
    octt.ev_connected_pre_session()  # erratum 6.2.44
    octt.energy_transfer_started()
    octt.expect_nothing()


@pytest.mark.parametrize("asks", [True, False])
def test_TC_E_13_CS_the_driver_whom_the_csms_starts_for_starts(asks: bool):
    octt = Octt({**AUTHORIZING, "AuthCtrlr.AuthorizeRemoteStart": asks}, start="Authorized")
    answer = octt.ask("RequestStartTransaction", idToken=TOKEN, remoteStartId=7, evseId=1)
    assert answer["status"] == "Accepted"
    if asks:
        assert octt.expect("Authorize")["idToken"] == TOKEN
    started = octt.expect_event("Started", trigger="RemoteStart", state="Idle")
    assert started["idToken"] == TOKEN
    assert started["transactionInfo"]["remoteStartId"] == 7
    octt.reached.add("authorized")
    octt.ev_connected_pre_session()  # erratum 6.2.44
    octt.energy_transfer_started()
    octt.expect_nothing()


@by_card_and_by_csms
def test_TC_E_11_CS_the_signed_data_starts(remote: bool):
    octt = Octt(remote=remote)
    octt.bench.plants[1].signs = True
    octt.bench.read_meter()
    octt.configure({"TxCtrlr.TxStartPoint": "DataSigned,EnergyTransfer", "SampledDataCtrlr.SignReadings": True})
    octt.authorized()
    octt.expect_nothing()
    octt.connect()
    octt.expect_status("Occupied")
    started = octt.expect_event("Started", trigger="SignedDataReceived", token=True)
    assert started["evse"] == CONNECTED
    sampled = only(only(started["meterValue"])["sampledValue"])
    assert sampled["context"] == "Transaction.Begin"
    signed = sampled["signedMeterValue"]
    assert signed["encodingMethod"] == "OCMF"
    assert signed["publicKey"] == METER_KEY
    assert signed["signedMeterData"] == "T0NNRnx71000"
    assert "signingMethod" in signed
    octt.expect_event("Updated", trigger="ChargingStateChanged", state="Charging")
    octt.expect_nothing()


@by_card_and_by_csms
def test_TC_E_12_CS_the_occupied_parking_bay_starts(remote: bool):
    octt = Octt(start="ParkingBayOccupancy", remote=remote, bay=True)
    octt.drive_in()
    octt.expect_event("Started", trigger="EVDetected")
    octt.reached.add("parking_bay_occupied")
    octt.authorized()  # erratum 6.2.44
    octt.ev_connected_pre_session()
    octt.energy_transfer_started()
    octt.expect_nothing()


# ---- cable first, card first ----


@pytest.mark.parametrize("bay", [False, True], ids=["no bay", "bay"])
@whatever_starts
def test_TC_E_03_CS_cable_first(start: str, bay: bool):
    octt = Octt(AUTHORIZING, start=start, bay=bay)
    octt.ev_connected_pre_session()
    octt.authorized(remote=False)
    octt.energy_transfer_started()
    octt.expect_nothing()


@pytest.mark.parametrize("bay", [False, True], ids=["no bay", "bay"])
@whatever_starts
def test_TC_E_04_CS_card_first(start: str, bay: bool):
    octt = Octt(AUTHORIZING, start=start, bay=bay)
    octt.parking_bay_occupied()
    octt.authorized(remote=False)
    octt.energy_transfer_started()
    octt.expect_nothing()


TIMEOUT_S = 20


def patient_octt(start: str, stop: str, **more: object) -> Octt:
    return Octt(
        {
            **AUTHORIZING,
            "TxCtrlr.EVConnectionTimeOut": TIMEOUT_S,
            "AuthCacheCtrlr.Enabled": False,
            "AuthCtrlr.LocalPreAuthorize": False,
        },
        start=start,
        stop=stop,
        **more,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("stop", ["Authorized", "ParkingBayOccupancy", "EVConnected,Authorized"])
@whatever_starts
def test_TC_E_05_CS_after_the_timeout_he_may_come_again(start: str, stop: str):
    octt = patient_octt(start, stop, bay=True)
    octt.authorized(remote=False)
    octt.bench.pass_time(TIMEOUT_S - 0.1)
    octt.expect_nothing()
    octt.bench.pass_time(0.2)
    if start in ("ParkingBayOccupancy", "Authorized"):
        told = octt.expect_event(trigger="EVConnectTimeout")
        if "Authorized" in stop:
            assert told["eventType"] == "Ended"
            assert told["transactionInfo"]["stoppedReason"] == "Timeout"
        else:
            assert told["eventType"] == "Updated"
    octt.expect_nothing()
    octt.gave_up()
    octt.authorized(remote=False)
    octt.energy_transfer_started()
    octt.expect_nothing()


# Not with the bay as start point: there the case wants Updated, where TC_E_05_CS and E03.FR.05 want Ended.
@pytest.mark.parametrize("start", ["Authorized", "EVConnected", "PowerPathClosed", "EnergyTransfer"])
def test_TC_E_39_CS_after_the_timeout_the_vehicle_does_not_charge(start: str):
    octt = patient_octt(start, "Authorized")
    octt.authorized()
    octt.bench.pass_time(TIMEOUT_S + 1)
    if start == "Authorized":
        octt.expect_event("Ended", trigger="EVConnectTimeout", reason="Timeout")
    octt.expect_nothing()
    octt.gave_up()
    octt.connect()
    octt.expect_status("Occupied")
    if start == "EVConnected":  # a transaction of its own, that nobody is authorized for
        octt.expect_event("Started", trigger="CablePluggedIn", state="EVConnected")
    octt.bench.pass_time(60)
    octt.expect_nothing()
    assert octt.bench.intents[1].limit_a is None
    assert not octt.bench.intents[1].permit_power


@pytest.mark.parametrize("start", [point for point in START_POINTS if point != "EnergyTransfer"])
@by_card_and_by_csms
def test_TC_E_38_CS_a_vehicle_that_is_not_ready_is_suspended(start: str, remote: bool):
    octt = Octt(start=start, remote=remote, bay=True)
    octt.authorized()
    octt.ev_connected_pre_session(wants=False)
    octt.bench.pass_time(OFFER_GRACE_S)
    octt.expect_event("Updated", trigger="ChargingStateChanged", state="SuspendedEV")
    octt.expect_nothing()


@whatever_starts
def test_TC_E_52_CS_without_remote_authorization_an_unknown_card_is_refused_unasked(start: str):
    octt = Octt({"AuthCtrlr.Enabled": True, "AuthCtrlr.DisableRemoteAuthorization": True}, start=start, bay=True)
    octt.parking_bay_occupied()
    octt.present()
    octt.expect_nothing()
    octt.ev_connected_pre_session()  # erratum 6.2.48
    octt.bench.pass_time(60)
    octt.expect_nothing()
    assert not octt.bench.intents[1].permit_power
    assert not octt.bench.plants[1].closed
