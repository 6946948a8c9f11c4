"""Block F: what the CSMS may ask the station to do now (F01, F02, F03, F05, F06)."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import get_args

import pytest

from agent.blocks.f_remote_control import UNLOCK_PATIENCE_S
from agent.edge.certificates import CertificateStore
from agent.edge.keys import KeyStore
from agent.ocpp.messages.f_remote_control import MessageTrigger
from tests.bench import CARD, OTHER_CARD, TOKEN, Bench, Payload, Reply, contexts, only, register_wh, story
from tests.blocks.test_e_start import bench_with

SILENT = {"SampledDataCtrlr.TxUpdatedInterval": 0}
OTHER = {"idToken": OTHER_CARD, "type": "ISO14443"}
MESSAGES = [
    name for name in get_args(get_args(MessageTrigger)[0]) if name not in ("SignV2G20Certificate", "CustomTrigger")
]
"""Of 2.0.1."""


def remote_start(bench: Bench, evse: int | None = 1, token: Payload | None = None, number: int = 7) -> Reply:
    place = {} if evse is None else {"evseId": evse}
    return bench.ask("RequestStartTransaction", idToken=token or TOKEN, remoteStartId=number, **place)


def remote(**options: object) -> Bench:
    return bench_with(variables={**SILENT, **options.pop("variables", {})}, **options)  # type: ignore[dict-item]


# ---- F01: cable first ----


@pytest.mark.parametrize("cable_first", [True, False])
def test_F01_FR_02_F02_FR_10_without_asking_the_energy_is_allowed(cable_first: bool):
    bench = remote()
    if cable_first:
        bench.plug_in()
    assert remote_start(bench) == {"status": "Accepted"}
    if not cable_first:
        bench.plug_in()
    assert "Authorize" not in [said.action for said in bench.take_sent()]
    assert bench.intents[1].permit_power


@pytest.mark.parametrize("cable_first", [True, False])
def test_F01_FR_01_F02_FR_09_with_authorize_remote_start_the_csms_is_asked_after_the_answer(cable_first: bool):
    bench = remote(variables={"AuthCtrlr.AuthorizeRemoteStart": True})
    if cable_first:
        bench.plug_in()
    bench.take_sent()
    bench.script["Authorize"] = None
    assert remote_start(bench) == {"status": "Accepted"}
    assert [said.action for said in bench.take_sent()] == ["Authorize"]
    assert not bench.intents[1].permit_power


@pytest.mark.parametrize(("status", "permitted"), [("Accepted", True), ("Blocked", False)])
def test_F01_FR_01_what_the_csms_says_of_the_token_counts(status: str, permitted: bool):
    bench = remote(variables={"AuthCtrlr.AuthorizeRemoteStart": True})
    bench.script["Authorize"] = {"idTokenInfo": {"status": status}}
    bench.plug_in()
    remote_start(bench)
    assert bench.intents[1].permit_power is permitted
    assert bool(bench.told) is permitted


def test_F01_FR_03_04_05_19_25_the_start_is_told_with_token_and_number():
    bench = remote()
    bench.plug_in()
    bench.take_sent()
    remote_start(bench, number=4711)
    started, charging = bench.take_events()
    assert story(started) == ("Started", "RemoteStart", "EVConnected")
    assert started["idToken"] == TOKEN
    assert started["transactionInfo"]["remoteStartId"] == 4711
    assert story(charging) == ("Updated", "ChargingStateChanged", "Charging")
    assert "remoteStartId" not in charging["transactionInfo"]


def test_F01_FR_13_the_transaction_that_runs_already_is_named():
    bench = remote(start="EVConnected")
    bench.plug_in()
    transaction_id = bench.transaction_id
    bench.take_sent()
    assert remote_start(bench) == {"status": "Accepted", "transactionId": transaction_id}
    updated = bench.take_events()[0]
    assert story(updated) == ("Updated", "RemoteStart", "EVConnected")
    assert (updated["transactionInfo"]["remoteStartId"], updated["idToken"]) == (7, TOKEN)


def test_F01_FR_20_F02_FR_22_without_an_evse_the_one_with_a_vehicle_is_chosen():
    bench = remote(evses=2)
    bench.plug_in(evse=2)
    remote_start(bench, evse=None)
    assert (bench.intents[1].permit_power, bench.intents[2].permit_power) == (False, True)


@pytest.mark.parametrize(
    "what", ["unknown evse", "out of service", "faulted", "authorized", "was authorized", "ending"]
)
def test_F01_FR_23_24_F02_FR_25_26_what_cannot_start_is_rejected(what: str):
    bench = remote(stop="EVConnected" if what == "was authorized" else "Authorized")
    if what in ("authorized", "was authorized", "ending"):
        bench.plug_in()
        bench.swipe()
        bench.pass_time(1)
    if what == "out of service":
        bench.ask("ChangeAvailability", operationalStatus="Inoperative", evse={"id": 1})
    elif what == "faulted":
        bench.fault("GroundFailure")
    elif what == "was authorized":
        bench.swipe()
    elif what == "ending":
        bench.plants[1].meter_answers = False
        bench.swipe()
    assert remote_start(bench, evse=9 if what == "unknown evse" else 1) == {"status": "Rejected"}


def test_F01_a_second_remote_start_is_rejected():
    bench = remote()
    assert remote_start(bench) == {"status": "Accepted"}
    assert remote_start(bench, token=OTHER) == {"status": "Rejected"}


@pytest.mark.parametrize(
    "oddity", [{}, {"chargingProfilePurpose": "TxDefaultProfile"}, {"transactionId": "nobody's"}], ids=str
)
@pytest.mark.parametrize("cable_first", [True, False])
def test_F01_FR_12_F02_FR_20_a_profile_is_ignored_without_smart_charging(cable_first: bool, oddity: Payload):
    bench = remote()
    bench.set("SmartChargingCtrlr.Enabled", False)
    if cable_first:
        bench.plug_in()
    schedule = {"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6.0}]}
    profile = {
        "id": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": [schedule],
        **oddity,
    }
    told = bench.ask("RequestStartTransaction", idToken=TOKEN, remoteStartId=1, evseId=1, chargingProfile=profile)
    assert told == {"status": "Accepted"}
    if not cable_first:
        bench.plug_in()
    assert bench.intents[1].limit_a == 32.0
    assert bench.plants[1].closed


def test_F01_FR_18_what_happens_later_is_told_as_in_any_transaction():
    bench = remote()
    bench.plug_in()
    remote_start(bench)
    bench.take_sent()
    bench.vehicle_wants(False)
    bench.vehicle_wants(True)
    assert bench.take_story() == [
        ("Updated", "ChargingStateChanged", "SuspendedEV"),
        ("Updated", "ChargingStateChanged", "Charging"),
    ]


def test_F01_a_number_is_told_once_and_not_with_the_next_driver():
    bench = remote()
    bench.plug_in()
    remote_start(bench, number=5)
    bench.swipe()
    bench.unplug()
    bench.plug_in()
    bench.take_sent()
    bench.swipe(OTHER_CARD)
    assert all("remoteStartId" not in event["transactionInfo"] for event in bench.take_events())


def test_F01_the_driver_whose_token_it_was_may_stop_with_his_card():
    bench = remote()
    bench.plug_in()
    remote_start(bench)
    bench.take_sent()
    bench.swipe(CARD)
    assert bench.take_story()[-1][:2] == ("Ended", "StopAuthorized")


def test_F01_the_group_of_the_request_may_stop_too():
    bench = remote()
    family = {"idToken": "family", "type": "Central"}
    bench.plug_in()
    bench.ask("RequestStartTransaction", idToken=TOKEN, groupIdToken=family, remoteStartId=1, evseId=1)
    bench.script["Authorize"] = {"idTokenInfo": {"status": "Accepted", "groupIdToken": family}}
    bench.swipe(OTHER_CARD)
    assert bench.take_story()[-1][:2] == ("Ended", "StopAuthorized")


# ---- F02: remote start first ----


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("Authorized", [("Started", "RemoteStart", "Idle"), ("Updated", "CablePluggedIn", "EVConnected")]),
        ("EVConnected", [("Started", "RemoteStart", "EVConnected")]),  # F02.FR.21
        ("PowerPathClosed", [("Started", "RemoteStart", "EVConnected")]),
        ("EnergyTransfer", []),
    ],
)
def test_F02_FR_01_05_11_12_13_21_the_first_event_after_it_says_remote_start(
    start: str, expected: list[tuple[str, str, str]]
):
    bench = remote(start=start)
    remote_start(bench)
    bench.plug_in()
    told = bench.take_events()
    last = ("Started", "RemoteStart", "Charging") if not expected else ("Updated", "ChargingStateChanged", "Charging")
    assert [story(event) for event in told] == [*expected, last]
    assert [event["transactionInfo"].get("remoteStartId") for event in told] == [7] + [None] * (len(told) - 1)
    assert told[0]["idToken"] == TOKEN


def test_F02_FR_07_nobody_plugs_in_and_the_transaction_ends():
    bench = remote(start="Authorized")
    remote_start(bench)
    bench.pass_time(60)
    ended = bench.take_events()[-1]  # TC_F_04
    assert story(ended) == ("Ended", "EVConnectTimeout", "Idle")
    assert ended["transactionInfo"]["stoppedReason"] == "Timeout"
    assert remote_start(bench) == {"status": "Accepted"}


def test_F02_FR_08_with_the_bay_as_stop_point_it_is_only_deauthorized():
    bench = remote(start="ParkingBayOccupancy", stop="ParkingBayOccupancy", bay=True)
    bench.bay(True)
    remote_start(bench)
    bench.pass_time(60)
    assert bench.take_story()[-1] == ("Updated", "EVConnectTimeout", "Idle")
    assert bench.station.site.running()


def test_F02_a_remote_start_is_for_that_evse_alone():
    bench = remote(evses=2)
    remote_start(bench, evse=1)
    bench.plug_in(evse=2)
    assert not bench.intents[2].permit_power


# ---- F03: stop ----


@pytest.mark.parametrize("stop", ["Authorized", "PowerPathClosed"])
def test_F03_FR_03_it_ends(stop: str):
    bench = remote(stop=stop)
    bench.plug_in()
    bench.swipe()
    bench.take_sent()
    assert bench.ask("RequestStopTransaction", transactionId=bench.transaction_id) == {"status": "Accepted"}
    ended = only(bench.take_events())
    assert story(ended) == ("Ended", "RemoteStop", "EVConnected")
    assert ended["transactionInfo"]["stoppedReason"] == "Remote"
    assert "idToken" not in ended


def test_F03_FR_02_with_a_later_stop_point_only_the_energy_stops():
    bench = remote(stop="EVConnected")
    bench.plug_in()
    bench.swipe()
    bench.take_sent()
    bench.ask("RequestStopTransaction", transactionId=bench.transaction_id)
    assert [event[:2] for event in bench.take_story()] == [
        ("Updated", "RemoteStop"),
        ("Updated", "ChargingStateChanged"),
    ]
    assert not bench.intents[1].permit_power
    bench.unplug()
    ended = only(bench.take_events())
    assert story(ended) == ("Ended", "EVCommunicationLost", "Idle")
    assert ended["transactionInfo"]["stoppedReason"] == "Remote"  # TC_E_14


def test_F03_FR_03_a_transaction_that_nobody_was_authorized_for_ends_too():
    bench = remote(start="EVConnected", stop="EVConnected,Authorized")
    bench.plug_in()
    bench.take_sent()
    bench.ask("RequestStopTransaction", transactionId=bench.transaction_id)
    ended = only(bench.take_events())
    assert (story(ended), ended["transactionInfo"]["stoppedReason"]) == (
        ("Ended", "RemoteStop", "EVConnected"),
        "Remote",
    )


def test_F03_FR_07_it_unlocks_the_cable():
    bench = remote(attached=False, lock=True)
    bench.plug_in()
    bench.swipe()
    bench.ask("RequestStopTransaction", transactionId=bench.transaction_id)
    assert bench.plants[1].locked[1] == "unlocked"


def test_F03_FR_08_an_unknown_transaction_is_rejected_and_nothing_happens():
    bench = remote()
    bench.plug_in()
    bench.swipe()
    bench.take_sent()
    assert bench.ask("RequestStopTransaction", transactionId="nobody's") == {"status": "Rejected"}
    assert bench.take_events() == []
    assert bench.intents[1].permit_power


def test_F03_FR_08_a_transaction_that_has_ended_is_unknown():
    bench = remote()
    bench.plug_in()
    bench.swipe()
    transaction_id = bench.transaction_id
    bench.swipe()
    assert bench.ask("RequestStopTransaction", transactionId=transaction_id) == {"status": "Rejected"}


def spacing(ended: Payload) -> set[timedelta]:
    """The time between the periodic readings of an Ended."""
    times = [
        datetime.fromisoformat(value["timestamp"])
        for value in ended["meterValue"]
        if value["sampledValue"][0].get("context", "Sample.Periodic") == "Sample.Periodic"
    ]
    assert len(times) > 20
    return {after - before for before, after in pairwise(times)}


@pytest.mark.parametrize(("hours", "interval_s"), [(0.25, 10), (3, 160)])
def test_F03_FR_05_06_of_too_many_readings_every_second_one_is_dropped(hours: float, interval_s: int):
    bench = remote(variables={"SampledDataCtrlr.TxEndedInterval": 10})
    bench.plug_in()
    remote_start(bench)
    bench.pass_time(hours * 3600)
    bench.take_sent()
    bench.ask("RequestStopTransaction", transactionId=bench.transaction_id)
    ended = only(bench.take_events())
    assert spacing(ended) == {timedelta(seconds=interval_s)}
    assert contexts(ended)[0] == "Transaction.Begin"
    assert contexts(ended)[-1] == "Transaction.End"


# ---- F04: stop of an ISO 15118 session: for the CSMS the same with EVConnected as the stop point ----


def stopped_at_a_socket(**variables: object) -> Bench:
    bench = remote(stop="EVConnected", attached=False, lock=True, variables=variables)
    bench.plug_in()
    remote_start(bench)
    bench.pass_time(3600)
    bench.take_sent()
    assert bench.ask("RequestStopTransaction", transactionId=bench.transaction_id) == {"status": "Accepted"}
    return bench


def test_F04_FR_02_the_energy_offer_stops_the_cable_is_free_and_the_csms_hears():
    bench = stopped_at_a_socket()
    assert not bench.intents[1].permit_power
    assert bench.intents[1].limit_a is None
    assert bench.plants[1].locked[1] == "unlocked"
    assert bench.take_story()[0][:2] == ("Updated", "RemoteStop")


def test_F04_FR_03_with_the_cable_the_transaction_ends():
    bench = stopped_at_a_socket()
    bench.take_sent()
    bench.unplug()
    ended = only(bench.take_events())
    assert (ended["eventType"], ended["transactionInfo"]["stoppedReason"]) == ("Ended", "Remote")


def test_F04_FR_04_its_last_event_has_the_configured_readings():
    bench = stopped_at_a_socket(**{"SampledDataCtrlr.TxEndedMeasurands": "Energy.Active.Import.Register,Voltage"})
    bench.take_sent()
    bench.unplug()
    ended = only(bench.take_events())
    assert register_wh(ended, "Transaction.Begin") == 1000.0
    assert register_wh(ended, "Transaction.End") == 1000.0 + 7200.0


def test_F04_FR_05_F04_FR_06_of_too_many_readings_every_second_one_is_dropped():
    bench = stopped_at_a_socket(**{"SampledDataCtrlr.TxEndedInterval": 10})
    bench.take_sent()
    bench.unplug()
    assert spacing(only(bench.take_events())) == {timedelta(seconds=40)}


# ---- F05: unlock ----


def unlock(bench: Bench, evse: int = 1, connector: int = 1) -> Reply:
    return bench.ask("UnlockConnector", evseId=evse, connectorId=connector)


def test_F05_FR_01_F05_FR_04_F05_FR_06_a_lock_that_opens_even_without_a_cable():
    bench = remote(attached=False, lock=True)
    assert unlock(bench) == {"status": "Unlocked"}


def test_F05_FR_02_not_while_an_authorized_transaction_is_ongoing():
    bench = remote(attached=False, lock=True)
    bench.plug_in()
    bench.swipe()
    assert unlock(bench) == {"status": "OngoingAuthorizedTransaction"}
    assert bench.plants[1].locked[1] == "locked"
    assert bench.intents[1].permit_power


def test_F05_a_transaction_that_nobody_is_authorized_for_does_not_keep_the_cable():
    bench = remote(attached=False, lock=True, start="EVConnected")
    bench.plug_in()
    assert unlock(bench) == {"status": "Unlocked"}


@pytest.mark.parametrize(("evse", "connector"), [(1, 9), (9, 1)])
def test_F05_FR_03_an_unknown_connector(evse: int, connector: int):
    assert unlock(remote(attached=False, lock=True), evse, connector) == {"status": "UnknownConnector"}


def test_F05_FR_05_a_lock_that_is_stuck():
    bench = remote(attached=False, lock=True)
    bench.plug_in()
    bench.swipe()
    bench.plants[1].lock_stuck = True
    bench.swipe()
    assert unlock(bench) == {"status": "UnlockFailed"}


def test_F05_FR_05_a_connector_without_a_lock():
    assert unlock(remote()) == {"status": "UnlockFailed"}


def test_F05_the_answer_waits_for_the_lock_and_not_for_ever():
    bench = remote(attached=False, lock=True)
    bench.plug_in()
    bench.swipe()
    bench.plants[1].lock_silent = True
    bench.swipe()
    assert unlock(bench) is None
    bench.pass_time(UNLOCK_PATIENCE_S - 0.1)
    assert bench.last_answer() is None
    bench.pass_time(0.2)
    assert bench.last_answer() == {"status": "UnlockFailed"}


def test_F05_a_cable_that_was_kept_for_its_owner_is_free():
    bench = remote(attached=False, lock=True, variables={"OCPPCommCtrlr.UnlockOnEVSideDisconnect": False})
    bench.plug_in()
    bench.swipe()
    bench.unplug_at_vehicle()
    assert bench.plants[1].locked[1] == "locked"
    assert unlock(bench) == {"status": "Unlocked"}
    assert bench.plants[1].locked[1] == "unlocked"
    bench.take_cable()
    bench.plug_in()
    bench.swipe(OTHER_CARD)
    assert bench.plants[1].locked[1] == "locked"
    assert bench.intents[1].permit_power


# ---- F06: trigger ----


def trigger(bench: Bench, message: str, evse: int | None = None, connector: int | None = None) -> Reply:
    place: Payload = {} if evse is None else {"evse": {"id": evse}}
    if connector is not None:
        place["evse"]["connectorId"] = connector
    return bench.ask("TriggerMessage", requestedMessage=message, **place)


def test_F06_FR_03_an_evse_that_does_not_matter_is_ignored():
    bench = remote()
    assert trigger(bench, "Heartbeat", evse=9) == {"status": "Accepted"}
    assert [said.action for said in bench.take_sent()] == ["Heartbeat"]


def test_F06_FR_04_the_answer_comes_before_the_message():
    bench = remote()
    spoken: list[str] = []
    bench.script["Heartbeat"] = lambda asked: spoken.append(f"asked, answered {len(bench.answers)}") or None
    before = len(bench.answers)
    trigger(bench, "Heartbeat")
    assert spoken == [f"asked, answered {before + 1}"]


def test_F06_FR_06_meter_values_of_one_evse():
    bench = remote(evses=2)
    assert trigger(bench, "MeterValues", evse=2) == {"status": "Accepted"}
    told = only(bench.take_sent())
    assert (told.action, told.payload["evseId"]) == ("MeterValues", 2)
    sampled = told.payload["meterValue"][0]["sampledValue"]
    assert [(each["value"], each["context"]) for each in sampled] == [(1000.0, "Trigger")]


def test_F06_FR_11_meter_values_of_all_evses():
    bench = remote(evses=2)
    trigger(bench, "MeterValues")
    assert [said.payload["evseId"] for said in bench.take_sent()] == [1, 2]


@pytest.mark.parametrize("how", ["no meter", "unknown evse"])
def test_F06_FR_10_meter_values_that_cannot_be_sent_are_rejected(how: str):
    bench = remote(meter=how != "no meter")
    assert trigger(bench, "MeterValues", evse=9 if how == "unknown evse" else None) == {"status": "Rejected"}


def test_F06_FR_07_a_transaction_event_with_the_latest_readings():
    bench = remote()
    bench.plug_in()
    bench.swipe()
    bench.take_sent()
    assert trigger(bench, "TransactionEvent", evse=1) == {"status": "Accepted"}
    told = only(bench.take_events())
    assert story(told) == ("Updated", "Trigger", "Charging")
    assert {each["context"] for each in told["meterValue"][0]["sampledValue"]} == {"Trigger"}


def test_F06_FR_07_F06_FR_11_transaction_events_of_all_evses():
    bench = remote(evses=2)
    for evse, card in ((1, CARD), (2, OTHER_CARD)):
        bench.plug_in(evse)
        bench.swipe(card, evse)
    bench.take_sent()
    trigger(bench, "TransactionEvent")
    assert [event[1] for event in bench.take_story()] == ["Trigger", "Trigger"]


def test_F06_a_transaction_event_without_a_transaction_is_rejected():
    assert trigger(remote(), "TransactionEvent") == {"status": "Rejected"}


@pytest.mark.parametrize("message", ["SignCombinedCertificate", "PublishFirmwareStatusNotification"])
def test_F06_FR_08_what_is_not_there_yet_is_not_implemented(message: str):
    assert trigger(remote(), message) == {"status": "NotImplemented"}


@pytest.mark.parametrize("plugged", [False, True])
def test_F06_FR_05_the_status_of_a_connector(plugged: bool):
    bench = remote()
    if plugged:
        bench.plug_in()
    bench.take_sent()
    assert trigger(bench, "StatusNotification", 1, 1) == {"status": "Accepted"}
    assert bench.take_statuses() == [(1, 1, "Occupied" if plugged else "Available")]


@pytest.mark.parametrize("place", [(None, None), (1, None), (1, 9), (9, 1)])
def test_F06_FR_12_a_status_is_of_a_connector_or_rejected(place: tuple[int | None, int | None]):
    bench = remote()
    assert trigger(bench, "StatusNotification", *place) == {"status": "Rejected"}
    assert bench.take_sent() == []


def test_F06_FR_17_no_boot_notification_once_we_are_accepted():
    bench = remote()
    assert trigger(bench, "BootNotification") == {"status": "Rejected"}
    assert bench.take_sent() == []


def test_F06_FR_09_the_status_is_what_it_is_now_whatever_waits_to_be_told():
    bench = remote(variables={"ChargingStation.MinimumStatusDuration": 60})
    bench.plug_in()
    assert bench.take_statuses() == []
    assert trigger(bench, "StatusNotification", 1, 1) == {"status": "Accepted"}
    assert bench.take_statuses() == [(1, 1, "Occupied")]
    bench.pass_time(61)
    assert bench.take_statuses() == []  # told already


def test_F06_FR_09_meter_values_are_the_latest_and_not_a_history():
    bench = remote()
    bench.charge(500)
    bench.charge(250)
    trigger(bench, "MeterValues")
    told = only(bench.take_sent()).payload
    assert [each["sampledValue"][0]["value"] for each in told["meterValue"]] == [1750.0]


def test_F06_FR_09_a_transaction_event_is_a_new_one():
    bench = remote()
    bench.plug_in()
    remote_start(bench)
    bench.charge(500)
    numbers = [event["seqNo"] for event in bench.take_events()]
    trigger(bench, "TransactionEvent")
    told = only(bench.take_events())
    assert told["seqNo"] == numbers[-1] + 1
    assert told["transactionInfo"]["chargingState"] == "Charging"
    assert told["meterValue"][0]["sampledValue"][0]["value"] == 1500.0


def test_F06_FR_15_no_log_is_uploaded():
    bench = remote()
    assert trigger(bench, "LogStatusNotification") == {"status": "Accepted"}
    assert bench.take_sent() == [("LogStatusNotification", {"status": "Idle"})]


@pytest.mark.parametrize("evse", [None, 1, 9])
def test_F06_FR_16_no_firmware_is_updated(evse: int | None):
    bench = remote()
    assert trigger(bench, "FirmwareStatusNotification", evse) == {"status": "Accepted"}
    assert bench.take_sent() == [("FirmwareStatusNotification", {"status": "Idle"})]


@pytest.mark.parametrize("registration", ["Accepted", "Pending"])
@pytest.mark.parametrize("message", MESSAGES)
def test_F06_FR_10_what_is_accepted_is_sent_and_nothing_else_is(message: str, registration: str, tmp_path: Path):
    bench = Bench(
        variables={**SILENT, "TxCtrlr.TxBeforeAcceptedEnabled": True},
        certificates=(store := CertificateStore(tmp_path / "certs")),
        keys=KeyStore(tmp_path / "keys", store),
    )
    bench.script["BootNotification"] = {
        "currentTime": "2026-01-01T00:00:00Z",
        "interval": 9999,
        "status": registration,
    }
    bench.connect()
    bench.plug_in()
    bench.swipe()
    bench.take_sent()
    told = trigger(bench, message, 1, 1)
    assert isinstance(told, dict)
    sent = "SignCertificate" if message == "SignChargingStationCertificate" else message
    expected = [sent] if told["status"] == "Accepted" else []
    assert [said.action for said in bench.take_sent()] == expected
    assert told["status"] in ("Accepted", "Rejected", "NotImplemented")


def test_what_is_not_there_yet_is_answered_not_implemented():
    bench = remote()
    assert bench.ask("UnpublishFirmware", checksum="0") == "NotImplemented"
