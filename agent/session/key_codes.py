"""How often key codes may be tried at a reader.  Knows no code."""

from __future__ import annotations

FREE_ATTEMPTS = 3
FIRST_PAUSE_S = 10.0
LONGEST_PAUSE_S = 600.0


class KeyCodePatience:
    """After some wrong codes in a row each further one makes the pause twice as long (C04.FR.06)."""

    def __init__(self) -> None:
        self._wrong: dict[int, int] = {}
        self._not_before: dict[int, float] = {}

    def may_try(self, reader: int, mono: float) -> bool:
        """Whether a code that is entered at this reader is looked at."""
        return mono >= self._not_before.get(reader, float("-inf"))

    def wrong(self, reader: int, mono: float) -> None:
        """It gave no right."""
        count = self._wrong[reader] = self._wrong.get(reader, 0) + 1
        if count >= FREE_ATTEMPTS:
            doublings = min(count - FREE_ATTEMPTS, 16)
            self._not_before[reader] = mono + min(FIRST_PAUSE_S * 2**doublings, LONGEST_PAUSE_S)

    def right(self, reader: int) -> None:
        """Somebody knew one."""
        self._wrong.pop(reader, None)
