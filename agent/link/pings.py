"""Pings: whether the connection lives, and whether what was said on it got through.  Sends none and closes nothing."""

from __future__ import annotations

from typing import Literal


class Pings:
    """When one is due, and what its answer proves; times are monotonic.

    A call that waits long for its answer is followed by a ping of its own: a pong behind it proves that the CSMS has
    the call, too.
    """

    def __init__(self) -> None:
        self.interval_s = 60.0
        self.got_through = False
        self._ping_at: float | None = None
        self._pong_by: float | None = None
        self._probe_at: float | None = None
        self._pongs_wanted = 0

    def schedule(self, mono: float) -> None:
        """The next one is an interval from now; with an interval of 0 there is none."""
        self._ping_at = mono + self.interval_s if self.interval_s > 0 else None

    def closed(self) -> None:
        """The connection is gone: nothing is due."""
        self._ping_at = self._pong_by = self._probe_at = None

    def called(self, mono: float, timeout_s: float, *, durable: bool) -> None:
        """A call went out; half of the time that its answer may take is waited before a durable one is probed."""
        pings = self.interval_s > 0
        self._probe_at = mono + timeout_s / 2 if pings and durable else None
        self.got_through, self._pongs_wanted = not pings, 0

    def call_ended(self) -> None:
        """It was answered, or its connection is gone."""
        self._probe_at = None

    def answered(self) -> None:
        """A pong came."""
        self._pong_by = None
        self._pongs_wanted -= 1
        self.got_through = self.got_through or self._pongs_wanted == 0

    def take_due(self, mono: float, timeout_s: float) -> Literal["ping", "give up"] | None:
        """What is to be done now."""
        if self._pong_by is not None and mono >= self._pong_by:
            return "give up"
        if self._probe_at is not None and mono >= self._probe_at:
            self._probe_at = None
            self._pongs_wanted = 1 if self._pong_by is None else 2
        elif self._ping_at is not None and mono >= self._ping_at:
            self.schedule(mono)
        else:
            return None
        self._pong_by = self._pong_by or mono + min(timeout_s, self.interval_s)
        return "ping"

    def next_deadline(self) -> float | None:
        """When ``take_due`` has something to say."""
        times = (self._ping_at, self._pong_by, self._probe_at)
        return min((time for time in times if time is not None), default=None)
