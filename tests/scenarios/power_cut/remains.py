"""What a station has after its power went: is its disk sound, is everything there, did it complain?

Looks at a copy of the database: whoever opens the file itself mends it.
"""

import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec

from agent.edge.ledger import Ledger
from tests.scenarios.power_cut.blackbox import BlackBox, Event
from tests.scenarios.power_cut.disk import SUFFIXES
from tests.scenarios.station import tracebacks

COMPLAINTS = ("! defect", "is damaged", "disk")


def examine_log(lines: list[str]) -> Iterator[str]:
    """What no log of a station may say whose disk is well; without the time of day."""
    for line in lines:
        if tracebacks([line]) or any(word in line for word in COMPLAINTS):
            yield f"log: {line.partition('  ')[2] or line}"


def examine_disk(database: Path, copy: Path, box: BlackBox) -> Iterator[str]:
    """Complaints about the disk; what is found there and was not known to be committed is learned."""
    if list(database.parent.glob("*.damaged-*")):
        yield "the database was set aside as damaged"
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir()
    for suffix in SUFFIXES.values():
        path = database.with_name(database.name + suffix)
        if path.exists():
            shutil.copy(path, copy)
    if database.exists():
        yield from examine_database(copy / database.name, box)


def examine_database(path: Path, box: BlackBox) -> Iterator[str]:
    """Is it sound, does its ledger agree with itself, and with what was committed?"""
    try:
        with closing(sqlite3.connect(path)) as connection:
            for (text,) in connection.execute("PRAGMA integrity_check"):
                if text != "ok":
                    yield f"integrity_check: {text}"
            if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'memory'").fetchone():
                yield from examine_ledger(Ledger(connection), box)
    except sqlite3.Error as error:
        yield f"the database cannot be read: {error}"


def examine_ledger(ledger: Ledger, box: BlackBox) -> Iterator[str]:
    """Its hash chain, its numbers, and its newest row: no commit that returned comes behind that."""
    for problem in ledger.verify().problems:
        yield f"verify: {problem}"
    learn(ledger, box)
    last = ledger.next_id() - 1
    for event in box.committed.values():
        if event.row_id > last:
            yield f"{event.transaction_id} #{event.seq_no} was committed and is not on the disk"


def learn(ledger: Ledger, box: BlackBox) -> None:
    """The power may go behind the last sync of a commit and before it returns: then only the disk knows."""
    now_s = time.monotonic()
    for entry in ledger.entries():
        key = (entry.transaction_id, entry.seq_no)
        if entry.message is not None and entry.transaction_id:
            box.learn(Event(entry.id, *key, msgspec.json.decode(entry.message)), now_s)
        for state, keys in (("parked", box.parked), ("thinned", box.thinned)):
            if entry.state == state:
                keys.add(key)
