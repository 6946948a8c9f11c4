"""Reservations: which EVSE is kept for whom, and who may begin where.  Sends nothing and knows no message.

A reservation names an EVSE, a type of connector, or neither.  What names no EVSE binds none of them until so few are
free that each is needed: then all that could serve it are reserved (H01.FR.07, H01.FR.09, H01.FR.20, H01.FR.24).
Source: OCPP 2.0.1 Part 2, H, with the errata of 2025-09.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime

import msgspec

from agent.session.evse import Evse
from agent.vocabulary.values import Token


class Reservation(msgspec.Struct, frozen=True):
    """Kept for a token, or one of its group.  ``evse`` 0: any; ``connector_type`` None: whatever it has."""

    id: int
    token: Token
    expires_at: datetime
    group: Token | None = None
    evse: int = 0
    connector_type: str | None = None

    def is_for(self, token: Token | None, group: Token | None) -> bool:
        """Whether this is who it is kept for (H03.FR.01 to H03.FR.06)."""
        return self.token.same(token) or (self.group is not None and self.group.same(group))

    def fits(self, evse: Evse) -> bool:
        """Whether this EVSE could serve it."""
        if self.evse:
            return self.evse == evse.id
        types = {connector.layout.type for connector in evse.connectors.values()}
        return self.connector_type is None or self.connector_type in types


class Reservations:
    """All of a station.  ``enabled`` False: they are kept, and nobody is held up by them."""

    def __init__(self, evses: Mapping[int, Evse]) -> None:
        self._evses = evses
        self._held: dict[int, Reservation] = {}
        self._used: dict[Token, Reservation] = {}
        self._reserved: frozenset[int] = frozenset()
        self.enabled: Callable[[], bool] = lambda: True

    def __iter__(self) -> Iterator[Reservation]:
        return iter(tuple(self._held.values()))

    def get(self, id: int) -> Reservation | None:
        """The one of this number."""
        return self._held.get(id)

    def put(self, reservation: Reservation) -> None:
        """Keep it, in place of the one of its number (H01.FR.02)."""
        self._held[reservation.id] = reservation

    def drop(self, id: int) -> Reservation | None:
        """It is over."""
        return self._held.pop(id, None)

    # ---- who may begin where ----

    def reserves(self, evse: Evse) -> bool:
        """Whether this EVSE is kept for somebody who is not there yet."""
        if not self._held or not self.enabled():
            return False
        if any(each.evse == evse.id for each in self._held.values()):
            return True
        pool = self._pool()
        return evse in pool and not _served(self._anywhere(), [each for each in pool if each is not evse])

    def admits(self, evse: Evse, token: Token | None, group: Token | None) -> bool:
        """Whether this token may begin here: nobody else waits for it, or it is kept for this one."""
        if not self.reserves(evse):
            return True
        return any(each.fits(evse) and each.is_for(token, group) for each in self._held.values())

    def has_room_for(self, wanted: Reservation) -> bool:
        """Whether one EVSE more can be kept free."""
        others = [each for each in self._anywhere() if each.id != wanted.id]
        pool = self._pool(but_for=wanted.id)
        if not wanted.evse:
            return _served([*others, wanted], pool)
        free = [each for each in pool if each.id != wanted.evse]
        return len(free) < len(pool) and _served(others, free)

    def use(self, token: Token, group: Token | None = None, evse_id: int = 0) -> Reservation | None:
        """Whom it is kept for is there: it is used up (H03.FR.09), and remembered for his transaction."""
        self._used.pop(token, None)
        if not self._held or not self.enabled():
            return None
        matching = [
            each
            for each in self._held.values()
            if each.is_for(token, group) and (not evse_id or each.fits(self._evses[evse_id]))
        ]
        found = min(matching, key=lambda each: (each.evse == 0, each.id), default=None)
        if found is not None:
            del self._held[found.id]
            self._used[token] = found
        return found

    def used_by(self, token: Token | None) -> Reservation | None:
        """What this token has used up and not begun with yet."""
        return None if token is None else self._used.get(token)

    def take_used(self, token: Token) -> Reservation | None:
        """The same, once."""
        return self._used.pop(token, None)

    def look(self) -> None:
        """What is reserved now stays so when a vehicle comes that nobody has a right for (G03.FR.09)."""
        if not self._held:
            self._reserved = frozenset()
            return
        for _ in self._evses:  # an EVSE that becomes free takes over from one that is occupied
            before = self._reserved
            self._reserved = frozenset(evse.id for evse in self._evses.values() if self.reserves(evse))
            if self._reserved == before:
                return

    def _anywhere(self) -> list[Reservation]:
        return [each for each in self._held.values() if not each.evse]

    def _pool(self, but_for: int | None = None) -> list[Evse]:
        """EVSEs that are free for what names none."""
        kept = {each.evse for each in self._held.values() if each.id != but_for}
        return [evse for evse in self._evses.values() if evse.id not in kept and self._is_free(evse)]

    def _is_free(self, evse: Evse) -> bool:
        if evse.authorization is not None or not evse.serves(evse.plugged):
            return False
        if evse.id in self._reserved:
            return True
        occupied = any(connector.cable_in for connector in evse.connectors.values())
        return evse.plugged is None and evse.transaction is None and not occupied


def _served(wanted: Iterable[Reservation], pool: list[Evse]) -> bool:
    """Whether each can have an EVSE of its own: augmenting paths, for a handful of both."""
    holder: dict[int, Reservation] = {}

    def place(reservation: Reservation, tried: set[int]) -> bool:
        for evse in pool:
            if evse.id in tried or not reservation.fits(evse):
                continue
            tried.add(evse.id)
            if evse.id not in holder or place(holder[evse.id], tried):
                holder[evse.id] = reservation
                return True
        return False

    return all(place(each, set()) for each in wanted)
