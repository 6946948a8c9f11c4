"""Every current limit of an EVSE: its source, its lease, its fallback.  What is in force is the least, phase by phase.

A source speaks for a time (its lease) or for good.  When its lease runs out, or it is known to be gone, its fallback
holds until it speaks again; without a fallback nothing of it is left.  Knows no hardware and no message.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from math import inf

import msgspec

from agent.vocabulary.values import ClockShift, Now

PHASES = ("L1", "L2", "L3")

BOARD, CABLE, TEMPERATURE, LOCAL, SITE, CSMS = SOURCES = ("board", "cable", "temperature", "local", "site", "csms")
"""Who limits: the wiring, the cable, heat (one a spot, ``temperature:inlet``), the installer or a technician, the
building, the CSMS (one a profile, ``csms:TxProfile 7``).  Of equal limits the first of them is named first."""


class Bound(msgspec.Struct, frozen=True):
    """At most this current on L1, L2 and L3, and on at most so many phases.  Infinite: not bounded."""

    phase_a: tuple[float, float, float] = (inf, inf, inf)
    phases: int = 3

    def least(self, other: Bound) -> Bound:
        """What both allow."""
        one, two, three = (min(mine, its) for mine, its in zip(self.phase_a, other.phase_a, strict=True))
        return Bound((one, two, three), min(self.phases, other.phases))


def bound_of(limit_a: float | tuple[float, ...] | None = None, phases: int | None = None) -> Bound:
    """One current for all phases, or one for each, L1 first; what is not named is not bounded."""
    each = limit_a if isinstance(limit_a, tuple) else (inf if limit_a is None else limit_a,) * 3
    one, two, three = (*each, inf, inf, inf)[:3]
    return Bound((one, two, three), 3 if phases is None else phases)


class Terms(msgspec.Struct, frozen=True):
    """What the board file says of a source: what holds while it is silent, and the longest it is believed.

    ``lease_s`` None: what it says holds for good.
    """

    source: str
    fallback: Bound
    lease_s: float | None = None


class Said(msgspec.Struct, frozen=True):
    """What holds of one source; ``silent``: its fallback, not its word.  ``since`` None: the power is not on yet."""

    source: str
    bound: Bound
    since: datetime | None = None
    until_mono: float | None = None
    until: datetime | None = None
    silent: bool = False


class Offer(msgspec.Struct, frozen=True):
    """What a vehicle may be offered; 0 A: less than a pilot can say, so that charging pauses."""

    limit_a: float
    phases: int


class PhaseLimit(msgspec.Struct, frozen=True):
    """What is in force on a phase, who holds it, since when and until when, and what waits behind it."""

    phase: str
    limit_a: float
    sources: tuple[str, ...]
    since: datetime | None
    until: datetime | None
    next_a: float | None
    next_sources: tuple[str, ...]


class Limits:
    """The limits of one EVSE.  ``offer`` is what follows from them now."""

    def __init__(
        self,
        wired_a: float,
        phases: int = 3,
        *,
        min_a: float = 6.0,
        switches_phases: bool = False,
        terms: Iterable[Terms] = (),
    ) -> None:
        self.wired_phases = phases
        self._min_a = min_a
        self._switches_phases = switches_phases
        self._terms = {each.source: each for each in terms}
        self._held = {BOARD: Said(BOARD, bound_of(wired_a, phases))}
        self._held |= {each.source: Said(each.source, each.fallback, silent=True) for each in self._terms.values()}
        self._since: list[datetime | None] = [None] * 3
        self._in_force = Bound()
        self.offer = Offer(0.0, phases)
        self._weigh(None)

    @property
    def held(self) -> tuple[Said, ...]:
        """What holds of each source, in the order of ``SOURCES``."""
        return tuple(sorted(self._held.values(), key=_rank))

    @property
    def in_force(self) -> Bound:
        """The least of all, phase by phase."""
        return self._in_force

    def beside(self, kind: str) -> Bound:
        """The least of all that is not of this kind."""
        least = Bound()
        for source, said in self._held.items():
            if not source.startswith(f"{kind}:"):
                least = least.least(said.bound)
        return least

    def said_by(self, source: str) -> Said | None:
        """What holds of this source."""
        return self._held.get(source)

    def terms_of(self, source: str) -> Terms | None:
        """What the board file says of it."""
        return self._terms.get(source)

    # ---- what sources say ----

    def begin(self, now: Now) -> None:
        """The power is on: what the board file says holds from now."""
        for source, said in self._held.items():
            self._held[source] = msgspec.structs.replace(said, since=said.since or now.wall)
        self._since = [since or now.wall for since in self._since]

    def say(self, source: str, bound: Bound, now: Now, lease_s: float | None = None) -> None:
        """A source speaks: for ``lease_s``, never longer than the board file lets it; None: for good."""
        terms = self._terms.get(source)
        leases = [each for each in (lease_s, None if terms is None else terms.lease_s) if each is not None]
        lease = min(leases, default=None)
        until = None if lease is None else now.wall + timedelta(seconds=lease)
        before = self._held.get(source)
        same = before is not None and not before.silent and before.bound == bound
        self._held[source] = Said(
            source,
            bound,
            since=before.since if same and before is not None else now.wall,
            until_mono=None if lease is None else now.mono + lease,
            until=until,
        )
        self._weigh(now.wall)

    def say_all(self, kind: str, words: Mapping[str, tuple[Bound, datetime | None]], now: Now) -> None:
        """All that a kind of source says now (``csms:TxProfile 7``), each until it says something else.

        The time that goes with a word is for whoever wants to know; no lease ends with it.
        """
        for source in [each for each in self._held if each.startswith(f"{kind}:") and each not in words]:
            del self._held[source]
        for source, (bound, until) in words.items():
            before = self._held.get(source)
            since = before.since if before is not None and before.bound == bound else now.wall
            self._held[source] = Said(source, bound, since, until=until)
        self._weigh(now.wall)

    def silence(self, source: str, now: Now) -> None:
        """It has nothing to say any more, or cannot: its fallback holds, or nothing."""
        self._fall_back(source, now)
        self._weigh(now.wall)

    def next_deadline(self) -> float | None:
        """When the first lease runs out."""
        return min((said.until_mono for said in self._held.values() if said.until_mono is not None), default=None)

    def expire(self, now: Now) -> None:
        """Whose lease has run out is silent."""
        over = [source for source, said in self._held.items() if _over(said, now)]
        for source in over:
            self._fall_back(source, now)
        if over:
            self._weigh(now.wall)

    def move_times(self, shift: ClockShift) -> None:
        """The times of day that are kept here were stamped by a clock that was wrong."""
        for source, said in self._held.items():
            since, until = _moved(said.since, shift), _moved(said.until, shift)
            self._held[source] = msgspec.structs.replace(said, since=since, until=until)
        self._since = [_moved(since, shift) for since in self._since]

    # ---- what follows ----

    def explain(self) -> tuple[PhaseLimit, ...]:
        """Phase by phase, as far as they are wired: what is in force, why, and what would change it."""
        return tuple(self._explain(phase) for phase in range(self.wired_phases))

    def _explain(self, phase: int) -> PhaseLimit:
        limit_a = self._in_force.phase_a[phase]
        larger = (said.bound.phase_a[phase] for said in self._held.values())
        next_a = min((each for each in larger if limit_a < each < inf), default=None)
        holding = [said for said in self.held if said.bound.phase_a[phase] == limit_a]
        behind = [said for said in self.held if said.bound.phase_a[phase] == next_a]
        return PhaseLimit(
            phase=PHASES[phase],
            limit_a=limit_a,
            sources=tuple(said.source for said in holding),
            since=self._since[phase],
            until=min((said.until for said in holding if said.until is not None), default=None),
            next_a=next_a,
            next_sources=tuple(said.source for said in behind),
        )

    def _fall_back(self, source: str, now: Now) -> None:
        terms, said = self._terms.get(source), self._held.get(source)
        if terms is None:
            self._held.pop(source, None)
        elif said is None or not said.silent:
            self._held[source] = Said(source, terms.fallback, now.wall, silent=True)

    def _weigh(self, wall: datetime | None) -> None:
        """Something was said: what is in force, and what may be offered?"""
        before, least = self._in_force, Bound()
        for said in self._held.values():
            least = least.least(said.bound)
        for phase, (was_a, is_a) in enumerate(zip(before.phase_a, least.phase_a, strict=True)):
            if was_a != is_a:
                self._since[phase] = wall
        self._in_force, self.offer = least, self._offer_of(least)

    def _offer_of(self, least: Bound) -> Offer:
        """One current for all phases, and all phases or only L1; a part that cannot leave phases out gives nothing."""
        phases = phases_used(least.phases, self.wired_phases, switches=self._switches_phases)
        limit_a = min(least.phase_a[:phases])
        pauses = limit_a < self._min_a or least.phases < phases
        return Offer(0.0 if pauses else limit_a, phases)


def phases_used(allowed: int, wired: int, *, switches: bool) -> int:
    """On how many phases a vehicle is offered current: on all, or on L1 alone where the others can be left out."""
    return 1 if switches and allowed < wired else wired


def _rank(said: Said) -> tuple[int, str]:
    kind = said.source.partition(":")[0]
    return (SOURCES.index(kind) if kind in SOURCES else len(SOURCES), said.source)


def _over(said: Said, now: Now) -> bool:
    return said.until_mono is not None and now.mono >= said.until_mono


def _moved(at: datetime | None, shift: ClockShift) -> datetime | None:
    return None if at is None else shift.corrected(at)
