"""Times that were wrong when they were written down: moved when they are sent, and nothing else is touched."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.link.disk import Row, Waiting
from agent.link.outbox import Outbox
from agent.link.times import shifted
from agent.ocpp.messages import ACTIONS, request_type
from agent.ocpp.messages import e_transactions as m
from agent.ocpp.messages.base import Message, Request
from agent.ocpp.messages.common import MeterValue, SampledValue
from agent.ocpp.messages.g_availability import HeartbeatRequest
from agent.vocabulary.values import ClockShift
from tests.ocpp.messages_of import messages_of

WAKING = datetime(1970, 1, 1, tzinfo=UTC)
"""What a clock without a battery says when the power comes."""

TRUE = datetime(2026, 5, 1, 12, tzinfo=UTC)
OFF = ClockShift((TRUE - WAKING).total_seconds(), WAKING - timedelta(minutes=1))
"""For a start that woke up a minute before."""

REQUESTS = sorted(action for action in ACTIONS if request_type(action) is not None)


def always(by_s: float) -> ClockShift:
    """A shift of everything."""
    return ClockShift(by_s, since=datetime.min.replace(tzinfo=UTC))


def event(number: int, at: datetime = WAKING) -> m.TransactionEventRequest:
    """An event with two readings, one taken a minute before it."""
    values = tuple(
        MeterValue(timestamp=taken, sampled_value=(SampledValue(value=1.0),))
        for taken in (at - timedelta(minutes=1), at)
    )
    return m.TransactionEventRequest(
        event_type="Updated",
        timestamp=at,
        trigger_reason="MeterValuePeriodic",
        seq_no=number,
        transaction_info=m.Transaction(transaction_id="T1"),
        meter_value=values,
    )


def times_in(value: Any) -> Iterator[datetime]:
    """Every time of a message, in the order of its fields."""
    if isinstance(value, datetime):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from times_in(item)
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from times_in(getattr(value, name))


def timeless(value: Any) -> Any:
    """Everything else of it."""
    if isinstance(value, datetime):
        return "a time"
    if isinstance(value, tuple):
        return tuple(timeless(item) for item in value)
    if isinstance(value, msgspec.Struct):
        return {name: timeless(getattr(value, name)) for name in value.__struct_fields__}
    return value


# ---- a message ----


@settings(max_examples=200)
@given(data=st.data(), by=st.timedeltas(timedelta(days=-3650), timedelta(days=36500)))
def test_every_time_of_a_message_moves_by_the_same_and_nothing_else_changes(data: st.DataObject, by: timedelta) -> None:
    kind = request_type(data.draw(st.sampled_from(REQUESTS)))
    assert kind is not None
    message: Message = data.draw(messages_of(kind))
    moved = shifted(message, always(by.total_seconds()))
    assert type(moved) is type(message)
    assert list(times_in(moved)) == [time + by for time in times_in(message)]
    assert timeless(moved) == timeless(message)
    assert shifted(moved, always(-by.total_seconds())) == message


def test_a_message_without_a_time_stays_the_same_object():
    message = HeartbeatRequest()
    assert shifted(message, OFF) is message


# ---- the queue ----


def provisional(outbox: Outbox, number: int) -> Row:
    row = outbox.append(event(number), "T1", number, provisional=True)
    outbox.stored(row.id)
    return row


def said(outbox: Outbox) -> m.TransactionEventRequest:
    """The next event as it goes out; the CSMS takes it."""
    entry = outbox.head(0.0)
    assert entry is not None
    request = outbox.request_to_send(entry, 0.0)
    outbox.answered(entry)
    assert isinstance(request, m.TransactionEventRequest)
    return request


def test_what_waits_is_corrected_when_the_time_becomes_known():
    outbox = Outbox(boot=7)
    provisional(outbox, 0)
    assert outbox.learned_time(OFF) == 7
    outbox.shift_stored()
    assert said(outbox) == event(0, TRUE)


def test_what_was_stamped_with_a_known_clock_is_not_touched():
    outbox = Outbox(boot=7)
    provisional(outbox, 0)
    outbox.learned_time(OFF)
    outbox.shift_stored()
    outbox.stored(outbox.append(event(1, TRUE), "T1", 1).id)
    assert [said(outbox), said(outbox)] == [event(0, TRUE), event(1, TRUE)]


def test_an_event_that_was_in_flight_when_the_time_became_known_is_corrected_when_it_is_said_again():
    outbox = Outbox(boot=7)
    provisional(outbox, 0)
    entry = outbox.head(0.0)
    assert entry is not None
    first = outbox.request_to_send(entry, 0.0)
    outbox.learned_time(OFF)
    again = outbox.request_to_send(entry, 40.0)
    assert (first, again) == (event(0), event(0, TRUE))


def read_back(rows: list[Row], shifts: dict[int, ClockShift], boot: int) -> list[Request]:
    """What a later start sends of the rows that earlier ones left."""
    waiting = Waiting(len(rows), sum(len(row.message) for row in rows), {"T1": len(rows)})
    outbox = Outbox(next_id=rows[-1].id + 1, waiting=waiting, boot=boot, clock_shifts=shifts)
    assert outbox.take_read() is not None
    outbox.rows_read(rows)
    return [msgspec.structs.replace(said(outbox), offline=None) for _ in rows]


def test_each_start_has_its_own_shift_and_one_that_never_learned_the_time_keeps_its_stamps():
    rows = [
        Row(1, "TransactionEvent", encoded(0), "T1", 0, boot=1, provisional=True),
        Row(2, "TransactionEvent", encoded(1), "T1", 1, boot=2, provisional=True),
        Row(3, "TransactionEvent", encoded(2), "T1", 2, boot=3, provisional=True),
        Row(4, "TransactionEvent", encoded(3), "T1", 3, boot=3),
    ]
    told = read_back(rows, {1: always(60.0), 3: OFF}, boot=4)
    minute = timedelta(minutes=1)
    assert told == [event(0, WAKING + minute), event(1), event(2, TRUE), event(3)]


def test_a_shift_is_the_same_after_a_power_cut():
    """What was said before it and what is said after it must not differ: the CSMS takes the second for a repetition."""
    outbox = Outbox(boot=1)
    row = provisional(outbox, 0)
    outbox.learned_time(OFF)
    outbox.shift_stored()
    entry = outbox.head(0.0)
    assert entry is not None
    before = outbox.request_to_send(entry, 0.0)
    (after,) = read_back([row], dict(outbox.clock_shifts), boot=2)
    assert after == before


def test_nothing_is_said_with_a_corrected_time_before_the_correction_is_on_disk():
    """After a power cut it would be said again as it was stamped: one seqNo, two events."""
    outbox = Outbox(boot=1)
    provisional(outbox, 0)
    outbox.learned_time(OFF)
    outbox.stored(1)
    assert outbox.head(0.0) is None
    outbox.shift_stored()
    assert said(outbox) == event(0, TRUE)


def test_a_disk_that_refuses_the_correction_holds_up_nothing():
    outbox = Outbox(boot=1)
    provisional(outbox, 0)
    outbox.learned_time(OFF)
    outbox.disk_works = False
    assert said(outbox) == event(0, TRUE)


@pytest.mark.parametrize("shift_s", [0.001, -0.001, 3600.0, -86_400.0 * 365])
def test_a_shift_may_go_either_way(shift_s: float) -> None:
    outbox = Outbox(boot=1)
    outbox.stored(outbox.append(event(0, TRUE), "T1", 0, provisional=True).id)
    outbox.learned_time(always(shift_s))
    outbox.shift_stored()
    assert said(outbox) == event(0, TRUE + timedelta(seconds=shift_s))


def encoded(number: int) -> bytes:
    return msgspec.json.encode(event(number))
