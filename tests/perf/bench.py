"""This agent beside a minimal station on the ``ocpp`` library: the same machine, the same run, figures and ratios.

``python -m tests.perf.bench`` prints them; nothing here knows how a figure is taken.
"""

import argparse
import asyncio
import os
import platform
import shutil
import sys
from collections.abc import AsyncIterator
from compileall import compile_dir
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from tests.perf import device_model, idle, language, latency, ledger, memory, pilot, queue, rtu, startup
from tests.perf.report import Section, as_json, table, verdict
from tests.perf.subject import SUBJECTS, BenchFailed, Subject

# Where a disk is; /tmp may be memory, and an fsync there costs nothing.
FOLDER = Path("build")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.perf.bench", description=__doc__)
    parser.add_argument("--json", type=Path, default=Path("bench.json"), metavar="FILE", help="default: %(default)s")
    parser.add_argument("--quick", action="store_true", help="a tenth of the repeats: to see that it runs")
    parser.add_argument("--only", choices=sorted(SUBJECTS), help="measure one of the two alone")
    return parser.parse_args()


async def sections(subjects: list[Subject], folder: Path, quick: bool) -> AsyncIterator[Section]:
    yield await startup.measure(subjects, folder / "startup", 1 if quick else 7)
    yield await memory.measure(subjects, folder / "memory", 100 if quick else 1000)
    yield await latency.measure(subjects, folder / "latency", 25 if quick else 300)
    yield await pilot.measure(folder / "pilot", 25 if quick else 300)
    yield await idle.measure(subjects, folder / "idle", 3 if quick else 30)
    yield await queue.measure(folder / "queue", 100 if quick else 1000)
    for section in await ledger.measure(folder / "ledger", 100 if quick else 1000, 5_000 if quick else 100_000):
        yield section
    yield await device_model.measure(folder / "device_model", 3 if quick else 7)
    for section in await rtu.measure(folder / "rtu", 5 if quick else 30):
        yield section
    yield await asyncio.to_thread(language.section)


async def bench(options: argparse.Namespace, folder: Path) -> list[Section]:
    subjects = [subject for name, subject in SUBJECTS.items() if options.only in (None, name)]
    taken = []
    async for section in sections(subjects, folder, options.quick):
        print(f"{section.title} measured", file=sys.stderr, flush=True)
        taken.append(section)
    return taken


def machine() -> dict[str, Any]:
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "kernel": platform.release(),
        "machine": platform.machine(),
        "processors": os.cpu_count(),
        "load_1min": os.getloadavg()[0],
    }


def main() -> int:
    options = arguments()
    FOLDER.mkdir(exist_ok=True)
    # Both subjects run from byte code, as installed packages do, whatever this shell says of writing it.
    for package in ("agent", "hal", "board", "tests"):
        compile_dir(package, quiet=2)
    folder = Path(mkdtemp(prefix="bench-", dir=FOLDER)).absolute()
    about = machine()
    try:
        taken = asyncio.run(bench(options, folder))
    except BenchFailed as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    shutil.rmtree(folder)
    print(table(taken), "", verdict(taken), sep="\n")
    options.json.write_text(as_json(taken, about) + "\n")
    print(f"also in {options.json}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
