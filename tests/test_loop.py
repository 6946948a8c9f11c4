"""The one loop: hardware before disk before network, answers after their commit, one thing at a time, time on time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from agent.edges import Stored
from agent.link.csms import CsmsLink
from agent.link.disk import Answered, Insert, Park, Put, Question, ReadRows, Refused, Resend, Row, Thinned, Write
from agent.link.outbox import Outbox
from agent.loop import Loop
from agent.model.catalogue import OFFLINE_THRESHOLD
from agent.ocpp.messages.b_provisioning import ChargingStation
from agent.ocpp.tolerance import Tolerance
from agent.session.connector import ConnectorLayout
from agent.session.layout import EvseLayout
from agent.station import Station
from agent.vocabulary.certificates import CertificateOrder
from agent.vocabulary.commands import UploadLog
from agent.vocabulary.firmware import FirmwareOrder
from agent.vocabulary.values import NetworkProfile, Now
from hal.events import CardPresented, CpState, Event, LockMoved, MeterSampled, PilotChanged, PowerChanged
from hal.ports import PilotIntent, PilotTraits, ResidualCurrentMonitor, Secc, SignedMeter
from tests.bench import CARD, spot

START = datetime(2026, 1, 1, tzinfo=UTC)
TIME = "2026-01-01T00:00:00Z"
FREE = {"AuthCtrlr.OfflineTxForUnknownIdEnabled": "true"}

Log = list[tuple[str, object]]


class FakeClock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.mono = 1000.0
        self.known = True
        self.told: list[datetime] = []

    def now(self) -> Now:
        return Now(START + timedelta(seconds=self.mono - 1000.0), self.mono)

    def system(self) -> datetime | None:
        return None

    def doubt(self) -> None:
        self.known = False

    def set(self, wall: datetime, took_s: float) -> float:
        self.told.append(wall)
        return 0.0


class FakeStore:
    """A disk that commits when the test says so, or at once, or refuses."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self.at_once = True
        self.waiting: list[tuple[list[Write], Stored | None]] = []
        self.rows: dict[int, Row] = {}
        self.memory: dict[str, bytes] = {}
        self.questions: list[tuple[Question, Callable[[Any], None]]] = []

    def write(self, writes: Sequence[Write], done: Stored | None = None) -> None:
        self._log.append(("disk", [type(write).__name__ for write in writes]))
        self.waiting.append((list(writes), done))
        if self.at_once:
            self.commit()

    def commit(self) -> None:
        waiting, self.waiting = self.waiting, []
        for writes, done in waiting:
            for write in writes:
                self._perform(write)
            if done is not None:
                done(True)

    def refuse(self) -> None:
        """As the database does: it is told, what was handed in stays."""
        for _, done in self.waiting:
            if done is not None:
                done(False)

    def _perform(self, write: Write) -> None:
        match write:
            case Insert(row=row):
                self.rows[row.id] = row
            case Put(key=key, value=None):
                self.memory.pop(key, None)
            case Put(key=key, value=bytes() as value):
                self.memory[key] = value
            case Answered() | Refused() | Park():
                self.rows.pop(write.id, None)

    def ask(self, question: Question, done: Callable[[Any], None]) -> None:
        self.questions.append((question, done))


class FakeSocket:
    """A connection that writes down what it is told."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self.frames: list[list[Any]] = []
        self.connects = self.pings = 0
        self.closed: list[str] = []

    def connect(self, profile: NetworkProfile | None) -> None:
        self.connects += 1

    def send(self, text: str) -> None:
        frame = json.loads(text)
        self._log.append(("network", frame[2] if frame[0] == 2 else "answer"))
        self.frames.append(frame)

    def ping(self) -> None:
        self.pings += 1

    def close(self, reason: str) -> None:
        self.closed.append(reason)

    def check_certificate(self, wall: datetime) -> None: ...

    def use_password(self, password: str, *, over_slots: bool) -> None: ...

    def said(self) -> list[str]:
        return [frame[2] for frame in self.frames if frame[0] == 2]


class FakePilot:
    """A board that closes as soon as it may, and says so from inside the call where it is told to."""

    traits = PilotTraits(style="direct", on_host_loss="stops")

    def __init__(self, log: Log) -> None:
        self._log = log
        self.intents: list[PilotIntent] = []
        self.hasty: Callable[[PilotIntent], None] = lambda intent: None

    async def run(self) -> None: ...

    def apply(self, intent: PilotIntent) -> None:
        self._log.append(("hardware", intent.permit_power))
        self.intents.append(intent)
        self.hasty(intent)

    def clear_fault(self) -> None: ...


class FakeMeter:
    def __init__(self) -> None:
        self.periods: list[float] = []

    async def run(self) -> None: ...

    def sample_every(self, period_s: float) -> None:
        self.periods.append(period_s)


class FakeLock:
    def __init__(self, log: Log) -> None:
        self._log = log

    async def run(self) -> None: ...

    def lock(self) -> None:
        self._log.append(("hardware", "lock"))

    def unlock(self) -> None:
        self._log.append(("hardware", "unlock"))


class FakeHardware:
    def __init__(self, log: Log) -> None:
        self.pilot, self.meter = FakePilot(log), FakeMeter()
        self.pilots = {1: self.pilot}
        self.meters = {1: self.meter}
        self.locks = {(1, 1): FakeLock(log)}
        self.seccs: dict[int, Secc] = {}
        self.rcds: dict[int, ResidualCurrentMonitor] = {}
        self.signers: dict[int, SignedMeter] = {}


class NoCertificates:
    """Nobody installs any."""

    def obey(self, job: CertificateOrder) -> None: ...


class FakeFiles:
    """Uploads that are wished for."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def start(self, wanted: UploadLog) -> None:
        self._log.append(("files", wanted.filename))

    def cancel(self) -> None:
        self._log.append(("files", "cancel"))


class FakeTimers:
    """The event loop's timers: what was set and not cancelled."""

    def __init__(self) -> None:
        self.set: list[tuple[float, Callable[[], object]]] = []

    def call_later(self, delay: float, callback: Callable[[], object]) -> FakeTimers.Handle:
        entry = (delay, callback)
        self.set.append(entry)
        return FakeTimers.Handle(self, entry)

    class Handle:
        def __init__(self, timers: FakeTimers, entry: tuple[float, Callable[[], object]]) -> None:
            self._timers, self._entry = timers, entry

        def cancel(self) -> None:
            if self._entry in self._timers.set:
                self._timers.set.remove(self._entry)


class NoFirmware:
    """Nobody updates the station."""

    def obey(self, order: FirmwareOrder) -> None: ...


class Rig:
    """A loop with its edges played."""

    def __init__(self, timers: FakeTimers) -> None:
        self.timers = timers
        self.log: Log = []
        self.clock, self.store, self.socket = FakeClock(), FakeStore(self.log), FakeSocket(self.log)
        self.hardware = FakeHardware(self.log)
        self.files = FakeFiles(self.log)
        layouts = (EvseLayout(1, connectors=(ConnectorLayout(1, "sType2", attached=False, has_lock=True),)),)
        defaults = {spot(name): value for name, value in FREE.items()}
        self.station = Station(layouts, ChargingStation(model="M", vendor_name="V"), Random(1), defaults=defaults)
        self.restarts: list[str] = []
        self.asked = 0
        self.loop = Loop(
            self.station,
            CsmsLink(Outbox(), Random(2)),
            clock=self.clock,
            store=self.store,
            socket=self.socket,
            hardware=self.hardware,
            files=self.files,
            firmware=NoFirmware(),
            certificates=NoCertificates(),
            on_restart=self.restarts.append,
        )
        self.loop.power_on({})
        self.fire_what_is_due()

    def accept(self) -> Rig:
        self.loop.receive_opened("ocpp2.0.1")
        self.reply({"currentTime": TIME, "interval": 300, "status": "Accepted"})
        while self.unanswered():
            self.reply({})
        self.fire_what_is_due()
        self.log.clear()
        return self

    def unanswered(self) -> bool:
        return self.loop.link.rpc.busy

    def reply(self, payload: dict[str, Any]) -> None:
        last = [frame for frame in self.socket.frames if frame[0] == 2][-1]
        self.hear([3, last[1], payload])

    def hear(self, frame: list[Any]) -> None:
        self.loop.receive_frame(json.dumps(frame))

    def ask(self, action: str, **payload: object) -> None:
        self.asked += 1
        self.hear([2, f"c{self.asked}", action, payload])

    def answers(self) -> list[list[Any]]:
        return [frame for frame in self.socket.frames if frame[0] != 2]

    def plug_in(self) -> None:
        self.loop.post(MeterSampled(1, 1000.0))
        self.loop.post(PilotChanged(1, CpState.B))

    def swipe(self) -> None:
        self.loop.post(CardPresented(1, CARD))

    def fire_what_is_due(self) -> None:
        """Timers that were set for this moment."""
        while self.timers.set and min(delay for delay, _ in self.timers.set) == 0:
            self.fire()

    def fire(self) -> None:
        """The earliest timer comes, on time."""
        delay, callback = min(self.timers.set, key=lambda each: each[0])
        self.timers.set.remove((delay, callback))
        self.clock.mono += delay
        callback()


@pytest.fixture
async def rig(monkeypatch: pytest.MonkeyPatch) -> Rig:
    timers = FakeTimers()
    monkeypatch.setattr(asyncio.get_running_loop(), "call_later", timers.call_later)
    return Rig(timers)


def order(log: Log) -> Iterator[str]:
    return (layer for layer, _ in log)


# ---- the order of things ----


async def test_hardware_then_disk_then_network(rig: Rig):
    rig.accept()
    rig.plug_in()
    rig.reply({})  # to the status
    rig.log.clear()
    rig.swipe()
    rig.reply({"idTokenInfo": {"status": "Accepted"}})
    layers = list(order(rig.log))
    assert layers[0] == "network"  # the question whether the card is good
    after = layers[1:]
    assert after == sorted(after, key=["hardware", "disk", "network"].index)
    assert rig.socket.said()[-1] == "TransactionEvent"


async def test_power_is_withdrawn_before_anything_is_told_written_or_said(rig: Rig):
    rig.accept()
    rig.plug_in()
    rig.reply({})
    rig.swipe()
    rig.reply({"idTokenInfo": {"status": "Accepted"}})
    rig.loop.post(LockMoved(1, "locked"))
    rig.loop.post(PilotChanged(1, CpState.C))
    rig.loop.watch(lambda topic, what: rig.log.append((topic, what)) if topic == "facts" else None)
    rig.log.clear()
    rig.swipe()
    assert rig.log[0] == ("hardware", False)
    assert {"facts", "disk"} <= set(order(rig.log))


async def test_the_first_turn_tells_the_hardware_what_is_wanted_and_connects(rig: Rig):
    assert rig.hardware.pilot.intents == [PilotIntent(phases=3)]
    assert ("hardware", "unlock") in rig.log
    assert rig.hardware.meter.periods == [60.0]
    assert rig.socket.connects == 1


async def test_what_the_hardware_says_while_it_is_told_something_comes_next_not_in_between(rig: Rig):
    rig.accept()
    seen: list[Event] = []
    rig.loop.watch(lambda topic, what: seen.append(what) if topic == "hal" else None)  # type: ignore[arg-type]
    rig.loop.post(LockMoved(1, "unlocked"))
    rig.hardware.pilot.hasty = lambda intent: rig.loop.post(PowerChanged(1, intent.permit_power))
    before = len(seen)
    rig.plug_in()
    rig.reply({})
    rig.swipe()
    rig.reply({"idTokenInfo": {"status": "Accepted"}})
    rig.loop.post(LockMoved(1, "locked"))
    assert [type(event).__name__ for event in seen[before:]] == [
        "MeterSampled",
        "PilotChanged",
        "CardPresented",
        "LockMoved",
        "PowerChanged",
    ]
    assert rig.station.site.evses[1].power_closed


async def test_events_are_dealt_with_in_the_order_in_which_they_came(rig: Rig):
    facts: list[str] = []
    rig.loop.watch(lambda topic, what: facts.append(type(what).__name__) if topic == "facts" else None)
    rig.loop.post(PilotChanged(1, CpState.B))
    rig.loop.post(PilotChanged(1, CpState.C))
    rig.loop.post(PilotChanged(1, CpState.A))
    assert facts == ["EvConnected", "EvRequestedPower", "EvDisconnected"]


# ---- the disk ----


async def test_an_event_is_said_when_it_is_on_disk(rig: Rig):
    rig.accept()
    rig.plug_in()
    rig.reply({})
    rig.store.at_once = False
    rig.swipe()
    rig.reply({"idTokenInfo": {"status": "Accepted"}})
    assert "TransactionEvent" not in rig.socket.said()
    rig.store.commit()
    assert rig.socket.said()[-1] == "TransactionEvent"
    assert len(rig.store.rows) == 1


async def test_an_answer_waits_until_what_it_promises_is_on_disk(rig: Rig):
    rig.accept()
    rig.store.at_once = False
    rig.ask("ChangeAvailability", operationalStatus="Inoperative")
    assert rig.answers() == []
    rig.store.commit()
    assert rig.answers() == [[3, "c1", {"status": "Accepted"}]]
    assert rig.store.memory["availability/0/0"] == b"false"


async def test_an_answer_that_promises_nothing_goes_at_once(rig: Rig):
    rig.accept()
    rig.store.at_once = False
    rig.ask("TriggerMessage", requestedMessage="BootNotification")
    assert rig.answers() == [[3, "c1", {"status": "Rejected"}]]


async def test_a_disk_that_refuses_keeps_neither_answers_nor_events_back(rig: Rig):
    rig.accept()
    rig.store.at_once = False
    rig.loop.store_state(False, "no space left on device")
    rig.store.refuse()
    assert rig.socket.said()[-1] == "SecurityEventNotification"
    rig.reply({})
    rig.plug_in()
    rig.reply({})
    rig.ask("RequestStartTransaction", idToken={"idToken": "ABCD", "type": "Central"}, remoteStartId=1)
    rig.store.refuse()
    assert rig.answers() == [[3, "c1", {"status": "Accepted"}]]
    rig.reply({"idTokenInfo": {"status": "Accepted"}})
    rig.store.refuse()
    rig.fire()
    assert "TransactionEvent" in rig.socket.said()


async def test_an_answer_that_the_disk_takes_back_says_so_once_and_what_it_promised_is_undone(rig: Rig):
    rig.accept()
    rig.store.at_once = False
    before = rig.station.model[OFFLINE_THRESHOLD]
    named = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "OfflineThreshold"}, "attributeValue": "7"}
    rig.ask("SetVariables", setVariableData=[named])
    assert rig.answers() == []
    rig.store.refuse()
    ((_, _, told),) = rig.answers()
    assert told["setVariableResult"][0]["attributeStatus"] == "Rejected"
    assert rig.station.model[OFFLINE_THRESHOLD] == before
    rig.store.commit()
    assert len(rig.answers()) == 1
    assert "variable/OCPPCommCtrlr////OfflineThreshold/" not in rig.store.memory


async def test_several_calls_that_the_disk_refuses_are_undone_the_last_one_first(rig: Rig):
    rig.accept()
    rig.loop.link.ear.tolerance = Tolerance.KNOWN  # of a CSMS that does not wait for answers
    rig.store.at_once = False
    before = rig.station.model[OFFLINE_THRESHOLD]
    named = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "OfflineThreshold"}}
    for value in ("7", "8"):
        rig.ask("SetVariables", setVariableData=[{**named, "attributeValue": value}])
    assert rig.station.model[OFFLINE_THRESHOLD] == 8
    rig.store.refuse()
    statuses = [told["setVariableResult"][0]["attributeStatus"] for _, _, told in rig.answers()]
    assert statuses == ["Rejected", "Rejected"]
    assert rig.station.model[OFFLINE_THRESHOLD] == before


async def test_a_disk_that_works_again_has_everything_and_nothing_is_answered_twice(rig: Rig):
    rig.accept()
    rig.store.at_once = False
    rig.loop.store_state(False, "no space left on device")
    rig.store.refuse()
    assert rig.socket.said()[-1] == "SecurityEventNotification"
    rig.reply({})
    rig.plug_in()
    rig.reply({})
    rig.ask("RequestStartTransaction", idToken={"idToken": "ABCD", "type": "Central"}, remoteStartId=1)
    rig.store.refuse()
    rig.loop.store_state(True, "")
    rig.store.commit()
    assert rig.answers() == [[3, "c1", {"status": "Accepted"}]]
    assert rig.store.rows


async def test_an_answered_event_leaves_the_disk(rig: Rig):
    rig.accept()
    rig.plug_in()
    rig.reply({})
    rig.swipe()
    rig.reply({"idTokenInfo": {"status": "Accepted"}})
    assert len(rig.store.rows) == 1
    rig.reply({"idTokenInfo": {"status": "Accepted"}})
    assert rig.store.rows == {}


async def test_rows_are_asked_for_after_everything_that_was_written_before(rig: Rig):
    rig.loop.link.outbox._beyond = 1  # an earlier start left one
    rig.accept()
    rig.loop.link.outbox._beyond = 1
    rig.plug_in()
    (question, done) = rig.store.questions[0]
    assert isinstance(question, ReadRows)
    done([])
    assert rig.loop.link.outbox._beyond == 0


# ---- time ----


async def test_the_timer_is_set_to_the_earliest_deadline_and_comes_on_time(rig: Rig):
    rig.accept()
    assert min(delay for delay, _ in rig.timers.set) == 60.0  # the ping
    rig.fire()
    assert rig.socket.pings == 1
    rig.loop.receive_pong()
    for _ in range(20):
        rig.loop.receive_pong()
        rig.fire()
        if "Heartbeat" in rig.socket.said():
            break
    assert "Heartbeat" in rig.socket.said()
    assert rig.clock.mono <= 1000.0 + 301


async def test_only_one_timer_is_set_at_a_time(rig: Rig):
    rig.accept()
    for _ in range(5):
        rig.loop.post(PilotChanged(1, CpState.B))
        rig.loop.post(PilotChanged(1, CpState.A))
    assert len(rig.timers.set) == 1


async def test_a_lost_link_is_tried_again_by_the_timer(rig: Rig):
    rig.loop.receive_closed("refused")
    rig.fire()
    assert rig.socket.connects == 2


# ---- the rest ----


async def test_a_restart_is_handed_up(rig: Rig):
    rig.accept()
    rig.ask("Reset", type="Immediate")
    assert rig.answers() == [[3, "c1", {"status": "Accepted"}]]
    assert rig.restarts == []
    while not rig.restarts:
        rig.fire()
    assert rig.restarts == ["RemoteReset"]
    assert rig.store.memory["boot/reason"] == b"RemoteReset"


async def test_a_stopped_loop_does_nothing_more(rig: Rig):
    rig.accept()
    rig.loop.stop()
    rig.log.clear()
    rig.plug_in()
    rig.ask("Reset", type="Immediate")
    assert rig.log == []
    assert rig.timers.set == []


async def test_a_write_that_is_confirmed_after_the_stop_says_nothing(rig: Rig):
    rig.accept()
    rig.store.at_once = False
    rig.ask("ChangeAvailability", operationalStatus="Inoperative")
    rig.loop.stop()
    rig.store.commit()
    assert rig.answers() == []


async def test_the_csms_tells_the_time(rig: Rig):
    rig.accept()
    assert rig.clock.told == [START]


async def test_an_observer_sees_everything_until_it_looks_away(rig: Rig):
    seen: list[str] = []

    def observer(topic: str, what: object) -> None:
        seen.append(topic)

    rig.loop.watch(observer)
    rig.accept()
    rig.plug_in()
    assert {"hal", "facts", "ocpp", "csms"} <= set(seen)
    rig.loop.unwatch(observer)
    seen.clear()
    rig.loop.post(PilotChanged(1, CpState.A))
    assert seen == []


async def test_a_defect_costs_the_call_and_not_the_station(rig: Rig, monkeypatch: pytest.MonkeyPatch):
    rig.accept()

    def broken(*_: object) -> None:
        raise KeyError("defect")

    monkeypatch.setattr(rig.station, "receive", broken)
    rig.ask("Reset", type="Immediate")
    assert [frame[:3] for frame in rig.answers()] == [[4, "c1", "InternalError"]]
    monkeypatch.undo()
    monkeypatch.setattr(asyncio.get_running_loop(), "call_later", rig.timers.call_later)
    rig.plug_in()
    assert rig.socket.said()[-1] == "StatusNotification"


async def test_parked_events_are_asked_back_from_the_disk(rig: Rig):
    rig.accept()
    counts: list[int] = []
    rig.loop.resend((7,), counts.append)
    question, done = rig.store.questions[-1]
    assert question == Resend((7,))
    done([])
    assert counts == [0]


async def test_thinning_is_told_to_the_queue(rig: Rig):
    rig.accept()
    rig.loop._thinned(Thinned(0, {}))
    rig.loop._thinned(Thinned(0, {}))
    assert [row.action for row in rig.store.rows.values()] == ["SecurityEventNotification"]
