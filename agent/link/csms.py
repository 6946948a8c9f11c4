"""The link to the CSMS as a whole: what is sent when, what came of it, when to connect.  No socket, no disk."""

from __future__ import annotations

from collections import deque
from random import Random
from typing import Literal
from uuid import UUID

from agent.link.connection import Connect, Disconnect, LinkCommand, Ping, Transmit
from agent.link.disk import Answered, Park, Refused, Row, Thinned
from agent.link.outbox import Entry, Outbox
from agent.link.pings import Pings
from agent.link.profiles import Profiles
from agent.link.reconnect import Reconnect
from agent.link.registration import Admission, Registration
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
from agent.ocpp.errors import ErrorCode, NoCommonVersion, Unsayable
from agent.ocpp.messages.base import Request, Response
from agent.ocpp.messages.g_availability import HeartbeatRequest
from agent.ocpp.tolerance import Ear
from agent.vocabulary.commands import TuneLink, UseNetwork
from agent.vocabulary.incoming import (
    CallFailed,
    CsmsAnswered,
    CsmsCalled,
    Incoming,
    LinkLost,
    LinkOpened,
    LinkWarned,
    OutboxDrained,
)

SILENT = float("-inf")
"""When the CSMS last answered on a connection on which it has not."""

UNKNOWN_TO_THE_CSMS = ("NotImplemented", "NotSupported")
"""A message that it never takes holds up no other; E13 makes an exception for transactions."""

FAIR_SHARE = 8
"""How many messages that are not durable may go before one that is."""


class CsmsLink:
    """``receive_*`` from the socket and the disk, ``send`` from the station; ``take_*`` hands out what follows."""

    def __init__(
        self,
        outbox: Outbox,
        entropy: Random,
        *,
        offered: tuple[str, ...] = ("ocpp2.0.1",),
        ear: Ear | None = None,
        max_frame_bytes: int = 1 << 20,
    ) -> None:
        self.offered = offered
        self.ear = ear or Ear()
        self.outbox = outbox
        self.reconnect = Reconnect(entropy)
        self.profiles = Profiles()
        self.registration = Registration()
        self.pings = Pings()
        self.rpc = Rpc(timeout_s=30.0, max_frame_bytes=max_frame_bytes, ear=self.ear)
        self.timeout_s = 30.0
        self.state: Literal["off", "waiting", "connecting", "open", "closing"] = "off"
        self.last_reason = ""
        self.took_s = 0.0  # from our last call to its answer
        self._entropy = entropy
        self._transient: deque[tuple[Request, bool]] = deque()
        self._in_flight: tuple[Request, Entry | None] | None = None
        self._asked_mono = 0.0
        self._since_durable = 0
        self._heard_mono = SILENT
        self._renewing = ""  # why the connection is to be closed and opened again
        self._commands: list[LinkCommand] = []
        self._events: list[Incoming] = []

    # ---- power and connection ----

    def power_on(self, mono: float, *, spread: bool = False) -> None:
        """Connect as soon as may be; ``spread``: not at the same moment as everybody else."""
        self.state = "waiting"
        self.reconnect.start(mono, spread=spread)
        self.expire(mono)

    def receive_opened(self, subprotocol: str | None, mono: float) -> None:
        """The socket is open and the CSMS chose this subprotocol, or none."""
        profile = self.profiles.current
        offered = self.offered if profile is None or profile.protocol is None else (profile.protocol,)
        try:
            dialect = self.ear.agreed(offered, subprotocol)
        except NoCommonVersion as error:
            self._commands.append(Disconnect(str(error)))
            return
        self.state = "open"
        self.reconnect.opened()
        if self.profiles.opened():
            self.registration.admits = "boot"  # B10.FR.10
        self.outbox.link_changed()
        self.rpc.opened(dialect, mono)
        self._heard_mono = SILENT
        self.pings.schedule(mono)
        where = (profile.slot, profile.url) if profile is not None else ()
        self._events.append(LinkOpened(dialect.subprotocol, *where))

    def receive_closed(self, reason: str, mono: float) -> None:
        """The socket is closed, or was never opened."""
        was_open = self.state in ("open", "closing")
        self.state, self.last_reason = "waiting", reason
        self.pings.closed()
        if was_open:
            self.rpc.closed(mono)
            self._take_rpc_events(mono)
            self.outbox.link_changed()
        self.profiles.closed()
        self._drop_transient("Offline")
        self._events.append(LinkLost(reason, self._try_again(mono)))

    def _try_again(self, mono: float) -> float:
        """Returns the wait; what was closed to connect anew has failed at nothing."""
        if not self._renewing:
            return self.reconnect.lost(mono)
        self._renewing = ""
        self.reconnect.start(mono)
        return 0.0

    def receive_frame(self, frame: str | bytes, mono: float) -> None:
        """A text arrived."""
        self.rpc.receive_frame(frame, mono)
        self._take_rpc_events(mono)
        self.pump(mono)

    def receive_pong(self, mono: float) -> None:
        """The CSMS answered our ping."""
        self.pings.answered()

    def renew(self, reason: str) -> None:
        """Connect anew as soon as what would be lost by it is said; what is on disk is said on the new connection."""
        if self.state == "open":
            self._renewing = reason
            self._renew_when_idle()

    def _renew_when_idle(self) -> None:
        transient = self._in_flight is not None and self._in_flight[1] is None
        waits = any(self.registration.allows(request.action, asked_for=asked) for request, asked in self._transient)
        if self._renewing and not transient and not waits:
            self._take_frames()
            self._give_up(self._renewing)

    @property
    def idle(self) -> bool:
        """Nothing is in flight and nothing waits that could go."""
        return self._in_flight is None and not self._transient and len(self.outbox) == 0

    # ---- what the disk says ----

    def receive_stored(self, up_to: int, mono: float) -> None:
        """Rows up to this id are on disk."""
        self.outbox.stored(up_to)
        self.pump(mono)

    def receive_shift_stored(self, mono: float) -> None:
        """What was learned of the time is on disk."""
        self.outbox.shift_stored()
        self.pump(mono)

    def receive_thinned(self, done: Thinned | None, mono: float) -> int:
        """What the disk gave up for room; returns how many events."""
        events = self.outbox.thinned(done)
        self.pump(mono)
        return events

    def receive_resent(self, rows: list[Row], mono: float) -> None:
        """Parked rows that are to be sent after all."""
        self.outbox.resent(rows)
        self.pump(mono)

    def receive_rows(self, rows: list[Row], mono: float) -> None:
        """Rows that were asked for."""
        for row in self.outbox.rows_read(rows):
            self._commands.append(Park(row.id, row.attempts, "this release cannot read it"))
        self.pump(mono)

    # ---- what the station wants ----

    def send(self, request: Request, *, asked_for: bool, mono: float) -> None:
        """Ask the CSMS now; lost, and told so, when there is no connection."""
        if self.state != "open":
            self._events.append(CsmsAnswered(request, CallFailed("Offline", "not connected")))
            return
        self._transient.append((request, asked_for))
        self.pump(mono)

    def answer(self, message_id: str, response: Response, mono: float) -> None:
        """Answer a call."""
        if self.state == "open":
            self.rpc.answer(message_id, response, mono)
            self._take_frames()

    def refuse(self, message_id: str, code: ErrorCode, reason: str, mono: float) -> None:
        """Answer a call with a CALLERROR."""
        if self.state == "open":
            self.rpc.refuse(message_id, code, reason, mono)
            self._take_frames()

    def admit(self, which: Admission, mono: float) -> None:
        """What may be sent from now on."""
        self.registration.admits = which
        if which == "all" and self.state == "open":
            self.profiles.works()
        self.pump(mono)

    # ---- time ----

    def expire(self, mono: float) -> None:
        """A deadline may have passed."""
        if self.state == "waiting" and self.reconnect.take_attempt(mono):
            self.state = "connecting"
            self._commands.append(Connect(self.profiles.current))
        if self.state == "open":
            self._expire_open(mono)
        self.pump(mono)

    def _expire_open(self, mono: float) -> None:
        due = self.rpc.next_deadline()
        if due is not None and mono >= due:
            self.rpc.expire(mono)
            self._take_rpc_events(mono)
        if self.state != "open":
            return
        match self.pings.take_due(mono, self.timeout_s):
            case "ping":
                self._commands.append(Ping())
            case "give up":
                self._give_up("no answer to a ping")

    def _give_up(self, reason: str) -> None:
        """The connection is dead, or might as well be: nothing more is said on it."""
        if self.state == "open":
            self.state = "closing"
            self._commands.append(Disconnect(reason))

    def next_deadline(self, mono: float) -> float | None:
        """When ``expire`` must be called."""
        times = [self.reconnect.next_deadline()]
        if self.state == "open":
            times += [self.rpc.next_deadline(), self.pings.next_deadline(), self.outbox.next_deadline(mono)]
        return min((time for time in times if time is not None), default=None)

    def use(self, network: UseNetwork) -> None:
        """The profiles by which to connect from now on; an open connection stays."""
        self.profiles.use(network.entries, network.good)

    def tune(self, tuning: TuneLink, mono: float) -> None:
        """New numbers from the device model."""
        self.profiles.attempts = tuning.profile_attempts
        self.timeout_s = self.rpc.timeout_s = tuning.timeout_s
        self.reconnect.minimum_s = tuning.back_off_minimum_s
        self.reconnect.random_s = tuning.back_off_random_s
        self.reconnect.doublings = tuning.back_off_doublings
        self.outbox.attempts = tuning.attempts
        self.outbox.attempt_interval_s = tuning.attempt_interval_s
        if tuning.ping_interval_s != self.pings.interval_s:
            self.pings.interval_s = tuning.ping_interval_s
            if self.state == "open":
                self.pings.schedule(mono)

    # ---- one call at a time ----

    def pump(self, mono: float) -> None:
        """Send what may be sent now (Part 2, FR.01: one call at a time)."""
        while self.state == "open" and self._in_flight is None and self._send_next(mono):
            pass
        for wanted in (self.outbox.take_read(), self.outbox.take_thin()):
            if wanted is not None:
                self._commands.append(wanted)
        self._take_frames()
        self._renew_when_idle()

    def _send_next(self, mono: float) -> bool:
        entry = self.outbox.head(mono) if self.registration.admits == "all" and not self._renewing else None
        if entry is None or self._since_durable < FAIR_SHARE:
            transient = self._next_transient()
            if transient is not None:
                self._since_durable += 1
                return self._call(transient, None, mono)
        if entry is None:
            return False
        if self.outbox.wants_proof(entry, self._heard_mono):
            return self._call(HeartbeatRequest(), None, mono)
        self._since_durable = 0
        return self._call(self.outbox.request_to_send(entry, mono), entry, mono)

    def _next_transient(self) -> Request | None:
        for index, (request, asked_for) in enumerate(self._transient):
            if self.registration.allows(request.action, asked_for=asked_for):
                del self._transient[index]
                return request
        return None

    def _call(self, request: Request, entry: Entry | None, mono: float) -> bool:
        try:
            self.rpc.call(request, str(UUID(int=self._entropy.getrandbits(128), version=4)), mono)
        except Unsayable as error:
            self._unsayable(request, entry, str(error))
        else:
            self._asked_mono = mono
            self._in_flight = request, entry
            self.pings.called(mono, self.timeout_s, durable=entry is not None)
        return True

    def _unsayable(self, request: Request, entry: Entry | None, reason: str) -> None:
        if entry is not None:
            self.outbox.unsayable(entry)
            self._commands.append(Park(entry.id, entry.attempts, reason))
        self._events.append(CsmsAnswered(request, CallFailed("Unsayable", reason)))

    # ---- what came of it ----

    def _take_rpc_events(self, mono: float) -> None:
        for event in self.rpc.take_events():
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
                self._give_up("no answer to a call")  # Part 2, 3.2
            case CallLost():
                self._interrupted(mono)
            case _:
                self._events.append(LinkWarned(type(event).__name__ + ": " + getattr(event, "reason", "")))

    def _finished(self, response: Response | None, code: str, reason: str, mono: float) -> None:
        if self._in_flight is None:
            return
        (request, entry), self._in_flight = self._in_flight, None
        self.took_s = mono - self._asked_mono
        self.pings.call_ended()
        if entry is not None:
            self._settle(entry, response is not None, code, f"{code}: {reason}", mono)
        self._events.append(CsmsAnswered(request, CallFailed(code, reason) if response is None else response))

    def _timed_out(self, mono: float) -> None:
        """A dead wire is no failure to process (E13): only what got through counts as an attempt."""
        if self._heard_mono == SILENT and self._in_flight is not None and self._in_flight[1] is None:
            self.outbox.csms_fell_silent()
        if self._in_flight is not None and self._in_flight[1] is not None and not self.pings.got_through:
            self._interrupted(mono)
        else:
            self._finished(None, "Timeout", "no answer in time", mono)

    def _settle(self, entry: Entry, taken: bool, code: str, reason: str, mono: float) -> None:
        if taken:
            self.outbox.answered(entry)
            self._commands.append(Answered(entry.id))
        elif code in UNKNOWN_TO_THE_CSMS and not entry.transaction_id:
            self.outbox.unsayable(entry)
            self._commands.append(Park(entry.id, entry.attempts, reason))
        elif self.outbox.refused(entry, mono, heard_mono=self._heard_mono) == "park":
            self._commands.append(Park(entry.id, entry.attempts, reason))
        else:
            self._commands.append(Refused(entry.id, entry.attempts, reason))
        self._tell_when_drained()

    def _tell_when_drained(self) -> None:
        if len(self.outbox) == 0:
            self._events.append(OutboxDrained())

    def _interrupted(self, mono: float) -> None:
        """The connection went while the CSMS had our call: a durable one is said again, it counts as no attempt."""
        if self._in_flight is None:
            return
        (request, entry), self._in_flight = self._in_flight, None
        self.pings.call_ended()
        if entry is None:
            self._events.append(CsmsAnswered(request, CallFailed("Offline", "the connection was lost")))
        elif self.outbox.cut_off(entry, heard_mono=self._heard_mono) == "park":
            self._commands.append(Park(entry.id, entry.attempts, "the connection ended with it again and again"))
            self._tell_when_drained()

    def _drop_transient(self, code: str) -> None:
        while self._transient:
            request, _ = self._transient.popleft()
            self._events.append(CsmsAnswered(request, CallFailed(code, "the connection was lost")))

    # ---- out ----

    def _take_frames(self) -> None:
        for frame in self.rpc.take_frames():
            self._commands.append(Transmit(frame))

    def take_commands(self) -> list[LinkCommand]:
        """For the socket and the disk, in order."""
        self._take_frames()
        commands, self._commands = self._commands, []
        return commands

    def take_events(self) -> list[Incoming]:
        """For the station."""
        events, self._events = self._events, []
        return events
