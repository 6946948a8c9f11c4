"""One connector: its lock, its cable, its availability.  Does not know what else is on the EVSE."""

from __future__ import annotations

import msgspec

from agent.vocabulary import Token


class ConnectorLayout(msgspec.Struct, frozen=True):
    """A connector as the board has it."""

    id: int = 1
    type: str = "cType2"
    attached: bool = True
    has_lock: bool = False


class Connector:
    """What is true of a connector now.

    ``held_for`` is whose cable is locked in: he alone gets it out, by identifying himself (E05.FR.11, E09.FR.03).
    """

    def __init__(self, layout: ConnectorLayout) -> None:
        self.layout = layout
        self.operative = True
        self.cable_limit_a: float | None = None
        self.lock_position = "moving"
        self.lock_wish: bool | None = None
        self.held_for: Token | None = None

    @property
    def id(self) -> int:
        """Number on the EVSE, from 1."""
        return self.layout.id

    @property
    def cable_in(self) -> bool:
        """A cable of a driver's own is in the socket, whether or not a vehicle is at its other end."""
        return not self.layout.attached and self.cable_limit_a is not None

    def hold(self, owner: Token) -> None:
        """Lock the cable in for its owner, where there is something to lock."""
        if self.layout.has_lock and not self.layout.attached:
            self.held_for = owner

    @property
    def secured(self) -> bool:
        """The plug cannot be pulled under load, as far as the part can tell (G05.FR.01)."""
        if self.layout.attached or not self.layout.has_lock:
            return True
        return self.lock_wish is True and self.lock_position in ("locked", "unknown")

    @property
    def locking(self) -> bool:
        """The lock is on its way, or about to be."""
        return self.held_for is not None and (self.lock_wish is not True or self.lock_position == "moving")

    def wish_lock(self, wish: bool) -> bool:
        """Note what is wanted of the lock; whether that is new."""
        if wish == self.lock_wish:
            return False
        self.lock_wish, self.lock_position = wish, "moving"
        return True
