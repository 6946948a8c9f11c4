"""From a plug-in at the control socket to its TransactionEvent at the CSMS; ours is on disk by then."""

from contextlib import AsyncExitStack
from pathlib import Path
from statistics import quantiles

from tests.perf.report import Figure, Goal, Section
from tests.perf.subject import AGENT, OCPP_STATION, Control, Running, Subject, charging

BLOCK = 25
QUIET_S = 0.01


async def session(running: Running, control: Control) -> tuple[float, float]:
    """Plug in and out once, and let all of it be said.

    Returns:
        Seconds from the control line until the CSMS has Occupied, and has the transaction's Started.

    """
    csms, since = running.csms, len(running.csms.heard)
    plugged_s = await control.send("plug_in", evse=1)
    started = await csms.wait_for("TransactionEvent", since, eventType="Started")
    occupied = await csms.wait_for("StatusNotification", since, connectorStatus="Occupied")
    await csms.quiet(QUIET_S)
    since = len(csms.heard)
    await control.send("unplug", evse=1)
    await csms.wait_for("TransactionEvent", since, eventType="Ended")
    await csms.wait_for("StatusNotification", since, connectorStatus="Available")
    await csms.quiet(QUIET_S)
    return occupied.at_s - plugged_s, started.at_s - plugged_s


async def measure(subjects: list[Subject], folder: Path, plug_ins: int) -> Section:
    """The subjects take turns, a block of plug-ins each; the first block does not count."""
    taken: dict[str, list[tuple[float, float]]] = {subject.name: [] for subject in subjects}
    async with AsyncExitStack() as stack:
        running = [await stack.enter_async_context(charging(subject, folder / subject.name)) for subject in subjects]
        for block in range(1 + plug_ins // BLOCK):
            for one in running if block % 2 else reversed(running):
                async with one.controlled() as control:
                    times = [await session(one, control) for _ in range(BLOCK)]
                taken[one.name] += times if block else []
    return section(taken, plug_ins)


def section(taken: dict[str, list[tuple[float, float]]], plug_ins: int) -> Section:
    figures = []
    for place, what, goal in ((1, "to TransactionEvent", Goal("<=", 1.0)), (0, "to StatusNotification", None)):
        ours, beside = (
            percentiles([times[place] for times in taken.get(subject.name, [])]) for subject in (AGENT, OCPP_STATION)
        )
        figures.append(Figure(f"plug-in {what}, p50", "ms", ours[0], beside[0], (goal,) if goal else ()))
        figures.append(Figure(f"plug-in {what}, p99", "ms", ours[1], beside[1]))
    return Section("latency", OCPP_STATION.name, figures, f"{plug_ins} plug-ins each")


def percentiles(seconds: list[float]) -> tuple[float | None, float | None]:
    """p50 and p99, in ms."""
    if not seconds:
        return None, None
    hundredths = quantiles(seconds, n=100, method="inclusive")
    return 1000 * hundredths[49], 1000 * hundredths[98]
