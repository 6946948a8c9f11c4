"""The service unit: accepted by systemd, confined, and of one mind with the agent that it starts."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from agent.__main__ import DEFAULT_CONTROL, DEFAULT_DATA, parser
from agent.app import BOARD_RESTART
from agent.edge.boot import LAST_END, last_end
from agent.vocabulary.values import LastEnd
from tests.image.shipped import ROOT, SYSTEM, UNIT, settings, tool

MOST_EXPOSURE = 20
"""Tenths of the score of `systemd-analyze security`: at most 2.0."""

NEWER_THAN_ANALYZE = ("RestartSteps", "RestartMaxDelaySec")
"""systemd 254; what checks here may be older, and says so."""

PROGRAM = "/usr/bin/station-agent"

CONFINED = """
import ctypes
libc = ctypes.CDLL(None)
if libc.prctl(65, 3, 0, 0, 0):  # PR_SET_MDWE
    raise SystemExit(77)
import can, cryptography.x509, msgspec, pyudev, serial, websockets
from cryptography.hazmat.primitives.asymmetric import ec
import agent.app, agent.edge.tls, agent.powered
ec.generate_private_key(ec.SECP256R1())
pyudev.Monitor.from_netlink(pyudev.Context())
"""


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_systemd_accepts_the_unit(folder: Path) -> None:
    analyze = tool("systemd-analyze", "systemd")
    copy = folder / UNIT.name
    copy.write_text(UNIT.read_text().replace(PROGRAM, "/bin/true"))  # the program is not installed where tests run
    done = run(analyze, "verify", str(copy))
    complaints = [line for line in done.stderr.splitlines() if not any(key in line for key in NEWER_THAN_ANALYZE)]
    assert done.returncode == 0, done.stderr
    assert complaints == []


@pytest.mark.parametrize("name", ["data.mount", "var-log.mount", "station-machine-id.service"])
def test_systemd_accepts_what_the_image_starts_beside_it(name: str) -> None:
    done = run(tool("systemd-analyze", "systemd"), "verify", "--man=no", str(SYSTEM / name))
    assert (done.returncode, done.stderr) == (0, "")


def test_every_device_of_a_board_that_ships_is_allowed() -> None:
    """A link (/dev/serial0, /dev/serial/by-id/...) points to one of the same."""
    boards = "".join(path.read_text() for path in (ROOT / "board").glob("*.toml"))
    classes = set(re.findall(r"/dev/(tty[A-Za-z]+|gpiochip)\d", boards))
    allowed = {line.split()[0].removeprefix("char-") for line in settings(UNIT)["Service.DeviceAllow"]}
    assert "ttyUSB" in classes
    assert classes <= allowed


def test_systemd_finds_a_mistake_in_a_unit(folder: Path) -> None:
    analyze = tool("systemd-analyze", "systemd")
    copy = folder / UNIT.name
    copy.write_text(UNIT.read_text().replace("Type=notify", "Type=notifies").replace(PROGRAM, "/bin/true"))
    assert "notifies" in run(analyze, "verify", str(copy)).stderr


def test_the_service_is_exposed_no_more_than_2_0() -> None:
    analyze = tool("systemd-analyze", "systemd")
    done = run(analyze, "security", "--offline=yes", f"--threshold={MOST_EXPOSURE}", "--no-pager", str(UNIT))
    assert done.returncode == 0, done.stdout[-200:]
    assert "Overall exposure level" in done.stdout


@pytest.mark.parametrize(
    ("result", "code", "status"),
    [("watchdog", "killed", "ABRT"), ("exit-code", "exited", "1"), ("oom-kill", "killed", "KILL")],
)
def test_what_the_unit_leaves_behind_is_what_the_next_start_reads(
    folder: Path, result: str, code: str, status: str
) -> None:
    line = settings(UNIT)["Service.ExecStopPost"][0]
    shell, option, script = line.removeprefix("-").split(" ", 2)
    environment = {"STATION_DATA_DIR": str(folder), "SERVICE_RESULT": result, "EXIT_CODE": code, "EXIT_STATUS": status}
    script = script.strip("'").replace("$$", "$")
    subprocess.run([shell, option, script], env={**os.environ, **environment}, check=True, timeout=10)
    assert last_end(folder) == LastEnd(result, code, status)
    assert [path.name for path in folder.iterdir()] == [LAST_END]


def test_the_unit_starts_a_command_that_there_is() -> None:
    [line] = settings(UNIT)["Service.ExecStart"]
    program, *arguments = line.split()
    assert program == PROGRAM
    assert parser().parse_args(arguments).command == "run"


def test_the_units_folders_are_those_that_the_command_line_looks_into() -> None:
    unit = settings(UNIT)
    assert [f"/var/lib/{name}" for name in unit["Service.StateDirectory"]] == [DEFAULT_DATA]
    environment = dict(line.split("=", 1) for line in unit["Service.Environment"])
    assert environment["STATION_DATA_DIR"] == DEFAULT_DATA
    assert environment["STATION_CONTROL_SOCKET"] == DEFAULT_CONTROL
    folders = {str(Path(environment[name]).parent) for name in ("STATION_CONTROL_SOCKET", "STATION_OBSERVE_SOCKET")}
    assert folders == {f"/run/{name}" for name in unit["Service.RuntimeDirectory"]}


def test_every_variable_of_the_unit_is_one_that_the_agent_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    given = [line.split("=", 1) for line in settings(UNIT)["Service.Environment"] if line.startswith("STATION_")]
    for name, value in given:
        monkeypatch.setenv(name, value)
    read = vars(parser().parse_args(["run"])).values()
    assert [value for _, value in given if value not in read] == []


def test_the_exit_status_that_asks_for_a_start_of_the_board_is_no_death_and_starts_no_agent() -> None:
    unit = settings(UNIT)
    assert unit["Service.SuccessExitStatus"] == unit["Service.RestartPreventExitStatus"] == [str(BOARD_RESTART)]
    assert f'"$$EXIT_STATUS" = {BOARD_RESTART} ]' in unit["Service.ExecStopPost"][1]


def test_only_the_agent_itself_can_say_that_it_is_alive() -> None:
    unit = settings(UNIT)
    assert unit["Service.Type"] == ["notify"]
    assert unit["Service.NotifyAccess"] == ["main"]
    assert unit["Service.WatchdogSec"] == ["20s"]
    assert not any("WATCHDOG" in line for key, lines in unit.items() if "Exec" in key for line in lines)


def test_the_agent_and_its_libraries_live_without_memory_that_is_writable_and_executable() -> None:
    """MemoryDenyWriteExecute, as the kernel offers it to a process of its own (Linux 6.3)."""
    done = run(sys.executable, "-c", CONFINED)
    if done.returncode == 77:
        pytest.skip("this kernel has no PR_SET_MDWE")
    assert done.returncode == 0, done.stderr
