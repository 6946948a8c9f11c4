"""A residual current monitor on GPIO lines: tripped in, test and reset out.  It opens the contactor by itself.

Knows no session: whoever asks for a test sees to it that no vehicle is charging, for the test takes the power away.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from hal.bus.gpio import GpioBus, Lines, Pin
from hal.drivers.gpio_part import GpioPart
from hal.events import ResidualCurrentTested
from hal.ports import Place, Post

SELF_TEST = "SelfTest"


class GpioRcd(GpioPart):
    """A ``ResidualCurrentMonitor``, as IEC 62955 has them: 6 mA DC trips within 10 s."""

    outputs = ("test", "reset")

    class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        """``trip_s``: how long the test current may need; ``reset_s``: the reset pulse, and the way back after it."""

        tripped: Pin = Pin("RCD_TRIPPED")
        test: Pin = Pin("RCD_TEST")
        reset: Pin = Pin("RCD_RESET")
        trip_s: Annotated[float, Meta(ge=0.02, le=10)] = 1.0
        reset_s: Annotated[float, Meta(ge=0.02, le=10)] = 0.3

    def __init__(self, config: Config, place: Place, bus: GpioBus, post: Post) -> None:
        super().__init__(place, bus, post, {name: getattr(config, name) for name in ("tripped", "test", "reset")})
        self._config = config
        self._test_asked = self._reset_asked = False

    def self_test(self) -> None:
        self._test_asked = True
        self._wake.set()

    def reset(self) -> None:
        self._reset_asked = True
        self._wake.set()

    async def serve(self, lines: Lines) -> None:
        while True:
            if self._reset_asked:
                self._reset_asked = False
                await self._pulse_reset(lines)
            if self._test_asked:
                self._test_asked = False
                await self._test(lines)
            if lines.active["tripped"]:
                self.fault("GroundFailure", "the residual current monitor has tripped", vendor_code="RCD")
            else:
                self.heal("GroundFailure")
            await lines.wait(self._wake)

    async def _pulse_reset(self, lines: Lines) -> None:
        lines.write("reset", True)
        try:
            await lines.until(lambda: False, self._config.reset_s)
        finally:
            lines.write("reset", False)
        await lines.until(lambda: not lines.active["tripped"], self._config.reset_s)

    async def _test(self, lines: Lines) -> None:
        """It must trip by its test current, and come back."""
        if lines.active["tripped"]:
            self._tested("it has tripped before the test")
            return
        lines.write("test", True)
        try:
            tripped = await lines.until(lambda: lines.active["tripped"], self._config.trip_s)
        finally:
            lines.write("test", False)
        if not tripped:
            self._tested(f"the test current did not trip it within {self._config.trip_s:g} s")
            return
        await self._pulse_reset(lines)
        self._tested("it stays tripped after the test" if lines.active["tripped"] else "")

    def _tested(self, complaint: str) -> None:
        self._post(ResidualCurrentTested(self._place.evse, not complaint, complaint))
        if complaint:
            self.fault("InternalError", f"residual current monitor: {complaint}", vendor_code=SELF_TEST)
        else:
            self.heal("InternalError")
