"""The other end of the control socket for people and scripts: one command, one answer.  Knows no station."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO


def do(path: Path, cmd: str, arguments: list[str]) -> int:
    """Send a command and print the answer as JSON; ``watch`` goes on printing until it is interrupted.

    Returns the exit status: 0 done, 1 refused by the agent, 2 not said well or no agent there.
    """
    try:
        fields = parse(arguments)
    except ValueError as error:
        return _complain(str(error))
    return _ask(path, {"id": 1, "cmd": cmd, **fields}, lambda lines: _print(lines, follow=cmd == "watch"))


def report(path: Path) -> int:
    """Print the list of what the CSMS does wrong; exit status as of ``do``."""
    return _ask(path, {"id": 1, "cmd": "csms_report"}, _print_report)


def _ask(path: Path, request: dict[str, Any], show: Callable[[BinaryIO], int]) -> int:
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(path))
            connection.sendall(json.dumps(request).encode() + b"\n")
            with connection.makefile("rb") as lines:
                return show(lines)
    except KeyboardInterrupt:
        return 0
    except OSError as error:
        return _complain(f"no agent at {path}: {error.strerror or error}; is it running with --control {path}?")


def _print_report(lines: BinaryIO) -> int:
    answer = json.loads(lines.readline() or b'{"error": "the agent closed the control socket"}')
    if "report" not in answer:
        return _complain(answer["error"])
    print(answer["report"], end="")  # noqa: T201
    return 0


def parse(arguments: list[str]) -> dict[str, Any]:
    """``NAME=VALUE`` pairs, values as JSON where they are JSON.

    Raises:
        ValueError: one without an equals sign.

    """
    fields: dict[str, Any] = {}
    for argument in arguments:
        name, equals, text = argument.partition("=")
        if not equals:
            raise ValueError(f"{argument!r}: expected NAME=VALUE")
        try:
            fields[name] = json.loads(text)
        except json.JSONDecodeError:
            fields[name] = text
    return fields


def _print(lines: BinaryIO, *, follow: bool) -> int:
    status = 1
    for line in lines:
        answer = json.loads(line)
        if "id" in answer:
            status = 0 if answer.get("ok") else 1
            del answer["id"]
        print(json.dumps(answer, indent=None if follow else 2), flush=True)  # noqa: T201
        if not (follow and status == 0):
            return status
    return status


def _complain(text: str) -> int:
    print(f"station-agent: {text}", file=sys.stderr)  # noqa: T201
    return 2
