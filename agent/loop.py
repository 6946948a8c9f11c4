"""The one loop: an event comes in with its time, commands go out: hardware first, then disk, then network."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping

from agent.edges import Certificates, Clock, Files, Firmware, Hardware, Observer, Socket, Store, Stored
from agent.errors import told_of
from agent.grievances import Grievances
from agent.hands import Hands
from agent.link.connection import Connect, Disconnect, LinkCommand, Ping, Transmit
from agent.link.csms import CsmsLink
from agent.link.disk import (
    Answered,
    Park,
    ReadRows,
    Refused,
    Resend,
    Row,
    Thin,
    Thinned,
)
from agent.station import Station
from agent.timekeeping import Timekeeping
from agent.vocabulary.certificates import CertificateOrder
from agent.vocabulary.commands import (
    AdmitMessages,
    Answer,
    CancelUpload,
    Command,
    Refuse,
    RenewLink,
    Restart,
    Send,
    TuneLink,
    UploadLog,
    UseNetwork,
    UsePassword,
)
from agent.vocabulary.firmware import FirmwareOrder
from agent.vocabulary.incoming import CallNotStored, CsmsCalled, Incoming
from agent.vocabulary.values import Now
from agent.writing import Writing, corrected, promises, truthful
from hal.events import CardPresented, ContractCertificateAsked, ContractPresented, Event

log = logging.getLogger(__name__)

FOR_THE_NETWORK = (
    Answer,
    Refuse,
    AdmitMessages,
    TuneLink,
    UseNetwork,
    UsePassword,
    RenewLink,
    UploadLog,
    CancelUpload,
    CertificateOrder,
    FirmwareOrder,
    Restart,
)

DEFECT_PAUSE_S = 1.0
"""A deadline that could not be dealt with stays due: it must not take the whole processor."""


class Loop:
    """Events in, in the order in which they came; nothing is begun before the one before it is done."""

    def __init__(
        self,
        station: Station,
        link: CsmsLink,
        *,
        clock: Clock,
        store: Store,
        socket: Socket,
        hardware: Hardware,
        files: Files,
        firmware: Firmware,
        certificates: Certificates,
        on_restart: Callable[[str], None],
    ) -> None:
        self.station = station
        self.link = link
        self._clock = clock
        self._store = store
        self._socket = socket
        self._hands = Hands(hardware)
        self._files = files
        self._firmware = firmware
        self._certificates = certificates
        self._on_restart = on_restart
        self._events: deque[Event | Incoming] = deque()
        self._writing = Writing(link.outbox)
        self._timekeeping = Timekeeping(station, link, clock, self._writing, socket)
        self._busy = False
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due = float("inf")
        self._observers: list[Observer] = []
        self._stopped = False
        self._grievances = Grievances()
        self._not_before = float("-inf")

    # ---- in ----

    def power_on(self, records: Mapping[str, bytes], remark: str = "", *, spread: bool = False) -> None:
        """The first turn.

        Args:
            records: what was kept.
            remark: what is wrong with the memory as a whole.
            spread: after a blackout do not connect in the same second as every other station.

        """
        now = self._clock.now()
        self._busy = True
        if not self._contained(self.station.power_on, records, now, remark):
            self._contained(self.station.settle, now)
        for line in self.station.settings.dropped:
            log.warning("! stored variable dropped: %s", line)
        self._timekeeping.power_on()
        self._perform(now)
        self._busy = False
        self.link.power_on(now.mono, spread=spread and self.station.desk.boot_reason == "PowerUp")
        first = self.link.reconnect.next_deadline()
        if first is not None:
            log.info("= the power came back, maybe everywhere: connecting in %.0f s", first - now.mono)
        self._turn()

    def post(self, event: Event | Incoming) -> None:
        """Take an event; what it leads to is under way when this returns, unless another one is being dealt with."""
        self._events.append(event)
        self._turn()

    def receive_frame(self, frame: str | bytes) -> None:
        """A text of the CSMS."""
        self._observe("ocpp", ("<", frame))
        self.link.receive_frame(frame, self._clock.now().mono)
        self._turn()

    def receive_opened(self, subprotocol: str | None) -> None:
        """The socket is open; the CSMS chose this subprotocol, or none."""
        self.link.receive_opened(subprotocol, self._clock.now().mono)
        self._turn()

    def receive_closed(self, reason: str) -> None:
        """The socket is closed, or was never opened."""
        self.link.receive_closed(reason, self._clock.now().mono)
        self._turn()

    def receive_alarm(self, type: str, reason: str) -> None:
        """The connection failed in a way that is of interest for security; said once until it works."""
        self._events.extend(self._grievances.alarm(type, reason))
        self._turn()

    def receive_pong(self) -> None:
        """A ping was answered."""
        self.link.receive_pong(self._clock.now().mono)

    def store_state(self, works: bool, text: str) -> None:
        """The disk takes writes, or does not: then events are sent from memory, and written when it does again."""
        self.link.outbox.disk_works = self.station.desk.disk_works = works
        self._events.extend(self._grievances.disk(works, text))
        self._turn()

    def settle(self) -> None:
        """Something was changed by hand (the service port): let what follows from it happen."""
        now = self._clock.now()
        self.station.settle(now)
        self._perform(now)
        self._turn()

    def when_stored(self, done: Callable[[], None]) -> None:
        """Call when everything that was decided so far is on disk, or has been refused by it."""
        self._store.write((), Once(done))

    @property
    def able(self) -> bool:
        """Whether it takes events.  Asked between two turns: one that never ended shows here."""
        return not self._busy and not self._stopped

    def stop(self) -> None:
        """No more turns: the power is gone."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()

    def watch(self, observer: Observer) -> None:
        """Tell this observer everything from now on."""
        self._observers.append(observer)

    def unwatch(self, observer: Observer) -> None:
        """Tell it nothing more."""
        if observer in self._observers:
            self._observers.remove(observer)

    # ---- one turn ----

    def _turn(self) -> None:
        if self._busy or self._stopped:
            return
        self._busy = True
        try:
            while self._events or self._take_from_link():
                self._contained(self._one, self._events.popleft())
        finally:
            self._busy = False
            self._set_timer()

    def _one(self, event: Event | Incoming) -> None:
        self._ask_system()
        now = self._clock.now()
        if isinstance(event, Event):
            self._observe("hal", event)
            private = isinstance(event, (CardPresented, ContractPresented, ContractCertificateAsked))
            log.debug("< %s", type(event).__name__ if private else event)  # C04.FR.04
        else:
            self._observe("csms", event)
            self._events.extend(self._grievances.hear(event))
        if not self._contained(self.station.receive, event, now):
            if isinstance(event, CsmsCalled):
                self.link.refuse(event.message_id, "InternalError", "this station could not deal with it", now.mono)
            self._contained(self.station.settle, now)  # what else followed from it, the hardware's wishes first of all
        self._perform(now)

    def _contained(self, work: Callable[..., None], *arguments: object) -> bool:
        """Do it; a defect of ours costs what was being done, never the station."""
        try:
            work(*arguments)
        except Exception as error:
            log.error("! defect: %s", told_of(error))
            log.debug("traceback", exc_info=True)
            return False
        return True

    def _take_from_link(self) -> bool:
        for command in self.link.take_commands():
            self._obey_link(command)
        self._flush_writes(None)
        self._events.extend(self.link.take_events())
        return bool(self._events)

    def _expire(self) -> None:
        self._timer = None
        self._timer_due = float("inf")
        now = self._clock.now()
        due = self.station.next_deadline()
        if due is not None and now.mono >= due:
            self._busy = True
            try:
                self._ask_system()
                now = self._clock.now()
                if not self._contained(self.station.expire, now):
                    self._not_before = now.mono + DEFECT_PAUSE_S
                self._contained(self._perform, now)
            finally:
                self._busy = False
        self._contained(self.link.expire, now.mono)
        self._turn()

    def _set_timer(self) -> None:
        if self._stopped:
            return
        mono = self._clock.now().mono
        times = (self.station.next_deadline(), self.link.next_deadline(mono))
        due = min((time for time in times if time is not None), default=None)
        if due == self._timer_due and self._timer is not None:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._timer_due = float("inf") if due is None else due
        if due is not None:
            # call_later, not call_at: the station's clock need not be the event loop's.
            wait_s = max(0.0, due - mono, self._not_before - mono)
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._expire)

    # ---- commands out ----

    def _perform(self, now: Now) -> None:
        """Hardware first, then disk, then network: an answer goes out when what it promises is on disk."""
        commands = self._obey_hardware()
        self._tell_facts()
        shift = self._timekeeping.take(commands)
        if shift is not None:
            now = self._clock.now()
            commands = [corrected(command, shift) for command in commands]
        commands += self._obey_hardware()
        rest = [command for command in commands if self._is_network(command)]
        up_to = self._writing.collect(commands, now, known=self._clock.known)
        if self._writing and any(isinstance(command, Answer) for command in rest):
            self._flush_writes(AfterDisk(self, rest, up_to, shift is not None))
        else:
            waits = up_to is not None or shift is not None
            self._flush_writes(AfterDisk(self, [], up_to, shift is not None) if waits else None)
            self._obey_network(rest, now)

    def _obey_hardware(self) -> list[Command]:
        """Take what was decided, and do what the hardware waits for before anybody is told why: a log may be slow."""
        commands = self.station.take_commands()
        for command in commands:
            self._contained(self._hands.obey, command)
        return commands

    def after_disk(self, rest: list[Command], up_to: int | None, shift: bool, not_stored: tuple[str, ...]) -> None:
        """What waited for the disk may go on: rows up to an id, or a clock shift, are on it.

        ``not_stored``: the calls whose answers promised what the disk refused.
        """
        if self._stopped:
            return
        now = self._clock.now()
        self._obey_network(rest, now)
        if shift:
            self.link.receive_shift_stored(now.mono)
        if up_to is None:
            self.link.pump(now.mono)  # a disk that refuses: what waited for it goes from memory
        else:
            self.link.receive_stored(up_to, now.mono)
        self._events.extend(CallNotStored(message_id) for message_id in not_stored)
        self._turn()

    def _tell_facts(self) -> None:
        for fact in self.station.take_facts():
            self._observe("facts", fact)

    def _ask_system(self) -> None:
        if self._timekeeping.ask_system():
            self._perform(self._clock.now())

    def _flush_writes(self, done: Stored | None) -> None:
        if self._writing:
            self._store.write(self._writing.take(), done)

    def _is_network(self, command: Command) -> bool:
        return isinstance(command, FOR_THE_NETWORK) or (isinstance(command, Send) and not command.durable)

    def _obey_network(self, commands: list[Command], now: Now) -> None:
        for command in commands:
            match command:
                case Send(request=request, asked_for=asked_for):
                    self.link.send(request, asked_for=asked_for, mono=now.mono)
                case Answer(message_id=message_id, response=response):
                    self.link.answer(message_id, response, now.mono)
                case Refuse(message_id=message_id, code=code, reason=reason):
                    self.link.refuse(message_id, code, reason, now.mono)
                case AdmitMessages(which=which):
                    self.link.admit(which, now.mono)
                case TuneLink():
                    self.link.tune(command, now.mono)
                case UseNetwork():
                    self.link.use(command)
                case UsePassword(password=password, over_slots=over_slots):
                    self._socket.use_password(password, over_slots=over_slots)
                case RenewLink(reason=reason):
                    self.link.renew(reason)
                case UploadLog():
                    self._files.start(command)
                case CancelUpload():
                    self._files.cancel()
                case FirmwareOrder():
                    self._firmware.obey(command)
                case CertificateOrder():
                    self._certificates.obey(command)
                case Restart(reason=reason):
                    log.warning("= restarting: %s", reason)
                    self._on_restart(reason)

    def _obey_link(self, command: LinkCommand) -> None:
        match command:
            case Transmit(frame=frame):
                self._observe("ocpp", (">", frame))
                self._socket.send(frame)
            case Answered() | Refused():
                self._writing.add(command)
            case Park(id=id, reason=reason):
                log.error("! event %d is parked: %s", id, reason)
                self._writing.add(command)
            case ReadRows():
                self._flush_writes(None)
                self._store.ask(command, self._rows_read)
            case Thin():
                self._flush_writes(None)
                self._store.ask(command, self._thinned)
            case Connect(profile=profile):
                self._socket.connect(profile)
            case Ping():
                self._socket.ping()
            case Disconnect(reason=reason):
                self._socket.close(reason)

    def _thinned(self, done: Thinned | None) -> None:
        if self._stopped:
            return
        events = self.link.receive_thinned(done, self._clock.now().mono)
        waiting = len(self.link.outbox)
        self._events.extend(self._grievances.full(waiting, events))
        self._turn()

    def resend(self, ids: tuple[int, ...], done: Callable[[int], object]) -> None:
        """Parked events back into the queue; ``done`` hears how many."""

        def taken(rows: list[Row]) -> None:
            if not self._stopped:
                self.link.receive_resent(rows, self._clock.now().mono)
                self._turn()
            done(len(rows))

        self._store.ask(Resend(ids), taken)

    def _rows_read(self, rows: list[Row]) -> None:
        if not self._stopped:
            self.link.receive_rows(rows, self._clock.now().mono)
            self._turn()

    def _observe(self, topic: str, seen: object) -> None:
        for observer in self._observers:
            self._contained(observer, topic, seen)


class AfterDisk:
    """What goes on when a batch is on disk.  With a disk that refuses, answers go out all the same, once."""

    def __init__(self, loop: Loop, rest: list[Command], up_to: int | None, shift: bool) -> None:
        self._loop = loop
        self._rest = rest
        self._up_to = up_to
        self._shift = shift

    def __call__(self, stored: bool) -> None:
        rest, self._rest = self._rest, []
        refused = () if stored else tuple(promises(rest))
        if not stored:
            rest = [truthful(command) for command in rest]
        self._loop.after_disk(rest, self._up_to if stored else None, stored and self._shift, refused)


class Once:
    """What waits for the disk and does not ask what became of it."""

    def __init__(self, done: Callable[[], None]) -> None:
        self._done: Callable[[], None] | None = done

    def __call__(self, stored: bool) -> None:
        done, self._done = self._done, None
        if done is not None:
            done()
