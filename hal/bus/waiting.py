"""Tasks that wait for news of a device, all of which wake when it is gone.  Knows no kind of line."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress


class Waiting:
    """``check`` raises BusLost when the device is gone."""

    def __init__(self, check: Callable[[], None]) -> None:
        self._check = check
        self._wakes: set[asyncio.Event] = set()

    async def wait(self, wake: asyncio.Event, timeout_s: float | None) -> None:
        """Wait for ``wake``, at most ``timeout_s``; each task with a ``wake`` of its own.

        Raises:
            BusLost: the device is gone.

        """
        self._check()
        self._wakes.add(wake)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await wake.wait()
        finally:
            self._wakes.discard(wake)
        self._check()

    def wake(self) -> None:
        """There is news for everybody who waits."""
        for wake in tuple(self._wakes):
            wake.set()
