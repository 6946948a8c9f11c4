"""Drivers on the bench: what they post is heard, and can be waited for.  Nothing in here sleeps a fixed time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from hal.events import Event
from hal.ports import Driver
from tests.csms.waiting import PATIENT_S

Wanted = Event | type[Event] | Callable[[Event], bool]


class Heard:
    """A ``Post`` that remembers, and a cursor behind the last event that was waited for."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._cursor = 0
        self._news = asyncio.Event()

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        self._news.set()

    def of(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]

    async def until(self, wanted: Wanted) -> Event:
        """The next event that is meant, after the one waited for last."""
        try:
            async with asyncio.timeout(PATIENT_S):
                while True:
                    for index in range(self._cursor, len(self.events)):
                        if _is(self.events[index], wanted):
                            self._cursor = index + 1
                            return self.events[index]
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"{wanted} did not come; heard {self.events[self._cursor :]}") from None


def _is(event: Event, wanted: Wanted) -> bool:
    if isinstance(wanted, type):
        return isinstance(event, wanted)
    return event == wanted if isinstance(wanted, Event) else wanted(event)


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait until something is true of the other side, which posts nothing."""
    try:
        async with asyncio.timeout(PATIENT_S):
            while not condition():  # noqa: ASYNC110 (emulators tell nobody)
                await asyncio.sleep(0.002)
    except TimeoutError:
        raise AssertionError("it did not become true") from None


@asynccontextmanager
async def running(driver: Driver) -> AsyncIterator[asyncio.Task[None]]:
    """The driver's task; ended on the way out, and its exception raised if it died before."""
    task = asyncio.create_task(driver.run())
    try:
        yield task
        assert not task.done(), task.exception()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
