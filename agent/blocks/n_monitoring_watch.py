"""Block N: looks at what is monitored and tells what its monitors have to say (N07, N08).  Lets nobody set one.

A variable is looked at when something happened, never by itself: after each event that the station has dealt with, and
only those that a monitor watches.  A monitor whose event could not be told now (too slight for the level, or for the
queue while offline; without the transaction that it asks for; monitoring switched off) is not asked.  When it could be
told again it finds what is true then, so that the CSMS never hears the end of what it was not told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from agent.blocks.base import Desk, place_of
from agent.blocks.events import EventNotices
from agent.model.catalogue import (
    ACTIVE_MONITORING_BASE,
    ACTIVE_MONITORING_LEVEL,
    MONITORING_ENABLED,
    OFFLINE_QUEUING_SEVERITY,
    REPORTING_VALUE_SIZE,
)
from agent.model.device import Slot, Spot
from agent.model.monitors import (
    FIRST_ID,
    Firing,
    Monitor,
    Monitors,
    Origin,
    Place,
    Preset,
    Setting,
    is_numeric,
    objection_to,
    reading,
)
from agent.ocpp.messages.n_diagnostics import EventData
from agent.vocabulary import KeepRecord, Now

RECORD = "monitor/"

HARDWARE_SPEAKS_S = 30.0
"""How long after power-on nothing is made of values, unless the CSMS is there before: the parts report first."""

EVENTS_A_MESSAGE = 50

CLOCK_MOVED_S = 0.5

HARD_WIRED_PACE_S = 10.0
"""How soon one that the CSMS cannot clear tells again of what flaps."""

PROBLEM_SEVERITY = 3
"""Critical: what every component with a Problem tells by itself."""

TOLD_OTHERWISE = frozenset({"clockctrlr", "connector", "connectorplugretentionlock", "evse"})
"""Whose Problem is a StatusNotification, or a notification of block G; or, as the clock's at a start, none."""

READING_WORTH, CHANGE_WORTH = 1, 2

NOBODY = -1


class StoredMonitor(msgspec.Struct, frozen=True):
    """A monitor on disk; without ``setting`` it is one of the manufacturer's that the CSMS has cleared."""

    spot: Spot
    setting: Setting | None
    origin: Origin
    exceeded: bool = False
    told: str | None = None


class Fired(NamedTuple):
    """Who has something to say, of which value."""

    monitor: Monitor
    slot: Slot
    value: Any
    firing: Firing


class Watch:
    """Every monitor of the station, and the moment at which each is asked."""

    def __init__(self, desk: Desk, notices: EventNotices, presets: tuple[Preset, ...] = ()) -> None:
        self.monitors = Monitors()
        self.changed = True
        self._desk = desk
        self._notices = notices
        self._presets = presets
        self._limit = NOBODY
        self._begins_mono: float | None = None
        self._clock_known = True
        self._clock_ahead_s = 0.0
        self._ended: dict[int, str] = {}
        self._hushed: dict[int, float] = {}

    # ---- who watches ----

    def put(self, slot: Slot, monitor: Monitor, now: Now) -> None:
        """From now on."""
        monitor.begin(now.mono, self._wall(now))
        self.monitors.put(slot, monitor)
        self.changed = True

    def keep(self, monitor: Monitor, slot: Slot) -> None:
        """On disk: what was set, and what would otherwise be told twice or never (N07.FR.13, N07.FR.14).

        The last value of a number is not kept, nor is a secret: they count from the next start on.
        """
        told = monitor.told if isinstance(monitor.told, str) and slot.variable.mutability != "WriteOnly" else None
        stored = StoredMonitor(monitor.spot, monitor.setting, monitor.origin, monitor.exceeded, told)
        self._desk.tell(KeepRecord(f"{RECORD}{monitor.id}", msgspec.json.encode(stored)))

    def forget(self, monitor: Monitor) -> None:
        """The CSMS clears it; one of the manufacturer's stays away until a base brings it back."""
        self.monitors.remove(monitor.id)
        gone = StoredMonitor(monitor.spot, None, "PreconfiguredMonitor")
        preset = monitor.id < FIRST_ID["CustomMonitor"]
        self._desk.tell(KeepRecord(f"{RECORD}{monitor.id}", msgspec.json.encode(gone) if preset else None))

    def drop_custom(self) -> None:
        """Whatever the CSMS has set goes."""
        for monitor in self.monitors.of("CustomMonitor"):
            self.monitors.remove(monitor.id)
            self._desk.tell(KeepRecord(f"{RECORD}{monitor.id}", None))

    def drop_presets(self) -> None:
        """None of the manufacturer's that can be cleared."""
        for monitor in self.monitors.of("PreconfiguredMonitor"):
            self.monitors.remove(monitor.id)

    def restore_presets(self, now: Now) -> None:
        """All of the manufacturer's, except where the CSMS has set another in place of one."""
        for id, slot, preset in self._usable_presets():
            known = self.monitors.get(id)
            if known is None:
                self._desk.tell(KeepRecord(f"{RECORD}{id}", None))
                self.put(slot, Monitor(id, slot.spot, preset.setting, "PreconfiguredMonitor"), now)

    def _usable_presets(self) -> Iterator[tuple[int, Slot, Preset]]:
        for id, preset in enumerate(self._presets, FIRST_ID["PreconfiguredMonitor"]):
            slot = self._desk.model.find(preset.spot)
            if slot is not None and objection_to(slot.variable, preset.setting) is None:
                yield id, slot, preset

    # ---- start ----

    def remember(self, records: Mapping[str, bytes], now: Now) -> None:
        """The station's own monitors, then what was set, and what was told before the power went."""
        self._begins_mono = now.mono + HARDWARE_SPEAKS_S
        self._hard_wire(now)
        if self._desk.model[ACTIVE_MONITORING_BASE] != "HardWiredOnly":
            for id, slot, preset in self._usable_presets():
                self.put(slot, Monitor(id, slot.spot, preset.setting, "PreconfiguredMonitor"), now)
        for key, value in records.items():
            if key.startswith(RECORD):
                stored = self._desk.read_record(key, value, StoredMonitor)
                if stored is not None and not self._take_up(key.removeprefix(RECORD), stored, now):
                    self._desk.forget_record(key)  # N04, remark: what cannot be monitored any more

    def _hard_wire(self, now: Now) -> None:
        """A Problem of the station, or of a part of it, is told whatever the CSMS sets."""
        slots = (slot for slot in self._desk.model.slots() if slot.folded.variable == "problem")
        parts = (slot for slot in slots if slot.folded.component not in TOLD_OTHERWISE)
        for id, slot in enumerate(parts, FIRST_ID["HardWiredMonitor"]):
            monitor = Monitor(id, slot.spot, Setting("Delta", 1, PROBLEM_SEVERITY), "HardWiredMonitor")
            monitor.told = "false"
            self.put(slot, monitor, now)

    def _take_up(self, number: str, stored: StoredMonitor, now: Now) -> bool:
        slot = self._desk.model.find(stored.spot)
        if slot is None or not number.isdecimal():
            return False
        known, setting = self.monitors.get(int(number)), stored.setting
        if setting is None:
            return self._stays_away(known, slot)
        if stored.origin == "CustomMonitor":
            if objection_to(slot.variable, setting) is not None:
                return False
            known = Monitor(int(number), slot.spot, setting, "CustomMonitor")
            self.put(slot, known, now)
        elif known is None or (known.spot, known.setting) != (slot.spot, setting):
            return False
        known.exceeded = stored.exceeded
        known.told = stored.told if stored.told is not None else known.told
        return True

    def _stays_away(self, known: Monitor | None, slot: Slot) -> bool:
        if known is None or known.origin != "PreconfiguredMonitor" or known.spot != slot.spot:
            return False
        self.monitors.remove(known.id)
        return True

    # ---- values ----

    def look(self, now: Now) -> None:
        """Something happened: ask those whose variable changed, or all of them when others may speak than before."""
        if not self.monitors.places or not self._begun(now):
            return
        self._align(now)
        limit = self._utmost_severity()
        everybody = self.changed or limit != self._limit
        self._limit, self.changed = limit, False
        fired: list[Fired] = []
        for place in self.monitors.places.values():
            value = place.slot.read()
            if everybody or value != place.seen:
                place.seen = value
                fired += self._ask(place, value, limit)
        if fired:
            self._tell(fired, now)

    def _begun(self, now: Now) -> bool:
        if self._begins_mono is not None and (now.mono >= self._begins_mono or self._desk.accepted):
            self._begins_mono = None
        return self._begins_mono is None

    def _utmost_severity(self) -> int:
        """The least grave event that could be told, or queued, now (N05.FR.03, N07.FR.04, N07.FR.15)."""
        model = self._desk.model
        if not model[MONITORING_ENABLED]:
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
            self.changed = True
        limit, wall = self._utmost_severity(), self._wall(now)
        fired: list[Fired] = []
        for monitor in self.monitors.periodic.values():
            firing = monitor.expire(now.mono, wall)
            if firing is not None and self._may_speak(monitor, limit):
                slot = self.monitors.places[monitor.spot].slot
                fired.append(Fired(monitor, slot, slot.read(), firing))
        if fired:
            self._tell(fired, now)

    def _wall(self, now: Now) -> datetime | None:
        return now.wall if self._desk.clock_known else None

    def _align(self, now: Now) -> None:
        """The clock was set: its moments are somewhere else now."""
        ahead_s = now.wall.timestamp() - now.mono
        if self._clock_known == self._desk.clock_known and abs(ahead_s - self._clock_ahead_s) < CLOCK_MOVED_S:
            return
        self._clock_known, self._clock_ahead_s = self._desk.clock_known, ahead_s
        for monitor in self.monitors.periodic.values():
            if monitor.setting.kind == "PeriodicClockAligned":
                monitor.align(now.mono, self._wall(now))

    # ---- events ----

    def transaction_ended(self, evse: int, transaction_id: str) -> None:
        """What happens on this EVSE still is linked to it, as the power that goes down is, until the vehicle leaves."""
        self._ended[evse] = transaction_id
        self.changed = True

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
                self.keep(each.monitor, each.slot)
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
