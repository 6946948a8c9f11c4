"""What the link asks of the connection: open it, say this, ping, close it.  No behaviour."""

from __future__ import annotations

import msgspec

from agent.link.disk import Answered, Park, ReadRows, Refused, Thin
from agent.vocabulary.values import NetworkProfile


class Connect(msgspec.Struct, frozen=True):
    """Open the connection, by this profile; None: as the station was provisioned."""

    profile: NetworkProfile | None = None


class Transmit(msgspec.Struct, frozen=True):
    """Send this text."""

    frame: str


class Ping(msgspec.Struct, frozen=True):
    """Send a WebSocket ping; ``receive_pong`` when it is answered."""


class Disconnect(msgspec.Struct, frozen=True):
    """Close the connection: it is dead, or of no use."""

    reason: str


LinkCommand = Connect | Transmit | Ping | Disconnect | Answered | Refused | Park | ReadRows | Thin
"""All that a link asks for: of the connection, and of the disk."""
