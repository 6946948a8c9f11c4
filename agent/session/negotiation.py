"""What one vehicle and its station have said to each other of schedules (ISO 15118).  Tells neither of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from agent.session.composite import Outlook, schedule_of
from agent.session.schedule import Period, Profile, Schedule, Unit
from agent.vocabulary.commands import OfferSchedules
from agent.vocabulary.times import ms_of
from hal.events import EvNeeds
from hal.ports import ScheduleOffer

HORIZON_S = 86_400

Limits = tuple[tuple[int, float], ...]
"""Seconds after the beginning of a schedule, and the most from then on."""


class Talk:
    """One vehicle in one transaction: its needs, what it was offered on which ``grounds``, and what it has chosen."""

    def __init__(self, needs: EvNeeds) -> None:
        self.transaction_id = ""
        self.needs = needs
        self.told = False
        self.wait_until: float | None = None
        self.offers: tuple[ScheduleOffer, ...] = ()
        self.grounds: object = None
        self.asked_anew = False
        self.choice_told = True
        self._chosen_id: int | None = None
        self._limits: Limits = ()

    @property
    def has_chosen(self) -> bool:
        """Whether it follows any of what was ever offered."""
        return self._chosen_id is not None

    def choose(self, schedule_id: int, limits: Limits) -> None:
        """It follows this one, and draws no more than that."""
        self._chosen_id, self._limits = schedule_id, limits
        self.asked_anew = self.choice_told = False

    def doubt(self) -> None:
        """What it said that it will draw counts for nothing."""
        self._limits = ()

    @property
    def index(self) -> int:
        """Which of the schedules counts: the first, until it has chosen."""
        return next((index for index, each in enumerate(self.offers) if each.id == self._chosen_id), 0)

    def choice(self) -> ScheduleOffer | None:
        """What it follows, with its own limits where it said some."""
        offer = next((each for each in self.offers if each.id == self._chosen_id), None)
        return offer if offer is None or not self._limits else replace(offer, limits=self._limits)

    def wish(self) -> Profile | None:
        """Its own schedule, as long as that is within what it was offered (K15.FR.09, K15.FR.14)."""
        choice = self.choice()
        if choice is None or not self._limits or not within(self._limits, self.offers[self.index]):
            return None
        periods = tuple(Period(start_s, limit, choice.phases) for start_s, limit in choice.limits)
        schedule = Schedule(choice.id, choice.unit, periods, choice.start, choice.duration_s)
        return Profile(choice.id, 0, "TxProfile", "Absolute", (schedule,))


def offering(outlooks: Sequence[tuple[int, Outlook]], evse_id: int, unit: Unit, at: datetime) -> OfferSchedules:
    """A composite schedule for each outlook, by its id (K15.FR.22)."""
    start = at.replace(microsecond=0)
    from_ms, offers = ms_of(start), []
    for id, outlook in outlooks:
        party = next(each for each in outlook.parties if each.layout.id == evse_id)
        steps, _ = schedule_of(outlook, party, unit, from_ms, from_ms + 1000 * HORIZON_S)
        limits = tuple((step.start_s, step.limit) for step in steps)
        offers.append(ScheduleOffer(id, start, HORIZON_S, unit, limits, steps[0].phases))
    return OfferSchedules(evse_id, tuple(offers))


def limit_at(limits: Limits, second: float) -> float:
    """What these allow so long after their beginning."""
    return [limit for start_s, limit in limits if start_s <= second][-1]


def within(limits: Limits, offer: ScheduleOffer) -> bool:
    """Whether a vehicle's own schedule stays below what it follows (K15.FR.09, K16.FR.04, K17.FR.09)."""
    seconds = {start_s for start_s, _ in (*limits, *offer.limits) if start_s < offer.duration_s}
    return limits[0][0] <= 0 and all(limit_at(limits, at) <= limit_at(offer.limits, at) for at in seconds)


def same(before: tuple[ScheduleOffer, ...], after: tuple[ScheduleOffer, ...], now: datetime) -> bool:
    """Whether they allow the same from now on, as long as the earlier ones go."""
    return len(before) == len(after) and all(
        _alike(one, other, (now - one.start).total_seconds()) for one, other in zip(before, after, strict=True)
    )


def _alike(one: ScheduleOffer, other: ScheduleOffer, passed_s: float) -> bool:
    ahead_s = (other.start - one.start).total_seconds()
    starts = {start_s for start_s, _ in one.limits} | {ahead_s + start_s for start_s, _ in other.limits}
    seconds = {passed_s, *(start_s for start_s in starts if passed_s <= start_s < one.duration_s)}
    return one.id == other.id and all(
        limit_at(one.limits, second) == limit_at(other.limits, second - ahead_s) for second in seconds
    )
