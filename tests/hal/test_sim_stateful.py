"""Any order of stimuli, wishes and power cuts leaves the simulated world true to itself."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from hal.bus.sim import WorldError
from hal.bus.sim_evse import SimEvse, Vehicle
from hal.events import CpState, DeviceFound, DeviceLost, Event, MeterSampled, PilotChanged, PowerChanged
from hal.ports import PilotIntent
from tests.hal.test_sim import PERMIT_16A, Desk

EVSES = st.integers(1, 2)
CODES = st.sampled_from(["GroundFailure", "ConnectorLockFailure", "ReaderFailure", "WeakSignal"])
VEHICLES = st.builds(
    Vehicle,
    current_a=st.sampled_from([0, 8, 32]),
    phases=st.integers(1, 3),
    ready_after_ms=st.sampled_from([0, 1500]),
    simplified=st.booleans(),
    ventilation=st.booleans(),
)
INTENTS = st.builds(
    PilotIntent,
    available=st.booleans(),
    limit_a=st.sampled_from([None, 0.0, 6.0, 16.0, 40.0]),
    permit_power=st.booleans(),
    phases=st.sampled_from([None, 1, 3]),
)


class AnyOrder(RuleBasedStateMachine):
    """Two EVSEs with two sockets each; the station may react at once, from inside a post."""

    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk(evses=2, connectors=2, autonomous_delay_ms=500)
        self.world, self.clock = self.desk.world, self.desk.clock
        self.powered, self.eager = True, False
        self.pilot: dict[int, PilotChanged | None] = {}
        self.power: dict[int, PowerChanged | None] = {}
        self.reading: dict[int, MeterSampled | None] = {}
        self.lowest_wh = {1: 0.0, 2: 0.0}
        for event in self.desk.take():
            self._hear(event)
        self.desk.station = self._hear

    def _hear(self, event: Event) -> None:
        match event:
            case PilotChanged(evse=evse):
                self.pilot[evse] = event
                if self.eager:
                    self.desk.pilots[evse].apply(PilotIntent() if event.state is CpState.A else PERMIT_16A)
            case PowerChanged(evse=evse):
                self.power[evse] = event
            case MeterSampled(evse=evse):
                self.reading[evse] = event
            case DeviceLost(evse=evse, part=part) | DeviceFound(evse=evse, part=part):
                if part.endswith("pilot"):
                    self.pilot[evse] = self.power[evse] = None
                elif part.endswith("meter"):
                    self.reading[evse] = None

    # ---- what people, vehicles and accidents do ----

    @rule(evse=EVSES, connector=st.integers(1, 3), ev=VEHICLES)
    def plug_in(self, evse: int, connector: int, ev: Vehicle) -> None:
        with suppress(WorldError):
            self.world.plug_in(evse, connector, ev)

    @rule(evse=EVSES)
    def unplug(self, evse: int) -> None:
        with suppress(WorldError):
            self.world.unplug(evse)

    @rule(evse=EVSES, state=st.sampled_from(["ready", "paused", "done"]))
    def ev(self, evse: int, state: str) -> None:
        with suppress(WorldError):
            self.world.ev(evse, state)

    @rule(evse=EVSES, code=CODES, connector=st.sampled_from([None, 1, 2]))
    def fault(self, evse: int, code: str, connector: int | None) -> None:
        self.world.fault(evse, code, connector)

    @rule(evse=EVSES)
    def clear_fault(self, evse: int) -> None:
        self.world.clear_fault(evse)

    @rule(
        evse=EVSES,
        energy_wh=st.sampled_from([None, 0.0, 700.0]),
        power_w=st.sampled_from([None, 0.0, 50.0]),
        soc=st.sampled_from([None, 80.0]),
    )
    def meter(self, evse: int, energy_wh: float | None, power_w: float | None, soc: float | None) -> None:
        self.world.meter(evse, energy_wh, power_w, soc)
        if energy_wh is not None:
            self.lowest_wh[evse] = energy_wh

    @rule(evse=EVSES, part=st.sampled_from(["pilot", "meter", "lock"]), back=st.booleans())
    def wire(self, evse: int, part: str, back: bool) -> None:
        (self.world.find if back else self.world.lose)(evse, part)

    @rule(evse=st.integers(0, 2), occupied=st.booleans())
    def card_and_bay(self, evse: int, occupied: bool) -> None:
        self.world.swipe("04AB", evse=evse)
        with suppress(WorldError):
            self.world.bay(evse, occupied)

    @rule(seconds=st.sampled_from([0.0, 0.3, 1.5, 600.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(evse=EVSES, ev=VEHICLES)
    def charge(self, evse: int, ev: Vehicle) -> None:
        """Everything in order and a vehicle that draws: chance alone comes here too rarely."""
        self.world.clear_fault(evse)
        self.world.find(evse, "pilot")
        with suppress(WorldError):
            self.world.plug_in(evse, ev=ev)
        self.world.ev(evse, "ready")
        self.desk.pilots[evse].apply(PERMIT_16A)
        self.clock.advance(2.0)

    # ---- what the station does ----

    @rule(evse=EVSES, intent=INTENTS)
    def apply(self, evse: int, intent: PilotIntent) -> None:
        self.desk.pilots[evse].apply(intent)

    @rule(evse=EVSES, period_s=st.sampled_from([0.0, 7.0, 60.0]))
    def sample(self, evse: int, period_s: float) -> None:
        self.desk.meters[evse].sample_every(period_s)

    @rule(evse=EVSES, connector=st.integers(1, 2), lock=st.booleans())
    def lock(self, evse: int, connector: int, lock: bool) -> None:
        part = self.desk.locks[evse, connector]
        (part.lock if lock else part.unlock)()

    @rule(eager=st.booleans())
    def mood(self, eager: bool) -> None:
        self.eager = eager

    # ---- the supply ----

    @precondition(lambda self: self.powered)
    @rule()
    def power_cut(self) -> None:
        self.powered = False
        self.world.power_lost()

    @precondition(lambda self: not self.powered)
    @rule()
    def power_back(self) -> None:
        self.powered = True
        self.world.power_restored()
        self.desk.power_on()

    # ---- what is always so ----

    @property
    def truths(self) -> list[tuple[int, SimEvse]]:
        return [(evse, self.world.at(evse)) for evse in (1, 2)]

    @invariant()
    def power_needs_a_permission_a_vehicle_that_asks_and_no_fault(self) -> None:
        for _, truth in self.truths:
            if truth.closed:
                assert self.powered and "pilot" not in truth.lost
                assert truth.intent.permit_power and truth.intent.available
                assert truth.vehicle is not None and truth.state in (CpState.C, CpState.D)
                assert {code for code, _ in truth.faults} <= {"ReaderFailure"}
            elif truth.set_power_w is None:
                assert truth.power_w == 0.0

    @invariant()
    def the_pilot_shows_a_vehicle_if_and_only_if_one_is_there(self) -> None:
        for evse, truth in self.truths:
            assert (truth.state is CpState.A) == (self.world.plugged(evse) is None)

    @invariant()
    def a_register_goes_back_only_when_it_is_set(self) -> None:
        for evse, truth in self.truths:
            register_wh = truth.register_at(self.clock.now)
            assert register_wh >= self.lowest_wh[evse]
            self.lowest_wh[evse] = register_wh

    @invariant()
    def what_was_said_last_is_what_is_true(self) -> None:
        self.clock.turn()
        for evse, truth in self.truths:
            if self.powered and "pilot" not in truth.lost:
                assert self.pilot[evse] == PilotChanged(evse, truth.state, truth.connector, truth.offered_a > 0)
                assert self.power[evse].closed == truth.closed
            if self.powered and "meter" not in truth.lost:
                assert self.reading[evse].power_w == truth.power_w
                if not truth.power_w:
                    assert self.reading[evse].import_wh == round(truth.register_at(self.clock.now), 3)

    @invariant()
    def an_idle_world_wakes_nobody(self) -> None:
        self.clock.turn()
        if not any(truth.power_w or truth.offered_a or truth.close_at for _, truth in self.truths):
            assert self.clock.pending == 0


AnyOrder.TestCase.settings = settings(max_examples=150, stateful_step_count=40)
TestAnyOrder = AnyOrder.TestCase
