"""What Linux tells of another process: memory and processor time.  Reads /proc, measures nothing itself."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Memory:
    """In MB of 1,000,000 bytes, as disks and phones count: ``rss`` is mapped, ``pss`` is its fair share."""

    rss_mb: float
    pss_mb: float


def memory_of(pid: int) -> Memory:
    status = Path(f"/proc/{pid}/status").read_text()
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return Memory(kilobytes(status, "VmRSS"), kilobytes(rollup, "Pss"))


def kilobytes(text: str, name: str) -> float:
    found = re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)
    assert found, f"no {name} in /proc"
    return int(found[1]) * 1024 / 1e6


def cpu_s(pid: int) -> float:
    """utime + stime: exact to a tick (10 ms), threads that ended included."""
    # The name in parentheses may hold spaces; utime and stime are fields 14 and 15 of proc(5).
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def scheduled_s(pid: int) -> float | None:
    """Time on a processor of the threads that live now, exact; None when the kernel does not count it."""
    try:
        tasks = [(task / "schedstat").read_text().split() for task in Path(f"/proc/{pid}/task").iterdir()]
    except FileNotFoundError:
        return None
    return sum(int(task[0]) for task in tasks) / 1e9
