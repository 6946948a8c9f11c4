"""What a station is set to: variables and limits, taken up at power-on and kept when they change.  Does no I/O."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from agent.blocks.base import Desk
from agent.model.device import Spot
from agent.model.migrations import carried, restore
from agent.session.site import KeptLimit, limit_key
from agent.vocabulary.commands import KeepRecord
from agent.vocabulary.incoming import LimitSet
from agent.vocabulary.values import ClockShift, Now


class StoredVariable(msgspec.Struct, frozen=True):
    """A variable on disk."""

    spot: Spot
    text: str


class Settings:
    """Records of variables and limits; ``dropped`` is what an older release stored and nothing can have any more."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.dropped: list[str] = []

    def take_up(self, records: Mapping[str, bytes], now: Now) -> None:
        """What held before the power went holds again."""
        for key, value in records.items():
            if key.startswith("variable/"):
                self._take_up_variable(key, value, records)
        self._desk.model.forget_changes()
        self._take_up_limits(records, now)

    def _take_up_variable(self, key: str, value: bytes, records: Mapping[str, bytes]) -> None:
        """What an older release stored is carried over, or dropped with a word."""
        stored = self._desk.read_record(key, value, StoredVariable)
        if stored is None:
            return
        spot = carried(stored.spot)
        moved = spot != stored.spot
        if moved and spot.key() in records:  # set anew since
            self._desk.tell(KeepRecord(key, None))
            return
        refusal = restore(self._desk.model, spot, stored.text)
        if refusal:
            self.dropped.append(refusal)
        if refusal or moved:
            self._desk.tell(KeepRecord(key, None))
        if moved and not refusal:
            self._keep(spot, stored.text)

    def keep_variables(self) -> bool:
        """What was set since the last time; whether anything was."""
        changes = self._desk.model.take_changes()
        for slot, text in changes:
            self._keep(slot.spot, text)
        return bool(changes)

    def _keep(self, spot: Spot, text: str | None) -> None:
        value = None if text is None else msgspec.json.encode(StoredVariable(spot, text))
        self._desk.tell(KeepRecord(spot.key(), value))

    def limit(self, said: LimitSet, now: Now) -> None:
        """What is set for good outlives the power."""
        self._desk.facts.extend(self._desk.site.limit(said, now))
        self._keep_limit(limit_key(said), self._desk.site.kept_limit(limit_key(said)))

    def _keep_limit(self, key: str, kept: KeptLimit | None) -> None:
        self._desk.tell(KeepRecord(key, None if kept is None else msgspec.json.encode(kept)))

    def _take_up_limits(self, records: Mapping[str, bytes], now: Now) -> None:
        site = self._desk.site
        site.begin(now)
        for key, value in records.items():
            kept = self._desk.read_record(key, value, KeptLimit) if key.startswith("limit/") else None
            if kept is not None:
                self._desk.facts.extend(site.take_up_limit(kept, now))

    def move_times(self, shift: ClockShift) -> None:
        """The time of day became known: since when limits hold was stamped with another."""
        for key, kept in self._desk.site.move_times(shift).items():
            self._keep_limit(key, kept)
