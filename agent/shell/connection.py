"""A connection to the control socket that is made anew when the agent is back.  Asks one thing at a time."""

from __future__ import annotations

import json
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

Answer = dict[str, Any]


class AgentGone(Exception):
    """Nobody listens at the socket, or nobody does any more."""


class Connection:
    """``times_made`` grows with each agent that was found: what was known of the one before may be wrong."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.times_made = 0
        self._last_id = 0
        self._socket: socket.socket | None = None
        self._lines: BinaryIO | None = None

    def ask(self, cmd: str, timeout_s: float | None = None, **fields: Any) -> Answer:
        """Send a command and wait for its answer, which is an ``error`` where ``ok`` is false.

        Raises:
            AgentGone: there is no agent, or it went away before it answered.

        """
        was_there = self._socket is not None
        try:
            return self._ask(cmd, timeout_s, fields)
        except AgentGone:
            if not was_there:
                raise
        return self._ask(cmd, timeout_s, fields)  # another agent may be there by now

    def next_event(self) -> Answer:
        """What is watched, as it comes; behind a ``watch``.

        Raises:
            AgentGone: it went away.

        """
        return self._next()

    def close(self) -> None:
        """Forget the agent; the next question looks for it again."""
        connection, self._socket = self._socket, None
        lines, self._lines = self._lines, None
        for each in (lines, connection):
            if each is not None:
                with suppress(OSError):
                    each.close()

    def _ask(self, cmd: str, timeout_s: float | None, fields: Answer) -> Answer:
        try:
            connection = self._connected()
            connection.settimeout(timeout_s)
            self._last_id += 1
            connection.sendall(json.dumps({"id": self._last_id, "cmd": cmd, **fields}).encode() + b"\n")
            while (answer := self._next()).get("id") != self._last_id:
                pass
        except PermissionError as error:
            self.close()
            raise AgentGone(f"{self.path}: {error.strerror}; only the group of this socket may use it") from None
        except OSError as error:
            self.close()
            raise AgentGone(self._told(error.strerror or str(error))) from None
        except BaseException:
            self.close()  # interrupted, maybe in the middle of a line
            raise
        del answer["id"]
        return answer

    def _connected(self) -> socket.socket:
        if self._socket is None:
            made = socket.socket(socket.AF_UNIX)
            try:
                made.connect(str(self.path))
            except BaseException:
                made.close()
                raise
            self._socket, self._lines = made, made.makefile("rb")
            self.times_made += 1
        return self._socket

    def _next(self) -> Answer:
        assert self._lines is not None
        try:
            line = self._lines.readline()
        except OSError as error:
            self.close()
            raise AgentGone(self._told(error.strerror or str(error))) from None
        if not line.endswith(b"\n"):
            self.close()
            raise AgentGone(self._told("it went away"))
        told: Answer = json.loads(line)
        return told

    def _told(self, why: str) -> str:
        return f"no agent at {self.path}: {why}; is it running with --control {self.path}?"
