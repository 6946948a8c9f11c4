"""A GPIO chip behind a Unix socket, and the parts that hang on its lines: a lock, a residual current monitor, switches.

It shows whether a driver sets the right line at the right time.  It cannot show that the kernel's GPIO does: libgpiod
talks to it through ioctls, and only ``gpio-sim`` in a kernel could stand in for that.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any

from tests.emulators.emulator import Emulator
from tests.emulators.load import Load
from tests.emulators.pty import QUIET, Noise


class EmulatedChip(Emulator):
    """Lines by name.  ``levels`` are what they have; a line that nobody drives keeps its level."""

    bus_kind = "gpio"

    def __init__(self, load: Load | None = None, noise: Noise = QUIET, speed: float = 1.0) -> None:
        super().__init__(load, noise, speed)
        self.levels: dict[str, bool] = {}
        self.chip = self
        self._parts: list[EmulatedChip] = [self]
        self.held: dict[str, asyncio.StreamWriter] = {}
        self._path = Path()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._serving: set[asyncio.Task[None]] = set()

    def share_line(self, other: Emulator) -> None:
        """Another part hangs on other lines of this chip."""
        if not isinstance(other, EmulatedChip):
            raise ValueError(f"{type(other).__name__} does not hang on GPIO lines")
        self._parts.append(other)
        other.chip = self
        self.levels |= other.levels
        for part in self._parts:
            part.levels = self.levels

    async def open(self) -> str:
        self._path = Path(mkdtemp(prefix="chip-")) / "gpiochip0"
        await self.bring_back()
        return str(self._path)

    async def close(self) -> None:
        for part in self._parts:
            for timer in part._timers.values():
                timer.cancel()
        await self.take_away()
        for task in tuple(self._serving):
            task.cancel()
        await asyncio.gather(*self._serving)
        rmtree(self._path.parent, ignore_errors=True)

    async def take_away(self) -> None:
        if self._server is None:
            return
        self._server.close()
        self._server = None
        for writer in tuple(self._writers):
            writer.close()
        self._path.unlink(missing_ok=True)

    async def bring_back(self) -> None:
        self._server = await asyncio.start_unix_server(self._serve, self._path)

    def garbage(self, data: bytes) -> None:
        """A line that bounces faster than anybody should care for: told, and taken back."""
        for name, level in list(self.levels.items()):
            if name not in self.driven:
                self._tell({name: not level})
                self._tell({name: level})

    driven: frozenset[str] = frozenset()
    """The lines that the agent drives."""

    def set(self, name: str, active: bool) -> None:
        """The world moves an input."""
        if self.levels.get(name) is not active:
            self.levels[name] = active
            self.chip._tell({name: active})

    def output_changed(self, name: str, active: bool) -> None:
        """The agent has set an output."""

    def after(self, name: str, delay_s: float, act: Callable[[], None]) -> None:
        if (timer := self._timers.pop(name, None)) is not None:
            timer.cancel()
        self._timers[name] = asyncio.get_running_loop().call_later(delay_s / self.speed, act)

    def cancel(self, name: str) -> None:
        if (timer := self._timers.pop(name, None)) is not None:
            timer.cancel()

    def _tell(self, levels: dict[str, bool]) -> None:
        for writer in self._writers:
            if not writer.is_closing():
                writer.write(json.dumps(levels).encode() + b"\n")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        mine: list[str] = []
        this = asyncio.current_task()
        assert this is not None
        self._serving.add(this)
        try:
            wanted: dict[str, Any] = json.loads(await reader.readline())
            if any(name in self.held for name in wanted["take"]):
                return  # as the kernel does: a line has one consumer
            mine = wanted["take"]
            self.held |= dict.fromkeys(mine, writer)
            for name in wanted["outputs"]:
                self._drive(name, False)
            inputs = {name: self.levels.setdefault(name, False) for name in mine if name not in wanted["outputs"]}
            self._writers.add(writer)
            writer.write(json.dumps(inputs).encode() + b"\n")
            while line := await reader.readline():
                for name, level in json.loads(line).items():
                    self._drive(name, level)
        except (OSError, json.JSONDecodeError, asyncio.CancelledError):
            pass
        finally:
            self._serving.discard(this)
            for name in mine:
                self.held.pop(name, None)
                if any(name in part.driven for part in self._parts):
                    self._drive(name, False)  # a released output floats; here it falls
            self._writers.discard(writer)
            with suppress(OSError):
                writer.close()

    def _drive(self, name: str, active: bool) -> None:
        if self.levels.get(name) is not active:
            self.levels[name] = active
            for part in self._parts:
                if name in part.driven:
                    part.output_changed(name, active)


class EmulatedGpioLock(EmulatedChip):
    """A motor that needs ``travel_s`` of one direction; both at once would burn it."""

    stimuli = frozenset({"block", "free"})
    driven = frozenset({"LOCK_CLOSE", "LOCK_OPEN"})
    travel_s = 0.4

    def __init__(self, load: Load | None = None, noise: Noise = QUIET, speed: float = 1.0) -> None:
        super().__init__(load, noise, speed)
        self.levels |= {"LOCK_CLOSED": False, "LOCK_OPENED": True}
        self.blocked = False
        self.pulses: list[str] = []
        self.burnt = False

    @property
    def locked(self) -> bool:
        return self.levels["LOCK_CLOSED"]

    def block(self) -> None:
        """Something is in the way of the bolt."""
        self.blocked = True

    def free(self) -> None:
        self.blocked = False

    def output_changed(self, name: str, active: bool) -> None:
        self.burnt = self.burnt or (self.levels.get("LOCK_CLOSE", False) and self.levels.get("LOCK_OPEN", False))
        self.cancel("travel")
        if active:
            self.pulses.append(name)
            self.after("travel", self.travel_s, lambda: self._arrive(name == "LOCK_CLOSE"))

    def _arrive(self, closed: bool) -> None:
        if not self.blocked:
            self.set("LOCK_OPENED", not closed)
            self.set("LOCK_CLOSED", closed)


class EmulatedGpioRcd(EmulatedChip):
    """Trips by its test current after ``trip_s`` and stays tripped until it is reset without a residual current."""

    stimuli = frozenset({"trip", "heal"})
    driven = frozenset({"RCD_TEST", "RCD_RESET"})
    trip_s = 0.3

    def __init__(self, load: Load | None = None, noise: Noise = QUIET, speed: float = 1.0) -> None:
        super().__init__(load, noise, speed)
        self.levels |= {"RCD_TRIPPED": False}
        self.leaks = self.deaf = self.sticks = False
        self.resets = 0

    def trip(self) -> None:
        """A residual current flows."""
        self.leaks = True
        self.set("RCD_TRIPPED", True)

    def heal(self) -> None:
        """It flows no more; the monitor stays tripped."""
        self.leaks = False

    def output_changed(self, name: str, active: bool) -> None:
        if name == "RCD_TEST":
            self.cancel("trip")
            if active and not self.deaf:
                self.after("trip", self.trip_s, lambda: self.set("RCD_TRIPPED", True))
        elif active:
            self.resets += 1
            if not self.leaks and not self.sticks:
                self.set("RCD_TRIPPED", False)


class EmulatedGpioSafety(EmulatedChip):
    """Switches; ``trip`` and ``heal`` press and release the emergency stop."""

    stimuli = frozenset({"trip", "heal"})

    def trip(self, name: str = "ESTOP") -> None:
        self.set(name, True)

    def heal(self, name: str = "ESTOP") -> None:
        self.set(name, False)


class EmulatedGpioContactor(EmulatedChip):
    """A contactor; ``trip`` is a coil with voltage whose contact does not come."""

    stimuli = frozenset({"trip", "heal"})

    def trip(self) -> None:
        self.set("CONTACTOR_CLOSED", False)
        self.set("CONTACTOR_COIL", True)

    def heal(self) -> None:
        self.set("CONTACTOR_CLOSED", self.levels.get("CONTACTOR_COIL", False))

    def switch(self, closed: bool, *, welded: bool = False) -> None:
        self.set("CONTACTOR_COIL", closed)
        self.set("CONTACTOR_CLOSED", closed or welded)
