"""Block J: how often the meters are read, and readings outside a transaction's events.  Bills nothing."""

from __future__ import annotations

from agent.blocks.base import Block, Desk
from agent.blocks.readings import meter_value
from agent.model.catalogue import ALIGNED_MEASURANDS, SAMPLED_TX_UPDATED_INTERVAL
from agent.ocpp.messages import j_meter_values as m
from agent.session.evse import Evse
from agent.vocabulary import (
    EvConnected,
    Fact,
    Now,
    PowerPathClosed,
    PowerPathOpened,
    SampleMeter,
    TransactionEnded,
    TransactionStarted,
    TriggerRequested,
)

CHARGING_PERIOD_S = 5.0
QUIET_PERIOD_S = 60.0


class MeterValues(Block):
    """Reads often while energy flows, seldom while the register stands still."""

    letter = "J"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._periods: dict[int, float] = {}

    def pace_may_differ(self, fact: Fact, now: Now) -> None:
        evse = self.desk.site.evses[fact.evse]
        period_s = self._period_s(evse)
        if self._periods.get(evse.id) != period_s and evse.layout.has_meter:
            self._periods[evse.id] = period_s
            self.desk.tell(SampleMeter(evse.id, period_s))

    def read_again(self, fact: Fact, now: Now) -> None:
        """The power path moved: the register's value at that moment is what a transaction begins or ends with."""
        self._periods.pop(fact.evse, None)
        self.pace_may_differ(fact, now)

    def triggered(self, fact: TriggerRequested, now: Now) -> None:
        if fact.message != "MeterValues":
            return
        for evse in self.desk.site.evses.values():  # F06.FR.06, F06.FR.11
            value = meter_value(evse.reading, self.desk.model[ALIGNED_MEASURANDS], "Trigger")
            if value is not None and fact.evse in (0, evse.id):
                self.desk.send(m.MeterValuesRequest(evse_id=evse.id, meter_value=(value,)), asked_for=True)

    facts = {
        EvConnected: pace_may_differ,
        TransactionStarted: pace_may_differ,
        TransactionEnded: pace_may_differ,
        PowerPathClosed: read_again,
        PowerPathOpened: read_again,
        TriggerRequested: triggered,
    }

    def _period_s(self, evse: Evse) -> float:
        if not evse.power_closed:
            return QUIET_PERIOD_S
        interval_s = self.desk.model[SAMPLED_TX_UPDATED_INTERVAL]
        return min(CHARGING_PERIOD_S, float(interval_s)) if interval_s else CHARGING_PERIOD_S
