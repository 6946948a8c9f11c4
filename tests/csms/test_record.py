"""The record tells what a station did, and waits for what it will do."""

import asyncio

import pytest
from websockets.asyncio.client import connect

from tests.csms.practice import PracticeCsms
from tests.csms.raw_station import event, record_of, station, status
from tests.csms.record import StationRecord


async def test_the_record_outlives_the_connection_and_the_registration_with_it():
    async with PracticeCsms() as csms:
        async with station(csms) as raw:
            await raw.ask("StatusNotification", status())
        await csms.wait_for(lambda: not record_of(csms).connected)
        async with station(csms, boot=False) as raw:
            await raw.ask("StatusNotification", status("Occupied"))
        assert record_of(csms).statuses == {(1, 1): ["Available", "Occupied"]}
        assert record_of(csms).connections == 2
        assert record_of(csms).violations == []


async def test_a_stopped_csms_comes_back_on_the_same_port():
    async with PracticeCsms() as csms:
        url = csms.url
        await csms.stop()
        with pytest.raises(OSError):
            await connect(url)
        await csms.start()
        async with station(csms):
            assert csms.url == url


async def test_what_is_told_twice_is_kept_apart_by_its_seqNo():
    async with PracticeCsms() as csms, station(csms) as raw:
        for told in (event("Started", 0), event("Started", 0, offline=True), event("Ended", 1)):
            await raw.ask("TransactionEvent", told)
    transaction = record_of(csms).transactions["t1"]
    assert transaction.types == ["Started", "Ended"]
    assert [duplicate["seqNo"] for duplicate in transaction.duplicates] == [0]
    assert record_of(csms).transaction_faults() == []


@pytest.mark.parametrize(
    ("told", "fault"),
    [
        ([event("Started", 0), event("Ended", 2)], "seqNo [1] never came"),
        ([event("Started", 1), event("Ended", 0)], "seqNo out of order"),
        ([event("Updated", 0), event("Ended", 1)], "does not open with Started"),
        ([event("Started", 0), event("Started", 1)], "Started more than once"),
        ([event("Started", 0), event("Ended", 1), event("Updated", 2)], "goes on after Ended"),
        ([event("Started", 0), event("Started", 0, 5)], "one seqNo, two events"),
    ],
)
def test_a_badly_told_transaction_is_named(told, fault):
    record = StationRecord("x")
    for one in told:
        record.learn("TransactionEvent", one)
    assert any(fault in text for text in record.transaction_faults())


async def test_wait_for_takes_an_action_that_is_still_to_come():
    async with PracticeCsms() as csms, station(csms) as raw:
        occupied = asyncio.create_task(
            csms.wait_for("StatusNotification", where=lambda p: p["connectorStatus"] == "Occupied")
        )
        await raw.ask("StatusNotification", status())
        assert not occupied.done()
        await raw.ask("StatusNotification", status("Occupied"))
        assert (await occupied)["connectorStatus"] == "Occupied"
        assert await csms.wait_for("StatusNotification", count=2) == status("Occupied")


async def test_wait_for_gives_up_and_tells_what_it_heard():
    async with PracticeCsms() as csms, station(csms):
        with pytest.raises(TimeoutError, match=r"no Heartbeat within 0.01 s; heard:[\s\S]*BootNotification"):
            await csms.wait_for("Heartbeat", 0.01)
