"""Block K: schedules that a vehicle negotiates by ISO 15118 (K15 to K17).  Limits nothing: offers follow the limits."""

from __future__ import annotations

from agent.blocks.base import Block, Desk
from agent.blocks.k_limits import ProfileLimits
from agent.blocks.k_offers import choice_of, needs_of
from agent.model.catalogue import PERIODS_PER_SCHEDULE
from agent.ocpp.messages import k_smart_charging as m
from agent.session.charging_profiles import TX_PROFILE
from agent.session.evse import Evse
from agent.session.limits import CSMS
from agent.session.negotiation import Talk, offering, same
from agent.session.schedule import Profile
from agent.vocabulary.commands import OfferSchedules
from agent.vocabulary.facts import NeedsTold, ScheduleChosen
from agent.vocabulary.incoming import CallFailed
from agent.vocabulary.values import Now

PATIENCE_S = 60.0
"""How long a CSMS may take for its profile (K15.FR.08)."""

MOST_SCHEDULES = 3


class VehicleSchedules(Block):
    """NotifyEVChargingNeeds, NotifyEVChargingSchedule, and what the vehicles are offered."""

    letter = "K"

    def __init__(self, desk: Desk, limits: ProfileLimits) -> None:
        super().__init__(desk)
        self._limits = limits
        self._talks: dict[int, Talk] = {}
        limits.chosen = lambda evse: self._talks[evse.id].index if evse.id in self._talks else 0
        limits.wish = lambda evse: self._talks[evse.id].wish() if evse.id in self._talks else None

    def most_schedules(self, evse_id: int) -> int:
        """How many a profile of its transaction may bring (K01.FR.34, K15.FR.07)."""
        return MOST_SCHEDULES if evse_id in self._talks else 1

    # ---- what the vehicle says ----

    def needs_told(self, fact: NeedsTold, now: Now) -> None:
        """At first, or because it wants other schedules; what it repeats when asked anew is not told (K16.FR.09)."""
        talk = self._talks.get(fact.evse)
        if talk is None:
            talk = self._talks[fact.evse] = Talk(fact.needs)
        elif talk.asked_anew:
            return
        talk.needs, talk.told, talk.wait_until = fact.needs, False, None

    def schedule_chosen(self, fact: ScheduleChosen, now: Now) -> None:
        talk = self._talks.get(fact.evse)
        if talk is not None:
            talk.choose(fact.schedule_id, fact.limits)

    facts = {NeedsTold: needs_told, ScheduleChosen: schedule_chosen}

    # ---- what the CSMS says ----

    def needs_answered(
        self, request: m.NotifyEVChargingNeedsRequest, outcome: m.NotifyEVChargingNeedsResponse | CallFailed, now: Now
    ) -> None:
        """Where a profile is going to come it is waited for; else the vehicle gets what there is (K15.FR.05)."""
        talk = self._talks.get(request.evse_id)
        accepted = not isinstance(outcome, CallFailed) and outcome.status == "Accepted"
        if talk is not None and talk.wait_until is not None and not accepted:
            talk.wait_until = now.mono

    def schedule_answered(
        self,
        request: m.NotifyEVChargingScheduleRequest,
        outcome: m.NotifyEVChargingScheduleResponse | CallFailed,
        now: Now,
    ) -> None:
        """What the CSMS does not take counts for nothing; it will send another profile (K15.FR.13)."""
        talk = self._talks.get(request.evse_id)
        if talk is not None and not isinstance(outcome, CallFailed) and outcome.status == "Rejected":
            talk.doubt()

    answers = {
        m.NotifyEVChargingNeedsRequest: needs_answered,
        m.NotifyEVChargingScheduleRequest: schedule_answered,
    }

    # ---- what follows ----

    def look(self, now: Now) -> None:
        """Needs may be told, a profile may have come, what is on offer may have changed."""
        for evse_id in list(self._talks):
            evse = self.desk.site.evses[evse_id]
            talk = self._of(evse)
            if talk is not None:
                self._go_on(evse, talk, now)

    def _of(self, evse: Evse) -> Talk | None:
        """It is over with its transaction, or its vehicle; before there is one it waits for it (K15.FR.16)."""
        talk, running = self._talks[evse.id], "" if evse.transaction is None else evse.transaction.id
        if evse.plugged is None or talk.transaction_id not in ("", running):
            del self._talks[evse.id]
            return None
        talk.transaction_id = running
        return talk if running else None

    def _go_on(self, evse: Evse, talk: Talk, now: Now) -> None:
        grounds = self._grounds()
        if not talk.told:
            if not self._must_wait(talk, now):
                self._tell_needs(evse, talk, grounds, now)
        elif talk.wait_until is not None and (now.mono >= talk.wait_until or grounds != talk.grounds):
            self._offer(talk, self._order(evse, now))
        elif talk.wait_until is None and grounds != talk.grounds:
            self._offer_anew(evse, talk, now)
        choice = choice_of(evse.id, talk)
        if not talk.choice_told and choice is not None and self._online:
            talk.choice_told = True
            self.desk.send(choice)

    def _must_wait(self, talk: Talk, now: Now) -> bool:
        """The CSMS is to have heard of the transaction and of its driver before (K15.FR.16)."""
        if talk.wait_until is None:
            talk.wait_until = now.mono + PATIENCE_S
        return self._online and self.desk.waiting(talk.transaction_id) and now.mono < talk.wait_until

    def _tell_needs(self, evse: Evse, talk: Talk, grounds: object, now: Now) -> None:
        """Offline the vehicle gets what there is (K15.FR.15, K17.FR.15)."""
        talk.told, talk.grounds = True, grounds
        talk.wait_until = now.mono + (PATIENCE_S if self._online else 0.0)
        if self._online:
            most = self.desk.model[PERIODS_PER_SCHEDULE]
            request = m.NotifyEVChargingNeedsRequest(
                evse_id=evse.id, charging_needs=needs_of(talk.needs), max_schedule_tuples=most
            )
            self.desk.send(request)
        else:
            self._offer(talk, self._order(evse, now))

    def _offer(self, talk: Talk, order: OfferSchedules) -> None:
        talk.wait_until, talk.offers, talk.grounds = None, order.offers, self._grounds()
        self.desk.tell(order)

    def _offer_anew(self, evse: Evse, talk: Talk, now: Now) -> None:
        """K16.FR.02: when what it was offered is not what it may have any more, or may have more."""
        talk.grounds, order = self._grounds(), self._order(evse, now)
        if not same(talk.offers, order.offers, now.wall):
            talk.asked_anew = talk.has_chosen
            self._offer(talk, order)

    def _order(self, evse: Evse, now: Now) -> OfferSchedules:
        """As many as its profile has schedules, by the ids of the CSMS."""
        own = [each for each in self._limits.profiles_of(evse) if each.purpose == TX_PROFILE]
        most = max((len(each.schedules) for each in own), default=1)
        outlooks = [(id_of(own, index), self._limits.offerable(index)) for index in range(most)]
        return offering(outlooks, evse.id, "A" if evse.dc is None else "W", now.wall)

    def _grounds(self) -> object:
        """What offers depend on, but for the time."""
        evses = self.desk.site.evses.values()
        return self.desk.profiles.version, tuple((evse.limits.beside(CSMS), evse.could_give_power()) for evse in evses)

    @property
    def _online(self) -> bool:
        return self.desk.online and self.desk.accepted

    def next_deadline(self) -> float | None:
        return min((talk.wait_until for talk in self._talks.values() if talk.wait_until is not None), default=None)


def id_of(own: list[Profile], index: int) -> int:
    """What the CSMS calls this schedule."""
    return next((each.schedules[index].id for each in own if index < len(each.schedules)), index + 1)
