"""Block N: looks at what is monitored and tells what its monitors have to say (N07, N08).  Lets nobody set one.

A variable is looked at when something happened, never by itself: after each event that the station has dealt with, and
only those that a monitor watches.  A monitor whose event could not be told now (too slight for the level, or for the
queue while offline; without the transaction that it asks for; monitoring switched off) is not asked.  When it could be
told again it finds what is true then, so that the CSMS never hears the end of what it was not told.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from agent.blocks.base import Desk, place_of
from agent.blocks.events import EventNotices
from agent.blocks.n_monitoring_roster import Roster, wall_of
from agent.model.catalogue import (
    ACTIVE_MONITORING_LEVEL,
    MONITORING_AVAILABLE,
    MONITORING_ENABLED,
    OFFLINE_QUEUING_SEVERITY,
    REPORTING_VALUE_SIZE,
)
from agent.model.device import Slot, Spot
from agent.model.monitors import Firing, Monitor, Place, is_numeric, reading
from agent.ocpp.messages.n_diagnostics import EventData
from agent.vocabulary.values import Now

HARDWARE_SPEAKS_S = 30.0
"""How long after power-on nothing is made of values, unless the CSMS is there before: the parts report first."""

EVENTS_A_MESSAGE = 50

CLOCK_MOVED_S = 0.5

HARD_WIRED_PACE_S = 10.0
"""How soon one that the CSMS cannot clear tells again of what flaps."""

READING_WORTH, CHANGE_WORTH = 1, 2

NOBODY = -1


class Fired(NamedTuple):
    """Who has something to say, of which value."""

    monitor: Monitor
    slot: Slot
    value: Any
    firing: Firing


class Watch:
    """The moment at which each monitor is asked, and what becomes of its answer."""

    def __init__(self, desk: Desk, notices: EventNotices, roster: Roster) -> None:
        self.monitors = roster.monitors
        self._roster = roster
        self._desk = desk
        self._notices = notices
        self._limit = NOBODY
        self._begins_mono: float | None = None
        self._clock_known = True
        self._clock_ahead_s = 0.0
        self._ended: dict[int, str] = {}
        self._hushed: dict[int, float] = {}

    # ---- values ----

    def look(self, now: Now) -> None:
        """Something happened: ask those whose variable changed, or all of them when others may speak than before."""
        if not self.monitors.places or not self._begun(now):
            return
        self._align(now)
        limit = self._utmost_severity()
        everybody = self._roster.changed or limit != self._limit
        self._limit, self._roster.changed = limit, False
        fired: list[Fired] = []
        for place in self.monitors.places.values():
            value = place.slot.read()
            if everybody or value != place.seen:
                place.seen = value
                fired += self._ask(place, value, limit)
        if fired:
            self._tell(fired, now)

    def start(self, now: Now) -> None:
        """The power is on."""
        self._begins_mono = now.mono + HARDWARE_SPEAKS_S

    def transactions_changed(self) -> None:
        """Some may speak now that might not before."""
        self._roster.changed = True

    def _begun(self, now: Now) -> bool:
        if self._begins_mono is not None and (now.mono >= self._begins_mono or self._desk.accepted):
            self._begins_mono = None
        return self._begins_mono is None

    def _utmost_severity(self) -> int:
        """The least grave event that could be told, or queued, now (N05.FR.03, N07.FR.04, N07.FR.15)."""
        model = self._desk.model
        if not (model[MONITORING_AVAILABLE] and model[MONITORING_ENABLED]):
            return NOBODY
        level = model[ACTIVE_MONITORING_LEVEL]
        heard = self._desk.accepted and self._desk.online
        return level if heard else min(level, model[OFFLINE_QUEUING_SEVERITY])

    def _ask(self, place: Place, value: Any, limit: int) -> Iterator[Fired]:
        if value is None:  # not known now
            return
        read = reading(place.slot.variable, value)
        for monitor in place.monitors:
            if self._may_speak(monitor, limit):
                firing = monitor.receive(read)
                if firing is not None:
                    yield Fired(monitor, place.slot, value, firing)

    def _may_speak(self, monitor: Monitor, limit: int) -> bool:
        setting = monitor.setting
        if setting.severity > limit or monitor.id in self._hushed:
            return False
        return not setting.transaction or self._in_transaction(monitor.spot)

    def _in_transaction(self, spot: Spot) -> bool:
        site = self._desk.site
        if spot.evse is None:
            return bool(site.running())
        evse = site.evses.get(spot.evse)
        return evse is not None and evse.transaction is not None

    # ---- periods ----

    def next_deadline(self) -> float | None:
        """When the next period is over, or the hardware has had its time to speak."""
        if not self.monitors.places:
            return None
        if self._clock_known != self._desk.clock_known:
            return float("-inf")
        times = [monitor.due_mono for monitor in self.monitors.periodic.values() if monitor.due_mono is not None]
        times += self._hushed.values()
        if self._begins_mono is not None:
            times.append(self._begins_mono)
        return min(times, default=None)

    def expire(self, now: Now) -> None:
        """Periods may be over; who may not speak lets one pass."""
        self._align(now)
        for id in [id for id, until_mono in self._hushed.items() if now.mono >= until_mono]:
            del self._hushed[id]
            self._roster.changed = True
        limit, wall = self._utmost_severity(), wall_of(self._desk, now)
        fired: list[Fired] = []
        for monitor in self.monitors.periodic.values():
            firing = monitor.expire(now.mono, wall)
            if firing is not None and self._may_speak(monitor, limit):
                slot = self.monitors.places[monitor.spot].slot
                fired.append(Fired(monitor, slot, slot.read(), firing))
        if fired:
            self._tell(fired, now)

    def _align(self, now: Now) -> None:
        """The clock was set: its moments are somewhere else now."""
        ahead_s = now.wall.timestamp() - now.mono
        if self._clock_known == self._desk.clock_known and abs(ahead_s - self._clock_ahead_s) < CLOCK_MOVED_S:
            return
        self._clock_known, self._clock_ahead_s = self._desk.clock_known, ahead_s
        for monitor in self.monitors.periodic.values():
            if monitor.setting.kind == "PeriodicClockAligned":
                monitor.align(now.mono, wall_of(self._desk, now))

    # ---- events ----

    def transaction_ended(self, evse: int, transaction_id: str) -> None:
        """What happens on this EVSE still is linked to it, as the power that goes down is, until the vehicle leaves."""
        if self._desk.site.evses[evse].plugged is not None:
            self._ended[evse] = transaction_id
        self._roster.changed = True

    def vehicle_left(self, evse: int) -> None:
        """The last transaction has nothing to do with what happens now."""
        self._ended.pop(evse, None)

    def _transaction_of(self, evse_id: int | None) -> str | None:
        evse = self._desk.site.evses.get(evse_id or 0)
        if evse is None:
            return None
        return self._ended.get(evse.id) if evse.transaction is None else evse.transaction.id

    def _tell(self, fired: list[Fired], now: Now) -> None:
        """Together what is equally grave; a change is worth more than a reading when there is no room for both."""
        groups: dict[tuple[int, int], list[EventData]] = {}
        for each in fired:
            worth = READING_WORTH if each.firing.trigger == "Periodic" else CHANGE_WORTH
            if each.monitor.origin == "HardWiredMonitor":
                self._hushed[each.monitor.id] = now.mono + HARD_WIRED_PACE_S
            groups.setdefault((each.monitor.setting.severity, worth), []).append(self._event(each, now))
            if worth == CHANGE_WORTH and not (each.firing.trigger == "Delta" and is_numeric(each.slot.variable)):
                self._roster.keep(each.monitor, each.slot)
        for (severity, worth), events in groups.items():
            for first in range(0, len(events), EVENTS_A_MESSAGE):
                self._notices.notify(now, severity, *events[first : first + EVENTS_A_MESSAGE], worth=worth)

    def _event(self, fired: Fired, now: Now) -> EventData:
        monitor, variable = fired.monitor, fired.slot.variable
        secret = variable.mutability == "WriteOnly"  # N07.FR.10
        text = "" if secret or fired.value is None else variable.to_text(fired.value)
        component, name = place_of(monitor.spot)
        return EventData(
            event_id=self._notices.new_id(),
            timestamp=now.wall,
            trigger=fired.firing.trigger,
            actual_value=text[: self._desk.model[REPORTING_VALUE_SIZE]],
            component=component,
            variable=name,
            event_notification_type=monitor.origin,
            variable_monitoring_id=monitor.id,
            cleared=True if fired.firing.cleared else None,
            transaction_id=self._transaction_of(monitor.spot.evse),
            severity=monitor.setting.severity,
        )
