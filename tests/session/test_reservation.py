"""Who may begin where: what names no EVSE binds as many as it must, and never one more."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from agent.session.connector import ConnectorLayout
from agent.session.layout import EvseLayout
from agent.session.reservation import Reservation
from agent.session.site import Site
from agent.vocabulary.values import Now, Token
from hal.events import CpState, PilotChanged

NOW = Now(datetime(2026, 1, 1, tzinfo=UTC), 0.0)
TYPES = ("cType2", "cCCS2", "sType2")


def held(id: int, evse: int = 0, type: str | None = None) -> Reservation:
    return Reservation(id, Token(f"T{id}"), datetime(2027, 1, 1, tzinfo=UTC), evse=evse, connector_type=type)


def yard(types: tuple[str, ...]) -> Site:
    return Site(
        tuple(EvseLayout(number, connectors=(ConnectorLayout(1, type),)) for number, type in enumerate(types, 1))
    )


def can_all_be_served(reservations: list[Reservation], free: list[int], site: Site) -> bool:
    """By trying everything."""
    return any(
        all(reservation.fits(site.evses[evse]) for reservation, evse in zip(reservations, order, strict=False))
        for order in permutations(free, len(reservations))
    )


WORLDS = st.tuples(
    st.lists(st.sampled_from(TYPES), min_size=1, max_size=5).map(tuple),
    st.lists(st.tuples(st.integers(0, 5), st.sampled_from((None, *TYPES))), max_size=5),
    st.sets(st.integers(1, 5), max_size=2),
)


@given(WORLDS)
def test_an_evse_is_reserved_exactly_when_somebody_else_could_not_do_without_it(
    world: tuple[tuple[str, ...], list[tuple[int, str | None]], set[int]],
) -> None:
    types, wishes, occupied = world
    site = yard(types)
    kept = site.reservations
    for evse in occupied & set(site.evses):
        site.evses[evse].receive(PilotChanged(evse, CpState.B), NOW)
    for number, (evse, type) in enumerate(wishes, 1):
        wanted = held(number, evse if evse in site.evses else 0, None if evse in site.evses else type)
        if kept.has_room_for(wanted):
            kept.put(wanted)
    named = {each.evse for each in kept if each.evse}
    free = [evse for evse in site.evses if evse not in named and evse not in occupied]
    anywhere = [each for each in kept if not each.evse]
    assert can_all_be_served(anywhere, free, site)
    for evse in free:
        others = [each for each in free if each != evse]
        assert kept.reserves(site.evses[evse]) is not can_all_be_served(anywhere, others, site)
    for evse in named:
        assert kept.reserves(site.evses[evse])


def test_there_is_room_for_the_replacement_of_a_reservation_at_the_same_evse():
    site = yard(("cType2",))
    site.reservations.put(held(1, evse=1))
    assert site.reservations.has_room_for(held(1, evse=1))
    assert not site.reservations.has_room_for(held(2, evse=1))


def test_what_was_used_once_and_led_to_nothing_is_no_reservation_of_the_next_time():
    site = yard(("cType2",))
    token = Token("T1")
    site.reservations.put(held(1))
    assert site.reservations.use(token) is not None
    assert site.reservations.used_by(token) is not None
    assert site.reservations.use(token) is None
    assert site.reservations.used_by(token) is None
