"""Readings against the clock: aligned moments, how long a reading counts, what is kept of many.  Knows no measurand."""

from __future__ import annotations

from datetime import datetime, timedelta

from agent.session.evse import Evse
from agent.session.transaction import Reading
from agent.vocabulary.times import EPOCH
from agent.vocabulary.values import Now

DAY = timedelta(days=1)

CHARGING_PERIOD_S = 5.0
"""How often a meter is read while a transaction runs."""

READING_LASTS_S = 3 * CHARGING_PERIOD_S
"""How old a reading may be that is told as the present one: two in a row may be missed."""

ALIGNED_LATE_S = 10.0
"""How long after an aligned moment a reading still is one of that moment."""


def aligned_before(at: datetime, interval_s: int) -> datetime:
    """The last moment of the day's even intervals, which start anew at each midnight (UTC)."""
    return at - (at - EPOCH) % DAY % timedelta(seconds=interval_s)


def aligned_after(at: datetime, interval_s: int) -> datetime:
    """The next moment of the day's even intervals."""
    of_day, interval = (at - EPOCH) % DAY, timedelta(seconds=interval_s)
    return at - of_day + min(of_day - of_day % interval + interval, DAY)


def aligned_moment(at: datetime, interval_s: int) -> datetime | None:
    """The moment of which a reading taken ``at`` is; None where it is of none, or there are none."""
    if not interval_s:
        return None
    moment = aligned_before(at, interval_s)
    return moment if (at - moment).total_seconds() <= ALIGNED_LATE_S else None


def present_reading(evse: Evse, now: Now, within_s: float = READING_LASTS_S) -> Reading | None:
    """The last reading, if it is not too old to be told as the present one."""
    return evse.reading if now.mono - evse.read_at_mono < within_s else None


def meter_is_gone(evse: Evse) -> bool:
    """Whether nothing can be read of this EVSE, signed or not."""
    return evse.faults.meter_is_gone


def told_by_transaction(evse: Evse, moment: datetime) -> bool:
    """Whether what was read at this moment belongs into an event of the transaction (J01.FR.22, J02.FR.22)."""
    transaction = evse.transaction
    if transaction is None or transaction.ending is not None or transaction.begin is None:
        return False
    return moment > transaction.started_at
