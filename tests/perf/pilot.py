"""From a pilot frame on the wire to the command back on the wire, alone and while a CSMS asks without a pause.

The wire is the kernel's pseudo-terminal, and its two ways are part of the time; see ``tests/perf/pilot_tap.py``.  On a
machine whose processors are all taken by others, the p99 is theirs: both ways wait for threads of the kernel.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.perf.latency import percentiles
from tests.perf.report import Figure, Goal, Section
from tests.perf.subject import STATION_ID, Subject, spawned, until_exists

WARM_UP = 10

BOARD = """
[station]
vendor = "StationAgent"
model = "Bench"
[bus.mcu]
kind = "serial"
device = "/dev/null"
baud = 115200
[[evse]]
id = 1
limit_a = 32
pilot = { driver = "everest_mcu", bus = "mcu", options = { board = "yeti" } }
connectors = [{ id = 1, type = "cType2", attached = true }]
[[variable]]
component = "AuthCtrlr"
variable = "Enabled"
value = "false"
[[variable]]
component = "TxCtrlr"
variable = "TxStartPoint"
value = "EVConnected"
"""

QUESTION: dict[str, Any] = {
    "getVariableData": [
        {"component": {"name": "TxCtrlr"}, "variable": {"name": name}}
        for name in ("TxStartPoint", "TxStopPoint", "EVConnectionTimeOut", "StopTxOnInvalidId") * 5
    ]
}


async def measure(folder: Path, times: int) -> Section:
    """A board whose current the host sets, on a pseudo-terminal; the transaction of each plug-in goes to disk, too."""
    figures = []
    for name, flooded in (("pilot frame to command", False), ("the same, CSMS floods", True)):
        p50, p99 = percentiles(await times_of(folder / ("flooded" if flooded else "alone"), times, flooded=flooded))
        figures.append(Figure(f"{name}, p50", "ms", p50))
        figures.append(Figure(f"{name}, p99", "ms", p99, goals=(Goal("<=", 2.0, of="ours"),)))
    note = f"{times} plug-ins, an EVerest board on a pseudo-terminal, whose two ways through the kernel count"
    return Section("wire to wire", "", figures, note)


async def times_of(folder: Path, times: int, *, flooded: bool) -> list[float]:
    folder.mkdir(parents=True, exist_ok=True)
    board = folder / "board.toml"
    board.write_text(BOARD)
    async with tap(WARM_UP + times) as peer:
        assert peer.stdin is not None and peer.stdout is not None
        device = (await peer.stdout.readline()).decode().strip()

        def command(url: str, control: Path, data: Path) -> list[str]:
            place = ["--csms", url, "--id", STATION_ID, "--control", str(control), "--data", str(data)]
            return ["-m", "agent", "run", "--board", str(board), "--device", f"mcu={device}", *place]

        async with spawned(Subject("agent", command, waits=False), folder / "data") as running:
            await until_exists(running.control)
            await running.csms.wait_for("StatusNotification", connectorStatus="Available")
            await running.csms.quiet(1.0)
            over = asyncio.Event()
            flood = asyncio.create_task(ask_without_a_pause(running.csms, over)) if flooded else None
            peer.stdin.write(b"go\n")
            told = await peer.stdout.readline()
            if flood is not None:
                over.set()
                await flood
    taken: list[float] = json.loads(told)
    return taken[WARM_UP:]


async def ask_without_a_pause(csms: Any, over: asyncio.Event) -> None:
    """The next question is on its way when the last one is answered."""
    while not over.is_set():
        await csms.call("GetVariables", QUESTION)


@asynccontextmanager
async def tap(times: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """The far end of the line; it must have a processor when a frame comes, so it is nobody else's process."""
    peer = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.perf.pilot_tap", str(times)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield peer
    finally:
        if peer.returncode is None:
            peer.kill()
        await peer.wait()
