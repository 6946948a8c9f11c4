"""An asyncio loop whose time is virtual: when nothing is ready, it is the next timer's time.  No socket, no thread."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from selectors import BaseSelector, SelectorKey
from typing import Any, Protocol, TypeVar

T = TypeVar("T")

START_S = 1000.0
MOST_TURNS_A_MOMENT = 200_000


class Internet(Protocol):
    """Where ``create_connection`` leads."""

    async def connect(self, protocol: asyncio.Protocol) -> asyncio.Transport: ...


class Jump(BaseSelector):
    """Waits for nothing: it adds what it should have waited."""

    def __init__(self) -> None:
        self.now = START_S
        self._turns = 0
        self._keys: dict[Any, SelectorKey] = {}

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        assert timeout is not None, f"at {self.now:.3f} s everybody waits, and nothing is ever going to happen"
        self._turns = 0 if timeout > 0 else self._turns + 1
        assert self._turns < MOST_TURNS_A_MOMENT, f"time stands still at {self.now!r} s"
        self.now += max(0.0, timeout)
        return []

    def register(self, fileobj: Any, events: int, data: Any = None) -> SelectorKey:
        key = self._keys[fileobj] = SelectorKey(fileobj, 0, events, data)
        return key

    def unregister(self, fileobj: Any) -> SelectorKey:
        return self._keys.pop(fileobj)

    def get_map(self) -> Mapping[Any, SelectorKey]:
        return self._keys


class VirtualLoop(asyncio.SelectorEventLoop):
    """Everything of asyncio works, but connections: they are made by ``internet``."""

    def __init__(self) -> None:
        self._jump = Jump()
        super().__init__(self._jump)
        self.internet: Internet | None = None

    def time(self) -> float:
        return self._jump.now

    async def create_connection(  # type: ignore[override]
        self, protocol_factory: Callable[[], asyncio.Protocol], *_: Any, **__: Any
    ) -> tuple[asyncio.Transport, asyncio.Protocol]:
        assert self.internet is not None, "nobody is connected to anything here"
        protocol = protocol_factory()
        return await self.internet.connect(protocol), protocol


def run_virtually(work: Callable[[VirtualLoop], Coroutine[Any, Any, T]]) -> T:
    """Run it to its end, in as little time as its computing takes; an error in a callback is one."""
    loop, broken = VirtualLoop(), list[dict[str, Any]]()
    loop.set_exception_handler(lambda _, context: broken.append(context))
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        outcome = runner.run(work(loop))
    assert not broken, broken[0]
    return outcome
