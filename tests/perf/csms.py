"""The CSMS of the benches: answers the least that is right, checks nothing, and notes when each call came."""

import asyncio
import json
from collections.abc import Callable
from time import perf_counter
from types import TracebackType
from typing import Any, NamedTuple, Self

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

NOW = "2026-01-01T00:00:00.000Z"
ANSWERS = {
    "BootNotification": {"currentTime": NOW, "interval": 300, "status": "Accepted"},
    "Heartbeat": {"currentTime": NOW},
    "Authorize": {"idTokenInfo": {"status": "Accepted"}},
}
PATIENCE_S = 30


class Heard(NamedTuple):
    """A CALL, and when its frame was here (perf_counter)."""

    at_s: float
    action: str
    payload: dict[str, Any]


class BenchCsms:
    """``async with BenchCsms() as csms:`` serves one station on ``csms.url``."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self._waiters: list[tuple[Callable[[Heard], bool], asyncio.Future[Heard]]] = []
        self._asked: dict[str, asyncio.Future[float]] = {}
        self._connection: ServerConnection | None = None
        self._server: Server | None = None
        self._gone: Exception | None = None

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"ws://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/ocpp"

    async def __aenter__(self) -> Self:
        subprotocols = [Subprotocol("ocpp2.0.1")]
        self._server = await serve(self._serve, "127.0.0.1", 0, subprotocols=subprotocols, close_timeout=1)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def wait_for(self, action: str, since: int = 0, **fields: Any) -> Heard:
        """The first call of this action with these fields, from place ``since`` of what was heard.

        Raises:
            TimeoutError: with what was heard instead.

        """

        def fits(heard: Heard) -> bool:
            return heard.action == action and fields.items() <= heard.payload.items()

        for heard in self.heard[since:]:
            if fits(heard):
                return heard
        if self._gone:
            raise self._gone
        future: asyncio.Future[Heard] = asyncio.get_running_loop().create_future()
        self._waiters.append((fits, future))
        try:
            return await asyncio.wait_for(future, PATIENCE_S)
        except TimeoutError:
            last = [(heard.action, heard.payload) for heard in self.heard[since:]][-6:]
            raise TimeoutError(f"no {action} {fields} within {PATIENCE_S} s; heard {last or 'nothing'}") from None
        finally:
            self._waiters = [waiter for waiter in self._waiters if waiter[1] is not future]

    async def call(self, action: str, payload: dict[str, Any]) -> tuple[float, float]:
        """Ask the station: when the frame was written, and when its answer was here (perf_counter).

        Raises:
            TimeoutError: no answer.

        """
        assert self._connection is not None, "nobody is connected"
        message_id = f"{action}-{perf_counter()}"
        answered = self._asked[message_id] = asyncio.get_running_loop().create_future()
        frame = json.dumps([2, message_id, action, payload])
        written_s = perf_counter()
        await self._connection.send(frame)
        return written_s, await asyncio.wait_for(answered, PATIENCE_S)

    def give_up(self, reason: Exception) -> None:
        """Nobody will say anything any more: raise this to whoever waits."""
        self._gone = reason
        for _, future in self._waiters:
            if not future.done():
                future.set_exception(reason)

    async def quiet(self, quiet_s: float) -> None:
        """Wait until nothing was heard for so long."""
        while True:
            told = len(self.heard)
            await asyncio.sleep(quiet_s)
            if len(self.heard) == told:
                return

    async def _serve(self, connection: ServerConnection) -> None:
        self._connection = connection
        try:
            async for text in connection:
                at_s, message = perf_counter(), json.loads(text)
                if message[0] == 2:
                    self._note(Heard(at_s, *message[2:4]))
                    await connection.send(json.dumps([3, message[1], ANSWERS.get(message[2], {})]))
                elif (asked := self._asked.pop(message[1], None)) is not None and not asked.done():
                    asked.set_result(at_s)
        except ConnectionClosed:
            pass

    def _note(self, heard: Heard) -> None:
        self.heard.append(heard)
        for fits, future in self._waiters:
            if not future.done() and fits(heard):
                future.set_result(heard)
