"""One connector: its lock, its cable, its availability.  Does not know what else is on the EVSE."""

from __future__ import annotations

import msgspec

from agent.vocabulary.values import Token

LOCK_PATIENCE_S = 10.0
"""How long a lock may say nothing after it was told to lock."""


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
        self.lock_wished_mono = float("-inf")
        self.lock_failed = False
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

    def wish_lock(self, wish: bool, mono: float) -> bool:
        """Note what is wanted of the lock; whether that is new."""
        if wish == self.lock_wish:
            return False
        self.lock_wish, self.lock_position, self.lock_wished_mono = wish, "moving", mono
        return True

    @property
    def lock_answer_by_mono(self) -> float | None:
        """Until when the lock should have said that it locked; None: nothing is awaited."""
        locking = self.lock_wish is True and self.lock_position == "moving"
        return self.lock_wished_mono + LOCK_PATIENCE_S if locking else None

    def lock_disobeys(self, mono: float) -> bool | None:
        """Whether the lock is not where it was told to be; None: it may still be on its way."""
        if self.lock_position == "moving":
            by_mono = self.lock_answer_by_mono
            return True if by_mono is not None and mono >= by_mono else None
        known = self.lock_wish is not None and self.lock_position != "unknown"
        return known and (self.lock_position == "locked") is not self.lock_wish
