"""What breaks a rule of OCPP-J or of registration is recorded, and what does not is not."""

import asyncio
import json

import pytest

from tests.csms import misbehaviour as wrong
from tests.csms.answers import Answers
from tests.csms.practice import PracticeCsms
from tests.csms.raw_station import BOOT, record_of, station, status


async def test_a_payload_against_its_schema_is_refused_with_the_fitting_code_and_recorded():
    cases = [
        ({**status(), "evseId": "one"}, "TypeConstraintViolation"),
        ({**status(), "extra": 1}, "FormatViolation"),
        ({**status(), "connectorStatus": "Sleeping"}, "PropertyConstraintViolation"),
        ({**status(), "timestamp": "2026-01-01 00:00:00"}, "PropertyConstraintViolation"),
        ({key: value for key, value in status().items() if key != "evseId"}, "OccurrenceConstraintViolation"),
    ]
    async with PracticeCsms() as csms, station(csms) as raw:
        for payload, code in cases:
            assert await raw.ask("StatusNotification", payload) == code
        assert await raw.ask("Invented", {}) == "NotImplemented"
    assert len(record_of(csms).schema_violations) == len(cases) + 1
    assert "StatusNotificationRequest.evseId: 'one'" in record_of(csms).schema_violations[0]
    assert record_of(csms).statuses == {}


async def test_with_the_schemas_off_nothing_is_held_against_a_payload():
    async with PracticeCsms(schemas=False) as csms, station(csms) as raw:
        assert await raw.ask("Heartbeat", {"extra": 1}) != "FormatViolation"
    assert record_of(csms).violations == []


@pytest.mark.parametrize(
    "text", ["nonsense", "{}", "[]", "[2,7,8]", '[4,"x","Whatever","",{}]', '[2,"","Heartbeat",{}]', b"\xff"]
)
async def test_a_frame_that_is_not_OCPP_is_a_violation(text):
    async with PracticeCsms() as csms, station(csms) as raw:
        await raw.socket.send(text)
        await csms.wait_for(lambda: record_of(csms).violations)
    assert len(record_of(csms).schema_violations) == 1


async def test_B01_FR_10_what_comes_before_the_boot_is_refused_with_SecurityError():
    async with PracticeCsms() as csms, station(csms, boot=False) as raw:
        assert await raw.ask("StatusNotification", status()) == "SecurityError"
        await raw.ask("BootNotification", BOOT)
        assert await raw.ask("StatusNotification", status()) == {}
    assert record_of(csms).order_violations == ["StatusNotification while the registration is None"]


async def test_B02_FR_02_a_pending_station_may_say_what_it_was_asked_for():
    async with PracticeCsms(answers=Answers(boots=[("Pending", 300)])) as csms, station(csms) as raw:
        asking = asyncio.create_task(csms.call("CS 1", "TriggerMessage", {"requestedMessage": "Heartbeat"}))
        _, id_, action, _ = await raw.hear()
        assert action == "TriggerMessage"
        await raw.socket.send(json.dumps([3, id_, {"status": "Accepted"}]))
        assert await asking == {"status": "Accepted"}
        assert "currentTime" in await raw.ask("Heartbeat", {})
        assert record_of(csms).violations == []
        assert await raw.ask("StatusNotification", status()) == "SecurityError"


async def test_B02_FR_04_a_boot_before_the_interval_is_over_is_a_violation():
    async with PracticeCsms(answers=Answers(boots=[("Pending", 300)])) as csms, station(csms) as raw:
        await raw.ask("BootNotification", BOOT)
    assert record_of(csms).order_violations == ["BootNotification before the interval was over"]


async def test_a_call_while_another_is_in_flight_is_a_violation_and_is_answered():
    async with PracticeCsms() as csms, station(csms) as raw:
        csms.script.add(wrong.never_answer, "Heartbeat")
        id_ = await raw.say("Heartbeat", {})
        assert await raw.ask("StatusNotification", status()) == {}
    (violation,) = record_of(csms).order_violations
    assert violation.endswith(f"while {id_} is not answered")


async def test_after_its_timeout_a_station_may_go_on():
    async with PracticeCsms(message_timeout_s=0) as csms, station(csms) as raw:
        csms.script.add(wrong.never_answer, "Heartbeat")
        await raw.say("Heartbeat", {})
        assert await raw.ask("StatusNotification", status()) == {}
    assert record_of(csms).violations == []


async def test_a_message_id_that_comes_again_is_a_violation():
    async with PracticeCsms() as csms, station(csms) as raw:
        for _ in range(2):
            await raw.socket.send(json.dumps([2, "same", "Heartbeat", {}]))
            await raw.hear()
    assert record_of(csms).order_violations == ["message id same used before"]


async def test_a_new_connection_has_nothing_in_flight():
    async with PracticeCsms() as csms:
        async with station(csms) as raw:
            csms.script.add(wrong.never_answer, "Heartbeat")
            await raw.say("Heartbeat", {})
            await csms.wait_for("Heartbeat")
        async with station(csms, boot=False) as raw:
            await raw.ask("StatusNotification", status())
    assert record_of(csms).violations == []


async def test_B01_FR_08_a_station_that_boots_again_waits_for_the_answer():
    async with PracticeCsms() as csms, station(csms) as raw:
        csms.script.add(wrong.never_answer, "BootNotification")
        await raw.say("BootNotification", BOOT)
        assert await raw.ask("StatusNotification", status()) == "SecurityError"
