"""The simulated thermometer: what it says, and when."""

from __future__ import annotations

import pytest

from hal.bus.sim import SimBus, WorldError
from hal.bus.sim_evse import SimConfig
from hal.drivers.sim_pilot import SimPilot
from hal.drivers.sim_thermometer import SimThermometer
from hal.events import DeviceFound, DeviceLost, Event, TemperatureMeasured
from hal.ports import Place, Thermometer
from tests.hal.test_sim import FakeClock


class Desk:
    """One EVSE with two thermometers, read every 10 s."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.bus = SimBus(SimConfig(), self.clock)
        self.world = self.bus.world
        self.heard: list[Event] = []
        self.power_on()

    def power_on(self) -> None:
        self.world.attach(SimPilot(SimPilot.Config(), Place("evse[0].pilot", 1), self.bus, lambda event: None))
        for index, (spot, celsius) in enumerate((("inlet", 20.0), ("plug", 30.0))):
            where = Place(f"evse[0].thermometer[{index}]", 1, spot=spot)
            config = SimThermometer.Config(celsius=celsius)
            self.world.attach(SimThermometer(config, where, self.bus, self.heard.append))

    def take(self, spot: str = "inlet") -> list[float]:
        """What was said of a spot since the last call."""
        heard, self.heard[:] = list(self.heard), []
        return [each.celsius for each in heard if isinstance(each, TemperatureMeasured) and each.spot == spot]


def test_it_is_a_thermometer():
    assert isinstance(SimThermometer(SimThermometer.Config(), Place("-", 1), Desk().bus, print), Thermometer)


def test_it_says_how_warm_it_is_at_its_spot_when_it_is_there():
    desk = Desk()
    assert DeviceFound(1, "evse[0].thermometer[0]", "simulated thermometer") in desk.heard
    assert TemperatureMeasured(1, "plug", 30.0) in desk.heard
    assert desk.take("inlet") == [20.0]


def test_a_change_is_told_at_once_and_only_where_it_is():
    desk = Desk()
    desk.take()
    desk.world.temperature(1, "inlet", 70.0)
    assert desk.heard == [TemperatureMeasured(1, "inlet", 70.0)]


def test_the_same_is_told_again_every_ten_seconds_from_the_last_word_on():
    desk = Desk()
    desk.take()
    desk.clock.advance(9.9)
    assert desk.take() == []
    desk.world.temperature(1, "inlet", 70.0)
    assert desk.take() == [70.0]
    desk.clock.advance(9.9)
    assert desk.take() == []
    desk.clock.advance(0.1)
    assert desk.take() == [70.0]


def test_one_that_is_lost_says_nothing_and_says_how_warm_it_is_when_it_is_back():
    desk = Desk()
    desk.world.lose(1, "thermometer")
    assert [each.part for each in desk.heard if isinstance(each, DeviceLost)] == [
        "evse[0].thermometer[0]",
        "evse[0].thermometer[1]",
    ]
    desk.take()
    desk.world.temperature(1, "inlet", 70.0)
    desk.clock.advance(60)
    assert desk.take() == []
    desk.world.find(1, "thermometer")
    assert desk.take() == [70.0]


def test_without_power_it_wakes_nobody_and_the_heat_stays():
    desk = Desk()
    desk.world.temperature(1, "inlet", 70.0)
    desk.world.power_lost()
    assert desk.clock.pending == 0
    desk.take()
    desk.power_on()
    desk.world.power_restored()
    assert desk.take() == [70.0]


@pytest.mark.parametrize(
    ("evse", "spot", "celsius", "words"),
    [
        (9, "inlet", 20.0, "no such evse"),
        (1, "roof", 20.0, "'roof'; there are inlet, plug"),
        (1, "inlet", float("nan"), "out of range"),
        (1, "inlet", -300.0, "out of range"),
    ],
)
def test_a_temperature_that_makes_no_sense_is_refused(evse: int, spot: str, celsius: float, words: str):
    with pytest.raises(WorldError, match=words):
        Desk().world.temperature(evse, spot, celsius)
