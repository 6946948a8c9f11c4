"""Charging sessions as drivers do them, and what a CSMS must have heard of them.  Knows no message."""

import asyncio
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from tests.csms.record import StationRecord
from tests.csms.waiting import PATIENT_S, Records
from tests.scenarios.station import ID, Driven

# It takes no energy of its own accord: the register shows what the test has set, to the Wh.
EXACT = {"current_a": 0}


async def begin(agent: Driven, evse: int, token: str, ev: dict[str, Any] | None = None) -> str:
    """Cable in, card at the reader, power on; the transaction's id."""
    await agent.cmd("plug_in", evse=evse, ev=EXACT if ev is None else ev)
    await agent.cmd("swipe", token=token, evse=evse)
    started = await agent.fact("TransactionStarted", evse)
    await agent.fact("PowerPathClosed", evse)
    return str(started["transaction_id"])


async def finish(agent: Driven, evse: int, token: str) -> None:
    """Card at the reader, cable out."""
    await agent.cmd("swipe", token=token, evse=evse)
    await agent.fact("TransactionEnded", evse)
    await agent.cmd("unplug", evse=evse)
    await agent.fact("EvDisconnected", evse)


async def charge(agent: Driven, evse: int, token: str, register_wh: float) -> str:
    """One whole session, at the end of which the meter shows this; the transaction's id."""
    id_ = await begin(agent, evse, token)
    await meter_shows(agent, evse, register_wh)
    await finish(agent, evse, token)
    return id_


async def visit(agent: Driven, evse: int, register_wh: float) -> str:
    """A session where the cable is all that it takes (AuthCtrlr.Enabled false); the transaction's id."""
    await agent.cmd("plug_in", evse=evse, ev=EXACT)
    started = await agent.fact("TransactionStarted", evse)
    await agent.fact("PowerPathClosed", evse)
    await meter_shows(agent, evse, register_wh)
    await agent.cmd("unplug", evse=evse)
    await agent.fact("TransactionEnded", evse)
    return str(started["transaction_id"])


async def meter_shows(agent: Driven, evse: int, register_wh: float) -> None:
    """The register is there, and the station has read it: it is read in its own time."""
    await agent.cmd("meter", evse=evse, energy_wh=register_wh)
    async with asyncio.timeout(PATIENT_S):
        while (await agent.cmd("status"))["evses"][evse - 1]["energy_wh"] != register_wh:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.005)


async def all_ended(csms: Records, count: int, timeout_s: float = PATIENT_S) -> StationRecord:
    """Wait until the CSMS has heard of this many transactions, and the end of each; the record of the station."""
    record = csms.station(ID)

    def ended() -> bool:
        return sum(transaction.ended for transaction in record.transactions.values()) >= count

    await csms.wait_for(ended, timeout_s)
    assert len(record.transactions) == count
    return record


def faults_of(record: StationRecord) -> list[str]:
    """Everything that a careful CSMS would hold against the station."""
    return record.violations + record.transaction_faults()


def duplicates_of(record: StationRecord) -> int:
    """How often something was told that the CSMS had heard before."""
    return sum(len(transaction.duplicates) for transaction in record.transactions.values())


def energies_wh(record: StationRecord, ids: Iterable[str]) -> list[Decimal]:
    """What each of these transactions came to."""
    return [record.transactions[id_].energy_wh for id_ in ids]
