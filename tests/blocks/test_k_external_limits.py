"""Limits of the building and of a technician on the bench, as the CSMS is told of them (K11 to K13)."""

from __future__ import annotations

from typing import Any

import pytest

from agent.session.limits import SITE, Terms, bound_of
from agent.vocabulary.incoming import LimitSet
from tests.bench import Bench, Payload, Reply, Said
from tests.blocks.profiles import at, clear, install, offer, profile, refusal, reported

EXTERNAL = "ChargingStationExternalConstraints"


def station(**options: Any) -> Bench:
    bench = Bench(**options)
    bench.accept()
    bench.take_sent()
    return bench


def limit(bench: Bench, limit_a: float | None, source: Any = "site", **terms: Any) -> None:
    bench.notice(LimitSet(1, source, limit_a, **terms))


def told(bench: Bench) -> list[tuple[str, Payload]]:
    return [(said.action, said.payload) for said in bench.take_sent() if "ChargingLimit" in said.action]


@pytest.mark.proves("K11.FR.02", "K11.FR.05", "K12.FR.02", "K12.FR.04")
@pytest.mark.parametrize("charges", [True, False])
@pytest.mark.parametrize(("source", "name"), [("site", "EMS"), ("local", "Other")])
def test_a_limit_from_outside_is_told_with_its_source(source: str, name: str, charges: bool):
    bench = station()
    if charges:
        bench.plug_in()
        bench.swipe()
        bench.take_sent()
    limit(bench, 16.0, source)
    assert told(bench) == [("NotifyChargingLimit", {"evseId": 1, "chargingLimit": {"chargingLimitSource": name}})]


@pytest.mark.proves("K12.FR.01")
def test_K12_FR_01_who_comes_later_is_limited_too():
    bench = station()
    limit(bench, 16.0)
    bench.plug_in()
    bench.swipe()
    assert offer(bench) == 16.0


@pytest.mark.proves("K13.FR.02")
@pytest.mark.parametrize("ends", ["lifted", "over"])
def test_K13_FR_02_a_limit_that_is_gone_is_told(ends: str):
    bench = station()
    limit(bench, 16.0, lease_s=100)
    told(bench)
    if ends == "lifted":
        limit(bench, None)
    else:
        bench.pass_time(100)
    assert told(bench) == [("ClearedChargingLimit", {"evseId": 1, "chargingLimitSource": "EMS"})]


@pytest.mark.proves("K11.FR.03", "K12.FR.03")
def test_K11_FR_03_K12_FR_03_the_limit_itself_is_told_where_that_is_wanted():
    bench = station()
    bench.set("SmartChargingCtrlr.NotifyChargingLimitWithSchedules", True)
    bench.take_sent()
    limit(bench, 16.0, lease_s=600)
    ((_, payload),) = told(bench)
    (schedule,) = payload["chargingSchedule"]
    assert schedule["startSchedule"] == at(bench.mono - 1000)
    assert (schedule["chargingRateUnit"], schedule["duration"]) == ("A", 600)
    assert schedule["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 16.0, "numberPhases": 3}]


def test_small_changes_are_told_when_they_add_up():
    bench = station()
    bench.set("SmartChargingCtrlr.LimitChangeSignificance", 20)
    limit(bench, 20.0)
    assert len(told(bench)) == 1
    limit(bench, 18.0)
    limit(bench, 16.5)
    assert told(bench) == []
    limit(bench, 15.9)
    assert len(told(bench)) == 1


def test_what_changes_offline_is_told_once_when_there_is_somebody_to_tell():
    bench = station()
    limit(bench, 20.0)
    told(bench)
    bench.disconnect()
    limit(bench, 16.0)
    limit(bench, 10.0, "local")
    limit(bench, None, "local")
    limit(bench, 12.0)
    assert told(bench) == []
    bench.connect()
    assert [action for action, _ in told(bench)] == ["NotifyChargingLimit"]


def test_a_csms_that_does_not_answer_is_told_once():
    bench = station()
    bench.script["NotifyChargingLimit"] = silence
    limit(bench, 20.0)
    bench.pass_time(300)
    assert len(told(bench)) == 1


def silence(asked: Payload) -> Reply:
    return None


def test_the_fallback_of_the_board_is_no_external_limit():
    bench = station(layout={"limits": (Terms(SITE, bound_of(8.0), 60.0),)})
    assert (told(bench), reported(bench)) == ([], [])
    limit(bench, 20.0)
    assert [action for action, _ in told(bench)] == ["NotifyChargingLimit"]
    bench.pass_time(60)
    assert [action for action, _ in told(bench)] == ["ClearedChargingLimit"]


@pytest.mark.proves("K11.FR.06", "K12.FR.05")
def test_an_external_limit_is_reported_as_such_and_the_csms_can_neither_clear_nor_replace_it():
    bench = station()
    limit(bench, 16.0)
    limit(bench, 12.0, "local")
    found = reported(bench, chargingProfilePurpose=EXTERNAL)
    assert [(evse, told["chargingProfilePurpose"]) for evse, told in found] == [(1, EXTERNAL)] * 2
    ids = [told["id"] for _, told in found]
    assert len(set(ids)) == 2 and max(ids) < 0
    assert [told["id"] for _, told in reported(bench, chargingLimitSource=["EMS"])] == [ids[0]]
    assert refusal(bench, 1, profile(32.0, id=ids[0])) == "InvalidProfile"
    bench.plug_in()
    bench.swipe()
    assert offer(bench) == 12.0


@pytest.mark.proves("K10.FR.08", "K10.FR.09")
def test_an_external_limit_is_unknown_to_who_would_clear_it():
    bench = station()
    limit(bench, 16.0)
    ((_, told),) = reported(bench)
    assert clear(bench, told["id"]) == "Unknown"
    assert clear(bench, chargingProfilePurpose=EXTERNAL) == "Unknown"
    assert clear(bench, evseId=1) == "Unknown"
    install(bench, 1, 20.0)
    assert clear(bench, evseId=1) == "Accepted"
    assert len(reported(bench)) == 1


def test_nothing_is_told_where_smart_charging_is_switched_off():
    bench = station()
    bench.set("SmartChargingCtrlr.Enabled", False)
    limit(bench, 16.0)
    assert told(bench) == []
    assert not [said for said in bench.sent if isinstance(said, Said) and "Limit" in said.action]
