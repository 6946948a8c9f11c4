"""A01: a new password is stored, kept to ourselves, used at once, and no reason to be locked out."""

from __future__ import annotations

import msgspec
import pytest

from agent.blocks.b_network import FACTORY_SLOT, NetworkSetup
from agent.link.veil import veiled
from agent.pages import pages_of
from agent.vocabulary.commands import UsePassword
from agent.vocabulary.values import NetworkProfile
from tests.bench import Bench

CSMS = "ws://csms.example/ocpp"
OLD, NEW, NEWER = "old-password-of-the-station", "a-new-password-*_=:+|@.", "n3wer_pa$$wörd ~ of 64?"
NAME = "SecurityCtrlr.BasicAuthPassword"


def setup(security_profile: int = 1, provisioned: str = "one") -> NetworkSetup:
    return NetworkSetup(NetworkProfile(FACTORY_SLOT, CSMS, security_profile), provisioned=provisioned)


def connected(security_profile: int = 1) -> Bench:
    bench = Bench(network=setup(security_profile))
    bench.accept()
    bench.take_sent()
    return bench


def changed(bench: Bench, password: str = NEW) -> None:
    """Set by the CSMS, and connected with it."""
    assert bench.set(NAME, password) == "Accepted"
    bench.pass_time(0)


def notes(bench: Bench) -> list[str]:
    return [each.tech_info for each in bench.security_log if each.type == "ReconfigurationOfSecurityParameters"]


def test_A01_FR_01_the_password_is_in_the_variable_and_outlives_the_power():
    bench = connected()
    changed(bench)
    bench.power_cycle()
    bench.accept()
    assert bench.shown == ["", NEW, NEW]


@pytest.mark.proves("A00.FR.205", "A00.FR.304")
@pytest.mark.parametrize(
    ("password", "status"),
    [
        ("x" * 15, "Rejected"),
        ("x" * 16, "Accepted"),
        ("x" * 64, "Accepted"),
        ("x" * 65, "Rejected"),
        (NEWER, "Accepted"),
        ("line\nbreak in a password", "Rejected"),
    ],
)
def test_a_password_has_16_to_64_characters_that_can_be_printed(password: str, status: str):
    bench = connected()
    assert bench.set(NAME, password) == status
    bench.pass_time(0)
    assert bench.shown == ["", *([password] if status == "Accepted" else [])]


def test_a_password_is_taken_to_the_letter_blanks_at_its_ends_too():
    bench = connected()
    changed(bench, f" {NEW} ")
    assert bench.shown[-1] == f" {NEW} "


def test_the_station_connects_anew_at_once_when_its_answer_is_out():
    bench = connected()
    changed(bench)
    assert bench.link.state == "open"
    assert bench.mono == 1000.0
    assert bench.shown == ["", NEW]
    assert [said.action for said in bench.take_sent()] == []  # it is no new start (Part 4, 5.3)


def test_what_waits_goes_on_waiting_over_the_new_connection():
    bench = connected()
    bench.script["TransactionEvent"] = None  # not answered yet
    bench.plug_in()
    bench.swipe()
    waiting = set(bench.rows)
    assert waiting
    del bench.script["TransactionEvent"]
    changed(bench)
    assert bench.rows == {}
    assert [event["seqNo"] for event in bench.take_events()] == [0, 0, *range(1, len(bench.told))]


@pytest.mark.parametrize("security_profile", [0, 3])
def test_where_nobody_asks_for_a_password_the_connection_stays(security_profile: int):
    bench = connected(security_profile)
    changed(bench)
    assert len(bench.shown) == 1


@pytest.mark.proves("A01.FR.11")
def test_A01_FR_11_every_change_is_in_the_security_log_and_no_other():
    bench = connected()
    changed(bench)
    changed(bench)
    assert bench.set(NAME, "short") == "Rejected"
    assert notes(bench) == ["BasicAuthPassword was changed"]


def test_A01_FR_12_nobody_reads_it_anywhere():
    bench = connected()
    changed(bench)
    item = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
    read = bench.ask("GetVariables", getVariableData=[item])
    assert isinstance(read, dict)
    assert read["getVariableResult"][0]["attributeStatus"] == "Rejected"
    bench.ask("GetBaseReport", requestId=1, reportBase="FullInventory")
    assert NEW not in str((read, bench.take_sent()))
    assert NEW not in "".join(each.tech_info for each in bench.security_log)
    assert all(NEW.encode() not in page for page in pages_of(bench.station).values())
    assert NEW not in repr(UsePassword(NEW))
    frame = f'[2,"1","SetVariables",{{"setVariableData":[{{"attributeValue":"{NEW}","variable":"{NAME}"}}]}}]'
    assert NEW not in veiled(frame)


@pytest.mark.proves("A01.FR.12")
@pytest.mark.parametrize("password", ["tell nobody", "tell nobody\n and nobody else", "tell nobody" * 10])
def test_why_a_password_is_not_taken_is_said_without_it(password: str):
    bench = connected()
    item = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
    told = bench.ask("SetVariables", setVariableData=[{**item, "attributeValue": password}])
    assert isinstance(told, dict)
    assert told["setVariableResult"][0]["attributeStatusInfo"]["additionalInfo"].startswith(NAME)
    assert "tell nobody" not in str(told)


def test_a_csms_that_kept_the_former_password_gets_it_and_the_change_is_undone():
    bench = connected()
    changed(bench, OLD)
    bench.takes_password = lambda password: password == OLD
    assert bench.set(NAME, NEW) == "Accepted"
    bench.connect()
    assert bench.shown == ["", OLD, NEW, OLD]
    assert notes(bench)[-1] == "the CSMS has taken the former BasicAuthPassword: the change is undone"
    bench.power_cycle()
    bench.accept()
    assert bench.shown[-1] == OLD


def test_it_goes_back_to_what_the_station_was_provisioned_with():
    bench = connected()
    bench.takes_password = lambda password: password == ""
    assert bench.set(NAME, NEW) == "Accepted"
    bench.connect()
    bench.power_cycle()
    bench.accept()
    assert bench.shown == ["", NEW, "", ""]


def test_refused_by_turns_until_one_is_taken_over_a_power_cut_as_well():
    bench = connected()
    taken: list[str] = []
    bench.takes_password = lambda password: password in taken
    assert bench.set(NAME, NEW) == "Accepted"
    bench.pass_time(60)
    assert bench.shown[:5] == ["", NEW, "", NEW, ""][: len(bench.shown)]
    assert len(bench.shown) >= 4
    bench.power_cycle()
    bench.shown.clear()
    taken.append("")
    bench.connect()
    assert bench.shown == [NEW, ""]


def test_a_network_that_is_down_is_no_reason_to_show_another_password():
    bench = connected()
    bench.set(NAME, NEW)
    bench.disconnect()
    bench.pass_time(100)
    bench.connect()
    assert set(bench.shown[1:]) == {NEW}


def test_what_the_csms_took_once_is_never_given_up():
    bench = connected()
    changed(bench)
    bench.takes_password = lambda password: False
    bench.disconnect()
    bench.network_up = True
    bench.pass_time(200)
    assert set(bench.shown[1:]) == {NEW}


def test_a_station_that_is_provisioned_anew_forgets_what_was_set():
    bench = connected()
    changed(bench)
    bench._network = setup(provisioned="another")
    bench.power_cycle()
    bench.accept()
    assert bench.shown[-1] == ""
    bench._network = setup()
    bench.power_cycle()
    bench.accept()
    assert bench.shown[-1] == ""


def own_password(bench: Bench, password: str) -> None:
    """A profile of a start before brought its own, as 2.1 has it."""
    profile = NetworkProfile(FACTORY_SLOT, CSMS, 1, password=password)
    bench.records[f"network/profile/{FACTORY_SLOT}"] = msgspec.json.encode(profile)
    bench.records.pop("network/good", None)
    bench.power_cycle()
    bench.accept()


def test_a_profile_that_brings_its_own_password_is_used_with_that():
    bench = connected()
    changed(bench)
    own_password(bench, OLD)
    assert bench.shown[-1] == OLD


def test_a_password_that_is_set_later_counts_for_every_slot():
    """B09.FR.27 of 2.1."""
    bench = connected()
    own_password(bench, OLD)
    changed(bench)
    assert bench.shown[-1] == NEW
    assert bench.link.state == "open"
    assert OLD.encode() not in b"".join(bench.records.values())
    bench.power_cycle()
    bench.accept()
    assert bench.shown[-1] == NEW
