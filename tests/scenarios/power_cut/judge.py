"""Is anything missing, doubled, altered or out of order?  Holds what the CSMS heard against what was committed.

Pure, and shares no code with the station: JSON in, complaints out.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

from tests.csms.record import CALL, CALLRESULT, Frame, registers_wh
from tests.scenarios.power_cut.blackbox import BlackBox, Event

Payload = dict[str, Any]
Key = tuple[str, int]

STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)")


@dataclass(frozen=True)
class Heard:
    """A TransactionEvent as it came; ``taken`` when the CSMS said so."""

    at_s: float
    payload: Payload
    taken: bool

    @property
    def key(self) -> Key:
        return self.payload["transactionInfo"]["transactionId"], self.payload["seqNo"]


@dataclass
class Evidence:
    """All that is known of one station.

    Args:
        heard: in the order in which it came.
        box: what its black boxes say, of all its lives.
        shown_wh: what the meter of each EVSE has ever shown, oldest first.
        clock_told: the station learns the time from the CSMS: what it stamped before is corrected when it is sent.
        attempts: how often it tries before it parks an event; in the end, all that were parked are sent again.

    """

    heard: Sequence[Heard]
    box: BlackBox
    shown_wh: Mapping[int, Sequence[float]]
    clock_told: bool = False
    attempts: int = 3


@dataclass
class Judgement:
    """Complaints, and how much there was to complain of."""

    complaints: list[str] = field(default_factory=list)
    made: int = 0
    delivered: int = 0
    duplicates: int = 0
    lost_by_definition: int = 0
    transactions: int = 0
    parked: int = 0
    thinned: int = 0


def heard_by(frames: Iterable[Frame]) -> list[Heard]:
    """The events in what the CSMS wrote down; one that it did not answer, or refused, it has not taken."""
    frames = list(frames)
    taken = {frame.id for frame in frames if not frame.from_station and frame.kind == CALLRESULT}
    return [
        Heard(frame.monotonic_s, frame.payload, frame.id in taken)
        for frame in frames
        if frame.from_station and frame.kind == CALL and frame.action == "TransactionEvent"
    ]


def judge(evidence: Evidence) -> Judgement:
    """Everything that must hold when all has been said."""
    first = first_of(evidence.heard)
    box = evidence.box
    found = [
        *box.contradictions,
        *doubled_rows(box.committed.values()),
        *not_delivered(evidence, first),
        *said_too_early(first, box),
        *altered(evidence, first),
        *parked_too_soon(evidence),
        *thinned_badly(box),
        *overtaken(evidence),
    ]
    for events in by_transaction(first).values():
        found += told_badly(events, box.thinned)
        found += timed_badly(events)
        found += metered_badly(events, evidence.shown_wh, box.last_wh)
    return Judgement(
        complaints=found,
        made=len(box.handed_in),
        delivered=len({heard.key for heard in evidence.heard if heard.taken}),
        duplicates=len(evidence.heard) - len(first),
        lost_by_definition=len(box.handed_in - box.committed.keys() - first.keys()),
        transactions=len(by_transaction(first)),
        parked=len(box.parked),
        thinned=len(box.thinned),
    )


def first_of(heard: Iterable[Heard]) -> dict[Key, Heard]:
    """De-duplicated, as a CSMS does it: what came first counts."""
    first: dict[Key, Heard] = {}
    for each in heard:
        first.setdefault(each.key, each)
    return first


def by_transaction(first: Mapping[Key, Heard]) -> dict[str, list[Payload]]:
    """Of each transaction its events, in the order in which they came first."""
    events: dict[str, list[Payload]] = {}
    for (transaction_id, _), heard in first.items():
        events.setdefault(transaction_id, []).append(heard.payload)
    return events


def not_delivered(evidence: Evidence, first: Mapping[Key, Heard]) -> Iterator[str]:
    """What was committed, or heard once, must have been taken in the end."""
    taken = {heard.key for heard in evidence.heard if heard.taken}
    for key in sorted((evidence.box.committed.keys() | first.keys()) - taken - evidence.box.thinned):
        known = "was heard but" if key in first else "was committed but"
        yield f"{key[0]} #{key[1]} {known} never taken by the CSMS"


def said_too_early(first: Mapping[Key, Heard], box: BlackBox) -> Iterator[str]:
    """Durable before it is said."""
    for key, heard in first.items():
        at_s = box.committed_at_s.get(key)
        if at_s is None or heard.at_s < at_s:
            yield f"{key[0]} #{key[1]} was sent before it was on disk"


def altered(evidence: Evidence, first: Mapping[Key, Heard]) -> Iterator[str]:
    """E11.FR.07: a message may become ``offline`` while it waits; nothing else of it may change."""
    committed, compare = evidence.box.committed, timeless if evidence.clock_told else plain
    for each in evidence.heard:
        event = committed.get(each.key)
        if plain(each.payload) != plain(first[each.key].payload):
            yield f"{each.key[0]} #{each.key[1]}: one seqNo, two events: {difference(each, first[each.key])}"
        elif event is not None and compare(each.payload) != compare(event.message):
            yield f"{each.key[0]} #{each.key[1]} is not what was committed: {each.payload} is not {event.message}"


def difference(one: Heard, other: Heard) -> str:
    """The fields that are not the same."""
    names = one.payload.keys() | other.payload.keys()
    told = {name: (other.payload.get(name), one.payload.get(name)) for name in sorted(names)}
    return ", ".join(f"{name} {was} then {now}" for name, (was, now) in told.items() if plain(was) != plain(now))


def plain(said: Any) -> Any:
    """Without ``offline``, and every time as a number: how many decimals it is written with does not matter."""
    match said:
        case dict():
            return {key: plain(value) for key, value in said.items() if key != "offline"}
        case list():
            return [plain(value) for value in said]
        case str() if STAMP.fullmatch(said):
            return datetime.fromisoformat(said).timestamp()
    return said


def timeless(said: Any) -> Any:
    """As ``plain``, without times."""
    match said:
        case dict():
            return {key: timeless(value) for key, value in said.items() if key not in ("offline", "timestamp")}
        case list():
            return [timeless(value) for value in said]
    return said


def doubled_rows(committed: Iterable[Event]) -> Iterator[str]:
    """A row is one event for ever."""
    keys: dict[int, Key] = {}
    for event in committed:
        known = keys.setdefault(event.row_id, event.key)
        if known != event.key:
            yield f"row {event.row_id} was {known} and is {event.key}"


def parked_too_soon(evidence: Evidence) -> Iterator[str]:
    """E13: so many attempts, each of which the CSMS has heard and not taken."""
    tries = Counter(heard.key for heard in evidence.heard if not heard.taken)
    for key in evidence.box.parked:
        if tries[key] < evidence.attempts:
            yield f"{key[0]} #{key[1]} was parked after {tries[key]} refusals"


def thinned_badly(box: BlackBox) -> Iterator[str]:
    """E04.FR.08: only what lies between the first and the last may be given up for room."""
    for key in box.thinned:
        event = box.committed.get(key)
        if event is not None and event.message["eventType"] != "Updated":
            yield f"{key[0]} #{key[1]} was given up for room, and is {event.message['eventType']}"


def told_badly(events: Sequence[Payload], thinned: Set[Key]) -> Iterator[str]:
    """From Started to Ended, 0, 1, 2..."""
    name = events[0]["transactionInfo"]["transactionId"]
    numbers, types = [event["seqNo"] for event in events], [event["eventType"] for event in events]
    due = [number for number in range(numbers[-1] + 1) if (name, number) not in thinned or number in numbers]
    if numbers != due:
        yield f"{name} came as seqNo {numbers}"
    if types[0] != "Started" or types[-1] != "Ended" or set(types[1:-1]) - {"Updated"} or len(types) < 2:
        yield f"{name} came as {types}"


def timed_badly(events: Sequence[Payload]) -> Iterator[str]:
    """What came later did not happen earlier."""
    stamps = [event["timestamp"] for event in events]
    if any(plain(later) < plain(earlier) for earlier, later in pairwise(stamps)):
        yield f"{events[0]['transactionInfo']['transactionId']} came with times {stamps}"


def metered_badly(
    events: Sequence[Payload], shown_wh: Mapping[int, Sequence[float]], last_wh: Mapping[str, float]
) -> Iterator[str]:
    """The register never runs backwards, shows what it showed, and ends with what was known to be its last value."""
    name = events[0]["transactionInfo"]["transactionId"]
    begins = [wh for event in events for wh in readings(event, "Transaction.Begin")]
    ends = [wh for event in events for wh in readings(event, "Transaction.End")]
    course = [*begins[:1], *(wh for event in events for wh in readings(event, None)), *ends]
    evse = next((event["evse"]["id"] for event in events if "evse" in event), None)
    if any(later < earlier for earlier, later in pairwise(course)) or len(set(begins)) > 1:
        yield f"{name}: the register shows {begins}, then {course}"
    if not set(course) <= set(shown_wh.get(evse, ()) if evse else all_of(shown_wh)):
        yield f"{name}: the meter of EVSE {evse} never showed all of {course}"
    if name in last_wh and (not ends or ends[-1] < last_wh[name]):
        yield f"{name}: the last reading on disk was {last_wh[name]}, it ended with {ends}"


def readings(event: Payload, context: str | None) -> list[float]:
    """The register's values of this context; None: of none, which is how a periodic reading is told."""
    values = [
        {**value, "sampledValue": [s for s in value["sampledValue"] if _context(s) == context]}
        for value in event.get("meterValue", ())
    ]
    return [float(wh) for wh in registers_wh({"meterValue": values})]


def _context(sample: Payload) -> str | None:
    context = sample.get("context")
    return context if context in ("Transaction.Begin", "Transaction.End") else None


def all_of(shown_wh: Mapping[int, Sequence[float]]) -> list[float]:
    return [wh for values in shown_wh.values() for wh in values]


def overtaken(evidence: Evidence) -> Iterator[str]:
    """E04, E13: what is younger waits until what is older was taken or given up, transaction by transaction."""
    tries: Counter[Key] = Counter()
    waiting: dict[str, int] = {}
    for each in evidence.heard:
        name, number = each.key
        before = waiting.get(name, number)
        given_up = (name, before) in evidence.box.thinned or tries[name, before] >= evidence.attempts
        if number > before and not given_up:
            yield f"{name} #{number} was sent while #{before} was not taken"
        if not each.taken:
            tries[each.key] += 1
            waiting[name] = min(before, number)
        elif before == number:
            waiting.pop(name, None)
