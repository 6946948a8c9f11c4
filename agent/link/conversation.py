"""What is said on an open connection, one call at a time, and what came of it.  Knows no back-off and no profile."""

from __future__ import annotations

from collections import deque
from random import Random
from uuid import UUID

from agent.link.connection import LinkCommand, Transmit
from agent.link.disk import Answered, Park, Refused
from agent.link.outbox import Entry, Outbox
from agent.link.pings import Pings
from agent.link.registration import Registration
from agent.link.rpc import Rpc
from agent.link.rpc_events import (
    AnswerUnreadable,
    CallAnswered,
    CallLost,
    CallReceived,
    CallRefused,
    CallTimedOut,
    RpcEvent,
)
from agent.ocpp.dialect import Dialect
from agent.ocpp.errors import ErrorCode, Unsayable
from agent.ocpp.messages.base import Request, Response
from agent.ocpp.messages.g_availability import HeartbeatRequest
from agent.vocabulary.incoming import CallFailed, CsmsAnswered, CsmsCalled, Incoming, LinkWarned, OutboxDrained

SILENT = float("-inf")
"""When the CSMS last answered on a connection on which it has not."""

UNKNOWN_TO_THE_CSMS = ("NotImplemented", "NotSupported")
"""A message that it never takes holds up no other; E13 makes an exception for transactions."""

FAIR_SHARE = 8
"""How many messages that are not durable may go before one that is."""


class Conversation:
    """Durable messages from the outbox and the others, in turn; ``given_up`` says why the connection is of no use."""

    def __init__(self, outbox: Outbox, pings: Pings, rpc: Rpc, entropy: Random) -> None:
        self.registration = Registration()
        self.took_s = 0.0
        self.given_up = ""
        self._outbox = outbox
        self._pings = pings
        self._rpc = rpc
        self._entropy = entropy
        self._transient: deque[tuple[Request, bool]] = deque()
        self._in_flight: tuple[Request, Entry | None] | None = None
        self._asked_mono = 0.0
        self._since_durable = 0
        self._heard_mono = SILENT
        self._commands: list[LinkCommand] = []
        self._events: list[Incoming] = []

    # ---- the connection ----

    def opened(self, dialect: Dialect, mono: float) -> None:
        """There is somebody to talk to, in this version."""
        self.given_up = ""
        self._outbox.link_changed()
        self._rpc.opened(dialect, mono)
        self._heard_mono = SILENT

    def closed(self, mono: float) -> None:
        """The connection is gone."""
        self._rpc.closed(mono)
        self._take_rpc_events(mono)
        self._outbox.link_changed()

    def drop_transient(self) -> None:
        """What is not durable is lost, and its sender hears so."""
        while self._transient:
            request, _ = self._transient.popleft()
            self._events.append(CsmsAnswered(request, CallFailed("Offline", "the connection was lost")))

    @property
    def idle(self) -> bool:
        """Nothing is in flight and nothing waits that could go."""
        return self._in_flight is None and not self._transient and len(self._outbox) == 0

    @property
    def interruptible(self) -> bool:
        """Nothing that a new connection would lose is in flight, or waits and could go."""
        in_flight = self._in_flight is not None and self._in_flight[1] is None
        waits = any(self.registration.allows(request.action, asked_for=asked) for request, asked in self._transient)
        return not in_flight and not waits

    # ---- one call at a time ----

    def say(self, request: Request, *, asked_for: bool) -> None:
        """Have it said when its turn comes."""
        self._transient.append((request, asked_for))

    def pump(self, mono: float, *, durable: bool) -> None:
        """Send what may be sent now (Part 2, FR.01: one call at a time), with or without what is on disk."""
        while self._in_flight is None and self._send_next(mono, durable=durable):
            pass

    def _send_next(self, mono: float, *, durable: bool) -> bool:
        entry = self._outbox.head(mono) if durable and self.registration.admits == "all" else None
        if entry is None or self._since_durable < FAIR_SHARE:
            transient = self._next_transient()
            if transient is not None:
                self._since_durable += 1
                return self._call(transient, None, mono)
        if entry is None:
            return False
        if self._outbox.wants_proof(entry, self._heard_mono):
            return self._call(HeartbeatRequest(), None, mono)
        self._since_durable = 0
        return self._call(self._outbox.request_to_send(entry, mono), entry, mono)

    def _next_transient(self) -> Request | None:
        for index, (request, asked_for) in enumerate(self._transient):
            if self.registration.allows(request.action, asked_for=asked_for):
                del self._transient[index]
                return request
        return None

    def _call(self, request: Request, entry: Entry | None, mono: float) -> bool:
        try:
            self._rpc.call(request, str(UUID(int=self._entropy.getrandbits(128), version=4)), mono)
        except Unsayable as error:
            self._unsayable(request, entry, str(error))
        else:
            self._asked_mono = mono
            self._in_flight = request, entry
            self._pings.called(mono, self._rpc.timeout_s, durable=entry is not None)
        return True

    def _unsayable(self, request: Request, entry: Entry | None, reason: str) -> None:
        if entry is not None:
            self._outbox.unsayable(entry)
            self._commands.append(Park(entry.id, entry.attempts, reason))
        self._events.append(CsmsAnswered(request, CallFailed("Unsayable", reason)))

    # ---- what came of it ----

    def receive_frame(self, frame: str | bytes, mono: float) -> None:
        """A text of the CSMS."""
        self._rpc.receive_frame(frame, mono)
        self._take_rpc_events(mono)

    def answer(self, message_id: str, response: Response, mono: float) -> None:
        """Answer a call of the CSMS."""
        self._rpc.answer(message_id, response, mono)

    def refuse(self, message_id: str, code: ErrorCode, reason: str, mono: float) -> None:
        """Answer a call of the CSMS with a CALLERROR."""
        self._rpc.refuse(message_id, code, reason, mono)

    def expire(self, mono: float) -> None:
        """A call may have waited too long for its answer."""
        due = self._rpc.next_deadline()
        if due is not None and mono >= due:
            self._rpc.expire(mono)
            self._take_rpc_events(mono)

    def _take_rpc_events(self, mono: float) -> None:
        for event in self._rpc.take_events():
            self._rpc_event(event, mono)

    def _rpc_event(self, event: RpcEvent, mono: float) -> None:
        match event:
            case CallReceived(message_id=message_id, request=request):
                self._events.append(CsmsCalled(message_id, request))
            case CallAnswered(response=response):
                self._heard_mono = mono
                self._finished(response, "", "", mono)
            case CallRefused(code=code, description=description):
                self._heard_mono = mono
                self._finished(None, code, description, mono)
            case AnswerUnreadable(code=code, reason=reason):
                self._heard_mono = mono
                self._finished(None, code, reason, mono)
            case CallTimedOut():
                self._timed_out(mono)
                self.given_up = "no answer to a call"  # Part 2, 3.2
            case CallLost():
                self._interrupted(mono)
            case _:
                self._events.append(LinkWarned(type(event).__name__ + ": " + getattr(event, "reason", "")))

    def _finished(self, response: Response | None, code: str, reason: str, mono: float) -> None:
        if self._in_flight is None:
            return
        (request, entry), self._in_flight = self._in_flight, None
        self.took_s = mono - self._asked_mono
        self._pings.call_ended()
        if entry is not None:
            self._settle(entry, response is not None, code, f"{code}: {reason}", mono)
        self._events.append(CsmsAnswered(request, CallFailed(code, reason) if response is None else response))

    def _timed_out(self, mono: float) -> None:
        """A dead wire is no failure to process (E13): only what got through counts as an attempt."""
        durable = self._in_flight is not None and self._in_flight[1] is not None
        if self._heard_mono == SILENT and self._in_flight is not None and not durable:
            self._outbox.csms_fell_silent()
        if durable and not self._pings.got_through:
            self._interrupted(mono)
        else:
            self._finished(None, "Timeout", "no answer in time", mono)

    def _settle(self, entry: Entry, taken: bool, code: str, reason: str, mono: float) -> None:
        if taken:
            self._outbox.answered(entry)
            self._commands.append(Answered(entry.id))
        elif code in UNKNOWN_TO_THE_CSMS and not entry.transaction_id:
            self._outbox.unsayable(entry)
            self._commands.append(Park(entry.id, entry.attempts, reason))
        elif self._outbox.refused(entry, mono, heard_mono=self._heard_mono) == "park":
            self._commands.append(Park(entry.id, entry.attempts, reason))
        else:
            self._commands.append(Refused(entry.id, entry.attempts, reason))
        self._tell_when_drained()

    def _tell_when_drained(self) -> None:
        if len(self._outbox) == 0:
            self._events.append(OutboxDrained())

    def _interrupted(self, mono: float) -> None:
        """The connection went while the CSMS had our call: a durable one is said again, it counts as no attempt."""
        if self._in_flight is None:
            return
        (request, entry), self._in_flight = self._in_flight, None
        self._pings.call_ended()
        if entry is None:
            self._events.append(CsmsAnswered(request, CallFailed("Offline", "the connection was lost")))
        elif self._outbox.cut_off(entry, heard_mono=self._heard_mono) == "park":
            self._commands.append(Park(entry.id, entry.attempts, "the connection ended with it again and again"))
            self._tell_when_drained()

    # ---- out ----

    def take_commands(self) -> list[LinkCommand]:
        """For the disk and the socket, in order."""
        commands, self._commands = self._commands, []
        commands += [Transmit(frame) for frame in self._rpc.take_frames()]
        return commands

    def take_events(self) -> list[Incoming]:
        """For the station."""
        events, self._events = self._events, []
        return events
