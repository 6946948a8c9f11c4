"""Certification cases of block E without a link: what is queued and told later, and what the CSMS may ask of it."""

from __future__ import annotations

import pytest

from tests.bench import CARD, OTHER_CARD, Payload
from tests.blocks.reusable import DURATION_S, Octt

WAIT_S = 30
"""<Configured RetryBackOffWaitMinimum_duration>, longer than the interval of the readings."""

RECONNECTING = {
    "OCPPCommCtrlr.OfflineThreshold": WAIT_S + 60,
    "OCPPCommCtrlr.RetryBackOffWaitMinimum": WAIT_S,
    "OCPPCommCtrlr.RetryBackOffRandomRange": 0,
}
READING = {
    "SampledDataCtrlr.Enabled": True,
    "SampledDataCtrlr.TxUpdatedMeasurands": "Energy.Active.Import.Register",
    "SampledDataCtrlr.TxUpdatedInterval": 10,
}
STOP_POINTS = ("ParkingBayOccupancy", "EVConnected", "Authorized", "PowerPathClosed", "EnergyTransfer")


def away(octt: Octt, seconds: float = WAIT_S) -> None:
    """The tool closes the connection and accepts none before so many seconds are over."""
    octt.bench.disconnect()
    octt.bench.pass_time(seconds - 1)


def status_when_back(octt: Octt, **asked: object) -> Payload:
    """The answer to GetTransactionStatus, asked the moment the connection is restored."""
    calls = [asked]

    def answer(event: Payload) -> Payload:
        if calls:
            octt.bench.call("GetTransactionStatus", **calls.pop())
        return {}

    octt.bench.script["TransactionEvent"] = answer
    octt.bench.connect()
    told = octt.bench.last_answer()
    assert isinstance(told, dict)
    return told


def assert_readings_of_the_dark(octt: Octt) -> None:
    octt.expect_nothing()
    assert len(octt.readings) == WAIT_S // 10
    for event in octt.readings:
        assert event["eventType"] == "Updated"
        assert event["meterValue"]
        assert event["offline"] is True


# ---- GetTransactionStatus ----


def test_TC_E_28_CS_of_an_unknown_transaction():
    octt = Octt()
    told = octt.ask("GetTransactionStatus", transactionId="73a9e6a1-9ac1-4d2f-8f0c-5c9a3d5e8a11")
    assert told == {"ongoingIndicator": False, "messagesInQueue": False}


def test_TC_E_29_CS_of_a_running_transaction_with_messages_in_the_queue():
    octt = Octt({**READING, **RECONNECTING})
    octt.energy_transfer_started()
    away(octt)
    told = status_when_back(octt, transactionId=octt.transaction_id)
    assert told == {"ongoingIndicator": True, "messagesInQueue": True}
    assert_readings_of_the_dark(octt)


def test_TC_E_30_CS_of_a_running_transaction_without_messages_in_the_queue():
    octt = Octt()
    octt.energy_transfer_started()
    told = octt.ask("GetTransactionStatus", transactionId=octt.transaction_id)
    assert told == {"ongoingIndicator": True, "messagesInQueue": False}


STOPPED = {
    "ParkingBayOccupancy": [
        ("Updated", "StopAuthorized", None),
        ("Updated", "ChargingStateChanged", "EVConnected"),
        ("Updated", "EVCommunicationLost", "Idle"),
        ("Ended", "EVDeparted", None),
    ],
    "EVConnected": [
        ("Updated", "StopAuthorized", None),
        ("Updated", "ChargingStateChanged", "EVConnected"),
        ("Ended", "EVCommunicationLost", "Idle"),
    ],
    "Authorized": [("Ended", "StopAuthorized", None)],
    "PowerPathClosed": [("Ended", "StopAuthorized", None)],
    "EnergyTransfer": [("Updated", "StopAuthorized", None), ("Ended", "ChargingStateChanged", "EVConnected")],
}
"""From StopAuthorized through ParkingBayUnoccupied, by the stop point."""


@pytest.mark.parametrize("stop", STOP_POINTS)
def test_TC_E_31_CS_of_an_ended_transaction_with_messages_in_the_queue(stop: str):
    octt = Octt({**RECONNECTING, "SampledDataCtrlr.TxUpdatedInterval": 60}, stop=stop, bay=True)
    octt.energy_transfer_started()
    octt.bench.disconnect()
    octt.present(CARD)
    octt.bench.unplug()
    octt.drive_out()
    octt.bench.pass_time(DURATION_S)
    told = status_when_back(octt, transactionId=octt.transaction_id)
    assert told == {"ongoingIndicator": False, "messagesInQueue": True}
    for event_type, trigger, state in STOPPED[stop]:
        event = octt.expect_event(event_type, trigger=trigger, state=state or ())
        assert event["offline"] is True
    assert event["transactionInfo"]["stoppedReason"] == "Local"
    octt.expect_status("Available")
    octt.expect_nothing()


SUSPENDED = {
    "ParkingBayOccupancy": [
        ("Updated", "ChargingStateChanged", "SuspendedEV"),
        ("Updated", "EVCommunicationLost", "Idle"),
        ("Ended", "EVDeparted", None),
    ],
    "EVConnected": [("Updated", "ChargingStateChanged", "SuspendedEV"), ("Ended", "EVCommunicationLost", "Idle")],
    "Authorized": [("Updated", "ChargingStateChanged", "SuspendedEV"), ("Ended", "EVCommunicationLost", "Idle")],
    "PowerPathClosed": [("Updated", "ChargingStateChanged", "SuspendedEV"), ("Ended", "EVCommunicationLost", "Idle")],
    "EnergyTransfer": [("Ended", "ChargingStateChanged", "EVConnected")],
}
"""From EnergyTransferSuspended through ParkingBayUnoccupied."""


@pytest.mark.parametrize("stop", STOP_POINTS)
def test_TC_E_31_CS_of_one_that_the_csms_started_and_the_vehicle_ended(stop: str):
    octt = Octt(RECONNECTING, stop=stop, bay=True, remote=True)  # erratum 6.2.53
    octt.energy_transfer_started()
    octt.bench.disconnect()
    octt.bench.vehicle_wants(False)
    octt.bench.unplug()
    octt.drive_out()
    octt.bench.pass_time(DURATION_S)
    told = status_when_back(octt, transactionId=octt.transaction_id)
    assert told == {"ongoingIndicator": False, "messagesInQueue": True}
    for event_type, trigger, state in SUSPENDED[stop]:
        assert octt.expect_event(event_type, trigger=trigger, state=state or ())["offline"] is True
    octt.expect_status("Available")
    octt.expect_nothing()


def test_TC_E_32_CS_of_an_ended_transaction_without_messages_in_the_queue():
    octt = Octt()
    octt.energy_transfer_started()
    octt.parking_bay_unoccupied()
    told = octt.ask("GetTransactionStatus", transactionId=octt.transaction_id)
    assert told == {"ongoingIndicator": False, "messagesInQueue": False}


def test_TC_E_33_CS_of_none_with_messages_in_the_queue():
    octt = Octt({**READING, **RECONNECTING})
    octt.energy_transfer_started()
    away(octt)
    assert status_when_back(octt) == {"messagesInQueue": True}
    assert_readings_of_the_dark(octt)


def test_TC_E_34_CS_of_none_without_messages_in_the_queue():
    assert Octt().ask("GetTransactionStatus") == {"messagesInQueue": False}


# ---- transactions without a link ----


def test_TC_E_40_CS_readings_wait_for_the_link():
    octt = Octt({**READING, **RECONNECTING})
    octt.energy_transfer_started()
    away(octt)
    octt.bench.connect()
    assert_readings_of_the_dark(octt)


@pytest.mark.parametrize("known", ["not", "cached", "on the list"])
@pytest.mark.parametrize("start", ["ParkingBayOccupancy", "EVConnected", "Authorized", "PowerPathClosed"])
def test_TC_E_43_CS_a_whole_session_without_a_link(start: str, known: str):
    octt = Octt({"AuthCtrlr.OfflineTxForUnknownIdEnabled": known == "not"}, start=start, bay=True)
    if known == "cached":
        octt.id_token_cached()
    elif known == "on the list":
        octt.id_token_local_auth_list()
    octt.transaction_events_in_queue_ended()
    events = octt.expect_events()
    assert all(event["offline"] for event in events)
    types = [event["eventType"] for event in events]
    assert (types[0], types.count("Started")) == ("Started", 1)
    assert (types[-1], types.count("Ended")) == ("Ended", 1)
    assert any(event.get("idToken", {}).get("idToken") == CARD for event in events)


@pytest.mark.parametrize("stop", STOP_POINTS)
def test_TC_E_44_CS_the_card_stops_without_a_link(stop: str):
    octt = Octt(RECONNECTING, stop=stop, bay=True)
    octt.energy_transfer_started()
    octt.bench.disconnect()
    octt.present(CARD)
    octt.bench.unplug()
    octt.drive_out()
    octt.bench.connect()
    assert_ended_in_the_dark(octt)


@pytest.mark.parametrize("known", ["cached", "on the list"])
@pytest.mark.parametrize("stop", STOP_POINTS)
def test_TC_E_45_CS_a_card_of_the_same_group_stops_without_a_link(stop: str, known: str):
    octt = Octt(RECONNECTING, stop=stop, bay=True)
    if known == "cached":
        octt.id_token_cached(OTHER_CARD, group="family")
    else:
        octt.id_token_local_auth_list(OTHER_CARD, group="family")
    octt.judge_tokens("Accepted", group="family")
    octt.authorized(CARD)
    octt.energy_transfer_started()
    octt.bench.disconnect()
    octt.present(OTHER_CARD)
    octt.bench.unplug()
    octt.drive_out()
    octt.bench.connect()
    assert_ended_in_the_dark(octt)


def assert_ended_in_the_dark(octt: Octt) -> None:
    events = octt.expect_events()
    assert all(event["offline"] for event in events)
    ended = events[-1]
    assert ended["eventType"] == "Ended"
    assert ended["transactionInfo"]["stoppedReason"] == "Local"
