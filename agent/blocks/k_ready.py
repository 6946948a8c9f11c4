"""Block K: since when each EVSE is ready for its vehicle, which is where Relative profiles begin.  Limits nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from agent.blocks.base import Desk
from agent.session.evse import Evse
from agent.vocabulary.commands import KeepRecord
from agent.vocabulary.times import ms_of
from agent.vocabulary.values import ClockShift, Now

PREFIX = "ready/"


class ReadySince(msgspec.Struct, frozen=True):
    """A driver was authorized and his vehicle connected; ``transaction_id`` is empty until one runs."""

    at: datetime
    transaction_id: str = ""


class Readiness:
    """One moment for each transaction, however often its vehicle pauses (K01.FR.42)."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._since: dict[int, ReadySince] = {}

    def since_ms(self, evse: Evse) -> int | None:
        """None: nobody is ready there."""
        since = self._since.get(evse.id)
        return None if since is None else ms_of(since.at)

    def look(self, evse: Evse, now: Now) -> None:
        """Somebody may be ready now, or gone."""
        running = "" if evse.transaction is None else evse.transaction.id
        ready = evse.authorization is not None and evse.plugged is not None
        before = since = self._since.get(evse.id)
        if since is not None and since.transaction_id not in ("", running):
            since = None
        if since is not None and since.transaction_id == "" and not ready:
            since = None
        if since is None and ready:
            since = ReadySince(now.wall.replace(microsecond=0))
        if since is not None and since.transaction_id != running:
            since = msgspec.structs.replace(since, transaction_id=running)
        if since != before:
            self._keep(evse.id, since)

    def _keep(self, evse_id: int, since: ReadySince | None) -> None:
        """On disk while a transaction runs."""
        before = self._since.pop(evse_id, None)
        if since is not None:
            self._since[evse_id] = since
        if since is not None and since.transaction_id:
            self._desk.tell(KeepRecord(f"{PREFIX}{evse_id}", msgspec.json.encode(since)))
        elif before is not None and before.transaction_id:
            self._desk.tell(KeepRecord(f"{PREFIX}{evse_id}", None))

    def take_up(self, records: Mapping[str, bytes]) -> None:
        """What was known when the power went; that of a transaction which is over is dropped at the first look."""
        for evse_id in self._desk.site.evses:
            record = records.get(f"{PREFIX}{evse_id}")
            since = None if record is None else self._desk.read_record(f"{PREFIX}{evse_id}", record, ReadySince)
            if since is not None:
                self._since[evse_id] = since

    def move_times(self, shift: ClockShift) -> None:
        """They were stamped by a clock that was wrong."""
        for evse_id, since in list(self._since.items()):
            self._keep(evse_id, msgspec.structs.replace(since, at=shift.corrected(since.at)))
