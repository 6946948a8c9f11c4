"""What a day came to: every rule that was broken, by the rule.  Looks at what is over; changes nothing."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import pairwise
from typing import Any

from agent.ocpp.dialect import dialect_for
from tests.csms.record import Payload
from tests.scenarios.lossy.csms import FIRST_MOMENT, HEARTBEAT_INTERVAL_S
from tests.scenarios.lossy.simulation import Day
from tests.scenarios.lossy.trace import DAY_S, MESSAGE_TIMEOUT_S, SLACK_S, Number

DURABLE = ("TransactionEvent", "SecurityEventNotification")

CLOSING_S = 3.0
CLOCK_TOLERANCE_S = 5.0
"""How far from the truth an event may be stamped: the CSMS's time takes seconds to arrive."""


def number_of(payload: Payload) -> Number:
    return payload["transactionInfo"]["transactionId"], payload["seqNo"]


def faults_of(day: Day) -> dict[str, list[str]]:
    """Rule -> how it was broken; an empty list where it was kept."""
    return {
        "at once": day.trace.faults,
        "delivery": list(delivery(day)),
        "order": list(order(day)),
        "content": list(content(day)),
        "offline": list(offline(day)),
        "times": list(times(day)),
        "back-off": list(back_off(day)),
        "heartbeats": list(heartbeats(day)),
        "a heartbeat a day": list(heartbeat_a_day(day)),
        "pings": list(pings(day)),
        "dead wires": list(dead_wires(day)),
        "at the end": list(the_end(day)),
    }


def delivery(day: Day) -> Iterator[str]:
    """Everything that was made arrived, and nothing else."""
    made, arrived = set(day.trace.made), {number_of(payload) for payload in day.csms.arrived}
    yield from (f"{number} never arrived" for number in sorted(made - arrived))
    yield from (f"{number} was never made" for number in sorted(arrived - made))


def order(day: Day) -> Iterator[str]:
    """Within a transaction what is new comes in order, from Started to Ended, without a gap."""
    for transaction in day.csms.record.transactions.values():
        yield from transaction.faults()
        numbers = [event["seqNo"] for event in transaction.events]
        if numbers != list(range(len(numbers))) or not transaction.ended:
            yield f"{transaction.id}: {transaction.types} {numbers}"


def content(day: Day) -> Iterator[str]:
    """What is said, however often, is what was made."""
    dialect = dialect_for("ocpp2.0.1")
    for payload in day.csms.arrived:
        made = day.trace.made.get(number_of(payload))
        if made is not None and timeless(payload) != timeless(json.loads(dialect.encode(made.request))):
            yield f"{number_of(payload)} says {payload}, and was made as {made.request}"


def timeless(value: Any) -> Any:
    """Without what may differ between two times that it is said."""
    if isinstance(value, dict):
        return {name: timeless(item) for name, item in value.items() if name not in ("offline", "timestamp")}
    return [timeless(item) for item in value] if isinstance(value, list) else value


def offline(day: Day) -> Iterator[str]:
    """Said on another connection than the one that stood when it was made (E04.FR.03, E11.FR.07)."""
    for said in day.trace.said:
        if said.action == "TransactionEvent":
            made = day.trace.made[number_of(said.payload)]
            if said.payload.get("offline", False) is not (made.connection != said.connection):
                yield f"{number_of(said.payload)} made on {made.connection}, said on {said.connection}: {said.payload}"


def times(day: Day) -> Iterator[str]:
    """Stamped when it happened, and never backwards within a transaction."""
    for transaction in day.csms.record.transactions.values():
        stamps = [moment(event["timestamp"]) for event in transaction.events]
        if any(later < earlier for earlier, later in pairwise(stamps)):
            yield f"{transaction.id} runs backwards: {stamps}"
        for event, stamp in zip(transaction.events, stamps, strict=True):
            off_s = stamp - day.trace.made[number_of(event)].at
            readings = [moment(value["timestamp"]) for value in event.get("meterValue", ())]
            if (
                abs(off_s) > CLOCK_TOLERANCE_S
                or any(not 0 <= at <= stamp for at in readings)
                or readings != sorted(readings)
            ):
                yield f"{number_of(event)} is stamped {off_s:+.3f} s off: {event}"


def moment(stamp: str) -> float:
    """In seconds of the virtual time."""
    return (datetime.fromisoformat(stamp) - FIRST_MOMENT).total_seconds()


def back_off(day: Day) -> Iterator[str]:
    """Each try to connect comes the minimum, doubled, plus chance after the failure before it (Part 4, 5.3)."""
    rule = day.link.reconnect
    tries = day.wire.attempts_at[1:]
    losses = day.trace.lost[: len(tries)]
    for lost, attempt_at in zip(losses, tries, strict=True):
        waited_s = attempt_at - lost.at
        least_s = rule.minimum_s * 2 ** min(lost.failures, rule.doublings)
        if not least_s - SLACK_S <= waited_s <= least_s + rule.random_s + SLACK_S:
            yield f"{waited_s:.3f} s after failure {lost.failures}, not {least_s} to {least_s + rule.random_s} s"


def heartbeats(day: Day) -> Iterator[str]:
    """When the CSMS was not heard of for the interval, neither before nor later (G02.FR.02, G02.FR.05).

    Earlier only where it is to show that it lives, before a message that it did not answer is said again.
    """
    beats = {said.at for said in day.trace.said if said.action == "Heartbeat"}
    longest_s = HEARTBEAT_INTERVAL_S + MESSAGE_TIMEOUT_S + CLOSING_S + SLACK_S
    last_beat = float("-inf")
    for opened_at, lost_at in standing_times(day):
        answers = [at for at in day.trace.heard_at if opened_at <= at <= lost_at]
        for earlier, later in pairwise((opened_at, *answers, lost_at)):
            if later - earlier > longest_s:
                yield f"{later - earlier:.0f} s of silence until {later:.3f} s"
        for earlier, later in pairwise(
            sorted({opened_at, *answers, *(at for at in beats if opened_at <= at <= lost_at)})
        ):
            if later in beats:
                early = later - earlier < HEARTBEAT_INTERVAL_S - SLACK_S and later - last_beat < DAY_S - SLACK_S
                if early and not is_in_doubt(day, later):
                    yield f"heartbeat at {later:.3f} s, {later - earlier:.3f} s after the last sign of life"
                last_beat = later


def is_in_doubt(day: Day, at: float) -> bool:
    """Whether the durable message that was said last has no answer, or had it too late."""
    durable = [said for said in day.trace.said if said.at <= at and said.action in DURABLE]
    if not durable:
        return False
    answered_at = day.trace.answered_at.get(durable[-1].id, float("inf"))
    return answered_at > min(at, durable[-1].at + MESSAGE_TIMEOUT_S)


def heartbeat_a_day(day: Day) -> Iterator[str]:
    """However much else is said (G02.FR.07)."""
    told = [said.at for said in day.trace.said if said.action in ("BootNotification", "Heartbeat")]
    for earlier, later in pairwise((*told, day.ended_at)):
        if later - earlier > DAY_S + SLACK_S:
            yield f"no heartbeat from {earlier:.0f} to {later:.0f} s"


def standing_times(day: Day) -> list[tuple[float, float]]:
    """From when to when each connection stood, for the station."""
    losses = [lost.at for lost in day.trace.lost if lost.stood]
    return list(zip(day.trace.opened_at, [*losses, day.ended_at], strict=True))


def pings(day: Day) -> Iterator[str]:
    """One each interval as long as the connection stands (Part 4, 5.2), and one behind an event that waits long."""
    interval_s = day.link.pings.interval_s
    pinged = sorted(at for connection in day.wire.connections for at in connection.pings_at)
    for number, (opened_at, lost_at) in enumerate(standing_times(day), 1):
        here = [at for at in pinged if opened_at <= at <= lost_at]
        due = [opened_at + times * interval_s for times in range(1, 1 + int((lost_at - opened_at) / interval_s))]
        due += probes_at(day, number)
        missing = [at for at in due if at < lost_at - CLOSING_S - SLACK_S and not is_near(at, here)]
        if missing or any(not is_near(at, due) for at in here):
            yield f"connection from {opened_at:.3f} to {lost_at:.3f} s is pinged at {here} s, missing {missing}"


def probes_at(day: Day, connection: int) -> Iterator[float]:
    """When an event had waited for half of the time that it has."""
    for said in day.trace.said:
        at = said.at + MESSAGE_TIMEOUT_S / 2
        answered_at = day.trace.answered_at.get(said.id, float("inf"))
        if said.action == "TransactionEvent" and said.connection == connection and answered_at > at:
            yield at


def is_near(moment: float, others: Iterable[float]) -> bool:
    return any(abs(moment - other) <= SLACK_S for other in others)


def dead_wires(day: Day) -> Iterator[str]:
    """A connection that carries nothing any more is given up with the next ping that nobody answers, or before."""
    interval_s = day.link.pings.interval_s
    longest_s = interval_s + min(interval_s, MESSAGE_TIMEOUT_S) + CLOSING_S + SLACK_S
    for connection in day.wire.connections:
        if connection.died_at is not None:
            closed_at = connection.client.closed_at or float("inf")
            if closed_at - connection.died_at > longest_s:
                yield f"dead since {connection.died_at:.3f} s, given up at {closed_at:.3f} s"


def the_end(day: Day) -> Iterator[str]:
    """In fair weather nothing is left over."""
    if day.link.state != "open" or not day.link.idle:
        yield f"the link is {day.link.state}, {len(day.link.outbox)} events wait"
    if day.verdict.problems or day.link.outbox.thinned_events:
        yield f"the ledger has {day.verdict}"
    arrived = {number_of(payload) for payload in day.csms.arrived}
    yield from (f"{number} is parked, and never got through" for number in day.parked if number not in arrived)
    off_s = (day.clock.now().wall - day.csms.clock()).total_seconds()
    if abs(off_s) > CLOCK_TOLERANCE_S:
        yield f"the clock is {off_s:+.3f} s off"
