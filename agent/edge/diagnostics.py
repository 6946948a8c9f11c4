"""What is uploaded when somebody asks for a log: what happened, what is true now, and no secret.  Uploads nothing.

Reads the database on connections of its own; runs in the thread of the upload.
"""

from __future__ import annotations

import gzip
import sqlite3
import tarfile
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from io import BytesIO
from pathlib import Path

import msgspec

from agent.edge.ledger import Entry, Ledger
from agent.edge.log_memory import Window
from agent.edge.security_log import events

MOST_BYTES = 8 << 20
"""Of one member before it is packed; the newest part stays."""

CUT = b"[what is older was left out]\n"


def security_log(database: Path, window: Window) -> bytes:
    """JSON, an event a line, packed."""
    with closing(_reading(database)) as connection:
        return gzip.compress(newest(_lines(events(connection, *window))))


def diagnostics(database: Path, window: Window, pages: Mapping[str, bytes]) -> bytes:
    """An archive: pages about what happened and what is true now, the ledger without its messages, the security log."""
    archive = BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar, closing(_reading(database)) as connection:
        _add(tar, "security.jsonl", _lines(events(connection, *window)))
        _add(tar, "ledger.jsonl", _lines(_without_messages(Ledger(connection).entries())))
        for name, page in pages.items():
            _add(tar, name, page.splitlines(keepends=True))
    return archive.getvalue()


def _lines(found: Iterator[msgspec.Struct]) -> Iterator[bytes]:
    return (msgspec.json.encode(each) + b"\n" for each in found)


def _without_messages(entries: Iterator[Entry]) -> Iterator[Entry]:
    """What they say is for the CSMS: tokens stand in it."""
    return (msgspec.structs.replace(entry, message=None) for entry in entries)


def _add(tar: tarfile.TarFile, name: str, lines: Iterable[bytes]) -> None:
    content = newest(lines)
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, BytesIO(content))


def newest(lines: Iterable[bytes], most_bytes: int = MOST_BYTES) -> bytes:
    """As many of the last lines as there is room for; no more than that is ever held."""
    kept: deque[bytes] = deque()
    held = 0
    cut = False
    for line in lines:
        kept.append(line)
        held += len(line)
        while held > most_bytes:
            held -= len(kept.popleft())
            cut = True
    return CUT * cut + b"".join(kept)


def _reading(database: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
