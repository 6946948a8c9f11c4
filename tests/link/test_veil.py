"""No secret of a frame is shown to anybody who watches."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agent.link.veil import veiled

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
