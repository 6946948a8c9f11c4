"""Certification cases of block F, step by step as Part 6 tells them: remote start, stop, unlock and trigger."""

from __future__ import annotations

import pytest

from tests.bench import Payload
from tests.blocks.reusable import Octt

AUTHORIZING = {"AuthCtrlr.Enabled": True, "AuthCtrlr.DisableRemoteAuthorization": False}
START_POINTS = ["ParkingBayOccupancy", "EVConnected", "Authorized", "PowerPathClosed", "EnergyTransfer"]
CONNECTION_TIMEOUT_S = 30

every_start_point = pytest.mark.parametrize("start", START_POINTS)
with_or_without_bay = pytest.mark.parametrize("bay", [False, True], ids=["no bay", "bay"])


def trigger(octt: Octt, message: str, **place: object) -> str:
    """The answer to TriggerMessage."""
    return str(octt.ask("TriggerMessage", requestedMessage=message, **place)["status"])


# ---- remote start ----


@with_or_without_bay
@every_start_point
def test_TC_F_01_CS_cable_plugin_first(start: str, bay: bool):
    octt = Octt(AUTHORIZING, start=start, bay=bay)
    octt.ev_connected_pre_session()
    octt.authorized(remote=True)
    octt.energy_transfer_started()
    octt.expect_nothing()


@with_or_without_bay
@every_start_point
def test_TC_F_02_CS_remote_start_first_with_authorization(start: str, bay: bool):
    octt = Octt({**AUTHORIZING, "AuthCtrlr.AuthorizeRemoteStart": True}, start=start, bay=bay)
    octt.parking_bay_occupied()
    octt.authorized(remote=True)
    octt.energy_transfer_started()
    octt.expect_nothing()


@with_or_without_bay
@every_start_point
def test_TC_F_03_CS_remote_start_first_without_authorization(start: str, bay: bool):
    octt = Octt({**AUTHORIZING, "AuthCtrlr.AuthorizeRemoteStart": False}, start=start, bay=bay)
    octt.parking_bay_occupied()
    octt.authorized(remote=True)
    octt.energy_transfer_started()
    octt.expect_nothing()


def test_TC_F_04_CS_nobody_plugs_in():
    configuration = {**AUTHORIZING, "TxCtrlr.EVConnectionTimeOut": CONNECTION_TIMEOUT_S}
    octt = Octt(configuration, start="Authorized")
    octt.authorized(remote=True)
    octt.bench.pass_time(CONNECTION_TIMEOUT_S)
    octt.expect_event("Ended", trigger="EVConnectTimeout")
    octt.reached.clear()
    octt.authorized(remote=True)
    assert octt.running is not None
    octt.expect_nothing()


# ---- remote stop ----


@pytest.mark.parametrize("stop", ["EVConnected", "Authorized", "PowerPathClosed", "EnergyTransfer"])
def test_TC_F_08_CS_remote_stop(stop: str):
    octt = Octt(stop=stop)
    octt.energy_transfer_started()
    octt.stop_authorized(remote=True)
    assert not octt.bench.plants[1].closed


def test_TC_F_09_CS_of_another_transaction():
    octt = Octt()
    octt.energy_transfer_started()
    assert octt.ask("RequestStopTransaction", transactionId="another")["status"] == "Rejected"
    octt.expect_nothing()
    assert octt.bench.plants[1].closed


# ---- unlock ----


def at_a_socket() -> Octt:
    return Octt(attached=False, lock=True)


def unlock(octt: Octt, connector: int = 1) -> str:
    """The answer to UnlockConnector."""
    return str(octt.ask("UnlockConnector", evseId=1, connectorId=connector)["status"])


def test_TC_F_05_CS_with_a_transaction():
    octt = at_a_socket()
    octt.energy_transfer_started()
    assert unlock(octt) == "OngoingAuthorizedTransaction"
    octt.expect_nothing()
    assert octt.bench.plants[1].locked[1] == "locked"


def test_TC_F_06_CS_without_a_transaction():
    octt = at_a_socket()
    octt.connect()
    assert unlock(octt) == "Unlocked"
    assert octt.bench.plants[1].locked[1] == "unlocked"


def test_TC_F_07_CS_without_a_cable():
    assert unlock(at_a_socket()) == "Unlocked"


def test_TC_F_10_CS_an_unknown_connector():
    assert unlock(at_a_socket(), 999) == "UnknownConnector"


# ---- trigger ----


def context_of(told: Payload) -> str:
    """Of the first reading."""
    return str(told["meterValue"][0]["sampledValue"][0]["context"])


def test_TC_F_11_CS_meter_values_of_one_evse():
    octt = Octt(evses=2)
    assert trigger(octt, "MeterValues", evse={"id": 1}) == "Accepted"
    told = octt.expect("MeterValues")
    assert (told["evseId"], context_of(told)) == (1, "Trigger")
    octt.expect_nothing()


def test_TC_F_12_CS_meter_values_of_every_evse():
    octt = Octt(evses=2)
    assert trigger(octt, "MeterValues") == "Accepted"
    told = [octt.expect("MeterValues") for _ in range(2)]
    assert [(each["evseId"], context_of(each)) for each in told] == [(1, "Trigger"), (2, "Trigger")]
    octt.expect_nothing()


def test_TC_F_13_CS_transaction_event_of_one_evse():
    octt = Octt()
    octt.energy_transfer_started()
    assert trigger(octt, "TransactionEvent", evse={"id": 1}) == "Accepted"
    told = octt.expect_event("Updated", trigger="Trigger", state="Charging")
    assert told.get("evse", {"id": 1})["id"] == 1
    assert context_of(told) == "Trigger"
    octt.expect_nothing()


def test_TC_F_14_CS_transaction_event_of_every_evse():
    octt = Octt(evses=2)
    octt.energy_transfer_started()
    octt.bench.plug_in(evse=2)
    octt.bench.swipe("04BBBBBB", evse=2)
    octt.bench.pass_time(1)
    octt.bench.take_sent()
    assert trigger(octt, "TransactionEvent") == "Accepted"
    told = octt.bench.take_events()
    assert [(each["triggerReason"], each["transactionInfo"]["chargingState"]) for each in told] == [
        ("Trigger", "Charging"),
        ("Trigger", "Charging"),
    ]
    assert {each["transactionInfo"]["transactionId"] for each in told} == {
        evse.transaction.id for evse in octt.bench.station.site.running() if evse.transaction is not None
    }
    assert [context_of(each) for each in told] == ["Trigger", "Trigger"]


def test_TC_F_15_CS_no_log_is_uploaded():
    octt = Octt()
    assert trigger(octt, "LogStatusNotification") == "Accepted"
    assert octt.expect("LogStatusNotification")["status"] == "Idle"
    octt.expect_nothing()


def test_TC_F_16_CS_a_log_is_uploaded():
    octt = Octt()
    log = {"remoteLocation": "https://logs.example/here"}
    told = octt.ask("GetLog", logType="DiagnosticsLog", requestId=7, log=log)
    assert told["status"] == "Accepted"
    assert octt.expect("LogStatusNotification") == {"status": "Uploading", "requestId": 7}
    assert trigger(octt, "LogStatusNotification") == "Accepted"
    assert octt.expect("LogStatusNotification") == {"status": "Uploading", "requestId": 7}
    octt.expect_nothing()


def test_TC_F_17_CS_of_firmware_the_evse_does_not_matter():
    octt = Octt()
    assert trigger(octt, "FirmwareStatusNotification", evse={"id": 1}) == "Accepted"
    assert octt.expect("FirmwareStatusNotification")["status"] == "Idle"
    octt.expect_nothing()


def test_TC_F_18_CS_no_firmware_is_updated():
    octt = Octt()
    assert trigger(octt, "FirmwareStatusNotification") == "Accepted"
    assert octt.expect("FirmwareStatusNotification")["status"] == "Idle"
    octt.expect_nothing()


def test_TC_F_20_CS_heartbeat():
    octt = Octt()
    assert trigger(octt, "Heartbeat") == "Accepted"
    octt.expect("Heartbeat")
    octt.expect_nothing()


def test_TC_F_23_CS_the_status_of_a_connector_that_is_available():
    octt = Octt()
    assert trigger(octt, "StatusNotification", evse={"id": 1, "connectorId": 1}) == "Accepted"
    octt.expect_status("Available")
    octt.expect_nothing()


def test_TC_F_24_CS_the_status_of_a_connector_that_is_occupied():
    octt = Octt()
    octt.ev_connected_pre_session()
    assert trigger(octt, "StatusNotification", evse={"id": 1, "connectorId": 1}) == "Accepted"
    octt.expect_status("Occupied")
    octt.expect_nothing()


def test_TC_F_26_CS_no_boot_notification_after_an_accepted_one():
    octt = Octt()
    assert trigger(octt, "BootNotification") == "Rejected"
    octt.expect_nothing()


def test_TC_F_27_CS_what_is_not_implemented():
    octt = Octt()
    assert trigger(octt, "SignCombinedCertificate") == "NotImplemented"
    octt.expect_nothing()
