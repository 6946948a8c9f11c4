"""TCP as a bad mobile network makes it: late, held up, cut, or dead without a word.  Knows no WebSocket.

Within a connection everything comes once and in order, or nothing more comes at all; between two connections there is
no order.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any, Literal, Protocol

Item = bytes | Literal["end", "reset"]
"""What travels: data, the end of a stream, or the end of the connection."""

PING = 0x89  # the first byte of a WebSocket ping is not masked
SECONDS_ONE_WAY = (0.6, 3.0)  # 2G


class Pipe:
    """One direction of one connection."""

    def __init__(self, wire: "Wire", deliver: Callable[[Item], None]) -> None:
        self._wire = wire
        self._deliver = deliver
        self._travelling: deque[tuple[float, Item]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self.held_until = 0.0
        self.swallows = False

    def put(self, item: Item) -> None:
        """Send; it arrives after everything before it, or never."""
        if self.swallows:
            return
        at = self._wire.now + self._wire.delay_s()
        if self._travelling:
            at = max(at, self._travelling[-1][0])
        self._travelling.append((at, item))
        self._set_timer()

    def swallow(self) -> None:
        """Whatever is not there yet never comes."""
        self.swallows = True
        self._travelling.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set_timer(self) -> None:
        if self._timer is None and self._travelling:
            at = max(self._travelling[0][0], self.held_until, self._wire.stalled_until)
            self._timer = self._wire.loop.call_at(at, self._arrived)

    def _arrived(self) -> None:
        self._timer = None
        held = max(self.held_until, self._wire.stalled_until) > self._wire.now
        while not held and self._travelling and self._travelling[0][0] <= self._wire.now:
            self._deliver(self._travelling.popleft()[1])
        self._set_timer()


class Ear(Protocol):
    """The server's end of a connection."""

    def receive(self, item: Item) -> None: ...


class Server(Protocol):
    """Who is at the other end of the wire."""

    listening: bool

    def accept(self, connection: "Connection") -> Ear: ...


class Connection:
    """A connection that stands, or that one of its ends believes in."""

    def __init__(self, wire: "Wire", protocol: asyncio.Protocol, server: Server) -> None:
        self.client = ClientEnd(self, wire.loop, protocol)
        self.down = Pipe(wire, self.client.receive)
        self.up = Pipe(wire, server.accept(self).receive)
        self.pings_at: list[float] = []
        self.died_at: float | None = None
        self._wire = wire

    def die(self, *pipes: Pipe) -> None:
        """These directions carry nothing any more, and nobody is told."""
        self.died_at = self._wire.now
        for pipe in pipes:
            pipe.swallow()

    def hold(self, until: float) -> None:
        """Nothing gets through before; what others send may overtake it."""
        self.up.held_until = self.down.held_until = until

    def reset(self) -> None:
        """Somebody on the way tells both ends that it is over."""
        self.up.put("reset")
        self.down.put("reset")


class ClientEnd(asyncio.Transport):
    """The station's end, as asyncio has it: what is closed says nothing more to its protocol."""

    def __init__(self, connection: Connection, loop: asyncio.AbstractEventLoop, protocol: asyncio.Protocol) -> None:
        super().__init__()
        self._connection = connection
        self._loop = loop
        self.protocol = protocol
        self.closed_at: float | None = None
        self._paused = False
        self._unread: deque[Item] = deque()

    @property
    def closed(self) -> bool:
        return self.closed_at is not None

    def receive(self, item: Item) -> None:
        self._unread.append(item)
        self._read()

    def pause_reading(self) -> None:
        self._paused = True

    def resume_reading(self) -> None:
        if self._paused:
            self._paused = False
            self._loop.call_soon(self._read)

    def _read(self) -> None:
        while self._unread and not self._paused:
            self._take(self._unread.popleft())

    def _take(self, item: Item) -> None:
        if self.closed:
            return
        if item == "reset":
            self._end(ConnectionResetError(104, "Connection reset by peer"))
        elif item == "end":
            if not self.protocol.eof_received():
                self.close()
        else:
            self.protocol.data_received(item)

    def write(self, data: Any) -> None:
        if self.closed:
            return
        if data[0] == PING:
            self._connection.pings_at.append(self._loop.time())
        self._connection.up.put(bytes(data))

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self._connection.up.put("end")

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        if not self.closed:
            self._connection.up.put("end")
            self._end(None)

    def abort(self) -> None:
        if not self.closed:
            self._connection.up.put("reset")
            self._end(None)

    def _end(self, error: Exception | None) -> None:
        self.closed_at = self._loop.time()
        self._loop.call_soon(self.protocol.connection_lost, error)


class Wire:
    """All connections of one station, and what the network does to them.  ``attempts_at`` has every try to connect."""

    def __init__(self, loop: asyncio.AbstractEventLoop, server: Server, chance: Random) -> None:
        self.loop = loop
        self.stalled_until = self.unreachable_until = 0.0
        self.connections: list[Connection] = []
        self.attempts_at: list[float] = []
        self._server = server
        self._chance = chance

    @property
    def now(self) -> float:
        return self.loop.time()

    def delay_s(self) -> float:
        """How long the next thing takes one way."""
        return self._chance.uniform(*SECONDS_ONE_WAY)

    async def connect(self, protocol: asyncio.Protocol) -> asyncio.Transport:
        """Shake hands as TCP does."""
        self.attempts_at.append(self.now)
        if self.now < self.unreachable_until:
            await self._nobody_answers()
        await asyncio.sleep(max(0.0, self.stalled_until - self.now) + self.delay_s() + self.delay_s())
        if not self._server.listening:
            raise ConnectionRefusedError(111, "Connection refused")
        connection = Connection(self, protocol, self._server)
        self.connections.append(connection)
        protocol.connection_made(connection.client)
        return connection.client

    async def _nobody_answers(self) -> None:
        if self._chance.random() < 0.5:
            await asyncio.sleep(3)
            raise OSError(113, "No route to host")
        await self.loop.create_future()

    def standing(self) -> list[Connection]:
        """Connections that the station has not given up."""
        return [connection for connection in self.connections if not connection.client.closed]
