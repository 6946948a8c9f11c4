"""The command line: help that is worth reading, and ``do`` for people who type."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

from agent.__main__ import main
from tests.csms.practice import PracticeCsms
from tests.scenarios.station import ROOT, AgentInLoop, bare


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ((), ("run", "do", "csms-report", "shell", "why", "ledger")),
        (
            ("run",),
            (
                "--board FILE",
                "--csms URL",
                "--id ID",
                "--data DIR",
                "--control PATH",
                "--control-observe",
                "--device BUS=PATH",
                "--wait",
            ),
        ),
        (("do",), ("station-agent do plug_in evse=1", "NAME=VALUE", "--control PATH")),
        (("csms-report",), ("tolerance", "--control PATH")),
        (("shell",), ("station-agent shell why 1", "--json", "--control PATH", "Exit status")),
        (("why",), ("station-agent why 1", "--control PATH")),
        (("ledger",), ("verify", "export", "--data")),
    ],
)
def test_help_is_printed_and_ends_with_status_0(
    command: tuple[str, ...], words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main([*command, "--help"])
    told = capsys.readouterr().out
    assert end.value.code == 0
    assert [word for word in words if word not in told] == []
    assert told.startswith(f"usage: station-agent {' '.join(command)}".rstrip())


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith("station-agent ")


@pytest.mark.parametrize("arguments", [[], ["fly"], ["run", "--fly"], ["do"], ["run", "--log", "loud"]])
def test_what_nobody_knows_ends_with_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    assert "station-agent" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["do", "status"], ["csms-report"]])
@pytest.mark.parametrize("path", ["nobody", "x" * 200, "a_file"])
def test_no_agent_is_one_line(folder: Path, command: list[str], path: str, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "a_file").write_text("")
    assert main([*command, "--control", str(folder / path)]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1
    assert told.err.startswith(f"station-agent: no agent at {folder / path}: ")
    assert "None" not in told.err


def test_arguments_without_a_name_are_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["do", "plug_in", "1", "--control", str(folder / "nobody")]) == 2
    assert capsys.readouterr().err == "station-agent: '1': expected NAME=VALUE\n"


async def do(agent: AgentInLoop, *arguments: str) -> tuple[int, str]:
    """As somebody types it, in a process of its own: exit status and output."""
    command = (sys.executable, "-m", "agent", "do", "--control", str(agent.socket), *arguments)
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=bare(), stdout=asyncio.subprocess.PIPE)
    told, _ = await asyncio.wait_for(process.communicate(), 20)
    return process.returncode or 0, told.decode()


async def test_do_plays_a_session(csms: PracticeCsms, agent: AgentInLoop) -> None:
    await agent.start(csms.url)
    await csms.wait_for("StatusNotification", count=2)
    status, told = await do(agent, "plug_in", "evse=1", 'ev={"current_a": 16}')
    assert (status, json.loads(told)) == (0, {"ok": True})
    status, told = await do(agent, "status")
    assert (status, json.loads(told)["evses"][0]["plugged"]) == (0, True)
    status, told = await do(agent, "plug_in", "evse=1")
    assert (status, json.loads(told)) == (1, {"ok": False, "error": "already plugged in"})


async def test_do_watch_goes_on_until_it_is_ended(csms: PracticeCsms, agent: AgentInLoop) -> None:
    await agent.start(csms.url)
    await csms.wait_for("StatusNotification", count=2)
    command = (sys.executable, "-m", "agent", "do", "--control", str(agent.socket), "watch", 'topics=["facts"]')
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=bare(), stdout=asyncio.subprocess.PIPE)
    assert process.stdout
    assert json.loads(await asyncio.wait_for(process.stdout.readline(), 20)) == {"ok": True}
    await agent.cmd("plug_in", evse=2)
    told = json.loads(await asyncio.wait_for(process.stdout.readline(), 20))
    assert (told["event"], told["what"]["evse"]) == ("facts", 2)
    process.terminate()
    await process.wait()
