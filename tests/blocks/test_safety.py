"""What watches over a whole station: an emergency stop, a door, tilt and water, and what they do to a session."""

from __future__ import annotations

import pytest

from hal.events import DeviceFound, DeviceLost, FaultCode
from tests.bench import Bench
from tests.blocks.test_e_stop import charging, reason


@pytest.mark.proves("E06.FR.16")
@pytest.mark.parametrize(
    ("code", "expected"), [("EmergencyStop", "EmergencyStop"), ("TiltDetected", "Other"), ("WaterDetected", "Other")]
)
def test_what_endangers_the_station_ends_every_session_at_once(code: FaultCode, expected: str):
    bench = charging()
    bench.fault(code, evse=0)
    ended = bench.take_events()[-1]
    assert (ended["eventType"], ended["triggerReason"], reason(ended)) == ("Ended", "AbnormalCondition", expected)
    assert not bench.intents[1].permit_power
    assert all(evse.faulted() for evse in bench.station.site.evses.values())
    bench.heal(code, evse=0)
    assert not any(evse.faulted() for evse in bench.station.site.evses.values())


def test_an_open_door_takes_the_power_and_gives_it_back_in_the_same_session():
    bench = charging()
    bench.fault("DoorOpen", evse=0)
    assert not bench.intents[1].permit_power
    bench.heal("DoorOpen", evse=0)
    assert bench.intents[1].permit_power
    assert "Ended" not in [event["eventType"] for event in bench.take_events()]


@pytest.mark.parametrize("part", ["safety[0]", "evse[0].rcd"])
def test_no_power_without_what_watches_over_it(part: str):
    bench: Bench = charging()
    evse = 0 if part.startswith("safety") else 1
    bench.post(DeviceLost(evse, part, "gone"))
    assert not bench.intents[1].permit_power
    bench.post(DeviceFound(evse, part))
    assert bench.intents[1].permit_power


def test_a_reader_of_the_station_that_is_lost_takes_no_power():
    bench = charging()
    bench.post(DeviceLost(0, "reader[0]", "gone"))
    assert bench.intents[1].permit_power
