"""Certification cases of block K, step by step as Part 6 tells them: profiles cleared, reported and reckoned up."""

from __future__ import annotations

from typing import Any

import pytest

from agent.vocabulary.incoming import LimitSet
from tests.bench import Payload
from tests.blocks.smart import DEFAULT, MAX, SIGNIFICANCE, TX, Smart

DEVIATION_S = 5

every_unit = pytest.mark.parametrize("unit", ["A", "W"])


# ---- clear ----


def test_TC_K_05_CS_by_its_id():
    octt = Smart()
    wanted = octt.set(1, octt.profile())
    assert octt.clear(chargingProfileId=wanted["id"]) == "Accepted"
    assert octt.reported(chargingProfileId=[wanted["id"]]) == []
    octt.expect_nothing()


def test_TC_K_06_CS_by_stack_level_and_purpose():
    octt = Smart()
    octt.set(1, octt.profile(level=1))
    octt.energy_transfer_started()
    criteria: dict[str, Any] = {"chargingProfilePurpose": DEFAULT, "stackLevel": 1}
    assert octt.clear(chargingProfileCriteria=criteria) == "Accepted"
    assert octt.reported(**criteria) == []
    octt.still()


def test_TC_K_07_CS_by_an_unknown_stack_level_and_purpose():
    octt = Smart()
    octt.set(1, octt.profile(level=1))
    assert octt.clear(chargingProfileCriteria={"chargingProfilePurpose": MAX, "stackLevel": 0}) == "Unknown"
    octt.expect_nothing()


def test_TC_K_08_CS_where_there_is_none():
    octt = Smart()
    assert octt.clear(chargingProfileId=77) == "Unknown"
    octt.expect_nothing()


@every_unit
def test_TC_K_09_CS_a_default_profile_while_a_transaction_runs(unit: str):
    octt = Smart(SIGNIFICANCE, unit=unit)
    octt.set(1, octt.profile(valid=(-DEVIATION_S, 401 + DEVIATION_S), start=0, duration=400 + DEVIATION_S))
    octt.energy_transfer_started()
    assert octt.composite(1, 300) == [(0, 6.0)]
    assert octt.clear(chargingProfileCriteria={"chargingProfilePurpose": DEFAULT}) == "Accepted"
    ((start, limit),) = octt.composite(1, 300)
    assert start == 0 and limit != 6.0
    octt.still()


def test_TC_K_24_CS_several_by_stack_level_and_purpose():
    octt = Smart(evses=2)
    octt.set(1, octt.profile(id=1, level=1))
    octt.set(2, octt.profile(id=2, level=1))
    criteria: dict[str, Any] = {"chargingProfilePurpose": DEFAULT, "stackLevel": 1}
    assert octt.clear(chargingProfileCriteria=criteria) == "Accepted"
    assert octt.reported(**criteria) == []
    octt.expect_nothing()


# ---- get ----


def two_profiles(*, level: int = 0) -> tuple[Smart, Payload, Payload]:
    """The memory state of these cases: one of the station, one of its EVSE."""
    octt = Smart()
    ours = octt.set(0, octt.profile(id=1, purpose=MAX, start=0))
    return octt, ours, octt.set(1, octt.profile(id=2, level=level))


def test_TC_K_29_CS_of_the_station():
    octt, ours, _ = two_profiles()
    assert octt.reported(0) == [(0, ours)]
    octt.expect_nothing()


def test_TC_K_30_CS_of_an_evse():
    octt, _, its = two_profiles()
    assert octt.reported(1) == [(1, its)]
    octt.expect_nothing()


def test_TC_K_31_CS_all():
    octt, ours, its = two_profiles()
    assert octt.reported() == [(0, ours), (1, its)]
    octt.expect_nothing()


def test_TC_K_32_CS_by_its_id():
    octt, ours, _ = two_profiles()
    assert octt.reported(chargingProfileId=[ours["id"]]) == [(0, ours)]
    octt.expect_nothing()


def test_TC_K_33_CS_of_an_evse_by_stack_level():
    octt, _, its = two_profiles(level=2)
    assert octt.reported(1, stackLevel=2) == [(1, its)]
    assert octt.reported(1, stackLevel=0) == []
    octt.expect_nothing()


def test_TC_K_34_CS_of_an_evse_by_source():
    octt = Smart()
    wanted = octt.set(1, octt.profile(level=1))
    assert octt.reported(1, chargingLimitSource=["CSO"]) == [(1, wanted)]
    assert octt.reported(1, chargingLimitSource=["EMS"]) == []
    octt.expect_nothing()


def test_TC_K_35_CS_of_an_evse_by_purpose():
    octt, _, its = two_profiles()
    assert octt.reported(1, chargingProfilePurpose=DEFAULT) == [(1, its)]
    octt.expect_nothing()


def test_TC_K_36_CS_of_an_evse_by_purpose_and_stack_level():
    octt, _, its = two_profiles()
    assert octt.reported(1, chargingProfilePurpose=DEFAULT, stackLevel=0) == [(1, its)]
    octt.expect_nothing()


def test_TC_K_52_CS_a_limit_from_outside_in_a_report():
    octt = Smart()
    octt.bench.notice(LimitSet(1, "site", 16.0))
    octt.expect("NotifyChargingLimit")
    ((_, told),) = octt.reported(chargingProfilePurpose="ChargingStationExternalConstraints")
    assert told["chargingProfilePurpose"] == "ChargingStationExternalConstraints"
    octt.expect_nothing()


# ---- composite schedules ----


@every_unit
def test_TC_K_39_CS_without_a_profile(unit: str):
    octt = Smart(unit=unit)
    ((start, _),) = octt.composite(0, 300)
    assert start == 0
    octt.expect_nothing()


@every_unit
def test_TC_K_40_CS_stacked_profiles(unit: str):
    octt = Smart(unit=unit)
    within: dict[str, Any] = {"valid": (-DEVIATION_S, 401 + DEVIATION_S), "start": -DEVIATION_S}
    low = ((0, 6.0), (100, 8.0), (200, 10.0))
    octt.set(1, octt.profile(low, id=1, duration=400 + DEVIATION_S, **within))
    octt.set(1, octt.profile(((0, 7.0), (100, 9.0)), id=2, level=1, duration=150, **within))
    x = DEVIATION_S
    assert octt.composite(1, 350) == [(0, 7.0), (100 - x, 9.0), (150 - x, 8.0), (200 - x, 10.0)]
    octt.expect_nothing()


@every_unit
def test_TC_K_41_CS_combined_purposes(unit: str):
    octt = Smart(unit=unit, evses=2)
    octt.energy_transfer_started()
    within: dict[str, Any] = {"valid": (-DEVIATION_S, 401 + DEVIATION_S), "start": -DEVIATION_S}
    octt.set(0, octt.profile(10.0, id=1, purpose=MAX, start=-DEVIATION_S, duration=86_400))
    default = ((0, 6.0), (60, 10.0), (120, 8.0), (180, 15.0), (260, 8.0))
    octt.set(1, octt.profile(default, id=2, duration=300, **within))
    own = ((0, 8.0), (50, 11.0), (140, 16.0), (200, 6.0), (240, 12.0))
    octt.set(1, octt.profile(own, id=3, purpose=TX, transaction=octt.running, duration=260, **within))
    x = DEVIATION_S
    found = octt.composite(1, 400)
    assert found[:4] == [(0, 8.0), (50 - x, 10.0), (200 - x, 6.0), (240 - x, 10.0)]
    assert found[4:] == [(260 - x, 8.0), (300 - x, 10.0)]  # K02.FR.08: the profile of the transaction is over
    octt.still()


@pytest.mark.parametrize(("offered", "unit"), [("A", "W"), ("W", "A")])
def test_TC_K_42_CS_a_unit_that_is_not_supported(offered: str, unit: str):
    octt = Smart(variables={"SmartChargingCtrlr.RateUnit": offered})
    told = octt.ask("GetCompositeSchedule", evseId=0, duration=300, chargingRateUnit=unit)
    assert (told["status"], "schedule" in told) == ("Rejected", False)
    octt.expect_nothing()


def test_TC_K_47_CS_an_evse_that_is_not_there():
    octt = Smart(evses=2)
    told = octt.ask("GetCompositeSchedule", evseId=3, duration=300, chargingRateUnit="A")
    assert (told["status"], "schedule" in told) == ("Rejected", False)
    octt.expect_nothing()
