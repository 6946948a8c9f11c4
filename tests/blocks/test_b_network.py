"""Block B: network profiles and the way from one CSMS to another (B09, B10, with the errata of 2025-09)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agent.blocks.b_network import FACTORY_SLOT, NetworkSetup, url_objection
from agent.vocabulary.certificates import OwnCertificate
from agent.vocabulary.values import NetworkProfile
from tests.bench import POWER_ON, Bench, Payload
from tests.blocks.network import connection

OLD, NEW, OTHER = "ws://old.example/ocpp", "ws://new.example/ocpp", "ws://other.example/ocpp"
PRIORITY, ATTEMPTS = "OCPPCommCtrlr.NetworkConfigurationPriority", "OCPPCommCtrlr.NetworkProfileConnectionAttempts"
ACTIVE, SECURITY = "OCPPCommCtrlr.ActiveNetworkProfile", "SecurityCtrlr.SecurityProfile"
ACCEPTED = {"status": "Accepted"}
EVENTS = {"TxCtrlr.TxStartPoint": "EVConnected", "SampledDataCtrlr.TxUpdatedInterval": 0}


def a_bench(url: str = OLD, security_profile: int = 0, **options: object) -> Bench:
    """Connected with what it was provisioned with, that is the first slot."""
    certificate = bool(options.pop("certificate", False))
    setup = NetworkSetup(NetworkProfile(FACTORY_SLOT, url, security_profile), "CS1")
    bench = Bench(network=setup, **options)  # type: ignore[arg-type]
    if certificate:
        bench.station.blocks.signing.own = (
            OwnCertificate("ChargingStationCertificate", POWER_ON + timedelta(days=365), ()),
        )
    bench.accept()
    bench.take_sent()
    return bench


def put(bench: Bench, slot: int = 2, url: str = NEW, **more: object) -> Payload:
    told = bench.ask("SetNetworkProfile", configurationSlot=slot, connectionData=connection(url, **more))
    assert isinstance(told, dict), told
    return told


def restart(bench: Bench) -> None:
    """The CSMS resets the station, and it comes back on its own."""
    assert bench.ask("Reset", type="OnIdle") == ACCEPTED
    bench.pass_time(2)
    assert bench.restarts
    bench.dialed.clear()
    bench.take_sent()
    bench.power_cycle(off_s=1)


def dialed(bench: Bench) -> list[str]:
    """Where it tried to connect, in order."""
    return [profile.url for profile in bench.dialed if profile is not None]


def migrate(bench: Bench, priority: str = "2,1", **profile: object) -> None:
    assert put(bench, **profile) == ACCEPTED  # type: ignore[arg-type]
    assert bench.set(PRIORITY, priority) == "RebootRequired"
    restart(bench)


# ---- B09 ----


def test_B09_FR_01_a_profile_is_stored_and_outlives_the_power():
    bench = a_bench()
    assert put(bench, url=NEW) == ACCEPTED
    bench.power_cycle()
    bench.connect()
    assert bench.set(PRIORITY, "2,1") == "RebootRequired"  # slot 2 holds something
    restart(bench)
    assert dialed(bench) == [NEW]


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"ocppTransport": "SOAP"}, "SOAP"),
        ({"ocppVersion": "OCPP16"}, "OCPP16"),
        ({"ocppVersion": "OCPP12"}, "OCPP12"),
        ({"ocppInterface": "Wired1"}, "Wired1"),
        ({"ocppInterface": "Wireless0"}, "Wireless0"),
        ({"messageTimeout": 0}, "messageTimeout 0"),
        ({"messageTimeout": -1}, "messageTimeout -1"),
        ({"securityProfile": 4}, "securityProfile 4"),
        ({"ocppCsmsUrl": "http://csms.example/ocpp"}, "ocppCsmsUrl"),
        ({"ocppCsmsUrl": ""}, "ocppCsmsUrl"),
        ({"securityProfile": 2}, "wants wss://"),
        ({"securityProfile": 3}, "wants wss://"),
        ({"ocppCsmsUrl": "wss://csms.example/ocpp"}, "wants ws://"),
        ({"apn": {"apn": "internet", "apnAuthentication": "NONE"}}, "apn"),
        ({"vpn": {"server": "v", "user": "u", "password": "p", "key": "k", "type": "L2TP"}}, "vpn"),
    ],
)
def test_B09_FR_02_what_this_station_cannot_do_is_rejected_and_nothing_is_kept(wrong: Payload, named: str):
    bench = a_bench()
    told = bench.ask("SetNetworkProfile", configurationSlot=2, connectionData=connection(NEW) | wrong)
    assert isinstance(told, dict)
    assert (told["status"], told["statusInfo"]["reasonCode"]) == ("Rejected", "InvalidNetworkConf")
    assert named in told["statusInfo"]["additionalInfo"]
    assert bench.set(PRIORITY, "2") == "Rejected"


@pytest.mark.parametrize("slot", [0, 4, 999, -1])
def test_B09_FR_05_a_slot_that_is_not_there(slot: int):
    told = put(a_bench(), slot=slot)
    assert (told["status"], told["statusInfo"]["reasonCode"]) == ("Rejected", "InvalidConfSlot")


@pytest.mark.parametrize(
    ("active", "wanted", "allowed"),
    [(1, 0, False), (2, 1, False), (3, 2, False), (3, 1, True), (2, 1, True), (1, 0, True)],
)
@pytest.mark.proves("B09.FR.04", "B09.FR.31")
def test_a_less_secure_profile_is_rejected(active: int, wanted: int, allowed: bool):
    bench = a_bench("wss://old.example" if active > 1 else OLD, active, certificate=True)
    bench.set("SecurityCtrlr.AllowSecurityProfileDowngrade", allowed)
    told = put(bench, url="wss://new.example" if wanted > 1 else NEW, securityProfile=wanted)
    assert (told["status"], told["statusInfo"]["reasonCode"]) == ("Rejected", "NoSecurityDowngrade")


def test_from_3_to_2_where_that_is_allowed():  # A05.FR.08
    bench = a_bench("wss://old.example", 3, certificate=True)
    bench.set("SecurityCtrlr.AllowSecurityProfileDowngrade", True)
    migrate(bench, "2", url="wss://new.example", securityProfile=2)
    bench.connect()
    assert bench.get(SECURITY) == "2"


def test_B09_FR_06_three_slots_hold_three_profiles():
    bench = a_bench()
    for slot, url in ((2, NEW), (3, OTHER)):
        assert put(bench, slot=slot, url=url) == ACCEPTED
    assert bench.set(PRIORITY, "3,2,1") == "RebootRequired"
    bench.dark = {OTHER, NEW}
    restart(bench)
    bench.connect()
    assert dialed(bench) == [OTHER] * 3 + [NEW] * 3 + [OLD]


def test_B09_FR_03_what_the_disk_refuses_at_that_very_moment_is_in_no_slot():
    bench = a_bench()
    bench.disk_refuses = True
    assert put(bench)["status"] == "Failed"
    bench.disk_refuses = False
    assert bench.set(PRIORITY, "2,1") == "Rejected"  # slot 2 holds nothing
    bench.power_cycle()
    bench.connect()
    assert bench.set(PRIORITY, "2,1") == "Rejected"


def test_a_change_of_the_slot_in_use_changes_no_connection_before_the_reset():
    bench = a_bench()
    assert put(bench, slot=1, url=NEW) == ACCEPTED
    bench.dialed.clear()
    bench.disconnect()
    bench.connect()
    assert set(dialed(bench)) == {OLD}
    restart(bench)
    assert dialed(bench) == [NEW]


# ---- B10 ----


@pytest.mark.parametrize("priority", ["2", "2,3", "", "4", "1,1", "1;2"])
def test_B10_FR_02_a_list_with_a_slot_that_holds_nothing_is_rejected(priority: str):
    bench = a_bench()
    assert bench.set(PRIORITY, priority) == "Rejected"
    assert bench.get(PRIORITY) == "1"


@pytest.mark.proves("B10.FR.01", "B10.FR.04")
def test_a_new_csms_is_first_and_the_station_goes_there_after_the_reset():
    bench = a_bench()
    assert bench.get(ACTIVE) == "1"
    migrate(bench)
    bench.connect()
    assert dialed(bench) == [NEW]
    assert bench.take_sent()[0].action == "BootNotification"
    assert (bench.get(ACTIVE), bench.get(PRIORITY)) == ("2", "2,1")


@pytest.mark.parametrize("attempts", [1, 2, 5])
def test_B10_FR_03_so_many_attempts_then_the_next_entry(attempts: int):
    bench = a_bench()
    bench.set(ATTEMPTS, attempts)
    bench.dark = {NEW}
    migrate(bench)
    bench.connect()
    assert dialed(bench) == [NEW] * attempts + [OLD]
    assert bench.get(ACTIVE) == "1"


@pytest.mark.proves("B10.FR.07", "B10.FR.08", "B10.FR.09")
def test_nobody_anywhere_the_last_good_one_is_tried_and_then_the_list_again():
    bench = a_bench(variables={"OCPPCommCtrlr.RetryBackOffRepeatTimes": 0})
    bench.set(ATTEMPTS, 1)
    put(bench, slot=3, url=OTHER)
    migrate(bench, "2,3")
    bench.disconnect()
    bench.pass_time(3600)
    assert dialed(bench)[:7] == [NEW, OTHER, OLD, NEW, OTHER, OLD, NEW]
    assert len(dialed(bench)) > 100
    bench.accept()


def test_B10_FR_07_a_slot_that_was_overwritten_with_nonsense_does_not_strand_the_station():
    bench = a_bench()
    put(bench, slot=1, url=NEW)
    bench.dark = {NEW}
    restart(bench)
    bench.connect()
    assert set(dialed(bench)) == {NEW, OLD}
    assert bench.station.desk.accepted


def test_a_csms_that_takes_the_connection_and_hangs_up_is_left_for_the_one_that_worked():
    bench = a_bench()
    bench.set(ATTEMPTS, 2)
    migrate(bench)
    for _ in range(2):
        bench.script["BootNotification"] = None
        bench.connect()
        assert bench.dialed[-1] is not None
        assert bench.dialed[-1].url == NEW
        bench.disconnect("closed by the CSMS: 1008")
    del bench.script["BootNotification"]
    bench.accept()
    assert bench.get(ACTIVE) == "1"


def test_B10_FR_10_another_csms_without_a_reboot_is_told_who_we_are():
    bench = a_bench(variables=EVENTS)
    migrate(bench)
    bench.connect()
    bench.plug_in()
    bench.take_sent()
    bench.dark = {NEW}
    bench.link.receive_closed("the CSMS went", bench.mono)
    bench.vehicle_wants(False)
    bench.connect()
    assert bench.get(ACTIVE) == "1"
    said = [each.action for each in bench.take_sent()]
    assert said[0] == "BootNotification"
    assert "StatusNotification" in said


def test_the_station_says_as_whom_it_connects():
    assert a_bench().get("SecurityCtrlr.Identity") == "CS1"
    named = NetworkProfile(FACTORY_SLOT, OLD, 0, identity="CS2")  # as a profile of 2.1 may
    bench = Bench(network=NetworkSetup(named, "CS1"))
    bench.accept()
    assert bench.get("SecurityCtrlr.Identity") == "CS2"


def test_what_waits_goes_to_the_new_csms_once_it_has_accepted_the_station():
    bench = a_bench(variables=EVENTS)
    put(bench)
    bench.set(PRIORITY, "2,1")
    bench.script["TransactionEvent"] = None  # the old one answers no more
    bench.plug_in()
    bench.ask("Reset", type="Immediate")
    bench.pass_time(60)
    bench.power_cycle(off_s=1)
    del bench.script["TransactionEvent"]
    bench.script["BootNotification"] = {"currentTime": "2026-01-01T00:00:00Z", "interval": 30, "status": "Pending"}
    bench.take_sent()
    bench.connect()
    assert [said.action for said in bench.take_sent()] == ["BootNotification"]
    del bench.script["BootNotification"]
    bench.pass_time(31)
    assert [event["eventType"] for event in bench.take_events()][:2] == ["Started", "Ended"]
    assert bench.rows == {}


def test_after_a_short_loss_the_same_csms_is_tried_first_and_no_boot_follows():
    bench = a_bench()
    bench.dark = {NEW}
    migrate(bench)
    bench.connect()
    bench.dark.clear()
    bench.take_sent()
    bench.dialed.clear()
    bench.disconnect()
    bench.connect()
    assert dialed(bench)[0] == OLD
    assert "BootNotification" not in [said.action for said in bench.take_sent()]


def test_the_profile_says_how_long_a_call_waits():
    bench = a_bench()
    migrate(bench, messageTimeout=7)
    bench.connect()
    told = bench.ask(
        "GetVariables",
        getVariableData=[
            {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "MessageTimeout", "instance": "Default"}}
        ],
    )
    assert isinstance(told, dict)
    assert told["getVariableResult"][0]["attributeValue"] == "7"
    assert bench.link.timeout_s == 7.0
    bench.set(PRIORITY, "1")
    restart(bench)
    bench.connect()
    assert bench.link.timeout_s == 30.0


# ---- security ----


def test_security_profile_3_wants_a_certificate_of_the_station():  # A05.FR.03
    for certificate, told in ((False, "Rejected"), (True, "RebootRequired")):
        bench = a_bench("wss://old.example", 2, certificate=certificate)
        put(bench, url="wss://new.example", securityProfile=3)
        assert bench.set(PRIORITY, "2,1") == told


def test_what_is_less_secure_than_what_works_is_not_tried_any_more():  # A05.FR.06
    bench = a_bench(OLD, 1)
    migrate(bench, url="wss://new.example", securityProfile=2)
    bench.connect()
    assert (bench.get(SECURITY), bench.get(PRIORITY)) == ("2", "2")
    bench.dark = {"wss://new.example"}
    for cut in (bench.disconnect, bench.power_cycle):
        bench.dialed.clear()
        cut()
        bench.network_up = True
        bench.pass_time(3600)
        assert set(dialed(bench)) == {"wss://new.example"}
    bench.dark.clear()
    bench.connect()
    assert bench.set(PRIORITY, "1") == "Rejected"


def test_an_attempt_to_a_more_secure_csms_that_fails_takes_nothing_away():
    bench = a_bench(OLD, 1)
    bench.dark = {"wss://new.example"}
    migrate(bench, url="wss://new.example", securityProfile=2)
    bench.connect()
    assert (bench.get(SECURITY), bench.get(ACTIVE)) == ("1", "1")


def test_no_secret_is_shown():
    profile = NetworkProfile(2, NEW, 1, password="sixteen letters!")
    assert "sixteen" not in repr(profile) + str((profile,))


@pytest.mark.parametrize(
    "url",
    [
        "ws://",
        "ws:///ocpp",
        "ws://host:99999/ocpp",
        "ws://host:0/ocpp",
        "ws://me:secret@host/ocpp",
        "ws://host/ocpp?id=1",
        "ws://host/ocpp#there",
        "ws://host/ocpp#",
        "ws://host/ocpp?",
        "ws://ho st/ocpp",
        "ws://host/\nocpp",
        "ws://[::1/ocpp",
        "ftp://host/ocpp",
        "host/ocpp",
    ],
)
def test_a_url_that_leads_nowhere(url: str):
    assert url_objection(url, 1)


@pytest.mark.parametrize("url", ["ws://host", "ws://host:9000/a/b", "WS://10.0.0.1/ocpp/", "ws://[::1]:80/ocpp"])
def test_a_url_of_a_csms(url: str):
    assert url_objection(url, 1) == ""


# ---- the technician ----


def test_provisioned_anew_the_station_goes_where_it_was_told_to():
    bench = a_bench()
    migrate(bench, "2")
    bench.connect()
    bench._network = NetworkSetup(NetworkProfile(FACTORY_SLOT, OTHER))
    bench.power_cycle()
    bench.dialed.clear()
    bench.power_cycle()
    assert dialed(bench) == [OTHER]
    bench.connect()
    assert (bench.get(ACTIVE), bench.get(PRIORITY)) == ("1", "1")


@pytest.mark.parametrize("key", ["network/good", "network/profile/2", "network/profile/nonsense"])
def test_a_record_that_makes_no_sense_is_forgotten_and_the_station_starts(key: str):
    bench = a_bench()
    bench.records[key] = b"\xff{"
    bench.power_cycle()
    bench.accept()
    assert key not in bench.records or bench.records[key] != b"\xff{"
