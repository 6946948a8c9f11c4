"""Certification cases of block D, step by step as Part 6 tells them: the local authorization list."""

from __future__ import annotations

import pytest

from tests.bench import CARD, OTHER_CARD, Payload
from tests.blocks.octt import token_info
from tests.blocks.reusable import Octt

ENABLED = "LocalAuthListCtrlr.Enabled"


def entry(card: str, status: str | None = "Accepted") -> Payload:
    """``status`` None: without idTokenInfo."""
    token: Payload = {"idToken": {"idToken": card, "type": "ISO14443"}}
    return token if status is None else token | {"idTokenInfo": token_info(status, None)}


def send(octt: Octt, update_type: str, version: int, *entries: Payload) -> str:
    """The status of a SendLocalList."""
    entry_list: Payload = {"localAuthorizationList": list(entries)} if entries else {}
    told = octt.ask("SendLocalList", updateType=update_type, versionNumber=version, **entry_list)
    return str(told["status"])


def version(octt: Octt) -> int:
    number: int = octt.ask("GetLocalListVersion")["versionNumber"]
    return number


def with_list() -> tuple[Octt, int]:
    """Memory state IdTokenLocalAuthList, and the version of that list."""
    octt = Octt({ENABLED: True})
    assert send(octt, "Full", 4, entry(OTHER_CARD)) == "Accepted"
    octt.id_token_local_auth_list()
    number = version(octt)
    assert number == 5
    return octt, number


@pytest.mark.parametrize("number", [1, 7])
def test_TC_D_01_CS_full(number: int):
    octt = Octt({ENABLED: True})
    assert send(octt, "Full", number, entry(CARD)) == "Accepted"
    assert version(octt) == number


def test_TC_D_02_CS_differential_update():
    octt, number = with_list()
    assert send(octt, "Differential", number + 1, entry(OTHER_CARD)) == "Accepted"
    assert version(octt) == number + 1


def test_TC_D_03_CS_differential_remove():
    octt, number = with_list()
    assert send(octt, "Differential", number + 1, entry(CARD, None)) == "Accepted"
    assert version(octt) == number + 1


def test_TC_D_04_CS_full_with_an_empty_list():
    octt, number = with_list()
    assert send(octt, "Full", number) == "Accepted"
    assert version(octt) == number


def test_TC_D_05_CS_differential_with_an_empty_list():
    octt, number = with_list()
    assert send(octt, "Differential", number + 1) == "Accepted"
    assert version(octt) == number + 1


def test_TC_D_06_CS_version_mismatch():
    octt, number = with_list()
    assert send(octt, "Differential", number - 1, entry(OTHER_CARD)) == "VersionMismatch"
    assert version(octt) == number


@pytest.mark.parametrize("by_power", [False, True])
def test_TC_D_07_CS_it_is_kept_over_a_boot(by_power: bool):
    octt, number = with_list()
    octt.booted(by_power=by_power)
    assert version(octt) == number


def test_TC_D_08_CS_the_version_is_told():
    octt, number = with_list()
    assert version(octt) == number


def test_TC_D_10_CS_of_a_list_that_is_not_in_use_it_is_0():
    octt, _ = with_list()
    octt.configure({ENABLED: False})
    assert version(octt) == 0
