"""Memory at rest, and what is left of it after thousands of events."""

from dataclasses import dataclass
from pathlib import Path

from tests.perf.latency import session
from tests.perf.process import Memory, memory_of
from tests.perf.report import Figure, Goal, Section
from tests.perf.subject import AGENT, OCPP_STATION, Running, Subject, charging

REST_S = 2.0


@dataclass(frozen=True)
class Course:
    """Memory at rest, after the first events, and after as many again."""

    idle: Memory
    used: Memory
    used_twice: Memory


async def course(subject: Subject, folder: Path, events: int) -> Course:
    async with charging(subject, folder / subject.name) as running:
        await running.csms.quiet(REST_S)
        idle = memory_of(running.pid)
        await charge_until(running, events)
        used = memory_of(running.pid)
        await charge_until(running, 2 * events)
        return Course(idle, used, memory_of(running.pid))


async def charge_until(running: Running, events: int) -> None:
    """Plug in and out until the CSMS has so many TransactionEvents."""
    async with running.controlled() as control:
        while sum(heard.action == "TransactionEvent" for heard in running.csms.heard) < events:
            await session(running, control)


async def measure(subjects: list[Subject], folder: Path, events: int) -> Section:
    taken = {subject.name: columns(await course(subject, folder, events)) for subject in subjects}
    ours, beside = (taken.get(subject.name, [None] * len(GOALS)) for subject in (AGENT, OCPP_STATION))
    rows = zip(GOALS.items(), ours, beside, strict=True)
    figures = [Figure(name.format(events), "MB", one, other, goals) for (name, goals), one, other in rows]
    return Section("memory", OCPP_STATION.name, figures)


GOALS = {
    "RSS idle": (Goal("<=", 1.0), Goal("<=", 35, of="ours")),
    "PSS idle": (),
    "RSS after {:,} events": (),
    "growth over {:,} events": (Goal("<=", 1, of="ours"),),
    "growth over the next {:,}": (),
}


def columns(course: Course) -> list[float | None]:
    """In the order of ``GOALS``."""
    idle, used, used_twice = course.idle.rss_mb, course.used.rss_mb, course.used_twice.rss_mb
    return [idle, course.idle.pss_mb, used, used - idle, used_twice - used]
