"""One EVSE as it hears its hardware: events change what is true of it, and become facts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec.structs import replace

from agent.session.connector import Connector
from agent.session.derating import Heat
from agent.session.evse_state import EvseState
from agent.session.layout import EvseLayout
from agent.session.limits import CABLE, CSMS, Bound, bound_of
from agent.session.pilot import facts_between
from agent.session.transaction import Reading
from agent.vocabulary.facts import (
    BayLeft,
    BayOccupied,
    ContractWanted,
    EvConnected,
    EvDisconnected,
    EvEndedSession,
    EvNeedsVentilation,
    EvRequestedPower,
    Fact,
    LimitChanged,
    LockReported,
    MeterRead,
    NeedsTold,
    PaymentChosen,
    PilotFailed,
    PilotHealed,
    PowerPathClosed,
    PowerPathOpened,
    ScheduleChosen,
    TokenPresented,
)
from agent.vocabulary.values import Now, Token
from hal.events import (
    BayChanged,
    CableRated,
    CardPresented,
    ContractCertificateAsked,
    ContractPresented,
    DeviceFound,
    DeviceLost,
    EimChosen,
    Event,
    EvNeedsTold,
    EvScheduleChosen,
    HardwareFaulted,
    HardwareHealed,
    LockMoved,
    MeterSampled,
    PilotChanged,
    PowerChanged,
    VehicleEnded,
)


class Evse(EvseState):
    """An EVSE.  Events change it and become facts; nothing else in the agent hears raw events."""

    def __init__(self, layout: EvseLayout) -> None:
        super().__init__(layout)
        self._heat = Heat(layout.derating, self.limits)
        self._offer = self.limits.offer

    def receive(self, event: Event, now: Now) -> list[Fact]:
        """Take what the hardware said; facts come in the order in which they became true."""
        facts = self._facts_of(event, now)
        self._heat.receive(event, now)
        if self.dc is not None:
            facts += self.dc.receive(event, now)
        if isinstance(event, (PilotChanged, CableRated)):
            self._mind_cable(now)
        return facts + self._what_follows()

    def _what_follows(self) -> list[Fact]:
        """Of what was heard: whether the vehicle has answered the offer, and whether that is another one now."""
        draws = self.authorization is not None and self.energy_flows()
        self.has_drawn = self.has_drawn or draws
        self.took_offer = self.may_give_power() and (self.took_offer or draws)
        before, self._offer = self._offer, self.limits.offer
        changed = before != self._offer
        return [LimitChanged(self.id, self._offer.limit_a, self._offer.phases)] if changed else []

    def _facts_of(self, event: Event, now: Now) -> list[Fact]:
        match event:
            case PilotChanged():
                return self._pilot_changed(event)
            case PowerChanged(closed=closed, phases=phases):
                self.phases_used = phases or self.phases_used
                return self._power_changed(closed, now)
            case MeterSampled():
                return self._sampled(event, now)
            case BayChanged(occupied=occupied) if occupied != self.bay_occupied:
                self.bay_occupied = occupied
                return [BayOccupied(self.id) if occupied else BayLeft(self.id)]
            case CableRated(connector=connector, limit_a=limit_a) if connector in self.connectors:
                self._cable_rated(self.connectors[connector], limit_a)
            case LockMoved(connector=connector, position=position) if connector in self.connectors:
                self.connectors[connector].lock_position = position
                return [LockReported(self.id, connector, position)]
            case CardPresented(uid=uid, kind=kind):
                return [TokenPresented(self.id, Token(uid, kind))]
            case ContractPresented(contract=contract) if self.plugged is not None:
                return [PaymentChosen(self.id, contract)]
            case ContractCertificateAsked() if self.plugged is not None:
                return [ContractWanted(self.id, event.action, event.schema_version, event.exi)]
            case EimChosen() if self.plugged is not None:
                return [PaymentChosen(self.id, None)]
            case EvNeedsTold(needs=needs) if self.plugged is not None:
                return [NeedsTold(self.id, needs)]
            case EvScheduleChosen(schedule_id=schedule_id, limits=limits) if self.plugged is not None:
                return [ScheduleChosen(self.id, schedule_id, limits)]
            case VehicleEnded() if self.plugged is not None:
                self.vehicle_ended = True
                return [EvEndedSession(self.id)]
            case HardwareFaulted() | HardwareHealed() | DeviceLost() | DeviceFound():
                return self.faults.receive(event)
        return []

    # ---- limits ----

    def limit(self, source: str, bound: Bound | None, now: Now, lease_s: float | None = None) -> list[Fact]:
        """Somebody limits what may be offered, for a time or for good; None: he has nothing to say any more."""
        if bound is None:
            self.limits.silence(source, now)
        else:
            self.limits.say(source, bound, now, lease_s)
        return self._what_follows()

    def limit_by_profiles(self, words: Mapping[str, tuple[Bound, datetime | None]], now: Now) -> list[Fact]:
        """All that charging profiles allow here now, and until when as far as is known."""
        self.limits.say_all(CSMS, words, now)
        return self._what_follows()

    def expire(self, now: Now) -> list[Fact]:
        """Whose lease has run out is silent."""
        self.limits.expire(now)
        return self._what_follows()

    def _mind_cable(self, now: Now) -> None:
        """The cable that is in use limits as long as it is."""
        limit_a = None if self.plugged is None else self.connectors[self.plugged].cable_limit_a
        if limit_a is None:
            self.limits.silence(CABLE, now)
        else:
            self.limits.say(CABLE, bound_of(limit_a), now)

    def _sampled(self, sample: MeterSampled, now: Now) -> list[Fact]:
        """A register that runs backwards within a transaction is not believed (J02.FR.16)."""
        last = None if self.transaction is None or self.transaction.last is None else self.transaction.last.sample
        known_wh = None if last is None else last.import_wh
        if known_wh is not None and sample.import_wh is not None and sample.import_wh < known_wh:
            return []
        if self.dc is not None and sample.soc_percent is None:
            sample = replace(sample, soc_percent=self.dc.soc_percent)
        self.reading, self.read_at_mono = Reading(sample, now.wall), now.mono
        return [MeterRead(self.id)]

    def _cable_rated(self, connector: Connector, limit_a: float | None) -> None:
        connector.cable_limit_a = limit_a
        if limit_a is None and self.plugged != connector.id:
            connector.held_for = None  # there is nothing left to hold

    def _pilot_changed(self, event: PilotChanged) -> list[Fact]:
        before, self.pilot = self.pilot, event.state
        if event.state is not before:
            self.vehicle_ended = False
        facts: list[Fact] = []
        for fact in facts_between(before, event.state):
            if fact is EvConnected:
                facts += self._connected(event.connector)
            elif fact is EvDisconnected:
                facts += self._disconnected()
            elif fact is PilotFailed:
                facts += [PilotFailed(self.id), *self.faults.add("PilotFailure", None, event.state.value, "")]
            elif fact is PilotHealed:
                facts += [PilotHealed(self.id), *self.faults.heal("PilotFailure", None)]
            else:
                # Kept in B as well: an offer would only bring the same vehicle back to D, over and over.
                self.wants_ventilation = fact is EvNeedsVentilation or (
                    self.wants_ventilation and fact is not EvRequestedPower
                )
                facts.append(fact(self.id))
        return facts

    def _connected(self, connector: int) -> list[Fact]:
        if self.plugged is not None:
            return []
        self.plugged = connector if connector in self.connectors else 1
        self._hold(self.plugged)
        return [EvConnected(self.id, self.plugged)]

    def _disconnected(self) -> list[Fact]:
        if self.plugged is None:
            return []
        connector, self.plugged = self.plugged, None
        self.offered_at_mono, self.has_drawn, self.wants_ventilation = None, False, False
        return [EvDisconnected(self.id, connector)]

    def _power_changed(self, closed: bool, now: Now) -> list[Fact]:
        if closed == self.power_closed:
            return []
        self.power_closed = closed
        if not closed:
            self.opened_at_mono = now.mono
        return [PowerPathClosed(self.id) if closed else PowerPathOpened(self.id)]
