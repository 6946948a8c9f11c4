"""``station-agent board selftest``: a technician is walked through a board, step by step, and gets a report.

No station and no CSMS: the board's drivers alone run, and this is who tells them what to do.
"""

from __future__ import annotations

import asyncio
import os
import sys
from argparse import Namespace
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from termios import TCIFLUSH, tcflush

from agent.errors import StartFailed
from agent.shell.selftest.bench import Bench
from agent.shell.selftest.report import Report, page
from agent.shell.selftest.steps import Patience, Result, walk
from agent.version import VERSION
from board.descriptor import find_board, read_board


class Technician:
    """Somebody at the keyboard."""

    async def asked(self, key: str, text: str) -> bool:
        """Ask for something to be done; False: it shall be left out.  ``key`` names it for whoever cannot read."""
        answer = await _answer(f"  >> {text}, then Enter (s: leave it out) ")
        return answer is not None and answer.strip().lower() != "s"


class Nobody(Technician):
    """``--yes``: what needs a hand is left out, unless it is so already."""

    async def asked(self, key: str, text: str) -> bool:
        return False


def run(options: Namespace, devices: Mapping[str, str]) -> int:
    """Test a board; the exit status is 1 when a step has failed.

    Raises:
        BoardError, StartFailed: the file cannot be used, or has no such EVSE.

    """
    board = read_board(find_board(options.file))
    wanted = [evse for evse in board.evse if options.evse in (None, evse.id)]
    if not wanted:
        raise StartFailed(f"--evse {options.evse}: there are {', '.join(str(each.id) for each in board.evse)}")
    bench = Bench(board, devices)
    _writable(Path(options.report))
    technician = Nobody() if options.yes else Technician()
    began = datetime.now().astimezone()
    results: list[Result] = []

    def tell(result: Result) -> None:
        results.append(result)
        say(f"{result.verdict:8} {result.place}: {result.title}{f': {result.text}' if result.text else ''}")

    ended = False
    try:
        asyncio.run(walk(bench, wanted, technician, Patience(), tell))
        ended = True
    except KeyboardInterrupt:
        say("ended by hand; no power is permitted any more")
    report = Report(board, options.file, began, VERSION, tuple(results), bench.trace, whole=ended)
    return _write(Path(options.report), report)


def _writable(path: Path) -> None:
    """Before the walk rather than after it."""
    try:
        path.open("a").close()
    except OSError as error:
        raise StartFailed(f"--report {path}: {error.strerror or error}") from None


def _write(path: Path, report: Report) -> int:
    path.write_text(page(report), encoding="utf-8")
    say(f"{report.verdict}; report: {path}")
    return 0 if report.good else 1


def say(line: str) -> None:
    """Tell the technician."""
    print(line, file=sys.stdout, flush=True)  # noqa: T201


async def _answer(question: str) -> str | None:
    """A line from the keyboard, without keeping the loop from the parts; None: there is no keyboard any more."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    fd, typed = sys.stdin.fileno(), bytearray()
    if sys.stdin.isatty():
        tcflush(fd, TCIFLUSH)  # an Enter too many must not answer the next question: it may close a contactor

    def read() -> None:
        byte = os.read(fd, 1)  # one line and not more, for the rest belongs to the next question
        typed.extend(byte)
        if byte in (b"", b"\n"):
            ended.set()

    print(question, end="", flush=True)  # noqa: T201
    try:
        loop.add_reader(fd, read)
    except (OSError, ValueError):
        return sys.stdin.readline() or None  # a file, which is never waited for
    try:
        await ended.wait()
    finally:
        loop.remove_reader(fd)
    return typed.decode("utf-8", "replace") or None
