"""Remote starts with a charging profile, on the bench (F01, F02, K05)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.bench import OTHER_CARD, TOKEN, Bench, Payload
from tests.blocks.profiles import at, composite, install, offer, profile, reported, schedule

TX = "TxProfile"


def station(evses: int = 1, **options: Any) -> Bench:
    bench = Bench(evses, **options)
    bench.accept()
    bench.take_sent()
    return bench


def start(bench: Bench, wanted: Payload, *, evse: int | None = 1, number: int = 1) -> Payload:
    where = {} if evse is None else {"evseId": evse}
    told = bench.ask("RequestStartTransaction", idToken=TOKEN, remoteStartId=number, chargingProfile=wanted, **where)
    assert isinstance(told, dict), told
    return told


def of_transaction(bench: Bench) -> list[tuple[int, int, str | None]]:
    return [(evse, told["id"], told.get("transactionId")) for evse, told in reported(bench)]


@pytest.mark.proves("F01.FR.10", "F02.FR.18", "K05.FR.03")
@pytest.mark.parametrize("cable_first", [True, False])
@pytest.mark.parametrize("point", ["EVConnected", "Authorized", "PowerPathClosed", "EnergyTransfer"])
def test_the_profile_is_followed_by_the_transaction_that_starts_and_by_no_other(point: str, cable_first: bool):
    bench = station(variables={"TxCtrlr.TxStartPoint": point})
    if cable_first:
        bench.plug_in()
    assert start(bench, profile(10.0, purpose=TX))["status"] == "Accepted"
    if not cable_first:
        bench.plug_in()
    assert offer(bench) == 10.0
    assert of_transaction(bench) == [(1, 1, bench.transaction_id)]
    bench.swipe()
    bench.unplug()
    assert reported(bench) == []
    bench.plug_in()
    bench.swipe()
    assert offer(bench) == 32.0


def test_no_moment_passes_in_which_more_is_offered():
    bench = station(variables={"TxCtrlr.TxStartPoint": "EnergyTransfer"})
    bench.plug_in()
    offers: list[float | None] = []
    perform = bench._perform

    def watched(commands: Any) -> None:
        perform(commands)
        offers.append(offer(bench))

    bench._perform = watched  # type: ignore[method-assign]
    start(bench, profile(10.0, purpose=TX))
    assert set(offers) <= {None, 10.0}
    assert 10.0 in offers


@pytest.mark.proves("F01.FR.26", "F02.FR.27", "K05.FR.05", "K05.FR.02")
@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        (profile(10.0), "InvalidProfile"),
        (profile(10.0, purpose="ChargingStationMaxProfile", start=0), "InvalidProfile"),
        (profile(10.0, purpose=TX, transaction="t"), "InvalidProfile"),
        (profile(((5, 10.0),), purpose=TX), "InvalidSchedule"),
        (profile(10.0, purpose=TX, level=99), "InvalidStackLevel"),
        (profile(10.0, purpose=TX) | {"chargingProfileKind": "Absolute"}, "InvalidProfile"),
        (profile(10.0, purpose=TX) | {"chargingSchedule": [schedule(), schedule(id=2)]}, "InvalidSchedule"),
    ],
)
@pytest.mark.parametrize("cable_first", [True, False])
def test_an_invalid_profile_lets_nothing_start(wanted: Payload, code: str, cable_first: bool):
    bench = station()
    if cable_first:
        bench.plug_in()
    told = start(bench, wanted)
    assert (told["status"], told["statusInfo"]["reasonCode"]) == ("Rejected", code)
    if not cable_first:
        bench.plug_in()
    assert bench.evse().authorization is None
    assert reported(bench) == []


@pytest.mark.proves("K05.FR.04")
def test_switched_off_the_profile_is_ignored():
    bench = station()
    bench.set("SmartChargingCtrlr.Enabled", False)
    assert start(bench, profile(10.0))["status"] == "Accepted"
    bench.plug_in()
    assert offer(bench) == 32.0
    bench.set("SmartChargingCtrlr.Enabled", True)
    assert (offer(bench), reported(bench)) == (32.0, [])


def test_a_driver_whom_the_csms_refuses_leaves_no_profile_behind():
    bench = station(variables={"AuthCtrlr.AuthorizeRemoteStart": True})
    bench.script["Authorize"] = {"idTokenInfo": {"status": "Blocked"}}
    bench.plug_in()
    start(bench, profile(10.0, purpose=TX))
    del bench.script["Authorize"]
    bench.swipe(OTHER_CARD)
    assert (offer(bench), reported(bench)) == (32.0, [])


def test_a_driver_who_never_came_leaves_no_profile_behind():
    bench = station()
    start(bench, profile(10.0, purpose=TX))
    bench.pass_time(61)
    assert bench.evse().authorization is None
    bench.plug_in()
    bench.swipe()
    assert (offer(bench), reported(bench)) == (32.0, [])


def test_without_an_evse_in_the_request_the_profile_is_where_the_driver_is_let_in():
    bench = station(2)
    bench.plug_in(2)
    assert start(bench, profile(10.0, purpose=TX), evse=None)["status"] == "Accepted"
    assert offer(bench, 2) == 10.0
    assert [evse for evse, _, _ in of_transaction(bench)] == [2]


def test_a_transaction_that_runs_already_takes_the_profile_and_outlives_the_power_with_it():
    bench = station(variables={"TxCtrlr.TxStartPoint": "EVConnected", "TxCtrlr.ResumptionTimeout": 600})
    bench.plug_in()
    running = bench.transaction_id
    told = start(bench, profile(((0, 10.0), (60, 14.0)), purpose=TX))
    assert told == {"status": "Accepted", "transactionId": running}
    bench.power_cycle(off_s=30)
    bench.accept()
    assert offer(bench) == 10.0
    assert of_transaction(bench) == [(1, 1, running)]
    assert composite(bench, 1, 100) == [(0, 10.0), (60 - int(bench.mono - 1000), 14.0)]


def test_an_absolute_profile_of_a_remote_start_begins_at_its_own_time():
    bench = station()
    bench.plug_in()
    start(bench, profile(10.0, purpose=TX, start=60))
    assert reported(bench)[0][1]["chargingSchedule"][0]["startSchedule"] == at(60)
    assert offer(bench) == 32.0
    bench.pass_time(60)
    assert offer(bench) == 10.0


def test_a_profile_with_the_id_of_another_takes_its_place():
    bench = station()
    install(bench, 1, 8.0, id=1)
    bench.plug_in()
    start(bench, profile(10.0, id=1, purpose=TX))
    assert [told["chargingProfilePurpose"] for _, told in reported(bench)] == [TX]
