"""Vehicles that negotiate schedules by ISO 15118, on the bench: needs, offers, choices, renegotiation (K15 to K17)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from agent.session.dc import DcLayout
from agent.vocabulary.incoming import LimitSet
from hal.events import EvNeeds, EvNeedsTold, EvScheduleChosen
from hal.ports import ScheduleOffer
from tests.bench import POWER_ON, Bench, Payload
from tests.blocks.profiles import clear, composite, install, offer, profile, refusal, schedule, send, wire

TX = "TxProfile"
NEEDS = EvNeeds("AC_three_phase", max_a=32.0, max_v=400.0, min_a=6.0, energy_wh=20_000.4)


def negotiating(needs: EvNeeds = NEEDS, *, told: bool = True, **options: Any) -> Bench:
    """A vehicle that speaks ISO 15118 charges, and has said what it needs."""
    bench = Bench(secc=True, **options)
    bench.accept()
    bench.plug_in()
    bench.choose_eim()
    bench.swipe()
    bench.take_sent()
    if told:
        bench.post(EvNeedsTold(1, needs))
    return bench


def sent(bench: Bench, action: str) -> list[Payload]:
    return [said.payload for said in bench.take_sent() if said.action == action]


def offers(bench: Bench) -> list[tuple[tuple[int, float], ...]]:
    """What the vehicle may choose among now."""
    return [each.limits for each in bench.offered[-1][1]]


def own(bench: Bench, limit: Any = 10.0, **more: Any) -> None:
    transaction = bench.evse().transaction
    assert transaction is not None
    install(bench, 1, limit, purpose=TX, transaction=transaction.id, **more)


def choose(bench: Bench, id: int = 1, *limits: tuple[int, float]) -> None:
    bench.post(EvScheduleChosen(1, id, limits))


# ---- needs ----


@pytest.mark.proves("K15.FR.01", "K15.FR.06", "K17.FR.06")
def test_what_the_vehicle_needs_is_told():
    bench = negotiating(told=False)
    leaves = POWER_ON + timedelta(hours=8)
    bench.post(EvNeedsTold(1, EvNeeds("AC_three_phase", 32.0, 400.0, 6.0, 20_000.4, departure=leaves)))
    (needs,) = sent(bench, "NotifyEVChargingNeeds")
    assert needs == {
        "evseId": 1,
        "maxScheduleTuples": 1024,
        "chargingNeeds": {
            "requestedEnergyTransfer": "AC_three_phase",
            "departureTime": wire(leaves),
            "acChargingParameters": {
                "energyAmount": 20_000,
                "evMinCurrent": 6,
                "evMaxCurrent": 32,
                "evMaxVoltage": 400,
            },
        },
    }


def test_a_vehicle_that_takes_direct_current_tells_so():
    bench = negotiating(EvNeeds("DC", 200.0, 500.0, max_w=80_000.0, soc_percent=40.0), told=False)
    bench.post(EvNeedsTold(1, EvNeeds("DC", 200.0, 500.0, max_w=80_000.0, soc_percent=40.0)))
    (needs,) = sent(bench, "NotifyEVChargingNeeds")
    assert needs["chargingNeeds"] == {
        "requestedEnergyTransfer": "DC",
        "dcChargingParameters": {
            "evMaxCurrent": 200,
            "evMaxVoltage": 500,
            "evMaxPower": 80_000,
            "stateOfCharge": 40,
        },
    }


def test_before_there_is_a_transaction_nobody_could_answer():
    bench = Bench(secc=True)
    bench.accept()
    bench.plug_in()
    bench.take_sent()
    bench.post(EvNeedsTold(1, NEEDS))
    assert sent(bench, "NotifyEVChargingNeeds") == []
    bench.swipe()
    assert len(sent(bench, "NotifyEVChargingNeeds")) == 1


def accepting(**options: Any) -> Bench:
    bench = negotiating(told=False, **options)
    bench.script["NotifyEVChargingNeeds"] = {"status": "Accepted"}
    bench.script["NotifyEVChargingSchedule"] = {"status": "Accepted"}
    bench.post(EvNeedsTold(1, NEEDS))
    return bench


def test_the_csms_is_to_hear_of_the_transaction_first_but_not_for_ever():
    bench = negotiating(told=False)
    bench.swipe()
    bench.unplug()
    bench.script["TransactionEvent"] = "InternalError"
    bench.plug_in()
    bench.swipe()
    bench.post(EvNeedsTold(1, NEEDS))
    bench.pass_time(59.9)
    assert sent(bench, "NotifyEVChargingNeeds") == []
    bench.pass_time(0.1)  # as long as a vehicle waits
    assert len(sent(bench, "NotifyEVChargingNeeds")) == 1


def test_the_profile_of_the_csms_is_waited_for_and_then_offered():
    bench = accepting()
    assert bench.offered == []
    own(bench, ((0, 10.0), (600, 16.0)))
    assert bench.offered[-1][0] == 1
    assert offers(bench) == [((0, 10.0), (600, 16.0))]


@pytest.mark.parametrize("answer", [{"status": "Rejected"}, {"status": "Processing"}, "InternalError"], ids=str)
def test_where_no_profile_comes_now_the_vehicle_gets_what_there_is(answer: Any):
    bench = negotiating(told=False)
    install(bench, 1, 12.0, start=0)
    bench.script["NotifyEVChargingNeeds"] = answer
    bench.post(EvNeedsTold(1, NEEDS))
    assert offers(bench) == [((0, 12.0),)]


def test_a_csms_that_promised_a_profile_has_a_minute():
    bench = accepting()
    bench.pass_time(59.9)
    assert bench.offered == []
    bench.pass_time(0.1)
    assert offers(bench) == [((0, 32.0),)]


@pytest.mark.proves("K15.FR.15", "K17.FR.15")
def test_offline_the_default_profile_is_what_there_is():
    bench = negotiating(told=False)
    install(bench, 1, ((0, 12.0), (3600, 8.0)), start=0)
    bench.disconnect()
    bench.post(EvNeedsTold(1, NEEDS))
    assert offers(bench) == [((0, 12.0), (3600, 8.0))]
    assert sent(bench, "NotifyEVChargingNeeds") == []


# ---- several schedules ----


@pytest.mark.proves("K15.FR.22")
def test_K15_FR_22_each_schedule_is_combined_with_that_of_its_number_and_with_every_other_limit():
    bench = accepting()
    install(bench, 0, 20.0, id=9, purpose="ChargingStationMaxProfile", start=0)
    transaction = bench.evse().transaction
    assert transaction is not None
    low = profile(purpose=TX, transaction=transaction.id, id=1)
    low["chargingSchedule"] = [schedule(16.0, id=4), schedule(24.0, id=5), schedule(8.0, id=6)]
    high = profile(purpose=TX, transaction=transaction.id, id=2, level=1)
    high["chargingSchedule"] = [schedule(6.0, id=7, duration=60), schedule(7.0, id=8, duration=120)]
    assert send(bench, 1, low) == {"status": "Accepted"}
    assert send(bench, 1, high) == {"status": "Accepted"}
    passed = int(bench.mono - 1000)
    assert offers(bench)[:2] == [((0, 6.0), (60 - passed, 16.0)), ((0, 7.0), (120 - passed, 20.0))]
    assert [each.id for each in bench.offered[-1][1]] == [7, 8, 6]


def test_several_schedules_are_for_a_vehicle_that_can_choose():
    bench = negotiating(told=False)
    transaction = bench.evse().transaction
    assert transaction is not None
    several = profile(purpose=TX, transaction=transaction.id)
    several["chargingSchedule"] = [schedule(10.0), schedule(16.0, id=2)]
    assert refusal(bench, 1, several) == "InvalidSchedule"
    bench.post(EvNeedsTold(1, NEEDS))
    assert send(bench, 1, several) == {"status": "Accepted"}
    assert offer(bench) == 10.0
    choose(bench, 2)
    assert offer(bench) == 16.0


# ---- the vehicle's choice ----


@pytest.mark.proves("K15.FR.10", "K15.FR.09", "K15.FR.14")
def test_what_the_vehicle_will_draw_is_told_and_reckoned_with():
    bench = accepting()
    own(bench, 16.0)
    choose(bench, 1, (0, 12.0), (300, 8.0))
    (told,) = sent(bench, "NotifyEVChargingSchedule")
    assert (told["evseId"], told["chargingSchedule"]["id"]) == (1, 1)
    assert told["timeBase"] == wire(bench.offered[-1][1][0].start)
    assert [(each["startPeriod"], each["limit"]) for each in told["chargingSchedule"]["chargingSchedulePeriod"]] == [
        (0, 12.0),
        (300, 8.0),
    ]
    assert composite(bench, 1, 400) == [(0, 12.0), (300, 8.0)]
    assert offer(bench) == 16.0


@pytest.mark.parametrize("judged", [True, False])
@pytest.mark.proves("K15.FR.09", "K16.FR.04", "K17.FR.09")
def test_a_vehicle_that_would_draw_more_than_it_was_offered_is_told_of_and_not_reckoned_with(judged: bool):
    bench = accepting()
    if judged:
        bench.script["NotifyEVChargingSchedule"] = {"status": "Rejected"}
    own(bench, ((0, 16.0), (300, 10.0)))
    choose(bench, 1, (0, 8.0), (200, 10.0), (299, 16.0))
    assert len(sent(bench, "NotifyEVChargingSchedule")) == 1
    assert composite(bench, 1, 400) == [(0, 16.0), (300, 10.0)]


@pytest.mark.proves("K15.FR.19", "K16.FR.13", "K17.FR.16")
def test_without_a_profile_of_its_own_the_schedule_that_it_follows_is_told():
    bench = accepting()
    own(bench, ((0, 16.0), (300, 10.0)))
    choose(bench)
    (told,) = sent(bench, "NotifyEVChargingSchedule")
    assert [each["limit"] for each in told["chargingSchedule"]["chargingSchedulePeriod"]] == [16.0, 10.0]


def test_a_choice_that_was_made_offline_is_told_when_there_is_somebody_to_tell():
    bench = accepting()
    own(bench, 16.0)
    bench.disconnect()
    choose(bench, 1, (0, 12.0))
    assert sent(bench, "NotifyEVChargingSchedule") == []
    bench.connect()
    assert len(sent(bench, "NotifyEVChargingSchedule")) == 1


def test_a_choice_of_what_was_never_offered_is_nothing():
    bench = accepting()
    own(bench, 16.0)
    choose(bench, 7, (0, 12.0))
    assert sent(bench, "NotifyEVChargingSchedule") == []
    assert composite(bench, 1, 60) == [(0, 16.0)]


# ---- renegotiation ----


@pytest.mark.proves("K16.FR.01", "K16.FR.02", "K16.FR.03", "K16.FR.05", "K16.FR.09", "K16.FR.10", "K16.FR.11")
def test_a_new_profile_of_the_csms_is_negotiated_anew_and_the_needs_are_not_told_again():
    bench = accepting()
    own(bench, 16.0)
    choose(bench)
    bench.take_sent()
    own(bench, 8.0)
    assert offer(bench) == 8.0  # at once, whatever the vehicle thinks of it
    assert offers(bench) == [((0, 8.0),)]
    bench.post(EvNeedsTold(1, NEEDS))
    choose(bench, 1, (0, 7.0))
    told = bench.take_sent()
    assert [said.action for said in told if "NotifyEV" in said.action] == ["NotifyEVChargingSchedule"]
    assert composite(bench, 1, 60) == [(0, 7.0)]


@pytest.mark.parametrize("cause", ["cleared", "from outside"])
def test_whatever_changes_what_it_may_draw_is_offered_anew(cause: str):
    bench = accepting()
    own(bench, 16.0)
    choose(bench)
    if cause == "cleared":
        clear(bench, 1)
        assert offers(bench) == [((0, 32.0),)]
    else:
        bench.notice(LimitSet(1, "site", 12.0))
        assert offers(bench) == [((0, 12.0),)]


def test_what_changes_nothing_for_the_vehicle_is_not_negotiated():
    bench = accepting()
    own(bench, ((0, 16.0), (600, 10.0)))
    choose(bench)
    before = len(bench.offered)
    install(bench, 1, 20.0, id=5, start=0)
    bench.notice(LimitSet(1, "site", 30.0))
    bench.pass_time(700)
    assert len(bench.offered) == before


@pytest.mark.proves("K17.FR.01", "K17.FR.10", "K17.FR.14")
def test_a_vehicle_that_wants_other_schedules_is_heard():
    bench = accepting()
    own(bench, 16.0)
    choose(bench)
    bench.take_sent()
    bench.post(EvNeedsTold(1, EvNeeds("AC_three_phase", 20.0, 400.0)))
    (needs,) = sent(bench, "NotifyEVChargingNeeds")
    assert needs["chargingNeeds"]["acChargingParameters"]["evMaxCurrent"] == 20
    own(bench, 20.0)
    choose(bench, 1, (0, 18.0))
    assert len(sent(bench, "NotifyEVChargingSchedule")) == 1
    assert composite(bench, 1, 60) == [(0, 18.0)]


def test_the_next_vehicle_begins_anew():
    bench = accepting()
    own(bench, 16.0)
    choose(bench, 1, (0, 8.0))
    bench.unplug()
    bench.plug_in()
    bench.swipe()
    assert composite(bench, 1, 60) == [(0, 32.0)]
    bench.take_sent()
    bench.post(EvNeedsTold(1, NEEDS))
    assert len(sent(bench, "NotifyEVChargingNeeds")) == 1


def test_direct_current_is_offered_as_power():
    layout = {"dc": DcLayout(500.0), "phases": 1, "voltage_v": 500.0, "limit_a": 100.0, "min_a": 1.0}
    bench = negotiating(EvNeeds("DC", 200.0, 500.0), layout=layout)
    bench.pass_time(60)
    ((_, (only,)),) = bench.offered[-1:]
    assert isinstance(only, ScheduleOffer)
    assert (only.unit, only.limits) == ("W", ((0, 50_000.0),))
