"""What goes wrong for long is told once: in the log, and to the security log where it belongs there.  Mends nothing."""

from __future__ import annotations

import logging

from agent.vocabulary.incoming import (
    CallFailed,
    CsmsAnswered,
    Incoming,
    LinkLost,
    LinkOpened,
    LinkWarned,
    OutboxDrained,
    SecurityNoticed,
)

log = logging.getLogger(__name__)

MOST_WARNINGS = 32
"""Different warnings that are told of one connection."""

Noticed = tuple[SecurityNoticed, ...]


class Grievances:
    """Each thing once: a CSMS that refuses for days, or talks nonsense, fills no log."""

    def __init__(self) -> None:
        self._last_failure = ""
        self._last_alarm = ""
        self._warned: set[str] = set()
        self._told_full = False

    def hear(self, event: Incoming) -> Noticed:
        """Something came from the link."""
        match event:
            case LinkLost(reason=reason) if reason != self._last_failure:
                self._last_failure = reason
                log.warning("! csms: %s; next attempt in %.0f s, then with back-off", reason, event.retry_s)
            case LinkOpened():
                self._warned.clear()
            case LinkWarned(text=text) if text not in self._warned and len(self._warned) < MOST_WARNINGS:
                self._warned.add(text)
                log.warning("! csms: %s", text)
                return (SecurityNoticed("InvalidMessages", text),)
            case OutboxDrained():
                self._told_full = False
            case CsmsAnswered(outcome=outcome) if not isinstance(outcome, CallFailed):
                self._last_failure = self._last_alarm = ""  # it worked: the next loss is news
        return ()

    def alarm(self, type: str, reason: str) -> Noticed:
        """The connection failed in a way that is of interest for security; once until it works."""
        if reason == self._last_alarm:
            return ()
        self._last_alarm = reason
        return (SecurityNoticed(type, reason),)

    def disk(self, works: bool, text: str) -> Noticed:
        """The disk takes writes again, or does not."""
        if works:
            log.warning("= the disk takes writes again")
            return ()
        log.error("! the disk refuses writes (%s): events are kept in memory and sent from there", text)
        return (SecurityNoticed("MemoryExhaustion", f"the disk refuses writes: {text}"),)

    def full(self, waiting: int, given_up: int) -> Noticed:
        """More waits than there is room for, and so many readings were given up."""
        if given_up:
            log.warning("! %d events wait, over the budget: %d readings were thinned out", waiting, given_up)
        else:
            log.error("! %d events wait, over the budget, and none of them can be thinned out", waiting)
        if self._told_full:
            return ()
        self._told_full = True
        return (SecurityNoticed("MemoryExhaustion", f"{waiting} events wait, over the budget"),)
