"""Block N: all monitors, the station's own, the board's and the CSMS's, and what is kept of them.  Asks none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime

import msgspec

from agent.blocks.base import Desk
from agent.model.catalogue import ACTIVE_MONITORING_BASE
from agent.model.device import Slot, Spot
from agent.model.monitors import FIRST_ID, Monitor, Monitors, Origin, Preset, Setting, objection_to
from agent.vocabulary.commands import KeepRecord
from agent.vocabulary.values import Now

RECORD = "monitor/"
NUMBER = re.compile(r"[0-9]{1,10}")

PROBLEM_SEVERITY = 3
"""Critical: what every component with a Problem tells by itself."""

TOLD_OTHERWISE = frozenset({"clockctrlr", "connector", "connectorplugretentionlock", "evse"})
"""Whose Problem is a StatusNotification, or a notification of block G; or, as the clock's at a start, none."""


class StoredMonitor(msgspec.Struct, frozen=True):
    """A monitor on disk; without ``setting`` it is one of the manufacturer's that the CSMS has cleared."""

    spot: Spot
    setting: Setting | None
    origin: Origin
    exceeded: bool = False
    told: str | None = None


class Roster:
    """Every monitor of the station; ``changed`` says that there are others than when they were asked last."""

    def __init__(self, desk: Desk, presets: tuple[Preset, ...] = ()) -> None:
        self.monitors = Monitors()
        self.changed = True
        self._desk = desk
        self._presets = presets

    def put(self, slot: Slot, monitor: Monitor, now: Now) -> None:
        """From now on."""
        monitor.begin(now.mono, wall_of(self._desk, now))
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

    def put_back(self, id: int, slot: Slot, known: Monitor | None, now: Now) -> None:
        """The one that had this number before; None: there was none."""
        self.monitors.remove(id)
        self._desk.tell(KeepRecord(f"{RECORD}{id}", None))
        if known is not None:
            self.put(slot, known, now)
            if known.origin == "CustomMonitor":
                self.keep(known, slot)

    def settable(self) -> list[Monitor]:
        """Those that a base decides on."""
        return self.monitors.of("PreconfiguredMonitor", "CustomMonitor")

    def put_all_back(self, before: list[Monitor], now: Now) -> None:
        """These and no others."""
        for monitor in self.settable():
            if monitor not in before:
                self.forget(monitor)
        for monitor in before:
            slot = self._desk.model.find(monitor.spot)
            if slot is not None and self.monitors.get(monitor.id) is not monitor:
                self.put_back(monitor.id, slot, monitor, now)

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
        self._hard_wire(now)
        if self._desk.model[ACTIVE_MONITORING_BASE] != "HardWiredOnly":
            for id, slot, preset in self._usable_presets():
                self.put(slot, Monitor(id, slot.spot, preset.setting, "PreconfiguredMonitor"), now)
        for key in sorted(records, key=lambda key: (len(key), key), reverse=True):  # greatest numbers first
            if key.startswith(RECORD):
                stored = self._desk.read_record(key, records[key], StoredMonitor)
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
        if slot is None or not NUMBER.fullmatch(number):
            return False
        known, setting = self.monitors.get(int(number)), stored.setting
        if setting is None:
            return self._stays_away(known, slot)
        if stored.origin == "CustomMonitor":
            if objection_to(slot.variable, setting) is not None:
                return False
            known = Monitor(self._number(known, slot, int(number)), slot.spot, setting, "CustomMonitor")
            self.put(slot, known, now)
        elif known is None or (known.spot, known.setting) != (slot.spot, setting):
            return False
        known.exceeded = stored.exceeded
        known.told = stored.told if stored.told is not None else known.told
        if known.id != int(number):
            self.keep(known, slot)
        return True

    def _number(self, known: Monitor | None, slot: Slot, number: int) -> int:
        """Its own, unless a later board file has given that to a monitor of another variable (N04.FR.19)."""
        if known is None or known.spot == slot.spot:
            return number
        self._desk.tell(KeepRecord(f"{RECORD}{number}", None))
        return self.monitors.next_id() or number

    def _stays_away(self, known: Monitor | None, slot: Slot) -> bool:
        if known is None or known.origin != "PreconfiguredMonitor" or known.spot != slot.spot:
            return False
        self.monitors.remove(known.id)
        return True


def wall_of(desk: Desk, now: Now) -> datetime | None:
    """The time of day, where it is known."""
    return now.wall if desk.clock_known else None
