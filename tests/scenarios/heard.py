"""What somebody said, in order, and a way to wait for what is still to come.  Event driven, never polled."""

import asyncio
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from tests.csms.waiting import PATIENT_S

T = TypeVar("T")


class Heard(Generic[T]):
    """``find`` looks and leaves, ``take`` takes away: what was taken once is not found again."""

    def __init__(self) -> None:
        self.items: list[T] = []
        self._news: set[asyncio.Event] = set()

    def add(self, item: T) -> None:
        self.items.append(item)
        for news in self._news:
            news.set()

    async def find(self, fits: Callable[[T], Any], timeout_s: float = PATIENT_S) -> T:
        return self.items[await self._index(fits, timeout_s)]

    async def take(self, fits: Callable[[T], Any], timeout_s: float = PATIENT_S) -> T:
        return self.items.pop(await self._index(fits, timeout_s))

    async def _index(self, fits: Callable[[T], Any], timeout_s: float) -> int:
        news = asyncio.Event()
        self._news.add(news)
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    for index, item in enumerate(self.items):
                        if fits(item):
                            return index
                    news.clear()
                    await news.wait()
        except TimeoutError:
            heard = "\n  ".join(str(item)[:200] for item in self.items[-20:])
            raise TimeoutError(f"not heard within {timeout_s} s; heard:\n  {heard}") from None
        finally:
            self._news.discard(news)
