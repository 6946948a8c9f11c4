"""Certification cases of block K, step by step as Part 6 tells them: SetChargingProfile, and remote start with one."""

from __future__ import annotations

import pytest

from tests.blocks.smart import DEFAULT, MAX, SIGNIFICANCE, TX, Smart

A_DAY = 86_400
DEVIATION_S = 5

every_unit = pytest.mark.parametrize("unit", ["A", "W"])


@every_unit
def test_TC_K_01_CS_default_profile_of_an_evse(unit: str):
    octt = Smart(unit=unit, evses=2)
    wanted = octt.set(1, octt.profile(duration=300))
    assert octt.reported(request_id=4, chargingProfileId=[wanted["id"]]) == [(1, wanted)]
    octt.expect_nothing()


def test_TC_K_02_CS_profile_of_a_transaction_without_one():
    octt = Smart()
    octt.set(1, octt.profile(purpose=TX, transaction="UNKNOWN-TRANSACTION-ID"), "Rejected")
    octt.expect_nothing()


@every_unit
def test_TC_K_03_CS_profile_of_the_station(unit: str):
    octt = Smart(unit=unit, evses=2)
    wanted = octt.set(0, octt.profile(purpose=MAX, start=0, duration=300))
    assert octt.reported(chargingProfileId=[wanted["id"]]) == [(0, wanted)]
    octt.expect_nothing()


@every_unit
def test_TC_K_04_CS_replaced_by_its_id(unit: str):
    octt = Smart(unit=unit)
    octt.set(1, octt.profile(6.0))
    wanted = octt.set(1, octt.profile(10.0))
    assert octt.reported(chargingProfileId=[wanted["id"]]) == [(1, wanted)]
    octt.expect_nothing()


@every_unit
def test_TC_K_10_CS_default_profile_of_all_evses(unit: str):
    octt = Smart(unit=unit, evses=2)
    wanted = octt.set(0, octt.profile(6.0, duration=300))
    assert octt.reported(chargingProfileId=[wanted["id"]]) == [(0, wanted)]
    octt.expect_nothing()


def test_TC_K_11_CS_profile_of_a_transaction_for_all_evses():
    octt = Smart()
    octt.set(0, octt.profile(purpose=TX), "Rejected")
    octt.expect_nothing()


@pytest.mark.parametrize(("offered", "unit"), [("A", "W"), ("W", "A")])
def test_TC_K_12_CS_a_unit_that_is_not_supported(offered: str, unit: str):
    octt = Smart(unit=unit, variables={"SmartChargingCtrlr.RateUnit": offered})
    octt.set(1, octt.profile(), "Rejected")
    octt.expect_nothing()


@every_unit
@pytest.mark.parametrize("by_power", [False, True])
def test_TC_K_13_CS_persistent_over_reboot(unit: str, by_power: bool):
    octt = Smart(unit=unit)
    wanted = octt.set(1, octt.profile(duration=300))
    octt.booted(by_power=by_power)
    assert octt.reported(chargingProfileId=[wanted["id"]]) == [(1, wanted)]


def test_TC_K_14_CS_an_evse_that_is_not_there():
    octt = Smart(evses=2)
    octt.set(3, octt.profile(), "Rejected")
    octt.expect_nothing()


def test_TC_K_16_CS_an_unknown_transaction():
    octt = Smart()
    octt.energy_transfer_started()
    octt.set(1, octt.profile(purpose=TX, transaction="UNKNOWN-TRANSACTION-ID"), "Rejected")
    octt.expect_nothing()


@pytest.mark.parametrize("every", ["Daily", "Weekly"])
@pytest.mark.parametrize(("evse", "purpose"), [(1, DEFAULT), (0, MAX)])
def test_TC_K_19_CS_recurring(every: str, evse: int, purpose: str):
    octt = Smart()
    octt.set(evse, octt.profile(purpose=purpose, start=0, every=every))
    octt.expect_nothing()


@every_unit
def test_TC_K_21_CS_valid_from(unit: str):
    octt = Smart(unit=unit)
    octt.set(1, octt.profile(valid=(300, None)))
    octt.bench.pass_time(2)
    first, second = octt.composite(1, 400)
    assert (first[0], second) == (0, (298, 6.0))
    octt.expect_nothing()


@every_unit
def test_TC_K_22_CS_valid_to(unit: str):
    octt = Smart(unit=unit, evses=2)
    octt.set(0, octt.profile(valid=(-DEVIATION_S, 300), start=0))
    octt.bench.pass_time(2)
    for evse, limit in ((0, 12.0), (1, 6.0), (2, 6.0)):
        first, second = octt.composite(evse, 400)
        assert (first, second[0]) == ((0, limit), 298)
        assert second[1] > limit
    octt.expect_nothing()


@every_unit
def test_TC_K_23_CS_start_schedule(unit: str):
    octt = Smart(unit=unit)
    octt.set(1, octt.profile(valid=(50 - DEVIATION_S, 400 + DEVIATION_S), start=60 - DEVIATION_S))
    first, second = octt.composite(1, 300)
    assert (first[0], second) == (0, (60 - DEVIATION_S, 6.0))
    octt.expect_nothing()


@every_unit
def test_TC_K_28_CS_default_profile_while_a_transaction_runs(unit: str):
    octt = Smart(SIGNIFICANCE, unit=unit)
    octt.energy_transfer_started()
    octt.set(1, octt.profile(valid=(-DEVIATION_S, 300 + DEVIATION_S), start=-DEVIATION_S, duration=300))
    assert octt.composite(1, 300)[0] == (0, 6.0)
    octt.still()
    assert octt.bench.intents[1].limit_a == pytest.approx(6.0 if unit == "A" else 6000 / 690)


@every_unit
def test_TC_K_37_CS_remote_start_with_a_profile(unit: str):
    octt = Smart({"AuthCtrlr.AuthorizeRemoteStart": True}, unit=unit)
    octt.ev_connected_pre_session()
    wanted = octt.profile(purpose=TX)
    octt.authorized(remote=True, chargingProfile=wanted)
    octt.energy_transfer_started()
    ((evse, told),) = octt.reported(chargingProfileId=[wanted["id"]])
    assert (evse, told) == (1, wanted | {"transactionId": octt.running})
    octt.expect_nothing()


@every_unit
def test_TC_K_38_CS_remote_start_with_a_profile_without_smart_charging(unit: str):
    octt = Smart({"SmartChargingCtrlr.Enabled": False}, unit=unit)
    octt.ev_connected_pre_session()
    octt.authorized(remote=True, chargingProfile=octt.profile(purpose=TX))
    octt.energy_transfer_started()
    octt.expect_nothing()
    assert octt.bench.intents[1].limit_a == 32.0


@every_unit
def test_TC_K_60_CS_profile_of_the_running_transaction(unit: str):
    octt = Smart(unit=unit)
    octt.energy_transfer_started()
    wanted = octt.set(1, octt.profile(purpose=TX, transaction=octt.running))
    assert octt.reported(chargingProfileId=[wanted["id"]]) == [(1, wanted)]
    octt.still()
