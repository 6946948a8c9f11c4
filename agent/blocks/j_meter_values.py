"""Block J: how often the meters are read, and readings outside a transaction's events.  Bills nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent.blocks.base import Block, Desk
from agent.blocks.readings import meter_value
from agent.model.catalogue import ALIGNED_MEASURANDS, SAMPLED_TX_UPDATED_INTERVAL
from agent.ocpp.messages import j_meter_values as m
from agent.session.evse import Evse
from agent.vocabulary import (
    EvConnected,
    EvReleasedPower,
    EvRequestedPower,
    Fact,
    MeterRead,
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

    def remember(self, records: Mapping[str, bytes], now: Any) -> None:
        """The registers are read from the start: a transaction begins with what they show."""
        for evse in self.desk.site.evses.values():
            self._set_pace(evse)

    def pace_may_differ(self, fact: Fact, now: Now) -> None:
        self._set_pace(self.desk.site.evses[fact.evse])

    def _set_pace(self, evse: Evse) -> None:
        period_s = self._period_s(evse)
        if self._periods.get(evse.id) != period_s and evse.layout.has_meter:
            self._periods[evse.id] = period_s
            self.desk.tell(SampleMeter(evse.id, period_s))

    def read_again(self, fact: Fact, now: Now) -> None:
        """Read now: the register's value at that moment is what a transaction begins or ends with."""
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
        MeterRead: pace_may_differ,
        EvRequestedPower: pace_may_differ,
        EvReleasedPower: pace_may_differ,
        TransactionStarted: pace_may_differ,
        TransactionEnded: read_again,
        PowerPathClosed: read_again,
        PowerPathOpened: read_again,
        TriggerRequested: triggered,
    }

    def _period_s(self, evse: Evse) -> float:
        if evse.transaction is None and not evse.power_closed and not evse.energy_flows():
            return QUIET_PERIOD_S
        interval_s = self.desk.model[SAMPLED_TX_UPDATED_INTERVAL]
        return min(CHARGING_PERIOD_S, float(interval_s)) if interval_s else CHARGING_PERIOD_S
