"""Drivers under supervision: a defect in one costs its part, not the station.  Drives nothing itself."""

from __future__ import annotations

import asyncio
import logging

from agent.errors import told_of
from hal.events import DeviceFound, DeviceLost
from hal.ports import Driver, Place, Post

log = logging.getLogger(__name__)

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
PROVED_S = 5.0
"""A driver that had a defect and has run for so long works again."""


async def supervised(driver: Driver, place: Place, post: Post) -> None:
    """Run a driver; a defect is told, and the driver runs anew, ever more slowly."""
    part = f"driver of {place.part}"
    pause_s = FIRST_PAUSE_S
    while True:
        running = asyncio.ensure_future(driver.run())
        try:
            if pause_s > FIRST_PAUSE_S:
                await asyncio.wait({running}, timeout=PROVED_S)
                if not running.done():
                    pause_s = FIRST_PAUSE_S
                    post(DeviceFound(place.evse, part))
            await running
            return
        except Exception as error:
            log.error("! defect: %s: %s", part, told_of(error))
            log.debug("traceback", exc_info=True)
            post(DeviceLost(place.evse, part, told_of(error)))
        finally:
            running.cancel()
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
