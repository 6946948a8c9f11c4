"""One moment, two cards and a socket, for the tests of what charging means.  No behaviour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from agent.session.connector import ConnectorLayout
from agent.vocabulary.values import Now, Token

START = datetime(2026, 1, 1, tzinfo=UTC)
ALICE, BOB = Token("04AABBCC"), Token("04DDEEFF")
SOCKET = ConnectorLayout(1, "sType2", attached=False, has_lock=True)


def at(seconds: float = 0.0) -> Now:
    """So long after the start."""
    return Now(START + timedelta(seconds=seconds), 1000.0 + seconds)
