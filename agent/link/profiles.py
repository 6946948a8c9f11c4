"""Which network profile is tried next: NetworkConfigurationPriority and what became of the attempts.  Connects nothing.

A round gives every entry of the list its attempts (B10.FR.03), then the profile that worked last (B10.FR.07), and then
begins again with the first entry (B10.FR.08): nothing ever ends the trying (B10.FR.09).  After a connection that stood
the round begins with the profile it stood on: a short loss is no reason to go to another CSMS.
"""

from __future__ import annotations

from collections import deque

from agent.vocabulary import NetworkProfile


class Profiles:
    """``current`` is the profile of the next attempt; None where nobody has said where the CSMS is."""

    def __init__(self) -> None:
        self.attempts = 3
        self.current: NetworkProfile | None = None
        self.stood: NetworkProfile | None = None
        self._entries: tuple[NetworkProfile, ...] = ()
        self._good: NetworkProfile | None = None
        self._next: deque[NetworkProfile] = deque()
        self._failures = 0

    def use(self, entries: tuple[NetworkProfile, ...], good: NetworkProfile | None) -> None:
        """The list, first choice first, and the profile that worked last.  A connection that stands is kept."""
        self._entries, self._good = entries, good
        self._next.clear()
        if self.stood is None or self.current != self.stood:
            self._failures = 0
            self._refill()
            self.current = self._next.popleft() if self._next else None

    def opened(self) -> bool:
        """The attempt succeeded; returns whether with another profile than the connection before (B10.FR.10)."""
        switched = self.stood is not None and self.stood != self.current
        self.stood = self._good = self.current
        self._failures = 0
        self._next = deque(entry for entry in self._entries if entry != self.current)
        return switched

    def failed(self) -> None:
        """The attempt failed: once more, or the next profile's turn."""
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
