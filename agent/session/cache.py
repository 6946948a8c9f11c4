"""The authorization cache: what the CSMS said last of each token, within a bound.  Writes nothing itself.

Source: OCPP 2.0.1, C10; C10.FR.07: entries that give no right go first, then as the policy says.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from agent.session.tokens import Entry, key_of
from agent.vocabulary.commands import KeepRecord
from agent.vocabulary.values import Token

Policy = Literal["LRU", "LFU", "FIFO"]

PREFIX = "auth-cache/"


class Cached(msgspec.Struct, frozen=True):
    """An entry with its history.  ``first`` and ``last`` are turns: each put and each use is one."""

    entry: Entry
    updated_at: datetime
    first: int
    last: int
    uses: int = 0

    def order(self, policy: str) -> tuple[bool, int, int]:
        """The least one goes first."""
        by = {"LRU": (self.last, 0), "LFU": (self.uses, self.last), "FIFO": (self.first, 0)}
        return (self.entry.accepted, *by[policy])


class AuthorizationCache:
    """Held whole in memory, remembered one record an entry; ``take_changes`` says what is to be written."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._held: dict[str, Cached] = {}
        self._sizes: dict[str, int] = {}
        self._changes: list[KeepRecord] = []
        self._turn = 0
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._held)

    def take_up(self, records: Mapping[str, Cached]) -> None:
        """What was remembered, by the keys of the records."""
        for key, cached in records.items():
            self._keep(key, cached)
            self._turn = max(self._turn, cached.last + 1)
        self._changes = []

    def find(self, token: Token, wall: datetime, life_time_s: int) -> Entry | None:
        """What is known of a token; what is too old is forgotten (C10.FR.10, C10.FR.13)."""
        key = _record_of(token)
        cached = self._held.get(key)
        if cached is None:
            return None
        too_old = wall - cached.updated_at > timedelta(seconds=life_time_s) and cached.entry.expires_at is None
        if too_old or cached.entry.lapsed(wall):
            self._drop(key)
            return None
        return cached.entry

    def use(self, token: Token) -> None:
        """The token was presented, and what is known of it helped."""
        key = _record_of(token)
        cached = self._held.get(key)
        if cached is not None:
            self._keep(key, msgspec.structs.replace(cached, last=self._next_turn(), uses=cached.uses + 1))

    def put(self, token: Token, entry: Entry, wall: datetime, policy: str) -> None:
        """The CSMS said something of a token; what it wants forgotten it says has expired (C10.FR.13)."""
        key = _record_of(token)
        if entry.lapsed(wall):
            self._drop(key)
            return
        turn, known = self._next_turn(), self._held.get(key)
        if known is None:
            cached = Cached(entry, wall, turn, turn)
        else:
            cached = msgspec.structs.replace(known, entry=entry, updated_at=wall, last=turn)
        self._keep(key, cached)
        self._make_room(key, policy)

    def recall(self, token: Token) -> Cached | None:
        """All that is kept of a token, of use or not (N09)."""
        return self._held.get(_record_of(token))

    def drop(self, token: Token) -> None:
        """Forget this one (N10)."""
        self._drop(_record_of(token))

    def clear(self) -> None:
        """Forget everybody (C11)."""
        for key in list(self._held):
            self._drop(key)

    def take_changes(self) -> list[KeepRecord]:
        """What is to be written since the last call."""
        changes, self._changes = self._changes, []
        return changes

    def _make_room(self, newest: str, policy: str) -> None:
        while self.bytes > self._most_bytes and len(self._held) > 1:
            others = (key for key in self._held if key != newest)
            self._drop(min(others, key=lambda key: self._held[key].order(policy)))

    def _keep(self, key: str, cached: Cached) -> None:
        stored = msgspec.json.encode(cached)
        size = len(key) + len(stored)
        self.bytes += size - self._sizes.get(key, 0)
        self._held[key], self._sizes[key] = cached, size
        self._changes.append(KeepRecord(key, stored))

    def _drop(self, key: str) -> None:
        if self._held.pop(key, None) is not None:
            self.bytes -= self._sizes.pop(key)
            self._changes.append(KeepRecord(key, None))

    def _next_turn(self) -> int:
        self._turn += 1
        return self._turn


def _record_of(token: Token) -> str:
    return PREFIX + key_of(token).hex()
