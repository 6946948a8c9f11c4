"""SocketCAN in a kernel that has it: this machine's, else one in user-mode Linux on this machine's own root."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tests.image.user_mode_linux import MODULES, boot, needed

ROOT = Path(__file__).parents[2]
TESTS = "tests/hal/socketcan.py"
PATIENCE_S = 120
VERDICT = "SOCKETCAN VERDICT"

INIT = """\
#!/bin/sh
# The first process: this machine's own root, read-only, with what changes in memory.
mount -t proc proc /proc
mount -t sysfs sys /sys
mkdir -p /dev/pts
mount -t devpts pts /dev/pts
mount -t tmpfs run /run
mount -t tmpfs tmp /mnt
{modules}
ip link set lo up
cd {root}
TMPDIR=/mnt PYTHONDONTWRITEBYTECODE=1 {python} -m pytest -q -p no:cacheprovider {options} {tests}
echo "{verdict} $?"
poweroff -f
"""


def has_vcan() -> bool:
    made = subprocess.run(["ip", "link", "add", "dev", "vcan0", "type", "vcan"], capture_output=True, check=False)
    if made.returncode == 0:
        subprocess.run(["ip", "link", "del", "vcan0"], check=False)
    return made.returncode == 0


def in_this_kernel() -> str:
    ran = subprocess.run([sys.executable, "-m", "pytest", "-q", TESTS], cwd=ROOT, capture_output=True, check=False)
    return f"{ran.stdout.decode()}\n{VERDICT} {ran.returncode}"


def in_user_mode_linux(folder: Path, python: Path, *options: str) -> str:
    words = {"root": ROOT, "python": python, "tests": TESTS, "verdict": VERDICT, "options": " ".join(options)}
    modules = MODULES.format(names="can-raw vcan slcan")
    return boot(folder / "init.sh", INIT.format(**words, modules=modules), patience_s=PATIENCE_S)


def test_SocketCAN_in_a_kernel_that_has_it(tmp_path: Path) -> None:
    if shutil.which("ip") and has_vcan():
        said = in_this_kernel()
    else:
        needed()
        said = in_user_mode_linux(tmp_path, Path(sys.executable))
    assert f"{VERDICT} 0" in said, said


def test_a_failure_in_there_is_heard_out_here(tmp_path: Path) -> None:
    needed()
    said = in_user_mode_linux(tmp_path, Path("/bin/false"))
    assert f"{VERDICT} 1" in said, said
