"""What watches a variable: thresholds, deltas, periods.  Told values and the time; reads, sends and stores nothing.

Source: OCPP 2.0.1 Part 2, N04 to N08, MonitorEnumType.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import chain
from typing import Any, Literal, NamedTuple

import msgspec

from agent.model.device import Slot, Spot
from agent.model.variable import GREATEST_INTEGER, Variable
from agent.vocabulary.times import EPOCH

Kind = Literal["UpperThreshold", "LowerThreshold", "Delta", "Periodic", "PeriodicClockAligned"]
Origin = Literal["HardWiredMonitor", "PreconfiguredMonitor", "CustomMonitor"]
Trigger = Literal["Alerting", "Delta", "Periodic"]

THRESHOLDS = ("UpperThreshold", "LowerThreshold")
PERIODICS = ("Periodic", "PeriodicClockAligned")

FIRST_ID: dict[Origin, int] = {"HardWiredMonitor": 1, "PreconfiguredMonitor": 10_001, "CustomMonitor": 20_001}
"""Apart, so that a release with more of its own monitors moves none of the CSMS's."""

MOST_CUSTOM = 1000
LEAST_PERIOD_S, GREATEST_PERIOD_S = 1, GREATEST_INTEGER
LEAST_SEVERITY, GREATEST_SEVERITY = 9, 0
UNSEEN = object()

Reading = float | str
"""The value of a number, the text of everything else."""


class Setting(msgspec.Struct, frozen=True):
    """What a monitor looks for; ``value`` is a limit, a difference, or a period in seconds."""

    kind: Kind
    value: float
    severity: int
    transaction: bool = False


class Preset(msgspec.Struct, frozen=True):
    """A monitor that the manufacturer brings along."""

    spot: Spot
    setting: Setting

    def duplicates(self, other: Preset) -> bool:
        """Whether both cannot be (N04.FR.10)."""
        mine, its = self.setting, other.setting
        same = (mine.kind, mine.severity) == (its.kind, its.severity)
        return same and self.spot.folded() == other.spot.folded()


class Firing(NamedTuple):
    """A monitor has something to say."""

    trigger: Trigger
    cleared: bool = False


class Objection(NamedTuple):
    """Why a monitor cannot be set; ``reason`` is a reason code of the appendix."""

    status: Literal["UnsupportedMonitorType", "Rejected"]
    reason: str
    text: str


class Monitor:
    """One monitor, and what it remembers: whether its limit is exceeded, what it told last, when it is due."""

    __slots__ = ("_moment", "due_mono", "exceeded", "id", "origin", "setting", "spot", "told")

    def __init__(self, id: int, spot: Spot, setting: Setting, origin: Origin) -> None:
        self.id = id
        self.spot = spot
        self.setting = setting
        self.origin = origin
        self.exceeded = False
        self.told: Reading | None = None
        self.due_mono: float | None = None
        self._moment: datetime | None = None

    def receive(self, value: Reading) -> Firing | None:
        """The variable has this value now."""
        match self.setting.kind:
            case "UpperThreshold" | "LowerThreshold" if not isinstance(value, str):
                return self._crossed(value)
            case "Delta":
                return self._changed(value)
        return None

    def _crossed(self, value: float) -> Firing | None:
        """Beyond the limit, not on it (N07.FR.16, N07.FR.17)."""
        limit = self.setting.value
        exceeded = value > limit if self.setting.kind == "UpperThreshold" else value < limit
        if exceeded is self.exceeded:
            return None
        self.exceeded = exceeded
        return Firing("Alerting", cleared=not exceeded)

    def _changed(self, value: Reading) -> Firing | None:
        before = self.told
        if before is None or isinstance(before, str) is not isinstance(value, str):
            self.told = value
            return None
        if isinstance(before, str) or isinstance(value, str):
            if value == before:  # N07.FR.19
                return None
        elif abs(value - before) <= self.setting.value:  # N07.FR.18
            return None
        self.told = value
        return Firing("Delta")

    # ---- periods ----

    def begin(self, mono: float, wall: datetime | None) -> None:
        """Count from now; without the time of day (None) nothing is aligned with it."""
        if self.setting.kind == "Periodic":
            self.due_mono = mono + self.setting.value
        elif self.setting.kind == "PeriodicClockAligned":
            self._moment = None
            self.align(mono, wall)

    def align(self, mono: float, wall: datetime | None) -> None:
        """The next moment of the clock, when the clock and the timers may have moved against each other."""
        self._moment = self.due_mono = None
        if wall is not None:
            self._wait_for(aligned_after(wall, self.setting.value), mono, wall)

    def _wait_for(self, moment: datetime, mono: float, wall: datetime) -> None:
        self._moment = moment
        self.due_mono = mono + (moment - wall).total_seconds()

    def expire(self, mono: float, wall: datetime | None) -> Firing | None:
        """A period may be over."""
        if self.due_mono is None or mono < self.due_mono:
            return None
        if self.setting.kind == "Periodic":
            self.due_mono += (int((mono - self.due_mono) / self.setting.value) + 1) * self.setting.value
        elif wall is None or self._moment is None:
            self.due_mono = None
        else:  # the clock may say a little less than the timer that waited for it
            self._wait_for(aligned_after(max(wall, self._moment), self.setting.value), mono, wall)
        return Firing("Periodic")


class Place:
    """A monitored variable with all that watch it, and the value at which they looked last."""

    __slots__ = ("monitors", "seen", "slot")

    def __init__(self, slot: Slot) -> None:
        self.slot = slot
        self.monitors: list[Monitor] = []
        self.seen: Any = UNSEEN


class Monitors:
    """All monitors: by number, by the variable that they watch, and (``periodic``) those that wait for a time."""

    def __init__(self) -> None:
        self.places: dict[Spot, Place] = {}
        self.periodic: dict[int, Monitor] = {}
        self._by_id: dict[int, Monitor] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Monitor]:
        """In the order of their numbers: hard-wired ones first."""
        return iter(sorted(self._by_id.values(), key=lambda monitor: monitor.id))

    def get(self, id: int) -> Monitor | None:
        """The monitor of this number."""
        return self._by_id.get(id)

    def put(self, slot: Slot, monitor: Monitor) -> None:
        """Add it, or replace the one of its number."""
        self.remove(monitor.id)
        self._by_id[monitor.id] = monitor
        if monitor.setting.kind in PERIODICS:
            self.periodic[monitor.id] = monitor
        self.places.setdefault(slot.spot, Place(slot)).monitors.append(monitor)

    def remove(self, id: int) -> None:
        """It watches no more; nothing is said of that (N07.FR.12)."""
        monitor = self._by_id.pop(id, None)
        if monitor is None:
            return
        self.periodic.pop(id, None)
        place = self.places[monitor.spot]
        place.monitors.remove(monitor)
        if not place.monitors:
            del self.places[monitor.spot]

    def of(self, *origins: Origin) -> list[Monitor]:
        """Those of these origins."""
        return [monitor for monitor in self if monitor.origin in origins]

    def duplicate(self, spot: Spot, setting: Setting, id: int | None) -> Monitor | None:
        """Another one of the same kind and severity on the same variable (N04.FR.10)."""
        place = self.places.get(spot)
        for other in () if place is None else place.monitors:
            same = other.setting.kind == setting.kind and other.setting.severity == setting.severity
            if same and other.id != id:
                return other
        return None

    def next_id(self) -> int | None:
        """A number for a new monitor of the CSMS; None: there are too many."""
        first = FIRST_ID["CustomMonitor"]
        taken = [id for id in self._by_id if id >= first]
        if len(taken) >= MOST_CUSTOM:
            return None
        return max(chain((first - 1,), taken)) + 1


def is_numeric(variable: Variable[Any]) -> bool:
    """Whether its values have an order and a distance."""
    return variable.data_type in ("integer", "decimal")


def reading(variable: Variable[Any], value: Any) -> Reading:
    """A value as a monitor compares it."""
    return value if is_numeric(variable) and value is not None else variable.to_text(value)


def kinds_for(variable: Variable[Any]) -> tuple[Kind, ...]:
    """What can watch it: a limit needs a number, a secret tells only that it changed, time changes all the time."""
    if variable.mutability == "WriteOnly":
        return ("Delta",)
    if variable.data_type == "dateTime":
        return ("Periodic", "PeriodicClockAligned")
    if is_numeric(variable):
        return ("UpperThreshold", "LowerThreshold", "Delta", "Periodic", "PeriodicClockAligned")
    return ("Delta", "Periodic", "PeriodicClockAligned")


def objection_to(variable: Variable[Any], setting: Setting) -> Objection | None:
    """What speaks against watching this variable so."""
    kinds = kinds_for(variable)
    if setting.kind not in kinds:  # N04.FR.05
        text = f"{variable} cannot have a {setting.kind}; it can have {', '.join(kinds)}"
        return Objection("UnsupportedMonitorType", "UnsupportedParam", text)
    if not GREATEST_SEVERITY <= setting.severity <= LEAST_SEVERITY:
        text = f"severity {setting.severity} is not between {GREATEST_SEVERITY} and {LEAST_SEVERITY}"
        return Objection("Rejected", "ValueOutOfRange", text)
    return _objection_to_value(variable, setting)


def _objection_to_value(variable: Variable[Any], setting: Setting) -> Objection | None:
    kind, value = setting.kind, setting.value
    if kind == "Delta":
        negative = value < 0  # N04.FR.14
        return Objection("Rejected", "ValuePositiveOnly", f"a Delta of {value:g} is negative") if negative else None
    if kind in PERIODICS:
        low, high = float(LEAST_PERIOD_S), float(GREATEST_PERIOD_S)
    else:  # N04.FR.06 as of erratum 2.61
        low = float("-inf") if variable.low is None else variable.low
        high = float("inf") if variable.high is None else variable.high
    if low <= value <= high:
        return None
    return Objection("Rejected", "ValueOutOfRange", f"{kind} {value:g} is not between {low:g} and {high:g}")


def aligned_after(wall: datetime, interval_s: float) -> datetime:
    """The next even moment, counted from 1970 in UTC: each is one interval after the one before, over midnight too."""
    interval = timedelta(seconds=interval_s)
    return wall - (wall - EPOCH) % interval + interval
