"""The ledger at work: ten events a commit, a full queue that stays as fast and as small, and how fast it drains."""

import gc
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from statistics import median
from time import perf_counter

from agent.link.disk import Insert
from agent.link.outbox import Outbox
from agent.ocpp.messages import dump
from agent.powered import DATABASE
from tests.perf.csms import Heard
from tests.perf.process import memory_of
from tests.perf.queue import EVENT, Disk
from tests.perf.report import Figure, Goal, Section
from tests.perf.subject import AGENT, OCPP_STATION, BenchFailed, Subject, charging, spawned

TEN = 10
BATCH = 100
REPEATS = 3


async def tens_per_s(path: Path, rows: int) -> float:
    """Ten events handed in together, on disk before the next ten."""
    disk, outbox = Disk(path), Outbox()
    with closing(disk):
        began_s = perf_counter()
        for _ in range(rows // TEN):
            new = [outbox.append(EVENT, "t", 7) for _ in range(TEN)]
            await disk.write(*(Insert(row) for row in new))
            outbox.stored(new[-1].id)
        return rows / (perf_counter() - began_s)


def raw_tens_per_s(path: Path, rows: int) -> float:
    """WAL, synchronous=FULL, ten rows a commit."""
    message = dump(EVENT)
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.execute("CREATE TABLE outbox (id INTEGER PRIMARY KEY, message BLOB NOT NULL)")
        began_s = perf_counter()
        for _ in range(rows // TEN):
            database.execute("BEGIN")
            for _ in range(TEN):
                database.execute("INSERT INTO outbox (message) VALUES (?)", (message,))
            database.execute("COMMIT")
        return rows / (perf_counter() - began_s)


async def full_queue(path: Path, rows: int) -> tuple[float, float, float]:
    """Append until so many wait: seconds an event at the beginning and at the end, and the memory it took (MB)."""
    disk, outbox = Disk(path), Outbox(most_events=2 * rows)
    with closing(disk):
        times: list[float] = []
        rss_mb: list[float] = []
        for _ in range(rows // BATCH):
            began_s = perf_counter()
            new = [outbox.append(EVENT, "t", 7) for _ in range(BATCH)]
            await disk.write(*(Insert(row) for row in new))
            outbox.stored(new[-1].id)
            times.append((perf_counter() - began_s) / BATCH)
            if len(times) == TEN or len(times) * BATCH >= rows:
                gc.collect()
                rss_mb.append(memory_of(os.getpid()).rss_mb)
        edge = max(1, len(times) // 10)
        return median(times[:edge]), median(times[-edge:]), rss_mb[-1] - rss_mb[0]


async def agent_drains_per_s(folder: Path, events: int) -> float:
    """An agent that starts with a full ledger, until the CSMS has all of it."""
    folder.mkdir(parents=True)
    disk, outbox = Disk(folder / DATABASE), Outbox()
    with closing(disk):
        await disk.write(*(Insert(outbox.append(EVENT, "t", number)) for number in range(events)))
    async with spawned(AGENT, folder) as running:
        await running.csms.wait_for("BootNotification")
        await running.csms.quiet(0.5)
        sent = [heard for heard in running.csms.heard if heard.action == "TransactionEvent"]
        if len(sent) < events:
            raise BenchFailed(f"agent: {len(sent)} of {events} events drained; its output: {folder / 'output.txt'}")
        return _per_s(sent)


async def station_sends_per_s(folder: Path, events: int, subject: Subject = OCPP_STATION) -> float:
    """The station that stores nothing, told to charge as fast as it can."""
    async with charging(subject, folder) as running:
        since = len(running.csms.heard)
        async with running.controlled() as control:
            for _ in range(events // 4):  # each is two TransactionEvents and two StatusNotifications
                await control.send("plug_in", evse=1)
                await control.send("unplug", evse=1)
        await running.csms.quiet(1.0)
        return _per_s(running.csms.heard[since:])


def _per_s(heard: list[Heard]) -> float:
    return (len(heard) - 1) / (heard[-1].at_s - heard[0].at_s)


async def measure(folder: Path, rows: int, full: int) -> list[Section]:
    """Medians; ours and what stands beside it take turns."""
    folder.mkdir(parents=True)
    tens, raw = [], []
    for turn in range(REPEATS):
        raw.append(raw_tens_per_s(folder / f"raw-{turn}.db", rows))
        tens.append(await tens_per_s(folder / f"ours-{turn}.db", rows))
    first, last, grown_mb = await full_queue(folder / "full.db", full)
    theirs = await station_sends_per_s(folder / "station", rows)
    ours = await agent_drains_per_s(folder / "agent", rows)
    disk = [
        Figure("durable append, ten a commit", "1/s", median(tens), median(raw), (Goal(">=", 0.5),)),
        Figure(f"append when {full:,} wait, beside the first", "us", 1e6 * last, 1e6 * first, (Goal("<=", 1.2),)),
        Figure(f"memory for {full:,} waiting", "MB", grown_mb, None, (Goal("<=", 1, of="ours"),)),
    ]
    link = [Figure("drain, one in flight, on disk", "1/s", ours, theirs, (Goal(">=", 1.2),))]
    return [
        Section("ledger", "beside", disk, "beside: raw SQLite; the first events"),
        Section("drain", OCPP_STATION.name, link, "the ocpp station stores nothing"),
    ]
