"""A charging profile through time: which of its periods is in force at a moment, and until when.  Merges nothing.

Times are whole milliseconds since 1970 (UTC): sums of them are exact, so that a period ends where the next begins.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from datetime import datetime
from functools import cached_property
from typing import Literal, NamedTuple

import msgspec

from agent.vocabulary.times import ms_of

NEVER_MS = 1 << 62
CYCLES_MS = {"Daily": 86_400_000, "Weekly": 7 * 86_400_000}

Purpose = Literal["ChargingStationExternalConstraints", "ChargingStationMaxProfile", "TxDefaultProfile", "TxProfile"]
Unit = Literal["A", "W"]


class Period(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """ChargingSchedulePeriod: from ``start_period`` seconds on, at most this, in the unit of its schedule."""

    start_period: int
    limit: float
    number_phases: int | None = None
    phase_to_use: int | None = None


class Schedule(msgspec.Struct, frozen=True, rename="camel", dict=True):
    """ChargingSchedule."""

    id: int
    unit: Unit = msgspec.field(name="chargingRateUnit")
    periods: tuple[Period, ...] = msgspec.field(name="chargingSchedulePeriod")
    start: datetime | None = msgspec.field(name="startSchedule", default=None)
    duration: int | None = None
    min_charging_rate: float | None = None

    @cached_property
    def starts_ms(self) -> tuple[int, ...]:
        """When its periods begin, after its own beginning."""
        return tuple(1000 * period.start_period for period in self.periods)


class Profile(msgspec.Struct, frozen=True, rename="camel"):
    """ChargingProfile, as far as it says what may be drawn; read from the JSON of the message."""

    id: int
    stack_level: int
    purpose: Purpose = msgspec.field(name="chargingProfilePurpose")
    kind: Literal["Absolute", "Recurring", "Relative"] = msgspec.field(name="chargingProfileKind")
    schedules: tuple[Schedule, ...] = msgspec.field(name="chargingSchedule")
    recurrency: Literal["Daily", "Weekly"] | None = msgspec.field(name="recurrencyKind", default=None)
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    transaction_id: str | None = None

    @property
    def valid_ms(self) -> tuple[int, int]:
        """From when and until when it is valid (K01.FR.10, K01.FR.36, K01.FR.37)."""
        begins = -NEVER_MS if self.valid_from is None else ms_of(self.valid_from)
        return begins, NEVER_MS if self.valid_to is None else ms_of(self.valid_to)

    def __str__(self) -> str:
        """As a technician reads it."""
        return f"{self.purpose} {self.id}"


class Limit(NamedTuple):
    """What a period allows: so much in this unit, on so many phases, and what charging slower would waste."""

    value: float
    unit: Unit
    phases: int
    least: float | None = None


class Track:
    """One schedule of a profile, where Relative ones begin at ``ready_ms``; None: nobody is ready yet.

    ``at`` may be asked of any moment; what it found last is kept until that may be something else.
    """

    __slots__ = (
        "_cycle_ms",
        "_found",
        "_lasts_ms",
        "_schedule",
        "_since_ms",
        "_start_ms",
        "_valid_ms",
        "profile",
        "until_ms",
    )
    _found: Period | None

    def __init__(self, profile: Profile, ready_ms: int | None, schedule: int = 0) -> None:
        self.profile = profile
        self._schedule = profile.schedules[min(schedule, len(profile.schedules) - 1)]
        begins = self._schedule.start
        self._start_ms = ready_ms if begins is None else ms_of(begins)
        duration_s = self._schedule.duration
        self._lasts_ms = NEVER_MS if duration_s is None else 1000 * duration_s
        self._cycle_ms = CYCLES_MS[profile.recurrency] if profile.recurrency else NEVER_MS
        self._valid_ms = profile.valid_ms
        self._since_ms, self.until_ms = NEVER_MS, NEVER_MS
        self._found: Period | None = None

    def at(self, at_ms: int) -> Period | None:
        """The period that is in force then; ``until_ms`` is the moment at which that ends."""
        if not self._since_ms <= at_ms < self.until_ms:
            self._since_ms = at_ms
            self._found, self.until_ms = self._find(at_ms)
        return self._found

    def limit(self, period: Period) -> Limit:
        """What that period allows; without a number of phases it is three (K01.FR.49)."""
        schedule = self._schedule
        return Limit(period.limit, schedule.unit, period.number_phases or 3, schedule.min_charging_rate)

    def _find(self, at_ms: int) -> tuple[Period | None, int]:
        valid_from_ms, valid_to_ms = self._valid_ms
        if at_ms < valid_from_ms:
            return None, valid_from_ms
        if at_ms >= valid_to_ms:
            return None, NEVER_MS
        if self._start_ms is None:  # as it will begin
            return (self._schedule.periods[0] if self._lasts_ms else None), valid_to_ms
        if at_ms < self._start_ms:  # K01.FR.30
            return None, min(self._start_ms, valid_to_ms)
        begun_ms = at_ms - (at_ms - self._start_ms) % self._cycle_ms
        found, until_ms = self._find_within(at_ms - begun_ms)
        return found, min(begun_ms + until_ms, valid_to_ms)

    def _find_within(self, elapsed_ms: int) -> tuple[Period | None, int]:
        """So long after the schedule, or its cycle, began; what is past its duration never comes (K01.FR.11)."""
        if elapsed_ms >= self._lasts_ms:  # K01.FR.13
            return None, self._cycle_ms
        starts_ms = self._schedule.starts_ms
        index = bisect_right(starts_ms, elapsed_ms)
        next_ms = starts_ms[index] if index < len(starts_ms) else NEVER_MS
        return self._schedule.periods[index - 1], min(next_ms, self._lasts_ms, self._cycle_ms)


class Lane:
    """Profiles of which one counts at a time: the first that has a period then (K01.FR.17, K02.FR.04, K02.FR.08)."""

    def __init__(self, tracks: Iterable[Track] = ()) -> None:
        self._tracks = tuple(tracks)
        self._since_ms = NEVER_MS
        self._found: Limit | None = None
        self.leading: Profile | None = None
        self.until_ms = NEVER_MS

    def at(self, at_ms: int) -> Limit | None:
        """What is allowed then, by the ``leading`` profile; ``until_ms`` is when that may change."""
        if not self._since_ms <= at_ms < self.until_ms:
            self._found = self._find(at_ms)
        return self._found

    def _find(self, at_ms: int) -> Limit | None:
        self._since_ms, self.leading, self.until_ms = at_ms, None, NEVER_MS
        for track in self._tracks:
            period = track.at(at_ms)
            self.until_ms = min(self.until_ms, track.until_ms)
            if period is not None:
                self.leading = track.profile
                return track.limit(period)
        return None
