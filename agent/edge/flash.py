"""How much was written to flash, today and since power-on: what the kernel says this thread wrote.  Saves nothing."""

from __future__ import annotations

import logging
import time
from pathlib import Path

log = logging.getLogger(__name__)

THREAD_IO = Path("/proc/thread-self/io")
DAY_S = 86_400
LOOK_EVERY_S = 1.0


class FlashMeter:
    """Asked after each commit; reads the kernel's counter at most once a second."""

    def __init__(self) -> None:
        self.commits = 0
        self.since_power_on_bytes = 0
        self.today_bytes = 0
        self.budget_bytes = 0
        self._told_day = -1
        self._counted = 0
        self._day = -1
        self._looked_at = float("-inf")

    def committed(self) -> None:
        """A commit is on disk; called in the thread that writes."""
        self.commits += 1
        now = time.monotonic()
        if now - self._looked_at >= LOOK_EVERY_S:
            self._looked_at = now
            self.look()

    def look(self) -> None:
        """Take the kernel's count."""
        written = _written_bytes()
        new, self._counted = max(0, written - self._counted), written
        day = int(time.time()) // DAY_S
        if day != self._day:
            self._day, self.today_bytes = day, 0
        self.today_bytes += new
        if self.budget_bytes and self.today_bytes > self.budget_bytes and self._told_day != day:
            self._told_day = day
            log.warning("! %d bytes went to flash today, over the budget of %d", self.today_bytes, self.budget_bytes)
        self.since_power_on_bytes += new


def _written_bytes() -> int:
    """Bytes that this thread caused to be sent to storage; 0 where the kernel does not count them."""
    try:
        lines = THREAD_IO.read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("write_bytes:")), 0)
