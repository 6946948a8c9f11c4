"""Block E when there is no room for everything: which events and which readings go first, and what never goes."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import msgspec
import pytest

from agent.link.outbox import WINDOW
from agent.session.transaction import MOST_COLLECTED
from tests.bench import CARD, OTHER_CARD, Bench, Payload, contexts, only, register_wh
from tests.blocks.test_e_start import bench_with

EVERY_10_S = {"SampledDataCtrlr.TxUpdatedInterval": 10}
MOST_EVENTS = 200

# ---- events: the queue is full while there is no link ----


def offline_with_little_room(evses: int = 1, **variables: object) -> Bench:
    told_all = {**EVERY_10_S, "AuthCtrlr.OfflineTxForUnknownIdEnabled": True, **variables}
    bench = Bench(evses=evses, variables=told_all, most_events=MOST_EVENTS)
    bench.accept()
    bench.take_sent()
    return bench


def start(bench: Bench, evse: int, card: str) -> None:
    bench.plug_in(evse)
    bench.swipe(card, evse)


def told_later(bench: Bench) -> dict[str, list[Payload]]:
    """What the CSMS hears of each transaction when the link is back."""
    bench.connect()
    bench.pass_time(1)
    by_transaction: dict[str, list[Payload]] = {}
    for event in bench.take_events():
        by_transaction.setdefault(event["transactionInfo"]["transactionId"], []).append(event)
    return by_transaction


def is_reading(event: Payload) -> bool:
    return bool(event["triggerReason"] == "MeterValuePeriodic")


@pytest.mark.parametrize("online_first", [True, False])
@pytest.mark.proves("E04.FR.07", "E04.FR.08", "E11.FR.04", "E11.FR.05")
@pytest.mark.proves("E12.FR.04", "E12.FR.05", "J02.FR.12", "J02.FR.13")
def test_of_too_many_events_every_second_reading_goes_and_beginning_and_end_stay(online_first: bool):
    """E04 and E12: all of it without a link; E11: the link goes in its course."""
    bench = offline_with_little_room()
    if not online_first:
        bench.disconnect()
    start(bench, 1, CARD)
    bench.take_events()
    bench.disconnect()
    bench.pass_time(10 * 3 * MOST_EVENTS)
    bench.vehicle_wants(False)
    bench.swipe(CARD)
    made = [event.seq_no for event in bench.told]
    assert len(made) > 3 * MOST_EVENTS
    assert len(bench.rows) <= MOST_EVENTS + WINDOW
    told = only(told_later(bench).values())
    numbers = [event["seqNo"] for event in told]
    kinds = {event["seqNo"]: event for event in told}
    assert numbers[-1] == made[-1]
    assert [event["eventType"] for event in told].count("Ended") == 1
    assert online_first or numbers[:2] == made[:2]
    assert not is_reading(kinds[made[-2]])  # that the vehicle paused was not given up for a reading
    gone = set(range(numbers[0], numbers[-1])) - set(numbers)
    assert gone
    gaps = [later - earlier for earlier, later in pairwise(numbers)]
    assert max(gaps) < len(made) / 4  # of every part of the session some are left
    assert bench.link.outbox.thinned_events == len(gone)


def test_E04_FR_08_the_first_the_third_and_the_fifth_reading_go():
    bench = offline_with_little_room()
    bench.disconnect()
    start(bench, 1, CARD)
    while not bench.link.outbox.thinned_events:
        bench.pass_time(10)
    told = only(told_later(bench).values())
    in_memory, behind = [event["seqNo"] for event in told[:WINDOW]], [event["seqNo"] for event in told[WINDOW:]]
    assert in_memory == list(range(WINDOW))
    assert behind[:3] == [WINDOW + 1, WINDOW + 3, WINDOW + 5]


def test_E04_FR_08_two_transactions_at_a_time_are_thinned_alike():
    bench = offline_with_little_room(evses=2)
    bench.disconnect()
    start(bench, 1, CARD)
    start(bench, 2, OTHER_CARD)
    bench.pass_time(10 * MOST_EVENTS)
    for evse, card in ((1, CARD), (2, OTHER_CARD)):
        bench.swipe(card, evse)
    first, second = (len(events) for events in told_later(bench).values())
    assert bench.link.outbox.thinned_events > MOST_EVENTS // 2
    assert abs(first - second) <= 2


# ---- readings: the Ended has no room for all that was collected ----


def stop_with_the_card(bench: Bench) -> None:
    bench.swipe()


def stop_offline(bench: Bench) -> None:
    bench.disconnect()
    bench.swipe()
    bench.connect()


def unplug(bench: Bench) -> None:
    bench.unplug()


def unplug_and_stay_away(bench: Bench) -> None:
    bench.unplug()
    bench.pass_time(61)


def end_at_the_vehicle(bench: Bench) -> None:
    bench.vehicle_ends()


def break_down(bench: Bench) -> None:
    bench.fault("GroundFailure")


STOPS: dict[str, tuple[Callable[[Bench], None], dict[str, object]]] = {
    "E06 broken": (break_down, {}),
    "E07 card": (stop_with_the_card, {}),
    "E08 card, offline": (stop_offline, {}),
    "E12 offline throughout": (stop_offline, {"AuthCtrlr.OfflineTxForUnknownIdEnabled": True}),
    "E09 unplugged": (unplug, {}),
    "E10 unplugged and not back": (unplug_and_stay_away, {"TxCtrlr.StopTxOnEVSideDisconnect": False}),
    "E15 vehicle": (end_at_the_vehicle, {}),
}
COLLECTED = {
    "SampledDataCtrlr.TxUpdatedInterval": 0,
    "SampledDataCtrlr.TxEndedInterval": 10,
    "SampledDataCtrlr.TxEndedMeasurands": "Energy.Active.Import.Register",
}


@pytest.mark.parametrize("end", STOPS)
@pytest.mark.proves("E06.FR.12", "E07.FR.09", "E07.FR.10", "E08.FR.10", "E08.FR.11", "E09.FR.06", "E09.FR.07")
@pytest.mark.proves("E10.FR.05", "E10.FR.06", "E12.FR.08", "E12.FR.09", "E15.FR.02", "E15.FR.03")
def test_of_too_many_readings_the_intermediate_ones_go_whatever_ends_the_transaction(end: str):
    stop, variables = STOPS[end]
    bench = bench_with(stop="Authorized", variables={**COLLECTED, **variables})
    if end.startswith("E12"):
        bench.disconnect()
    bench.plug_in()
    bench.swipe()
    begin_wh = bench.plants[1].register_wh
    bench.pass_time(10 * 3 * MOST_COLLECTED + 5)
    stop(bench)
    bench.pass_time(5)
    ended = bench.take_events()[-1]
    assert ended["eventType"] == "Ended"
    told = contexts(ended)
    assert told == ["Transaction.Begin", *["Sample.Periodic"] * (len(told) - 2), "Transaction.End"]
    assert MOST_COLLECTED / 2 - 1 <= len(told) - 2 <= MOST_COLLECTED
    assert register_wh(ended, "Transaction.Begin") == begin_wh
    assert register_wh(ended, "Transaction.End") == pytest.approx(bench.plants[1].register_wh, abs=15)
    values = [value["sampledValue"][0]["value"] for value in ended["meterValue"][1:-1]]
    interval_wh = 7200 * 10 / 3600
    left = [round((value - begin_wh) / interval_wh) for value in values]
    assert left[:-2] == list(range(4, 4 * len(left) - 7, 4))  # of 300 the 4th, the 8th, the 12th...
    assert len(msgspec.json.encode(ended)) < 64_000
