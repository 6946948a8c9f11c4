"""A terminal for tests: a program behind a pseudo-terminal, what it shows, and somebody who types."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import re
import struct
import sys
import termios
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from tests.csms.waiting import PATIENT_S
from tests.scenarios.station import ROOT, bare

CONTROL_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\x07")
PROMPT = "station> "


class Terminal:
    """``text`` is what was shown since ``type`` was called last, without what steers a terminal."""

    def __init__(self, master: int, process: Process) -> None:
        self._master = master
        self.process = process
        self.raw = ""
        self._seen = 0
        self._news = asyncio.Event()
        asyncio.get_running_loop().add_reader(master, self._readable)

    @property
    def text(self) -> str:
        return CONTROL_CODES.sub("", self.raw[self._seen :]).replace("\r\n", "\n").replace("\r", "")

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    def type(self, keys: str) -> None:
        """Press these keys."""
        self._seen = len(self.raw)
        os.write(self._master, keys.encode())

    async def shows(self, text: str, times: int = 1) -> str:
        """Wait until this is on the screen, so often since somebody typed; all that is."""
        try:
            async with asyncio.timeout(PATIENT_S):
                while self.text.count(text) < times:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"{text!r} was not shown {times} times:\n{self.text}") from None
        return self.text

    async def says(self, line: str) -> list[str]:
        """Type a line, wait for the next prompt: the lines between."""
        self.type(line + "\n")
        shown = await self.shows(PROMPT)
        return shown.split("\n")[1:-1]

    async def ended(self) -> int:
        """Wait for the end of the program; its exit status."""
        return await asyncio.wait_for(self.process.wait(), PATIENT_S)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._master)
        os.close(self._master)

    def _readable(self) -> None:
        try:
            data = os.read(self._master, 1 << 16)
        except OSError:  # the program has ended
            asyncio.get_running_loop().remove_reader(self._master)
            data = b""
        self.raw += data.decode(errors="replace")
        self._news.set()


@asynccontextmanager
async def terminal(
    socket: Path, *arguments: str, columns: int = 80, command: str = "shell", **environment: str
) -> AsyncIterator[Terminal]:
    """``station-agent shell`` on a terminal of its own, its home beside the socket."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    home = {"XDG_STATE_HOME": str(socket.parent / "state"), "TERM": "xterm", "NO_COLOR": "1"}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "agent", command, "--control", str(socket), *arguments),
        cwd=ROOT,
        env={**bare(), **home, **environment},
        stdin=slave,
        stdout=slave,
        stderr=slave,
        preexec_fn=lambda: _own(0),
        start_new_session=True,
    )
    os.close(slave)
    screen = Terminal(master, process)
    try:
        yield screen
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
        await process.wait()
        screen.close()


def _own(stdin: int) -> None:
    """Make it the terminal of the new session, so that Ctrl-C reaches the program."""
    fcntl.ioctl(stdin, termios.TIOCSCTTY, 0)
