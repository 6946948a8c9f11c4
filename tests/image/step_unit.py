"""The unit as the image has it, under a real systemd in user-mode Linux: confined, watched over, its state on the data
partition, over two starts of the machine.

The root is this machine's own, read-only as in the image.  What the image starts beside the agent comes from the layer;
only the device of the data partition is another (there is no udev here), and the agent's libraries are this machine's.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from agent.app import BOARD_RESTART
from board.descriptor import find_board
from tests.image.footprint import install
from tests.image.shipped import ROOT, SYSTEM, UNIT, settings, tool
from tests.image.user_mode_linux import MODULES, boot, needed

PATIENCE_S = 180
DATA_BYTES = 64 << 20
STARTED = ("data.mount", "station-machine-id.service", "var-log.mount", "station-agent.service")
PYTHON = f"python{sys.version_info[0]}.{sys.version_info[1]}"

INIT = """\
#!/bin/sh
# The first process: puts a read-only root together, as the image has it, and hands over to systemd.
set -e
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs run /run
mount -t tmpfs -o mode=755 root /mnt
cd /mnt
mkdir usr proc sys dev run tmp data var var/lib var/log var/tmp root
for name in bin sbin lib lib64; do cp -P /$name . 2>/dev/null; done
mount --bind /usr usr
cp -a /etc etc
rm -f etc/fstab
: >etc/machine-id
echo 'station-agent:x:991:991::/:/bin/false' >>etc/passwd
echo 'station-agent:x:991:' >>etc/group
{modules}
mkdir /run/share /run/python /run/libraries /run/checkout /run/agent
mount -t hostfs none -o {folder}/share /run/share
mount -t hostfs none -o {python} /run/python
mount -t hostfs none -o {libraries} /run/libraries
mount -t hostfs none -o {checkout} /run/checkout
mount -t hostfs none -o {folder}/tree /run/agent
cp -r /run/share/etc/. etc/
systemctl --root=/mnt --quiet enable {started}
for folder in tmp var/lib var/tmp; do mount -t tmpfs tmpfs $folder; done
ip link set lo up
mount -o remount,ro /mnt
exec switch_root /mnt /lib/systemd/systemd --unit=proof.target --log-target=console --show-status=false
"""

AGENT_HERE = """\
[Unit]
StartLimitAction=none
[Service]
ExecStart=
ExecStart=/run/python/bin/{interpreter} -m agent run --csms ws://127.0.0.1:9000/ocpp --id CS001
Environment=PYTHONPATH=/run/agent LD_LIBRARY_PATH=/run/python/lib STATION_BOARD=/run/share/board.toml
WatchdogSec=6s
StandardError=append:/run/share/agent.log
"""

DATA_HERE = """\
[Mount]
What=/run/share/data.img
Options=loop,{options}
"""

TARGET = """\
[Unit]
Requires=csms.service station-agent.service proof.service
"""

CSMS = """\
[Unit]
DefaultDependencies=no
[Service]
ExecStart=/run/python/bin/{interpreter} /run/share/csms.py
Environment=PYTHONPATH=/run/checkout:/run/libraries PYTHONDONTWRITEBYTECODE=1 LD_LIBRARY_PATH=/run/python/lib
StandardOutput=append:/run/share/csms.log
StandardError=append:/run/share/csms.log
"""

CSMS_PROGRAM = """\
import asyncio, json
from tests.csms.practice import PracticeCsms
from tests.csms.record import CALL

def told(record, frame):
    if frame.from_station and frame.kind == CALL:
        print(json.dumps([frame.action, frame.payload]), flush=True)

async def main():
    async with PracticeCsms(port=9000, listener=told):
        await asyncio.Event().wait()

asyncio.run(main())
"""

PROOF = """\
[Unit]
DefaultDependencies=no
After=station-agent.service systemd-journal-flush.service
[Service]
Type=oneshot
ExecStart=/bin/sh /run/share/proof.sh
StandardOutput=append:/run/share/proof.log
StandardError=append:/run/share/proof.log
"""

SCRIPT = """\
# What is seen inside, a line each, on the host's disk.
cd /run/share
export PYTHONPATH=/run/agent LD_LIBRARY_PATH=/run/python/lib
say() {{ echo "$start$1=$2" >>facts; sync; }}
show() {{ systemctl show -P "$1" station-agent.service; }}
agent() {{ /run/python/bin/{interpreter} -m agent "$@"; }}
bench() {{ agent do "$@" --control /run/station-agent/control.sock; }}
[ -e facts ] && start=second_ || start=

say active "$(show ActiveState)"
for i in $(seq 60); do bench status | grep -q Accepted && break; sleep 0.5; done
say machine_id "$(cat /etc/machine-id)"
say journal "$(ls /data/log/journal)"
say data "$(findmnt -no OPTIONS /data)"
if [ $start ]; then
    say starts "$(journalctl --list-boots --quiet | wc -l)"
    agent ledger verify --data /data/station-agent >second_verified 2>&1
    say verified $?
    say asked_before "$(ls restarted 2>/dev/null)"
    mkdir -p /run/systemd/system/station-agent.service.d
    cp asks.conf /run/systemd/system/station-agent.service.d/99-asks.conf
    systemctl daemon-reload
    systemctl restart --no-block station-agent.service
    for i in $(seq 60); do [ -e restarted ] && break; sleep 0.5; done
    say last_end "$(cat /data/station-agent/last-end)"
    say asked_again "$(show NRestarts)"
    poweroff -f
fi
pid=$(show MainPID)
for name in Uid CapEff CapBnd NoNewPrivs Seccomp; do
    say $name "$(sed -n "s/^$name:[[:space:]]*//p" /proc/$pid/status)"
done
say written "$(nsenter --target $pid --mount touch /etc/written 2>&1)"
say data_written "$(nsenter --target $pid --mount touch /data/written 2>&1)"
say socket "$(stat -c %a:%U /run/station-agent/control.sock)"
say state "$(stat -c %a:%U /data/station-agent)"
say exposure "$(systemd-analyze security --no-pager station-agent.service | tail -1)"

bench plug_in evse=1
for i in $(seq 20); do grep -q 'ChargingStateChanged #2 - answered' agent.log && break; sleep 0.5; done
kill -STOP $pid  # it hangs
for i in $(seq 120); do [ "$(show NRestarts)" = 1 ] && [ "$(show ActiveState)" = active ] && break; sleep 0.5; done
say restarts "$(show NRestarts)"
say active_again "$(show ActiveState)"
say another_process "$([ "$(show MainPID)" != "$pid" ] && echo yes)"
for i in $(seq 60); do grep -q 'TransactionEvent Ended .* answered' agent.log && break; sleep 0.5; done
agent ledger list --data /data/station-agent >ledger
agent ledger verify --data /data/station-agent >verified 2>&1
say verified $?
systemctl stop station-agent.service
say stopped "$(show Result)"
say last_end "$(cat /data/station-agent/last-end)"
journalctl --sync
sync
poweroff -f
"""

ASKS = """\
[Service]
Type=exec
ExecStart=
ExecStart=/bin/sh -c 'exit {status}'
"""

RESTART = """\
# In the place of reboot.target: user-mode Linux would begin anew, and never end.
[Unit]
DefaultDependencies=no
Wants=restart-told.service
"""

RESTART_TOLD = """\
[Unit]
DefaultDependencies=no
[Service]
ExecStart=/bin/touch /run/share/restarted
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
    """Two starts of one station, and what was seen of them."""

    def __init__(self, folder: Path) -> None:
        folder.chmod(0o755)
        self.share = folder / "share"
        self.share.mkdir(mode=0o777)
        self.share.chmod(0o777)
        words = {
            "folder": folder,
            "checkout": ROOT,
            "python": sys.base_prefix,
            "libraries": sysconfig.get_path("purelib"),
            "interpreter": PYTHON,
            "started": " ".join(STARTED),
            "modules": MODULES.format(names="ext4 loop"),
            "options": settings(SYSTEM / "data.mount")["Mount.Options"][0],
        }
        install(folder / "tree", folder / "source")
        self._data()
        self._system(words)
        self._proof(words)
        init = INIT.format(**words)
        first_boot = "systemd.firstboot=off"
        self.console = "".join(boot(folder / "init", init, first_boot, patience_s=PATIENCE_S) for _ in range(2))
        told = self.share / "facts"
        lines = told.read_text().splitlines() if told.exists() else []
        self.facts = dict(line.split("=", 1) for line in lines if "=" in line)

    def _data(self) -> None:
        image = self.share / "data.img"
        image.touch()
        with image.open("r+b") as file:
            file.truncate(DATA_BYTES)
        subprocess.run([tool("mke2fs", "e2fsprogs"), "-q", "-t", "ext4", str(image)], check=True, timeout=60)

    def _system(self, words: dict[str, object]) -> None:
        """/etc as the recipes fill it, and in drop-ins what is another here than in the image."""
        units, etc = self.share / "etc" / "systemd" / "system", self.share / "etc"
        for unit, name, text in (("station-agent.service", "90", AGENT_HERE), ("data.mount", "90", DATA_HERE)):
            (units / f"{unit}.d").mkdir(parents=True)
            (units / f"{unit}.d" / f"{name}-here.conf").write_text(text.format(**words))
        for file in (UNIT, *SYSTEM.glob("*.mount"), *SYSTEM.glob("*.service")):
            shutil.copy(file, units)
        shutil.copy(SYSTEM / "data.conf", units / "station-agent.service.d" / "60-data.conf")
        (units / r"systemd-fsck@dev-disk-by\x2dpartlabel-data.service").symlink_to("/dev/null")
        for name, folder in (("journald.conf", "systemd/journald.conf.d"), ("tmpfiles.conf", "tmpfiles.d")):
            (etc / folder).mkdir(parents=True)
            shutil.copy(SYSTEM / name, etc / folder / "station-agent.conf")

    def _proof(self, words: dict[str, object]) -> None:
        units = self.share / "etc" / "systemd" / "system"
        board = find_board("sim").read_text() + "".join(VARIABLE.format(*each) for each in SETTINGS)
        (self.share / "board.toml").write_text(board)
        (self.share / "csms.py").write_text(CSMS_PROGRAM)
        (self.share / "proof.sh").write_text(SCRIPT.format(**words))
        (units / "proof.target").write_text(TARGET)
        (units / "csms.service").write_text(CSMS.format(**words))
        (units / "proof.service").write_text(PROOF)
        (units / "reboot.target").write_text(RESTART)
        (units / "restart-told.service").write_text(RESTART_TOLD)
        (self.share / "asks.conf").write_text(ASKS.format(status=BOARD_RESTART))

    def heard(self, action: str) -> list[dict[str, Any]]:
        """What the CSMS was told, over both starts."""
        lines = (self.share / "csms.log").read_text().splitlines()
        return [said[1] for said in map(json.loads, lines) if said[0] == action]

    def said(self) -> str:
        """Everything that explains a failure."""
        logs = [path.read_text(errors="replace")[-3000:] for path in self.share.glob("*.log")]
        return "\n".join([str(self.facts), *logs, self.console[-6000:]])


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    needed()
    if not Path("/lib/systemd/systemd").exists():
        pytest.skip("no systemd on this machine; it comes with systemd")
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
    assert "Read-only file system" in facts["data_written"]
    assert facts["socket"] == "660:station-agent"
    assert "OK" in facts["exposure"], facts["exposure"]


def test_3_it_is_killed_when_it_hangs_and_comes_back(machine: Machine) -> None:
    assert (machine.facts["restarts"], machine.facts["active_again"]) == ("1", "active"), machine.said()
    assert machine.facts["another_process"] == "yes"
    assert "the agent has died: watchdog, killed ABRT" in (machine.share / "agent.log").read_text()


def test_4_the_csms_hears_why_it_boots(machine: Machine) -> None:
    reasons = [boot["reason"] for boot in machine.heard("BootNotification")]
    assert reasons == ["PowerUp", "Watchdog", "PowerUp"], machine.said()
    events = [(event["type"], event.get("techInfo")) for event in machine.heard("SecurityEventNotification")]
    assert ("ResetOrReboot", "Watchdog: watchdog, killed ABRT") in events


def test_5_the_session_that_ran_meanwhile_is_whole_in_the_ledger(machine: Machine) -> None:
    assert machine.facts["verified"] == "0", (machine.share / "verified").read_text()
    rows = [line.split() for line in (machine.share / "ledger").read_text().splitlines() if "TransactionEvent" in line]
    assert [int(row[4]) for row in rows] == [0, 1, 2, 3], machine.said()
    assert {row[1] for row in rows} == {"answered"}
    assert len({row[3] for row in rows}) == 1


def test_6_it_is_stopped_in_an_orderly_way_and_that_is_no_death(machine: Machine) -> None:
    assert machine.facts["stopped"] == "success", machine.said()
    assert machine.facts["last_end"] == "success exited 0"


def test_7_its_state_lies_on_the_data_partition_and_is_there_after_a_power_cut(machine: Machine) -> None:
    assert machine.facts["state"] == "700:station-agent"
    assert {"nosuid", "nodev", "noexec"} <= set(machine.facts["data"].split(","))
    assert machine.facts["second_active"] == "active", machine.said()
    assert machine.facts["second_verified"] == "0", (machine.share / "second_verified").read_text()


def test_8_the_machine_and_its_journal_are_the_same_ones_after_another_start(machine: Machine) -> None:
    facts = machine.facts
    assert len(facts["machine_id"]) == 32
    assert facts["machine_id"] == facts["second_machine_id"] == facts["journal"] == facts["second_journal"]
    assert facts["second_starts"] == "2"


def test_9_the_board_is_started_anew_when_the_agent_asks_for_it_and_only_then(machine: Machine) -> None:
    assert machine.facts["second_asked_before"] == ""
    assert (machine.share / "restarted").exists(), machine.said()
    assert machine.facts["second_last_end"] == f"success exited {BOARD_RESTART}"
    assert machine.facts["second_asked_again"] == "0"
