"""The lines of `watch`: which way a frame went and what it answers; nothing in it steers the terminal."""

from __future__ import annotations

from typing import Any

import pytest

from agent.shell.tables import Screen
from agent.shell.watching import MOST_OPEN, Watching


def ocpp(direction: str, frame: str) -> dict[str, Any]:
    return {"event": "ocpp", "direction": direction, "frame": frame}


@pytest.mark.parametrize(
    ("seen", "line"),
    [
        (ocpp("out", '[2,"1","Heartbeat",{}]'), "> Heartbeat {}"),
        (ocpp("in", '[2,"7","Reset",{"type":"OnIdle"}]'), '< Reset {"type":"OnIdle"}'),
        (ocpp("in", '[3,"9",{}]'), "< 9 answered {}"),
        (ocpp("in", "garbage\x1b[2J"), "< garbage [2J"),
        (ocpp("in", '{"a":1}'), '< {"a":1}'),
        ({"event": "hal", "what": {"event": "PilotChanged", "evse": 1, "state": "B", "pwm": None}}, "< PilotChanged"),
        ({"event": "facts", "what": {"fact": "EvConnected", "evse": 1, "connector": 2}}, "= EvConnected evse=1"),
        ({"event": "log", "line": "= connected to the CSMS"}, "= connected to the CSMS"),
    ],
)
def test_a_line_for_each_thing(seen: dict[str, Any], line: str) -> None:
    assert Watching(Screen()).line("12:00:00", seen).startswith(f"12:00:00 {seen['event']:<5} {line}")


def test_fields_that_say_nothing_are_left_out() -> None:
    seen = {"event": "hal", "what": {"event": "PilotChanged", "evse": 1, "state": "B", "pwm": None, "text": ""}}
    assert Watching(Screen()).line("-", seen) == "- hal   < PilotChanged evse=1 state=B"


def test_an_answer_is_told_with_what_was_asked() -> None:
    watching = Watching(Screen())
    watching.line("-", ocpp("out", '[2,"a","Heartbeat",{}]'))
    watching.line("-", ocpp("in", '[2,"b","Reset",{"type":"OnIdle"}]'))
    assert (
        watching.line("-", ocpp("in", '[3,"a",{"currentTime":"x"}]'))
        == '- ocpp  < Heartbeat answered {"currentTime":"x"}'
    )
    assert (
        watching.line("-", ocpp("out", '[4,"b","InternalError","why",{}]'))
        == "- ocpp  > Reset failed: InternalError why"
    )


def test_calls_that_are_never_answered_take_no_room() -> None:
    watching = Watching(Screen())
    for number in range(3 * MOST_OPEN):
        watching.line("-", ocpp("out", f'[2,"{number}","Heartbeat",{{}}]'))
    assert len(watching._calls) == MOST_OPEN
