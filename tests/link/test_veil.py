"""No secret of a frame is shown to anybody who watches."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agent.link.veil import veiled, without_key_codes

SECRETS = ("s3cret", 's3cret \\" with quotes', "s3cret\\\\")


def profile(**secrets: Any) -> list[Any]:
    return [2, "1", "SetNetworkProfile", {"configurationSlot": 2, "connectionData": secrets}]


def variable(name: str) -> list[Any]:
    item = {"attributeValue": "s3cret", "component": {"name": "SecurityCtrlr"}, "variable": {"name": name}}
    return [2, "1", "SetVariables", {"setVariableData": [item]}]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize(
    "where",
    [
        lambda secret: profile(basicAuthPassword=secret),
        lambda secret: profile(apn={"apn": "internet", "apnPassword": secret, "apnUserName": "me"}),
        lambda secret: profile(vpn={"server": "s", "user": "u", "password": secret, "key": secret, "type": "L2TP"}),
    ],
)
@pytest.mark.parametrize("spaces", [None, (",", ":")])
def test_the_secrets_of_a_network_profile(secret: str, where: Any, spaces: Any):
    frame = json.dumps(where(secret), separators=spaces)
    for shown in (veiled(frame), bytes(veiled(frame.encode())).decode()):  # type: ignore[arg-type]
        assert "s3cret" not in str(shown)
        assert json.loads(shown)[:3] == [2, "1", "SetNetworkProfile"]


def test_the_pin_of_a_sim_card():
    shown = json.loads(veiled(json.dumps(profile(apn={"apn": "internet", "simPin": 4711}))))
    assert shown[3]["connectionData"]["apn"] == {"apn": "internet", "simPin": "***"}


@pytest.mark.parametrize("name", ["BasicAuthPassword", "basicauthpassword"])
def test_the_password_of_the_station(name: str):
    assert "s3cret" not in str(veiled(json.dumps(variable(name))))


@pytest.mark.parametrize(
    "frame", [b'[2,"1","Heartbeat",{}]', "no JSON at all", b"\xff\xfe", json.dumps(variable("Any"))]
)
def test_everything_else_is_shown_as_it_came(frame: str | bytes):
    assert veiled(frame) is frame


@pytest.mark.parametrize(
    "token",
    [
        {"idToken": "4711", "type": "KeyCode"},
        {"type": "KeyCode", "idToken": "4711"},
        {"idToken": "4711", "customData": 1, "type": "KeyCode"},
    ],
)
def test_a_key_code_is_shown_to_nobody_and_a_card_beside_it_is(token: dict[str, Any]):
    card = {"idToken": "04AABB", "type": "ISO14443"}
    shown = str(veiled(json.dumps([2, "1", "Authorize", {"idToken": token, "other": card}])))
    assert "4711" not in shown and "04AABB" in shown


def test_what_the_hardware_and_the_facts_say_has_no_key_code():
    told = {"fact": "TokenPresented", "token": {"id": "4711", "kind": "KeyCode"}}
    assert without_key_codes(told) == {"fact": "TokenPresented", "token": {"id": "***", "kind": "KeyCode"}}
    card = {"event": "CardPresented", "uid": "04AABB", "kind": "ISO14443"}
    assert without_key_codes(card) == card
