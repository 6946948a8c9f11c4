"""The far end of the pilot's line, in a process of its own: a vehicle comes and goes, and each answer is timed.

From just before the kernel is given the pilot's frame until just after it has given back the bytes in which the current
is: what the emulated board does before and after is no part of it.

``python -m tests.perf.pilot_tap TIMES`` prints the device, waits for a line, plays, and prints the seconds as JSON.
"""

import asyncio
import gc
import json
import sys
from time import perf_counter
from typing import Any

from tests.emulators.everest_mcu import EmulatedEverestMcu

PAUSE_S = 0.02
PATIENCE_S = 30.0


class Tap(EmulatedEverestMcu):
    """``offered`` and ``withdrawn`` are set when the frame that says so is here, to when it came."""

    def __init__(self) -> None:
        super().__init__()
        self.offered: asyncio.Future[float] | None = None
        self.withdrawn: asyncio.Future[float] | None = None
        self._told_s = self._heard_s = 0.0

    def _tell_all(self) -> None:
        """While it is timed, it tells what has changed: what it repeats would keep this process from reading."""
        if self.offered is None:
            super()._tell_all()
        else:
            self._tell("cp")

    def _say(self, name: str, message: bytes) -> None:
        if name == "cp":
            self._told_s = perf_counter()
        super()._say(name, message)

    def _receive(self, data: bytes) -> None:
        self._heard_s = perf_counter()
        super()._receive(data)

    def _obey_port(self, name: str, value: Any) -> None:
        if name == "pwm":
            waiting = self.offered if 0 < value < 10_000 else self.withdrawn
            if waiting is not None and not waiting.done():
                waiting.set_result(self._heard_s)
        super()._obey_port(name, value)

    async def once(self) -> float:
        """Plug in; seconds from the pilot's frame on the wire to the current on the wire.  Then unplug."""
        self.offered = asyncio.get_running_loop().create_future()
        self.plug_in(ready_after=None)
        told_s = self._told_s
        offered_s = await asyncio.wait_for(self.offered, PATIENCE_S)
        await asyncio.sleep(PAUSE_S)
        self.withdrawn = asyncio.get_running_loop().create_future()
        self.unplug()
        await asyncio.wait_for(self.withdrawn, PATIENCE_S)
        await asyncio.sleep(PAUSE_S)
        return offered_s - told_s


async def main(times: int) -> None:
    async with Tap() as tap:
        print(tap.device, flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        gc.disable()  # a pause of this process is none of the station's
        print(json.dumps([await tap.once() for _ in range(times)]), flush=True)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
