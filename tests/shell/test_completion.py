"""What TAB offers and how a line is understood, without a terminal and without an agent."""

from __future__ import annotations

from typing import Any

import pytest

from agent.shell.arguments import arguments_of
from agent.shell.commands import Commands
from agent.shell.completion import Known, Unclear, words_of

VARIABLES = ["EVSE(1).Power", "EVSE(2).Power", "OCPPCommCtrlr.MessageTimeout[Default]", "TxCtrlr.EVConnectionTimeOut"]
WATCH = [{"name": "topics", "required": False, "default": ["ocpp", "hal", "facts", "log"]}]


def known() -> Known:
    """Of the commands as they are."""
    told = [
        {"cmd": name, "role": role, "arguments": arguments_of(kind)} for name, (role, kind, _) in Commands.table.items()
    ]
    watch = {"cmd": "watch", "role": "observe", "arguments": WATCH}
    return Known({"commands": [*told, watch]}, lambda: [1, 2], lambda: VARIABLES)


@pytest.mark.parametrize(
    ("before", "word", "offered"),
    [
        ("", "sta", ["status "]),
        ("", "S", ["status ", "security_log ", "settle "]),
        ("", "q", ["quit "]),
        ("", "plug", []),  # does more than look
        ("why ", "", ["1 ", "2 ", "evse="]),
        ("why ", "2", ["2 "]),
        ("why ", "evse=", ["evse=1 ", "evse=2 "]),
        ("why 1 ", "", ["evse="]),
        ("variables ", "tx", ["TxCtrlr.EVConnectionTimeOut "]),
        ("variables evse=1 ", "tx", ["TxCtrlr.EVConnectionTimeOut "]),
        ("variables ", "EVSE(", ["EVSE(1).Power ", "EVSE(2).Power "]),
        ("variables ", "component=ocpp", ["component=OCPPCommCtrlr "]),
        ("variables ", "variable=m", ["variable=MessageTimeout "]),
        ("variables ", "component=E", ["component=EVSE "]),
        ("variables text=x ", "ch", ["changed="]),
        ("variables ", "changed=", ["changed=true ", "changed=false "]),
        ("variables text=x ", "te", []),
        ("watch ", "", ["ocpp ", "hal ", "facts ", "log "]),
        ("watch ocpp ", "", ["hal ", "facts ", "log "]),
        ("watch ", "h", ["hal "]),
        ("status ", "", []),
        ("fly ", "", []),
    ],
)
def test_what_may_come_next(before: str, word: str, offered: list[str]) -> None:
    assert known().candidates(before, word) == offered


def test_variables_and_evses_are_asked_for_only_when_they_are_wanted() -> None:
    asked: list[str] = []

    def never(what: str) -> Any:
        def ask() -> list[Any]:
            asked.append(what)
            return []

        return ask

    told = {"commands": [{"cmd": "why", "role": "observe", "arguments": arguments_of(Commands.table["why"][1])}]}
    words = Known(told, never("evses"), never("variables"))
    words.candidates("", "w")
    assert asked == []
    words.candidates("why ", "")
    assert asked == ["evses"]


@pytest.mark.parametrize(
    ("line", "cmd", "fields"),
    [
        ("status", "status", {}),
        ("why 1", "why", {"evse": 1}),
        ("why evse=2", "why", {"evse": 2}),
        ("variables", "variables", {}),
        ("variables 32", "variables", {"text": "32"}),
        ("variables evse=1 meter", "variables", {"text": "meter", "evse": 1}),
        ("variables text=a EVSE", "variables", {"text": "a", "component": "EVSE"}),
        (
            "variables component=EVSE evse=1 changed=true",
            "variables",
            {"component": "EVSE", "evse": 1, "changed": True},
        ),
        ("variables 'Connector(1, 1)'", "variables", {"text": "Connector(1, 1)"}),
        ("settle 100 timeout_ms=5", "settle", {"quiet_ms": 100, "timeout_ms": 5}),
        ("watch", "watch", {"topics": ["ocpp", "hal", "facts", "log"]}),
        ("watch hal log", "watch", {"topics": ["hal", "log"]}),
    ],
)
def test_a_line_is_a_command_with_arguments_by_place_or_by_name(line: str, cmd: str, fields: dict[str, Any]) -> None:
    assert known().understood(words_of(line)) == (cmd, fields)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("fly", "unknown command 'fly'; known: csms_report, events, help"),
        ("limit 1 limit_a=6", "limit is for the role operate; the shell only looks"),
        ("plug_in 1", "plug_in is for the role bench"),
        ("why 1 2", "why: '2' is too much; it takes evse"),
        ("status 1", "status: '1' is too much; it takes nothing"),
        ("variables 'EVSE", "No closing quotation"),
    ],
)
def test_what_cannot_be_said_is_one_line(line: str, words: str) -> None:
    with pytest.raises(Unclear) as unclear:
        known().understood(words_of(line))
    assert words in str(unclear.value)
    assert "\n" not in str(unclear.value)
