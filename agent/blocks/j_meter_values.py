"""Block J: when the meters are read, and readings outside a transaction's events.  Bills nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from agent.blocks.base import Block, Desk
from agent.blocks.readings import Context, Wording, charging_pace_s, idle_only, measured, moment_of_clock
from agent.model.catalogue import (
    ALIGNED_ENABLED,
    ALIGNED_INTERVAL,
    ALIGNED_MEASURANDS,
    ALIGNED_SEND_DURING_IDLE,
    ALIGNED_SIGN_READINGS,
    ALIGNED_TX_ENDED,
    ALIGNED_TX_ENDED_INTERVAL,
    SAMPLED_SIGN_READINGS,
    SAMPLED_TX_ENDED,
    SAMPLED_TX_STARTED,
    SAMPLED_TX_UPDATED,
)
from agent.model.variable import Variable
from agent.ocpp.messages import j_meter_values as m
from agent.session.evse import Evse
from agent.session.metering import aligned_after, told_by_transaction
from agent.vocabulary.commands import SampleMeter
from agent.vocabulary.facts import (
    AuthorizationGranted,
    EvConnected,
    EvReleasedPower,
    EvRequestedPower,
    EvseFaulted,
    Fact,
    MeterRead,
    PowerPathClosed,
    PowerPathOpened,
    TransactionEnded,
    TransactionStarted,
    TriggerRequested,
)
from agent.vocabulary.values import Now

QUIET_PERIOD_S = 60.0

TRIGGER_PATIENCE_S = 10.0
"""How long the reading that the CSMS asked for may take."""

AT_ONCE = float("-inf")


class MeterValues(Block):
    """Reads often while energy flows, seldom while the register stands still, and when the clock says so."""

    letter = "J"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._wording = Wording(desk)
        self._periods: dict[int, float] = {}
        self._read_at_mono: float | None = None
        self._reckoned_for: tuple[tuple[int, ...], bool] | None = None
        self._measured: set[str] = set()
        self._signed = any(evse.layout.signs_sessions for evse in desk.site.evses.values())
        self._told_moments: dict[int, datetime] = {}
        self._asked_by_mono: dict[int, float] = {}
        has_meter = any(evse.layout.has_meter for evse in desk.site.evses.values())
        for component in ("AlignedDataCtrlr", "SampledDataCtrlr"):
            desk.model.declare(Variable(component, "Available", has_meter, mutability="ReadOnly"))
        for evse in desk.site.evses:
            place = idle_only(evse)
            own = Variable(place.component, place.variable, ALIGNED_SEND_DURING_IDLE.default)
            desk.model.declare(own, evse=evse)

        for chosen in (SAMPLED_TX_STARTED, SAMPLED_TX_UPDATED, SAMPLED_TX_ENDED, ALIGNED_MEASURANDS, ALIGNED_TX_ENDED):
            desk.model.restrict(chosen, self._not_measured)
        for signs in (SAMPLED_SIGN_READINGS, ALIGNED_SIGN_READINGS):
            desk.model.restrict(signs, self._not_signed)

    # ---- what the meters can do, as their readings show ----

    def _not_measured(self, measurands: tuple[str, ...]) -> str:
        missing = [measurand for measurand in measurands if self._measured and measurand not in self._measured]
        return f"no meter here gives {missing[0]}; they give {', '.join(sorted(self._measured))}" if missing else ""

    def _not_signed(self, wanted: bool) -> str:
        return "no meter here has signed a reading" if wanted and not self._signed else ""

    def _learn(self, evse: Evse) -> None:
        if evse.reading is not None:
            self._measured |= measured(evse.reading.sample)
            self._signed = self._signed or evse.reading.sample.signed is not None

    def remember(self, records: Mapping[str, bytes], now: Now) -> None:
        """The registers are read from the start: a transaction begins with what they show."""
        for evse in self.desk.site.evses.values():
            self._set_pace(evse)

    # ---- how often ----

    def pace_may_differ(self, fact: Fact, now: Now) -> None:
        self._set_pace(self.desk.site.evses[fact.evse])

    def read_again(self, fact: Fact, now: Now) -> None:
        """Read now: a transaction begins or ends with what the register shows then, or with the first signed reading.

        E01.FR.04; an EVSE at rest is read so seldom that it would begin with what was read long before.
        """
        self._read_now(self.desk.site.evses[fact.evse])

    def _set_pace(self, evse: Evse) -> None:
        period_s = self._period_s(evse)
        if self._periods.get(evse.id) != period_s and evse.layout.has_meter:
            self._periods[evse.id] = period_s
            self.desk.tell(SampleMeter(evse.id, period_s))

    def _read_now(self, evse: Evse) -> None:
        self._periods.pop(evse.id, None)
        self._set_pace(evse)

    def _period_s(self, evse: Evse) -> float:
        if evse.transaction is None and not evse.power_closed and not evse.energy_flows():
            return QUIET_PERIOD_S
        return charging_pace_s(self.desk)

    # ---- what was read ----

    def meter_read(self, fact: MeterRead, now: Now) -> None:
        evse = self.desk.site.evses[fact.evse]
        self._learn(evse)
        self._set_pace(evse)
        self._reckon(now)  # the clock may have been set since
        if now.mono <= self._asked_by_mono.pop(evse.id, AT_ONCE):
            self._tell(evse, "Trigger", asked_for=True)
        moment = moment_of_clock(self.desk, evse, ALIGNED_INTERVAL)
        if moment is not None and moment != self._told_moments.get(evse.id):
            self._told_moments[evse.id] = moment
            if not told_by_transaction(evse, moment):  # J01.FR.14
                self._tell(evse, "Sample.Clock")

    def meter_lost(self, fact: EvseFaulted, now: Now) -> None:
        """What it said last is the past; nothing is told until it speaks again."""
        if fact.code == "PowerMeterFailure":
            self.desk.site.evses[fact.evse].reading = None

    def triggered(self, fact: TriggerRequested, now: Now) -> None:
        """Read, and tell what was read (F06.FR.06, F06.FR.11)."""
        for evse in self.desk.site.evses.values():
            if fact.message == "MeterValues" and fact.evse in (0, evse.id) and evse.reading is not None:
                self._asked_by_mono[evse.id] = now.mono + TRIGGER_PATIENCE_S
                self._read_now(evse)

    def _tell(self, evse: Evse, context: Context, *, asked_for: bool = False) -> None:
        value = self._wording.aligned(evse.reading, ALIGNED_MEASURANDS, context)
        if value is not None:
            self.desk.send(m.MeterValuesRequest(evse_id=evse.id, meter_value=(value,)), asked_for=asked_for)

    facts = {
        AuthorizationGranted: read_again,
        EvConnected: read_again,
        MeterRead: meter_read,
        EvRequestedPower: pace_may_differ,
        EvReleasedPower: pace_may_differ,
        EvseFaulted: meter_lost,
        TransactionStarted: pace_may_differ,
        TransactionEnded: read_again,
        PowerPathClosed: read_again,
        PowerPathOpened: read_again,
        TriggerRequested: triggered,
    }

    # ---- the clock of the day ----

    def next_deadline(self) -> float | None:
        return self._read_at_mono if self._reckoned_for == self._clock_and_intervals() else AT_ONCE

    def expire(self, now: Now) -> None:
        due = self._read_at_mono is not None and now.mono >= self._read_at_mono
        self._reckon(now)
        for evse in self.desk.site.evses.values():
            if due:
                self._read_now(evse)

    def _reckon(self, now: Now) -> None:
        """When the next reading for the clock is due; wall time may have moved against the timers'."""
        self._reckoned_for = self._clock_and_intervals()
        intervals, known = self._reckoned_for
        moments = [aligned_after(now.wall, interval_s) for interval_s in intervals if known]
        self._read_at_mono = now.mono + (min(moments) - now.wall).total_seconds() if moments else None

    def _clock_and_intervals(self) -> tuple[tuple[int, ...], bool]:
        model = self.desk.model
        if not model[ALIGNED_ENABLED]:
            return (), False
        collects = model[ALIGNED_TX_ENDED] and self.desk.site.running()
        intervals = (model[ALIGNED_INTERVAL], model[ALIGNED_TX_ENDED_INTERVAL] if collects else 0)
        return tuple(interval_s for interval_s in intervals if interval_s), self.desk.clock_known
