"""Why an EVSE does not charge: every reason is reachable, each with a sentence and something to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.session.authorization import Authorization
from agent.session.connector import ConnectorLayout
from agent.session.evse import Evse
from agent.session.evse_state import OFFER_GRACE_S
from agent.session.faults import HARMLESS_FAULTS
from agent.session.layout import EvseLayout
from agent.session.limits import SOURCES, Terms, bound_of
from agent.session.metering import READING_LASTS_S
from agent.session.remedies import FAULTS, PARTS, REFUSALS, WHO, WITH_ITS_ISSUER
from agent.session.transaction import Ending, Transaction
from agent.session.why import CHAIN, Reason, Refusal, Surroundings, Why, why
from hal.events import (
    CableRated,
    CpState,
    DeviceFound,
    DeviceLost,
    Event,
    FaultCode,
    HardwareFaulted,
    HardwareHealed,
    LockMoved,
    MeterSampled,
    PilotChanged,
    PowerChanged,
    VehicleEnded,
)
from tests.session.table import ALICE, SOCKET, START, at

NORMAL = Surroundings()
BLOCKED = Surroundings(refused=Refusal("...BBCC", "Blocked"))


def hear(evse: Evse, *events: Event, seconds: float = 0.0) -> Evse:
    for event in events:
        evse.receive(event, at(seconds))
    return evse


def idle(layout: EvseLayout | None = None) -> Evse:
    return Evse(layout or EvseLayout(1))


def plugged(layout: EvseLayout | None = None) -> Evse:
    return hear(idle(layout), PilotChanged(1, CpState.B))


def offered(layout: EvseLayout | None = None) -> Evse:
    """Connected and authorized: the vehicle may ask."""
    evse = plugged(layout)
    evse.authorize(Authorization(token=ALICE))
    evse.transaction = Transaction(id="t", started_at=START)
    evse.offered_at_mono = at().mono
    return evse


def charging(layout: EvseLayout | None = None, power_w: float | None = 11_000.0) -> Evse:
    evse = hear(offered(layout), PilotChanged(1, CpState.C), PowerChanged(1, True))
    return hear(evse, MeterSampled(1, 1000.0, power_w=power_w))


def socket(position: str = "moving", wish: bool = True) -> Evse:
    """A socket in which an authorized driver's cable is to be locked."""
    evse = hear(idle(EvseLayout(1, connectors=(SOCKET,))), CableRated(1, 32.0), PilotChanged(1, CpState.B))
    evse.authorize(Authorization(token=ALICE))
    evse.connectors[1].wish_lock(wish, at().mono)
    return hear(evse, LockMoved(1, position))  # type: ignore[arg-type]


def closed(evse: Evse, where: str) -> Evse:
    match where:
        case "station":
            evse.station_operative = False
        case "evse":
            evse.operative = False
        case "connector":
            evse.connectors[1].operative = False
        case "update":
            evse.updating = True
        case "restart":
            evse.resetting = True
    return evse


def transaction(evse: Evse, **more: object) -> Evse:
    evse.transaction = Transaction(id="t", started_at=START, **more)  # type: ignore[arg-type]
    return evse


def limited(evse: Evse, source: str, limit_a: float | None, phases: int | None = None) -> Evse:
    evse.limit(source, bound_of(limit_a, phases), at(), 60.0)
    return evse


def cable_left() -> Evse:
    evse = hear(socket("locked"), PilotChanged(1, CpState.A))
    evse.deauthorize(keep_cable=True)
    return evse


def paused() -> Evse:
    return hear(charging(), PilotChanged(1, CpState.B), PowerChanged(1, False), seconds=20)


def blocked() -> Evse:
    evse = offered()
    assert evse.transaction is not None
    evse.transaction.energy_blocked = True
    return evse


def later(evse: Evse) -> Evse:
    """The vehicle has had the time to answer."""
    evse.offered_at_mono = at(-OFFER_GRACE_S).mono
    return evse


def unread() -> Evse:
    return hear(offered(), PilotChanged(1, CpState.C), PowerChanged(1, True))


SILENT_SITE = EvseLayout(1, limits=(Terms("site", bound_of(5.0), 60.0),))

# (reason, what is missing, a station on which it is, its surroundings, words of the sentence)
TABLE: list[tuple[Reason, str, Callable[[], Evse], Surroundings, str]] = [
    ("part_lost", "fault", lambda: hear(plugged(), DeviceLost(1, "evse[0].pilot", "no answer")), NORMAL, "no answer"),
    ("part_lost", "fault", lambda: hear(idle(), DeviceLost(1, "evse[0].meter", "timeout")), NORMAL, "meter"),
    ("part_lost", "fault", lambda: hear(idle(), DeviceLost(1, "evse[0].connectors[0].lock", "-")), NORMAL, "lock"),
    ("fault", "fault", lambda: hear(charging(), HardwareFaulted(1, "EmergencyStop")), NORMAL, "emergency stop"),
    ("fault", "fault", lambda: hear(idle(), HardwareFaulted(1, "GroundFailure")), NORMAL, "GroundFailure"),
    ("fault", "fault", lambda: hear(plugged(), PilotChanged(1, CpState.E)), NORMAL, "pilot"),
    ("pilot_off", "fault", lambda: hear(plugged(), PilotChanged(1, CpState.F)), NORMAL, "state F"),
    ("restarting", "availability", lambda: closed(plugged(), "restart"), NORMAL, "anew"),
    ("updating", "availability", lambda: closed(plugged(), "update"), NORMAL, "firmware"),
    ("station_closed", "availability", lambda: closed(plugged(), "station"), NORMAL, "whole station"),
    ("evse_closed", "availability", lambda: closed(idle(), "evse"), NORMAL, "This EVSE"),
    ("connector_closed", "availability", lambda: closed(plugged(), "connector"), NORMAL, "connector"),
    ("no_cable", "cable", idle, NORMAL, "No vehicle"),
    ("cable_held", "cable", cable_left, NORMAL, "last driver"),
    (
        "cable_without_vehicle",
        "cable",
        lambda: hear(idle(EvseLayout(1, connectors=(SOCKET,))), CableRated(1, 32.0)),
        NORMAL,
        "no vehicle at its other end",
    ),
    ("lock_moving", "cable", socket, NORMAL, "being locked"),
    ("lock_open", "cable", lambda: socket("unlocked"), NORMAL, "unlocked"),
    (
        "ending",
        "authorization",
        lambda: transaction(plugged(), ending=Ending("StopAuthorized", "Local", START)),
        NORMAL,
        "ended",
    ),
    ("stopped", "authorization", lambda: transaction(plugged(), stopped_reason="Remote"), NORMAL, "Remote"),
    ("not_accepted", "authorization", plugged, Surroundings("Pending", may_begin=False), "Pending"),
    ("not_accepted", "authorization", plugged, Surroundings(None, may_begin=False), "BootNotification"),
    ("refused", "authorization", plugged, BLOCKED, "...BBCC was refused: Blocked"),
    ("reader_lost", "authorization", plugged, Surroundings(reader="lost"), "reader"),
    ("reader_lost", "authorization", lambda: hear(plugged(), HardwareFaulted(1, "ReaderFailure")), NORMAL, "reader"),
    ("reader_lost", "authorization", lambda: hear(plugged(), DeviceLost(1, "reader[0]", "-")), NORMAL, "reader"),
    ("no_reader", "authorization", plugged, Surroundings(reader="none"), "no card reader"),
    ("offline", "authorization", plugged, Surroundings(online=False), "cannot be reached"),
    ("not_authorized", "authorization", plugged, NORMAL, "Nobody"),
    ("blocked", "authorization", blocked, NORMAL, "withholds"),
    ("limit", "limits", lambda: limited(offered(), "site", 0.0), NORMAL, "load management allows 0 A"),
    ("limit", "limits", lambda: limited(offered(), "temperature:inlet", 5.0), NORMAL, "heat at inlet allows 5 A"),
    ("limit", "limits", lambda: limited(charging(), "csms", 3.0), NORMAL, "until 00:01 UTC"),
    ("limit", "limits", lambda: limited(offered(), "csms:TxProfile 7", 5.0), NORMAL, "(TxProfile 7) allows 5 A"),
    ("limit_silent", "limits", lambda: offered(SILENT_SITE), NORMAL, "fallback allows 5 A"),
    ("limit_phases", "limits", lambda: limited(offered(), "local", None, 1), NORMAL, "1 of 3 phases"),
    ("ventilation", "vehicle", lambda: hear(offered(), PilotChanged(1, CpState.D)), NORMAL, "ventilated"),
    ("vehicle_ended", "vehicle", lambda: hear(offered(), VehicleEnded(1)), NORMAL, "wants no more"),
    ("vehicle_thinking", "vehicle", offered, NORMAL, "just now"),
    ("vehicle_paused", "vehicle", lambda: later(paused()), NORMAL, "paused"),
    ("vehicle_silent", "vehicle", lambda: later(offered()), NORMAL, "offered 32 A"),
    ("contactor_open", "contactor", lambda: hear(offered(), PilotChanged(1, CpState.C)), NORMAL, "does not close"),
    ("meter_silent", "meter", unread, NORMAL, "meter"),
    ("no_current", "meter", lambda: charging(power_w=3.0), NORMAL, "no power"),
]


def asked(evse: Evse, around: Surroundings = NORMAL, seconds: float = 0.0) -> Why:
    return why(evse, at(seconds).mono, around)


@pytest.mark.parametrize(
    ("reason", "link", "make", "around", "words"), TABLE, ids=[f"{row[0]}: {row[4]}" for row in TABLE]
)
def test_the_first_link_that_is_missing_is_told(
    reason: Reason, link: str, make: Callable[[], Evse], around: Surroundings, words: str
) -> None:
    told = asked(make(), around)
    assert (told.reason, told.link, told.charges) == (reason, link, False)
    assert words in told.sentence
    assert told.advice
    before = list(CHAIN)[: list(CHAIN).index(link)]
    assert [name for name, holds in told.chain.items() if holds] == before
    assert told.chain[link] is False
    assert list(told.chain.values()).count(None) == len(CHAIN) - len(before) - 1


@pytest.mark.parametrize(
    ("reason", "link", "make", "around", "words"), TABLE, ids=[f"{row[0]}: {row[4]}" for row in TABLE]
)
def test_where_a_link_of_the_agents_own_is_missing_it_permits_no_power(
    reason: Reason, link: str, make: Callable[[], Evse], around: Surroundings, words: str
) -> None:
    """What is said and what is done are one: the rules here are those of ``may_give_power``."""
    evse = make()
    the_agent_permits = list(CHAIN).index(link) > list(CHAIN).index("limits") and reason != "ventilation"
    assert evse.may_give_power() is the_agent_permits


def test_every_reason_is_in_the_table() -> None:
    assert {row[0] for row in TABLE} == set(get_args(Reason))
    assert {row[1] for row in TABLE} == set(CHAIN)


def test_it_charges_where_nothing_is_missing() -> None:
    told = asked(charging())
    assert (told.charges, told.link, told.reason) == (True, None, None)
    assert told.sentence == "It charges with 11.0 kW; 32 A on 3 phases are offered."
    assert set(told.chain.values()) == {True}


def test_it_charges_without_a_meter_and_without_the_contactors_feedback() -> None:
    layout = EvseLayout(1, has_meter=False, has_relay_feedback=False, phases=1)
    told = asked(hear(offered(layout), PilotChanged(1, CpState.C)))
    assert (told.charges, told.sentence) == (True, "It charges; 32 A on 1 phase are offered.")


def test_a_reading_counts_until_two_more_were_missed() -> None:
    evse = charging()
    assert asked(evse, seconds=READING_LASTS_S - 0.1).charges
    assert asked(evse, seconds=READING_LASTS_S).reason == "meter_silent"


def test_a_vehicle_has_its_time_to_answer() -> None:
    evse = offered()
    assert asked(evse, seconds=OFFER_GRACE_S - 0.1).reason == "vehicle_thinking"
    assert asked(evse, seconds=OFFER_GRACE_S).reason == "vehicle_silent"


@pytest.mark.parametrize("code", sorted(set(get_args(FaultCode)) - HARMLESS_FAULTS))
def test_every_fault_that_takes_the_power_has_words_of_its_own(code: FaultCode) -> None:
    told = asked(hear(charging(), HardwareFaulted(1, code)))
    assert (told.reason, told.sentence, told.advice) == ("fault", f"{FAULTS[code][0]}  ({code})", FAULTS[code][1])


def test_a_second_fault_is_named() -> None:
    told = asked(hear(charging(), HardwareFaulted(1, "HighTemperature"), HardwareFaulted(1, "UnderVoltage")))
    assert "too hot" in told.sentence
    assert told.sentence.endswith("There is more: UnderVoltage.")


def test_words_are_for_faults_parts_and_sources_that_exist() -> None:
    assert set(FAULTS) == set(get_args(FaultCode)) - HARMLESS_FAULTS
    assert set(WHO) == set(SOURCES)
    for part in PARTS:
        assert idle().faults.receive(DeviceLost(1, f"evse[0].{part}", ""))


def test_a_fault_of_the_other_connector_is_none_of_this_one() -> None:
    two = EvseLayout(1, connectors=(ConnectorLayout(1), ConnectorLayout(2)))
    assert asked(hear(charging(two), HardwareFaulted(1, "ConnectorLockFailure", 2))).charges
    assert asked(hear(idle(two), HardwareFaulted(1, "ConnectorLockFailure", 2))).reason == "no_cable"
    evse = hear(charging(two), HardwareFaulted(1, "GroundFailure", 2), HardwareFaulted(1, "HighTemperature", 1))
    assert asked(evse).sentence == f"{FAULTS['HighTemperature'][0]}  (HighTemperature)"


def test_a_fault_is_told_before_a_missing_card_which_it_would_keep_out() -> None:
    evse = hear(plugged(), HardwareFaulted(1, "GroundFailure"))
    assert asked(evse, BLOCKED).reason == "fault"


def test_a_limit_names_the_command_that_lifts_it() -> None:
    assert asked(limited(offered(), "local", 2.0)).advice == "Lift it: station-agent do limit evse=1"


def test_what_to_do_about_a_refusal_depends_on_why() -> None:
    for reason, advice in (*REFUSALS.items(), ("Blocked", WITH_ITS_ISSUER), ("Expired", WITH_ITS_ISSUER)):
        assert asked(plugged(), Surroundings(refused=Refusal("...BBCC", reason))).advice == advice


# ---- what is said and what is done, over any course of events ----


def opened(evse: Evse) -> None:
    evse.station_operative = evse.operative = evse.connectors[1].operative = True
    evse.resetting = False


STEPS: list[Callable[[Evse], object]] = [
    *(lambda evse, state=state: evse.receive(PilotChanged(1, state), at()) for state in CpState),
    *(lambda evse, closed=closed: evse.receive(PowerChanged(1, closed), at()) for closed in (True, False)),
    *(
        lambda evse, code=code: evse.receive(HardwareFaulted(1, code), at())
        for code in ("GroundFailure", "ReaderFailure")
    ),
    lambda evse: evse.receive(HardwareFaulted(1, "ConnectorLockFailure", 1), at()),
    lambda evse: evse.receive(HardwareHealed(1, "GroundFailure"), at()),
    lambda evse: evse.receive(HardwareHealed(1, "ConnectorLockFailure", 1), at()),
    *(lambda evse, part=part: evse.receive(DeviceLost(1, part, ""), at()) for part in ("evse[0].pilot", "reader[0]")),
    lambda evse: evse.receive(DeviceFound(1, "evse[0].pilot"), at()),
    *(lambda evse, limit_a=limit_a: evse.receive(CableRated(1, limit_a), at()) for limit_a in (32.0, None)),
    *(lambda evse, where=where: evse.receive(LockMoved(1, where), at()) for where in ("locked", "unlocked", "unknown")),
    *(lambda evse, wish=wish: evse.connectors[1].wish_lock(wish, at().mono) for wish in (True, False)),
    lambda evse: evse.receive(VehicleEnded(1), at()),
    lambda evse: evse.authorize(Authorization(token=ALICE)),
    lambda evse: evse.deauthorize(),
    lambda evse: evse.deauthorize(keep_cable=True),
    *(lambda evse, limit_a=limit_a: evse.limit("site", bound_of(limit_a), at(), 60.0) for limit_a in (0.0, 16.0)),
    lambda evse: evse.limit("local", bound_of(None, 1), at(), 60.0),
    lambda evse: evse.limit("local", None, at()),
    *(lambda evse, where=where: closed(evse, where) for where in ("station", "evse", "connector", "restart", "update")),
    opened,
    transaction,
    lambda evse: transaction(evse, energy_blocked=True),
    lambda evse: transaction(evse, ending=Ending("StopAuthorized", "Local", START)),
    lambda evse: setattr(evse, "transaction", None),
]


@given(
    st.sampled_from([idle, offered, charging, lambda: socket("locked")]), st.lists(st.sampled_from(STEPS), max_size=8)
)
@settings(max_examples=500)
def test_a_link_of_the_agents_own_is_missing_exactly_when_it_permits_no_power(
    make: Callable[[], Evse], steps: list[Callable[[Evse], object]]
) -> None:
    evse = make()
    for step in steps:
        step(evse)
    told = asked(evse)
    others = ("vehicle", "contactor", "meter", None)
    assert evse.may_give_power() is (told.link in others and told.reason != "ventilation")
