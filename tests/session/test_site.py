"""Several EVSEs: which one a card, a call or a vehicle means."""

from __future__ import annotations

from datetime import UTC, datetime

from agent.session.authorization import Authorization
from agent.session.layout import EvseLayout
from agent.session.site import Site
from agent.session.transaction import Transaction
from agent.vocabulary.values import Now, Token
from hal.events import BayChanged, CpState, HardwareFaulted, PilotChanged

NOW = Now(datetime(2026, 1, 1, tzinfo=UTC), 1000.0)
ALICE, BOB, FAMILY = Token("04AABBCC"), Token("04DDEEFF"), Token("family", "Central")


def site(evses: int = 2) -> Site:
    return Site(tuple(EvseLayout(number + 1) for number in range(evses)))


def plug(here: Site, evse: int) -> None:
    here.evses[evse].receive(PilotChanged(evse, CpState.B), NOW)


def start(here: Site, evse: int, **more: object) -> None:
    here.evses[evse].transaction = Transaction(id=f"t{evse}", started_at=NOW.wall, **more)  # type: ignore[arg-type]


def free(here: Site, token: Token | None = ALICE, evse: int = 0, allowed: tuple[int, ...] = ()) -> int | None:
    found = here.free_for(token or ALICE, evse, allowed, anew=token is None)
    return None if found is None else found.id


def test_a_card_goes_where_a_vehicle_waits_then_where_one_stands_then_to_the_first():
    here = site(3)
    assert free(here) == 1
    here.evses[2].receive(BayChanged(2, True), NOW)
    assert free(here) == 2
    plug(here, 3)
    assert free(here) == 3


def test_a_named_evse_is_that_one_or_none():
    here = site()
    assert free(here, evse=2) == 2
    assert free(here, evse=9) is None
    here.evses[2].authorize(Authorization(token=BOB))
    assert free(here, evse=2) is None


def test_C01_FR_21_only_the_evses_that_the_csms_allows():
    here = site()
    plug(here, 1)
    assert free(here, allowed=(2,)) == 2
    assert free(here, evse=1, allowed=(2,)) is None


def test_what_does_not_serve_is_not_free():
    here = site()
    here.evses[1].receive(HardwareFaulted(1, "GroundFailure"), NOW)
    assert free(here) == 2
    here.set_operative(False)
    assert free(here) is None


def test_F01_FR_24_none_is_free_for_a_remote_start_where_a_transaction_was_authorized():
    here = site(1)
    start(here, 1)
    assert free(here, None) == 1
    start(here, 1, token=ALICE)
    assert free(here, None) is None
    assert free(here, ALICE) == 1


def test_C01_FR_03_a_token_covers_its_own_authorization_and_its_groups():
    here = site()
    here.evses[2].authorize(Authorization(token=ALICE, group=FAMILY))
    assert here.covered_by(Token("04aabbcc")) is here.evses[2]
    assert here.covered_by(BOB) is None
    assert here.covered_by(BOB, FAMILY) is here.evses[2]
    assert here.covered_by(ALICE, None, 1) is None


def test_C01_FR_25_tokens_are_equal_in_id_and_type():
    assert ALICE.same(Token("04aAbBcC"))
    assert not ALICE.same(Token("04AABBCC", "eMAID"))
    assert not ALICE.same(None)


def test_a_driver_may_plug_in_elsewhere_until_he_has_plugged_in():
    here = site()
    here.evses[1].authorize(Authorization(token=ALICE, pinned=False))
    assert here.movable_to(here.evses[2]) is here.evses[1]
    assert here.movable_to(here.evses[1]) is None
    plug(here, 1)
    assert here.movable_to(here.evses[2]) is None
    here.evses[1].receive(PilotChanged(1, CpState.A), NOW)
    assert here.movable_to(here.evses[2]) is None  # he has chosen


def test_a_right_for_this_evse_only_does_not_move():
    here = site()
    here.evses[1].authorize(Authorization(token=ALICE, pinned=True))
    assert here.movable_to(here.evses[2]) is None


def test_a_right_moves_to_a_transaction_without_one_but_two_transactions_do_not_merge():
    here = site()
    here.evses[1].authorize(Authorization(token=ALICE, pinned=False))
    start(here, 2)
    assert here.movable_to(here.evses[2]) is here.evses[1]
    start(here, 1)
    assert here.movable_to(here.evses[2]) is None


def test_a_right_does_not_move_to_where_somebody_is_or_nothing_works():
    here = site()
    here.evses[1].authorize(Authorization(token=ALICE, pinned=False))
    here.evses[2].authorize(Authorization(token=BOB))
    assert here.movable_to(here.evses[2]) is None
    here.evses[2].deauthorize()
    here.evses[2].receive(HardwareFaulted(2, "GroundFailure"), NOW)
    assert here.movable_to(here.evses[2]) is None


def test_G04_FR_08_the_station_keeps_the_setting_of_each_evse():
    here = site()
    here.evses[1].operative = False
    here.set_operative(False)
    here.set_operative(True)
    assert (here.evses[1].serves(), here.evses[2].serves()) == (False, True)


def test_transactions_are_found_by_their_id():
    here = site()
    start(here, 2)
    assert here.with_transaction("t2") is here.evses[2]
    assert here.with_transaction("t1") is None
    assert here.running() == [here.evses[2]]
