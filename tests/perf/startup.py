"""From the spawn of the process to its BootNotification, and to the first connector that is Available."""

from pathlib import Path
from statistics import median

from tests.perf.report import Figure, Goal, Section
from tests.perf.subject import AGENT, OCPP_STATION, Subject, spawned

BOOT, AVAILABLE = "to BootNotification", "to the first Available"


async def start_once(subject: Subject, data: Path) -> tuple[float, float]:
    """Seconds from just before the spawn until the bench's CSMS has the frame."""
    async with spawned(subject, data) as running:
        boot = await running.csms.wait_for("BootNotification")
        available = await running.csms.wait_for("StatusNotification", connectorStatus="Available")
        return boot.at_s - running.spawned_s, available.at_s - running.spawned_s


async def measure(subjects: list[Subject], folder: Path, repeats: int) -> Section:
    """Medians; the order alternates, and a first start of each (byte code, empty database) does not count."""
    taken: dict[str, list[tuple[float, float]]] = {subject.name: [] for subject in subjects}
    for turn in range(repeats + 1):
        for subject in subjects if turn % 2 else reversed(subjects):
            times = await start_once(subject, folder / subject.name)
            taken[subject.name] += [times] if turn else []
    medians = {name: [1000 * median(column) for column in zip(*times, strict=True)] for name, times in taken.items()}
    ours, beside = (medians.get(subject.name, [None, None]) for subject in (AGENT, OCPP_STATION))
    boot = Figure(f"spawn {BOOT}", "ms", ours[0], beside[0], (Goal("<=", 0.8),))
    return Section("start-up", OCPP_STATION.name, [boot, Figure(f"spawn {AVAILABLE}", "ms", ours[1], beside[1])])
