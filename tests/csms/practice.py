"""The practice CSMS: a real OCPP 2.0.1 CSMS on loopback, which knows every rule and breaks any on demand.

It shares no code with the agent: stations are judged by the schemas of the ``ocpp`` library and by a reading of the
rules of its own.  ``python -m tests.csms.practice`` lets a person watch a station talk.
"""

import asyncio
import json
import ssl
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from time import monotonic
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote
from weakref import WeakKeyDictionary

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidHeader
from websockets.headers import parse_authorization_basic
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from tests.csms.answers import Answers
from tests.csms.judge import Judge
from tests.csms.line import NotConnected, StationLine
from tests.csms.misbehaviour import Handshake, Reply, Script
from tests.csms.record import CALL, CALLERROR, CALLRESULT, Frame, Payload, StationRecord
from tests.csms.schemas import Violation
from tests.csms.waiting import PATIENT_S, Records

SUBPROTOCOL = Subprotocol("ocpp2.0.1")
# Nobody waits longer than this for a station that does not close its end.
CLOSE_TIMEOUT_S = 0.5


class PracticeCsms(Records):
    """``async with PracticeCsms() as csms:`` serves ``csms.url`` until the end of the block.

    Args:
        port: 0 takes a free one; ``stop`` and ``start`` keep it.
        answers: how it answers when it behaves.
        schemas: hold every frame against the JSON schemas; off for benches.
        latency_s: how long each answer takes; a station that says two things at once is then caught for certain.
        message_timeout_s: how long stations wait for an answer before they go on (their MessageTimeout).
        passwords: station id -> password; None asks for none.
        registered: stations that were accepted before this CSMS began, and need not boot.
        tls: a server context, for ``wss``.
        host_name: what the URL calls this host; a certificate may ask for another name.
        listener: hears every frame, as it is written down.

    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        answers: Answers | None = None,
        schemas: bool = True,
        latency_s: float = 0.0,
        message_timeout_s: float = 30.0,
        passwords: dict[str, str] | None = None,
        registered: Iterable[str] = (),
        tls: ssl.SSLContext | None = None,
        host_name: str | None = None,
        listener: Callable[[StationRecord, Frame], None] = lambda record, frame: None,
    ) -> None:
        super().__init__(listener)
        self.answers = answers or Answers()
        self.script = Script()
        self.handshakes: deque[Handshake] = deque()  # how the next ones go; then, as they should
        self.latency_s = latency_s
        self._host, self._port, self._host_name = host, port, host_name or host
        self._schemas, self._message_timeout_s = schemas, message_timeout_s
        self.passwords, self._tls = passwords or {}, tls
        self._asks_password = passwords is not None
        self._judges: dict[str, Judge] = {}
        self._lines: dict[str, StationLine] = {}
        self._open: set[StationLine] = set()
        self._bent: WeakKeyDictionary[ServerConnection, Handshake] = WeakKeyDictionary()
        self._hanging: set[ServerConnection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._errors: list[Exception] = []
        self._server: Server | None = None
        for station_id in registered:
            self.station(station_id).registration = "Accepted"

    @property
    def url(self) -> str:
        """Where stations connect; they append their identity."""
        return f"{'wss' if self._tls else 'ws'}://{self._host_name}:{self._port}/ocpp"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
        if self._errors and error is None:
            raise ExceptionGroup("the practice CSMS itself failed", self._errors)

    async def start(self) -> None:
        self._server = await serve(
            self._serve,
            self._host,
            self._port,
            process_request=self._open_handshake,
            select_subprotocol=self._select_subprotocol,
            ssl=self._tls,
            ping_interval=None,  # to detect a dead link is the station's duty here
            open_timeout=None,
            close_timeout=CLOSE_TIMEOUT_S,
        )
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close every connection and the port; what is known of the stations stays."""
        if self._server is None:
            return
        for line in self._open:
            if line.half_open:
                line.abort()
        for connection in self._hanging:
            connection.transport.abort()
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await self._server.wait_closed()
        self._server = None

    # What a test does to a station.

    async def call(
        self, station_id: str, action: str, payload: Payload | None = None, timeout_s: float = PATIENT_S
    ) -> Payload:
        """Ask the station.

        Returns:
            The payload of its CALLRESULT.

        Raises:
            CallError: it answered with a CALLERROR.
            NotConnected: it is not there, or went away.
            TimeoutError: it said nothing.

        """
        return await self.line(station_id).call(action, payload or {}, timeout_s)

    async def say(self, station_id: str, text: str | bytes) -> None:
        """Send anything at all; what the station answers is found in its ``strays``."""
        line = self.line(station_id)
        line.provoked += 1
        await line.send(text)

    def line(self, station_id: str) -> StationLine:
        """The station's connection, to close, abort or freeze."""
        try:
            return self._lines[station_id]
        except KeyError:
            known = ", ".join(self._lines) or "none"
            raise NotConnected(f"{station_id} is not connected; connected: {known}") from None

    # The opening handshake.

    async def _open_handshake(self, connection: ServerConnection, request: Request) -> Response | None:
        record = self.station(station_id_of(request.path))
        record.attempts_s.append(monotonic())
        tls = connection.transport.get_extra_info("ssl_object")
        record.certificates.append(None if tls is None else tls.getpeercert(binary_form=True))
        bent = self._bent[connection] = self.handshakes.popleft() if self.handshakes else Handshake()
        self.changed()
        if bent.hangs:
            self._hanging.add(connection)
            await connection.wait_closed()
            self._hanging.discard(connection)
        status = bent.status or self._check_password(record.id, request)
        return connection.respond(status, "practice\n") if status else None

    def _check_password(self, station_id: str, request: Request) -> int | None:
        if not self._asks_password:
            return None
        try:
            user, password = parse_authorization_basic(request.headers.get("Authorization", ""))
        except InvalidHeader:
            return 401
        return None if user == station_id and self.passwords.get(station_id) == password else 401

    def _select_subprotocol(self, connection: ServerConnection, offered: Any) -> Subprotocol | None:
        wanted = self._bent[connection].subprotocol
        if wanted == SUBPROTOCOL:
            return SUBPROTOCOL if SUBPROTOCOL in offered else None
        return Subprotocol(wanted) if wanted else None

    # A connection, and the frames on it.

    async def _serve(self, connection: ServerConnection) -> None:
        bent = self._bent.pop(connection)
        if bent.subprotocol == SUBPROTOCOL and connection.subprotocol is None:
            await connection.close(1002, "no subprotocol in common")  # Part 4 section 3.2
            return
        assert connection.request
        line = self._connected(connection, self.station(station_id_of(connection.request.path)))
        try:
            async for text in connection:
                self._receive(line, text)
                if connection.subprotocol != SUBPROTOCOL:
                    line.record.order_violations.append(f"spoke over subprotocol {connection.subprotocol}")
        except ConnectionClosed:
            pass
        finally:
            self._disconnected(line)

    def _connected(self, connection: ServerConnection, record: StationRecord) -> StationLine:
        judge = self._judges.setdefault(record.id, Judge(record, self._schemas, self._message_timeout_s))
        if (old := self._lines.get(record.id)) is not None:
            old.abort()  # the station knows better which of the two is dead
        judge.connected()
        line = self._lines[record.id] = StationLine(connection, record, judge)
        self._open.add(line)
        record.connections += 1
        record.connected = True
        self.changed()
        return line

    def _disconnected(self, line: StationLine) -> None:
        line.lost()
        self._open.discard(line)
        if self._lines.get(line.record.id) is line:
            del self._lines[line.record.id]
            line.record.connected = False
        self.changed()

    def _receive(self, line: StationLine, text: str | bytes) -> None:
        frame = line.record.add(text, from_station=True)
        if not line.judge.check_shape(frame):
            self._receive_shapeless(line, frame)
        elif frame.kind == CALL:
            self._receive_call(line, frame)
        else:
            line.judge.receive_answer(frame)
            line.receive_answer(frame)
        self.changed()

    def _receive_call(self, line: StationLine, frame: Frame) -> None:
        refusal = line.judge.receive_call(frame)
        if refusal is None:
            line.record.learn(frame.action, frame.payload)
        self._spawn(self._answer(line, frame, refusal))

    def _receive_shapeless(self, line: StationLine, frame: Frame) -> None:
        if frame.kind not in (CALLRESULT, CALLERROR):
            id_ = frame.id if isinstance(frame.id, str) and frame.id else "-1"
            self._spawn(line.send(json.dumps([4, id_, "RpcFrameworkError", "not an OCPP-J message", {}])))

    async def _answer(self, line: StationLine, call: Frame, refusal: Violation | None) -> None:
        await asyncio.sleep(self.latency_s)
        answer = self._right_answer(line.record, call, refusal)
        fault = self.script.take(call.action)
        await fault(line, Reply(call.id, json.dumps(answer)))
        self.changed()

    def _right_answer(self, record: StationRecord, call: Frame, refusal: Violation | None) -> list[Any]:
        if refusal:
            return [4, call.id, refusal.code, refusal.text[:255], {}]
        if call.action not in self.answers.table:
            return [4, call.id, "NotSupported", f"a CSMS does not take {call.action}", {}]
        return [3, call.id, self.answers.table[call.action](record, call.payload)]

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and isinstance(error := task.exception(), Exception):
            self._errors.append(error)


def station_id_of(path: str) -> str:
    return unquote(path.partition("?")[0].rpartition("/")[2])


if __name__ == "__main__":
    from tests.csms.watch import main

    raise SystemExit(main())
