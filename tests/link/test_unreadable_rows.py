"""A row that nobody here can read, of another release or damaged, holds up no other."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

from agent.link.csms import CsmsLink
from agent.link.disk import Park, ReadRows, Row, Waiting
from agent.link.outbox import Outbox
from agent.ocpp.messages import dump
from agent.ocpp.messages.e_transactions import Transaction, TransactionEventRequest

WHEN = datetime(2026, 1, 1, tzinfo=UTC)


def event(number: int) -> bytes:
    info = Transaction(transaction_id="T")
    return dump(
        TransactionEventRequest(
            event_type="Updated", timestamp=WHEN, trigger_reason="Trigger", seq_no=number, transaction_info=info
        )
    )


def test_unreadable_rows_are_parked_and_the_others_go_on() -> None:
    rows = [
        Row(1, "TransactionEvent", event(0), "T", 0),
        Row(2, "TransactionEvent", b"nonsense", "T", 1),
        Row(3, "MakeCoffee", b"{}", "T", 2),
        Row(4, "TransactionEvent", event(3), "T", 3),
    ]
    waiting = Waiting(4, sum(len(row.message) for row in rows), {"T": 4})
    link = CsmsLink(Outbox(next_id=5, waiting=waiting), Random(1))
    link.power_on(0.0)
    assert any(isinstance(command, ReadRows) for command in link.take_commands())
    link.receive_rows(rows, 0.0)
    assert [command.id for command in link.take_commands() if isinstance(command, Park)] == [2, 3]
    sent = []
    while (entry := link.outbox.head(0.0)) is not None:
        sent.append(entry.id)
        link.outbox.answered(entry)
    assert sent == [1, 4]
    assert len(link.outbox) == 0
    assert link.outbox.waiting_bytes == 0
    assert not link.outbox.waiting("T")
