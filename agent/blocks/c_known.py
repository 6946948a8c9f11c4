"""Block C: what is known here of a token, in the local list or else in the cache.  Grants nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from agent.blocks.base import Desk, entry_of
from agent.model.catalogue import (
    CACHE_AVAILABLE,
    CACHE_DISABLE_POST_AUTHORIZE,
    CACHE_ENABLED,
    CACHE_LIFE_TIME,
    CACHE_POLICY,
    LOCAL_LIST_AVAILABLE,
    LOCAL_LIST_DISABLE_POST_AUTHORIZE,
    LOCAL_LIST_ENABLED,
    LOCAL_LIST_SUPPORTS_EXPIRY,
)
from agent.ocpp.messages.common import IdTokenInfo
from agent.session.cache import PREFIX, Cached
from agent.session.tokens import Entry
from agent.vocabulary.values import Token

NOT_KEPT = ("NoAuthorization", "Central")
"""Types of which nothing is cached (C02.FR.03, C03.FR.02, C05.FR.02)."""


class Known(msgspec.Struct, frozen=True):
    """An entry, and whether the CSMS is to be asked when it gives no right (C10.FR.03, C12.FR.05, C14.FR.03)."""

    entry: Entry
    ask_again: bool

    @property
    def accepted(self) -> bool:
        """Whether it gives a right to charge."""
        return self.entry.accepted


class KnownTokens:
    """The list comes before the cache (C13.FR.01, C14.FR.01)."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def find(self, token: Token, wall: datetime) -> Known | None:
        """What is known of a token; None: it is an unknown one."""
        model = self._desk.model
        if model[LOCAL_LIST_AVAILABLE] and model[LOCAL_LIST_ENABLED]:
            entry = self._desk.local_list.find(token)
            if entry is not None and model[LOCAL_LIST_SUPPORTS_EXPIRY] and entry.lapsed(wall):
                # C13.FR.05, C13.FR.06, C14.FR.05: no right by it, and not unknown either
                return Known(msgspec.structs.replace(entry, status="Expired"), ask_again=True)
            if entry is not None:
                return Known(entry, not model[LOCAL_LIST_DISABLE_POST_AUTHORIZE])
        entry = self._desk.cache.find(token, wall, model[CACHE_LIFE_TIME]) if self.cache_enabled else None
        self._write()
        return None if entry is None else Known(entry, not model[CACHE_DISABLE_POST_AUTHORIZE])

    def used(self, token: Token) -> None:
        """What is known of it helped; the cache keeps what is used."""
        self._desk.cache.use(token)
        self._write()

    def learn(self, token: Token, info: IdTokenInfo, wall: datetime) -> None:
        """The CSMS said what it thinks of a token (C10.FR.01, C10.FR.04, C10.FR.05, C12.FR.06)."""
        if self.cache_enabled and token.kind not in NOT_KEPT:  # C10.FR.11
            self.keep(token, entry_of(info), wall)

    def keep(self, token: Token, entry: Entry, wall: datetime) -> None:
        """Put an entry into the cache."""
        self._desk.cache.put(token, entry, wall, self._desk.model[CACHE_POLICY])
        self._write()

    def clear(self) -> bool:
        """Empty the cache; False: there is none in use (C11.FR.04)."""
        if not self.cache_enabled:
            return False
        self.forget_all()
        return True

    def forget_all(self) -> None:
        """Nobody is known by the cache any more."""
        self._desk.cache.clear()
        self._write()

    def take_up(self, records: Mapping[str, bytes]) -> None:
        """What the cache held when the power went (C10.FR.02)."""
        found: dict[str, Cached] = {}
        for key, record in records.items():
            cached = self._desk.read_record(key, record, Cached) if key.startswith(PREFIX) else None
            if cached is not None:
                found[key] = cached
        self._desk.cache.take_up(found)

    @property
    def cache_enabled(self) -> bool:
        """Whether there is a cache, and it is in use."""
        return self._desk.model[CACHE_AVAILABLE] and self._desk.model[CACHE_ENABLED]

    def _write(self) -> None:
        for change in self._desk.cache.take_changes():
            self._desk.tell(change)
