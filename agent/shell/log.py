"""The newest lines of the log for a technician who was not there when it happened.  Writes nothing."""

from __future__ import annotations

from collections import deque
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from agent.edge.log_memory import LogMemory
from agent.vocabulary.times import time_text


class LogAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``log``: so many of the newest lines that have ``text`` in them, whatever its case."""

    text: str = ""
    limit: Annotated[int, Meta(ge=1, le=5000)] = 50


def log_status(memory: LogMemory, asked: LogAsked) -> dict[str, Any]:
    """What ``log`` says, oldest first."""
    part = asked.text.casefold()
    lines = deque(((at, line) for at, line in memory.lines() if part in line.casefold()), maxlen=asked.limit)
    return {"lines": [{"at": time_text(at), "line": line} for at, line in lines]}
