"""The local authorization list: its version, what changes it, and how a token is found in it.  Does not hold it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from agent.session.tokens import Entry, key_of
from agent.vocabulary.commands import ChangeLocalList
from agent.vocabulary.values import Token

Read = Callable[[bytes], bytes | None]
"""Looks up what is stored under a key, at once."""


class ListState(msgspec.Struct, frozen=True):
    """What is remembered beside the entries.  ``version`` 0: no list was ever installed (D02.FR.02)."""

    version: int = 0
    entries: int = 0
    bytes: int = 0


class LocalList:
    """The entries stay where they are; ``read`` is the port through which one of them is looked up."""

    def __init__(self, most_entries: int, most_bytes: int) -> None:
        self._most_entries = most_entries
        self._most_bytes = most_bytes
        self.state = ListState()
        self.read: Read = lambda key: None

    def find(self, token: Token) -> Entry | None:
        """What the list says of this token."""
        stored = self.read(key_of(token))
        if stored is None:
            return None
        try:
            return msgspec.json.decode(stored, type=Entry)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None

    def full(self, version: int, entries: Mapping[bytes, Entry]) -> ChangeLocalList | None:
        """A new list in place of the present one; None: there is no room for it."""
        put = tuple((key, msgspec.json.encode(entry)) for key, entry in entries.items())
        state = ListState(version, len(put), sum(_size(key, stored) for key, stored in put))
        return self._change(state, ChangeLocalList(replace=True, put=put))

    def differential(self, version: int, entries: Mapping[bytes, Entry | None]) -> ChangeLocalList | None:
        """Entries that are new or other, or (None) gone; None: there is no room for them."""
        put, drop = [], []
        count, size = self.state.entries, self.state.bytes
        for key, entry in entries.items():
            before = self.read(key)
            if before is not None:
                count, size = count - 1, size - _size(key, before)
            if entry is None:
                drop.append(key)
                continue
            stored = msgspec.json.encode(entry)
            put.append((key, stored))
            count, size = count + 1, size + _size(key, stored)
        state = ListState(version, count, size)
        return self._change(state, ChangeLocalList(replace=False, put=tuple(put), drop=tuple(drop)))

    def _change(self, state: ListState, change: ChangeLocalList) -> ChangeLocalList | None:
        if state.entries > self._most_entries or state.bytes > self._most_bytes:
            return None
        self.state = state
        return change


def _size(key: bytes, stored: bytes) -> int:
    return len(key) + len(stored)
