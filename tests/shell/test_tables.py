"""Tables keep to the width of the terminal, columns are aligned, and nothing in a cell steers the terminal."""

from __future__ import annotations

import io
from typing import Any

import pytest

from agent.shell.tables import Cell, Row, Screen, plain, screen_of

HEADING = ("*NAME", ">VALUE", "WORDS")
ROWS = [
    ("TxCtrlr.EVConnectionTimeOut", "60", "a few"),
    ("EVSE(1).Power", "22080.5", "very many words that would fill more than one line of a terminal"),
]


def test_columns_are_aligned_and_numbers_stand_to_the_right() -> None:
    assert Screen().table(HEADING, ROWS) == [
        "NAME                           VALUE  WORDS",
        "TxCtrlr.EVConnectionTimeOut       60  a few",
        "EVSE(1).Power                22080.5  very many words that would fill more than one line of a terminal",
    ]


@pytest.mark.parametrize("width", [40, 60, 80, 132])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    lines = Screen(width).table(HEADING, ROWS)
    assert max(map(len, lines)) < width
    assert len({line.index(value) + len(value) for line, value in zip(lines[1:], ("60", "22080.5"), strict=True)}) == 1


def test_a_name_is_the_last_to_become_narrower_and_what_is_cut_says_so() -> None:
    assert Screen(80).table(HEADING, ROWS)[2] == (
        "EVSE(1).Power                22080.5  very many words that would fill more tha…"
    )
    assert Screen(50).table(HEADING, ROWS)[1].startswith("TxCtrlr.EVConnec")
    assert Screen(60).table(HEADING, ROWS)[1].startswith("TxCtrlr.EVConnectionTimeOut ")


def test_colours_do_not_move_columns() -> None:
    row: list[Row] = [("a", Cell("1", "red"), Cell("x", "green")), ("b", "22", "y")]
    plain_lines, painted = Screen(80).table(HEADING, row), Screen(80, colours=True).table(HEADING, row)
    for code in ("31", "32", "1", "0"):
        painted = [line.replace(f"\x1b[{code}m", "") for line in painted]
    assert painted == plain_lines
    assert "\x1b[31m1\x1b[0m" in Screen(80, colours=True).table(HEADING, row)[1]


def test_what_others_wrote_does_not_steer_the_terminal() -> None:
    assert plain("a\x1b[2Jb\nc\x07") == "a [2Jb c "
    assert Screen().table(("A",), [("x\x1b]0;y",)])[1] == "x ]0;y"


def test_names_and_what_is_said_of_them_wrap_below_each_other() -> None:
    assert Screen(24).pairs([("CSMS", "connected"), ("queue", "12 events wait for it")]) == [
        "CSMS   connected",
        "queue  12 events wait",
        "       for it",
    ]


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return 10_000  # no terminal has it


@pytest.mark.parametrize(
    ("stream", "environment", "colours"),
    [
        (Tty(), {"TERM": "xterm"}, True),
        (Tty(), {"TERM": "xterm", "NO_COLOR": ""}, True),
        (Tty(), {"TERM": "xterm", "NO_COLOR": "1"}, False),
        (Tty(), {"TERM": "dumb"}, False),
        (Tty(), {}, False),
        (io.StringIO(), {"TERM": "xterm"}, False),
    ],
)
def test_colours_are_for_terminals_whose_user_wants_them(
    stream: Any, environment: dict[str, str], colours: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TERM", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    screen = screen_of(stream)
    assert (screen.paint("x", "red") != "x") is colours
    assert (screen.width is None) is not stream.isatty()
