"""The messages as a package: made from the schemas, imported when named, kept without loss."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from agent.ocpp import messages
from agent.ocpp.dialect import dialect_for
from agent.ocpp.messages import ACTIONS, dump, load, request_type, response_type, unconfirmed_type
from agent.ocpp.messages.base import CustomData, Request
from agent.ocpp.messages.common import EVSE, IdToken, MeterValue, SampledValue
from agent.ocpp.messages.e_transactions import Transaction, TransactionEventRequest
from agent.ocpp.messages.g_availability import HeartbeatRequest, HeartbeatResponse
from agent.ocpp.messages.j_meter_values import MeterValuesRequest
from tests.ocpp.instances import fullest
from tests.tools.generate_messages import TARGET, write

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


def test_the_files_are_what_the_generator_makes_of_the_schemas(tmp_path: Path) -> None:
    names = write(tmp_path)
    assert [name for name in names if (tmp_path / name).read_text() != (TARGET / name).read_text()] == []
    by_hand = {"__init__.py", "base.py"}
    assert {path.name for path in TARGET.glob("*.py")} == set(names) | by_hand


def test_a_request_names_its_action_and_its_response():
    for action in ACTIONS:
        request, response = request_type(action), response_type(action)
        if request is None:
            assert response is None
            assert (lone := unconfirmed_type(action)) is not None
            assert lone.action == action
        else:
            assert request.action == action == request.response.action
            assert request.response is response
            assert unconfirmed_type(action) is None


@pytest.mark.parametrize(
    "action", ["", "heartbeat", "HeartbeatRequest", "base", "CustomData", "Heartbeat\n", "__init__"]
)
def test_what_is_no_action_has_no_type(action: str) -> None:
    assert request_type(action) is None
    assert response_type(action) is None
    assert unconfirmed_type(action) is None


def test_only_the_blocks_that_are_spoken_are_imported():
    code = (
        "import sys; from agent.ocpp.messages import request_type; request_type('Heartbeat');"
        "print([name for name in sys.modules if name.startswith('agent.ocpp.messages.')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "g_availability" in done.stdout
    assert "k_smart_charging" not in done.stdout


@pytest.mark.parametrize("action", sorted(action for action in ACTIONS if request_type(action)))
def test_the_durable_form_loses_nothing(action: str) -> None:
    payload = msgspec.json.encode(fullest("ocpp2.1", f"{action}Request"))
    request = dialect_for("ocpp2.1").decode_request(action, payload)
    assert load(action, dump(request)) == request


def test_the_durable_form_keeps_what_2_0_1_has_no_words_for():
    request = TransactionEventRequest(
        event_type="Updated",
        timestamp=NOW,
        trigger_reason="MeterValuePeriodic",
        seq_no=3,
        transaction_info=Transaction(transaction_id="1-20260101120000", tariff_id="night"),
    )
    dialect_for("ocpp2.0.1").encode(request)
    assert load("TransactionEvent", dump(request)) == request


def test_what_cannot_be_kept_is_told_at_once_with_its_place():
    values = (SampledValue(value=1.0), SampledValue(value=float("nan")))
    request = MeterValuesRequest(evse_id=1, meter_value=(MeterValue(timestamp=NOW, sampled_value=values),))
    with pytest.raises(ValueError, match=r"meter_value\[0\]\.sampled_value\[1\]\.value is not a finite number"):
        dump(request)


@pytest.mark.parametrize(("action", "data"), [("Heartbeat", b'{"x":'), ("Nothing", b"{}"), ("Reset", b"{}")])
def test_a_damaged_row_is_a_value_error(action: str, data: bytes) -> None:
    with pytest.raises(ValueError):
        load(action, data)


def test_custom_data_names_its_vendor_and_is_not_bottomless():
    nested: object = "down"
    for _ in range(40):
        nested = {"deeper": nested}
    for content in ({}, {"vendorId": 5}, {"vendorId": "v" * 256}, {"vendorId": "v", "more": nested}, ["vendorId"]):
        with pytest.raises((TypeError, ValueError)):
            CustomData(content)  # type: ignore[arg-type]
    message = HeartbeatRequest(custom_data=CustomData({"vendorId": "org.example", "of": [None, 1]}))
    assert load("Heartbeat", dump(message)) == message


def test_messages_are_values():
    assert EVSE(id=1) == EVSE(id=1) != EVSE(id=2)
    with pytest.raises(AttributeError):
        EVSE(id=1).id = 2  # type: ignore[misc]
    assert len({IdToken(id_token="A", type="ISO14443"), IdToken(id_token="A", type="ISO14443")}) == 1
    assert isinstance(HeartbeatRequest(), Request)
    assert HeartbeatRequest.response is HeartbeatResponse


def test_the_package_itself_is_light():
    assert not hasattr(messages, "TransactionEventRequest")
