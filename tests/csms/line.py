"""One connection of one station, seen by the CSMS: what may be done to it, well or badly.  Knows no answers."""

import asyncio
import contextlib
import json
import socket
import struct
from secrets import token_hex

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame as WireFrame
from websockets.frames import Opcode
from websockets.protocol import State

from tests.csms.judge import Judge
from tests.csms.record import CALLERROR, Frame, Payload, StationRecord


class CallError(Exception):
    """The station answered with a CALLERROR."""

    def __init__(self, code: str, description: str, details: Payload) -> None:
        super().__init__(f"{code}: {description}")
        self.code, self.description, self.details = code, description, details


class NotConnected(Exception):
    """The station is not there, or went away before it answered."""


class StationLine:
    """The connection, the calls that wait for an answer on it, and the ways to spoil it."""

    def __init__(self, connection: ServerConnection, record: StationRecord, judge: Judge) -> None:
        self.connection = connection
        self.record = record
        self.judge = judge
        self.half_open = False
        self.provoked = 0  # answers to expect that belong to no call, because we said something odd
        self._one_call = asyncio.Lock()
        self._calls: dict[str, tuple[str, asyncio.Future[Frame]]] = {}

    async def send(self, text: str | bytes) -> None:
        """Say it, unless the station has gone or must not hear us."""
        if self.half_open or self.connection.state is not State.OPEN:
            return
        self.judge.sent(self.record.add(text, from_station=False))
        with contextlib.suppress(ConnectionClosed):
            await self.connection.send(text)

    async def call(self, action: str, payload: Payload, timeout_s: float) -> Payload:
        # Part 4 section 4.1.1: one CALL at a time, in this direction too.
        async with self._one_call:
            id_ = token_hex(8)
            self._calls[id_] = action, asyncio.get_running_loop().create_future()
            await self.send(json.dumps([2, id_, action, payload]))
            answer = await asyncio.wait_for(self._calls[id_][1], timeout_s)
        if answer.kind == CALLERROR and answer.message:
            raise CallError(*answer.message[2:5])
        return dict(answer.payload)

    def receive_answer(self, frame: Frame) -> None:
        _, future = self._calls.get(str(frame.id), ("", None))
        if future is None or (future.done() and not future.cancelled()):
            self._stray(frame)
        elif not future.done():  # cancelled: the answer came after we stopped waiting
            future.set_result(frame)

    def lost(self) -> None:
        for action, future in self._calls.values():
            if not future.done():
                future.set_exception(NotConnected(f"{self.record.id} went away before it answered {action}"))

    def _stray(self, frame: Frame) -> None:
        self.record.strays.append(frame)
        if self.provoked:
            self.provoked -= 1
        else:
            self.judge.stray(frame)

    # What a fault may do (tests.csms.misbehaviour.Line).

    async def close(self) -> None:
        await self.connection.close()

    def abort(self) -> None:
        """Reset the TCP connection: no closing handshake, no FIN."""
        tcp = self.connection.transport.get_extra_info("socket")
        if tcp is not None and tcp.fileno() >= 0:
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.transport.abort()

    def stop_reading(self) -> None:
        self.half_open = True
        self.connection.transport.pause_reading()

    def stop_pongs(self) -> None:
        send_frame = self.connection.protocol.send_frame

        def send_but_pongs(frame: WireFrame) -> None:
            if frame.opcode is not Opcode.PONG:
                send_frame(frame)

        self.connection.protocol.send_frame = send_but_pongs  # type: ignore[method-assign]
