"""One transaction: what is remembered of it, and when the configuration lets it start and stop.  Sends nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from agent.session.authorization import Authorization
from agent.vocabulary.values import ClockShift, Token
from hal.events import MeterSampled

ChargingState = Literal["Charging", "EVConnected", "SuspendedEV", "SuspendedEVSE", "Idle"]


class Reading(msgspec.Struct, frozen=True):
    """A meter reading and the time at which it was taken."""

    sample: MeterSampled
    at: datetime

    def moved(self, shift: ClockShift) -> Reading:
        """The same reading with its time of day corrected."""
        return msgspec.structs.replace(self, at=shift.corrected(self.at))


MOST_COLLECTED = 100


class Collected(msgspec.Struct):
    """Readings at even intervals for the end of a transaction: when there are too many, every second one goes.

    What is left is the 2nd, the 4th... (E06.FR.13, J02.FR.20), and from then on only as many are taken.
    """

    readings: list[Reading] = []
    one_in: int = 1
    offered: int = 0

    def offer(self, reading: Reading) -> bool:
        """Take this one in, if it is its turn."""
        self.offered += 1
        if self.offered % self.one_in:
            return False
        self.readings.append(reading)
        if len(self.readings) > MOST_COLLECTED:
            self.one_in *= 2
            self.readings = self.readings[1::2]
        return True


class Course(msgspec.Struct):
    """What was collected for the Ended of this transaction; on disk apart from it: it is large and seldom changes."""

    transaction_id: str = ""
    periodic: Collected = msgspec.field(default_factory=Collected)
    aligned: Collected = msgspec.field(default_factory=Collected)

    def move_times(self, shift: ClockShift) -> None:
        """Correct what was stamped by a clock that was wrong."""
        for collected in (self.periodic, self.aligned):
            collected.readings = [reading.moved(shift) for reading in collected.readings]


class Ending(msgspec.Struct, frozen=True):
    """The transaction is over but for its last meter reading."""

    trigger: str
    stopped_reason: str
    at: datetime
    token: Token | None = None
    in_the_dark: bool = False


class Transaction(msgspec.Struct, kw_only=True):
    """What is remembered of a transaction, on disk from its first event to its last.

    ``stopped_reason`` is why its authorization ended, for the time when the transaction ends (E07, figure 55);
    ``told_begin``, that the reading it began with was told with its start or with its energy.
    """

    id: str
    started_at: datetime
    next_seq_no: int = 0
    connector: int | None = None
    token: Token | None = None
    remote_start_id: int | None = None
    charging_state: ChargingState = "Idle"
    told_evse: bool = False
    told_token: bool = False
    told_remote_start: bool = False
    told_reservation: bool = False
    told_public_key: bool = False
    told_phases: int | None = None
    energy_blocked: bool = False
    stopped_reason: str | None = None
    begin: Reading | None = None
    told_begin: bool = False
    last: Reading | None = None
    ending: Ending | None = None
    told_at: datetime | None = None
    right: Authorization | None = None
    course: Course = msgspec.field(default_factory=Course)

    def last_alive(self) -> datetime:
        """The latest moment of which something was stored: the end of a transaction that the power ended."""
        known = (self.started_at, self.told_at, None if self.last is None else self.last.at)
        return max(moment for moment in known if moment is not None)

    def learn(self, reading: Reading) -> None:
        """Take a newer reading; a register that went backwards is another meter's, or a reset one's, and is not."""
        before = None if self.last is None else self.last.sample.import_wh
        now = reading.sample.import_wh
        if before is None or now is None or now >= before:
            self.last = reading

    def take_seq_no(self) -> int:
        """The number of the next event: 0, 1, 2... (E, sequence number generation)."""
        number = self.next_seq_no
        self.next_seq_no += 1
        return number

    def move_times(self, shift: ClockShift) -> None:
        """Its times of day were stamped by a clock that was wrong, but for those of an earlier start."""
        self.started_at = shift.corrected(self.started_at)
        self.begin = None if self.begin is None else self.begin.moved(shift)
        self.last = None if self.last is None else self.last.moved(shift)
        self.told_at = None if self.told_at is None else shift.corrected(self.told_at)
        self.course.move_times(shift)
        if self.ending is not None:
            self.ending = msgspec.structs.replace(self.ending, at=shift.corrected(self.ending.at))

    def authorized_anew(self) -> None:
        """Its authorization is a new one: it is told like the first, and what the last one ended with is past."""
        self.told_token = self.told_remote_start = self.energy_blocked = False
        self.stopped_reason = None

    def energy_wh(self) -> float | None:
        """What went through the meter since the beginning."""
        if self.begin is None or self.last is None:
            return None
        first, latest = self.begin.sample.import_wh, self.last.sample.import_wh
        return None if first is None or latest is None else max(0.0, latest - first)


class Edges(msgspec.Struct, frozen=True):
    """Which conditions of an EVSE became true and which became false with one event."""

    rising: frozenset[str]
    falling: frozenset[str]

    def starts(self, start_points: tuple[str, ...]) -> bool:
        """Whether a transaction starts now (E01)."""
        return not self.rising.isdisjoint(start_points)

    def stops(self, stop_points: tuple[str, ...]) -> bool:
        """Whether a running transaction stops now (E06).

        PowerPathClosed as a stop point is the same as EVConnected and Authorized, whether or not both ever held
        (E06.FR.06; 2.6.6.2).
        """
        both = ("EVConnected", "Authorized") if "PowerPathClosed" in stop_points else ()
        return not self.falling.isdisjoint((*stop_points, *both))


def edges(before: frozenset[str], after: frozenset[str]) -> Edges:
    """What changed between two sets of conditions."""
    return Edges(after - before, before - after)
