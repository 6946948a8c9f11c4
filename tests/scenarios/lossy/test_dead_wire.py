"""A call that nobody answers: was the wire dead, or did the CSMS not want it?  What is given up is not spoken on."""

import json
from datetime import UTC, datetime
from random import Random
from typing import TypeVar

from agent.link.connection import Connect, Disconnect, Ping, Transmit
from agent.link.csms import CsmsLink
from agent.link.disk import Answered, Park, Refused
from agent.link.outbox import Outbox
from agent.ocpp.messages import e_transactions as m
from agent.ocpp.messages.g_availability import HeartbeatRequest
from agent.vocabulary.incoming import CallFailed, CsmsAnswered

C = TypeVar("C")

TIMEOUT_S = 30.0
CLOSING_S = 3.0
EVENT = m.TransactionEventRequest(
    event_type="Updated",
    timestamp=datetime(2026, 1, 1, tzinfo=UTC),
    trigger_reason="MeterValuePeriodic",
    seq_no=7,
    transaction_info=m.Transaction(transaction_id="T1"),
)


class Wired:
    """A link with one event in its queue; wire, CSMS and clock are in the test's hand."""

    def __init__(self, *, attempts: int, ping_interval_s: float = 240.0) -> None:
        self.mono = 1000.0
        self.did: list[object] = []
        self.link = CsmsLink(Outbox(), Random(1))
        self.link.outbox.attempts = attempts
        self.link.outbox.attempt_interval_s = 0.0
        self.link.pings.interval_s = ping_interval_s
        self.link.registration.admits = "all"
        self.link.power_on(self.mono)
        self.link.outbox.append(EVENT, "T1", 7)
        self.link.outbox.stored(1)

    def say_event(self) -> None:
        """A new connection, on which the CSMS answers a heartbeat; then the event goes out."""
        self.link.receive_opened("ocpp2.0.1", self.mono)
        self.link.send(HeartbeatRequest(), asked_for=False, mono=self.mono)
        assert self.take_said()["action"] == "Heartbeat"
        self.answer({"currentTime": "2026-01-01T00:00:00Z"})
        assert self.take_said()["action"] == "TransactionEvent"

    def take_said(self) -> dict[str, object]:
        """The last call of the station."""
        self._take()
        _, self._id, action, payload = json.loads(self.all(Transmit)[-1].frame)
        return {"action": action, **payload}

    def answer(self, payload: dict[str, object]) -> None:
        self.link.receive_frame(json.dumps([3, self._id, payload]), self.mono)
        self._take()

    def pong(self) -> None:
        self.link.receive_pong(self.mono)

    def pass_time(self, seconds: float) -> None:
        end = self.mono + seconds
        while (due := self.link.next_deadline(self.mono)) is not None and due <= end:
            self.mono = max(due, self.mono)
            self.link.expire(self.mono)
            self._take()
        self.mono = end

    def reconnect(self) -> None:
        """The connection is gone; the link tries again."""
        self.link.receive_closed("gone", self.mono)
        tries = len(self.all(Connect))
        self.pass_time(15)
        assert len(self.all(Connect)) == tries + 1

    def all(self, kind: type[C]) -> list[C]:
        """What the link wanted of this kind."""
        return [each for each in self.did if isinstance(each, kind)]

    def _take(self) -> None:
        self.did += self.link.take_commands()


def test_E13_what_a_dead_wire_swallowed_is_no_attempt():
    wired = Wired(attempts=1)
    for _ in range(5):
        wired.say_event()
        wired.pass_time(TIMEOUT_S)
        assert wired.all(Disconnect).pop() == Disconnect("no answer to a call")
        wired.pass_time(CLOSING_S)
        wired.reconnect()
    assert wired.all(Park) == wired.all(Refused) == []
    assert len(wired.link.outbox) == 1


def test_E13_what_got_through_and_is_never_answered_is_set_aside_after_its_attempts():
    """A pong behind the event proves that the CSMS has it: TCP keeps the order."""
    wired = Wired(attempts=2)
    for _ in range(2):
        wired.say_event()
        wired.pass_time(TIMEOUT_S / 2)
        assert wired.all(Ping)
        wired.pong()
        wired.pass_time(TIMEOUT_S / 2 + CLOSING_S)
        wired.reconnect()
    assert [refused.attempts for refused in wired.all(Refused)] == [1]
    assert [park.id for park in wired.all(Park)] == [1]


def test_E13_the_pong_to_an_earlier_ping_proves_nothing():
    wired = Wired(attempts=1, ping_interval_s=10)
    wired.say_event()
    wired.pass_time(10)
    assert len(wired.all(Ping)) == 1
    wired.pass_time(5)
    assert len(wired.all(Ping)) == 2
    wired.pong()
    wired.pass_time(TIMEOUT_S)
    assert wired.all(Park) == wired.all(Refused) == []


def test_E13_without_pings_every_timeout_is_an_attempt():
    """Nothing else can be known (WebSocketPingInterval 0)."""
    wired = Wired(attempts=2, ping_interval_s=0)
    wired.say_event()
    wired.pass_time(TIMEOUT_S)
    assert [refused.attempts for refused in wired.all(Refused)] == [1]
    assert wired.all(Ping) == []


def test_a_ping_follows_only_a_call_that_waits_long():
    wired = Wired(attempts=1)
    wired.say_event()
    wired.pass_time(TIMEOUT_S / 2 - 0.1)
    wired.answer({})
    wired.pass_time(TIMEOUT_S)
    assert wired.all(Ping) == []
    assert wired.all(Answered) == [Answered(1)]


def test_nothing_is_said_on_a_connection_that_is_given_up():
    wired = Wired(attempts=1)
    wired.say_event()
    wired.pass_time(TIMEOUT_S)
    said = len(wired.all(Transmit))
    wired.link.take_events()
    wired.link.send(HeartbeatRequest(), asked_for=False, mono=wired.mono)
    wired.pass_time(CLOSING_S)
    assert len(wired.all(Transmit)) == said
    assert wired.link.take_events() == [CsmsAnswered(HeartbeatRequest(), CallFailed("Offline", "not connected"))]
    assert len(wired.all(Disconnect)) == 1


def test_an_answer_that_comes_while_the_connection_is_given_up_still_counts():
    wired = Wired(attempts=1, ping_interval_s=20)
    wired.link.timeout_s = wired.link.rpc.timeout_s = 120
    wired.say_event()
    wired.pass_time(40)
    assert wired.all(Disconnect) == [Disconnect("no answer to a ping")]
    wired.answer({})
    assert wired.all(Answered) == [Answered(1)]
    assert len(wired.link.outbox) == 0
