"""SocketCAN in a kernel that has it: this machine's, else one in user-mode Linux on this machine's own root."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TESTS = "tests/hal/socketcan.py"
PATIENCE_S = 120
VERDICT = "SOCKETCAN VERDICT"

INIT = """\
#!/bin/sh
# The first process: this machine's own root, read-only, with what changes in memory.
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts
mount -t devpts pts /dev/pts
mount -t tmpfs tmp /mnt
modules=/usr/lib/uml/modules/$(uname -r)/kernel
for name in net/can/can drivers/net/can/dev/can-dev net/can/can-raw drivers/net/can/vcan drivers/net/can/slcan/slcan; do
    insmod $modules/$name.ko
done
ip link set lo up
cd {root}
TMPDIR=/mnt PYTHONDONTWRITEBYTECODE=1 {python} -m pytest -q -p no:cacheprovider {tests}
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


def in_user_mode_linux(uml: str, folder: Path) -> str:
    init = folder / "init.sh"
    init.write_text(INIT.format(root=ROOT, python=sys.executable, tests=TESTS, verdict=VERDICT))
    init.chmod(0o755)
    memory = ["mem=512M", "rootfstype=hostfs", "rootflags=/", "root=/dev/root", "ro", f"init={init}"]
    machine = subprocess.Popen(
        [uml, *memory, "con=null", "con0=fd:0,fd:1", "quiet"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        return machine.communicate(timeout=PATIENCE_S)[0].decode(errors="replace")
    except subprocess.TimeoutExpired:
        os.killpg(machine.pid, 9)
        return machine.communicate()[0].decode(errors="replace")


def test_SocketCAN_in_a_kernel_that_has_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    uml = shutil.which("linux.uml")
    with capsys.disabled():
        if shutil.which("ip") and has_vcan():
            print("[SocketCAN: tried in this kernel]", end="")
            said = in_this_kernel()
        elif uml is not None and os.geteuid() == 0:  # it is shown this machine's own root
            print("[SocketCAN: tried in user-mode Linux]", end="")
            said = in_user_mode_linux(uml, tmp_path)
        else:
            print("[SocketCAN: NOT tried, neither vcan nor user-mode Linux here; see the virtual bus]", end="")
            return
    assert f"{VERDICT} 0" in said, said
