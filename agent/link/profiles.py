"""Which network profile is tried next: NetworkConfigurationPriority and what became of the attempts.  Connects nothing.

A round gives every entry of the list its attempts (B10.FR.03), then the profile that worked last (B10.FR.07), and then
begins again with the first entry (B10.FR.08): nothing ever ends the trying (B10.FR.09).  After a connection that stood
the round begins with the profile it stood on: a short loss is no reason to go to another CSMS.
"""

from __future__ import annotations

from collections import deque

from agent.vocabulary.values import NetworkProfile


class Profiles:
    """``current`` is the profile of the next attempt; None where nobody has said where the CSMS is."""

    def __init__(self) -> None:
        self.attempts = 3
        self.current: NetworkProfile | None = None
        self._entries: tuple[NetworkProfile, ...] = ()
        self._good: NetworkProfile | None = None
        self._next: deque[NetworkProfile] = deque()
        self._failures = 0
        self._stood: NetworkProfile | None = None
        self._stands = self._works = False

    def use(self, entries: tuple[NetworkProfile, ...], good: NetworkProfile | None) -> None:
        """The list, first choice first, and the profile that worked last.  A connection that stands is kept."""
        self._entries, self._good = entries, good
        self._next.clear()
        if not self._stands:
            self._failures = 0
            self._refill()
            self.current = self._next.popleft() if self._next else None

    def opened(self) -> bool:
        """The connection stands; returns whether by another profile than the one before (B10.FR.10)."""
        switched = self._stood is not None and self._stood != self.current
        self._stood, self._stands, self._works = self.current, True, False
        return switched

    def works(self) -> None:
        """The CSMS has accepted us."""
        self._good, self._works, self._failures = self.current, True, 0
        self._next = deque(entry for entry in self._entries if entry != self.current)

    def closed(self) -> None:
        """No connection came about, or it is gone: one by which nobody accepted us was a failed attempt as well."""
        worked, self._stands, self._works = self._works, False, False
        if worked:
            return
        self._failures += 1
        if self._failures >= self.attempts:
            self._failures = 0
            if not self._next:
                self._refill()
            if self._next:
                self.current = self._next.popleft()

    def _refill(self) -> None:
        self._next.extend(self._entries)
        if self._good is not None:
            self._next.append(self._good)
