"""What a turn leaves for the disk, in order, to be committed together.  Writes nothing itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec

from agent.link.disk import ChangeList, Insert, LogSecurity, MoveSecurityTimes, Put, Write
from agent.link.outbox import Outbox
from agent.link.times import shifted
from agent.vocabulary.commands import Answer, ChangeLocalList, Command, KeepRecord, LogSecurityEvent, Send
from agent.vocabulary.times import ms_of
from agent.vocabulary.values import ClockShift, Now

CLOCK_SHIFT = "clock/shift/"
CLOCK_LAST = "clock/last"


class Writing:
    """The writes of the present turn; durable messages enter the outbox as they are taken."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._writes: list[Write] = []

    def __bool__(self) -> bool:
        return bool(self._writes)

    def add(self, write: Write) -> None:
        """One more."""
        self._writes.append(write)

    def take(self) -> list[Write]:
        """All of them, once."""
        writes, self._writes = self._writes, []
        return writes

    def collect(self, commands: list[Command], now: Now, *, known: bool) -> int | None:
        """Take what these commands want kept; returns the last row that a message of theirs became.

        ``known``: the time of day is; what is stamped while it is not is provisional.
        """
        up_to: int | None = None
        for command in commands:
            match command:
                case KeepRecord(key=key, value=value):
                    self.add(Put(key, value))
                case ChangeLocalList(replace=replace, put=put, drop=drop):
                    self.add(ChangeList(replace, put, drop))
                case LogSecurityEvent(type=type, at=at, tech_info=tech_info):
                    self.add(LogSecurity(type, ms_of(at), tech_info, self._outbox.boot, not known))
                case Send(durable=True):
                    up_to = self._enter(command, known=known)
        if self._writes:  # known or not: no later start may stamp anything earlier
            self.add(Put(CLOCK_LAST, now.wall.isoformat().encode()))
        return up_to

    def _enter(self, command: Send, *, known: bool) -> int:
        row = self._outbox.append(
            command.request,
            command.transaction_id,
            command.seq_no,
            worth=command.worth,
            provisional=not known,
        )
        self.add(Insert(row))
        return row.id

    def learned_time(self, moved_s: float, since: datetime) -> ClockShift | None:
        """The time of day became known; what was stamped before is to be moved, where it was off."""
        boot = self._outbox.boot
        self.add(MoveSecurityTimes(boot, round(moved_s * 1000), ms_of(since)))
        if not moved_s:
            return None
        shift = ClockShift(moved_s, since)
        self._outbox.learned_time(shift)
        self.add(Put(f"{CLOCK_SHIFT}{boot}", msgspec.json.encode(shift)))
        return shift


def corrected(command: Command, shift: ClockShift) -> Command:
    """What is said in the moment in which the time became known."""
    if isinstance(command, Send):
        return msgspec.structs.replace(command, request=shifted(command.request, shift))
    return command


def promises(commands: Iterable[Command]) -> Iterator[str]:
    """The calls whose answers promise what is on disk."""
    for command in commands:
        if isinstance(command, Answer) and command.unless_stored is not None:
            yield command.message_id


def truthful(command: Command) -> Command:
    """What is answered when the disk refused what the answer promises."""
    if isinstance(command, Answer) and command.unless_stored is not None:
        return Answer(command.message_id, command.unless_stored)
    return command
