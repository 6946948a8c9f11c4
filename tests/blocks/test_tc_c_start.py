"""Certification cases of block C that need nothing kept here: refused tokens, strangers, groups and master passes."""

from __future__ import annotations

import pytest

from tests.bench import CARD, OTHER_CARD, Payload
from tests.blocks.reusable import DURATION_S, Octt

AUTHORIZING = {"AuthCtrlr.Enabled": True, "AuthCtrlr.DisableRemoteAuthorization": False}
POINTS = ["ParkingBayOccupancy", "EVConnected", "Authorized", "PowerPathClosed", "EnergyTransfer"]
GROUP = "FAMILY"
PASS, POLICE = "04FFFF", "POLICE"

every_start_point = pytest.mark.parametrize("start", POINTS)
every_stop_point = pytest.mark.parametrize("stop", POINTS)


# ---- the CSMS does not accept the token ----


@every_start_point
def test_TC_C_02_CS_invalid(start: str):
    Octt(AUTHORIZING, start=start, bay=True).refused_with_cable(OTHER_CARD, "Invalid")


@every_start_point
def test_TC_C_06_CS_blocked(start: str):
    Octt(AUTHORIZING, start=start, bay=True).refused_with_cable(OTHER_CARD, "Blocked")


@every_start_point
def test_TC_C_07_CS_expired(start: str):
    Octt(AUTHORIZING, start=start, bay=True).refused_with_cable(OTHER_CARD, "Expired")


@every_start_point
def test_TC_C_56_CS_unknown(start: str):
    Octt(AUTHORIZING, start=start, bay=True).refused_with_cable(OTHER_CARD, "Unknown")


@pytest.mark.parametrize("stop", ["EVConnected", "Authorized", "PowerPathClosed"])
def test_TC_C_04_CS_a_strangers_token_ends_nothing(stop: str):
    octt = Octt(AUTHORIZING, stop=stop)
    octt.energy_transfer_started()
    octt.asked_about(OTHER_CARD, "Accepted")
    octt.expect_silence()
    assert not any("idToken" in event for event in octt.readings)
    assert octt.running
    assert octt.transfers_energy()


# ---- one of the group ----


def start_as_one_of_the_group(octt: Octt) -> None:
    octt.judge_tokens("Accepted", GROUP)
    octt.ev_connected_pre_session()
    octt.authorized(CARD, remote=False)
    octt.energy_transfer_started()


@every_stop_point
@every_start_point
def test_TC_C_39_CS_another_one_of_the_group_stops(start: str, stop: str):
    octt = Octt(start=start, stop=stop, bay=True)
    start_as_one_of_the_group(octt)
    octt.stop_authorized(OTHER_CARD, asks=True)
    octt.ev_connected_post_session()
    octt.ev_disconnected()
    octt.parking_bay_unoccupied()
    octt.expect_nothing()
    assert octt.running is None


@every_start_point
def test_TC_C_42_CS_one_of_the_group_who_is_refused_stops_nothing(start: str):
    octt = Octt(start=start, bay=True)
    start_as_one_of_the_group(octt)
    octt.asked_about(OTHER_CARD, "Invalid", GROUP)
    octt.expect_silence()
    assert octt.running
    assert octt.transfers_energy()


# ---- a master pass ----


def with_master_pass(start: str | None = None, stop: str | None = None, **options: object) -> Octt:
    return Octt({"AuthCtrlr.MasterPassGroupId": POLICE}, start=start, stop=stop, **options)


def start_at(octt: Octt, evse: int, card: str) -> str:
    """State EnergyTransferStarted at this EVSE; the id of its transaction."""
    octt.bench.bay(True, evse)
    octt.bench.plug_in(evse)
    told = octt.expect("StatusNotification")
    assert (told["evseId"], told["connectorStatus"]) == (evse, "Occupied")
    octt.bench.swipe(card, evse)
    assert octt.expect("Authorize")["idToken"]["idToken"] == card
    events = octt.expect_events()
    assert [event["idToken"]["idToken"] for event in events if "idToken" in event] == [card]
    assert events[0]["evse"] == {"id": evse, "connectorId": 1}
    assert (events[-1]["triggerReason"], state_of(events[-1])) == ("ChargingStateChanged", "Charging")
    return str(events[-1]["transactionInfo"]["transactionId"])


def state_of(event: Payload) -> str | None:
    state: str | None = event["transactionInfo"].get("chargingState")
    return state


def expect_end(event: Payload, ends: bool) -> None:
    assert event["eventType"] == ("Ended" if ends else "Updated"), event
    assert event["transactionInfo"].get("stoppedReason") == ("MasterPass" if ends else None)


def expect_stop_by_pass(events: list[Payload], stop: str) -> None:
    """What the tool sees of one transaction, up to EVConnectedPostSession."""
    first, last = events[0], events[-1]
    assert (first["triggerReason"], first["idToken"]) == ("StopAuthorized", {"idToken": PASS, "type": "ISO14443"})
    assert not any("idToken" in event for event in events[1:])
    assert state_of(last) == "EVConnected"
    expect_end(last, stop in ("Authorized", "PowerPathClosed", "EnergyTransfer"))
    assert not any(event["eventType"] == "Ended" for event in events[:-1])


def leave(octt: Octt, evse: int, stop: str) -> None:
    """EVDisconnected and ParkingBayUnoccupied."""
    octt.bench.unplug(evse)
    told = octt.expect("StatusNotification")
    assert (told["evseId"], told["connectorStatus"]) == (evse, "Available")
    if stop in ("EVConnected", "ParkingBayOccupancy"):
        expect_end(octt.expect_event(trigger="EVCommunicationLost", state="Idle"), stop == "EVConnected")
    octt.bench.bay(False, evse)
    if stop == "ParkingBayOccupancy":
        expect_end(octt.expect_event(trigger="EVDeparted"), True)
    octt.expect_nothing()


@every_stop_point
def test_TC_C_14_CS_a_cached_pass_stops(stop: str):
    octt = with_master_pass(stop=stop, bay=True)
    octt.configure({"AuthCacheCtrlr.Enabled": True, "AuthCtrlr.LocalPreAuthorize": True})
    octt.asked_about(PASS, "Accepted", POLICE)  # stores it
    octt.judge_tokens("Accepted")
    start_at(octt, 1, CARD)
    octt.bench.pass_time(DURATION_S)
    octt.present(PASS)
    expect_stop_by_pass(octt.expect_events(), stop)
    leave(octt, 1, stop)
    assert octt.running is None


@every_stop_point
@pytest.mark.parametrize("evses", [1, 2])
def test_TC_C_49_CS_a_pass_stops_every_transaction(evses: int, stop: str):
    octt = with_master_pass(stop=stop, bay=True, evses=evses)
    started = {evse: start_at(octt, evse, card) for evse, card in [(1, CARD), (2, OTHER_CARD)][:evses]}
    octt.bench.pass_time(DURATION_S)
    octt.asked_about(PASS, "Accepted", POLICE)
    events = octt.expect_events()
    for evse, transaction_id in started.items():
        own = [event for event in events if event["transactionInfo"]["transactionId"] == transaction_id]
        expect_stop_by_pass(own, stop)
        events = [event for event in events if event not in own]
        assert not octt.transfers_energy(evse)
    assert events == []
    for evse in started:
        leave(octt, evse, stop)


@pytest.mark.parametrize("start", ["Authorized", "PowerPathClosed", "Authorized,PowerPathClosed"])
def test_TC_C_45_CS_a_pass_starts_nothing(start: str):
    octt = with_master_pass(start=start, bay=True)
    octt.asked_about(PASS, "Accepted", POLICE)
    octt.expect_nothing()
    octt.ev_connected_pre_session()
    octt.expect_silence()
    assert octt.transaction_id == ""
    assert not octt.transfers_energy()
