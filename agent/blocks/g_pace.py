"""How often a thing that flaps is told.  Knows no message; what has to wait is told when it may be."""

from __future__ import annotations

BURST = 20
"""How often at once; no vehicle, driver or CSMS comes near it."""

PACE_S = 10.0
"""Then once in this time."""


class Pace:
    """The pace of one connector."""

    def __init__(self) -> None:
        self._spent_until = float("-inf")

    def may_at(self) -> float:
        """From when on (monotonic) it may be told again."""
        return self._spent_until - (BURST - 1) * PACE_S

    def spend(self, mono: float) -> None:
        """It was told."""
        self._spent_until = max(self._spent_until, mono) + PACE_S
