"""User-mode Linux on this machine's own root: one start, from the first process to the last.  Knows no agent."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.image.shipped import tool

PROGRAM = "linux.uml"

MODULES = """\
mkdir -p /run/modules/lib
ln -s /usr/lib/uml/modules /run/modules/lib/modules
modprobe -d /run/modules -a {names}
"""
"""Lines of a first process that load modules of that kernel."""


def needed() -> None:
    """Skip, and say what is missing."""
    tool(PROGRAM, "user-mode-linux")
    tool("modprobe", "kmod")
    if os.geteuid() != 0:
        pytest.skip("the root of this machine is shown to user-mode Linux as root only")


def boot(init: Path, script: str, *options: str, patience_s: float) -> str:
    """What the console said until power-off; ``script`` becomes the first process, on a read-only root."""
    init.write_text(script)
    init.chmod(0o755)
    memory = ("mem=512M", "rootfstype=hostfs", "rootflags=/", "root=/dev/root", "ro")
    console = ("con=null", "con0=fd:0,fd:1", "quiet")
    process = subprocess.Popen(
        [tool(PROGRAM, "user-mode-linux"), *memory, *console, f"init={init}", *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        return process.communicate(timeout=patience_s)[0].decode(errors="replace")
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        return process.communicate()[0].decode(errors="replace")
