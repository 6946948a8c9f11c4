"""Certification cases of block G, step by step as Part 6 tells them: connector status and availability."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from tests.bench import Payload
from tests.blocks.reusable import Octt

Place = tuple[int, int]
"""EVSE and connector; 0: all."""

STATION, EVSE, CONNECTOR = (0, 0), (1, 0), (1, 1)
EVERY_CONNECTOR = {(1, 1), (1, 2), (2, 1), (2, 2)}
OF_THE_EVSE = {(1, 1), (1, 2)}


def octt_with(**options: object) -> Octt:
    """A station of two EVSEs with two connectors each."""
    return Octt(evses=2, connectors=2, **options)  # type: ignore[arg-type]


def change(octt: Octt, status: str, place: Place) -> str:
    """The answer to ChangeAvailability."""
    evse, connector = place
    where: Payload = {}
    if evse:
        where = {"evse": {"id": evse} | ({"connectorId": connector} if connector else {})}
    return str(octt.ask("ChangeAvailability", operationalStatus=status, **where)["status"])


def expect_statuses(octt: Octt, status: str, places: Iterable[Place]) -> None:
    """Each of these connectors is told to be so, in any order."""
    wanted = {(*place, status) for place in places}
    told = [octt.expect("StatusNotification") for _ in wanted]
    assert {(each["evseId"], each["connectorId"], each["connectorStatus"]) for each in told} == wanted


# ---- connector status ----


def test_TC_G_01_CS_available_to_occupied():
    octt = octt_with()
    octt.ev_connected_pre_session()
    octt.expect_nothing()


def test_TC_G_02_CS_occupied_to_available():
    octt = octt_with()
    octt.ev_connected_pre_session()
    octt.bench.unplug()
    octt.expect_status("Available")
    octt.expect_nothing()


# ---- without a transaction ----


def test_TC_G_03_CS_an_evse_operative_to_inoperative():
    octt = octt_with()
    octt.unavailable(1)
    octt.expect_nothing()


def test_TC_G_04_CS_an_evse_inoperative_to_operative():
    octt = octt_with()
    octt.unavailable(1)
    assert change(octt, "Operative", EVSE) == "Accepted"
    expect_statuses(octt, "Available", OF_THE_EVSE)
    octt.expect_nothing()


def test_TC_G_05_CS_the_station_operative_to_inoperative():
    octt = octt_with()
    octt.unavailable()
    octt.expect_nothing()


def test_TC_G_06_CS_the_station_inoperative_to_operative():
    octt = octt_with()
    octt.unavailable()
    assert change(octt, "Operative", STATION) == "Accepted"
    expect_statuses(octt, "Available", EVERY_CONNECTOR)
    octt.expect_nothing()


def test_TC_G_07_CS_a_connector_operative_to_inoperative():
    octt = octt_with()
    octt.unavailable(1, 1)
    octt.expect_nothing()


def test_TC_G_08_CS_a_connector_inoperative_to_operative():
    octt = octt_with()
    octt.unavailable(1, 1)
    assert change(octt, "Operative", CONNECTOR) == "Accepted"
    expect_statuses(octt, "Available", [CONNECTOR])
    octt.expect_nothing()


def test_TC_G_09_CS_an_evse_operative_to_operative():
    assert change(octt_with(), "Operative", EVSE) == "Accepted"


def test_TC_G_10_CS_an_evse_inoperative_to_inoperative():
    octt = octt_with()
    octt.unavailable(1)
    assert change(octt, "Inoperative", EVSE) == "Accepted"
    expect_statuses(octt, "Unavailable", OF_THE_EVSE)
    octt.expect_nothing()


def test_TC_G_12_CS_the_station_operative_to_operative():
    octt = octt_with()
    assert change(octt, "Operative", STATION) == "Accepted"
    expect_statuses(octt, "Available", EVERY_CONNECTOR)
    octt.expect_nothing()


def test_TC_G_13_CS_the_station_inoperative_to_inoperative():
    octt = octt_with()
    octt.unavailable()
    assert change(octt, "Inoperative", STATION) == "Accepted"
    expect_statuses(octt, "Unavailable", EVERY_CONNECTOR)
    octt.expect_nothing()


def test_TC_G_15_CS_a_connector_operative_to_operative():
    octt = octt_with()
    assert change(octt, "Operative", CONNECTOR) == "Accepted"
    expect_statuses(octt, "Available", [CONNECTOR])
    octt.expect_nothing()


def test_TC_G_16_CS_a_connector_inoperative_to_inoperative():
    octt = octt_with()
    octt.unavailable(1, 1)
    assert change(octt, "Inoperative", CONNECTOR) == "Accepted"
    expect_statuses(octt, "Unavailable", [CONNECTOR])
    octt.expect_nothing()


# ---- with a transaction ----

every_stop_point = pytest.mark.parametrize(
    ("stop", "bay"),
    [
        ("EnergyTransfer", False),
        ("PowerPathClosed", False),
        ("Authorized", False),
        ("EVConnected", False),
        ("ParkingBayOccupancy", True),
    ],
)


def charging(stop: str, *, bay: bool) -> Octt:
    """On the first connector of the first EVSE."""
    octt = octt_with(stop=stop, bay=bay)
    octt.energy_transfer_started()
    return octt


def play_on(octt: Octt, closed: set[Place]) -> None:
    """From the stop of the charge to the empty bay; the step that ends the transaction closes what was to be closed."""
    octt.stop_authorized()
    ended = octt.running is None
    if ended:
        expect_statuses(octt, "Unavailable", closed)
    octt.ev_connected_post_session()
    octt.bench.unplug()
    if not ended and octt.bench.get("TxCtrlr.TxStopPoint") == "EVConnected":
        octt.expect_event("Ended", trigger="EVCommunicationLost", state="Idle")
        ended = True
        expect_statuses(octt, "Unavailable", closed)
    if not ended:
        octt.expect_event("Updated", trigger="EVCommunicationLost", state="Idle")
        octt.expect_status("Unavailable")  # G01.FR.05
        octt.drive_out()
        octt.expect_event("Ended", trigger="EVDeparted")
        expect_statuses(octt, "Unavailable", closed)
    octt.drive_out()
    octt.expect_nothing()


@every_stop_point
def test_TC_G_11_CS_an_evse_with_a_transaction(stop: str, bay: bool):
    octt = charging(stop, bay=bay)
    assert change(octt, "Inoperative", EVSE) == "Scheduled"
    play_on(octt, OF_THE_EVSE)


@every_stop_point
def test_TC_G_14_CS_the_station_with_a_transaction(stop: str, bay: bool):
    octt = charging(stop, bay=bay)
    assert change(octt, "Inoperative", STATION) == "Scheduled"
    expect_statuses(octt, "Unavailable", EVERY_CONNECTOR - OF_THE_EVSE)
    play_on(octt, OF_THE_EVSE)


@every_stop_point
def test_TC_G_17_CS_a_connector_with_a_transaction(stop: str, bay: bool):
    octt = charging(stop, bay=bay)
    assert change(octt, "Inoperative", CONNECTOR) == "Scheduled"
    play_on(octt, {CONNECTOR})


# ---- over a reboot ----


def reboot(octt: Octt) -> None:
    """By a reset; the CSMS hears of it as a security event."""
    octt.booting()
    octt.bench.security.clear()
    octt.bench.power_cycle(off_s=0)
    octt.bench.accept()
    octt.expect("BootNotification")
    assert {event["type"] for event in octt.bench.security} & {"StartupOfTheDevice", "ResetOrReboot"}


def expect_after_reboot(octt: Octt, closed: set[Place]) -> None:
    """Of every connector what it was before."""
    told = [octt.expect("StatusNotification") for _ in EVERY_CONNECTOR]
    assert {(each["evseId"], each["connectorId"]): each["connectorStatus"] for each in told} == {
        place: "Unavailable" if place in closed else "Available" for place in EVERY_CONNECTOR
    }
    octt.expect_nothing()


def test_TC_G_18_CS_an_evse_over_a_reboot():
    octt = octt_with()
    octt.unavailable(1)
    assert change(octt, "Inoperative", EVSE) == "Accepted"
    expect_statuses(octt, "Unavailable", OF_THE_EVSE)
    reboot(octt)
    expect_after_reboot(octt, OF_THE_EVSE)


def test_TC_G_19_CS_a_connector_over_a_reboot():
    octt = octt_with()
    octt.unavailable(1, 1)
    reboot(octt)
    expect_after_reboot(octt, {CONNECTOR})


def test_TC_G_21_CS_the_station_over_a_reboot():
    octt = octt_with()
    octt.unavailable()
    reboot(octt)
    expect_after_reboot(octt, EVERY_CONNECTOR)


# ---- a lock that fails ----


def test_TC_G_20_CS_a_cable_that_cannot_be_locked():
    octt = octt_with(attached=False, lock=True)
    octt.ev_connected_pre_session()
    octt.bench.plants[1].lock_stuck = True
    octt.authorized()
    events = [octt.expect("NotifyEvent")["eventData"][0]]
    if events[0]["component"]["name"] != "ConnectorPlugRetentionLock":
        events.append(octt.expect("NotifyEvent")["eventData"][0])
    event = events[-1]
    assert event["component"]["name"] == "ConnectorPlugRetentionLock"
    assert (event["variable"]["name"], event["actualValue"], event["trigger"]) == ("Problem", "true", "Delta")
    octt.bench.pass_time(60)
    assert not octt.bench.plants[1].closed
