"""Certification cases of block C with a token in the authorization cache."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.bench import CARD, OTHER_CARD
from tests.blocks.reusable import DURATION_S, Octt
from tests.blocks.test_tc_c_start import GROUP, POINTS, every_start_point, every_stop_point

CACHE = {"AuthCacheCtrlr.Enabled": True, "AuthCtrlr.LocalPreAuthorize": True}
ASKED_ALL_THE_SAME = {**CACHE, "AuthCacheCtrlr.DisablePostAuthorize": False}
LIST_TOO = {**CACHE, "LocalAuthListCtrlr.Enabled": True}

by_card_and_by_csms = pytest.mark.parametrize("remote", [False, True], ids=["local", "remote"])  # erratum 6.2.22


def with_cached(
    configuration: Mapping[str, object], status: str = "Accepted", group: str | None = None, **options: object
) -> Octt:
    octt = Octt({"AuthCtrlr.AuthorizeRemoteStart": True, **configuration}, bay=True, **options)
    octt.id_token_cached(CARD, group, status)
    octt.expect_nothing()
    return octt


# ---- it is accepted ----


@by_card_and_by_csms
@every_start_point
def test_TC_C_08_CS_accepted(start: str, remote: bool):
    octt = with_cached(CACHE, start=start, remote=remote)
    octt.ev_connected_pre_session()
    octt.authorized(asks=False)
    octt.energy_transfer_started()
    octt.expect_nothing()
    assert octt.transfers_energy()


@by_card_and_by_csms
@every_start_point
def test_TC_C_13_CS_accepted_and_the_cable_comes_later(start: str, remote: bool):
    octt = with_cached(CACHE, start=start, remote=remote)
    octt.parking_bay_occupied()
    octt.authorized(asks=False)
    octt.expect_nothing()
    assert not octt.transfers_energy()
    octt.ev_connected_pre_session()
    octt.energy_transfer_started()
    octt.expect_nothing()
    assert octt.transfers_energy()


@every_start_point
@pytest.mark.parametrize("by_power", [False, True])
def test_TC_C_32_CS_it_is_kept_over_a_boot(start: str, by_power: bool):
    octt = with_cached(CACHE, start=start)
    octt.booted(by_power=by_power)
    octt.expect_nothing()
    octt.authorized(asks=False, remote=False)
    octt.ev_connected_pre_session()
    octt.energy_transfer_started()
    octt.expect_nothing()


# ---- it is not accepted ----


@every_start_point
def test_TC_C_09_CS_invalid(start: str):
    with_cached(ASKED_ALL_THE_SAME, "Invalid", start=start).refused_with_cable(CARD, "Invalid")


@every_start_point
def test_TC_C_10_CS_blocked(start: str):
    with_cached(ASKED_ALL_THE_SAME, "Blocked", start=start).refused_with_cable(CARD, "Blocked")


@every_start_point
def test_TC_C_11_CS_expired(start: str):
    with_cached(ASKED_ALL_THE_SAME, "Expired", start=start).refused_with_cable(CARD, "Expired")


@by_card_and_by_csms
@every_start_point
def test_TC_C_12_CS_invalid_and_accepted_by_the_csms(start: str, remote: bool):
    octt = with_cached(ASKED_ALL_THE_SAME, "Invalid", start=start, remote=remote)
    octt.ev_connected_pre_session()
    octt.authorized()
    octt.energy_transfer_started()
    octt.expect_nothing()
    assert octt.transfers_energy()


@every_start_point
def test_TC_C_57_CS_invalid_and_not_asked_about(start: str):
    octt = with_cached({**CACHE, "AuthCacheCtrlr.DisablePostAuthorize": True}, "Invalid", start=start)
    octt.ev_connected_pre_session()
    octt.present(CARD)
    octt.expect_silence()
    assert not octt.transfers_energy()


# ---- what is stored ----


@every_start_point
def test_TC_C_33_CS_an_authorize_response_is_stored(start: str):
    octt = Octt(LIST_TOO, start=start, bay=True)
    octt.ev_connected_pre_session()
    octt.authorized()
    octt.energy_transfer_started()
    octt.ev_connected_post_session()
    octt.ev_disconnected()
    octt.parking_bay_unoccupied()
    octt.parking_bay_occupied()
    octt.ev_connected_pre_session()
    octt.judge_tokens("Invalid")
    octt.authorized(asks=False)


@pytest.mark.parametrize("stop", ["EVConnected", "Authorized", "PowerPathClosed", "EnergyTransfer"])
@pytest.mark.parametrize("start", ["EVConnected", "Authorized", "PowerPathClosed", "EnergyTransfer"])
def test_TC_C_34_CS_a_transaction_event_response_is_stored(start: str, stop: str):
    configuration = {**LIST_TOO, "TxCtrlr.StopTxOnInvalidId": True, "TxCtrlr.MaxEnergyOnInvalidId": 0}
    octt = Octt(configuration, start=start, stop=stop, attached=False, lock=True)
    octt.id_token_cached()
    if start == "Authorized":  # Deauthorized wants a charging state that only a connected vehicle has
        octt.ev_connected_pre_session()
    octt.judge_tokens("Invalid")
    octt.authorized(asks=False)
    octt.deauthorized()
    octt.ev_disconnected()
    octt.parking_bay_unoccupied()
    octt.parking_bay_occupied()
    octt.asked_about(CARD, "Invalid")
    octt.expect_silence()


@every_start_point
def test_TC_C_36_CS_without_LocalPreAuthorize_the_csms_is_asked(start: str):
    octt = with_cached({**CACHE, "AuthCtrlr.LocalPreAuthorize": False}, start=start)
    octt.asked_about(CARD, "Invalid")
    octt.expect_silence()


@every_start_point
@pytest.mark.parametrize("pre", [False, True])
def test_TC_C_37_CS_cleared(start: str, pre: bool):
    octt = with_cached({**CACHE, "AuthCtrlr.LocalPreAuthorize": pre}, start=start)
    assert octt.ask("ClearCache")["status"] == "Accepted"
    octt.parking_bay_occupied()
    octt.ev_connected_pre_session()
    octt.authorized()
    octt.energy_transfer_started()
    octt.expect_nothing()


def test_TC_C_38_CS_a_cache_that_is_not_in_use_is_not_cleared():
    octt = with_cached({"AuthCacheCtrlr.Enabled": False})
    assert octt.ask("ClearCache")["status"] == "Rejected"


def test_TC_C_46_CS_its_life_time_ends():
    octt = with_cached({**CACHE, "AuthCacheCtrlr.LifeTime": int(DURATION_S)})
    octt.ev_connected_pre_session()
    octt.bench.pass_time(DURATION_S)
    octt.bench.pass_time(1)  # the driver takes his time
    octt.authorized(remote=False)
    octt.expect_event(state="Charging")
    octt.expect_nothing()


# ---- one of the group ----


@every_stop_point
@every_start_point
def test_TC_C_41_CS_another_one_of_the_group_stops(start: str, stop: str):
    octt = with_cached(CACHE, group=GROUP, start=start, stop=stop)
    octt.id_token_cached(OTHER_CARD, GROUP)
    octt.judge_tokens("Accepted", GROUP)
    octt.ev_connected_pre_session()
    octt.authorized(asks=False)
    octt.energy_transfer_started()
    octt.stop_authorized(OTHER_CARD)
    octt.ev_connected_post_session()
    octt.ev_disconnected()
    octt.parking_bay_unoccupied()
    octt.expect_nothing()
    assert octt.running is None


@pytest.mark.parametrize("start", POINTS)
def test_TC_C_44_CS_one_of_the_group_who_is_invalid_stops_nothing(start: str):
    octt = with_cached(ASKED_ALL_THE_SAME, group=GROUP, start=start)
    octt.id_token_cached(OTHER_CARD, GROUP, "Invalid")
    octt.judge_tokens("Accepted", GROUP)
    octt.ev_connected_pre_session()
    octt.authorized(asks=False)
    octt.energy_transfer_started()
    octt.asked_about(OTHER_CARD, "Invalid", GROUP)
    octt.expect_silence()
    assert octt.running
    assert octt.transfers_energy()
