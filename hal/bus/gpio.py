"""The lines of one GPIO chip, for several parts: levels out, levels in, told when they change.  Knows no part.

A level is *active* or not; ``active_low`` of a pin says which voltage that is, and the kernel turns it around.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from stat import S_ISSOCK
from time import monotonic
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from hal.bus.hotplug import HotPlug
from hal.bus.waiting import Waiting
from hal.errors import BusLost

POLL_S = 0.05
"""How often lines are read that cannot tell when they change."""

Offset = Annotated[int, Meta(ge=0, le=4095)]
LineName = Annotated[str, Meta(min_length=1, max_length=32)]
Bias = Literal["as_is", "disabled", "pull_up", "pull_down"]


class Pin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line: its number on the chip, or the name that the device tree gives it (``gpioinfo`` shows both)."""

    line: Offset | LineName
    active_low: bool = False
    bias: Bias = "as_is"


class Lines:
    """The lines that one part holds.  ``active`` has every input by the part's own name for it."""

    def __init__(self, device: str) -> None:
        self.device = device
        self.active: dict[str, bool] = {}
        self._reason: str | None = None
        self._waiting = Waiting(self._check)

    def write(self, name: str, active: bool) -> None:
        """Set an output.

        Raises:
            BusLost: the chip is gone.

        """
        raise NotImplementedError

    def look(self) -> None:
        """Read the inputs, where that has to be asked for."""

    def close(self) -> None:
        """Let go of the lines; an output goes where the hardware puts it."""
        self._lose("closed")

    async def wait(self, wake: asyncio.Event, timeout_s: float | None = None) -> None:
        """Wait for an input that changes, or for ``wake``; at most ``timeout_s``, None: for ever.

        Raises:
            BusLost: the chip is gone.

        """
        await self._waiting.wait(wake, timeout_s)
        wake.clear()

    async def until(self, holds: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until the inputs are so; whether they were in time.

        Raises:
            BusLost: the chip is gone.

        """
        by, news = monotonic() + timeout_s, asyncio.Event()
        while not holds() and (left_s := by - monotonic()) > 0:
            await self.wait(news, left_s)
        return holds()

    def _check(self) -> None:
        if self._reason is not None:
            raise BusLost(f"{self.device}: {self._reason}")

    def _seen(self, active: Mapping[str, bool]) -> None:
        if any(self.active.get(name) is not level for name, level in active.items()):
            self.active.update(active)
            self._waiting.wake()

    def _lose(self, reason: str) -> None:
        if self._reason is None:
            self._reason = reason
            self._waiting.wake()


class GpioBus:
    """One chip.  Each part takes its own lines; what one holds no other can take."""

    kind = "gpio"

    class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        """``edges`` False: a chip that cannot tell changes (no interrupt), its inputs are read every 50 ms.

        ``debounce_ms`` holds for every input.
        """

        device: Annotated[str, Meta(min_length=1)] = "/dev/gpiochip0"
        edges: bool = True
        debounce_ms: Annotated[float, Meta(ge=0, le=1000)] = 20.0

    def __init__(self, config: GpioBus.Config) -> None:
        self._config = config
        self._hotplug = HotPlug(config.device)

    @property
    def device(self) -> str:
        return self._config.device

    async def take(self, pins: Mapping[str, Pin], outputs: Collection[str]) -> Lines:
        """Take lines, the outputs inactive, until they are closed.

        Raises:
            BusLost: no such chip or line, not permitted, or held by somebody else.

        """
        try:
            if S_ISSOCK(Path(self.device).stat().st_mode):
                from hal.bus.gpio_played import PlayedLines  # a chip that a test plays

                taken: Lines = await PlayedLines.taken(self.device, pins, outputs)
            else:
                taken = ChipLines(self._config, pins, outputs)
        except OSError as error:
            raise BusLost(f"{self.device}: {os.strerror(error.errno) if error.errno else error}") from None
        except ValueError as error:
            raise BusLost(f"{self.device}: {error}") from None
        except ImportError:
            raise BusLost(f"{self.device}: the Python package gpiod is missing (extra `gpio`)") from None
        self._hotplug.opened()
        return taken

    async def wait_back(self) -> None:
        """Wait until it is worth taking the lines again."""
        await self._hotplug.wait()


class ChipLines(Lines):
    """Lines of a real chip, through libgpiod 2."""

    def __init__(self, config: GpioBus.Config, pins: Mapping[str, Pin], outputs: Collection[str]) -> None:
        super().__init__(config.device)
        import gpiod  # a shared library of the kernel's interface: only for a board that names a chip

        self._level = gpiod.line.Value
        self._pins = {name: pin.line for name, pin in pins.items()}
        self._inputs = [name for name in pins if name not in outputs]
        self._edges = config.edges and bool(self._inputs)
        settings: Any = {pin.line: _settings(gpiod, config, pin, name in outputs) for name, pin in pins.items()}
        self._request = gpiod.request_lines(config.device, consumer="station-agent", config=settings)
        if self._edges:
            asyncio.get_running_loop().add_reader(self._request.fd, self._readable)
        self.look()

    def write(self, name: str, active: bool) -> None:
        self._check()
        try:
            self._request.set_value(self._pins[name], self._level.ACTIVE if active else self._level.INACTIVE)
        except OSError as error:
            self._lose(os.strerror(error.errno or 0))
            self._check()

    def look(self) -> None:
        if self._reason is not None or not self._inputs:
            return
        try:
            levels = self._request.get_values([self._pins[name] for name in self._inputs])
        except OSError as error:
            self._lose(os.strerror(error.errno or 0))
            return
        self._seen({name: level is self._level.ACTIVE for name, level in zip(self._inputs, levels, strict=True)})

    async def wait(self, wake: asyncio.Event, timeout_s: float | None = None) -> None:
        if self._edges or not self._inputs:
            await super().wait(wake, timeout_s)
            return
        by = None if timeout_s is None else monotonic() + timeout_s
        before = dict(self.active)
        while self.active == before and not wake.is_set() and (by is None or monotonic() < by):
            await super().wait(wake, POLL_S)
            self.look()

    def _readable(self) -> None:
        try:
            self._request.read_edge_events()
        except OSError as error:
            self._lose(os.strerror(error.errno or 0))
            return
        self.look()  # the level counts, not the edges: a burst may have been cut short

    def _lose(self, reason: str) -> None:
        if self._reason is None:
            if self._edges:
                asyncio.get_running_loop().remove_reader(self._request.fd)
            with suppress(OSError):
                self._request.release()
        super()._lose(reason)


def _settings(gpiod: Any, config: GpioBus.Config, pin: Pin, output: bool) -> Any:
    line = gpiod.line
    bias = getattr(line.Bias, pin.bias.upper())
    if output:
        return gpiod.LineSettings(
            direction=line.Direction.OUTPUT, active_low=pin.active_low, bias=bias, output_value=line.Value.INACTIVE
        )
    return gpiod.LineSettings(
        direction=line.Direction.INPUT,
        edge_detection=line.Edge.BOTH if config.edges else line.Edge.NONE,
        active_low=pin.active_low,
        bias=bias,
        debounce_period=timedelta(milliseconds=config.debounce_ms if config.edges else 0),
    )
