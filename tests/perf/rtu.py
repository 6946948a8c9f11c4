"""Processor time and memory of an agent whose RTU line has 8 meters and 4 controllers, each looked at once a second.

``python -m tests.perf.rtu`` prints them.  The parts are emulated in this process; their line carries as many bytes at a
time as a UART hands over, at the pace of 57600 baud.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory

from board.descriptor import read_board
from tests.csms.practice import PracticeCsms
from tests.emulators.board import EmulatedBoard
from tests.emulators.emulator import Emulator
from tests.emulators.pty import Noise
from tests.perf.idle import spent
from tests.perf.process import memory_of
from tests.perf.report import Figure, Goal, Section, table

METERS, CONTROLLERS = 8, 4
BAUD = 57_600
UART = Noise(chunk=16, delay_s=16 * 11 / BAUD)
SETTLING_S = 5.0

HEAD = """
[station]
vendor = "StationAgent"
model = "RTU-BENCH"
[control]
bench = true
[bus.line]
kind = "rtu"
device = "/dev/null"
baud = 57600
timeout_s = 0.3
[bus.world]
kind = "sim"
"""
EVSE = """
[[evse]]
id = {id}
limit_a = 16
pilot = {pilot}
meter = {{ driver = "eastron_sdm630", bus = "line", options = {{ unit = {id}, slowest_s = 1.0 }} }}
"""
CONTROLLER = '{{ driver = "phoenix", bus = "line", options = {{ unit = {unit}, poll_s = 1.0 }} }}'
SIMULATED = '{ driver = "sim_pilot", bus = "world" }'


def board_text() -> str:
    """Every EVSE has a meter on the line, the first ones have their controller there as well."""
    evses = []
    for number in range(1, METERS + 1):
        pilot = CONTROLLER.format(unit=100 + number) if number <= CONTROLLERS else SIMULATED
        evses.append(EVSE.format(id=number, pilot=pilot))
    return HEAD + "".join(evses)


async def measure(folder: Path, seconds: float) -> list[Section]:
    """With every part there, and with one of the meters silent: the others are to be read as often as before."""
    sections = []
    for name in ("whole", "dead"):
        place = folder / name
        place.mkdir(parents=True)
        sections.append(await measured(place, seconds, dead=name == "dead"))
    return sections


async def measured(folder: Path, seconds: float, *, dead: bool) -> Section:
    file = folder / "rtu.toml"
    file.write_text(board_text())
    async with EmulatedBoard(read_board(file), UART) as world, PracticeCsms(schemas=False) as csms:
        place = ["--csms", csms.url, "--id", "CS001", "--data", str(folder / "data")]
        control = ["--control", str(folder / "control.sock"), f"--device=line={world.devices['line']}"]
        command = ("-m", "agent", "run", "--board", str(file), *place, *control)
        log = (folder / "agent.log").open("wb")
        agent = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=log, stderr=log)
        try:
            await csms.wait_for("BootNotification")
            if dead:
                world.meters[METERS].mute()  # type: ignore[attr-defined]
            await asyncio.sleep(SETTLING_S)
            return await figures(agent.pid, world, seconds, dead=dead)
        finally:
            agent.terminate()
            await agent.wait()
            log.close()


async def figures(pid: int, world: EmulatedBoard, seconds: float, *, dead: bool) -> Section:
    alive = [meter for number, meter in world.meters.items() if not (dead and number == METERS)]
    before, asked = spent(pid)[0], [requests(part) for part in alive]
    await asyncio.sleep(seconds)
    used = spent(pid)[0] - before
    polls = [requests(part) - first for part, first in zip(alive, asked, strict=True)]
    name = f"{METERS} meters and {CONTROLLERS} controllers" + (", one meter silent" if dead else "")
    return Section(
        f"RTU line: {name}",
        "-",
        [
            Figure("processor", "% of a core", 100 * used / seconds, goals=(Goal("<=", 5, of="ours"),)),
            Figure("readings a second of a meter", "1/s", mean(polls) / seconds, goals=(Goal(">=", 0.95, of="ours"),)),
            Figure("of the slowest meter", "1/s", min(polls) / seconds),
            Figure("RSS", "MB", memory_of(pid).rss_mb),
        ],
    )


def requests(part: Emulator) -> int:
    return len(part.requests)  # type: ignore[attr-defined]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.perf.rtu", description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0, help="default: %(default)s")
    seconds = parser.parse_args().seconds
    with TemporaryDirectory() as folder:
        print(table(asyncio.run(measure(Path(folder), seconds))))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
