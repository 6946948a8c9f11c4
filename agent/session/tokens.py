"""What is known here of a token without asking the CSMS: an entry of the local list or the cache.  Stores nothing."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

import msgspec

from agent.vocabulary.values import Token

KEY_BYTES = 16


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the CSMS said of a token.  ``evses`` empty: all of them (C01.FR.19)."""

    status: str
    group: Token | None = None
    evses: tuple[int, ...] = ()
    expires_at: datetime | None = None

    @property
    def accepted(self) -> bool:
        """Whether it gives a right to charge."""
        return self.status == "Accepted"

    def lapsed(self, wall: datetime) -> bool:
        """Whether its cacheExpiryDateTime has passed."""
        return self.expires_at is not None and wall > self.expires_at


def key_of(token: Token) -> bytes:
    """The name under which a token is kept: a hash, so that no identifier stands on disk (C10.FR.12)."""
    return sha256(f"{token.kind}\0{token.id.casefold()}".encode()).digest()[:KEY_BYTES]
