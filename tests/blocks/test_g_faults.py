"""Block G: who makes a pilot controller leave a fault that it keeps, and who does not (B11, B12, G03)."""

from __future__ import annotations

import pytest

from agent.vocabulary.incoming import TechnicianAsked
from tests.bench import Bench
from tests.blocks.test_e_start import bench_with


def latched(evses: int = 1) -> Bench:
    bench = bench_with(evses=evses)
    for evse in range(1, evses + 1):
        bench.latch("WeldedContactor", evse)
    assert {status for _, _, status in bench.take_statuses()} == {"Faulted"}
    return bench


def restart(bench: Bench) -> list[tuple[int, int, str]]:
    """What the CSMS hears of the connectors after a restart."""
    bench.power_cycle(off_s=0)
    bench.take_sent()
    bench.accept()
    return bench.take_statuses()


def ask_technician(bench: Bench, evse: int) -> None:
    bench.station.receive(TechnicianAsked("clear_fault", evse), bench.now)
    bench.pass_time(0)


@pytest.mark.parametrize("kind", ["Immediate", "OnIdle"])
def test_a_reset_makes_every_controller_leave_its_fault(kind: str):
    bench = latched(evses=2)
    assert bench.ask("Reset", type=kind) == {"status": "Accepted"}
    bench.pass_time(30)
    assert len(bench.restarts) == 1
    assert restart(bench)[-2:] == [(1, 1, "Available"), (2, 1, "Available")]


def test_the_power_that_comes_back_leaves_it_to_the_controller():
    assert restart(latched())[-1] == (1, 1, "Faulted")


def test_to_open_the_evse_again_clears_no_fault():
    bench = latched()
    for status in ("Inoperative", "Operative"):
        assert bench.ask("ChangeAvailability", operationalStatus=status, evse={"id": 1}) == {"status": "Accepted"}
    assert bench.take_statuses() == []
    assert bench.plants[1].latched == ["WeldedContactor"]


def test_a_technician_clears_the_evse_that_he_stands_before_and_no_other():
    bench = latched(evses=2)
    ask_technician(bench, 2)
    assert bench.take_statuses() == [(2, 1, "Available")]


def test_a_fault_whose_cause_is_still_there_stays():
    bench = bench_with()
    bench.fault("GroundFailure")
    bench.take_sent()
    ask_technician(bench, 1)
    assert bench.take_statuses() == []
    bench.plug_in()
    bench.swipe()
    assert not bench.intents[1].permit_power


def test_what_was_cleared_charges_again():
    bench = latched()
    ask_technician(bench, 1)
    bench.plug_in()
    bench.swipe()
    assert bench.plants[1].closed
