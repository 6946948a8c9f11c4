"""The link to the CSMS as a whole: when to connect, when to give up, what may be said.  No socket, no disk."""

from __future__ import annotations

from random import Random
from typing import Literal

from agent.link.connection import Connect, Disconnect, LinkCommand, Ping
from agent.link.conversation import Conversation
from agent.link.disk import Park, Row, Thinned
from agent.link.outbox import Outbox
from agent.link.pings import Pings
from agent.link.profiles import Profiles
from agent.link.reconnect import Reconnect
from agent.link.registration import Admission
from agent.link.rpc import Rpc
from agent.ocpp.errors import ErrorCode, NoCommonVersion
from agent.ocpp.messages.base import Request, Response
from agent.ocpp.tolerance import Ear
from agent.vocabulary.commands import TuneLink, UseNetwork
from agent.vocabulary.incoming import CallFailed, CsmsAnswered, Incoming, LinkLost, LinkOpened


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
        self.pings = Pings()
        self.rpc = Rpc(timeout_s=30.0, max_frame_bytes=max_frame_bytes, ear=self.ear)
        self._conversation = Conversation(outbox, self.pings, self.rpc, entropy)
        self.registration = self._conversation.registration
        self.timeout_s = 30.0
        self.state: Literal["off", "waiting", "connecting", "open", "closing"] = "off"
        self.last_reason = ""
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
        self._conversation.opened(dialect, mono)
        self.pings.schedule(mono)
        where = (profile.slot, profile.url) if profile is not None else ()
        self._events.append(LinkOpened(dialect.subprotocol, *where))

    def receive_closed(self, reason: str, mono: float) -> None:
        """The socket is closed, or was never opened."""
        was_open = self.state in ("open", "closing")
        self.state, self.last_reason = "waiting", reason
        self.pings.closed()
        if was_open:
            self._conversation.closed(mono)
        self.profiles.closed()
        self._conversation.drop_transient()
        self._hear_conversation()
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
        self._conversation.receive_frame(frame, mono)
        self._hear_conversation()
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
        if self._renewing and self._conversation.interruptible:
            self._hear_conversation()
            self._give_up(self._renewing)

    @property
    def idle(self) -> bool:
        """Nothing is in flight and nothing waits that could go."""
        return self._conversation.idle

    @property
    def took_s(self) -> float:
        """From our last call to its answer."""
        return self._conversation.took_s

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
        self._conversation.say(request, asked_for=asked_for)
        self.pump(mono)

    def answer(self, message_id: str, response: Response, mono: float) -> None:
        """Answer a call."""
        if self.state == "open":
            self._conversation.answer(message_id, response, mono)
            self._hear_conversation()

    def refuse(self, message_id: str, code: ErrorCode, reason: str, mono: float) -> None:
        """Answer a call with a CALLERROR."""
        if self.state == "open":
            self._conversation.refuse(message_id, code, reason, mono)
            self._hear_conversation()

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
        self._conversation.expire(mono)
        self._hear_conversation()
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

    # ---- what may be said ----

    def pump(self, mono: float) -> None:
        """Send what may be sent now, and ask the disk for what comes next."""
        if self.state == "open":
            self._conversation.pump(mono, durable=not self._renewing)
        for wanted in (self.outbox.take_read(), self.outbox.take_thin()):
            if wanted is not None:
                self._commands.append(wanted)
        self._hear_conversation()
        self._renew_when_idle()

    def _hear_conversation(self) -> None:
        """In order: what was said before the connection was given up goes out before it is closed."""
        self._commands += self._conversation.take_commands()
        self._events += self._conversation.take_events()
        if self._conversation.given_up:
            self._give_up(self._conversation.given_up)

    # ---- out ----

    def take_commands(self) -> list[LinkCommand]:
        """For the socket and the disk, in order."""
        self._hear_conversation()
        commands, self._commands = self._commands, []
        return commands

    def take_events(self) -> list[Incoming]:
        """For the station."""
        events, self._events = self._events, []
        return events
