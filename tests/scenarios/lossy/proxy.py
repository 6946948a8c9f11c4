"""A TCP proxy between a real station and a real CSMS that delays, splits, breaks and swallows.  Knows no WebSocket."""

import asyncio
import socket
import struct
from random import Random
from types import TracebackType
from typing import Literal, Self

Way = Literal["up", "down"]


class Pair:
    """One connection: the station's end and the CSMS's."""

    def __init__(self, station: asyncio.StreamWriter, csms: asyncio.StreamWriter) -> None:
        self.ends = (station, csms)
        self.dead: set[Way] = set()
        self.flows = asyncio.Event()
        self.flows.set()

    def reset(self) -> None:
        """No closing handshake, no FIN."""
        for end in self.ends:
            tcp = end.get_extra_info("socket")
            if tcp is not None and tcp.fileno() >= 0:
                tcp.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            end.transport.abort()


class LossyProxy:
    """``async with LossyProxy(csms_port) as proxy:`` serves on ``proxy.port`` until the end of the block.

    Args:
        port: where the CSMS listens on this host.
        chance: what happens at random.
        delay_s: least and most that each piece takes on its way.
        single_bytes: pass everything on byte by byte.

    """

    def __init__(
        self,
        port: int,
        chance: Random,
        *,
        delay_s: tuple[float, float] = (0.0, 0.0),
        single_bytes: bool = False,
    ) -> None:
        self.pairs: list[Pair] = []
        self.broken = 0
        self._pieces_left: int | None = None
        self._break_after: tuple[int, int] | None = None
        self._csms_port = port
        self._chance = chance
        self._delay_s = delay_s
        self._single_bytes = single_bytes
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        self.release()
        for pair in self.pairs:
            pair.reset()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ocpp"

    def swallow(self, *ways: Way) -> None:
        """From now on the connections that stand carry nothing these ways, and nobody is told."""
        for pair in self.pairs:
            pair.dead.update(ways)

    def break_after(self, least: int | None, most: int = 0) -> None:
        """From now on a connection breaks with every so manieth piece that comes through; None: no more."""
        self._break_after = None if least is None else (least, most)
        self._throw_dice()

    def _throw_dice(self) -> None:
        self._pieces_left = None if self._break_after is None else self._chance.randint(*self._break_after)

    def _breaks_now(self) -> bool:
        if self._pieces_left is None:
            return False
        self._pieces_left -= 1
        if self._pieces_left > 0:
            return False
        self.broken += 1
        self._throw_dice()
        return True

    def hold(self) -> None:
        """The connections that stand carry nothing until ``release``; others may overtake them."""
        for pair in self.pairs:
            pair.flows.clear()

    def release(self) -> None:
        """What was held comes, however late."""
        for pair in self.pairs:
            pair.flows.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            csms_reader, csms_writer = await asyncio.open_connection("127.0.0.1", self._csms_port)
        except OSError:
            writer.transport.abort()
            return
        pair = Pair(writer, csms_writer)
        self.pairs.append(pair)
        for way, source, sink in (("up", reader, csms_writer), ("down", csms_reader, writer)):
            task = asyncio.create_task(self._carry(pair, way, source, sink))  # type: ignore[arg-type]
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _carry(self, pair: Pair, way: Way, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(1 << 16):
                if self._breaks_now():
                    pair.reset()
                    return
                await asyncio.sleep(self._chance.uniform(*self._delay_s))
                await pair.flows.wait()
                if way not in pair.dead:
                    await self._pass_on(data, sink)
            if way not in pair.dead:
                sink.close()
        except ConnectionError:
            pair.reset()

    async def _pass_on(self, data: bytes, sink: asyncio.StreamWriter) -> None:
        size = 1 if self._single_bytes else len(data)
        for start in range(0, len(data), size):
            sink.write(data[start : start + size])
            await sink.drain()
            await asyncio.sleep(0)
