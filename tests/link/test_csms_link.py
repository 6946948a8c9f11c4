"""The link without a socket: what is said when, one call at a time, and what becomes of it when it breaks."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from agent.link.connection import Connect, Disconnect, LinkCommand, Ping, Transmit
from agent.link.conversation import FAIR_SHARE
from agent.link.csms import CsmsLink
from agent.link.disk import Answered, Park, ReadRows, Refused, Row, Waiting
from agent.link.outbox import CUT_OFFS_IN_DOUBT, MOST_CUT_OFFS, WINDOW, Outbox
from agent.ocpp.messages import b_provisioning as b
from agent.ocpp.messages.a_security import SecurityEventNotificationRequest
from agent.ocpp.messages.base import Request
from agent.ocpp.messages.e_transactions import Transaction, TransactionEventRequest
from agent.ocpp.messages.g_availability import HeartbeatRequest, StatusNotificationRequest
from agent.vocabulary.commands import TuneLink
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

START = datetime(2026, 1, 1, tzinfo=UTC)
TIME = {"currentTime": "2026-01-01T00:00:00Z"}
BOOT = b.BootNotificationRequest(charging_station=b.ChargingStation(model="M", vendor_name="V"), reason="PowerUp")
TUNING = TuneLink(
    timeout_s=30.0,
    ping_interval_s=60.0,
    back_off_minimum_s=5.0,
    back_off_random_s=0.0,
    back_off_doublings=2,
    attempts=3,
    attempt_interval_s=10.0,
)


def tx_event(number: int) -> TransactionEventRequest:
    return TransactionEventRequest(
        event_type="Updated",
        timestamp=START,
        trigger_reason="ChargingStateChanged",
        seq_no=number,
        transaction_info=Transaction(transaction_id="t"),
    )


def status(connector: int = 1) -> StatusNotificationRequest:
    return StatusNotificationRequest(timestamp=START, connector_status="Available", evse_id=1, connector_id=connector)


class Wire:
    """A link with everything around it played by hand; ``said`` is every call that went out, as (action, payload)."""

    def __init__(self, *, outbox: Outbox | None = None, **tuning: float) -> None:
        self.mono = 1000.0
        self.link = CsmsLink(outbox or Outbox(), Random(3))
        self.link.tune(TuneLink(**{**TUNING_FIELDS, **tuning}), self.mono)
        self.commands: list[LinkCommand] = []
        self.events: list[Incoming] = []
        self.said: list[tuple[str, dict[str, Any]]] = []
        self.ids: list[str] = []
        self.replies: list[list[Any]] = []
        self.link.power_on(self.mono)
        self.look()

    def look(self) -> None:
        for command in self.link.take_commands():
            self.commands.append(command)
            if isinstance(command, Transmit):
                frame = json.loads(command.frame)
                if frame[0] == 2:
                    self.ids.append(frame[1])
                    self.said.append((frame[2], frame[3]))
                else:
                    self.replies.append(frame)
        self.events += self.link.take_events()

    def open(self, admit: str = "all") -> Wire:
        self.link.receive_opened("ocpp2.0.1", self.mono)
        self.link.admit(admit, self.mono)  # type: ignore[arg-type]
        self.look()
        return self

    def close(self, reason: str = "gone") -> None:
        self.link.receive_closed(reason, self.mono)
        self.look()

    def send(self, request: Request, *, asked_for: bool = False) -> None:
        self.link.send(request, asked_for=asked_for, mono=self.mono)
        self.look()

    def keep(self, request: TransactionEventRequest, *, stored: bool = True) -> Row:
        row = self.link.outbox.append(request, "t", request.seq_no)
        if stored:
            self.link.receive_stored(row.id, self.mono)
        self.look()
        return row

    def hear(self, frame: list[Any]) -> None:
        self.link.receive_frame(json.dumps(frame), self.mono)
        self.look()

    def answer(self, payload: dict[str, Any] | None = None) -> None:
        """Answer the last call."""
        self.hear([3, self.ids[-1], {} if payload is None else payload])

    def refuse(self, code: str = "InternalError") -> None:
        self.hear([4, self.ids[-1], code, "", {}])

    def pass_time(self, seconds: float) -> None:
        end = self.mono + seconds
        while (due := self.link.next_deadline(self.mono)) is not None and due <= end:
            self.mono = max(self.mono, due)
            self.link.expire(self.mono)
            self.look()
        self.mono = end

    @property
    def actions(self) -> list[str]:
        return [action for action, _ in self.said]

    def count(self, kind: type[Any]) -> int:
        return sum(isinstance(each, kind) for each in (*self.commands, *self.events))

    def outcomes(self) -> list[tuple[str, str]]:
        return [
            (event.request.action, event.outcome.code if isinstance(event.outcome, CallFailed) else "answered")
            for event in self.events
            if isinstance(event, CsmsAnswered)
        ]


TUNING_FIELDS = {name: getattr(TUNING, name) for name in TuneLink.__struct_fields__}


# ---- connecting ----


def test_at_power_on_it_connects_at_once():
    assert Wire().commands == [Connect()]


def test_an_open_connection_is_told_with_its_language():
    wire = Wire().open()
    assert wire.events == [LinkOpened("ocpp2.0.1")]
    assert wire.link.state == "open"


def test_an_attempt_that_fails_is_told_and_tried_again_after_its_wait():
    wire = Wire()
    wire.close("refused")
    assert wire.events == [LinkLost("refused", 5.0)]
    wire.pass_time(4.9)
    assert wire.count(Connect) == 1
    wire.pass_time(0.2)
    assert wire.count(Connect) == 2


def test_waits_grow_while_it_fails_and_start_anew_after_it_stood():
    wire = Wire()
    for _ in range(4):
        wire.close()
        wire.pass_time(60)
    wire.open()
    wire.close()
    assert [event.retry_s for event in wire.events if isinstance(event, LinkLost)] == [5.0, 10.0, 20.0, 20.0, 5.0]


def test_a_language_that_was_not_offered_ends_it():
    wire = Wire()
    wire.link.receive_opened("ocpp1.6", wire.mono)
    wire.look()
    assert wire.count(Disconnect) == 1
    assert wire.count(LinkOpened) == 0
    wire.close("no common version")
    assert wire.count(LinkLost) == 1


# ---- what may be said ----


def test_B01_FR_08_before_the_boot_is_answered_nothing_else_is_said():
    wire = Wire().open("boot")
    wire.keep(tx_event(0))
    wire.send(status())
    wire.send(HeartbeatRequest(), asked_for=True)
    assert wire.said == []
    wire.send(BOOT)
    assert wire.actions == ["BootNotification"]
    wire.answer({**TIME, "interval": 0, "status": "Rejected"})
    assert wire.actions == ["BootNotification"]


def test_B02_FR_02_while_pending_only_what_was_asked_for():
    wire = Wire().open("asked")
    wire.keep(tx_event(0))
    wire.send(status())
    wire.send(HeartbeatRequest(), asked_for=True)
    assert wire.actions == ["Heartbeat"]
    wire.answer(TIME)
    assert wire.actions == ["Heartbeat"]


def test_accepted_everything_that_waited_goes():
    wire = Wire().open("boot")
    wire.keep(tx_event(0))
    wire.send(status())
    wire.link.admit("all", wire.mono)
    wire.look()
    wire.answer()
    assert wire.actions == ["StatusNotification", "TransactionEvent"]


# ---- one at a time ----


def test_one_call_is_in_flight_at_a_time():
    wire = Wire().open()
    for number in range(3):
        wire.send(status(number + 1))
    assert len(wire.said) == 1
    wire.answer()
    assert [payload["connectorId"] for _, payload in wire.said] == [1, 2]


def test_every_call_has_an_id_of_its_own_of_36_characters():
    wire = Wire().open()
    for _ in range(10):
        wire.send(status())
        wire.answer()
    assert len(set(wire.ids)) == 10
    assert {len(each) for each in wire.ids} == {36}


def test_events_leave_in_order_one_after_the_other_was_answered():
    wire = Wire().open()
    for number in range(5):
        wire.keep(tx_event(number))
    for _ in range(5):
        wire.answer()
    assert [payload["seqNo"] for _, payload in wire.said] == [0, 1, 2, 3, 4]
    assert [command.id for command in wire.commands if isinstance(command, Answered)] == [1, 2, 3, 4, 5]


def test_an_event_that_is_not_on_disk_yet_is_not_said():
    wire = Wire().open()
    row = wire.keep(tx_event(0), stored=False)
    assert wire.said == []
    wire.link.receive_stored(row.id, wire.mono)
    wire.look()
    assert wire.actions == ["TransactionEvent"]


def test_news_overtakes_history_but_not_for_ever():
    wire = Wire().open()
    wire.send(HeartbeatRequest())
    for number in range(3):
        wire.keep(tx_event(number))
    for number in range(30):
        wire.send(status(number + 1))
    wire.answer(TIME)
    for _ in range(25):
        wire.answer()
    places = [index for index, action in enumerate(wire.actions) if action == "TransactionEvent"]
    assert places == [FAIR_SHARE, 2 * FAIR_SHARE + 1, 3 * FAIR_SHARE + 2]


def test_an_answer_of_ours_need_not_wait_for_the_answer_to_ours():
    wire = Wire().open()
    wire.send(status())
    wire.hear([2, "c1", "Reset", {"type": "OnIdle"}])
    assert isinstance(wire.events[-1], CsmsCalled)
    wire.link.answer("c1", b.ResetResponse(status="Accepted"), wire.mono)
    wire.look()
    assert wire.replies == [[3, "c1", {"status": "Accepted"}]]
    assert len(wire.said) == 1


def test_a_refusal_is_a_callerror():
    wire = Wire().open()
    wire.hear([2, "c1", "Reset", {"type": "OnIdle"}])
    wire.link.refuse("c1", "SecurityError", "rejected", wire.mono)
    wire.look()
    assert [reply[:3] for reply in wire.replies] == [[4, "c1", "SecurityError"]]


def test_outcomes_are_told_with_what_was_asked():
    wire = Wire().open()
    wire.send(status())
    wire.answer()
    wire.send(HeartbeatRequest())
    wire.refuse("NotImplemented")
    assert wire.outcomes() == [("StatusNotification", "answered"), ("Heartbeat", "NotImplemented")]


def test_an_answer_that_cannot_be_read_is_an_answer_all_the_same():
    wire = Wire().open()
    wire.send(HeartbeatRequest())
    wire.answer({"currentTime": "soon"})
    assert [outcome[0] for outcome in wire.outcomes()] == ["Heartbeat"]
    assert wire.outcomes()[0][1] != "answered"
    wire.send(status())
    assert wire.actions == ["Heartbeat", "StatusNotification"]


def test_nonsense_is_told_and_changes_nothing():
    wire = Wire().open()
    wire.hear([3, "nobody-asked", {}])
    assert wire.count(LinkWarned) == 1
    wire.send(status())
    wire.answer()
    assert wire.outcomes() == [("StatusNotification", "answered")]


# ---- offline ----


def test_what_is_lost_offline_is_told_at_once():
    wire = Wire()
    wire.send(status())
    assert wire.outcomes() == [("StatusNotification", "Offline")]


def test_what_waited_when_the_connection_went_is_told():
    wire = Wire().open()
    for number in range(3):
        wire.send(status(number + 1))
    wire.close()
    assert wire.outcomes() == [("StatusNotification", "Offline")] * 3
    assert wire.count(LinkLost) == 1


def test_an_event_that_was_in_flight_is_said_again_and_that_counts_as_no_attempt():
    wire = Wire(attempts=2).open()
    wire.keep(tx_event(0))
    for _ in range(CUT_OFFS_IN_DOUBT - 1):
        wire.close()
        wire.pass_time(30)
        wire.open()
    assert wire.actions == ["TransactionEvent"] * CUT_OFFS_IN_DOUBT
    assert wire.count(Park) == 0
    assert wire.said[-1][1]["offline"] is True
    wire.refuse()
    assert (wire.count(Refused), wire.count(Park)) == (1, 0)


def test_E11_events_wait_for_the_connection():
    wire = Wire().open()
    wire.close()
    for number in range(3):
        wire.keep(tx_event(number))
    assert wire.said == []
    wire.pass_time(10)
    wire.open()
    for _ in range(3):
        wire.answer()
    assert [(payload["seqNo"], payload["offline"]) for _, payload in wire.said] == [(0, True), (1, True), (2, True)]


def test_a_call_that_comes_before_the_answer_left_is_not_answered_on_the_next_connection():
    wire = Wire().open()
    wire.hear([2, "c1", "Reset", {"type": "OnIdle"}])
    wire.close()
    wire.pass_time(10)
    wire.open()
    wire.link.answer("c1", b.ResetResponse(status="Accepted"), wire.mono)
    wire.look()
    assert wire.replies == []


def test_the_end_of_the_queue_is_told():
    wire = Wire().open()
    wire.keep(tx_event(0))
    wire.keep(tx_event(1))
    wire.answer()
    assert wire.count(OutboxDrained) == 0
    wire.answer()
    assert wire.count(OutboxDrained) == 1


def test_a_long_queue_is_read_from_disk_page_by_page():
    wire = Wire(outbox=Outbox(next_id=201, waiting=Waiting(200, 20_000, {"t": 200}))).open()
    source = Outbox()
    rows = [source.append(tx_event(number), "t", number) for number in range(200)]
    served = 0
    while len(wire.said) < 200:
        asked = [command for command in wire.commands if isinstance(command, ReadRows)]
        if len(asked) > served:
            served = len(asked)
            page = [row for row in rows if row.id > asked[-1].after][: asked[-1].limit]
            wire.link.receive_rows(page, wire.mono)
            wire.look()
        else:
            wire.answer()
    assert [payload["seqNo"] for _, payload in wire.said] == list(range(200))
    assert served <= 200 // (WINDOW // 2) + 1


# ---- E13 ----


def test_E13_an_event_that_is_refused_goes_again_after_its_wait_and_news_goes_meanwhile():
    wire = Wire(attempt_interval_s=10.0).open()
    wire.keep(tx_event(0))
    wire.keep(tx_event(1))
    wire.refuse()
    wire.send(status())
    wire.answer()
    assert wire.actions == ["TransactionEvent", "StatusNotification"]
    wire.pass_time(9.9)
    assert len(wire.said) == 2
    wire.pass_time(0.2)
    assert wire.said[-1][1]["seqNo"] == 0
    assert wire.count(Refused) == 1


def test_E13_FR_04_after_the_last_attempt_it_is_parked_and_the_next_one_goes():
    wire = Wire(attempts=2, attempt_interval_s=10.0).open()
    wire.keep(tx_event(0))
    wire.keep(tx_event(1))
    wire.refuse()
    wire.pass_time(11)
    wire.refuse()
    assert [command.id for command in wire.commands if isinstance(command, Park)] == [1]
    assert [payload["seqNo"] for _, payload in wire.said] == [0, 0, 1]


@pytest.mark.parametrize("code", ["NotImplemented", "NotSupported"])
def test_an_event_of_no_transaction_that_the_csms_does_not_know_holds_up_no_other(code: str):
    wire = Wire().open()
    event = SecurityEventNotificationRequest(type="StartupOfTheDevice", timestamp=START)
    wire.link.receive_stored(wire.link.outbox.append(event).id, wire.mono)
    wire.look()
    wire.keep(tx_event(1))
    wire.refuse(code)
    assert [command.id for command in wire.commands if isinstance(command, Park)] == [1]
    assert wire.actions == ["SecurityEventNotification", "TransactionEvent"]


def test_what_cannot_be_said_in_this_language_is_parked_and_the_next_one_goes():
    wire = Wire().open()
    endless = TransactionEventRequest(
        event_type="Updated",
        timestamp=START,
        trigger_reason="ChargingStateChanged",
        seq_no=0,
        transaction_info=Transaction(transaction_id="t" * 99),
    )
    wire.keep(endless)
    wire.keep(tx_event(1))
    assert wire.count(Park) == 1
    assert [payload["seqNo"] for _, payload in wire.said] == [1]
    assert wire.outcomes() == [("TransactionEvent", "Unsayable")]


# ---- silence ----


def test_a_call_without_an_answer_ends_the_connection_and_nothing_more_is_said_on_it():
    wire = Wire(timeout_s=30.0, ping_interval_s=0.0).open()
    wire.send(status(1))
    wire.send(status(2))
    wire.pass_time(29.9)
    assert wire.count(Disconnect) == 0
    wire.pass_time(0.2)
    assert wire.count(Disconnect) == 1
    assert wire.outcomes() == [("StatusNotification", "Timeout")]
    wire.send(status(3))
    assert len(wire.said) == 1
    wire.close("we gave up")
    assert ("StatusNotification", "Offline") in wire.outcomes()


def test_the_next_connection_begins_with_what_was_in_flight():
    wire = Wire().open()
    wire.keep(tx_event(0))
    wire.close()
    wire.pass_time(10)
    wire.open()
    assert wire.said[-1][1]["seqNo"] == 0
    assert wire.count(Answered) == 0


def reopen(wire: Wire) -> None:
    """The connection that was given up, or lost, is made again."""
    if wire.link.state != "waiting":
        wire.close()
    while wire.link.state == "waiting":
        wire.pass_time(1)
    wire.open()


def fall_silent(wire: Wire) -> None:
    """The last call gets no answer, but the wire is alive; on the next connection something is said in time."""
    said = len(wire.said)
    wire.pass_time(16)
    wire.link.receive_pong(wire.mono)
    wire.pass_time(15)
    reopen(wire)
    while len(wire.said) == said:
        wire.pass_time(1)


def test_what_had_no_answer_is_said_again_once_the_csms_has_shown_that_it_lives():
    wire = Wire(attempt_interval_s=10.0).open()
    wire.keep(tx_event(0))
    fall_silent(wire)
    assert wire.actions == ["TransactionEvent", "Heartbeat"]
    wire.answer(TIME)
    assert wire.actions == ["TransactionEvent", "Heartbeat", "TransactionEvent"]
    wire.answer()
    assert wire.count(Answered) == 1
    assert wire.outcomes()[-2:] == [("Heartbeat", "answered"), ("TransactionEvent", "answered")]


@pytest.mark.parametrize("attempts", [2, 3, 5])
def test_E13_FR_04_an_event_that_is_never_answered_is_parked_by_a_csms_that_answers_heartbeats(attempts: int):
    """Nothing else is said on this station, and the event after it must go."""
    wire = Wire(attempts=attempts, attempt_interval_s=10.0).open()
    wire.keep(tx_event(0))
    wire.keep(tx_event(1))
    for _ in range(attempts - 1):
        fall_silent(wire)
        assert wire.actions[-1] == "Heartbeat"
        wire.answer(TIME)
        assert wire.said[-1][1]["seqNo"] == 0
    assert wire.count(Park) == 0
    fall_silent(wire)
    parked = [command for command in wire.commands if isinstance(command, Park)]
    assert [(command.id, command.attempts) for command in parked] == [(1, attempts)]
    assert wire.said[-1][1]["seqNo"] == 1
    wire.answer()
    assert wire.count(OutboxDrained) == 1


def test_no_event_is_parked_by_a_csms_that_answers_heartbeats_no_more():
    wire = Wire(attempts=3, attempt_interval_s=10.0).open()
    wire.keep(tx_event(0))
    for _ in range(40):
        fall_silent(wire)
    assert wire.count(Park) == 0
    assert {"TransactionEvent", "Heartbeat"} == set(wire.actions)


def test_silence_about_everything_is_not_counted_against_an_event_when_the_csms_is_back():
    wire = Wire(attempts=3, attempt_interval_s=10.0).open()
    wire.keep(tx_event(0))
    fall_silent(wire)
    wire.answer(TIME)
    fall_silent(wire)
    assert wire.actions[-1] == "Heartbeat"  # the next failure would be the third
    fall_silent(wire)
    assert wire.actions[-1] == "TransactionEvent"
    fall_silent(wire)
    assert wire.count(Park) == 0


def test_without_an_answer_in_doubt_nothing_is_asked_for_where_something_else_was_answered():
    wire = Wire(attempts=3, attempt_interval_s=60.0).open()
    wire.keep(tx_event(0))
    wire.pass_time(16)
    wire.link.receive_pong(wire.mono)
    wire.pass_time(15)
    reopen(wire)
    wire.send(status())
    wire.answer()
    wire.pass_time(60)
    assert wire.actions == ["TransactionEvent", "StatusNotification", "TransactionEvent"]


def cut_off(wire: Wire, times: int, *, csms_lives: bool = True) -> None:
    """So many connections end with the event in flight; a Heartbeat before it is answered, or is cut off itself."""
    for _ in range(times):
        if wire.actions[-1] == "Heartbeat" and csms_lives:
            wire.answer(TIME)
        wire.close("1011 internal error")
        reopen(wire)


def test_an_event_at_which_the_csms_breaks_off_every_time_is_parked_and_the_next_one_goes():
    wire = Wire().open()
    wire.keep(tx_event(0))
    wire.keep(tx_event(1))
    cut_off(wire, MOST_CUT_OFFS - 1)
    assert wire.count(Park) == 0
    assert wire.actions.count("Heartbeat") == MOST_CUT_OFFS - CUT_OFFS_IN_DOUBT
    cut_off(wire, 1)
    assert [command.id for command in wire.commands if isinstance(command, Park)] == [1]
    assert wire.said[-1][1]["seqNo"] == 1


def test_a_network_that_breaks_off_every_time_parks_nothing():
    wire = Wire().open()
    wire.keep(tx_event(0))
    cut_off(wire, 5 * MOST_CUT_OFFS, csms_lives=False)
    assert wire.count(Park) == 0


def test_pings_go_at_their_interval():
    wire = Wire(ping_interval_s=60.0).open()
    for _ in range(5):
        wire.pass_time(60)
        wire.link.receive_pong(wire.mono)
    assert wire.count(Ping) == 5
    assert wire.count(Disconnect) == 0


def test_without_an_interval_there_are_no_pings():
    wire = Wire(ping_interval_s=0.0).open()
    wire.pass_time(86_400)
    assert wire.count(Ping) == 0


@pytest.mark.parametrize(("timeout_s", "ping_s", "patience_s"), [(30.0, 60.0, 30.0), (30.0, 10.0, 10.0)])
def test_a_half_open_connection_is_noticed(timeout_s: float, ping_s: float, patience_s: float):
    wire = Wire(timeout_s=timeout_s, ping_interval_s=ping_s).open()
    wire.pass_time(ping_s + patience_s - 0.1)
    assert wire.count(Disconnect) == 0
    wire.pass_time(0.2)
    assert wire.count(Disconnect) == 1


def test_a_late_pong_is_good_enough():
    wire = Wire(timeout_s=30.0, ping_interval_s=60.0).open()
    wire.pass_time(60 + 29)
    wire.link.receive_pong(wire.mono)
    wire.pass_time(20)
    assert wire.count(Disconnect) == 0


def test_an_interval_that_is_set_counts_at_once():
    wire = Wire(ping_interval_s=0.0).open()
    wire.link.tune(TuneLink(**{**TUNING_FIELDS, "ping_interval_s": 10.0}), wire.mono)
    wire.pass_time(11)
    assert wire.count(Ping) == 1


def test_a_dead_wire_is_no_failed_attempt_but_a_silent_csms_is():
    """The pong says which it was."""
    dead, silent = Wire(attempts=1).open(), Wire(attempts=1).open()
    for wire in (dead, silent):
        wire.keep(tx_event(0))
        wire.pass_time(16)
        assert wire.count(Ping) == 1
    silent.link.receive_pong(silent.mono)
    for wire in (dead, silent):
        wire.pass_time(15)
        assert wire.count(Disconnect) == 1
    assert (dead.count(Refused), silent.count(Refused)) == (0, 1)
