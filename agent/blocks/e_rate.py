"""How fast it may charge: whether a change of that is worth an event of its own.  Tells nobody."""

from __future__ import annotations

from agent.blocks.base import Desk
from agent.model.catalogue import LIMIT_CHANGE_SIGNIFICANCE
from agent.session.evse import Evse
from agent.session.limits import Offer
from agent.vocabulary.facts import LimitChanged


class Rates:
    """What each EVSE offered when it was told last, over all phases."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._told_a = {evse.id: _rate_a(evse.limits.offer) for evse in desk.site.evses.values()}

    def is_news(self, evse: Evse, fact: LimitChanged, *, told: bool) -> bool:
        """Whether it changed by more than LimitChangeSignificance while energy flows; ``told``: by another event."""
        before_a, now_a = self._told_a[evse.id], _rate_a(fact)
        goes_on = evse.energy_flows() and evse.may_give_power()
        percent = 100 * abs(now_a - before_a) / before_a if before_a else 100.0
        news = goes_on and not told and percent > self._desk.model[LIMIT_CHANGE_SIGNIFICANCE]
        if news or told or not goes_on:
            self._told_a[evse.id] = now_a
        return news


def _rate_a(offered: LimitChanged | Offer) -> float:
    return offered.limit_a * offered.phases
