"""A device model of 5,000 variables: told page by page, set a hundred at a time, taken up at a start."""

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from agent.powered import DATABASE
from board.descriptor import find_board
from tests.perf.process import memory_of
from tests.perf.report import Figure, Goal, Section
from tests.perf.subject import AGENT, BenchFailed, Running, Subject, agent_command, spawned

VARIABLES = 5000
SHELVES = 50
AT_ONCE = 100
REPORTS = 5


def places() -> Iterator[tuple[str, str]]:
    """Instance of the component, and name of the variable."""
    for number in range(VARIABLES):
        yield f"{number % SHELVES}", f"Thing{number}"


def board_file(folder: Path) -> Path:
    """The simulated board with so many variables of an integrator's."""
    shelves: dict[str, list[str]] = {}
    for shelf, name in places():
        shelves.setdefault(shelf, []).append(f'{{ name = "{name}", type = "integer" }}')
    more = [
        f'\n[[component]]\nname = "Shelf"\ninstance = "{shelf}"\nvariables = [{", ".join(things)}]\n'
        for shelf, things in shelves.items()
    ]
    path = folder / "board.toml"
    path.write_text(find_board("sim").read_text() + "".join(more))
    return path


def subject_of(board: Path) -> Subject:
    """The agent on this board."""

    def command(url: str, control: Path, data: Path) -> list[str]:
        return [str(board) if word == "board/sim.toml" else word for word in agent_command(url, control, data)]

    return replace(AGENT, command=command)


def item(shelf: str, name: str, value: str) -> dict[str, Any]:
    component = {"name": "Shelf", "instance": shelf}
    return {"component": component, "variable": {"name": name}, "attributeValue": value}


async def commits(running: Running) -> int:
    """How many commits the disk has had since the power came on."""
    reader, writer = await asyncio.open_unix_connection(running.control, limit=1 << 24)
    try:
        writer.write(json.dumps({"id": 1, "cmd": "status"}).encode() + b"\n")
        told = json.loads(await reader.readline())
    finally:
        writer.close()
    if not told.get("ok"):
        raise BenchFailed(f"status: {told.get('error')}")
    return int(told["flash"]["commits"])


async def reports(running: Running, repeats: int) -> tuple[list[float], list[float], list[float]]:
    """Milliseconds to the first page and to the last one, and the memory after each (MB)."""
    first, last, rss = [], [], [memory_of(running.pid).rss_mb]
    for request_id in range(repeats):
        since = len(running.csms.heard)
        asked = {"requestId": request_id, "reportBase": "FullInventory"}
        written_s, _ = await running.csms.call("GetBaseReport", asked)
        page = await running.csms.wait_for("NotifyReport", since, seqNo=0)
        end = await running.csms.wait_for("NotifyReport", since, tbc=False)
        first.append(1000 * (page.at_s - written_s))
        last.append(1000 * (end.at_s - written_s))
        rss.append(memory_of(running.pid).rss_mb)
    return first, last, rss


async def settings(running: Running) -> tuple[list[float], list[int]]:
    """Milliseconds from a SetVariables of a hundred items to its answer, and the commits that each took."""
    all_places = list(places())
    times, taken = [], []
    for start in range(0, VARIABLES, AT_ONCE):
        items = [item(shelf, name, "7") for shelf, name in all_places[start : start + AT_ONCE]]
        before = await commits(running)
        written_s, answered_s = await running.csms.call("SetVariables", {"setVariableData": items})
        times.append(1000 * (answered_s - written_s))
        taken.append(await commits(running) - before)
    return times, taken


async def boot_ms(subject: Subject, data: Path) -> float:
    async with spawned(subject, data) as running:
        boot = await running.csms.wait_for("BootNotification")
        return 1000 * (boot.at_s - running.spawned_s)


def stored(data: Path) -> int:
    with closing(sqlite3.connect(data / DATABASE)) as database:
        count: int = database.execute("SELECT count(*) FROM memory WHERE key LIKE 'variable/Shelf/%'").fetchone()[0]
        return count


async def measure(folder: Path, repeats: int) -> Section:
    """Medians; of the starts, with an empty and a full memory in turns, the fastest: other work only adds."""
    folder.mkdir(parents=True)
    subject = subject_of(board_file(folder))
    empty, full = folder / "empty", folder / "full"
    async with spawned(subject, full) as running:
        await running.csms.wait_for("StatusNotification", connectorStatus="Available")
        await running.csms.quiet(1.0)
        first, last, rss = await reports(running, REPORTS)
        set_ms, taken = await settings(running)
    if stored(full) != VARIABLES:
        raise BenchFailed(f"{stored(full)} of {VARIABLES} variables are on disk")
    boots: dict[Path, list[float]] = {empty: [], full: []}
    for turn in range(repeats + 1):
        for data in (empty, full) if turn % 2 else (full, empty):
            took_ms = await boot_ms(subject, data)
            boots[data] += [took_ms] if turn else []
    with_all, without = min(boots[full]), min(boots[empty])
    return Section(
        f"device model of {VARIABLES:,} variables",
        "empty memory",
        [
            Figure("request to the first NotifyReport", "ms", median(first), None, (Goal("<=", 50, of="ours"),)),
            Figure("request to the last one", "ms", median(last)),
            Figure("memory for a report after the first", "MB", rss[-1] - rss[1], None, (Goal("<=", 1, of="ours"),)),
            Figure(f"SetVariables of {AT_ONCE}, on disk and answered", "ms", median(set_ms)),
            Figure(f"commits for {AT_ONCE}", "", median(taken), None, (Goal("<=", 1, of="ours"),)),
            Figure("spawn to BootNotification, all of them stored", "ms", with_all, without),
            Figure("more than with an empty memory", "ms", with_all - without, None, (Goal("<=", 50, of="ours"),)),
        ],
    )
