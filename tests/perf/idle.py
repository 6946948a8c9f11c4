"""Processor time of a station that is connected and has nothing to do."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

from tests.perf.process import cpu_s, scheduled_s
from tests.perf.report import Figure, Goal, Section
from tests.perf.subject import AGENT, OCPP_STATION, Subject, charging


async def measure(subjects: list[Subject], folder: Path, seconds: float) -> Section:
    """Side by side in the same seconds: whatever else the machine does, it does to both."""
    async with AsyncExitStack() as stack:
        running = [await stack.enter_async_context(charging(subject, folder / subject.name)) for subject in subjects]
        before = {one.name: spent(one.pid) for one in running}
        await asyncio.sleep(seconds)
        after = {one.name: spent(one.pid) for one in running}
    used = {name: [1000 * (b - a) for a, b in zip(before[name], after[name], strict=True)] for name in before}
    ours, beside = (used.get(subject.name, [None, None]) for subject in (AGENT, OCPP_STATION))
    figures = [
        Figure(f"CPU in {seconds:g} s, scheduled", "ms", ours[0], beside[0], (Goal("<=", 1.0),)),
        Figure(f"CPU in {seconds:g} s, utime + stime", "ms", ours[1], beside[1]),
    ]
    return Section("idle", OCPP_STATION.name, figures)


def spent(pid: int) -> tuple[float, float]:
    """Seconds: as the scheduler counts them, and in ticks, for kernels whose scheduler does not."""
    scheduled, ticks = scheduled_s(pid), cpu_s(pid)
    return (ticks if scheduled is None else scheduled), ticks
