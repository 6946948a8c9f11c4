"""Which network profile is tried when: B10, with the erratum of 2025-04."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from agent.link.connection import Transmit
from agent.link.csms import CsmsLink
from agent.link.outbox import Outbox
from agent.link.profiles import Profiles
from agent.ocpp.messages.e_transactions import Transaction, TransactionEventRequest
from agent.vocabulary.commands import UseNetwork
from agent.vocabulary.values import NetworkProfile

EVENT = TransactionEventRequest(
    event_type="Started",
    timestamp=datetime(2026, 1, 1, tzinfo=UTC),
    trigger_reason="CablePluggedIn",
    seq_no=0,
    transaction_info=Transaction(transaction_id="1"),
)

FIRST, SECOND, THIRD = (NetworkProfile(slot, f"ws://csms{slot}/ocpp") for slot in (1, 2, 3))


def using(
    *entries: NetworkProfile, good: NetworkProfile | None = None, attempts: int = 2, stood: bool = False
) -> Profiles:
    profiles = Profiles()
    profiles.attempts = attempts
    profiles.use(entries, good)
    if stood:
        stand(profiles)
    return profiles


def stand(profiles: Profiles) -> bool:
    """A connection comes about and the CSMS accepts the station; whether it is another one."""
    switched = profiles.opened()
    profiles.works()
    return switched


def tries(profiles: Profiles, count: int) -> list[int]:
    """The slots of so many attempts that all fail."""
    slots = []
    for _ in range(count):
        assert profiles.current is not None
        slots.append(profiles.current.slot)
        profiles.closed()
    return slots


def test_B10_FR_04_the_first_entry_is_tried_first():
    assert tries(using(SECOND, FIRST), 1) == [2]


def test_B10_FR_03_every_entry_gets_its_attempts_in_the_order_of_the_list():
    assert tries(using(SECOND, FIRST, THIRD, attempts=3), 9) == [2, 2, 2, 1, 1, 1, 3, 3, 3]


def test_B10_FR_07_then_the_one_that_worked_last_and_B10_FR_08_then_the_list_again():
    assert tries(using(SECOND, THIRD, good=FIRST), 10) == [2, 2, 3, 3, 1, 1, 2, 2, 3, 3]


def test_what_worked_last_need_not_be_in_the_list_any_more():
    overwritten = NetworkProfile(1, "ws://typo/ocpp")
    profiles = using(overwritten, good=FIRST, attempts=1)
    profiles.closed()
    assert profiles.current == FIRST


def test_one_entry_is_tried_for_ever():
    assert tries(using(FIRST, attempts=1), 50) == [1] * 50


def test_B10_FR_03_after_a_loss_it_begins_with_the_profile_that_stood():
    profiles = using(SECOND, FIRST, THIRD)
    tries(profiles, 2)
    stand(profiles)
    profiles.closed()
    assert tries(profiles, 8) == [1, 1, 2, 2, 3, 3, 2, 2]


def test_one_failure_less_than_the_attempts_and_a_success_counts_anew():
    profiles = using(FIRST, SECOND)
    tries(profiles, 1)
    stand(profiles)
    profiles.closed()
    assert tries(profiles, 3) == [1, 1, 2]


def test_a_csms_that_takes_every_connection_and_never_accepts_the_station_is_left():
    profiles = using(SECOND, FIRST, good=FIRST)
    for slot in (2, 2, 1):
        assert profiles.current is not None
        assert profiles.current.slot == slot
        profiles.opened()
        profiles.closed()


def test_B10_FR_10_another_profile_than_before_is_a_switch():
    profiles = using(FIRST, SECOND, attempts=1)
    assert not stand(profiles)  # the first of this start: it boots anyway
    profiles.closed()
    assert not stand(profiles)
    profiles.closed()
    profiles.closed()
    assert stand(profiles)
    profiles.closed()
    assert not stand(profiles)


def test_a_list_that_gets_shorter_leaves_the_connection_that_stands():
    profiles = using(SECOND, FIRST, attempts=1, stood=True)
    profiles.use((SECOND,), SECOND)
    profiles.closed()
    assert tries(profiles, 3) == [2, 2, 2]


def test_without_a_profile_there_is_none():
    profiles = using()
    profiles.closed()
    assert profiles.current is None


@given(
    entries=st.lists(st.sampled_from((FIRST, SECOND, THIRD)), min_size=1, max_size=3, unique=True),
    good=st.sampled_from((None, FIRST, THIRD)),
    attempts=st.integers(1, 4),
    outcomes=st.lists(st.booleans(), max_size=30),
)
def test_B10_FR_09_whatever_happened_every_entry_comes_to_its_turn(
    entries: list[NetworkProfile], good: NetworkProfile | None, attempts: int, outcomes: list[bool]
):
    profiles = using(*entries, good=good, attempts=attempts)
    for opened in outcomes:
        if opened:
            stand(profiles)
        profiles.closed()
    seen = set(tries(profiles, (2 * len(entries) + 3) * attempts))
    assert seen >= {entry.slot for entry in entries}


def test_B10_FR_10_what_waits_is_not_told_to_another_csms_before_it_has_accepted_the_station():
    link = CsmsLink(Outbox(), Random(1))
    link.use(UseNetwork((FIRST, SECOND)))
    link.profiles.attempts = 1
    link.power_on(0.0)
    link.receive_opened("ocpp2.0.1", 0.0)
    link.admit("all", 0.0)
    link.receive_closed("gone", 1.0)
    link.receive_closed("nobody there", 10.0)
    row = link.outbox.append(EVENT, "1", 0)
    link.receive_stored(row.id, 20.0)
    link.receive_opened("ocpp2.0.1", 100.0)
    link.expire(100.0)
    assert not said(link)
    link.admit("all", 101.0)
    assert len(said(link)) == 1


def said(link: CsmsLink) -> list[str]:
    """What was sent since the last call."""
    return [command.frame for command in link.take_commands() if isinstance(command, Transmit)]
