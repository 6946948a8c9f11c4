"""The practice CSMS answers as a CSMS should, and asks; heard by a bare WebSocket client."""

import asyncio
import json
from decimal import Decimal

import pytest

from tests.csms.answers import PLAIN, Answers, Tariff
from tests.csms.line import CallError, NotConnected
from tests.csms.practice import PracticeCsms
from tests.csms.raw_station import BOOT, TOKEN, event, record_of, station
from tests.csms.record import StationRecord
from tests.csms.schemas import violation_of

# Answers.


async def test_boot_answers_follow_the_script_then_accept():
    answers = Answers(boots=[("Pending", 0), ("Rejected", 0)], interval_s=77)
    async with PracticeCsms(answers=answers) as csms, station(csms, boot=False) as raw:
        told = [await raw.ask("BootNotification", BOOT) for _ in range(3)]
    assert [(answer["status"], answer["interval"]) for answer in told] == [
        ("Pending", 0),
        ("Rejected", 0),
        ("Accepted", 77),
    ]
    assert record_of(csms).boots == [BOOT] * 3
    assert record_of(csms).violations == []


async def test_every_answer_is_valid_against_the_schema_of_its_message():
    table = Answers().table
    record = StationRecord("x")
    record.learn("TransactionEvent", event("Started", 0))
    for action in table:
        payload = event("Ended", 1, idToken=TOKEN) if action == "TransactionEvent" else {"idToken": TOKEN}
        assert violation_of(f"{action}Response", table[action](record, payload)) is None
    assert set(PLAIN) <= set(table)


async def test_tokens_are_looked_up_without_case_and_the_unknown_gets_its_own_answer():
    answers = Answers(
        tokens={"abc": "Blocked", "VIP": {"status": "Accepted", "chargingPriority": 9}}, unknown_token="Unknown"
    )
    async with PracticeCsms(answers=answers) as csms, station(csms) as raw:
        for token, info in (
            ("ABC", {"status": "Blocked"}),
            ("vip", {"status": "Accepted", "chargingPriority": 9}),
            ("nobody", {"status": "Unknown"}),
        ):
            asked = {"idToken": {"idToken": token, "type": "ISO14443"}}
            assert await raw.ask("Authorize", asked) == {"idTokenInfo": info}


async def test_a_session_is_priced_at_its_end_and_not_before():
    answers = Answers(tariff=Tariff(Decimal("0.30"), Decimal("1.00")))
    async with PracticeCsms(answers=answers) as csms, station(csms) as raw:
        assert await raw.ask("TransactionEvent", event("Started", 0, 1000)) == {}
        told = await raw.ask("TransactionEvent", event("Updated", 1, 1500, idToken=TOKEN))
        assert told == {"idTokenInfo": {"status": "Accepted"}}
        assert await raw.ask("TransactionEvent", event("Ended", 2, 13345)) == {"totalCost": 4.7}


@pytest.mark.parametrize(
    "sample", [{"value": 2.5, "unitOfMeasure": {"unit": "kWh"}}, {"value": 2.5, "unitOfMeasure": {"multiplier": 3}}]
)
def test_energy_is_read_in_the_unit_that_the_meter_names(sample):
    record = StationRecord("x")
    record.learn("TransactionEvent", event("Started", 0, 500))
    ended = event("Ended", 1)
    ended["meterValue"][0]["sampledValue"] = [{"value": 1, "measurand": "Voltage"}, sample]
    record.learn("TransactionEvent", ended)
    assert record.transactions["t1"].energy_wh == 2000


# Calls to the station.


async def test_call_returns_the_payload_or_raises_what_the_station_refused_with():
    async with PracticeCsms() as csms, station(csms) as raw:
        asking = asyncio.create_task(csms.call("CS 1", "ClearCache"))
        _, id_, _, _ = await raw.hear()
        await raw.socket.send(json.dumps([4, id_, "NotImplemented", "later", {"why": 1}]))
        with pytest.raises(CallError, match="NotImplemented: later") as refused:
            await asking
        assert (refused.value.code, refused.value.details) == ("NotImplemented", {"why": 1})


async def test_an_answer_against_its_schema_is_a_violation():
    async with PracticeCsms() as csms, station(csms) as raw:
        asking = asyncio.create_task(csms.call("CS 1", "ClearCache"))
        _, id_, _, _ = await raw.hear()
        await raw.socket.send(json.dumps([3, id_, {"status": "Perhaps"}]))
        await asking
    assert "ClearCacheResponse.status" in record_of(csms).schema_violations[0]


async def test_a_station_that_goes_away_or_is_not_there_is_not_waited_for():
    async with PracticeCsms() as csms:
        async with station(csms) as raw:
            asking = asyncio.create_task(csms.call("CS 1", "ClearCache"))
            await raw.hear()
        with pytest.raises(NotConnected, match="went away before it answered ClearCache"):
            await asking
        with pytest.raises(NotConnected, match="CS 1 is not connected; connected: none"):
            await csms.call("CS 1", "ClearCache")


async def test_anything_can_be_said_and_what_comes_back_is_a_stray():
    async with PracticeCsms() as csms, station(csms) as raw:
        await csms.say("CS 1", '[2,"odd"')
        assert await raw.socket.recv() == '[2,"odd"'
        await raw.socket.send('[4,"-1","RpcFrameworkError","",{}]')
        await csms.wait_for(lambda: record_of(csms).strays)
        assert record_of(csms).violations == []
        await raw.socket.send('[3,"unasked",{}]')
        await csms.wait_for(lambda: record_of(csms).violations)
    assert "answer to nothing that was asked" in record_of(csms).order_violations[0]
