"""`station-agent shell COMMAND` and `station-agent why`, for scripts: output and exit status."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path

import pytest

from agent.__main__ import main
from tests.csms.practice import PracticeCsms
from tests.scenarios.station import ROOT, AgentInLoop, bare
from tests.shell.terminal import terminal


@pytest.fixture
async def online(csms: PracticeCsms, agent: AgentInLoop) -> AgentInLoop:
    await agent.start(csms.url)
    await csms.wait_for("StatusNotification", count=2)
    return agent


async def look(socket: Path, command: str, *arguments: str, said: str | None = None) -> tuple[int, str, str]:
    """In a process of its own, and no terminal: exit status, stdout, stderr."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "agent", command, "--control", str(socket), *arguments),
        cwd=ROOT,
        env={**bare(), "XDG_STATE_HOME": str(socket.parent / "state"), "TERM": "xterm"},
        stdin=DEVNULL if said is None else PIPE,
        stdout=PIPE,
        stderr=PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(None if said is None else said.encode()), 20)
    return process.returncode or 0, out.decode(), err.decode()


@pytest.mark.parametrize("command", ["status", "why", "variables", "monitors", "events", "security_log", "log", "help"])
async def test_json_is_what_the_socket_says(online: AgentInLoop, command: str) -> None:
    status, out, err = await look(online.socket, "shell", "--json", command)
    told = json.loads(out)
    assert (status, err, told["ok"]) == (0, "", True)
    assert told.keys() == (await online.cmd(command)).keys() - {"id"}


async def test_a_table_that_goes_to_a_file_has_no_colours_and_cuts_nothing(online: AgentInLoop) -> None:
    status, out, _ = await look(online.socket, "shell", "variables")
    assert status == 0
    assert "\x1b" not in out
    assert "…" not in out
    assert "OCPPCommCtrlr.HeartbeatInterval" in out


async def test_what_the_agent_refuses_ends_with_status_1(online: AgentInLoop) -> None:
    status, out, err = await look(online.socket, "shell", "why", "9")
    assert (status, out, err) == (1, "", "station-agent: no such evse 9; there are 1, 2\n")
    status, out, err = await look(online.socket, "shell", "--json", "why", "9")
    assert (status, json.loads(out), err) == (1, {"ok": False, "error": "no such evse 9; there are 1, 2"}, "")


@pytest.mark.parametrize("words", [("fly",), ("limit", "1"), ("why", "1", "2")])
async def test_what_is_not_said_well_ends_with_status_2(agent: AgentInLoop, words: tuple[str, ...]) -> None:
    status, out, err = await look(agent.socket, "shell", "--json", *words)
    assert (status, out, err.count("\n")) == (2, "", 1)


@pytest.mark.parametrize("command", [["shell", "status"], ["shell", "--json", "status"], ["why"], ["shell", "watch"]])
@pytest.mark.parametrize("path", ["nobody", "x" * 200, "a_file"])
def test_no_agent_is_one_line_and_status_2(
    folder: Path, command: list[str], path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "a_file").write_text("")
    assert main([*command, "--control", str(folder / path)]) == 2
    told = capsys.readouterr()
    assert (told.out, told.err.count("\n")) == ("", 1)
    assert told.err.startswith(f"station-agent: no agent at {folder / path}: ")


def test_json_needs_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["shell", "--json"]) == 2
    assert capsys.readouterr().err == "station-agent: shell --json: expected a command, for instance status\n"


async def test_commands_from_a_pipe_are_done_one_by_one(online: AgentInLoop) -> None:
    status, out, err = await look(online.socket, "shell", said="settle\nwhy 2\n")
    assert (status, err) == (0, "")
    assert out.splitlines()[:2] == ["settled", "EVSE 2  No vehicle is connected."]
    status, _, err = await look(online.socket, "shell", said="settle\nwhy 9\n")
    assert (status, err) == (1, "station-agent: no such evse 9; there are 1, 2\n")


async def test_why_prints_the_sentences(online: AgentInLoop) -> None:
    await online.cmd("plug_in", evse=1)
    status, out, _ = await look(online.socket, "why", "1")
    assert (status, out.splitlines()[:2]) == (
        0,
        ["EVSE 1  Nobody has identified himself.", "        Show a card, or start it in the app."],
    )
    status, out, _ = await look(online.socket, "why")
    assert (status, [line[:6] for line in out.splitlines() if line[0] != " "]) == (0, ["EVSE 1", "EVSE 2"])


async def test_a_socket_that_only_grants_looking_is_enough(online: AgentInLoop, folder: Path) -> None:
    await online.machine._serve(folder / "observe", "observe")
    for command in ("status", "why", "variables", "security_log"):
        assert (await look(folder / "observe", "shell", "--json", command))[0] == 0
    status, _, err = await look(folder / "observe", "shell", "plug_in", "1")
    assert (status, err.startswith("station-agent: unknown command 'plug_in'; known: ")) == (2, True)


async def test_watch_for_a_script_is_a_line_of_json_each_and_ends_with_the_agent(
    csms: PracticeCsms, folder: Path
) -> None:
    async with AgentInLoop(folder) as agent:
        await agent.start(csms.url)
        await csms.wait_for("StatusNotification", count=2)
        command = ("shell", "--json", "--control", str(agent.socket), "watch", "facts")
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "agent", *command, cwd=ROOT, env=bare(), stdout=PIPE, stderr=PIPE
        )
        assert process.stdout is not None
        reading = asyncio.create_task(process.stdout.readline())
        while not reading.done():  # it watches from when its own command has arrived
            await agent.cmd("plug_in", evse=2)
            await agent.cmd("settle")
            await agent.cmd("unplug", evse=2)
            await agent.cmd("settle")
        assert json.loads(reading.result())["event"] == "facts"
    _, err = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 2
    assert err.decode().startswith("station-agent: no agent at ")


async def test_a_reader_that_has_seen_enough_is_no_trouble(online: AgentInLoop) -> None:
    line = f"{sys.executable} -m agent shell --control {online.socket} variables | head -1"
    process = await asyncio.create_subprocess_shell(line, cwd=ROOT, env=bare(), stdout=PIPE, stderr=PIPE)
    out, err = await asyncio.wait_for(process.communicate(), 20)
    assert (out.decode().split()[0], err.decode()) == ("VARIABLE", "")


async def test_why_on_a_terminal_wraps(online: AgentInLoop) -> None:
    await online.cmd("fault", evse=1, code="PilotFailure")
    async with terminal(online.socket, "1", command="why", columns=60) as screen:
        assert await screen.ended() == 0
        shown = await screen.shows("no fault: NO")
    assert max(map(len, shown.splitlines())) < 60
