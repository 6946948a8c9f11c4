"""Which start of the machine this is, and how the process before this one ended.  Decides nothing about why we start.

The service manager leaves the end of every process in the data directory, as the unit's ``ExecStopPost`` says.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from agent.vocabulary.values import LastEnd

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
WATCHDOGS = Path("/sys/class/watchdog")
CMDLINE = Path("/proc/cmdline")
LAST_END = "last-end"

CARD_RESET = 0x20
"""The watchdog reset the machine.  Source: linux/watchdog.h, WDIOF_CARDRESET."""


def machine_start(path: Path = BOOT_ID) -> str:
    """The same text until the machine starts anew; empty where the system does not say."""
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def board_reset(watchdogs: Path = WATCHDOGS) -> str:
    """The hardware watchdog that started the machine anew; empty: none did, or it does not tell."""
    for status in sorted(watchdogs.glob("*/bootstatus")):
        with suppress(OSError, ValueError):
            if int(status.read_text(), 0) & CARD_RESET:
                return f"the hardware watchdog {status.parent.name} reset the board"
    return ""


def booted_slot(cmdline: Path = CMDLINE) -> str:
    """The slot that the boot loader chose, as RAUC names it to the kernel; empty: this machine has none."""
    try:
        words = cmdline.read_text().split()
    except OSError:
        return ""
    return next((word.removeprefix("rauc.slot=") for word in words if word.startswith("rauc.slot=")), "")


def last_end(data: Path) -> LastEnd | None:
    """What the service manager left; None: nothing, or nothing that can be read."""
    try:
        result, code, status = (data / LAST_END).read_text().split()
    except (OSError, ValueError):
        return None
    return LastEnd(result, code, status)


def forget_end(data: Path) -> None:
    """It was told."""
    with suppress(OSError):
        (data / LAST_END).unlink()
