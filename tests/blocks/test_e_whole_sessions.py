"""Block E: what holds for every session, however it begins and ends: numbers, reasons, identifiers, readings."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hal.events import PowerChanged
from tests.bench import CARD, OTHER_CARD, TOKEN, Bench, Payload, contexts, register_wh
from tests.blocks.test_e_start import bench_with

READINGS = {"SampledDataCtrlr.TxUpdatedInterval": 60, "AuthCtrlr.OfflineTxForUnknownIdEnabled": True}
KEEPING = {"TxCtrlr.StopTxOnEVSideDisconnect": False}

Play = Callable[[Bench], None]


def card_ends(bench: Bench) -> None:
    bench.swipe()


def cable_first(bench: Bench) -> None:
    bench.plug_in()
    bench.swipe()
    bench.pass_time(150)


def card_first(bench: Bench) -> None:
    bench.swipe()
    bench.plug_in()
    bench.pass_time(150)


def remote_first(bench: Bench) -> None:
    bench.ask("RequestStartTransaction", idToken=TOKEN, remoteStartId=7, evseId=1)
    bench.plug_in()
    bench.pass_time(150)


def remote_after_cable(bench: Bench) -> None:
    bench.plug_in()
    bench.ask("RequestStartTransaction", idToken=TOKEN, remoteStartId=7, evseId=1)
    bench.pass_time(150)


def offline(play: Play) -> Play:
    def played(bench: Bench) -> None:
        bench.disconnect()
        play(bench)

    return played


def remote_ends(bench: Bench) -> None:
    bench.ask("RequestStopTransaction", transactionId=bench.transaction_id)


def unplugged(bench: Bench) -> None:
    bench.unplug()


def vehicle_ends(bench: Bench) -> None:
    bench.vehicle_ends()


def refused(bench: Bench) -> None:
    """The CSMS thinks otherwise of the identifier, and says so with the next answer that has room for it."""
    bench.script["TransactionEvent"] = {"idTokenInfo": {"status": "Invalid"}}
    bench.pass_time(60)


def timed_out(bench: Bench) -> None:
    bench.unplug()
    bench.pass_time(61)


def reset(bench: Bench) -> None:
    bench.ask("Reset", type="Immediate")


def broken(bench: Bench) -> None:
    bench.fault("GroundFailure")


BEGINNINGS: dict[str, tuple[Play, str]] = {
    "E02 cable first": (cable_first, "Authorized"),
    "E03 card first": (card_first, "CablePluggedIn"),
    "E04 offline": (offline(cable_first), "Authorized"),
    "F01 remote start": (remote_after_cable, "RemoteStart"),
    "F02 remote start first": (remote_first, "RemoteStart"),
}
ENDS: dict[str, tuple[Play, dict[str, object], str, str]] = {
    "E05 refused": (refused, {}, "Deauthorized", "DeAuthorized"),
    "E06 reset": (reset, {}, "ResetCommand", "ImmediateReset"),
    "E06 fault": (broken, {}, "AbnormalCondition", "GroundFault"),
    "E07 card": (card_ends, {}, "StopAuthorized", "Local"),
    "E08 E12 card, offline": (offline(card_ends), {}, "StopAuthorized", "Local"),
    "E09 unplugged": (unplugged, {}, "EVCommunicationLost", "EVDisconnected"),
    "E10 unplugged and not back": (timed_out, KEEPING, "EVConnectTimeout", "Timeout"),
    "E15 vehicle": (vehicle_ends, {}, "StopAuthorized", "StoppedByEV"),
    "F03 remote": (remote_ends, {}, "RemoteStop", "Remote"),
}


def session(beginning: str, end: str) -> list[Payload]:
    """Every event of one session as the CSMS has it in the end."""
    begin, _ = BEGINNINGS[beginning]
    finish, variables, _, _ = ENDS[end]
    bench = bench_with(stop="Authorized", variables={**READINGS, **variables})
    begin(bench)
    if end.startswith(("E05", "F03", "E06 reset")) and bench.link.state != "open":
        bench.connect()  # these are the doing of the CSMS
    finish(bench)
    bench.connect()
    bench.pass_time(5)
    return bench.take_events()


EVERY_WAY = [pytest.param(beginning, end, id=f"{beginning} - {end}") for beginning in BEGINNINGS for end in ENDS]


@pytest.mark.parametrize(("beginning", "end"), EVERY_WAY)
def test_E02_FR_07_E03_FR_06_E04_FR_04_E05_FR_04_E06_FR_14_E07_FR_11_E08_FR_08_E09_FR_04_E10_FR_03_numbers_count_from_0(
    beginning: str, end: str
):
    told = session(beginning, end)
    assert [event["seqNo"] for event in told] == list(range(len(told)))
    assert [event["eventType"] for event in told] == ["Started", *["Updated"] * (len(told) - 2), "Ended"]
    assert len({event["transactionInfo"]["transactionId"] for event in told}) == 1


@pytest.mark.parametrize(("beginning", "end"), EVERY_WAY)
def test_E03_FR_07_E04_FR_05_E05_FR_05_F01_FR_14_F02_FR_02_started_has_the_readings_of_the_beginning(
    beginning: str, end: str
):
    started = session(beginning, end)[0]
    assert contexts(started) == ["Transaction.Begin"]
    assert register_wh(started, "Transaction.Begin") == 1000.0


@pytest.mark.parametrize(("beginning", "end"), EVERY_WAY)
def test_E03_FR_08_E04_FR_06_E11_FR_03_E12_FR_03_F01_FR_15_F02_FR_03_updated_has_the_readings_of_the_interval(
    beginning: str, end: str
):
    periodic = [event for event in session(beginning, end) if event["triggerReason"] == "MeterValuePeriodic"]
    assert len(periodic) >= 2
    assert {"Sample.Periodic"} == {context for event in periodic for context in contexts(event)}


@pytest.mark.parametrize(("beginning", "end"), EVERY_WAY)
def test_E07_FR_08_E08_FR_09_E09_FR_05_E10_FR_04_E12_FR_07_E15_FR_01_F03_FR_04_ended_has_the_readings_of_the_end(
    beginning: str, end: str
):
    ended = session(beginning, end)[-1]
    assert contexts(ended)[0] == "Transaction.Begin"
    assert contexts(ended)[-1] == "Transaction.End"
    assert register_wh(ended, "Transaction.End") - register_wh(ended, "Transaction.Begin") >= 299.0


@pytest.mark.parametrize(("beginning", "end"), EVERY_WAY)
def test_E01_FR_15_E02_FR_15_E03_FR_12_E06_FR_15_F01_FR_17_F03_FR_09_every_event_says_what_triggered_it(
    beginning: str, end: str
):
    told = session(beginning, end)
    assert told[0]["triggerReason"] == BEGINNINGS[beginning][1]
    assert told[-1]["triggerReason"] == ENDS[end][2]


@pytest.mark.parametrize(("beginning", "end"), EVERY_WAY)
def test_E06_FR_08_E07_FR_06_the_last_event_says_why_and_no_other(beginning: str, end: str):
    reasons = [event["transactionInfo"].get("stoppedReason") for event in session(beginning, end)]
    assert reasons == [None] * (len(reasons) - 1) + [ENDS[end][3]]


@pytest.mark.parametrize(("beginning", "end"), EVERY_WAY)
def test_E01_FR_10_E02_FR_01_E03_FR_01_F02_FR_05_the_identifier_is_told_once_and_once_more_by_whom_it_ends(
    beginning: str, end: str
):
    told = session(beginning, end)
    expected = 2 if ENDS[end][2:] == ("StopAuthorized", "Local") else 1
    assert [event["idToken"] for event in told if "idToken" in event] == [TOKEN] * expected
    assert told[0]["idToken"] == TOKEN


@pytest.mark.parametrize(("beginning", "end"), EVERY_WAY)
def test_E01_FR_18_E02_FR_13_every_event_says_the_charging_state(beginning: str, end: str):
    states = [event["transactionInfo"]["chargingState"] for event in session(beginning, end)]
    assert states[:2] == ["EVConnected", "Charging"]
    assert states[-1] == ("Idle" if end.startswith(("E09", "E10")) else "EVConnected")


@pytest.mark.parametrize("offline_too", [False, True])
def test_E01_FR_17_E02_FR_21_E04_FR_11_E05_FR_08_begin_comes_with_charging_too_when_the_evse_was_not_known_before(
    offline_too: bool,
):
    bench = bench_with(evses=2, start="Authorized", variables=READINGS)
    if offline_too:
        bench.disconnect()
    bench.script["TransactionEvent"] = {"idTokenInfo": {"status": "Invalid"}} if offline_too else {}
    bench.swipe(CARD)  # at the reader of the station: he has not chosen yet
    bench.plug_in(evse=2)
    if offline_too:
        bench.connect()
    told = bench.take_events()
    assert [contexts(event) for event in told[:3]] == [[], ["Transaction.Begin"], ["Transaction.Begin"]]


def test_E02_FR_19_E03_FR_14_another_number_of_phases_is_told():
    bench = bench_with(variables={"SampledDataCtrlr.TxUpdatedInterval": 0})
    bench.plug_in()
    bench.swipe()
    for phases in (1, 1, 3):
        bench.post(PowerChanged(1, False))
        bench.plants[1].closed = True
        bench.post(PowerChanged(1, True, phases))
    told = [event["numberOfPhasesUsed"] for event in bench.take_events() if "numberOfPhasesUsed" in event]
    assert told == [3, 1, 3]


def test_a_stranger_ends_nothing_however_often_he_tries():
    bench = bench_with(variables=READINGS)
    cable_first(bench)
    for _ in range(3):
        bench.swipe(OTHER_CARD)
    assert bench.intents[1].permit_power
