"""The far end of the pilot's line, in a process of its own: a vehicle comes and goes, and each answer is timed.

``python -m tests.perf.pilot_tap TIMES`` prints the device, waits for a line, plays, and prints the seconds as JSON.
"""

import asyncio
import json
import sys
from time import perf_counter
from typing import Any

from tests.emulators.everest_mcu import EmulatedEverestMcu

PAUSE_S = 0.02
PATIENCE_S = 30.0


class Tap(EmulatedEverestMcu):
    """``offered`` and ``withdrawn`` are set when the frame that says so is here."""

    def __init__(self) -> None:
        super().__init__()
        self.offered: asyncio.Future[float] | None = None
        self.withdrawn: asyncio.Future[float] | None = None

    def _obey_port(self, name: str, value: Any) -> None:
        at_s = perf_counter()
        if name == "pwm":
            waiting = self.offered if 0 < value < 10_000 else self.withdrawn
            if waiting is not None and not waiting.done():
                waiting.set_result(at_s)
        super()._obey_port(name, value)

    async def once(self) -> float:
        """Plug in; seconds from the pilot's frame on the wire to the current on the wire.  Then unplug."""
        self.offered = asyncio.get_running_loop().create_future()
        plugged_s = perf_counter()
        self.plug_in(ready_after=None)
        offered_s = await asyncio.wait_for(self.offered, PATIENCE_S)
        await asyncio.sleep(PAUSE_S)
        self.withdrawn = asyncio.get_running_loop().create_future()
        self.unplug()
        await asyncio.wait_for(self.withdrawn, PATIENCE_S)
        await asyncio.sleep(PAUSE_S)
        return offered_s - plugged_s


async def main(times: int) -> None:
    async with Tap() as tap:
        print(tap.device, flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        print(json.dumps([await tap.once() for _ in range(times)]), flush=True)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
