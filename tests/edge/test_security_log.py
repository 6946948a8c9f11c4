"""The security log on a real file: the newest stay, windows are kept to, times are corrected when they are known."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from agent.edge import security_log as module
from agent.edge.ledger import SCHEMA, Ledger
from agent.edge.security_log import events
from agent.link.disk import LogSecurity, MoveSecurityTimes
from agent.vocabulary.times import EPOCH, ms_of

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.executescript(SCHEMA)
        ledger = Ledger(connection)
        ledger.connection = connection  # type: ignore[attr-defined]
        yield ledger


def logged(ledger: Ledger, *window: datetime | None) -> list[tuple[str, datetime]]:
    return [(event.type, event.at) for event in events(ledger.connection, *window)]  # type: ignore[attr-defined]


def test_the_oldest_goes_when_there_is_no_room(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_KEPT", 3)
    for number in range(5):
        ledger.perform(LogSecurity(f"E{number}", number, "", 1, provisional=False))
    assert [name for name, _ in logged(ledger)] == ["E2", "E3", "E4"]


def test_a_window_has_both_its_ends(ledger: Ledger) -> None:
    for hour in range(4):
        ledger.perform(LogSecurity(f"E{hour}", ms_of(NOON + timedelta(hours=hour)), "", 1, provisional=False))
    one, two = NOON + timedelta(hours=1), NOON + timedelta(hours=2)
    assert [name for name, _ in logged(ledger, one, two)] == ["E1", "E2"]
    assert [name for name, _ in logged(ledger, None, one)] == ["E0", "E1"]
    assert [name for name, _ in logged(ledger, two)] == ["E2", "E3"]


def test_what_this_start_stamped_without_knowing_the_time_is_corrected_once(ledger: Ledger) -> None:
    ledger.perform(LogSecurity("earlier start", ms_of(NOON), "", 1, provisional=True))
    ledger.perform(LogSecurity("this start", ms_of(EPOCH), "", 2, provisional=True))
    ledger.perform(LogSecurity("known", ms_of(NOON), "", 2, provisional=False))
    shift = MoveSecurityTimes(2, ms_of(NOON), 0)
    ledger.perform(shift)
    ledger.perform(shift)
    assert logged(ledger) == [("earlier start", NOON), ("this start", NOON), ("known", NOON)]
