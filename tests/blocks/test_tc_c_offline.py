"""Certification cases of block C: a driver who was let in without the CSMS, and what it thinks of him afterwards."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.bench import CARD, TOKEN, Payload, register_wh
from tests.blocks.reusable import DURATION_S, Octt
from tests.blocks.test_tc_c_list import LINK

KNOWN = {
    "AuthCacheCtrlr.Enabled": True,
    "AuthCtrlr.LocalPreAuthorize": True,
    "AuthCtrlr.LocalAuthorizeOffline": True,
    "AuthCtrlr.OfflineTxForUnknownIdEnabled": True,
}
STOPS, MAX_ENERGY = "TxCtrlr.StopTxOnInvalidId", "TxCtrlr.MaxEnergyOnInvalidId"

start_points = pytest.mark.parametrize("start", ["EVConnected", "Authorized", "PowerPathClosed", "EnergyTransfer"])
stop_points = pytest.mark.parametrize("stop", ["EVConnected", "EVConnected,Authorized", "PowerPathClosed"])
where_he_is_known = pytest.mark.parametrize("known", ["cache", "list", "both"])


def let_in_offline(
    known: str, configuration: Mapping[str, object], start: str, wait_s: float, **options: object
) -> Octt:
    """The known token is presented without a link; when that is back, the CSMS says Invalid of it."""
    octt = Octt({**KNOWN, **configuration}, start=start, **options)
    if known != "list":
        octt.id_token_cached()
    if known != "cache":
        octt.id_token_local_auth_list()
    octt.judge_tokens("Invalid")
    octt.ev_connected_pre_session()
    octt.bench.disconnect()
    octt.present(CARD)
    octt.bench.pass_time(wait_s)
    octt.bench.connect()
    return octt


def expect_queued(octt: Octt) -> list[Payload]:
    """The events that waited for the link, with the token and the energy; what came after them is returned."""
    events = octt.expect_events()
    queued = [event for event in events if event.get("offline")]
    assert events[: len(queued)] == queued
    assert [event["idToken"] for event in queued if "idToken" in event] == [TOKEN]
    assert queued[-1]["triggerReason"] == "ChargingStateChanged"
    assert queued[-1]["transactionInfo"]["chargingState"] == "Charging"
    return events[len(queued) :]


def triggers(events: list[Payload]) -> list[tuple[str, str | None]]:
    return [(event["triggerReason"], event["transactionInfo"].get("chargingState")) for event in events]


@start_points
@where_he_is_known
def test_TC_C_15_CS_he_may_have_MaxEnergyOnInvalidId(known: str, start: str):
    octt = let_in_offline(known, {STOPS: False, MAX_ENERGY: 10_000, **LINK}, start, DURATION_S)
    assert expect_queued(octt) == []
    assert octt.transfers_energy()
    octt.bench.pass_time(10_000 / octt.bench.plants[1].power_w * 3600 + 120)
    assert triggers(octt.expect_events()) == [("ChargingStateChanged", "SuspendedEVSE")]
    assert not octt.transfers_energy()
    octt.present(CARD)
    octt.bench.unplug()
    ended = octt.expect_events()[-1]
    delivered_wh = register_wh(ended, "Transaction.End") - register_wh(ended, "Transaction.Begin")
    assert 10_000 <= delivered_wh < 10_200


@stop_points
@start_points
@where_he_is_known
def test_TC_C_16_CS_he_is_stopped(known: str, start: str, stop: str):
    octt = let_in_offline(known, {STOPS: True, MAX_ENERGY: 0}, start, 5, stop=stop)
    assert triggers(expect_queued(octt)) == [("Deauthorized", "EVConnected")]
    octt.expect_silence()
    assert not octt.transfers_energy()


@stop_points
@start_points
@where_he_is_known
def test_TC_C_17_CS_his_energy_is_held_back(known: str, start: str, stop: str):
    octt = let_in_offline(known, {STOPS: False, MAX_ENERGY: 0}, start, 5, stop=stop)
    assert triggers(expect_queued(octt)) == [("ChargingStateChanged", "SuspendedEVSE")]
    octt.expect_silence()
    assert octt.running
    assert not octt.transfers_energy()


@stop_points
@start_points
@where_he_is_known
def test_TC_C_18_CS_he_is_stopped_whatever_MaxEnergyOnInvalidId_says(known: str, start: str, stop: str):
    octt = let_in_offline(known, {STOPS: True, MAX_ENERGY: 500, **LINK}, start, DURATION_S, stop=stop)
    (after,) = expect_queued(octt)
    assert triggers([after]) == [("Deauthorized", "EVConnected")]
    assert not after.get("offline", False)
    octt.expect_silence()
    assert not octt.transfers_energy()


@pytest.mark.parametrize("stop", ["EVConnected,Authorized", "Authorized", "PowerPathClosed"])
@start_points
def test_TC_C_26_CS_nobody_knew_him(start: str, stop: str):
    configuration = {
        "LocalAuthListCtrlr.Enabled": True,
        "AuthCtrlr.LocalPreAuthorize": True,
        "AuthCtrlr.OfflineTxForUnknownIdEnabled": True,
        "AuthCtrlr.LocalAuthorizeOffline": True,
        MAX_ENERGY: 0,
        STOPS: False,
    }
    octt = Octt(configuration, start=start, stop=stop, bay=True)
    octt.judge_tokens("Invalid")
    octt.start_offline_transaction()
    octt.expect_status("Occupied")
    assert triggers(expect_queued(octt)) == [("ChargingStateChanged", "SuspendedEVSE")]
    octt.judge_tokens("Accepted")
    octt.token = TOKEN
    octt.reached |= {"parking_bay_occupied", "ev_connected_pre_session", "authorized", "energy_transfer_started"}
    octt.stop_authorized(remote=False)
    octt.ev_connected_post_session()
    octt.ev_disconnected()
    octt.expect_nothing()
    assert octt.running is None
