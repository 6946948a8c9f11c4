"""The newest lines of the log, for whoever asks what happened.  Writes no file."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime

MOST_BYTES = 128 << 10

Window = tuple[datetime | None, datetime | None]
"""The oldest and the latest time that are of interest; None: no bound."""


class LogMemory(logging.Handler):
    """As many lines as fit; it outlives the station's power, not the process."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._lines: deque[tuple[float, str]] = deque()
        self._bytes = 0

    def emit(self, record: logging.LogRecord) -> None:
        line = record.getMessage()
        self._lines.append((record.created, line))
        self._bytes += len(line)
        while self._bytes > MOST_BYTES:
            self._bytes -= len(self._lines.popleft()[1])

    def lines(self) -> Iterator[tuple[datetime, str]]:
        """Each with its time (of the system's clock), oldest first."""
        for created, line in tuple(self._lines):
            yield datetime.fromtimestamp(created, UTC), line

    def text(self, window: Window) -> bytes:
        """The lines of a time window."""
        oldest, latest = window
        lines = []
        for at, line in self.lines():
            if (oldest is None or at >= oldest) and (latest is None or at <= latest):
                lines.append(f"{at:%FT%T}.{at.microsecond // 1000:03}Z {line}\n")
        return "".join(lines).encode()
