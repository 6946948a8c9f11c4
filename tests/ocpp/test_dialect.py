"""What 2.0.1 and 2.1 say differently, and how each refuses."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from agent.ocpp.dialect import Capability, dialect_for
from agent.ocpp.errors import MAX_REASON, Refused, Unsayable
from agent.ocpp.messages.base import CustomData, Request, Response
from agent.ocpp.messages.c_authorization import AuthorizeRequest
from agent.ocpp.messages.common import (
    ChargingSchedule,
    ChargingSchedulePeriod,
    Component,
    IdToken,
    MeterValue,
    SampledValue,
    Variable,
)
from agent.ocpp.messages.e_transactions import Transaction, TransactionEventRequest
from agent.ocpp.messages.g_availability import HeartbeatRequest, HeartbeatResponse
from agent.ocpp.messages.j_meter_values import MeterValuesRequest
from agent.ocpp.messages.k_smart_charging import (
    ACChargingParameters,
    ChargingLimit,
    ChargingNeeds,
    NotifyChargingLimitRequest,
    NotifyEVChargingNeedsRequest,
)
from agent.ocpp.messages.n_diagnostics import (
    MonitoringData,
    NotifyMonitoringReportRequest,
    NotifyPeriodicEventStream,
    VariableMonitoring,
)
from agent.ocpp.messages.p_data_transfer import DataTransferRequest
from agent.ocpp.messages.q_bidirectional import AFRRSignalRequest
from tests.ocpp.instances import validator

V201, V21 = dialect_for("ocpp2.0.1"), dialect_for("ocpp2.1")
NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


def said(dialect: Any, message: Request | Response) -> Any:
    payload = json.loads(dialect.encode(message))
    validator(dialect.subprotocol, type(message).__name__).validate(payload)
    return payload


def transaction_event(**changes: Any) -> TransactionEventRequest:
    whole: dict[str, Any] = {
        "event_type": "Started",
        "timestamp": NOW,
        "trigger_reason": "Authorized",
        "seq_no": 0,
        "transaction_info": Transaction(transaction_id="T1", tariff_id="night"),
    }
    return TransactionEventRequest(**(whole | changes))


def test_newer_fields_are_said_in_2_1_and_left_out_in_2_0_1():
    message = transaction_event(evse_sleep=True)
    assert said(V21, message)["transactionInfo"] == {"transactionId": "T1", "tariffId": "night"}
    assert said(V201, message)["transactionInfo"] == {"transactionId": "T1"}
    assert "evseSleep" in said(V21, message)
    assert "evseSleep" not in said(V201, message)


def test_a_newer_word_cannot_be_said_in_2_0_1():
    message = transaction_event(trigger_reason="TxResumed")
    assert said(V21, message)["triggerReason"] == "TxResumed"
    with pytest.raises(Unsayable, match=r"TransactionEventRequest cannot be said in OCPP 2.0.1: .*trigger_reason"):
        V201.encode(message)


def test_an_open_string_is_a_closed_list_in_2_0_1():
    message = AuthorizeRequest(id_token=IdToken(id_token="DEADBEEF", type="VehicleId"))
    assert said(V21, message)["idToken"]["type"] == "VehicleId"
    with pytest.raises(Unsayable, match=r"VehicleId.*id_token.type"):
        V201.encode(message)


def test_a_longer_string_cannot_be_said_in_2_0_1():
    message = AuthorizeRequest(id_token=IdToken(id_token="x" * 37, type="ISO14443"))
    assert len(said(V21, message)["idToken"]["idToken"]) == 37
    with pytest.raises(Unsayable, match=r"length <= 36"):
        V201.encode(message)


def test_numbers_become_integers_where_2_0_1_has_integers():
    needs = ChargingNeeds(
        requested_energy_transfer="AC_three_phase",
        ac_charging_parameters=ACChargingParameters(
            energy_amount=10500.6, ev_min_current=6.0, ev_max_current=31.5, ev_max_voltage=230.0
        ),
    )
    message = NotifyEVChargingNeedsRequest(evse_id=1, charging_needs=needs)
    in_201 = said(V201, message)["chargingNeeds"]["acChargingParameters"]
    assert in_201 == {"energyAmount": 10501, "evMinCurrent": 6, "evMaxCurrent": 32, "evMaxVoltage": 230}
    assert said(V21, message)["chargingNeeds"]["acChargingParameters"]["energyAmount"] == 10500.6


def test_what_only_2_0_1_requires_is_asked_for_in_2_0_1():
    def limit_of(limit: float | None) -> NotifyChargingLimitRequest:
        period = ChargingSchedulePeriod(start_period=0, limit=limit)
        schedule = ChargingSchedule(id=1, charging_rate_unit="A", charging_schedule_period=(period,))
        return NotifyChargingLimitRequest(
            charging_limit=ChargingLimit(charging_limit_source="EMS"), charging_schedule=(schedule,)
        )

    said(V21, limit_of(None))
    said(V201, limit_of(16.0))
    with pytest.raises(Unsayable, match=r"limit"):
        V201.encode(limit_of(None))


def test_what_only_2_1_requires_is_asked_for_in_2_1():
    def report(event_notification_type: Any) -> NotifyMonitoringReportRequest:
        monitor = VariableMonitoring(
            id=1,
            transaction=False,
            value=5.0,
            type="UpperThreshold",
            severity=5,
            event_notification_type=event_notification_type,
        )
        data = MonitoringData(
            component=Component(name="EVSE"), variable=Variable(name="Power"), variable_monitoring=(monitor,)
        )
        return NotifyMonitoringReportRequest(request_id=1, seq_no=0, generated_at=NOW, monitor=(data,))

    said(V201, report(None))
    said(V201, report("CustomMonitor"))
    said(V21, report("CustomMonitor"))
    with pytest.raises(Unsayable, match=r"event_notification_type"):
        V21.encode(report(None))


def test_a_newer_message_is_unknown_to_2_0_1():
    with pytest.raises(Unsayable, match=r"AFRRSignalRequest cannot be said in OCPP 2.0.1: no such message"):
        V201.encode(AFRRSignalRequest(timestamp=NOW, signal=1))
    with pytest.raises(Refused, match=r"^NotImplemented: OCPP 2.0.1 has no action 'AFRRSignal'$"):
        V201.decode_request("AFRRSignal", b"{}")
    assert not V201.knows("NotifyPeriodicEventStream")
    assert V21.knows("NotifyPeriodicEventStream")


def test_a_message_of_send_is_no_request():
    with pytest.raises(Refused) as refused:
        V21.decode_request("NotifyPeriodicEventStream", b"{}")
    assert refused.value.code == "NotImplemented"
    payload = b'{"id":1,"pending":0,"basetime":"2026-01-01T00:00:00Z","data":[{"t":0,"v":"1"}]}'
    assert isinstance(V21.decode_unconfirmed("NotifyPeriodicEventStream", payload), NotifyPeriodicEventStream)


@pytest.mark.parametrize(
    ("time", "written"),
    [
        (NOW, "2026-01-01T12:00:00Z"),
        (NOW.replace(microsecond=123456), "2026-01-01T12:00:00.123Z"),
        (NOW.replace(microsecond=999), "2026-01-01T12:00:00Z"),
        (NOW.astimezone(timezone(timedelta(hours=2))), "2026-01-01T12:00:00Z"),
    ],
)
def test_a_time_is_said_in_utc_with_three_decimals_at_most(time: datetime, written: str) -> None:
    assert said(V201, HeartbeatResponse(current_time=time)) == {"currentTime": written}


def test_a_time_without_zone_cannot_be_said():
    with pytest.raises(Unsayable, match=r"timezone.*current_time"):
        V201.encode(HeartbeatResponse(current_time=NOW.replace(tzinfo=None)))


def test_a_time_that_utc_does_not_have_cannot_be_said():
    heard = V201.decode_response("Heartbeat", b'{"currentTime":"0001-01-01T00:00:00+02:00"}')
    with pytest.raises(Unsayable, match=r"HeartbeatResponse cannot be said in OCPP 2.0.1: date value out of range"):
        V201.encode(heard)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_number_that_json_does_not_have_cannot_be_said(value: float) -> None:
    values = (SampledValue(value=230.0), SampledValue(value=value))
    message = MeterValuesRequest(evse_id=1, meter_value=(MeterValue(timestamp=NOW, sampled_value=values),))
    with pytest.raises(Unsayable, match=r"meter_value\[0\].sampled_value\[1\].value` is not a finite number"):
        V201.encode(message)


@pytest.mark.parametrize("data", ["\ud800", object(), {"a": {1, 2}}, float("nan")])
def test_what_json_cannot_carry_cannot_be_said(data: Any) -> None:
    with pytest.raises(Unsayable):
        V201.encode(DataTransferRequest(vendor_id="org.example", data=data if data != {"a": {1, 2}} else {1: object()}))


def test_a_wrong_type_in_our_own_message_cannot_be_said():
    with pytest.raises(Unsayable, match=r"Expected `int`, got `str`.*seq_no"):
        V201.encode(transaction_event(seq_no="0"))
    with pytest.raises(Unsayable, match=r"Expected `array`.*meter_value"):
        V201.encode(transaction_event(meter_value=5))


def test_a_dict_as_custom_data_has_to_name_its_vendor():
    assert said(V201, HeartbeatRequest(custom_data=CustomData({"vendorId": "v", "x": None})))
    with pytest.raises(Unsayable, match=r"vendorId"):
        V201.encode(HeartbeatRequest(custom_data={"x": 1}))  # type: ignore[arg-type]


@pytest.mark.parametrize("data", [0, "text", True, [], {}, [None, {"null": None}], {"deep": [[[{"a": 1.5}]]]}, 2**70])
def test_data_transfer_carries_any_json(data: Any) -> None:
    for dialect in (V201, V21):
        payload = json.dumps({"vendorId": "org.example", "data": data}).encode()
        request = dialect.decode_request("DataTransfer", payload)
        assert isinstance(request, DataTransferRequest)
        assert request.data == data
        assert said(dialect, request) == json.loads(payload)


def test_an_empty_payload_may_be_null():
    """Part 4, 4.1.5."""
    assert V201.decode_request("Heartbeat", b" null ") == HeartbeatRequest()
    with pytest.raises(Refused, match=r"missing required field `type`"):
        V201.decode_request("Reset", b"null")


def nested(depth: int) -> bytes:
    return b'{"type":"OnIdle","customData":{"vendorId":"v","x":' + b"[" * depth + b"]" * depth + b"}}"


@pytest.mark.parametrize(
    ("payload", "code", "reason"),
    [
        (b'{"type":"Immediate","evseId":null}', "TypeConstraintViolation", "`evseId` is null"),
        (b'{"type":"Gently"}', "PropertyConstraintViolation", "'Gently' - at `type`; one of Immediate, OnIdle"),
        (b'{"type":"Immediate","evse":1}', "FormatViolation", "unknown field `evse`"),
        (b'{"type":"Immediate","evseId":"1"}', "TypeConstraintViolation", "Expected `int`, got `str` - at `evseId`"),
        (b'{"type":"Immediate","evseId":1e400}', "PropertyConstraintViolation", "out of range - at `evseId`"),
        (b'{"type":"Immediate","evseId":' + b"9" * 5000 + b"}", "PropertyConstraintViolation", "at `evseId`"),
        (b'{"type":"Immediate","evseId":1', "FormatViolation", "truncated"),
        (b'{"type":"Imm\xff"}', "FormatViolation", "utf-8"),
        (b'{"type":"\\ud800"}', "FormatViolation", ""),
        (nested(99), "PropertyConstraintViolation", "at `customData`"),
        (nested(9999), "FormatViolation", "nested too deep"),
        (b'{"type":' + b"[" * 100000, "TypeConstraintViolation", "type"),
        (b"17", "ProtocolError", "Expected `object`, got `int`"),
    ],
)
def test_a_refusal_names_the_field_and_what_was_expected(payload: bytes, code: str, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        V201.decode_request("Reset", payload)
    assert refused.value.code == code
    assert reason in refused.value.reason


def test_a_reason_fits_an_error_description_and_encodes():
    with pytest.raises(Refused) as refused:
        V201.decode_request("\ud800" * 300, b"{}")
    assert len(refused.value.reason) <= MAX_REASON
    refused.value.reason.encode()


def test_the_last_of_doubled_keys_counts():
    request = V201.decode_request("Reset", b'{"type":"OnIdle","evseId":1,"evseId":2}')
    assert request == V21.decode_request("Reset", b'{"type":"OnIdle","evseId":2}')


def test_versions_differ_by_capabilities_not_by_number():
    assert not V201.can(Capability.SEND)
    assert V21.can(Capability.SEND)
    assert V21.can(Capability.CALL_RESULT_ERROR)
    assert V201.can(Capability.UNKNOWN_TYPE_ANSWERED)
    assert dialect_for("ocpp2.1") is V21
    with pytest.raises(ValueError, match=r"unknown subprotocol 'ocpp1.5'; known: "):
        dialect_for("ocpp1.5")
