"""How fast an event gets on disk, and off it again: the outbox over its database, beside bare SQLite."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from agent.edge.database import Contents, Database
from agent.link.disk import Answered, Insert, ReadRows, Row, Write
from agent.link.outbox import Outbox
from agent.ocpp.messages import dump
from agent.ocpp.messages.common import EVSE, MeterValue, SampledValue
from agent.ocpp.messages.e_transactions import Transaction, TransactionEventRequest
from tests.perf.report import Figure, Goal, Section

WHEN = datetime(2026, 1, 1, tzinfo=UTC)
EVENT = TransactionEventRequest(
    event_type="Updated",
    timestamp=WHEN,
    trigger_reason="MeterValuePeriodic",
    seq_no=7,
    transaction_info=Transaction("7a0d5f8e-3a54-4a6c-9d0f-5f0a3f6c1b2d", charging_state="Charging"),
    evse=EVSE(1, connector_id=1),
    meter_value=(MeterValue((SampledValue(12345.6, measurand="Energy.Active.Import.Register"),), WHEN),),
)
REPEATS = 3


class Disk:
    """The database, awaited: what it hands over runs in the loop, as in the agent."""

    def __init__(self, path: Path) -> None:
        self._loop = asyncio.get_running_loop()
        self._database = Database(path, self._hand_over, self._refused)
        self.contents: Contents = self._database.open()
        self.close = self._database.close

    async def write(self, *writes: Write) -> None:
        await self._awaited(partial(self._database.write, writes))

    async def read(self, wanted: ReadRows) -> list[Row]:
        rows: list[Row] = await self._awaited(partial(self._database.ask, wanted))
        return rows

    def write_behind(self, writes: Sequence[Write]) -> None:
        self._database.write(writes)

    async def _awaited(self, ask: Callable[[Callable[[Any], None]], None]) -> Any:
        answered = self._loop.create_future()
        ask(answered.set_result)
        return await answered

    def _hand_over(self, callback: Callable[[], None]) -> None:
        self._loop.call_soon_threadsafe(callback)

    def _refused(self, works: bool, text: str) -> None:
        raise OSError(f"the disk refuses the bench's rows: {text}")


async def appends_per_s(path: Path, rows: int) -> float:
    """One after the other, each on disk before the next is taken: nothing is committed together."""
    disk, outbox = Disk(path), Outbox()
    with closing(disk):
        began_s = perf_counter()
        for _ in range(rows):
            row = outbox.append(EVENT, "t", 7)
            await disk.write(Insert(row))
            outbox.stored(row.id)
        return rows / (perf_counter() - began_s)


async def burst_per_s(path: Path, rows: int) -> float:
    """All at once, until the last is on disk: what is waiting is committed together."""
    disk, outbox = Disk(path), Outbox()
    with closing(disk):
        began_s = perf_counter()
        for _ in range(rows):
            disk.write_behind([Insert(outbox.append(EVENT, "t", 7))])
        await disk.write()
        return rows / (perf_counter() - began_s)


async def drains_per_s(path: Path, rows: int) -> float:
    """A station that starts with a full queue and a CSMS that answers at once, until the disk is empty."""
    disk = Disk(path)
    outbox = Outbox(next_id=disk.contents.next_id, waiting=disk.contents.waiting)
    assert len(outbox) == rows, f"{len(outbox)} rows wait, not {rows}"
    with closing(disk):
        began_s = perf_counter()
        while len(outbox):
            if wanted := outbox.take_read():
                outbox.rows_read(await disk.read(wanted))
            while entry := outbox.head(mono=0.0):
                outbox.request_to_send(entry, mono=0.0)
                outbox.answered(entry)
                disk.write_behind([Answered(entry.id)])
        await disk.write()
        return rows / (perf_counter() - began_s)


def raw_appends_per_s(path: Path, rows: int) -> float:
    """WAL, synchronous=FULL, a commit a row: what the disk gives to anybody."""
    message = dump(EVENT)
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.execute("CREATE TABLE outbox (id INTEGER PRIMARY KEY, message BLOB NOT NULL)")
        began_s = perf_counter()
        for _ in range(rows):
            database.execute("INSERT INTO outbox (message) VALUES (?)", (message,))
        return rows / (perf_counter() - began_s)


def raw_drains_per_s(path: Path, rows: int) -> float:
    """Take the oldest row and delete it, a commit each, of what ``raw_appends_per_s`` left."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA synchronous=FULL")
        began_s = perf_counter()
        for _ in range(rows):
            oldest, _ = database.execute("SELECT id, message FROM outbox ORDER BY id LIMIT 1").fetchone()
            database.execute("DELETE FROM outbox WHERE id = ?", (oldest,))
        return rows / (perf_counter() - began_s)


async def measure(folder: Path, rows: int) -> Section:
    """Medians; ours and the raw one take turns on the same disk."""
    folder.mkdir(parents=True)
    taken: list[list[float]] = []
    for turn in range(REPEATS):
        ours, burst, raw = (folder / f"{name}-{turn}.db" for name in ("ours", "burst", "raw"))
        raw_rates = [raw_appends_per_s(raw, rows), raw_drains_per_s(raw, rows)]
        our_rates = [await appends_per_s(ours, rows), await burst_per_s(burst, rows), await drains_per_s(ours, rows)]
        taken.append(our_rates + raw_rates)
    append, burst_rate, drain, raw_append, raw_drain = (median(rates) for rates in zip(*taken, strict=True))
    figures = [
        Figure("durable append, one by one", "1/s", append, raw_append, (Goal(">=", 0.7),)),
        Figure("durable append, a burst", "1/s", burst_rate, raw_append),
        Figure("drain", "1/s", drain, raw_drain),
    ]
    return Section("queue", "raw SQLite", figures, f"{rows} events, WAL, synchronous=FULL")
