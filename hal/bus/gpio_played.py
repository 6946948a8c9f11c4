"""A GPIO chip that somebody plays behind a Unix socket, in the place of a real one.  Knows no part.

Each way a JSON object a line.  The agent takes lines first (``{"take": [names], "outputs": [names]}``) and then says
the levels of its outputs; the player says the levels of the inputs, all of them at first and then what changes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from contextlib import suppress

import msgspec

from hal.bus.gpio import Lines, Pin

Levels = dict[str, bool]


class PlayedLines(Lines):
    """Lines by name; a pin that is named by its number has that as its name."""

    def __init__(self, device: str, pins: Mapping[str, Pin], writer: asyncio.StreamWriter) -> None:
        super().__init__(device)
        self._names = {str(pin.line): name for name, pin in pins.items()}
        self._pins = {name: str(pin.line) for name, pin in pins.items()}
        self._writer = writer
        self._listening: asyncio.Task[None] | None = None

    @classmethod
    async def taken(cls, device: str, pins: Mapping[str, Pin], outputs: Collection[str]) -> PlayedLines:
        reader, writer = await asyncio.open_unix_connection(device)
        made = cls(device, pins, writer)
        try:
            wanted = {"take": list(made._names), "outputs": [made._pins[name] for name in outputs]}
            writer.write(msgspec.json.encode(wanted) + b"\n")
            made._take(await reader.readline())
        except BaseException:
            writer.close()
            raise
        made._listening = asyncio.create_task(made._listen(reader))
        return made

    def write(self, name: str, active: bool) -> None:
        self._check()
        self._writer.write(msgspec.json.encode({self._pins[name]: active}) + b"\n")

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        try:
            while line := await reader.readline():
                self._take(line)
        except OSError:
            pass
        self._lose("gone")

    def _take(self, line: bytes) -> None:
        try:
            levels = msgspec.json.decode(line, type=Levels)
        except msgspec.DecodeError:
            return
        self._seen({self._names[pin]: level for pin, level in levels.items() if pin in self._names})

    def _lose(self, reason: str) -> None:
        super()._lose(reason)
        if self._listening is not None:
            self._listening.cancel()
        with suppress(OSError):
            self._writer.close()
