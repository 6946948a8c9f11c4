"""IEC 61851-1: what a change of the pilot means; only a healthy, authorized vehicle in B or C gets power."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.session.authorization import Authorization
from agent.session.evse import Evse
from agent.session.layout import EvseLayout
from agent.session.pilot import facts_between
from agent.vocabulary.facts import (
    EvConnected,
    EvDisconnected,
    EvNeedsVentilation,
    EvReleasedPower,
    EvRequestedPower,
    EvseFaulted,
    Fact,
    PilotFailed,
    PilotHealed,
)
from agent.vocabulary.values import Now, Token
from hal.events import CpState, Event, HardwareFaulted, HardwareHealed, PilotChanged, PowerChanged

NOW = Now(datetime(2026, 1, 1, tzinfo=UTC), 1000.0)
RIGHT = Authorization(token=Token("04AABBCC"))
WIRED_A = EvseLayout(1).limit_a

MEANING = {
    # after: A     B     C      D      E    F
    "A": ("", "+", "+c", "+v", "!", ""),
    "B": ("-", "", "c", "v", "!", ""),
    "C": ("-", "o", "", "v", "!", "o"),
    "D": ("-", "o", "c", "", "!", "o"),
    "E": ("h-", "h+", "h+c", "h+v", "", "h"),
    "F": ("-", "+", "+c", "+v", "!", ""),
}
FACTS: dict[str, type[Fact]] = {
    "+": EvConnected,
    "-": EvDisconnected,
    "c": EvRequestedPower,
    "o": EvReleasedPower,
    "v": EvNeedsVentilation,
    "!": PilotFailed,
    "h": PilotHealed,
}
PAIRS = list(product(CpState, CpState))


def evse_in(state: CpState) -> Evse:
    """Authorized, in this state by a way that vehicles take."""
    evse = Evse(EvseLayout(1))
    evse.authorize(RIGHT)
    if state in (CpState.C, CpState.D, CpState.E):
        evse.receive(PilotChanged(1, CpState.B), NOW)
    evse.receive(PilotChanged(1, state), NOW)
    return evse


def test_there_are_36_pairs():
    assert len(PAIRS) == 36
    assert sum(len(row) for row in MEANING.values()) == 36


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_what_a_change_of_the_pilot_means(before: CpState, after: CpState):
    expected = MEANING[before][list(CpState).index(after)]
    assert facts_between(before, after) == tuple(FACTS[letter] for letter in expected)


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_power_is_permitted_in_B_and_C_only(before: CpState, after: CpState):
    evse = evse_in(before)
    evse.receive(PilotChanged(1, after), NOW)
    intent = evse.intent()
    ventilated = (before, after) == (CpState.D, CpState.B)  # the offer was withdrawn: nothing has changed
    assert intent.permit_power is (after in (CpState.B, CpState.C) and not ventilated)
    assert intent.limit_a == (WIRED_A if intent.permit_power else None)


@pytest.mark.parametrize("before", [state for state in CpState if state is not CpState.E])
def test_a_pair_that_makes_no_sense_is_a_fault_and_power_is_off(before: CpState):
    evse = evse_in(before)
    facts = evse.receive(PilotChanged(1, CpState.E), NOW)
    assert facts == [PilotFailed(1), EvseFaulted(1, "PilotFailure", None, "E", "")]
    assert evse.faulted()
    assert not evse.intent().permit_power


def test_a_pilot_that_makes_sense_again_heals():
    evse = evse_in(CpState.C)
    evse.receive(PilotChanged(1, CpState.E), NOW)
    facts = evse.receive(PilotChanged(1, CpState.C), NOW)
    assert [type(fact).__name__ for fact in facts] == ["PilotHealed", "EvseHealed", "EvRequestedPower"]
    assert evse.intent().permit_power


def test_a_vehicle_that_left_while_the_pilot_was_broken_is_gone():
    evse = evse_in(CpState.C)
    evse.receive(PilotChanged(1, CpState.E), NOW)
    assert EvDisconnected(1, 1) in evse.receive(PilotChanged(1, CpState.A), NOW)
    assert evse.plugged is None


def test_a_simplified_vehicle_goes_from_A_to_C():
    evse = Evse(EvseLayout(1))
    evse.authorize(RIGHT)
    assert evse.receive(PilotChanged(1, CpState.C), NOW) == [EvConnected(1, 1), EvRequestedPower(1)]
    assert evse.intent().permit_power


def test_a_vehicle_that_needs_ventilation_is_connected_but_gets_nothing():
    evse = evse_in(CpState.D)
    assert evse.plugged == 1
    assert not evse.intent().permit_power
    assert evse.charging_state(NOW.mono) == "SuspendedEVSE"


def test_a_vehicle_that_needs_ventilation_is_not_offered_current_again_and_again():
    evse = evse_in(CpState.D)
    evse.receive(PilotChanged(1, CpState.B), NOW)  # what it shows when the offer is withdrawn
    assert not evse.intent().permit_power
    assert evse.intent().limit_a is None
    assert evse.charging_state(NOW.mono) == "SuspendedEVSE"


def test_a_vehicle_that_does_without_ventilation_after_all_gets_power():
    evse = evse_in(CpState.D)
    evse.receive(PilotChanged(1, CpState.C), NOW)
    assert evse.intent().permit_power


def test_the_next_vehicle_is_another_one():
    evse = evse_in(CpState.D)
    evse.receive(PilotChanged(1, CpState.A), NOW)
    evse.authorize(RIGHT)
    evse.receive(PilotChanged(1, CpState.B), NOW)
    assert evse.intent().permit_power


def test_an_unknown_connector_number_is_the_first():
    evse = Evse(EvseLayout(1))
    assert evse.receive(PilotChanged(1, CpState.B, connector=7), NOW) == [EvConnected(1, 1)]


def test_the_same_state_twice_is_said_once():
    evse = evse_in(CpState.B)
    assert evse.receive(PilotChanged(1, CpState.B), NOW) == []


EVENTS = st.one_of(
    st.builds(PilotChanged, st.just(1), st.sampled_from(CpState)),
    st.builds(PowerChanged, st.just(1), st.booleans()),
    st.builds(HardwareFaulted, st.just(1), st.sampled_from(["GroundFailure", "PilotFailure", "ReaderFailure"])),
    st.builds(HardwareHealed, st.just(1), st.sampled_from(["GroundFailure", "PilotFailure", "ReaderFailure"])),
)


@given(st.lists(st.one_of(EVENTS, st.sampled_from(["authorize", "deauthorize"])), max_size=30))
def test_whatever_comes_power_is_never_permitted_without_right_health_and_vehicle(steps: list[Event | str]):
    evse = Evse(EvseLayout(1))
    for step in steps:
        if step == "authorize":
            evse.authorize(RIGHT)
        elif step == "deauthorize":
            evse.deauthorize()
        else:
            assert not isinstance(step, str)
            evse.receive(step, NOW)
        if evse.intent().permit_power:
            assert evse.authorization is not None
            assert evse.plugged is not None
            assert evse.pilot in (CpState.B, CpState.C)
            assert not any(code != "ReaderFailure" for code, _ in evse.faults)
