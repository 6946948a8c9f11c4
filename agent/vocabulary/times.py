"""Times of day (UTC) as whole numbers, milliseconds since 1970, and as text.  Asks no clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
A_MILLISECOND = timedelta(milliseconds=1)


def ms_of(at: datetime) -> int:
    """Since 1970; what is less than a millisecond is left out."""
    return (at - EPOCH) // A_MILLISECOND


def time_of(at_ms: int) -> datetime:
    """The time of day (UTC) again."""
    return EPOCH + at_ms * A_MILLISECOND


def time_text(at: datetime) -> str:
    """A time of day as it is told."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
