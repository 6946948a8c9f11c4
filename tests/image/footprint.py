"""``make footprint``: what the agent and its libraries take of a board: disk, files, import time, memory.

The wheel and what it needs are installed into an empty tree, compiled beforehand as an image has it; the interpreter
is not counted.  Exit status 1: too large, or something in it that belongs on no board.
"""

from __future__ import annotations

import re
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]

MOST_BYTES = 35_000_000
BLOCK = 4096
RUNS = 5

FORBIDDEN = ("tests", "test", "conftest.py")
"""Names that no board needs, beside what only the tests are installed with."""

IMPORT = """
import sys, time
sys.path.insert(0, sys.argv[1])
began = time.perf_counter()
import agent.app, agent.powered, board.descriptor
took_s = time.perf_counter() - began
rss_kb = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmRSS"))
print(took_s * 1000, int(rss_kb) / 1000)
"""


SOURCE = ("agent", "board", "hal", "setup.cfg", "pyproject.toml", "README.md", "LICENSE")


def install(tree: Path, source: Path) -> None:
    """The wheel and its runtime dependencies, with the versions of constraints.txt; built from a clean copy."""
    source.mkdir()
    subprocess.run(["cp", "-r", *SOURCE, str(source)], cwd=ROOT, check=True)
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
    pins = ("--constraint", str(ROOT / "constraints.txt"))
    subprocess.run([*pip, "install", "--no-compile", *pins, "--target", str(tree), str(source)], check=True)
    subprocess.run([sys.executable, "-m", "compileall", "-q", "-j0", str(tree)], check=True)


def on_disk(path: Path) -> int:
    """What a file takes in blocks."""
    return -(-path.stat().st_size // BLOCK) * BLOCK


def sizes(tree: Path) -> dict[str, tuple[int, int]]:
    """Bytes on disk and number of files, of each package."""
    found: dict[str, tuple[int, int]] = {}
    for path in tree.rglob("*"):
        if path.is_file():
            name = path.relative_to(tree).parts[0]
            size, files = found.get(name, (0, 0))
            found[name] = (size + on_disk(path), files + 1)
    return found


def of_the_tests() -> set[str]:
    """Names of packages, as their .dist-info folders are written."""
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    extras = setup["options.extras_require"]
    names = {each: {re.split("[><=]", line)[0] for line in extras[each].split()} for each in extras}
    wanted = set().union(*(found for each, found in names.items() if each != "test"))
    return {name.lower().replace("-", "_") for name in names["test"] - wanted}


def misplaced(tree: Path) -> list[str]:
    """What belongs on no board."""
    tests = of_the_tests()
    return sorted(
        str(path.relative_to(tree))
        for path in tree.rglob("*")
        if path.name in FORBIDDEN or (path.suffix == ".dist-info" and path.name.lower().partition("-")[0] in tests)
    )


def faults(tree: Path, total: int) -> list[str]:
    """Why this tree must not ship."""
    found = [f"{name} belongs on no board" for name in misplaced(tree)]
    return found + ([f"{total} bytes are more than {MOST_BYTES}"] if total > MOST_BYTES else [])


def imported(tree: Path) -> tuple[float, float]:
    """Milliseconds and megabytes of a process that has imported what `station-agent run` imports; the best of some."""
    command = [sys.executable, "-I", "-S", "-c", IMPORT, str(tree)]
    told = [subprocess.run(command, capture_output=True, text=True, check=True).stdout.split() for _ in range(RUNS)]
    return min(float(ms) for ms, _ in told), min(float(mb) for _, mb in told)


def report(tree: Path) -> int:
    """Print it; the exit status."""
    packages = sizes(tree)
    total = sum(size for size, _ in packages.values())
    for name, (size, files) in sorted(packages.items(), key=lambda item: -item[1][0])[:12]:
        print(f"  {size / 1e6:6.2f} MB {files:5} files  {name}")
    import_ms, rss_mb = imported(tree)
    print(f"disk    {total / 1e6:.1f} MB in blocks of {BLOCK} bytes (at most {MOST_BYTES / 1e6:.0f} MB)")
    print(f"files   {sum(files for _, files in packages.values())}")
    print(f"import  {import_ms:.0f} ms")
    print(f"RSS     {rss_mb:.1f} MB after the import")
    wrong = faults(tree, total)
    for fault in wrong:
        print(f"! {fault}")
    return 1 if wrong else 0


def main() -> int:
    """``python -m tests.image.footprint``."""
    with TemporaryDirectory(prefix="footprint-") as name:
        tree = Path(name) / "tree"
        install(tree, Path(name) / "source")
        return report(tree)


if __name__ == "__main__":
    sys.exit(main())
