"""The security log for a technician: its newest events, from the file.  Writes nothing."""

from __future__ import annotations

import sqlite3
from collections import deque
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from agent.edge.security_log import LoggedEvent, events
from agent.errors import BenchRefused
from agent.vocabulary.times import time_text


class SecurityLogAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``security_log``: so many of the newest events."""

    limit: Annotated[int, Meta(ge=1, le=5000)] = 50


def newest(database: Path, asked: SecurityLogAsked) -> dict[str, Any]:
    """What ``security_log`` says, oldest first; reads the file, so not in the loop.

    Raises:
        BenchRefused: the file cannot be read.

    """
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            logged = deque(events(connection), maxlen=asked.limit)
    except sqlite3.Error as error:
        raise BenchRefused(f"the security log cannot be read: {error}") from None
    return {"events": [_event_status(event) for event in logged]}


def _event_status(event: LoggedEvent) -> dict[str, Any]:
    return {
        "id": event.id,
        "at": time_text(event.at),
        "time_known": not event.provisional,
        "type": event.type,
        "info": event.tech_info or None,
    }
