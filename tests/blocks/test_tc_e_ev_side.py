"""Certification cases of block E, the cable that is taken out at the vehicle's end: deauthorized or suspended."""

from __future__ import annotations

from typing import Any

import pytest

from tests.bench import CARD, OTHER_CARD, contexts
from tests.blocks.reusable import Octt

TIMEOUT_S = 30

CAPTIVE: dict[str, Any] = {}
SOCKET: dict[str, Any] = {"attached": False, "lock": True}

captive_or_socket = pytest.mark.parametrize("cable", [CAPTIVE, SOCKET], ids=["captive", "socket"])
kept_running = pytest.mark.parametrize("stop", ["Authorized", "ParkingBayOccupancy", "Authorized,ParkingBayOccupancy"])


def suspended(stop: str, *, stops: bool, unlocks: bool | None = None, **bench: Any) -> Octt:
    """EnergyTransferSuspended, with StopTxOnEVSideDisconnect and UnlockOnEVSideDisconnect as they are named."""
    configuration: dict[str, object] = {
        "TxCtrlr.StopTxOnEVSideDisconnect": stops,
        "TxCtrlr.EVConnectionTimeOut": TIMEOUT_S,
        "AuthCtrlr.Enabled": True,
        "AuthCtrlr.DisableRemoteAuthorization": False,
    }
    if unlocks is not None:
        configuration["OCPPCommCtrlr.UnlockOnEVSideDisconnect"] = unlocks
    octt = Octt(configuration, stop=stop, bay=True, **bench)
    octt.energy_transfer_suspended()
    octt.expect_nothing()
    return octt


def take_socket_cable(octt: Octt, *, with_card: bool) -> None:
    """Manual actions where the cable is not captive: present the token that started, take the cable."""
    plant = octt.bench.plants[1]
    if plant.layout.connectors[0].attached:
        return
    if with_card:
        assert plant.locked[1] == "locked"
        octt.present(OTHER_CARD)
        octt.expect("Authorize")  # a stranger does not get it
        assert plant.locked[1] == "locked"
        octt.present(CARD)
    assert plant.locked[1] == "unlocked"
    octt.expect_nothing()
    octt.bench.take_cable()


# ---- it ends ----


@captive_or_socket
@pytest.mark.parametrize("stop", ["Authorized", "PowerPathClosed", "PowerPathClosed,Authorized"])
def test_TC_E_17_CS_it_deauthorizes_and_stops(stop: str, cable: dict[str, Any]):
    octt = suspended(stop, stops=True, unlocks=False, **cable)
    octt.bench.unplug_at_vehicle()
    octt.expect_event("Ended", trigger="EVCommunicationLost", state="Idle", reason="EVDisconnected")
    take_socket_cable(octt, with_card=True)
    octt.expect_status("Available")
    octt.expect_nothing()


@captive_or_socket
def test_TC_E_37_CS_it_opens_the_power_path(cable: dict[str, Any]):
    octt = suspended("PowerPathClosed", stops=False, **cable)
    octt.bench.unplug_at_vehicle()
    octt.expect_event("Ended", trigger="EVCommunicationLost", state="Idle", reason=("EVDisconnected", "StoppedByEV"))


@captive_or_socket
def test_TC_E_20_CS_it_stops_though_the_driver_stays_authorized(cable: dict[str, Any]):
    octt = suspended("EVConnected", stops=False, **cable)
    octt.bench.unplug_at_vehicle()
    octt.expect_event("Ended", trigger="EVCommunicationLost", state="Idle", reason="EVDisconnected")


@pytest.mark.parametrize("ends_session", [False, True], ids=["suspends", "ends its session"])
def test_TC_E_54_CS_a_vehicle_of_high_level_communication_stops(ends_session: bool):
    octt = Octt({"TxCtrlr.StopTxOnEVSideDisconnect": False}, stop="EVConnected")
    octt.energy_transfer_started()
    if ends_session:
        octt.bench.vehicle_ends()
        octt.expect_event("Updated", trigger="StopAuthorized", state="EVConnected")
    else:
        octt.energy_transfer_suspended()
    octt.bench.unplug_at_vehicle()
    octt.expect_event("Ended", trigger="EVCommunicationLost", state="Idle", reason=("StoppedByEV", "EVDisconnected"))


# ---- it deauthorizes ----


@pytest.mark.parametrize("stop", ["ParkingBayOccupancy", "EVConnected", "Authorized", "PowerPathClosed"])
def test_TC_E_24_CS_it_deauthorizes_and_unlocks_the_cable(stop: str):
    octt = suspended(stop, stops=True, unlocks=True, **SOCKET)
    octt.bench.unplug_at_vehicle()
    octt.expect_event(trigger="EVCommunicationLost", state="Idle")
    take_socket_cable(octt, with_card=False)
    octt.expect_status("Available")
    octt.expect_nothing()
    assert_not_authorized(octt)


@captive_or_socket
@pytest.mark.parametrize("stop", ["ParkingBayOccupancy", "EVConnected", "Authorized", "PowerPathClosed"])
def test_TC_E_25_CS_it_deauthorizes_and_keeps_the_cable_for_its_owner(stop: str, cable: dict[str, Any]):
    octt = suspended(stop, stops=True, unlocks=False, **cable)
    octt.bench.unplug_at_vehicle()
    octt.expect_event(trigger="EVCommunicationLost", state="Idle")
    take_socket_cable(octt, with_card=True)
    octt.expect_status("Available")
    octt.expect_nothing()
    assert_not_authorized(octt)


def assert_not_authorized(octt: Octt) -> None:
    """E09.FR.01: whoever connects now gets nothing."""
    octt.bench.plug_in()
    octt.bench.pass_time(60)
    assert not octt.bench.plants[1].closed


# ---- it suspends ----


@captive_or_socket
@kept_running
def test_TC_E_26_CS_it_suspends_until_the_vehicle_is_back(stop: str, cable: dict[str, Any]):
    octt = suspended(stop, stops=False, unlocks=False, **cable)
    octt.bench.unplug_at_vehicle()
    octt.expect_event("Updated", trigger="EVCommunicationLost", state="Idle")
    if cable is CAPTIVE:
        octt.expect_status("Available")
    octt.expect_nothing()
    octt.bench.pass_time(TIMEOUT_S - 1)
    assert octt.bench.plants[1].locked.get(1, "captive") != "unlocked"  # E10.FR.01
    octt.connect()
    octt.expect_event("Updated", trigger="CablePluggedIn", state="EVConnected")
    octt.expect_event("Updated", trigger="ChargingStateChanged", state="Charging")
    if cable is CAPTIVE:
        octt.expect_status("Occupied")
    octt.expect_nothing()


@kept_running
def test_TC_E_27_CS_a_captive_cable_waits_only_so_long(stop: str):
    octt = suspended(stop, stops=False, unlocks=False)
    octt.bench.unplug_at_vehicle()
    octt.expect_event("Updated", trigger="EVCommunicationLost", state="Idle")
    octt.expect_status("Available")
    octt.bench.pass_time(TIMEOUT_S - 0.1)
    octt.expect_nothing()
    octt.bench.pass_time(0.2)  # erratum 6.2.52: nobody reconnects
    if "Authorized" in stop:
        octt.expect_event("Ended", trigger="EVConnectTimeout", reason="Timeout")
    else:
        octt.expect_event("Updated", trigger="EVConnectTimeout")
    octt.expect_nothing()


def test_E01_FR_16_a_vehicle_that_is_back_at_the_other_connector_is_told_with_it():
    octt = Octt({"TxCtrlr.StopTxOnEVSideDisconnect": False}, stop="Authorized", connectors=2)
    octt.energy_transfer_started()
    octt.bench.unplug()
    octt.expect_event("Updated", trigger="EVCommunicationLost")
    octt.bench.plug_in(connector=2)
    back = octt.expect_event("Updated", trigger="CablePluggedIn")
    assert back["evse"] == {"id": 1, "connectorId": 2}
    assert contexts(back) == []  # it does not begin again
    assert "evse" not in octt.expect_event("Updated", state="Charging")
