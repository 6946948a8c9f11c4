"""The DC side of one EVSE: the supply follows the demand, within limits, and never when a part is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.session.dc import GOOD_FOR_S, STOP_PATIENCE_S, DcLayout, DcSession, DcTerms
from agent.vocabulary.commands import CheckInsulation, Command, SupplyDc, TellSupply
from agent.vocabulary.facts import DcPhaseEntered
from hal.events import (
    CpState,
    DcCapability,
    DcDemanded,
    DcOutput,
    DcPhase,
    DcVehicleTold,
    DeviceLost,
    Event,
    InsulationMeasured,
    InsulationTested,
)
from hal.ports import DcSupply, DcWish
from tests.bench import Bench
from tests.session.table import at

TWO_MODULES = DcCapability(1, 2, 200.0, 1000.0, 100.0, 40_000.0)
CHARGING = DcDemanded(1, "charging", 400.0, 80.0)
ALLOWED = DcTerms(plugged=True, permitted=True, limit_a=100.0, at_once=False)
WITHDRAWN = DcTerms(plugged=True, permitted=False, limit_a=0.0, at_once=False)
FAULTED = DcTerms(plugged=True, permitted=False, limit_a=0.0, at_once=True)
OFF = DcWish()
STATION = DcLayout(920.0)


class Table:
    """A DC session with the orders that it gave last."""

    def __init__(self, layout: DcLayout = STATION, *said: Event) -> None:
        self.session = DcSession(1, layout)
        self.mono = 0.0
        self.terms = ALLOWED
        self.wish, self.told = OFF, DcSupply()
        self.orders: list[Command] = []
        self.say(TWO_MODULES, InsulationMeasured(1, 1_000_000.0), *said)

    def say(self, *events: Event) -> None:
        for event in events:
            self.session.receive(event, at(self.mono))
        self.settle()

    def settle(self, terms: DcTerms | None = None, mono: float | None = None) -> None:
        self.terms = terms or self.terms
        self.mono = self.mono if mono is None else mono
        self.orders = self.session.orders(self.terms, at(self.mono))
        for order in self.orders:
            if isinstance(order, SupplyDc):
                self.wish = order.wish
            elif isinstance(order, TellSupply):
                self.told = order.supply


@pytest.mark.parametrize("phase", ["cable_check", "precharge", "charging"])
def test_the_supply_gives_what_the_session_demands(phase: DcPhase) -> None:
    table = Table()
    table.say(DcDemanded(1, phase, 400.0, 2.0))
    assert table.wish == DcWish(True, 400.0, 2.0)


@pytest.mark.parametrize("phase", ["idle", "setup", "authorization", "stopping", "welding_detection", "pause"])
def test_in_other_phases_it_gives_nothing_whatever_is_demanded(phase: DcPhase) -> None:
    table = Table(STATION, CHARGING)
    table.say(DcDemanded(1, phase, 400.0, 2.0))
    assert table.wish == OFF


def test_the_voltage_is_bounded_by_wiring_and_modules() -> None:
    table = Table(DcLayout(500.0), DcDemanded(1, "charging", 900.0, 10.0))
    assert (table.wish.voltage_v, table.told.max_v) == (500.0, 500.0)
    table = Table(DcLayout(1500.0), DcDemanded(1, "charging", 1400.0, 10.0))
    assert (table.wish.voltage_v, table.told.max_v) == (1000.0, 1000.0)


@pytest.mark.parametrize(
    ("limit_a", "volts", "amps"),
    [(60.0, 400.0, 60.0), (200.0, 300.0, 100.0), (200.0, 800.0, 50.0)],
    ids=["the EVSE's limit", "the modules' current", "their power"],
)
def test_the_current_is_bounded_by_the_least(limit_a: float, volts: float, amps: float) -> None:
    table = Table(STATION, DcDemanded(1, "charging", volts, 300.0))
    table.settle(DcTerms(True, True, limit_a, False))
    assert table.wish.current_a == amps
    assert table.told.max_a == amps


def test_nothing_is_given_after_a_self_test_that_failed_until_one_passes() -> None:
    table = Table(STATION, InsulationTested(1, False), CHARGING)
    assert (table.wish, table.told.ready) == (OFF, False)
    table.say(InsulationTested(1, True))
    assert table.wish.on
    assert table.told.ready


def test_a_module_that_is_lost_lowers_what_the_vehicle_is_told() -> None:
    table = Table(STATION, CHARGING)
    table.say(DcCapability(1, 1, 200.0, 1000.0, 50.0, 20_000.0))
    assert (table.wish.current_a, table.told.max_a) == (50.0, 50.0)


@pytest.mark.parametrize("part", ["supply", "insulation", "pilot"])
def test_when_a_part_is_lost_the_supply_is_off_at_once(part: str) -> None:
    table = Table(STATION, CHARGING)
    assert table.told.ready
    table.say(DeviceLost(1, f"evse[0].{part}", "gone"))
    assert table.wish == OFF
    assert table.told.ready is (part == "pilot")  # nobody is left to be told


def test_what_a_lost_part_said_last_is_told_no_more() -> None:
    table = Table(STATION, CHARGING, DcOutput(1, 400.0, 80.0))
    assert (table.told.voltage_v, table.told.insulation_ohm) == (400.0, 1_000_000.0)
    table.say(DeviceLost(1, "evse[0].supply", "gone"), DeviceLost(1, "evse[0].insulation", "gone"))
    assert table.told == DcSupply()


def test_with_no_module_left_it_is_not_ready() -> None:
    table = Table(STATION, CHARGING)
    table.say(DcCapability(1, 0, 0.0, 0.0, 0.0, 0.0))
    assert (table.wish, table.told.ready) == (OFF, False)


def test_a_grave_fault_asks_nobody() -> None:
    table = Table(STATION, CHARGING)
    table.settle(FAULTED)
    assert (table.wish, table.told.ready) == (OFF, False)


def test_a_session_that_is_to_end_ends_in_its_own_way() -> None:
    table = Table(STATION, CHARGING)
    table.settle(WITHDRAWN, 100.0)
    assert table.wish.on and table.told.ready
    assert table.session.next_deadline() == at(100.0 + STOP_PATIENCE_S).mono
    table.say(DcDemanded(1, "stopping"))
    assert table.wish == OFF
    assert table.told.ready
    assert table.session.next_deadline() is None


def test_one_that_does_not_end_loses_its_power_at_the_deadline_not_before() -> None:
    table = Table(STATION, CHARGING)
    table.settle(WITHDRAWN, 100.0)
    table.settle(mono=100.0 + STOP_PATIENCE_S - 0.1)
    assert table.wish.on
    table.settle(mono=100.0 + STOP_PATIENCE_S)
    assert (table.wish, table.told.ready) == (OFF, False)
    assert table.session.next_deadline() is None
    table.say(DcDemanded(1, "idle"))
    assert table.told.ready


def test_what_is_told_already_is_not_told_again() -> None:
    table = Table(STATION, CHARGING)
    table.settle()
    assert table.orders == []


def test_the_monitor_tests_itself_at_every_plug_in() -> None:
    session = DcSession(1, STATION)
    unplugged = DcTerms(plugged=False, permitted=False, limit_a=0.0, at_once=False)
    orders = [session.orders(terms, at()) for terms in (unplugged, WITHDRAWN, ALLOWED, unplugged, WITHDRAWN)]
    assert [CheckInsulation(1) in each for each in orders] == [False, True, False, False, True]


def test_phases_are_facts_and_the_same_again_is_none() -> None:
    session = DcSession(1, STATION)
    assert session.receive(DcDemanded(1, "cable_check"), at()) == [DcPhaseEntered(1, "cable_check")]
    assert session.receive(DcDemanded(1, "cable_check", 500.0, 2.0), at()) == []


# ---- the cable check of a host that judges ----

HOST = DcLayout(920.0, cable_check="host")
TEST = DcDemanded(1, "cable_check", 500.0, 2.0)


def test_a_good_cable_passes_after_ten_seconds() -> None:
    table = Table(HOST, TEST, DcOutput(1, 480.0, 0.0))
    assert table.session.next_deadline() == at(GOOD_FOR_S).mono
    table.settle(mono=GOOD_FOR_S - 0.1)
    assert table.told.cable_check == "pending"
    table.settle(mono=GOOD_FOR_S)
    assert table.told.cable_check == "passed"
    assert table.session.next_deadline() is None


@pytest.mark.parametrize("bad", [InsulationMeasured(1, 99_000.0), InsulationMeasured(1, None), DcOutput(1, 440.0, 0.0)])
def test_what_is_not_good_begins_anew(bad: Event) -> None:
    table = Table(HOST, TEST, DcOutput(1, 480.0, 0.0))
    table.mono = 5.0
    table.say(bad)
    table.settle(mono=GOOD_FOR_S)
    assert table.told.cable_check == "pending"
    assert table.session.next_deadline() is None


def test_a_monitor_that_fails_its_self_test_fails_the_cable() -> None:
    table = Table(HOST, TEST)
    table.say(InsulationTested(1, False))
    assert table.told.cable_check == "failed"


def test_an_SECC_that_judges_hears_no_verdict() -> None:
    table = Table(STATION, TEST, DcOutput(1, 480.0, 0.0))
    table.settle(mono=100.0)
    assert table.told.cable_check == "pending"


EVENTS = st.one_of(
    st.builds(
        DcDemanded,
        st.just(1),
        st.sampled_from(["idle", "setup", "cable_check", "precharge", "charging", "stopping"]),
        st.floats(0, 1500),
        st.floats(0, 600),
    ),
    st.builds(DcOutput, st.just(1), st.floats(0, 1500), st.floats(-10, 600)),
    st.builds(InsulationMeasured, st.just(1), st.none() | st.floats(0, 1e7)),
    st.sampled_from([TWO_MODULES, DcCapability(1, 0, 0.0, 0.0, 0.0, 0.0)]),
    st.builds(
        DeviceLost, st.just(1), st.sampled_from(["evse[0].supply", "evse[0].insulation", "evse[0].pilot"]), st.just("")
    ),
)
TERMS = st.builds(DcTerms, st.booleans(), st.booleans(), st.floats(0, 200), st.booleans())


@given(st.lists(st.tuples(EVENTS, TERMS, st.floats(0, 20)), max_size=30))
def test_whatever_happens_it_gives_no_more_than_it_may(steps: list[tuple[Event, DcTerms, float]]) -> None:
    table = Table(DcLayout(500.0))
    for event, terms, passed_s in steps:
        table.terms = terms
        table.mono += passed_s
        table.say(event)
        if table.wish.on:
            able = table.session.capability
            assert not terms.at_once and able is not None
            assert not isinstance(event, DeviceLost)
            assert table.wish.voltage_v <= 500.0
            assert table.wish.current_a <= able.max_a


# ---- within a station ----


def test_a_DC_session_from_plug_to_its_events() -> None:
    bench = Bench(secc=True, layout={"dc": STATION, "phases": 1, "voltage_v": 920.0})
    bench.accept()
    bench.post(TWO_MODULES)
    bench.post(InsulationMeasured(1, 1_000_000.0))
    bench.take_sent()
    bench.plug_in(wants=False)
    bench.swipe()
    bench.post(DcDemanded(1, "setup"))
    bench.pass_time(30)
    assert bench.take_story() == [("Started", "Authorized", "EVConnected")]  # no vehicle is suspended that prepares
    bench.post(DcVehicleTold(1, "ISO 15118-2", soc_percent=42.0))
    bench.post(DcDemanded(1, "precharge", 380.0, 2.0))
    bench.vehicle_wants(True)
    bench.post(CHARGING)
    assert bench.evse().pilot is CpState.C
    assert bench.take_story() == [("Updated", "ChargingStateChanged", "Charging")]
    bench.read_meter()
    reading = bench.evse().reading
    assert reading is not None
    assert reading.sample.soc_percent == 42.0


def test_a_lost_supply_is_a_fault_of_the_EVSE() -> None:
    bench = Bench(secc=True, layout={"dc": STATION})
    bench.accept()
    bench.take_sent()
    bench.lose("supply")
    assert bench.take_statuses() == [(1, 1, "Faulted")]
    bench.find("supply")
    assert bench.take_statuses() == [(1, 1, "Available")]
