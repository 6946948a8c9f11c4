"""`station-agent shell` on a terminal: TAB, history, tables, watching, and an agent that goes and comes back."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.csms.practice import PracticeCsms
from tests.scenarios.station import ID, AgentInLoop, sim_board
from tests.shell.terminal import PROMPT, Terminal, terminal

TAB, UP, CTRL_C, CTRL_D = "\t", "\x1b[A", "\x03", "\x04"


@pytest.fixture
async def online(csms: PracticeCsms, agent: AgentInLoop) -> AgentInLoop:
    await agent.start(csms.url)
    await csms.wait_for("StatusNotification", count=2)
    return agent


@pytest.fixture
async def shell(online: AgentInLoop) -> AsyncIterator[Terminal]:
    async with terminal(online.socket) as screen:
        await screen.shows(PROMPT)
        yield screen


# Completion.


@pytest.mark.parametrize(
    ("typed", "becomes"),
    [
        ("sta", "status "),
        ("sec", "security_log "),
        ("why ev", "why evse="),
        ("variables TxCtrlr.EVC", "variables TxCtrlr.EVConnectionTimeOut "),
        ("variables component=Tx", "variables component=TxCtrlr "),
        ("variables changed=t", "variables changed=true "),
        ("watch f", "watch facts "),
    ],
)
async def test_tab_completes(shell: Terminal, typed: str, becomes: str) -> None:
    shell.type(typed + TAB)
    await shell.shows(becomes)


async def test_tab_does_not_mind_the_case(shell: Terminal) -> None:
    shell.type("variables component=tx" + TAB + "variable=evc" + TAB + "\n")
    assert "TxCtrlr.EVConnectionTimeOut" in await shell.shows(PROMPT)


async def test_tab_shows_the_choices(shell: Terminal) -> None:
    shell.type("why " + TAB)
    shown = await shell.shows("why ", times=2)
    assert {"1", "2", "evse="} <= set(shown.split())


async def test_tab_knows_the_variables_behind_the_first_page_too(csms: PracticeCsms, folder: Path) -> None:
    many = "".join(f'[[component.variables]]\nname = "V{number}"\ntype = "integer"\n' for number in range(1100))
    async with AgentInLoop(folder, sim_board(folder, f'[[component]]\nname = "Zoo"\n{many}')) as agent:
        await agent.start(csms.url)
        await csms.wait_for("StatusNotification", count=2)
        async with terminal(agent.socket) as screen:
            await screen.shows(PROMPT)
            screen.type("variables Zoo.V99" + TAB)
            await screen.shows("Zoo.V999")


async def test_tab_without_an_agent_offers_nothing_and_says_nothing(folder: Path) -> None:
    async with terminal(folder / "nobody") as screen:
        await screen.shows(PROMPT)
        screen.type("sta" + TAB + "\n")
        shown = await screen.shows(PROMPT)
        assert "status" not in shown
        assert "Traceback" not in shown


# History.


async def test_what_was_typed_is_there_again_the_next_time(online: AgentInLoop, folder: Path) -> None:
    async with terminal(online.socket) as screen:
        await screen.shows(PROMPT)
        await screen.says("why 2")
        screen.process.kill()  # as when the line to the terminal is cut
        await screen.ended()
    async with terminal(online.socket) as screen:
        await screen.shows(PROMPT)
        screen.type(UP)
        await screen.shows("why 2")
    kept = folder / "state" / "station-agent" / "shell_history"
    assert kept.read_text().splitlines() == ["why 2"]
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.parent.stat().st_mode & 0o077 == 0


async def test_a_home_that_cannot_be_written_is_no_trouble(online: AgentInLoop, folder: Path) -> None:
    (folder / "state").write_text("a file")
    async with terminal(online.socket) as screen:
        await screen.shows(PROMPT)
        assert (await screen.says("settle"))[-1] == "settled"
        screen.type(UP)
        await screen.shows("settle")


# What is shown.


async def test_status_is_a_table_that_fits(shell: Terminal, online: AgentInLoop) -> None:
    await online.cmd("plug_in", evse=1)
    await online.cmd("swipe", token="04A2B3C4D5E6F7", evse=1)
    await online.fact("PowerPathClosed", 1)
    await online.cmd("fault", evse=2, code="GroundFailure")
    lines = await shell.says("status")
    assert max(map(len, lines)) < 80
    assert lines[0].startswith("station")
    assert "started: PowerUp" in lines[0]
    assert "CSMS" in lines[1]
    assert "connected, Accepted" in lines[1]
    assert f"as {ID}; slot 1, security profile 0" in " ".join(lines)
    (heading,) = [line for line in lines if line.startswith("EVSE  ")]
    one, two = lines[lines.index(heading) + 1 :][:2]
    assert one[heading.index("TOKEN") :].startswith("04A2B3C4D5E6F7  Charging")
    assert one[: heading.index("POWER") + 5].endswith("W")
    assert (len(one), len(two)) == (len(heading), len(heading))
    assert one[heading.index("STATUS") :].startswith("Occupied  ")
    assert two[heading.index("STATUS") :].startswith("Faulted  ")
    assert lines[-1] == "EVSE 2: GroundFailure"


@pytest.mark.parametrize(
    "command",
    ["help", "status", "why", "variables", "variables EVSE", "monitors", "events", "security_log", "log"],
)
async def test_every_command_keeps_to_the_width_of_the_terminal(
    online: AgentInLoop, csms: PracticeCsms, command: str
) -> None:
    state = {"component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "AvailabilityState"}}
    monitor = {**state, "type": "Delta", "value": 1, "severity": 5}
    await csms.call(ID, "SetVariableMonitoring", {"setMonitoringData": [monitor]})
    await online.cmd("plug_in", evse=1)
    await csms.wait_for("NotifyEvent")
    async with terminal(online.socket, columns=60) as screen:
        await screen.shows(PROMPT)
        lines = await screen.says(command)
        assert lines
        assert [line for line in lines if len(line) > 60] == []


async def test_any_command_shows_its_answer_as_json(shell: Terminal) -> None:
    assert json.loads("\n".join(await shell.says("status --json")))["evses"][0]["id"] == 1
    told = json.loads("\n".join(await shell.says("--json variables OfflineThreshold")))
    assert [each["name"] for each in told["variables"]] == ["OCPPCommCtrlr.OfflineThreshold"]
    assert (await shell.says("status"))[0].startswith("station")


async def test_why_is_a_sentence_and_what_to_do(shell: Terminal, online: AgentInLoop) -> None:
    await online.cmd("plug_in", evse=2)
    assert await shell.says("why 2") == [
        "EVSE 2  Nobody has identified himself.",
        "        Show a card, or start it in the app.",
        "        no fault: yes, in service: yes, plugged in: yes, authorized: NO",
    ]


async def test_one_variable_is_shown_in_full(shell: Terminal, online: AgentInLoop) -> None:
    await online.cmd("set_variable", component="TxCtrlr", variable="EVConnectionTimeOut", value=77)
    assert await shell.says("variables evconnectiontimeout") == [
        "variable  TxCtrlr.EVConnectionTimeOut",
        "value     77 s  (changed)",
        "default   60",
        "type      integer",
        "access    ReadWrite",
    ]


async def test_colours_are_on_a_terminal_and_not_with_NO_COLOR(online: AgentInLoop) -> None:
    for no_color, green in (("", True), ("1", False)):
        async with terminal(online.socket, NO_COLOR=no_color) as screen:
            await screen.shows(PROMPT)
            screen.type("status\n")
            await screen.shows(PROMPT)
            assert ("\x1b[32mconnected, Accepted\x1b[0m" in screen.raw) is green


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("fly", "unknown command 'fly'"),
        ("why 9", "no such evse 9; there are 1, 2"),
        ("why 1 2", "'2' is too much"),
        ("variables limit=0", "limit"),
        ("variables 'EVSE", "No closing quotation"),
        ("stop", "stop is for the role bench"),
        ("watch weather", "topics: a list of ocpp, hal, facts, log"),
    ],
)
async def test_what_is_wrong_is_one_line_and_the_shell_goes_on(shell: Terminal, line: str, words: str) -> None:
    (told,) = await shell.says(line)
    assert told.startswith("station-agent: ")
    assert words in told
    assert (await shell.says("settle")) == ["settled"]


async def test_an_empty_line_is_nothing(shell: Terminal) -> None:
    assert await shell.says("") == []
    assert await shell.says("   ") == []


# Watching.


async def test_watch_shows_frames_and_facts_until_ctrl_c(shell: Terminal, online: AgentInLoop) -> None:
    shell.type("watch ocpp facts hal log\n")
    await online.cmd("settle")
    while "EvConnected" not in shell.text:  # it watches from when its own command has arrived
        await online.cmd("plug_in", evse=2)
        await online.cmd("settle")
        await online.cmd("unplug", evse=2)
        await online.cmd("settle")
    shown = await shell.shows("StatusNotification answered {}")
    assert re.search(r"\d\d:\d\d:\d\d\.\d{3} ocpp  > StatusNotification \{.*Occupied", shown)
    assert re.search(r"\d\d:\d\d:\d\d\.\d{3} facts = EvConnected evse=2 connector=1", shown)
    assert re.search(r"\d\d:\d\d:\d\d\.\d{3} hal   < PilotChanged evse=2 state=B", shown)
    assert re.search(r"\d\d:\d\d:\d\d\.\d{3} log   < evse 2 vehicle connected", shown)
    shell.type(CTRL_C)
    await shell.shows(PROMPT)
    assert await shell.says("settle") == ["settled"]
    await online.cmd("plug_in", evse=2)
    assert "PilotChanged" not in "\n".join(await shell.says("help"))


# Ctrl-C, Ctrl-D, quit.


async def test_ctrl_c_drops_the_line_and_ctrl_d_ends(shell: Terminal) -> None:
    shell.type("garbage" + CTRL_C)
    await shell.shows(PROMPT)
    assert await shell.says("settle") == ["settled"]
    shell.type(CTRL_D)
    assert await shell.ended() == 0


async def test_ctrl_c_ends_a_command_that_waits_and_the_next_one_gets_its_own_answer(shell: Terminal) -> None:
    shell.type("settle quiet_ms=60000 timeout_ms=60000\n")
    await shell.shows("timeout_ms=60000\n")
    shell.type(CTRL_C)
    await shell.shows(PROMPT)
    assert (await shell.says("why 2"))[0] == "EVSE 2  No vehicle is connected."


@pytest.mark.parametrize("word", ["quit", "exit"])
async def test_a_word_ends_it(shell: Terminal, word: str) -> None:
    shell.type(word + "\n")
    assert await shell.ended() == 0


# The agent goes and comes back.


async def test_an_agent_that_is_not_there_is_one_line_and_is_found_when_it_comes(
    csms: PracticeCsms, folder: Path
) -> None:
    async with terminal(folder / "control") as screen:
        shown = await screen.shows(PROMPT)
        assert f"no agent at {folder}/control: No such file or directory" in shown.replace("\n", " ")
        assert "no agent at" in "\n".join(await screen.says("status"))
        async with AgentInLoop(folder):
            assert await screen.says("status") == ["the station is off"]


async def test_an_agent_that_goes_away_is_told_and_found_again(folder: Path) -> None:
    async with AgentInLoop(folder), terminal(folder / "control") as screen:
        await screen.shows(PROMPT)
        assert await screen.says("status") == ["the station is off"]
    async with terminal(folder / "control") as screen:
        async with AgentInLoop(folder):
            await screen.shows(PROMPT)
            assert (await screen.says("status"))[0] == "the station is off"
        async with AgentInLoop(folder):
            assert await screen.says("status") == [
                "the station is off",
                "station-agent: (the agent had gone and is back)",
            ]
        gone = await screen.says("status")
        assert gone[0].startswith("station-agent: no agent at ")
        assert gone[-1] == "The next command looks for it again."
        async with AgentInLoop(folder):
            assert (await screen.says("status"))[0] == "the station is off"


async def test_watch_waits_for_an_agent_that_goes_away(csms: PracticeCsms, folder: Path) -> None:
    async with terminal(folder / "control") as screen:
        async with AgentInLoop(folder) as agent:
            await screen.shows(PROMPT)
            await agent.start(csms.url)
            screen.type("watch log\n")
            while "= connected to the CSMS" not in screen.text:  # it watches from when its command has arrived
                await agent.cmd("power_cycle")
                await agent.cmd("settle")
        await screen.shows("the agent went away; waiting for it (Ctrl-C ends)")
        seen = screen.text.count("= connected to the CSMS")
        async with AgentInLoop(folder) as agent:
            await screen.shows("the agent is back")
            await agent.start(csms.url)
            shown = await screen.shows("= connected to the CSMS", times=seen + 1)
            assert shown.count("the agent went away") == 1
        screen.type(CTRL_C)
        await screen.shows(PROMPT)
