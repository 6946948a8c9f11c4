"""One connector: its lock, its availability, its status for the CSMS.  Does not know what else is on the EVSE."""

from __future__ import annotations

import msgspec


class ConnectorLayout(msgspec.Struct, frozen=True):
    """A connector as the board has it."""

    id: int = 1
    type: str = "cType2"
    attached: bool = True
    has_lock: bool = False


class Connector:
    """What is true of a connector now."""

    def __init__(self, layout: ConnectorLayout) -> None:
        self.layout = layout
        self.operative = True
        self.cable_limit_a: float | None = None
        self.lock_position = "unknown"
        self.lock_wish: bool | None = None

    @property
    def id(self) -> int:
        """Number on the EVSE, from 1."""
        return self.layout.id
