"""The liveness token: fed by the agent while it works, looked at by whoever keeps a board awake.  Feeds nothing.

A keep-alive that goes on when the agent hangs would keep the power on with nobody in charge: a driver with a thread of
its own sends it only while the token is fresh.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

FEED_EVERY_S = 1.0
"""How often a working agent feeds it, where a driver wants it: an agent that has nothing to do wakes up for it."""

FRESH_FOR_S = 2.0
"""A turn of the agent takes milliseconds; what takes this long is no turn any more."""


class Liveness:
    """One a station.  One thread writes, any may read: a float is replaced as a whole."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._fed_mono = float("-inf")

    def feed(self) -> None:
        """The agent works."""
        self._fed_mono = self._clock()

    def fresh(self, within_s: float = FRESH_FOR_S) -> bool:
        """Whether it has been fed lately."""
        return self._clock() - self._fed_mono <= within_s
