"""Block K: what charging profiles allow each EVSE, reckoned only when that may have changed.  Installs none.

While the time of day is not known its clock runs on from the last moment of which something is stored, and profiles are
followed by that; when it is learned, what follows from it is reckoned anew at once.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from agent.blocks.base import Desk
from agent.blocks.k_ready import Readiness
from agent.blocks.k_remote_start import RemoteStarts
from agent.model.catalogue import SMART_CHARGING_ENABLED
from agent.session.composite import Grant, Outlook, Party
from agent.session.evse import Evse
from agent.session.limits import CSMS, Bound, bound_of
from agent.session.schedule import NEVER_MS, Lane, Profile, Track
from agent.vocabulary.times import ms_of, time_of
from agent.vocabulary.values import Now

CLOCK_MOVED_S = 0.5

Words = dict[str, tuple[Bound, datetime | None]]


class ProfileLimits:
    """The profiles as a source of limits, one word a profile; ``due_mono`` is when one of them says something else."""

    def __init__(self, desk: Desk, ready: Readiness, remote_starts: RemoteStarts) -> None:
        self._desk = desk
        self._ready = ready
        self._remote_starts = remote_starts
        self.priority: Callable[[Evse], int] = lambda evse: 0
        self.chosen: Callable[[Evse], int] = lambda evse: 0  # which schedule of several its vehicle follows
        self.wish: Callable[[Evse], Profile | None] = lambda evse: None  # what its vehicle says that it will draw
        self.due_mono: float | None = None
        self._circumstances: object = None
        self._clock_ahead_s = 0.0

    def outlook(self, now: Now) -> Outlook:
        """What is to be expected; where nobody is ready Relative profiles begin now (K08.FR.06)."""
        parties = []
        for evse in self._evses():
            party, wish = self._party(evse, self.chosen(evse), ms_of(now.wall.replace(microsecond=0))), self.wish(evse)
            parties.append(party if wish is None else party._replace(wish=Lane([Track(wish, None)])))
        return Outlook(parties, self._station())

    def offerable(self, schedule: int) -> Outlook:
        """What vehicles may be offered by this schedule of those that their profiles have (K15.FR.22)."""
        return Outlook([self._party(evse, schedule) for evse in self._evses()], self._station())

    def _evses(self) -> list[Evse]:
        """Who began first is served first."""
        return sorted(self._desk.site.evses.values(), key=lambda evse: self._ready.since_ms(evse) or NEVER_MS)

    def _station(self) -> Lane:
        return Lane(Track(each, None) for each in (self._desk.profiles.of_station() if self._enabled else ()))

    def profiles_of(self, evse: Evse) -> list[Profile]:
        """Those of this EVSE, the first that has a period counts."""
        transaction_id = None if evse.transaction is None else evse.transaction.id
        waiting = self._remote_starts.of(evse)
        installed = self._desk.profiles.of_evse(evse.id, transaction_id) if self._enabled else []
        return installed if waiting is None else [waiting, *installed]

    def look(self, now: Now) -> None:
        """Something may have changed that profiles depend on, or the time has come for another period."""
        ahead_s = now.wall.timestamp() - now.mono
        circumstances = self._look_around()
        moved = abs(ahead_s - self._clock_ahead_s) > CLOCK_MOVED_S
        due = self.due_mono is not None and now.mono >= self.due_mono
        if due or moved or circumstances != self._circumstances:
            self._circumstances, self._clock_ahead_s = circumstances, ahead_s
            self._apply(now)

    @property
    def _enabled(self) -> bool:
        return self._desk.model[SMART_CHARGING_ENABLED]

    def _look_around(self) -> object:
        """Everything but the time that what is allowed depends on."""
        if not self._desk.profiles and not self._remote_starts:
            return None
        each = tuple(
            (
                evse.could_give_power(),
                None if evse.transaction is None else evse.transaction.id,
                self._ready.since_ms(evse),
                self._remote_starts.of(evse),
                self.priority(evse),
                self.chosen(evse),
                evse.limits.beside(CSMS),
            )
            for evse in self._desk.site.evses.values()
        )
        return self._enabled, self._desk.profiles.version, each

    def _party(self, evse: Evse, schedule: int, asked_ms: int | None = None) -> Party:
        ready_ms = self._ready.since_ms(evse)
        start_ms = asked_ms if ready_ms is None else ready_ms
        lane = Lane(Track(each, start_ms, schedule) for each in self.profiles_of(evse))
        return Party(evse.layout, lane, roof_of(evse), evse.could_give_power(), self.priority(evse))

    def _apply(self, now: Now) -> None:
        at_ms = ms_of(now.wall)
        outlook = Outlook([self._party(evse, self.chosen(evse)) for evse in self._evses()], self._station())
        for party in outlook.parties:
            evse = self._desk.site.evses[party.layout.id]
            self._desk.facts.extend(evse.limit_by_profiles(_words(outlook, party, at_ms), now))
        next_ms = outlook.until_ms
        self.due_mono = None if next_ms >= NEVER_MS else now.mono + (next_ms - at_ms) / 1000


def roof_of(evse: Evse) -> Grant:
    """What everything but profiles allows."""
    beside = evse.limits.beside(CSMS)
    phases = evse.layout.phases_used(beside.phases)
    return Grant(min(beside.phase_a[:phases]), min(beside.phases, evse.layout.phases))


def _words(outlook: Outlook, party: Party, at_ms: int) -> Words:
    """What its own profile says, and what that of the station leaves it."""
    own, share = outlook.own_profile(party, at_ms), outlook.share(party, at_ms)
    words: Words = {}
    for lane, grant in ((party.lane, own), (outlook.station, share)):
        if grant is not None:
            until = None if lane.until_ms >= NEVER_MS else time_of(lane.until_ms)
            words[f"{CSMS}:{lane.leading}"] = bound_of(grant.limit_a, grant.phases), until
    return words
