"""The queue's figures are of rows that were on disk, and that left it."""

import sqlite3
from contextlib import closing

from tests.perf.queue import appends_per_s, burst_per_s, drains_per_s, measure, raw_appends_per_s, raw_drains_per_s

ROWS = 100  # more than the outbox holds in memory


def rows_in(path, what="ledger WHERE state = 'held'"):
    with closing(sqlite3.connect(path)) as database:
        return database.execute(f"SELECT count(*) FROM {what}").fetchone()[0]


async def test_our_rows_are_on_disk_until_they_are_drained(tmp_path):
    ours, burst = tmp_path / "ours.db", tmp_path / "burst.db"
    await appends_per_s(ours, ROWS)
    await burst_per_s(burst, ROWS)
    assert rows_in(ours) == rows_in(burst) == ROWS
    await drains_per_s(ours, ROWS)
    assert rows_in(ours) == 0


def test_raw_rows_are_on_disk_until_they_are_drained(tmp_path):
    raw_appends_per_s(tmp_path / "raw.db", ROWS)
    assert rows_in(tmp_path / "raw.db", "outbox") == ROWS
    raw_drains_per_s(tmp_path / "raw.db", ROWS)
    assert rows_in(tmp_path / "raw.db", "outbox") == 0


async def test_every_figure_is_taken(tmp_path):
    section = await measure(tmp_path / "queue", 10)
    assert all(figure.ours and figure.ratio for figure in section.figures)
