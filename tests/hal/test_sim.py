"""Simulated parts on a desk: what they say, in which order, and what they never do."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count

import msgspec
import pytest

from board.descriptor import find_board, parts_of, read_board
from hal.bus.sim import SimBus, WorldError
from hal.bus.sim_evse import Vehicle
from hal.drivers.sim_bay import SimBay
from hal.drivers.sim_lock import SimLock
from hal.drivers.sim_meter import SimMeter
from hal.drivers.sim_part import SimPart
from hal.drivers.sim_pilot import SimPilot
from hal.drivers.sim_reader import SimReader
from hal.drivers.sim_secc import SimSecc
from hal.errors import BadOptions
from hal.events import (
    BayChanged,
    CableRated,
    CardPresented,
    CpState,
    DeviceFound,
    Event,
    LockMoved,
    MeterSampled,
    PilotChanged,
    PowerChanged,
    VehicleEnded,
)
from hal.ports import ConnectorLock, EnergyMeter, PilotController, PilotIntent, Place, Secc, TokenReader
from hal.registry import make_bus, make_driver

PERMIT_16A = PilotIntent(limit_a=16.0, permit_power=True)
KW_16A = 3 * 230.0 * 16.0


class _Timer:
    def __init__(self, callback: Callable[[], object]) -> None:
        self.callback: Callable[[], object] | None = callback

    def cancel(self) -> None:
        self.callback = None


class FakeClock:
    """Time that passes when told to, with the three methods of an asyncio loop that the world uses."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.early_s = 0.0  # as a loop is, by a tick of its clock
        self._soon: list[Callable[[], object]] = []
        self._timers: list[tuple[float, int, _Timer]] = []
        self._order = count()

    def time(self) -> float:
        return self.now

    def call_soon(self, callback: Callable[[], object], /) -> None:
        self._soon.append(callback)

    def call_at(self, when: float, callback: Callable[[], object], /) -> _Timer:
        timer = _Timer(callback)
        heappush(self._timers, (when, next(self._order), timer))
        return timer

    def turn(self) -> None:
        """One turn of the loop, with whatever that makes due."""
        while self._soon:
            self._soon.pop(0)()

    def advance(self, seconds: float) -> None:
        self.turn()
        end = self.now + seconds
        while self._timers and self._timers[0][0] <= end:
            when, _, timer = heappop(self._timers)
            self.now = max(self.now, when - self.early_s)
            if timer.callback is not None:
                timer.callback()
            self.turn()
        self.now = end

    @property
    def pending(self) -> int:
        """Timers that would wake the station."""
        return sum(timer.callback is not None for _, _, timer in self._timers)


class Desk:
    """EVSEs with every part, on one world; ``heard`` is what was posted and ``station`` may act on it at once."""

    def __init__(self, evses: int = 1, connectors: int = 1, **config: float) -> None:
        self.clock = FakeClock()
        self.bus = SimBus(msgspec.convert(config, SimBus.Config), self.clock)
        self.world = self.bus.world
        self.evses, self.connectors = range(1, evses + 1), connectors
        self.heard: list[Event] = []
        self._made: list[SimPart] = []
        self.station: Callable[[Event], None] = lambda event: None
        self.power_on()

    def power_on(self) -> None:
        self.pilots: dict[int, SimPilot] = {}
        self.meters: dict[int, SimMeter] = {}
        self.locks: dict[tuple[int, int], SimLock] = {}
        for evse in self.evses:
            self.pilots[evse] = self._make(SimPilot, evse, "pilot", config=SimPilot.Config(self.connectors))
            self.meters[evse] = self._make(SimMeter, evse, "meter")
            for connector in range(1, self.connectors + 1):
                self.locks[evse, connector] = self._make(SimLock, evse, "lock", connector)
            self._make(SimBay, evse, "bay")
        self._make(SimReader, 0, "reader")
        made, self._made = self._made, []
        for part in made:
            self.world.attach(part)

    def power_cycle(self) -> None:
        self.world.power_lost()
        self.clock.turn()
        self.world.power_restored()
        self.power_on()

    def post(self, event: Event) -> None:
        self.heard.append(event)
        self.station(event)

    def take(self, *kinds: type[Event]) -> list[Event]:
        """What was heard since the last time, of these kinds (all, when none is named)."""
        heard, self.heard = self.heard, []
        return [event for event in heard if not kinds or isinstance(event, kinds)]

    def apply(self, intent: PilotIntent, evse: int = 1) -> None:
        self.pilots[evse].apply(intent)
        self.clock.turn()

    def charge(self, ev: Vehicle | None = None) -> None:
        """A vehicle that draws power by permission."""
        self.world.plug_in(1, ev=ev)
        self.apply(PERMIT_16A)
        self.take()

    def register_wh(self, evse: int = 1) -> float:
        return self.world.at(evse).register_at(self.clock.now)

    def _make(self, driver, evse, part, connector=1, config=None):
        where = f"evse[{evse - 1}].{part}" if evse else f"reader[0].{part}"
        place = Place(where, evse, connector)
        made = driver(config or driver.Config(), place, self.bus, self.post)
        self._made.append(made)
        return made


# ---- what a part says when it gets its supply ----


def test_parts_tell_what_is_true_when_they_attach():
    desk = Desk()
    said = desk.take(PilotChanged, PowerChanged, CableRated, LockMoved, BayChanged)
    assert said == [
        PilotChanged(1, CpState.A, pwm=False),
        PowerChanged(1, closed=False),
        CableRated(1, None),  # a lock makes it a socket
        LockMoved(1, "unlocked"),
        BayChanged(1, occupied=False),
    ]


def test_every_part_says_that_it_is_found_and_the_meter_gives_a_reading():
    heard = Desk().take(DeviceFound, MeterSampled)
    assert [event.part for event in heard if isinstance(event, DeviceFound)] == [
        "evse[0].pilot", "evse[0].meter", "evse[0].lock", "evse[0].bay", "reader[0].reader",
    ]  # fmt: skip
    assert [event.import_wh for event in heard if isinstance(event, MeterSampled)] == [0.0]


def test_a_part_says_nothing_before_the_power_is_back():
    desk = Desk()
    desk.world.power_lost()
    desk.take()
    desk.power_on()
    assert desk.take() == []
    desk.world.power_restored()
    assert PilotChanged(1, CpState.A, pwm=False) in desk.take()


# ---- a charge ----


def test_a_charge_told_in_the_order_in_which_it_happened():
    desk = Desk()
    desk.take()
    desk.world.plug_in(1)
    assert desk.take() == [CableRated(1, 63.0), PilotChanged(1, CpState.B, pwm=False)]
    desk.apply(PERMIT_16A)
    reading, pilot, power = desk.take()
    assert isinstance(reading, MeterSampled) and reading.import_wh == 0.0 and reading.power_w == KW_16A
    assert pilot == PilotChanged(1, CpState.C, pwm=True)
    assert power == PowerChanged(1, closed=True, phases=3)


def test_unplugging_gives_the_last_reading_before_the_vehicle_is_gone_and_again_when_the_contactor_is_open():
    desk = Desk()
    desk.charge()
    desk.clock.advance(3600)
    desk.world.unplug(1)
    before, pilot, power, cable, after = desk.take()
    assert (before.import_wh, before.power_w) == (KW_16A, 0.0)
    assert (cable, pilot, power) == (
        CableRated(1, None),
        PilotChanged(1, CpState.A, pwm=False),
        PowerChanged(1, closed=False),
    )
    assert after == before


def test_a_station_that_acts_on_the_plug_at_once_is_told_the_rest_within_the_same_call():
    desk = Desk()
    desk.station = lambda event: event == PilotChanged(1, CpState.B, pwm=False) and desk.pilots[1].apply(PERMIT_16A)
    desk.world.plug_in(1)
    assert desk.take()[-1] == PowerChanged(1, closed=True, phases=3)


def test_a_card_that_opens_the_power_path_at_once_is_told_the_rest_within_the_same_call():
    desk = Desk()
    desk.world.plug_in(1)
    desk.station = lambda event: isinstance(event, CardPresented) and desk.pilots[1].apply(PERMIT_16A)
    desk.world.swipe("04AB")
    assert desk.take()[-1] == PowerChanged(1, closed=True, phases=3)


def test_nothing_is_posted_from_inside_a_wish():
    desk = Desk()
    desk.world.plug_in(1)
    desk.take()
    desk.pilots[1].apply(PERMIT_16A)
    desk.locks[1, 1].lock()
    desk.meters[1].sample_every(5.0)
    assert desk.take() == []
    desk.clock.turn()
    assert {type(event) for event in desk.take()} == {MeterSampled, PilotChanged, PowerChanged, LockMoved}


def test_a_post_is_never_nested_in_another_one():
    desk = Desk()
    depth = 0

    def station(event: Event) -> None:
        nonlocal depth
        depth += 1
        assert depth == 1
        if isinstance(event, PilotChanged):
            desk.pilots[1].apply(PERMIT_16A if event.state is not CpState.A else PilotIntent())
            desk.locks[1, 1].lock()
        depth -= 1

    desk.station = station
    desk.world.plug_in(1)
    desk.world.ev(1, "paused")
    desk.world.unplug(1)
    assert desk.world.at(1).state is CpState.A


def test_a_stimulus_from_inside_a_post_waits_until_everybody_heard_of_the_first():
    desk = Desk()
    desk.take()
    desk.station = lambda event: event == BayChanged(1, True) and desk.world.unplug(1)
    desk.world.plug_in(1)
    desk.world.bay(1, True)
    desk.station = lambda event: event == CableRated(1, 63.0) and desk.world.bay(1, False)
    desk.world.plug_in(1)
    assert desk.take(PilotChanged, BayChanged) == [
        PilotChanged(1, CpState.B, pwm=False),
        BayChanged(1, True),
        PilotChanged(1, CpState.A, pwm=False),
        PilotChanged(1, CpState.B, pwm=False),
        BayChanged(1, False),
    ]


def test_two_evses_do_not_hear_each_other():
    desk = Desk(evses=2)
    desk.take()
    desk.world.plug_in(2)
    assert {event.evse for event in desk.take()} == {2}


def test_the_connector_that_was_used_is_named_in_the_pilot_and_the_cable():
    desk = Desk(connectors=2)
    desk.take()
    desk.world.plug_in(1, connector=2, ev=Vehicle(cable_a=32))
    assert desk.world.plugged(1) == 2
    assert desk.take() == [CableRated(1, 32.0, 2), PilotChanged(1, CpState.B, 2, pwm=False)]
    desk.world.unplug(1)
    assert desk.world.plugged(1) is None
    assert desk.take() == [PilotChanged(1, CpState.A, 2, pwm=False), CableRated(1, None, 2)]


# ---- the vehicle ----


def test_a_vehicle_asks_for_energy_its_time_after_current_is_offered_not_before():
    desk = Desk()
    desk.world.plug_in(1, ev=Vehicle(ready_after_ms=2500))
    desk.clock.advance(60)
    desk.apply(PERMIT_16A)
    desk.take()
    desk.clock.advance(2.499)
    assert desk.take() == []
    desk.clock.advance(0.001)
    assert PilotChanged(1, CpState.C, pwm=True) in desk.take()


def test_an_offer_that_is_withdrawn_sends_the_vehicle_back_to_b_and_it_waits_anew():
    desk = Desk()
    desk.charge(Vehicle(ready_after_ms=1000))
    desk.clock.advance(1)
    desk.apply(PilotIntent())
    assert desk.take(PilotChanged, PowerChanged)[-2:] == [
        PilotChanged(1, CpState.B, pwm=False),
        PowerChanged(1, closed=False),
    ]
    desk.apply(PERMIT_16A)
    assert desk.world.at(1).state is CpState.B
    desk.clock.advance(1)
    assert desk.world.at(1).state is CpState.C


def test_a_vehicle_that_is_told_to_be_ready_does_not_wait():
    desk = Desk()
    desk.charge(Vehicle(ready_after_ms=60_000))
    desk.world.ev(1, "ready")
    assert desk.take()[-1] == PowerChanged(1, closed=True, phases=3)
    assert desk.clock.pending == 0


def test_an_offer_below_six_amps_is_no_offer():
    desk = Desk()
    desk.world.plug_in(1)
    desk.take()
    desk.apply(PilotIntent(limit_a=5.9, permit_power=True))
    assert desk.take() == []


def test_current_without_permission_lets_the_vehicle_ask_but_not_draw():
    desk = Desk()
    desk.world.plug_in(1)
    desk.take()
    desk.apply(PilotIntent(limit_a=16.0, permit_power=False))
    assert desk.take() == [PilotChanged(1, CpState.C, pwm=True)]


def test_a_pause_opens_the_contactor_and_ready_closes_it():
    desk = Desk()
    desk.charge()
    desk.world.ev(1, "paused")
    assert desk.take(PilotChanged, PowerChanged) == [
        PilotChanged(1, CpState.B, pwm=True),
        PowerChanged(1, closed=False),
    ]
    desk.world.ev(1, "ready")
    assert desk.take(PilotChanged, PowerChanged) == [
        PilotChanged(1, CpState.C, pwm=True),
        PowerChanged(1, closed=True, phases=3),
    ]


def test_a_vehicle_that_is_done_says_so_once_before_its_pilot_changes():
    desk = Desk()
    desk.charge()
    desk.world.ev(1, "done")
    assert desk.take(VehicleEnded, PilotChanged) == [VehicleEnded(1), PilotChanged(1, CpState.B, pwm=True)]
    desk.world.bay(1, True)
    desk.power_cycle()
    assert desk.take(VehicleEnded) == []
    desk.world.unplug(1)
    desk.world.plug_in(1)
    desk.world.ev(1, "done")
    assert desk.take(VehicleEnded) == [VehicleEnded(1)]


def test_a_simplified_vehicle_skips_b():
    desk = Desk()
    desk.take()
    desk.world.plug_in(1, ev=Vehicle(simplified=True))
    assert desk.take(PilotChanged) == [PilotChanged(1, CpState.C, pwm=False)]
    desk.apply(PERMIT_16A)
    desk.world.ev(1, "paused")
    assert desk.world.at(1).state is CpState.C and desk.world.at(1).power_w == 0.0


def test_a_vehicle_that_needs_ventilation_asks_with_d():
    desk = Desk()
    desk.world.plug_in(1, ev=Vehicle(ventilation=True))
    desk.take()
    desk.apply(PERMIT_16A)
    assert desk.take(PilotChanged) == [PilotChanged(1, CpState.D, pwm=True)]


def test_no_permission_counts_while_the_station_is_not_available():
    desk = Desk()
    desk.charge(Vehicle(simplified=True))
    desk.apply(PilotIntent(available=False, limit_a=16.0, permit_power=True))
    assert desk.take(PilotChanged, PowerChanged) == [
        PilotChanged(1, CpState.C, pwm=False),
        PowerChanged(1, closed=False),
    ]


def test_a_timer_that_comes_a_tick_early_still_makes_the_vehicle_ready():
    desk = Desk()
    desk.charge(Vehicle(ready_after_ms=1000))
    desk.clock.early_s = 1e-9
    desk.clock.advance(1)
    assert desk.world.at(1).closed and desk.clock.pending == 0


def test_an_autonomous_delay_holds_the_contactor_back_but_not_the_opening():
    desk = Desk(autonomous_delay_ms=500)
    desk.charge()
    desk.clock.advance(0.4)
    assert not desk.world.at(1).closed
    desk.clock.advance(0.1)
    assert desk.take()[-1] == PowerChanged(1, closed=True, phases=3)
    desk.world.ev(1, "paused")
    assert not desk.world.at(1).closed and desk.clock.pending == 0


# ---- cards ----


def test_a_card_at_the_stations_reader_carries_the_evse_that_was_chosen():
    desk = Desk(evses=2)
    desk.take()
    desk.world.swipe("04AB")
    desk.world.swipe("1234", type="KeyCode", evse=2)
    assert desk.take() == [CardPresented(0, "04AB"), CardPresented(2, "1234", "KeyCode")]


def test_an_evse_with_its_own_reader_reads_its_own_cards():
    desk = Desk(evses=2)
    own: list[Event] = []
    desk.world.attach(SimReader(SimReader.Config(), Place("reader[1]", 2), desk.bus, own.append))
    own.clear()
    desk.take()
    desk.world.swipe("04AB", evse=2)
    assert own == [CardPresented(2, "04AB")] and desk.take() == []


# ---- nonsense ----


@pytest.mark.parametrize(
    ("stimulus", "text"),
    [
        (lambda world: world.plug_in(3), "no such evse"),
        (lambda world: world.plug_in(0), "no such evse"),
        (lambda world: world.plug_in(1, connector=2), "no such connector"),
        (lambda world: world.plug_in(2), "already plugged in"),
        (lambda world: world.unplug(1), "not plugged in"),
        (lambda world: world.ev(1, "ready"), "not plugged in"),
        (lambda world: world.ev(2, "asleep"), "no such vehicle state 'asleep'; there are ready, paused, done"),
        (lambda world: world.swipe("04", evse=3), "no such evse"),
        (lambda world: world.swipe("04", type="Coin"), "no such token type 'Coin'"),
        (lambda world: world.bay(3, True), "no such evse"),
        (lambda world: world.meter(1, energy_wh=-1.0), "energy_wh -1.0 is out of range; 0 to 1e\\+12"),
        (lambda world: world.meter(1, power_w=float("nan")), "power_w nan is out of range"),
        (lambda world: world.meter(1, soc=101.0), "soc 101.0 is out of range; 0 to 100"),
        (lambda world: world.fault(3, "OtherError"), "no such evse"),
        (lambda world: world.fault(1, "OtherError", connector=9), "no such connector"),
        (lambda world: world.fault(1, "NoError"), "NoError is no fault"),
        (lambda world: world.clear_fault(3), "no such evse"),
        (lambda world: world.lose(1, "flux capacitor"), "unsupported: evse 1 has no simulated flux capacitor"),
    ],
)
def test_a_stimulus_that_makes_no_sense_is_refused_and_changes_nothing(stimulus, text):
    desk = Desk(evses=2)
    desk.world.plug_in(2)
    desk.take()
    with pytest.raises(WorldError, match=f"^{text}"):
        stimulus(desk.world)
    assert desk.take() == [] and desk.clock.pending == 0
    assert (desk.world.plugged(1), desk.world.plugged(2)) == (None, 1)


def test_what_the_board_does_not_have_is_unsupported():
    bus = SimBus(SimBus.Config(), FakeClock())
    bus.world.attach(SimPilot(SimPilot.Config(), Place("evse[0].pilot", 1), bus, lambda event: None))
    for stimulus in (lambda: bus.world.bay(1, True), lambda: bus.world.meter(1), lambda: bus.world.swipe("04")):
        with pytest.raises(WorldError, match=r"^unsupported"):
            stimulus()


def test_a_vehicle_is_read_from_json_with_its_ranges():
    ev = msgspec.convert({"protocol": "iso15118-ac", "current_a": 10, "ready_after_ms": 500}, Vehicle)
    assert (ev.current_a, ev.phases, ev.ready_after_ms) == (10.0, 3, 500.0)
    with pytest.raises(msgspec.ValidationError, match="phases"):
        msgspec.convert({"phases": 4}, Vehicle)


# ---- the board file ----


def test_the_simulated_board_is_made_of_drivers_that_keep_their_ports():
    board = read_board(find_board("sim"))
    options = dict(board.bus["world"])
    bus = make_bus(options.pop("kind"), options, "bus.world")
    made = [make_driver(part.driver, part.options, Place(where, 1), bus, print) for where, part in parts_of(board)]
    ports = {SimPilot: PilotController, SimMeter: EnergyMeter, SimLock: ConnectorLock, SimReader: TokenReader}
    ports[SimSecc] = Secc
    assert {type(part) for part in made} == {*ports, SimBay}
    assert all(isinstance(part, ports.get(type(part), SimPart)) for part in made)


def test_an_option_that_no_simulated_part_has_is_refused_with_its_place():
    bus = make_bus("sim", {"speed": 10}, "bus.world")
    with pytest.raises(BadOptions, match=r"^evse\[0\].pilot: .*conectors.*; options: connectors$"):
        make_driver("sim_pilot", {"conectors": 2}, Place("evse[0].pilot", 1), bus, print)
    with pytest.raises(BadOptions, match=r"^bus.world: .*speed.*; options: speed, autonomous_delay_ms$"):
        make_bus("sim", {"speed": -1}, "bus.world")
