"""The EVSEs of a station together: which one a token or a call means.  Sends nothing."""

from __future__ import annotations

from agent.session.evse import Evse, EvseLayout
from agent.vocabulary import Token


class Site:
    """All EVSEs, and what the station as a whole is set to."""

    def __init__(self, layouts: tuple[EvseLayout, ...]) -> None:
        self.evses = {layout.id: Evse(layout) for layout in layouts}
        self.operative = True

    def set_operative(self, operative: bool) -> None:
        """Open or close the whole station; each EVSE keeps its own setting (G04.FR.08)."""
        self.operative = operative
        for evse in self.evses.values():
            evse.station_operative = operative

    def with_transaction(self, transaction_id: str) -> Evse | None:
        """The EVSE on which this transaction runs."""
        for evse in self.evses.values():
            if evse.transaction is not None and evse.transaction.id == transaction_id:
                return evse
        return None

    def running(self) -> list[Evse]:
        """EVSEs with a transaction."""
        return [evse for evse in self.evses.values() if evse.transaction is not None]

    def covered_by(self, token: Token, group: Token | None = None, evse_id: int = 0) -> Evse | None:
        """The EVSE whose authorization this token may end."""
        for evse in self._among(evse_id):
            if evse.authorization is not None and evse.authorization.covers(token, group):
                return evse
        return None

    def free_for(self, token: Token | None, evse_id: int = 0, allowed: tuple[int, ...] = ()) -> Evse | None:
        """Where a new authorization goes: where a vehicle waits for one, where one stands, else the first that is free.

        ``token`` None: only where no transaction was authorized before.
        """
        candidates = [
            evse for evse in self._among(evse_id) if evse.open_to(token) and (not allowed or evse.id in allowed)
        ]
        return max(candidates, key=lambda evse: (evse.plugged is not None, evse.bay_occupied, -evse.id), default=None)

    def movable_to(self, target: Evse) -> Evse | None:
        """The EVSE whose driver plugged in at ``target`` instead: authorized, not pinned, without a vehicle."""
        for evse in self.evses.values():
            right = evse.authorization
            if right is None or right.pinned or evse.plugged is not None or evse is target:
                continue
            if not right.good_at(target.id):
                continue
            if target.open_to(right.token) and (evse.transaction is None or target.transaction is None):
                return evse
        return None

    def holding_for(self, token: Token, evse_id: int = 0) -> Evse | None:
        """The EVSE that keeps the cable of this driver, who has no right there any more."""
        for evse in self._among(evse_id):
            held = any(token.same(connector.held_for) for connector in evse.connectors.values())
            if held and evse.authorization is None:
                return evse
        return None

    def _among(self, evse_id: int) -> list[Evse]:
        if evse_id == 0:
            return list(self.evses.values())
        return [self.evses[evse_id]] if evse_id in self.evses else []
