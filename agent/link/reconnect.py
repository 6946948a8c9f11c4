"""When to try again: the back-off of OCPP-J 5.3.  Connects nothing; its chance is given to it."""

from __future__ import annotations

from random import Random


class Reconnect:
    """First at once, then the minimum plus chance, doubling for the given number of times."""

    def __init__(self, entropy: Random) -> None:
        self._entropy = entropy
        self._failures = 0
        self._attempt_at: float | None = None
        self.minimum_s = 5.0
        self.random_s = 10.0
        self.doublings = 5

    def start(self, mono: float, *, spread: bool = False) -> None:
        """Power is on: the first attempt is now, or ``spread`` at random, as Part 4, 8.2 has it also for the first.

        After a blackout all stations of a street wake up in the same second.
        """
        self._attempt_at = mono + (self._entropy.uniform(0.0, self.random_s) if spread else 0.0)

    def opened(self) -> None:
        """The connection stands."""
        self._failures = 0
        self._attempt_at = None

    def lost(self, mono: float) -> float:
        """The connection is gone or was not made; returns the wait until the next attempt."""
        wait_s: float = self.minimum_s * 2 ** min(self._failures, self.doublings)
        wait_s += self._entropy.uniform(0.0, self.random_s)
        self._failures += 1
        self._attempt_at = mono + wait_s
        return wait_s

    def take_attempt(self, mono: float) -> bool:
        """Whether to connect now; says so once."""
        if self._attempt_at is None or mono < self._attempt_at:
            return False
        self._attempt_at = None
        return True

    def next_deadline(self) -> float | None:
        """When the next attempt is due."""
        return self._attempt_at
