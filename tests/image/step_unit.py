"""The unit under a real systemd in user-mode Linux: it starts, is confined, is killed when it hangs, comes back."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from board.descriptor import find_board
from tests.image.footprint import install
from tests.image.shipped import ROOT, UNIT, tool

PATIENCE_S = 120

INIT = """\
#!/bin/sh
# The first process: this machine's own root, read-only, with what changes in memory and the unit of the layer.
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for folder in /run /tmp /var/lib /etc/station-agent.d; do [ -d $folder ] && mount -t tmpfs tmpfs $folder; done
mkdir -p /run/share /run/python /run/agent /run/systemd/system/station-agent.service.d
mount -t hostfs none -o {folder}/share /run/share
mount -t hostfs none -o {python} /run/python
mount -t hostfs none -o {folder}/tree /run/agent
cp /etc/passwd /etc/group /run/
echo 'station-agent:x:991:991::/:/bin/false' >>/run/passwd
echo 'station-agent:x:991:' >>/run/group
mount --bind /run/passwd /etc/passwd
mount --bind /run/group /etc/group
cp /run/share/*.service /run/share/*.target /run/systemd/system/
cp /run/share/*.conf /run/systemd/system/station-agent.service.d/
ip link set lo up
exec /lib/systemd/systemd --unit=proof.target --log-target=console --show-status=false
"""

DROP_IN = """\
[Unit]
StartLimitAction=none
[Service]
ExecStart=
ExecStart=/run/python/bin/{interpreter} -m agent run --csms ws://127.0.0.1:9000/ocpp --id CS001
Environment=PYTHONPATH=/run/agent LD_LIBRARY_PATH=/run/python/lib STATION_BOARD=/run/share/board.toml
WatchdogSec=6s
StandardOutput=null
StandardError=append:/run/share/agent.log
"""

TARGET = """\
[Unit]
Requires=csms.service station-agent.service proof.service
"""

CSMS = """\
[Unit]
DefaultDependencies=no
[Service]
ExecStart={tests} /run/share/csms.py
WorkingDirectory={root}
Environment=PYTHONPATH={root} PYTHONDONTWRITEBYTECODE=1
StandardOutput=append:/run/share/csms.log
StandardError=append:/run/share/csms.log
"""

CSMS_PROGRAM = """\
import asyncio
from tests.csms.practice import PracticeCsms

def told(record, frame):
    print([boot["reason"] for boot in record.boots], flush=True)

async def main():
    async with PracticeCsms(port=9000, listener=told):
        await asyncio.Event().wait()

asyncio.run(main())
"""

PROOF = """\
[Unit]
DefaultDependencies=no
After=station-agent.service
[Service]
Type=oneshot
ExecStart=/bin/sh /run/share/proof.sh
StandardOutput=append:/run/share/proof.log
StandardError=append:/run/share/proof.log
"""

SCRIPT = """\
# What is seen inside, a line each, on the host's disk.
cd /run/share
say() {{ echo "$1=$2" >>facts; sync; }}
show() {{ systemctl show -P "$1" station-agent.service; }}
export PYTHONPATH=/run/agent LD_LIBRARY_PATH=/run/python/lib
agent() {{ /run/python/bin/{interpreter} -m agent "$@"; }}
bench() {{ agent do "$@" --control /run/station-agent/control.sock; }}

say active "$(show ActiveState)"
pid=$(show MainPID)
for name in Uid CapEff CapBnd NoNewPrivs Seccomp; do
    say $name "$(sed -n "s/^$name:[[:space:]]*//p" /proc/$pid/status)"
done
say written "$(nsenter --target $pid --mount touch /etc/written 2>&1)"
say socket "$(stat -c %a:%U /run/station-agent/control.sock)"
say state "$(stat -c %a:%U /var/lib/station-agent)"
say exposure "$(systemd-analyze security --no-pager station-agent.service | tail -1)"

for i in $(seq 60); do bench status | grep -q Accepted && break; sleep 0.5; done
bench plug_in evse=1
for i in $(seq 20); do grep -q 'ChargingStateChanged #2 - answered' agent.log && break; sleep 0.5; done
kill -STOP $pid  # it hangs
for i in $(seq 120); do [ "$(show NRestarts)" = 1 ] && [ "$(show ActiveState)" = active ] && break; sleep 0.5; done
say restarts "$(show NRestarts)"
say active_again "$(show ActiveState)"
say another_process "$([ "$(show MainPID)" != "$pid" ] && echo yes)"
for i in $(seq 60); do grep -q 'TransactionEvent Ended .* answered' agent.log && break; sleep 0.5; done
agent ledger list --data /var/lib/station-agent >ledger
agent ledger verify --data /var/lib/station-agent >verified 2>&1
say verified $?
systemctl stop station-agent.service
say stopped "$(show Result)"
say last_end "$(cat /var/lib/station-agent/last-end)"
sync
poweroff -f
"""


VARIABLE = """
[[variable]]
component = "{}"
variable = "{}"
value = "{}"
"""

SETTINGS = (
    ("AuthCtrlr", "Enabled", "false"),
    ("TxCtrlr", "TxStartPoint", "EVConnected"),
    ("TxCtrlr", "TxStopPoint", "EVConnected"),
)
"""A session begins with the plug, without a card."""


class Machine:
    """One start of user-mode Linux, from the first process to the last."""

    def __init__(self, folder: Path) -> None:
        self.share = folder / "share"
        self.share.mkdir(mode=0o777)
        self.share.chmod(0o777)
        python = Path(sys.base_prefix)
        words = {
            "folder": folder,
            "python": python,
            "interpreter": f"python{sys.version_info[0]}.{sys.version_info[1]}",
        }
        install(folder / "tree", folder / "source")
        shutil.copy(UNIT, self.share)
        board = find_board("sim").read_text() + "".join(VARIABLE.format(*each) for each in SETTINGS)
        (self.share / "board.toml").write_text(board)
        (self.share / "60-proof.conf").write_text(DROP_IN.format(**words))
        (self.share / "proof.target").write_text(TARGET)
        (self.share / "csms.service").write_text(CSMS.format(root=ROOT, tests=sys.executable))
        (self.share / "csms.py").write_text(CSMS_PROGRAM)
        (self.share / "proof.service").write_text(PROOF)
        (self.share / "proof.sh").write_text(SCRIPT.format(**words))
        init = folder / "init"
        init.write_text(INIT.format(**words))
        init.chmod(0o755)
        folder.chmod(0o755)
        self.console = self._run(init)
        told = self.share / "facts"
        lines = told.read_text().splitlines() if told.exists() else []
        self.facts = dict(line.split("=", 1) for line in lines if "=" in line)

    def _run(self, init: Path) -> str:
        command = [
            tool("linux.uml", "user-mode-linux"),
            "mem=512M",
            "rootfstype=hostfs",
            "rootflags=/",
            "root=/dev/root",
        ]
        command += ["ro", f"init={init}", "con=null", "con0=fd:0,fd:1", "quiet"]
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            return process.communicate(timeout=PATIENCE_S)[0].decode(errors="replace")
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            return process.communicate()[0].decode(errors="replace")

    def said(self) -> str:
        """Everything that explains a failure."""
        logs = [path.read_text(errors="replace")[-3000:] for path in self.share.glob("*.log")]
        return "\n".join([str(self.facts), *logs, self.console[-3000:]])


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    tool("linux.uml", "user-mode-linux")
    if not Path("/lib/systemd/systemd").exists():
        pytest.skip("no systemd on this machine; it comes with systemd")
    if os.geteuid() != 0:
        pytest.skip("the root of this machine is shown to user-mode Linux as root only")
    with TemporaryDirectory(prefix="unit-") as name:
        yield Machine(Path(name))


def test_1_it_starts_and_says_that_it_is_ready(machine: Machine) -> None:
    assert machine.facts.get("active") == "active", machine.said()


def test_2_it_is_confined(machine: Machine) -> None:
    facts = machine.facts
    assert facts["Uid"].split() == ["991"] * 4
    assert int(facts["CapEff"], 16) == int(facts["CapBnd"], 16) == 0
    assert (facts["NoNewPrivs"], facts["Seccomp"]) == ("1", "2")
    assert "Read-only file system" in facts["written"]
    assert facts["socket"] == "660:station-agent"
    assert facts["state"] == "700:station-agent"
    assert "OK" in facts["exposure"], facts["exposure"]


def test_3_it_is_killed_when_it_hangs_and_comes_back(machine: Machine) -> None:
    assert (machine.facts["restarts"], machine.facts["active_again"]) == ("1", "active"), machine.said()
    assert machine.facts["another_process"] == "yes"
    assert "the agent has died: watchdog, killed ABRT" in (machine.share / "agent.log").read_text()


def test_4_the_csms_hears_why_it_boots(machine: Machine) -> None:
    assert (machine.share / "csms.log").read_text().splitlines()[-1] == "['PowerUp', 'Watchdog']"


def test_5_the_session_that_ran_meanwhile_is_whole_in_the_ledger(machine: Machine) -> None:
    assert machine.facts["verified"] == "0", (machine.share / "verified").read_text()
    rows = [line.split() for line in (machine.share / "ledger").read_text().splitlines() if "TransactionEvent" in line]
    assert [int(row[4]) for row in rows] == [0, 1, 2, 3], machine.said()
    assert {row[1] for row in rows} == {"answered"}
    assert len({row[3] for row in rows}) == 1


def test_6_it_is_stopped_in_an_orderly_way_and_that_is_no_death(machine: Machine) -> None:
    assert machine.facts["stopped"] == "success", machine.said()
    assert machine.facts["last_end"] == "success exited 0"
