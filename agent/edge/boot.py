"""Which start of the machine this is.  Decides nothing about why the agent started."""

from __future__ import annotations

from pathlib import Path

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def machine_start(path: Path = BOOT_ID) -> str:
    """The same text until the machine starts anew; empty where the system does not say."""
    try:
        return path.read_text().strip()
    except OSError:
        return ""
