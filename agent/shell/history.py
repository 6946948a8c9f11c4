"""The line editor of the shell: what was typed before, and TAB.  Does without where there is no readline or no home."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any


def _line_editor() -> Any:
    try:
        return import_module("readline")
    except ImportError:  # a Python that was built without it
        return None


readline = _line_editor()

MOST_LINES = 1000

Complete = Callable[[str, str], list[str]]
"""What stands before the word, and the word: what it may become."""


def history_file() -> Path:
    """In the user's state directory."""
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(home) / "station-agent" / "shell_history"


class History:
    """Lines that were typed, kept one by one: a terminal that is closed loses none, two shells do not mix theirs up."""

    def __init__(self) -> None:
        self._path = history_file()
        self._kept = 0
        if readline is None:
            return
        readline.set_history_length(MOST_LINES)
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._path.touch(mode=0o600)
            readline.read_history_file(self._path)
            readline.write_history_file(self._path)  # no longer than it may be
        except OSError:
            self._path = Path(os.devnull)
        self._kept = readline.get_current_history_length()

    def keep(self) -> None:
        """Write down what was typed last; an empty line is none."""
        if readline is None or readline.get_current_history_length() == self._kept:
            return
        self._kept = readline.get_current_history_length()
        try:
            readline.append_history_file(1, self._path)
        except OSError:
            self._path = Path(os.devnull)

    def complete_with(self, complete: Complete) -> None:
        """Let TAB ask this."""
        if readline is None:
            return
        found: list[str] = []

        def next_candidate(word: str, state: int) -> str | None:
            if state == 0:
                found[:] = complete(readline.get_line_buffer()[: readline.get_begidx()], word)
            return found[state] if state < len(found) else None

        readline.set_completer(next_candidate)
        readline.set_completer_delims(" \t\n")
        edits_like_mac = "libedit" in (readline.__doc__ or "")
        readline.parse_and_bind("bind ^I rl_complete" if edits_like_mac else "tab: complete")
        if not edits_like_mac:
            readline.parse_and_bind("set completion-ignore-case on")
            readline.parse_and_bind("set show-all-if-ambiguous on")
            readline.parse_and_bind("set enable-bracketed-paste off")
