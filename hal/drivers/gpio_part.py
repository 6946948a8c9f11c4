"""What every part on GPIO lines does: take its lines, serve, wait for a chip that went.  Knows no part."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import ClassVar

from hal.bus.gpio import GpioBus, Lines, Pin
from hal.drivers.presence import Presence
from hal.errors import HalError
from hal.events import FaultCode, HardwareFaulted, HardwareHealed
from hal.ports import Place, Post


class GpioPart:
    """A part with lines of its own; ``outputs`` are those that it drives, and they are inactive when it ends."""

    bus_type = GpioBus
    outputs: ClassVar[tuple[str, ...]] = ()

    def __init__(self, place: Place, bus: GpioBus, post: Post, pins: Mapping[str, Pin]) -> None:
        self._place = place
        self._post = post
        self._bus = bus
        self._pins = pins
        self._presence = Presence(place, post)
        self._wake = asyncio.Event()
        self._faults: dict[FaultCode, str] = {}
        self.counters: dict[str, int] = {"lost": 0}

    @property
    def lines(self) -> tuple[int | str, ...]:
        """Those that it takes for itself, by number or name."""
        return tuple(pin.line for pin in self._pins.values())

    async def run(self) -> None:
        while True:
            try:
                lines = await self._bus.take(self._pins, self.outputs)
                await self._held(lines)
            except HalError as error:
                self.counters["lost"] += 1
                self._presence.lost(str(error))
            await self._bus.wait_back()

    async def _held(self, lines: Lines) -> None:
        try:
            self._presence.found(f"lines {', '.join(map(str, self.lines))}")
            await self.serve(lines)
        finally:
            try:
                for name in self.outputs:
                    lines.write(name, False)
            except HalError:
                pass  # gone, and what it drove with it
            lines.close()

    async def serve(self, lines: Lines) -> None:
        """Be the part, until cancelled or the chip is gone (BusLost)."""
        raise NotImplementedError

    def fault(self, code: FaultCode, text: str, connector: int | None = None, vendor_code: str = "") -> None:
        """Say that it is so, unless it was said before."""
        if self._faults.get(code) != text:
            self._faults[code] = text
            self._post(HardwareFaulted(self._place.evse, code, connector, vendor_code, text))

    def heal(self, code: FaultCode, connector: int | None = None) -> None:
        """Say that it is gone, if it was said."""
        if self._faults.pop(code, None) is not None:
            self._post(HardwareHealed(self._place.evse, code, connector))
