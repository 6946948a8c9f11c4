"""The moments at which the power may go, and the blade that waits for one of them.  Knows no file and no station."""

import os
import signal
from collections.abc import Callable

import msgspec

INSTANT = "at any instant"

MOMENTS: dict[str, int] = {
    "batch handed in": 40,
    "before BEGIN": 40,
    "between two writes": 120,
    "before COMMIT": 40,
    "after COMMIT, nobody told": 40,
    "after being told": 30,
    "frame sent": 40,
    "frame heard": 40,
    "before rows are read": 4,
    "after rows are read": 4,
    "before a write to the WAL": 300,
    "before a sync of the WAL": 40,
    "after a sync of the WAL": 40,
    "before a write to the database": 30,
    "before a sync of the database": 3,
    "after a sync of the database": 3,
}
"""Each with the highest number that is worth waiting for in one life."""


class Orders(msgspec.Struct, frozen=True):
    """What a station's process is told beyond its command line.

    Args:
        traces: folder for what it leaves behind for the harness.
        moment: where to cut; None: nowhere.
        nth: at which occurrence.
        constants: "module:NAME" -> value; makes what is rare in a short life frequent.
        most_events: budget of the ledger; None: as the board has it.
        clock_known: the system's clock agrees with a time server.
        broken: the name of a fault of ``broken.py`` to be built in.

    """

    traces: str
    moment: str | None = None
    nth: int = 1
    constants: dict[str, int] = {}
    most_events: int | None = None
    clock_known: bool = False
    broken: str | None = None


class Blade:
    """Cuts at the n-th moment of a kind; tells ``last_word`` first.  Any thread may pass."""

    def __init__(self, moment: str | None, nth: int, last_word: Callable[[str], None]) -> None:
        assert moment is None or moment in MOMENTS, moment
        self._moment = moment
        self._left = nth
        self._last_word = last_word

    def at(self, moment: str) -> None:
        """This is happening now."""
        if moment == self._moment:
            self._left -= 1
            if self._left == 0:
                self._last_word(moment)
                os.kill(os.getpid(), signal.SIGKILL)
