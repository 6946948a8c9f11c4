"""Block E without a link: what happens meanwhile is queued, told later in order, and says that it was offline."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.bench import CARD, OTHER_CARD, TOKEN, Bench, Payload, story
from tests.blocks.test_e_start import bench_with

OFFLINE_TOO = {"AuthCtrlr.OfflineTxForUnknownIdEnabled": True, "SampledDataCtrlr.TxUpdatedInterval": 0}


def offline_of(events: list[Payload]) -> list[bool]:
    return [event.get("offline", False) for event in events]


def test_E04_FR_01_E12_FR_01_a_whole_session_without_a_link_is_told_when_it_is_back():
    bench = bench_with(variables=OFFLINE_TOO)
    bench.disconnect()
    bench.plug_in()
    bench.swipe()
    bench.pass_time(1800)
    bench.swipe()
    bench.unplug()
    assert bench.take_events() == []
    assert len(bench.rows) == 3
    bench.connect()
    told = bench.take_events()
    assert [story(event)[:2] for event in told] == [
        ("Started", "Authorized"),
        ("Updated", "ChargingStateChanged"),
        ("Ended", "StopAuthorized"),
    ]
    assert offline_of(told) == [True, True, True]  # E04.FR.03, E12.FR.02
    assert [event["seqNo"] for event in told] == [0, 1, 2]
    assert [event.get("idToken") for event in told] == [TOKEN, None, TOKEN]
    assert bench.rows == {}


def test_E04_FR_02_events_keep_the_time_at_which_they_happened():
    bench = bench_with(variables=OFFLINE_TOO)
    bench.disconnect()
    at = bench.now.wall
    bench.plug_in()
    bench.swipe()
    bench.pass_time(600)
    bench.connect()
    assert bench.take_events()[0]["timestamp"] == at.isoformat().replace("+00:00", "Z")


def test_E08_FR_01_04_05_06_07_a_session_that_ends_without_a_link():
    bench = bench_with(variables=OFFLINE_TOO)
    bench.plug_in()
    bench.swipe()
    bench.disconnect()
    bench.take_sent()
    bench.swipe()
    assert not bench.intents[1].permit_power
    bench.unplug()
    bench.connect()
    told = bench.take_events()
    assert [story(event) for event in told] == [("Ended", "StopAuthorized", "EVConnected")]
    assert offline_of(told) == [True]


def test_E08_FR_02_a_card_of_the_same_group_stops_the_energy_without_a_link():
    bench = bench_with(variables={**OFFLINE_TOO, "TxCtrlr.TxStopPoint": "EVConnected"})
    family = {"idToken": "family", "type": "Central"}
    bench.script["Authorize"] = {"idTokenInfo": {"status": "Accepted", "groupIdToken": family}}
    bench.swipe(OTHER_CARD)  # now the cache knows of the group
    bench.pass_time(61)
    bench.plug_in()
    bench.swipe(CARD)
    assert bench.intents[1].permit_power
    bench.disconnect()
    bench.take_sent()
    bench.swipe("04STRANGER")
    assert bench.intents[1].permit_power
    bench.swipe(OTHER_CARD)
    assert not bench.intents[1].permit_power
    assert not bench.plants[1].closed
    bench.unplug()
    bench.connect()
    told = bench.take_events()
    assert ("Ended", "EVCommunicationLost") in [story(event)[:2] for event in told]
    assert "Local" in [event["transactionInfo"].get("stoppedReason") for event in told]


def test_E08_FR_03_the_cable_is_unlocked_without_a_link():
    bench = bench_with(variables=OFFLINE_TOO, attached=False, lock=True)
    bench.plug_in()
    bench.swipe()
    bench.disconnect()
    bench.swipe()
    assert bench.plants[1].locked[1] == "unlocked"


def test_E11_FR_01_E11_FR_02_readings_go_on_while_the_link_is_gone():
    bench = bench_with(variables={"SampledDataCtrlr.TxUpdatedInterval": 60})
    bench.plug_in()
    bench.swipe()
    bench.disconnect()
    bench.take_sent()
    bench.pass_time(300)
    bench.connect()
    told = bench.take_events()
    assert [story(event) for event in told] == [("Updated", "MeterValuePeriodic", "Charging")] * len(told)
    assert len(told) >= 5
    assert offline_of(told) == [True] * len(told)
    bench.pass_time(60)
    assert offline_of(bench.take_events()) == [False]


def test_E11_FR_07_what_is_unanswered_when_the_link_goes_says_offline_when_it_goes_again():
    bench = bench_with(variables=OFFLINE_TOO)
    bench.script["TransactionEvent"] = None
    bench.plug_in()
    bench.swipe()
    assert offline_of(bench.take_events()) == [False]
    bench.disconnect()
    del bench.script["TransactionEvent"]
    bench.connect()
    told = bench.take_events()
    assert [event["seqNo"] for event in told] == [0, 1]
    assert offline_of(told) == [True, True]


@pytest.mark.parametrize(("attempts", "interval_s"), [(2, 10), (4, 30)])
def test_E13_FR_01_how_often_and_at_which_interval_it_is_said_again_is_what_the_csms_set(
    attempts: int, interval_s: int
):
    bench = bench_with(variables=OFFLINE_TOO)
    for name, value in (("MessageAttempts", attempts), ("MessageAttemptInterval", interval_s)):
        variable = {"name": name, "instance": "TransactionEvent"}
        item = {"component": {"name": "OCPPCommCtrlr"}, "variable": variable, "attributeValue": str(value)}
        told = bench.ask("SetVariables", setVariableData=[item])
        assert isinstance(told, dict)
        assert told["setVariableResult"][0]["attributeStatus"] == "Accepted"
    bench.script["TransactionEvent"] = "InternalError"
    times: list[float] = []
    bench.plug_in()
    bench.swipe()
    for _ in range(interval_s * attempts * attempts):
        times += [bench.mono] * sum(event["seqNo"] == 0 for event in bench.take_events())
        bench.pass_time(1)
    pauses_s = [later - earlier for earlier, later in pairwise(times)]
    assert pauses_s == [interval_s * number for number in range(1, attempts)]


def test_E12_sessions_of_two_evses_keep_their_own_numbers():
    bench = bench_with(evses=2, variables=OFFLINE_TOO)
    bench.disconnect()
    for evse in (1, 2):
        bench.plug_in(evse)
        bench.swipe(f"card {evse}", evse)
    for evse in (1, 2):
        bench.swipe(f"card {evse}", evse)
    bench.connect()
    by_transaction: dict[str, list[int]] = {}
    for event in bench.take_events():
        by_transaction.setdefault(event["transactionInfo"]["transactionId"], []).append(event["seqNo"])
    assert list(by_transaction.values()) == [[0, 1, 2], [0, 1, 2]]


def test_E12_what_was_queued_outlives_the_power():
    bench = bench_with(variables=OFFLINE_TOO)
    bench.disconnect()
    bench.plug_in()
    bench.swipe()
    bench.swipe()
    bench.unplug()
    bench.power_cycle()
    bench.take_sent()
    bench.connect()
    assert [event["eventType"] for event in bench.take_events()] == ["Started", "Updated", "Ended"]
    assert bench.rows == {}


def test_a_thousand_sessions_without_a_link_are_told_in_order():
    bench: Bench = bench_with(variables={**OFFLINE_TOO, "TxCtrlr.TxStartPoint": "EVConnected"})
    bench.disconnect()
    for _ in range(1000):
        bench.plug_in()
        bench.unplug()
    assert len(bench.rows) == 2000
    bench.connect()
    told = bench.take_events()
    assert [event["eventType"] for event in told] == ["Started", "Ended"] * 1000
    assert bench.rows == {}
