"""``make footprint``: what the agent and its libraries take of a board: disk, files, import time, memory.

The wheel and what it needs are installed into an empty tree, compiled beforehand as an image has it; the interpreter
is not counted.  Exit status 1: too large, or something in it that belongs on no board.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]

MOST_BYTES = 35_000_000
BLOCK = 4096
RUNS = 5

FORBIDDEN = ("tests", "test", "conftest.py", "pytest", "_pytest", "hypothesis", "mypy", "ruff", "ocpp-2.1.0.dist-info")
"""Names that no board needs."""

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


def misplaced(tree: Path) -> list[str]:
    """What belongs on no board."""
    return sorted(str(path.relative_to(tree)) for path in tree.rglob("*") if path.name in FORBIDDEN)


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
    wrong = misplaced(tree)
    for name in wrong:
        print(f"! {name} belongs on no board")
    if total > MOST_BYTES:
        print(f"! {total} bytes are more than {MOST_BYTES}")
    return 1 if wrong or total > MOST_BYTES else 0


def main() -> int:
    """``python -m tests.image.footprint``."""
    with TemporaryDirectory(prefix="footprint-") as name:
        tree = Path(name) / "tree"
        install(tree, Path(name) / "source")
        return report(tree)


if __name__ == "__main__":
    sys.exit(main())
