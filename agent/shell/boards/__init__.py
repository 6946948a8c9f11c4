"""``station-agent board``: board files checked and listed, one part tried.  No station runs here."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Iterable, Mapping


def run(options: Namespace, devices: Mapping[str, str]) -> int:
    """Do one of them; the exit status.

    Raises:
        BoardError, StartFailed: the file cannot be used, or has no such part.

    """
    try:
        return _do(options, devices)
    except BrokenPipeError:  # whoever read it has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _do(options: Namespace, devices: Mapping[str, str]) -> int:
    if options.what == "check":
        from agent.shell.boards.check import check

        lines, status = check(options.files)
        _print(lines)
        return status
    if options.what == "list":
        from agent.shell.boards.listing import listing

        _print(listing())
        return 0
    from agent.shell.boards.trial import Trial
    from board.descriptor import find_board

    return Trial(find_board(options.file), options.part, devices, _say).run(options.seconds)


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        _say(line)


def _say(line: str) -> None:
    print(line, file=sys.stdout, flush=True)  # noqa: T201
