"""The EVSEs of a station together: which one a token or a call means.  Sends nothing."""

from __future__ import annotations

from datetime import datetime

import msgspec

from agent.session.evse import Evse
from agent.session.layout import EvseLayout
from agent.session.limits import bound_of
from agent.session.reservation import Reservations
from agent.vocabulary.facts import Fact
from agent.vocabulary.incoming import LimitSet
from agent.vocabulary.values import ClockShift, Now, Token


class KeptLimit(msgspec.Struct, frozen=True):
    """A limit that was set for good, as it outlives the power."""

    said: LimitSet
    since: datetime


class Site:
    """All EVSEs, and what the station as a whole is set to."""

    def __init__(self, layouts: tuple[EvseLayout, ...]) -> None:
        self.evses = {layout.id: Evse(layout) for layout in layouts}
        self.reservations = Reservations(self.evses)
        self.operative = True
        self._kept_limits: dict[str, KeptLimit] = {}

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

    def free_for(
        self,
        token: Token,
        evse_id: int = 0,
        allowed: tuple[int, ...] = (),
        *,
        group: Token | None = None,
        anew: bool = False,
    ) -> Evse | None:
        """Where a new authorization goes: what was reserved for it, where a vehicle waits, else the first that is free.

        ``anew``: only where no transaction was authorized before.
        """
        used = self.reservations.used_by(token)
        candidates = [
            evse
            for evse in self._among(evse_id)
            if evse.open_to(None if anew else token)
            and (not allowed or evse.id in allowed)
            and ((used is not None and used.fits(evse)) or self.reservations.admits(evse, token, group))
        ]
        return max(
            candidates,
            key=lambda evse: (
                used is not None and used.fits(evse),
                evse.plugged is not None,
                evse.bay_occupied,
                -evse.id,
            ),
            default=None,
        )

    def movable_to(self, target: Evse) -> Evse | None:
        """The EVSE whose driver plugged in at ``target`` instead: authorized, not pinned, without a vehicle."""
        for evse in self.evses.values():
            right = evse.authorization
            if right is None or right.pinned or evse.plugged is not None or evse is target:
                continue
            if not right.good_at(target.id) or not self.reservations.admits(target, right.token, right.group):
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

    # ---- limits ----

    def limit(self, said: LimitSet, now: Now) -> list[Fact]:
        """An installer, a technician or the building limits an EVSE, or lets go of his limit."""
        evse = self.evses[said.evse]
        lifts = said.limit_a is None and said.phases is None
        facts = evse.limit(said.source, None if lifts else bound_of(said.limit_a, said.phases), now, said.lease_s)
        self._kept_limits.pop(limit_key(said), None)
        held = evse.limits.said_by(said.source)
        if held is not None and held.since is not None and not held.silent and held.until_mono is None:
            self._kept_limits[limit_key(said)] = KeptLimit(said, held.since)
        return facts

    def kept_limit(self, key: str) -> KeptLimit | None:
        """What is to be remembered under this key."""
        return self._kept_limits.get(key)

    def take_up_limit(self, kept: KeptLimit, now: Now) -> list[Fact]:
        """What was set for good before the power went; a source that has a lease by now must speak first."""
        evse = self.evses.get(kept.said.evse)
        terms = None if evse is None else evse.limits.terms_of(kept.said.source)
        if evse is None or (terms is not None and terms.lease_s is not None):
            return []
        return self.limit(kept.said, Now(kept.since, now.mono))

    def begin(self, now: Now) -> None:
        """The power is on: limits of the board file hold from now."""
        for evse in self.evses.values():
            evse.limits.begin(now)

    def next_deadline(self) -> float | None:
        """When the first lease of a limit runs out."""
        times = (evse.limits.next_deadline() for evse in self.evses.values())
        return min((time for time in times if time is not None), default=None)

    def expire(self, now: Now) -> list[Fact]:
        """Leases may have run out."""
        due = self.next_deadline()
        if due is None or now.mono < due:
            return []
        return [fact for evse in self.evses.values() for fact in evse.expire(now)]

    def move_times(self, shift: ClockShift) -> dict[str, KeptLimit]:
        """Since when limits hold was stamped by a clock that was wrong; what is to be remembered anew."""
        for key, kept in self._kept_limits.items():
            self._kept_limits[key] = msgspec.structs.replace(kept, since=shift.corrected(kept.since))
        return self._kept_limits

    def _among(self, evse_id: int) -> list[Evse]:
        if evse_id == 0:
            return list(self.evses.values())
        return [self.evses[evse_id]] if evse_id in self.evses else []


def limit_key(said: LimitSet) -> str:
    """Under which it is remembered."""
    return f"limit/{said.evse}/{said.source}"
