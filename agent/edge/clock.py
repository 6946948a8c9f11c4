"""The clocks: monotonic for timeouts, wall time for reports, set by the CSMS without touching the system's."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from agent.vocabulary import Now

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TRUSTED_DRIFT_S = 1.0
"""A difference this small is the way of the message, not an error of the clock."""


class Clock:
    """Wall time runs with the monotonic clock from where it was set last: no jump moves it."""

    def __init__(self) -> None:
        self._ahead_s = time.time() - time.monotonic()

    def now(self) -> Now:
        """This moment, to the millisecond (OCPP allows three decimals)."""
        mono = time.monotonic()
        milliseconds = round((mono + self._ahead_s) * 1000)
        return Now(EPOCH + timedelta(milliseconds=milliseconds), mono)

    def set(self, wall: datetime) -> float:
        """The CSMS says that it is this time; returns by how many seconds the clock was moved."""
        ahead_s = wall.timestamp() - time.monotonic()
        moved_s = ahead_s - self._ahead_s
        if abs(moved_s) <= TRUSTED_DRIFT_S:
            return 0.0
        self._ahead_s = ahead_s
        return moved_s
