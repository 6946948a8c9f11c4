"""A CSMS at the end of a simulated wire: takes every connection, keeps old ones, answers late or never.  No socket."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from tests.csms.answers import Answers
from tests.csms.record import Payload, StationRecord
from tests.scenarios.lossy.wire import Connection, Item

FIRST_MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
HEARTBEAT_INTERVAL_S = 300


class Line:
    """One connection as the CSMS has it; what comes late on an old one is taken and answered there all the same."""

    def __init__(self, csms: "WireCsms", connection: Connection) -> None:
        self._csms = csms
        self._connection = connection
        self._protocol = ServerProtocol(subprotocols=[Subprotocol("ocpp2.0.1")])
        self.gone = False

    @property
    def open(self) -> bool:
        return not self.gone and self._protocol.state is State.OPEN

    def receive(self, item: Item) -> None:
        if item == "reset" or self.gone:
            self.gone = True
            return
        self._csms.notice(self)
        if item == "end":
            self._protocol.receive_eof()
        else:
            self._protocol.receive_data(item)
        for event in self._protocol.events_received():
            if isinstance(event, Request):
                self._protocol.send_response(self._protocol.accept(event))
            elif isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                self._csms.receive(self, json.loads(event.data))
        self._flush()

    def say(self, message: list[Any]) -> None:
        if self.open:
            self._protocol.send_text(json.dumps(message).encode())
            self._flush()

    def close(self) -> None:
        """Politely."""
        if self.open:
            self._protocol.send_close(1001, "restart")
            self._flush()

    def reset(self) -> None:
        self.gone = True
        self._connection.down.put("reset")

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            self._connection.down.put(data or "end")


class WireCsms:
    """``record`` has what it understood of the station, ``arrived`` every TransactionEvent in order of arrival,
    ``statuses`` every StatusNotification and when it came, ``heartbeats_at`` when a Heartbeat came.  ``overtaken``
    counts what came on a connection when the station had a younger one.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, chance: Random) -> None:
        self.listening = True
        self.slow_until = 0.0
        self.answers_to_lose = 0
        self.overtaken = 0
        self.record = StationRecord("CS001")
        self.arrived: list[Payload] = []
        self.statuses: list[tuple[datetime, Payload]] = []
        self.heartbeats_at: list[float] = []
        self.asked: dict[str, str] = {}
        self.answers = Answers(clock=self.clock, interval_s=HEARTBEAT_INTERVAL_S)
        self._loop = loop
        self._chance = chance
        self._lines: list[Line] = []
        self._youngest: Line | None = None

    def clock(self) -> datetime:
        """The time of day."""
        return FIRST_MOMENT + timedelta(seconds=self._loop.time())

    def accept(self, connection: Connection) -> Line:
        self._youngest = line = Line(self, connection)
        self._lines = [*(each for each in self._lines if not each.gone), line]
        return line

    def notice(self, line: Line) -> None:
        """Something comes on this line; on an old one it was overtaken on its way."""
        self.overtaken += line is not self._youngest

    def receive(self, line: Line, message: list[Any]) -> None:
        match message:
            case [2, str(id_), str(action), dict(payload)]:
                self._called(line, id_, action, payload)
            case [3 | 4, str(id_), *_]:
                self.asked[id_] = "answered"

    def ask(self) -> None:
        """Ask the station something on its newest connection."""
        if self._lines and self._lines[-1].open:
            id_ = f"csms-{len(self.asked)}"
            self.asked[id_] = "asked"
            place = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}
            self._lines[-1].say([2, id_, "GetVariables", {"getVariableData": [place]}])

    def stop(self, *, politely: bool) -> None:
        """Gone, with every connection."""
        self.listening = False
        for line in self._lines:
            (line.close if politely else line.reset)()
        self._lines.clear()

    def _called(self, line: Line, id_: str, action: str, payload: Payload) -> None:
        self.record.learn(action, payload)
        if action == "TransactionEvent":
            self.arrived.append(payload)
        elif action == "StatusNotification":
            self.statuses.append((self.clock(), payload))
        elif action == "Heartbeat":
            self.heartbeats_at.append(self._loop.time())
        if self.answers_to_lose:
            self.answers_to_lose -= 1
            line.reset()
            return
        slow = self._loop.time() < self.slow_until
        delay_s = self._chance.uniform(25, 90) if slow else self._chance.uniform(0.01, 0.2)
        self._loop.call_later(delay_s, self._answer, line, id_, action, payload)

    def _answer(self, line: Line, id_: str, action: str, payload: Payload) -> None:
        answer: Callable[[StationRecord, Payload], Payload] = self.answers.table[action]
        line.say([3, id_, answer(self.record, payload)])
