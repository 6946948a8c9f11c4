"""The lenient ear: what it understands at which tolerance, what it counts, what it never does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agent.ocpp.dialect import dialect_for
from agent.ocpp.errors import NoCommonVersion, Refused
from agent.ocpp.messages.b_provisioning import BootNotificationResponse, ResetRequest
from agent.ocpp.messages.base import CustomData, Message
from agent.ocpp.messages.k_smart_charging import SetChargingProfileRequest
from agent.ocpp.tolerance import MAX_DEVIATIONS, MAX_SAMPLE, Deviation, Ear, Quirk, Tolerance, csms_report
from tests.ocpp.instances import every_schema, fullest

V201 = dialect_for("ocpp2.0.1")
OFF, KNOWN, ALL = Tolerance

BOOT = {"currentTime": "2026-01-01T00:00:00Z", "interval": 300, "status": "Accepted"}


def boot(**changes: Any) -> bytes:
    return json.dumps(BOOT | changes).encode()


CORRECT = V201.decode_response("BootNotification", boot())

QUIRKS = [
    # what it is, how it is written, from which tolerance on it is understood
    (Quirk.EXTRA_FIELD, boot(vendor="x"), KNOWN),
    (Quirk.NULL, boot(statusInfo=None), KNOWN),
    (Quirk.CAPITALS, boot(status="accepted"), KNOWN),
    (Quirk.CAPITALS, boot(status="ACCEPTED"), KNOWN),
    (Quirk.QUOTED, boot(interval="300"), KNOWN),
    (Quirk.DECIMAL, boot(interval=300.0), KNOWN),
    (Quirk.TIME, boot(currentTime="2026-01-01T00:00:00"), KNOWN),
    (Quirk.TIME, boot(currentTime="2026-01-01T02:00:00+02"), KNOWN),
    (Quirk.TIME, boot(currentTime="2026-01-01 00:00Z"), KNOWN),
    (Quirk.TIME, boot(currentTime="2026-01-01T00:00:00,000"), KNOWN),
    (Quirk.FIELD_CAPITALS, json.dumps({"CurrentTime": BOOT["currentTime"], **BOOT}).encode(), ALL),
]


@pytest.mark.parametrize(("quirk", "payload", "needed"), QUIRKS)
@pytest.mark.parametrize("tolerance", Tolerance)
def test_a_quirk_is_understood_from_its_tolerance_on(
    quirk: Quirk, payload: bytes, needed: Tolerance, tolerance: Tolerance
) -> None:
    ear = Ear(tolerance)
    if tolerance is OFF:
        with pytest.raises(Refused):
            ear.response(V201, "BootNotification", payload)
        assert [one.quirk for one in ear.deviations()] == ["REFUSED"]
    else:
        assert ear.response(V201, "BootNotification", payload) == CORRECT
        expected = quirk if needed is not ALL or tolerance is ALL else Quirk.EXTRA_FIELD
        assert [one.quirk for one in ear.deviations()] == [expected.name]


@pytest.mark.parametrize(
    ("quirk", "action", "payload", "field", "value"),
    [
        (Quirk.UNQUOTED, "DataTransfer", {"vendorId": 17}, "vendor_id", "17"),
        (Quirk.LONE_ITEM, "GetDisplayMessages", {"requestId": 1, "id": 4}, "id", (4,)),
        (Quirk.EMPTY_LIST, "GetDisplayMessages", {"requestId": 1, "id": []}, "id", None),
        (Quirk.FIELD_CAPITALS, "GetDisplayMessages", {"RequestID": 1}, "request_id", 1),
    ],
)
def test_what_takes_a_guess_is_understood_only_by_an_ear_for_all(
    quirk: Quirk, action: str, payload: dict[str, Any], field: str, value: Any
) -> None:
    with pytest.raises(Refused):
        Ear(KNOWN).request(V201, action, json.dumps(payload).encode())
    ear = Ear(ALL)
    assert getattr(ear.request(V201, action, json.dumps(payload).encode()), field) == value
    assert [one.quirk for one in ear.deviations()] == [quirk.name]


def test_every_deviation_of_a_deep_payload_is_named_by_its_place():
    payload = {
        "evseId": "1",
        "chargingProfile": {
            "id": 1,
            "stackLevel": 0,
            "chargingProfilePurpose": "txprofile",
            "chargingProfileKind": "Absolute",
            "validFrom": None,
            "chargingSchedule": [
                {
                    "id": 1,
                    "chargingRateUnit": "a",
                    "chargingSchedulePeriod": [{"startPeriod": 0, "limit": "16.5"}, {"startPeriod": 60, "limit": "8"}],
                }
            ],
        },
    }
    ear = Ear(KNOWN)
    request = ear.request(V201, "SetChargingProfile", json.dumps(payload).encode())
    assert isinstance(request, SetChargingProfileRequest)
    periods = request.charging_profile.charging_schedule[0].charging_schedule_period
    assert [period.limit for period in periods] == [16.5, 8.0]
    assert {(one.place, one.count, one.sample) for one in ear.deviations()} == {
        ("SetChargingProfileRequest.evseId", 1, '"1"'),
        ("SetChargingProfileRequest.chargingProfile.chargingProfilePurpose", 1, '"txprofile"'),
        ("SetChargingProfileRequest.chargingProfile.validFrom", 1, "null"),
        ("SetChargingProfileRequest.chargingProfile.chargingSchedule[].chargingRateUnit", 1, '"a"'),
        (
            "SetChargingProfileRequest.chargingProfile.chargingSchedule[].chargingSchedulePeriod[].limit",
            2,
            '"16.5"',
        ),
    }


def test_what_is_right_is_neither_changed_nor_counted():
    for subprotocol, name in every_schema():
        if not name.endswith("Request"):
            continue
        dialect, action = dialect_for(subprotocol), name.removesuffix("Request")
        payload = json.dumps(fullest(subprotocol, name)).encode()
        ear = Ear(ALL)
        assert ear.request(dialect, action, payload) == dialect.decode_request(action, payload)
        assert ear.deviations() == ()


def test_mending_one_field_leaves_every_other_as_it_was():
    for subprotocol, name in every_schema():
        if not name.endswith("Request"):
            continue
        dialect, action = dialect_for(subprotocol), name.removesuffix("Request")
        whole = fullest(subprotocol, name)
        clean = dialect.decode_request(action, json.dumps(whole).encode())
        ear = Ear(ALL)
        assert ear.request(dialect, action, json.dumps(whole | {"notAField": 1}).encode()) == clean
        assert [one.quirk for one in ear.deviations()] == ["EXTRA_FIELD"]


@pytest.mark.parametrize(
    ("action", "payload", "code"),
    [
        ("Reset", b'{"type":"gently"}', "PropertyConstraintViolation"),
        ("Reset", b"{}", "OccurrenceConstraintViolation"),
        ("Reset", b'{"type":null}', "OccurrenceConstraintViolation"),
        ("Reset", b'{"type":"OnIdle","evseId":"one"}', "TypeConstraintViolation"),
        ("Reset", b'{"type":"OnIdle"', "FormatViolation"),
        ("Reset", b'{"type":' + b"[" * 100000 + b"]" * 100000 + b"}", "TypeConstraintViolation"),
        ("Reset", b"[]", "ProtocolError"),
        ("NoSuchAction", b"{}", "NotImplemented"),
        ("AFRRSignal", b'{"timestamp":"2026-01-01T00:00:00Z","signal":"1"}', "NotImplemented"),
        ("DataTransfer", b'{"vendorId":"' + b"v" * 256 + b'"}', "PropertyConstraintViolation"),
    ],
)
def test_what_cannot_be_understood_is_refused_at_any_tolerance(action: str, payload: bytes, code: str) -> None:
    for tolerance in Tolerance:
        ear = Ear(tolerance)
        with pytest.raises(Refused):
            ear.request(V201, action, payload)
        assert [one.accepted for one in ear.deviations()] == [False]
    assert ear.deviations()[0].place == f"{action} ({code})"


def test_a_vendors_own_data_is_left_alone():
    payload = b'{"type":"onidle","customData":{"vendorId":"v","type":"onidle","none":null,"n":"5"}}'
    request = Ear(ALL).request(V201, "Reset", payload)
    assert request == ResetRequest(
        type="OnIdle", custom_data=CustomData({"vendorId": "v", "type": "onidle", "none": None, "n": "5"})
    )
    data = {"vendorId": "v", "messageId": None, "data": {"a": None, "b": ["1"]}}
    mended: Message = Ear(ALL).request(V201, "DataTransfer", json.dumps(data).encode())
    assert mended.data == data["data"]  # type: ignore[attr-defined]


def test_no_secret_gets_into_the_report():
    ear = Ear(ALL)
    variable = {
        "component": {"name": "SecurityCtrlr"},
        "variable": {"name": "BasicAuthPassword"},
        "attributeValue": 4711,
    }
    ear.request(V201, "SetVariables", json.dumps({"setVariableData": [variable]}).encode())
    token = {"remoteStartId": 1, "idToken": {"idToken": 123456, "type": "ISO14443"}}
    ear.request(V201, "RequestStartTransaction", json.dumps(token).encode())
    assert [one.sample for one in ear.deviations()] == ["(not shown)"] * 2
    assert "4711" not in (report := csms_report("x", ear.deviations()))
    assert "123456" not in report


def test_deviations_are_counted_once_a_place_and_do_not_grow_without_end():
    ear = Ear(KNOWN)
    for number in range(3 * MAX_DEVIATIONS):
        ear.request(V201, "Reset", json.dumps({"type": "OnIdle", f"x{number}" + "y" * 500: "z" * 5000}).encode())
    assert len(ear.deviations()) == MAX_DEVIATIONS
    assert all(len(one.place) <= MAX_SAMPLE and len(one.sample) <= MAX_SAMPLE for one in ear.deviations())
    for _ in range(3):
        ear.request(V201, "Reset", b'{"type":"OnIdle","x0' + b"y" * 500 + b'":1}')
    assert ear.deviations()[0].count == 4


@pytest.mark.parametrize(
    ("offered", "chosen", "spoken"),
    [
        (["ocpp2.1", "ocpp2.0.1"], "ocpp2.1", "2.1"),
        (["ocpp2.1", "ocpp2.0.1"], "ocpp2.0.1", "2.0.1"),
        (["ocpp2.1", "ocpp2.0.1"], None, "2.0.1"),
        (["ocpp2.1", "ocpp2.0.1"], "OCPP2.1", "2.1"),
        (["ocpp2.1", "ocpp2.0.1"], "ocpp2.1, ocpp2.0.1", "2.1"),
        (["ocpp2.1", "ocpp2.0.1"], "ocpp1.6", "2.0.1"),
        (["ocpp2.1"], "", "2.1"),
    ],
)
def test_a_version_is_agreed_on(offered: list[str], chosen: str | None, spoken: str) -> None:
    ear = Ear(KNOWN)
    assert ear.agreed(offered, chosen).version == spoken
    assert len(ear.deviations()) == (0 if chosen in offered else 1)


@pytest.mark.parametrize("chosen", [None, "", "ocpp1.6", "OCPP2.0.1"])
def test_without_tolerance_only_an_offered_version_is_spoken(chosen: str | None) -> None:
    ear = Ear(OFF)
    with pytest.raises(NoCommonVersion, match=r"the CSMS chose .*; offered: \['ocpp2.0.1'\]"):
        ear.agreed(["ocpp2.0.1"], chosen)
    assert [one.quirk for one in ear.deviations()] == ["SUBPROTOCOL"]


def test_the_report_reads_as_a_letter():
    ear = Ear(KNOWN)
    for _ in range(2):
        ear.response(V201, "BootNotification", boot(interval="300"))
    with pytest.raises(Refused):
        ear.request(V201, "Reset", b'{"type":"gently"}')
    assert csms_report("ws://csms.example/ocpp", ear.deviations()) == (
        "ws://csms.example/ocpp: deviations from OCPP, 2 kinds, 3 times in all.\n"
        "\n"
        "1. BootNotificationResponse.interval: a number or boolean written as a string\n"
        "   2 times, understood anyway; see OCPP part 2, 2.1.4\n"
        '   for example: "300"\n'
        "\n"
        "2. Reset (PropertyConstraintViolation): a message that could not be understood\n"
        "   once, refused; see OCPP part 4, 4.1.7\n"
        "   for example: Invalid enum value 'gently' - at `type`; one of Immediate, OnIdle\n"
    )
    assert csms_report("x", ()) == "x: no deviation from the OCPP schemas seen.\n"


def test_deviations_can_be_kept_and_read_again():
    import msgspec

    ear = Ear(KNOWN)
    assert isinstance(ear.response(V201, "BootNotification", boot(x=1)), BootNotificationResponse)
    kept = msgspec.json.encode(ear.deviations())
    assert msgspec.json.decode(kept, type=tuple[Deviation, ...]) == ear.deviations()
