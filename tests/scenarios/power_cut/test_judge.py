"""Whatever a station does wrong with its events is found, and nothing is found in what is told well."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.csms.record import StationRecord
from tests.scenarios.power_cut.blackbox import BlackBox, Event
from tests.scenarios.power_cut.judge import Evidence, Heard, heard_by, judge

NAME = "t1"
SHOWN = {1: [0.0, 100.0, 250.0, 400.0], 2: [0.0, 7.0]}


def reading(wh: float, context: str | None = None) -> dict[str, Any]:
    sample = {"value": wh} if context is None else {"value": wh, "context": context}
    return {"timestamp": "2026-01-01T00:00:00Z", "sampledValue": [sample]}


def message(number: int, kind: str, *values: dict[str, Any], name: str = NAME) -> dict[str, Any]:
    told: dict[str, Any] = {
        "eventType": kind,
        "seqNo": number,
        "timestamp": f"2026-01-01T00:00:0{number}.250Z",
        "transactionInfo": {"transactionId": name},
    }
    return {**told, **({"meterValue": list(values)} if values else {}), **({} if number else {"evse": {"id": 1}})}


WELL = (
    message(0, "Started", reading(100, "Transaction.Begin")),
    message(1, "Updated", reading(250)),
    message(2, "Ended", reading(100, "Transaction.Begin"), reading(400, "Transaction.End")),
)


class Case:
    """A transaction that was told well; a test spoils it."""

    def __init__(self) -> None:
        self.box = BlackBox()
        for row_id, told in enumerate(WELL, 1):
            self.box.handed_in.add((NAME, told["seqNo"]))
            self.box.learn(Event(row_id, NAME, told["seqNo"], told), at_s=float(row_id))
        self.box.last_wh = {NAME: 250.0}
        self.heard = [Heard(10.0 + number, told, taken=True) for number, told in enumerate(WELL)]

    def hear(self, told: dict[str, Any], *, taken: bool = True, at: int | None = None) -> None:
        self.heard.insert(len(self.heard) if at is None else at, Heard(20.0, told, taken))

    def complaints(self) -> list[str]:
        return judge(Evidence(self.heard, self.box, SHOWN)).complaints


def spoiled(number: int, **changed: Any) -> dict[str, Any]:
    return {**WELL[number], **changed}


def test_what_is_told_well_is_not_complained_of() -> None:
    judgement = judge(Evidence(Case().heard, Case().box, SHOWN))
    assert judgement.complaints == []
    assert (judgement.made, judgement.delivered, judgement.duplicates, judgement.transactions) == (3, 3, 0, 1)


def test_what_may_happen_to_a_message_underway_is_not_complained_of() -> None:
    """It is said again, it becomes offline, its time has more decimals on disk, and one was never committed."""
    case = Case()
    case.hear(spoiled(1, offline=True), taken=False, at=1)
    case.hear(spoiled(1, timestamp="2026-01-01T00:00:01.250000Z"), at=3)
    case.box.handed_in.add(("lost", 0))
    judgement = judge(Evidence(case.heard, case.box, SHOWN))
    assert judgement.complaints == []
    assert (judgement.duplicates, judgement.lost_by_definition) == (2, 1)


def missing(case: Case) -> None:
    del case.heard[1]


def missing_at_the_end(case: Case) -> None:
    del case.heard[2]


def never_taken(case: Case) -> None:
    case.heard[2] = Heard(12.0, WELL[2], taken=False)


def heard_and_forgotten(case: Case) -> None:
    """Sent, lost with the power, and the end made anew under its number."""
    case.hear(spoiled(2, triggerReason="Local"), at=2)


def another_message_under_an_old_number(case: Case) -> None:
    case.hear(spoiled(1, eventType="Ended"))


def altered_on_disk(case: Case) -> None:
    case.box.committed[NAME, 1] = Event(2, NAME, 1, spoiled(1, timestamp="2026-01-01T00:00:09Z"))


def two_rows_of_one_event(case: Case) -> None:
    case.box.learn(Event(9, NAME, 1, WELL[1]), 3.0)


def one_row_of_two_events(case: Case) -> None:
    case.box.learn(Event(3, "t2", 0, message(0, "Started", name="t2")), 3.0)
    case.hear(message(0, "Started", name="t2"))


def sent_before_it_was_on_disk(case: Case) -> None:
    case.box.committed_at_s[NAME, 1] = 11.5


def out_of_order(case: Case) -> None:
    case.heard[0], case.heard[1] = case.heard[1], case.heard[0]


def overtaken(case: Case) -> None:
    case.hear(WELL[1], taken=False, at=1)
    case.heard.append(case.heard.pop(2))


def started_twice(case: Case) -> None:
    case.heard[1] = Heard(11.0, spoiled(1, eventType="Started"), taken=True)


def never_ended(case: Case) -> None:
    case.heard[2] = Heard(12.0, spoiled(2, eventType="Updated"), taken=True)


def register_backwards(case: Case) -> None:
    case.heard[1] = Heard(11.0, spoiled(1, meterValue=[reading(0)]), taken=True)


def register_never_shown(case: Case) -> None:
    case.heard[1] = Heard(11.0, spoiled(1, meterValue=[reading(251)]), taken=True)


def register_of_the_neighbour(case: Case) -> None:
    case.box.last_wh = {}
    values = [reading(7, "Transaction.Begin"), reading(7, "Transaction.End")]
    case.heard = [
        Heard(10.0, spoiled(0, meterValue=values[:1]), True),
        Heard(12.0, spoiled(2, meterValue=values), True),
    ]


def last_reading_lost(case: Case) -> None:
    case.box.last_wh = {NAME: 400.0}
    ended = spoiled(2, meterValue=[reading(100, "Transaction.Begin"), reading(250, "Transaction.End")])
    case.heard[2] = Heard(12.0, ended, taken=True)


def no_last_reading_at_all(case: Case) -> None:
    case.heard[2] = Heard(12.0, spoiled(2, meterValue=[]), taken=True)


def back_in_time(case: Case) -> None:
    case.heard[2] = Heard(12.0, spoiled(2, timestamp="2025-12-31T23:00:00Z"), taken=True)


def parked_at_once(case: Case) -> None:
    case.box.parked.add((NAME, 1))


def thinned_at_the_end(case: Case) -> None:
    case.box.thinned.add((NAME, 2))


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (missing, "came as seqNo [0, 2]"),
        (missing_at_the_end, "#2 was committed but never taken"),
        (never_taken, "#2 was heard but never taken"),
        (heard_and_forgotten, "#2: one seqNo, two events"),
        (another_message_under_an_old_number, "#1: one seqNo, two events"),
        (altered_on_disk, "#1 is not what was committed"),
        (two_rows_of_one_event, "#1 was committed twice"),
        (one_row_of_two_events, "row 3 was ('t1', 2) and is ('t2', 0)"),
        (sent_before_it_was_on_disk, "#1 was sent before it was on disk"),
        (out_of_order, "came as seqNo [1, 0, 2]"),
        (overtaken, "#2 was sent while #1 was not taken"),
        (started_twice, "came as ['Started', 'Started', 'Ended']"),
        (never_ended, "came as ['Started', 'Updated', 'Updated']"),
        (register_backwards, "the register shows"),
        (register_never_shown, "never showed all of"),
        (register_of_the_neighbour, "the meter of EVSE 1 never showed all of"),
        (last_reading_lost, "the last reading on disk was 400.0"),
        (no_last_reading_at_all, "the last reading on disk was 250.0, it ended with []"),
        (back_in_time, "came with times"),
        (parked_at_once, "#1 was parked after 0 refusals"),
        (thinned_at_the_end, "#2 was given up for room"),
    ],
)
def test_every_fault_is_named(spoil: Callable[[Case], None], complaint: str) -> None:
    case = Case()
    spoil(case)
    assert any(complaint in text for text in case.complaints()), case.complaints()


def test_a_reading_that_was_given_up_for_room_is_not_missed() -> None:
    case = Case()
    del case.heard[1]
    case.box.thinned.add((NAME, 1))
    assert case.complaints() == []


def test_times_may_be_corrected_on_the_way_when_the_clock_was_told_and_only_then() -> None:
    case = Case()
    case.heard = [
        Heard(each.at_s, {**each.payload, "timestamp": each.payload["timestamp"].replace("T00", "T01")}, taken=True)
        for each in case.heard
    ]
    assert judge(Evidence(case.heard, case.box, SHOWN, clock_told=True)).complaints == []
    assert any("is not what was committed" in text for text in case.complaints())


def test_a_time_is_corrected_once() -> None:
    """After a power cut it must not be told with another correction, or none."""
    case = Case()
    case.hear(spoiled(1, timestamp="2026-01-01T01:00:01.250Z"), at=2)
    (complaint,) = judge(Evidence(case.heard, case.box, SHOWN, clock_told=True)).complaints
    assert "#1: one seqNo, two events: timestamp 2026-01-01T00:00:01.250Z then 2026-01-01T01:00:01.250Z" in complaint


def test_an_event_that_was_refused_often_enough_may_be_overtaken() -> None:
    case = Case()
    for _ in range(3):
        case.hear(WELL[1], taken=False, at=1)
    case.heard.append(case.heard.pop(4))
    assert case.complaints() == []


def test_an_event_is_taken_when_the_CSMS_said_so() -> None:
    record = StationRecord("CS001")
    for id_, number in (("a", 0), ("b", 1), ("c", 1)):
        record.add(f'[2,"{id_}","TransactionEvent",{{"seqNo":{number}}}]', from_station=True)
    for answer in ('[3,"a",{}]', '[4,"b","InternalError","",{}]'):
        record.add(answer, from_station=False)
    assert [heard.taken for heard in heard_by(record.frames)] == [True, False, False]
    assert record.frames[0].at <= datetime.now(UTC)
