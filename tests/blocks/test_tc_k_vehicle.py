"""Certification cases of block K with a vehicle that speaks ISO 15118, step by step as Part 6 tells them."""

from __future__ import annotations

from typing import Any

import pytest

from hal.events import EvNeeds, EvNeedsTold, EvScheduleChosen
from tests.bench import Payload
from tests.blocks.smart import TX, Smart

NEEDS = {
    "AC": EvNeeds("AC_three_phase", max_a=32.0, max_v=400.0, min_a=6.0, energy_wh=20_000.0),
    "DC": EvNeeds("DC", max_a=100.0, max_v=500.0, max_w=40_000.0),
}
PARAMETERS = {"AC": "acChargingParameters", "DC": "dcChargingParameters"}
RECONNECTED_AFTER_S = 90

every_current = pytest.mark.parametrize("current", ["AC", "DC"])
every_unit = pytest.mark.parametrize("unit", ["A", "W"])
with_or_without_own_schedule = pytest.mark.parametrize("limits", [(), ((0, 6.0),)], ids=["its own", "the offered"])


class Negotiating(Smart):
    """The manual actions of the EV's side, and the reusable state RenegotiateChargingLimits."""

    def __init__(self, current: str = "AC", **options: Any) -> None:
        super().__init__(secc=True, stop="EVConnected", **options)
        self.current = current
        for action in ("NotifyEVChargingNeeds", "NotifyEVChargingSchedule"):
            self.bench.script[action] = {"status": "Accepted"}

    def ready(self) -> None:
        """State is Authorized (local), State is EVConnectedPreSession; the EV has not asked for power yet."""
        self.authorized()
        self.ev_connected_pre_session(wants=False)
        self.bench.choose_eim()

    def needs(self) -> Payload:
        """The EV says what it needs, and the CSMS is told."""
        self.bench.post(EvNeedsTold(1, NEEDS[self.current]))
        told = self.expect("NotifyEVChargingNeeds")
        assert told["evseId"] == 1
        assert PARAMETERS[self.current] in told["chargingNeeds"]
        return told

    def own_profile(self, limit: float, **more: Any) -> None:
        """The CSMS answers with a profile of the transaction."""
        self.set(1, self.profile(limit, purpose=TX, transaction=self.running, **more))

    def chooses(self, limits: tuple[tuple[int, float], ...] = ()) -> None:
        """The EV takes the first schedule that it is offered, and the CSMS is told."""
        _, (first, *_) = self.bench.offered[-1]
        self.bench.post(EvScheduleChosen(1, first.id, limits))
        assert self.expect("NotifyEVChargingSchedule")["evseId"] == 1

    def charges(self) -> None:
        """The EV asks for power, and energy flows."""
        self.bench.vehicle_wants(True)
        self.expect_event(trigger="ChargingStateChanged", state="Charging")

    def renegotiate_charging_limits(self, limits: tuple[tuple[int, float], ...] = ()) -> None:
        self.needs()
        self.own_profile(10.0, duration=300)
        self.chooses(limits)
        self.charges()


@every_current
@every_unit
@with_or_without_own_schedule
def test_TC_K_53_CS_load_leveling(current: str, unit: str, limits: tuple[tuple[int, float], ...]):
    octt = Negotiating(current, unit=unit)
    octt.ready()
    octt.renegotiate_charging_limits(limits)
    octt.expect_nothing()
    assert octt.bench.intents[1].limit_a == pytest.approx(10.0 if unit == "A" else 10_000 / 690)


@every_current
def test_TC_K_54_CS_no_schedule_of_the_csms(current: str):
    octt = Negotiating(current)
    octt.bench.script["NotifyEVChargingNeeds"] = {"status": "Rejected"}
    octt.ready()
    octt.needs()
    octt.chooses()
    octt.charges()
    octt.expect_nothing()


@every_unit
def test_TC_K_56_CS_offline(unit: str):
    octt = Negotiating(unit=unit)
    octt.set(1, octt.profile(valid=(-5, 406), start=-5, duration=400))
    octt.ready()
    octt.bench.disconnect()
    octt.bench.post(EvNeedsTold(1, NEEDS["AC"]))
    _, (first,) = octt.bench.offered[-1]
    assert [start_s for start_s, _ in first.limits] == [0, 395]
    assert first.limits[0][1] == pytest.approx(6.0 if unit == "A" else 8.6)  # 6000 W
    octt.bench.post(EvScheduleChosen(1, first.id, ((0, 6.0),)))
    octt.bench.vehicle_wants(True)
    octt.bench.pass_time(RECONNECTED_AFTER_S)
    octt.bench.connect()
    assert octt.expect("NotifyEVChargingSchedule")["evseId"] == 1
    assert octt.expect_event(trigger="ChargingStateChanged", state="Charging")["offline"] is True
    assert octt.bench.intents[1].limit_a == pytest.approx(6.0 if unit == "A" else 6000 / 690)


@every_current
def test_TC_K_57_CS_renegotiated_by_the_ev(current: str):
    octt = Negotiating(current)
    octt.ready()
    octt.renegotiate_charging_limits()
    octt.needs()
    octt.own_profile(15.0)
    octt.chooses()
    octt.expect_event(trigger="ChargingRateChanged")
    octt.expect_nothing()


@every_current
@every_unit
def test_TC_K_58_CS_renegotiated_by_the_csms(current: str, unit: str):
    octt = Negotiating(current, unit=unit)
    octt.ready()
    octt.renegotiate_charging_limits()
    offered = len(octt.bench.offered)
    octt.own_profile(8.0)
    assert len(octt.bench.offered) == offered + 1
    octt.bench.post(EvNeedsTold(1, NEEDS[current]))
    octt.chooses()
    octt.expect_event(trigger="ChargingRateChanged")
    octt.expect_nothing()
