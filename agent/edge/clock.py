"""The clocks: monotonic for timeouts, wall time for reports, set by the CSMS without touching the system's."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

from agent.vocabulary.times import time_of
from agent.vocabulary.values import Now

log = logging.getLogger(__name__)

TRUSTED_DRIFT_S = 1.0
"""A difference this small is no error of the clock: a CSMS may tell whole seconds."""

FIRST_TICK_S = 0.001
"""What is stamped in a start whose time is not known is later than everything that an earlier start stored."""

EARLIEST = datetime(2025, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)
"""What lies outside is no time of day: a CSMS whose own clock was never set, or that plays tricks."""


SYNCHRONIZED = Path("/run/systemd/timesync/synchronized")
"""Made by systemd when the system's clock agrees with a time server."""


class Clock:
    """Wall time runs with the monotonic clock from where it was set last: no jump moves it.

    ``known`` is False until the system says that its clock is synchronized, or the CSMS has told the time: a board
    without a battery wakes up at some time of its own.  What is stamped until then is provisional.  ``since`` is the
    first moment that this start can have stamped.
    """

    def __init__(
        self,
        last_known: datetime | None = None,
        *,
        system_s: Callable[[], float] = time.time,
        mono_s: Callable[[], float] = time.monotonic,
        synchronized: Path = SYNCHRONIZED,
    ) -> None:
        self._system_s, self._mono_s, self._synchronized = system_s, mono_s, synchronized
        self._floor = EARLIEST if last_known is None else max(EARLIEST, last_known)
        wall_s, known = system_s(), synchronized.exists()
        if last_known is not None and wall_s < last_known.timestamp():
            wall_s, known = last_known.timestamp() + FIRST_TICK_S, False  # without a battery: at least not backwards
        self._ahead_s = wall_s - mono_s()
        self.since = self.now().wall
        self._told: date | None = None
        self.known = known

    def now(self) -> Now:
        """This moment, to the millisecond (OCPP allows three decimals)."""
        mono = self._mono_s()
        return Now(time_of(round((mono + self._ahead_s) * 1000)), mono)

    def system(self) -> datetime | None:
        """The time of the system, when a time server keeps it; None where nobody vouches for it.

        One look at the file system: asked when it matters, that is before something is stamped with a time that is not
        known, and when the CSMS tells another.  A time before the last that was known is none: see ``known``.
        """
        if not self._synchronized.exists():
            return None
        wall = datetime.fromtimestamp(self._system_s(), UTC)
        return wall if self._floor <= wall < LATEST else None

    def doubt(self) -> None:
        """The system's time is not to be trusted, whoever keeps it."""
        self.known = False

    def set(self, wall: datetime, took_s: float = 0.0) -> float:
        """It is this time, as somebody says whose answer took so long; returns by how many seconds the clock was moved.

        The answer was under way for half of that time, more or less: a smaller difference is no reason to step.
        """
        if not EARLIEST <= wall < LATEST:
            self._refuse(wall)
            return 0.0
        self.known = True
        ahead_s = wall.timestamp() + took_s / 2 - self._mono_s()
        moved_s = ahead_s - self._ahead_s
        if abs(moved_s) <= TRUSTED_DRIFT_S + took_s / 2:
            return 0.0
        self._ahead_s = ahead_s
        return moved_s

    def _refuse(self, wall: datetime) -> None:
        if wall.date() != self._told:  # every heartbeat brings it again
            self._told = wall.date()
            log.warning(
                "! the CSMS says that it is %s: not taken, %s to %s can be", wall, EARLIEST.date(), LATEST.date()
            )
