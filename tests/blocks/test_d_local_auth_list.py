"""Block D: the CSMS installs a local list and changes it; an update that fails leaves the old one whole."""

from __future__ import annotations

from typing import Any

import pytest

from agent.model.catalogue import LOCAL_LIST_ENTRIES, LOCAL_LIST_STORAGE
from agent.session.local_list import LocalList
from agent.session.tokens import Entry
from agent.vocabulary.values import Token
from tests.bench import Bench, Payload
from tests.blocks.test_e_start import bench_with

A, B, C = "04A1", "04B2", "04C3"


def item(id: str, status: str | None = "Accepted", kind: str = "ISO14443", **info: object) -> Payload:
    """An entry of a list; ``status`` None: without idTokenInfo."""
    token: Payload = {"idToken": {"idToken": id, "type": kind}}
    return token if status is None else token | {"idTokenInfo": {"status": status, **info}}


def send(bench: Bench, version: int, *items: Payload, update: str = "Full") -> str:
    """The status of a SendLocalList."""
    told = bench.ask("SendLocalList", **update_of(version, items, update))
    assert isinstance(told, dict), told
    return str(told["status"])


def update_of(version: int, items: tuple[Payload, ...], update: str) -> Payload:
    payload: Payload = {"versionNumber": version, "updateType": update}
    return payload | {"localAuthorizationList": list(items)} if items else payload


def differential(bench: Bench, version: int, *items: Payload) -> str:
    return send(bench, version, *items, update="Differential")


def version(bench: Bench) -> Any:
    told = bench.ask("GetLocalListVersion")
    assert isinstance(told, dict), told
    return told["versionNumber"]


def listed(bench: Bench, *ids: str) -> dict[str, str | None]:
    """What the list says of these identifiers."""
    found = {id: bench.station.desk.local_list.find(Token(id)) for id in ids}
    return {id: None if entry is None else entry.status for id, entry in found.items()}


# ---- D01 ----


def test_D01_FR_01_D01_FR_02_D01_FR_15_a_full_list_takes_the_place_of_the_old_one():
    bench = bench_with()
    assert send(bench, 1, item(A), item(B)) == "Accepted"
    assert send(bench, 2, item(C)) == "Accepted"
    assert listed(bench, A, B, C) == {A: None, B: None, C: "Accepted"}
    assert version(bench) == 2
    assert bench.get("LocalAuthListCtrlr.Entries") == "1"


def test_D01_FR_15_a_full_list_may_have_a_lower_version():
    bench = bench_with()
    send(bench, 9, item(A))
    assert send(bench, 3, item(B)) == "Accepted"
    assert version(bench) == 3


def test_D01_FR_16_a_differential_update_adds_and_changes():
    bench = bench_with()
    send(bench, 1, item(A), item(B))
    assert differential(bench, 2, item(B, "Blocked"), item(C)) == "Accepted"
    assert listed(bench, A, B, C) == {A: "Accepted", B: "Blocked", C: "Accepted"}
    assert (version(bench), bench.get("LocalAuthListCtrlr.Entries")) == (2, "3")


def test_D01_FR_17_an_entry_without_idTokenInfo_is_removed():
    bench = bench_with()
    send(bench, 1, item(A), item(B))
    assert differential(bench, 2, item(A, None), item(C, None)) == "Accepted"
    assert listed(bench, A, B) == {A: None, B: "Accepted"}
    assert (version(bench), bench.get("LocalAuthListCtrlr.Entries")) == (2, "1")


def test_D01_FR_04_a_full_update_without_a_list_empties_it():
    bench = bench_with()
    send(bench, 1, item(A))
    assert send(bench, 2) == "Accepted"
    assert listed(bench, A) == {A: None}
    assert (version(bench), bench.get("LocalAuthListCtrlr.Entries"), bench.get("LocalAuthListCtrlr.Storage")) == (
        2,
        "0",
        "0",
    )


def test_D01_FR_05_a_differential_update_without_a_list_changes_the_version_only():
    bench = bench_with()
    send(bench, 1, item(A))
    assert differential(bench, 2) == "Accepted"
    assert listed(bench, A) == {A: "Accepted"}
    assert version(bench) == 2


@pytest.mark.parametrize("old", [4, 5])
def test_D01_FR_19_a_differential_update_of_an_old_version_is_refused(old: int):
    bench = bench_with()
    send(bench, 5, item(A))
    assert differential(bench, old, item(A, None)) == "VersionMismatch"
    assert listed(bench, A) == {A: "Accepted"}
    assert version(bench) == 5


@pytest.mark.parametrize("update", ["Full", "Differential"])
@pytest.mark.parametrize("number", [0, -1])
def test_a_version_is_greater_than_0(update: str, number: int):
    bench = bench_with()
    send(bench, 1, item(A))
    assert send(bench, number, item(B), update=update) == "Failed"
    assert listed(bench, A, B) == {A: "Accepted", B: None}
    assert version(bench) == 1


def test_D01_FR_10_list_and_version_outlive_the_power():
    bench = bench_with()
    send(bench, 7, item(A, "Blocked"))
    size = bench.get("LocalAuthListCtrlr.Storage")
    bench.power_cycle()
    bench.accept()
    assert version(bench) == 7
    assert listed(bench, A) == {A: "Blocked"}
    assert bench.get("LocalAuthListCtrlr.Entries") == "1"
    assert bench.get("LocalAuthListCtrlr.Storage") == size != "0"


@pytest.mark.parametrize("update", ["Full", "Differential"])
def test_D01_FR_06_the_same_identifier_twice_fails_and_the_old_list_stays_whole(update: str):
    bench = bench_with()
    send(bench, 1, item(A))
    twice = (item(B), item(C), item(B.lower(), "Blocked"))  # identifiers have no capitals
    assert send(bench, 2, *twice, update=update) == "Failed"
    assert listed(bench, A, B, C) == {A: "Accepted", B: None, C: None}
    assert version(bench) == 1


def test_D01_FR_06_an_identifier_of_another_type_is_another():
    bench = bench_with()
    assert send(bench, 1, item(A), item(A, "Blocked", kind="KeyCode")) == "Accepted"
    assert listed(bench, A) == {A: "Accepted"}


def test_a_full_list_that_says_nothing_of_an_identifier_fails():
    bench = bench_with()
    send(bench, 1, item(A))
    told = bench.ask("SendLocalList", **update_of(2, (item(B), item(C, None)), "Full"))
    assert isinstance(told, dict)
    assert (told["status"], told["statusInfo"]["reasonCode"]) == ("Failed", "MissingParam")
    assert listed(bench, A, B) == {A: "Accepted", B: None}


def test_D01_FR_09_nothing_but_SendLocalList_changes_the_list():
    bench = bench_with(variables={"LocalAuthListCtrlr.DisablePostAuthorize": False})
    send(bench, 1, item("04AABBCC", "Blocked"))
    before = dict(bench.local_list)
    bench.plug_in()
    bench.swipe()
    assert bench.intents[1].permit_power  # the CSMS says Accepted
    assert bench.local_list == before


def test_D01_FR_11_more_items_than_a_message_may_have_fail():
    bench = bench_with(variables={"LocalAuthListCtrlr.ItemsPerMessage": 2})
    send(bench, 1, item(A))
    told = bench.ask("SendLocalList", **update_of(2, (item(A), item(B), item(C)), "Differential"))
    assert isinstance(told, dict)
    assert (told["status"], told["statusInfo"]["reasonCode"]) == ("Failed", "TooManyElements")
    assert differential(bench, 2, item(B), item(C)) == "Accepted"


def test_D01_FR_11_more_bytes_than_a_message_may_have_fail():
    bench = bench_with(variables={"LocalAuthListCtrlr.BytesPerMessage": 200})
    assert send(bench, 1, *(item(f"04{number}") for number in range(10))) == "Failed"
    assert send(bench, 1, item(A)) == "Accepted"


def test_D01_FR_12_no_more_than_the_limit_and_the_old_list_stays_whole():
    entry = Entry(status="Accepted")
    local_list = LocalList(most_entries=2, most_bytes=100)
    stored = {b"a": b"1", b"b": b"2"}
    local_list.read = stored.get
    assert local_list.full(1, {b"a": entry, b"b": entry}) is not None
    before = local_list.state
    assert local_list.differential(2, {b"c": entry}) is None
    assert local_list.full(2, {b"a": entry, b"b": entry, b"c": entry}) is None
    assert local_list.full(2, {b"a": Entry(status="Accepted", group=Token("G" * 100, "Central"))}) is None
    assert local_list.state == before
    assert local_list.differential(2, {b"a": None, b"c": entry}) is not None
    assert (local_list.state.version, local_list.state.entries) == (2, 2)


def test_D01_FR_12_a_list_that_would_be_too_long_fails():
    bench = bench_with()
    send(bench, 1, item(A))
    bench.station.desk.local_list = LocalList(most_entries=1, most_bytes=1000)
    told = bench.ask("SendLocalList", **update_of(2, (item(B), item(C)), "Full"))
    assert isinstance(told, dict)
    assert (told["status"], told["statusInfo"]["reasonCode"]) == ("Failed", "OutOfStorage")
    assert len(bench.local_list) == 1


@pytest.mark.parametrize(
    ("variable", "held", "limit"), [("Entries", 2, LOCAL_LIST_ENTRIES.high), ("Storage", None, LOCAL_LIST_STORAGE.high)]
)
def test_D01_FR_12_the_csms_is_told_what_there_is_and_how_much_there_may_be(
    variable: str, held: int | None, limit: float
):
    bench = bench_with()
    send(bench, 1, item(A), item(B))
    spot = {"component": {"name": "LocalAuthListCtrlr"}, "variable": {"name": variable}}
    assert bench.ask("GetReport", requestId=1, componentVariable=[spot]) == {"status": "Accepted"}
    (told,) = bench.take_sent()[-1].payload["reportData"]
    value = int(told["variableAttribute"][0]["value"])
    assert value == held if held is not None else value > 0
    assert told["variableCharacteristics"]["maxLimit"] == limit > 0


def test_D01_FR_13_a_list_that_is_not_in_use_is_not_changed():
    bench = bench_with(variables={"LocalAuthListCtrlr.Enabled": False})
    told = bench.ask("SendLocalList", **update_of(1, (item(A),), "Full"))
    assert isinstance(told, dict)
    assert (told["status"], told["statusInfo"]["reasonCode"]) == ("Failed", "NotEnabled")
    assert bench.local_list == {}


def test_D01_FR_13_whatever_its_version_an_update_of_a_list_that_is_not_in_use_fails():
    bench = bench_with()
    send(bench, 5, item(A))
    bench.set("LocalAuthListCtrlr.Enabled", False)
    assert differential(bench, 4, item(B)) == "Failed"


def test_a_board_without_a_list_takes_none():
    bench = bench_with(variables={"LocalAuthListCtrlr.Available": False})
    assert send(bench, 1, item(A)) == "Failed"


def test_no_identifier_stands_on_disk_in_the_clear():
    bench = bench_with()
    send(bench, 1, item("SECRET", kind="KeyCode"))
    assert bench.local_list
    assert all(b"SECRET" not in key + entry for key, entry in bench.local_list.items())


# ---- D02 ----


def test_D02_FR_01_the_version_is_told():
    bench = bench_with()
    send(bench, 12, item(A))
    assert version(bench) == 12


def test_D02_FR_02_without_a_list_the_version_is_0():
    assert version(bench_with()) == 0


def test_D02_FR_03_of_a_list_that_is_not_in_use_too():
    bench = bench_with()
    send(bench, 12, item(A))
    bench.set("LocalAuthListCtrlr.Enabled", False)
    assert version(bench) == 0
    bench.set("LocalAuthListCtrlr.Enabled", True)
    assert version(bench) == 12


# ---- a disk that refuses ----


def test_an_update_that_the_disk_refuses_at_that_very_moment_has_failed():
    bench = bench_with()
    bench.disk_refuses = True
    assert send(bench, 1, item(A)) == "Failed"
    bench.disk_refuses = False
    assert send(bench, 2, item(B)) == "Accepted"
    assert listed(bench, A, B) == {A: None, B: "Accepted"}


@pytest.mark.parametrize("update", ["Full", "Differential"])
def test_D01_FR_02_an_update_that_the_disk_cannot_take_has_failed_and_the_old_list_is_whole(update: str):
    bench = bench_with()
    assert send(bench, 1, item(A)) == "Accepted"
    bench.station.desk.disk_works = False
    assert send(bench, 2, item(B), update=update) == "Failed"
    assert listed(bench, A, B) == {A: "Accepted", B: None}
    assert version(bench) == 1
    bench.station.desk.disk_works = True
    assert send(bench, 2, item(B), update=update) == "Accepted"
    assert version(bench) == 2
