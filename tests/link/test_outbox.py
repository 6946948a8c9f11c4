"""The queue: in order, each once, durable before it is said, little in memory however much waits (E04, E11, E13)."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.link.disk import Row, Waiting
from agent.link.outbox import WINDOW, Entry, Outbox
from agent.ocpp.messages.e_transactions import Transaction, TransactionEventRequest

START = datetime(2026, 1, 1, tzinfo=UTC)


def event(number: int, transaction_id: str = "t") -> TransactionEventRequest:
    return TransactionEventRequest(
        event_type="Updated",
        timestamp=START,
        trigger_reason="MeterValuePeriodic",
        seq_no=number,
        transaction_info=Transaction(transaction_id=transaction_id),
    )


class Disk:
    """Rows by id.  Writes wait in ``handed_in`` until ``commit``; an outbox of a later start finds them."""

    def __init__(self) -> None:
        self.rows: dict[int, Row] = {}
        self.handed_in: list[Row] = []
        self.reads = 0

    def commit(self, outbox: Outbox) -> None:
        for row in self.handed_in:
            self.rows[row.id] = row
        if self.handed_in:
            up_to = self.handed_in[-1].id
            self.handed_in.clear()
            outbox.stored(up_to)

    def serve(self, outbox: Outbox) -> bool:
        wanted = outbox.take_read()
        if wanted is None:
            return False
        self.reads += 1
        outbox.rows_read([row for id, row in sorted(self.rows.items()) if id > wanted.after][: wanted.limit])
        return True

    def waiting(self) -> Waiting:
        of = Counter(row.transaction_id for row in self.rows.values())
        return Waiting(len(self.rows), sum(len(row.message) for row in self.rows.values()), dict(of))


def append(outbox: Outbox, disk: Disk, number: int) -> None:
    disk.handed_in.append(outbox.append(event(number), "t", number))


def deliver(outbox: Outbox, disk: Disk, mono: float = 0.0) -> int | None:
    """Send the next one and let it be answered; its number."""
    entry = outbox.head(mono)
    if entry is None:
        return None
    request = outbox.request_to_send(entry, mono)
    outbox.answered(entry)
    disk.rows.pop(entry.id, None)
    assert isinstance(request, TransactionEventRequest)
    return request.seq_no


def in_memory(outbox: Outbox) -> int:
    return len(outbox._window) + len(outbox._tail)


def filled(count: int) -> tuple[Outbox, Disk]:
    outbox, disk = Outbox(), Disk()
    for number in range(count):
        append(outbox, disk, number)
    disk.commit(outbox)
    return outbox, disk


def head(outbox: Outbox, mono: float = 0.0) -> Entry:
    entry = outbox.head(mono)
    assert entry is not None
    return entry


# ---- order and paging ----


def test_10_000_messages_leave_in_order_and_only_a_window_of_them_is_in_memory():
    outbox, disk = Outbox(), Disk()
    most = 0
    for number in range(10_000):
        append(outbox, disk, number)
        disk.commit(outbox)
        most = max(most, in_memory(outbox))
    assert len(outbox) == 10_000
    sent: list[int | None] = []
    while len(outbox):
        disk.serve(outbox)
        sent.append(deliver(outbox, disk))
        most = max(most, in_memory(outbox))
    assert sent == list(range(10_000))
    assert most <= WINDOW + WINDOW // 2
    assert disk.reads <= 10_000 // (WINDOW // 2) + 1
    assert disk.rows == {}


def test_what_an_earlier_start_left_is_read_and_goes_first():
    _, disk = filled(1000)
    outbox = Outbox(next_id=1001, waiting=disk.waiting())
    append(outbox, disk, 1000)
    disk.commit(outbox)
    sent: list[int | None] = []
    while len(outbox):
        disk.serve(outbox)
        sent.append(deliver(outbox, disk))
    assert sent == list(range(1001))


def test_nothing_is_sent_out_of_turn_while_a_page_is_being_read():
    _, disk = filled(10)
    outbox = Outbox(next_id=11, waiting=disk.waiting())
    wanted = outbox.take_read()
    assert wanted is not None
    assert outbox.take_read() is None  # one page at a time
    append(outbox, disk, 10)
    disk.commit(outbox)
    assert outbox.head(0.0) is None
    outbox.rows_read([row for id, row in sorted(disk.rows.items()) if id > wanted.after][: wanted.limit])
    assert [deliver(outbox, disk) for _ in range(11)] == list(range(11))


def test_a_disk_that_lost_its_rows_stops_nobody():
    outbox = Outbox(next_id=11, waiting=Waiting(10, 100, {"t": 10}))
    disk = Disk()
    assert disk.serve(outbox)
    append(outbox, disk, 10)
    disk.commit(outbox)
    assert deliver(outbox, disk) == 10


class _Model:
    """What a queue has to do, in the simplest words."""

    def __init__(self) -> None:
        self.made = 0
        self.sent: list[int] = []
        self.parked: list[int] = []


STEPS = st.lists(
    st.sampled_from(["append", "commit", "serve", "send", "refuse", "burst", "link", "restart"]), max_size=120
)


@given(STEPS)
@settings(max_examples=150)
def test_in_any_order_of_work_every_message_leaves_once_and_in_turn(steps: list[str]):
    outbox, disk, model, mono = Outbox(), Disk(), _Model(), 0.0
    for step in steps:
        mono += 1000.0
        match step:
            case "append" | "burst":
                for _ in range(1 if step == "append" else WINDOW):
                    append(outbox, disk, model.made)
                    model.made += 1
            case "commit":
                disk.commit(outbox)
            case "serve":
                disk.serve(outbox)
            case "send":
                number = deliver(outbox, disk, mono)
                model.sent += [] if number is None else [number]
            case "refuse":
                _refuse(outbox, disk, model, mono)
            case "link":
                outbox.link_changed()
            case "restart":  # what no commit has taken is gone, as in a power cut
                model.made -= len(disk.handed_in)
                disk.handed_in.clear()
                outbox = Outbox(next_id=max(disk.rows, default=outbox._next_id - 1) + 1, waiting=disk.waiting())
        assert len(outbox) == len(disk.rows) + len(disk.handed_in)
        assert all(entry.durable for entry in list(outbox._window)[:1] if entry.id in disk.rows)
    disk.commit(outbox)
    while len(outbox):
        mono += 1000.0
        disk.serve(outbox)
        number = deliver(outbox, disk, mono)
        model.sent += [] if number is None else [number]
    assert model.sent == sorted(model.sent)
    assert sorted(model.sent + model.parked) == list(range(model.made))


def _refuse(outbox: Outbox, disk: Disk, model: _Model, mono: float) -> None:
    entry = outbox.head(mono)
    if entry is None:
        return
    request = outbox.request_to_send(entry, mono)
    if outbox.refused(entry, mono, heard_mono=mono) == "park":
        del disk.rows[entry.id]
        assert isinstance(request, TransactionEventRequest)
        model.parked.append(request.seq_no)


# ---- durable before it is said ----


def test_nothing_is_said_before_it_is_on_disk():
    outbox, disk = Outbox(), Disk()
    append(outbox, disk, 0)
    assert outbox.head(0.0) is None
    disk.commit(outbox)
    assert deliver(outbox, disk) == 0


def test_with_a_disk_that_refuses_messages_go_from_memory_in_order():
    outbox, disk = Outbox(), Disk()
    outbox.disk_works = False
    for number in range(WINDOW * 3):
        append(outbox, disk, number)
    assert [deliver(outbox, disk) for _ in range(WINDOW * 3)] == list(range(WINDOW * 3))


def test_what_was_sent_from_memory_may_be_stored_later_without_coming_back():
    outbox, disk = Outbox(), Disk()
    outbox.disk_works = False
    append(outbox, disk, 0)
    assert deliver(outbox, disk) == 0
    outbox.disk_works = True
    outbox.stored(1)
    assert len(outbox) == 0
    assert outbox.head(0.0) is None


def test_a_message_is_forgotten_only_when_it_is_answered():
    outbox, disk = filled(1)
    outbox.request_to_send(head(outbox), 0.0)
    assert len(outbox) == 1
    outbox.answered(head(outbox))
    assert len(outbox) == 0
    assert disk.rows  # the answer has yet to reach the disk


# ---- offline ----


def sent_offline(outbox: Outbox) -> bool | None:
    request = outbox.request_to_send(head(outbox), 0.0)
    assert isinstance(request, TransactionEventRequest)
    outbox.answered(head(outbox))
    return request.offline


def test_E04_FR_03_what_was_made_without_a_connection_says_so():
    outbox, disk = filled(1)
    outbox.link_changed()  # it opens
    append(outbox, disk, 1)
    disk.commit(outbox)
    assert [sent_offline(outbox), sent_offline(outbox)] == [True, None]


def test_E11_FR_07_what_waits_when_the_connection_is_lost_says_so():
    outbox, _ = filled(0)
    outbox.link_changed()
    disk = Disk()
    append(outbox, disk, 0)
    disk.commit(outbox)
    outbox.link_changed()  # lost
    outbox.link_changed()  # open again
    assert sent_offline(outbox) is True


def test_E12_FR_02_what_an_earlier_start_left_says_so():
    _, disk = filled(2)
    outbox = Outbox(next_id=3, waiting=disk.waiting())
    disk.serve(outbox)
    assert sent_offline(outbox) is True


# ---- E13: not taken ----


def refuse(outbox: Outbox, mono: float, *, heard: bool = True) -> str:
    entry = head(outbox, mono)
    outbox.request_to_send(entry, mono)
    return outbox.refused(entry, mono, heard_mono=mono if heard else float("-inf"))


def test_E13_FR_03_the_wait_is_the_interval_times_the_transmissions_so_far():
    outbox, _ = filled(2)
    outbox.attempts, outbox.attempt_interval_s = 4, 10.0
    assert refuse(outbox, 100.0) == "again"
    assert (outbox.head(109.9), outbox.next_deadline(100.0)) == (None, 110.0)
    assert refuse(outbox, 110.0) == "again"
    assert (outbox.head(129.9), outbox.next_deadline(110.0)) == (None, 130.0)
    assert refuse(outbox, 130.0) == "again"
    assert outbox.next_deadline(130.0) == 160.0


def test_E13_FR_02_the_same_message_goes_again_and_the_next_one_waits():
    outbox, _ = filled(2)
    first = head(outbox)
    refuse(outbox, 0.0)
    assert head(outbox, 60.0) is first


@pytest.mark.parametrize("attempts", [1, 3])
def test_E13_FR_04_after_the_last_attempt_the_next_message_goes(attempts: int):
    outbox, disk = filled(2)
    outbox.attempts, outbox.attempt_interval_s = attempts, 0.0
    verdicts = [refuse(outbox, float(number)) for number in range(attempts)]
    assert verdicts == ["again"] * (attempts - 1) + ["park"]
    assert outbox.next_deadline(float(attempts)) is None
    assert deliver(outbox, disk, float(attempts)) == 1


def test_E13_success_before_the_last_attempt():
    outbox, disk = filled(1)
    outbox.attempt_interval_s = 0.0
    refuse(outbox, 0.0)
    assert deliver(outbox, disk, 1.0) == 0


def test_no_message_is_given_up_while_the_csms_answers_nothing_at_all():
    outbox, _ = filled(1)
    outbox.attempt_interval_s = 0.0
    assert [refuse(outbox, float(number), heard=False) for number in range(1, 10)] == ["again"] * 9


def test_what_cannot_be_said_is_set_aside_and_the_next_one_goes():
    outbox, disk = filled(2)
    outbox.unsayable(head(outbox))
    assert deliver(outbox, disk) == 1


def test_E14_what_waits_is_known_by_transaction():
    outbox, disk = Outbox(), Disk()
    disk.handed_in.append(outbox.append(event(0, "a"), "a", 0))
    disk.handed_in.append(outbox.append(event(0, "b"), "b", 0))
    disk.commit(outbox)
    assert (outbox.waiting("a"), outbox.waiting("b"), outbox.waiting("c"), outbox.waiting()) == (
        True,
        True,
        False,
        True,
    )
    deliver(outbox, disk)
    assert (outbox.waiting("a"), outbox.waiting("b")) == (False, True)
    deliver(outbox, disk)
    assert not outbox.waiting()
