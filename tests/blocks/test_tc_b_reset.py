"""Certification cases of block B, reset: of the station and of one EVSE, on idle and immediate."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agent.blocks.b_reset import EVSE_RESET_S, RESET_PATIENCE_S
from tests.bench import OTHER_CARD, TOKEN, Payload
from tests.blocks.reusable import Octt

QUIET = {"SampledDataCtrlr.TxUpdatedInterval": 0}


def came_back(octt: Octt) -> Payload:
    """The station reboots; its BootNotification, with all connectors told after it in ``octt.bench.take_statuses``."""
    octt.bench.pass_time(RESET_PATIENCE_S)
    assert len(octt.bench.restarts) == 1
    octt.bench.security.clear()
    octt.bench.power_cycle(off_s=0)
    octt.bench.accept()
    return octt.expect("BootNotification")


def statuses(octt: Octt) -> dict[int, str]:
    """What is told of the only connector of each EVSE."""
    told = [octt.expect("StatusNotification") for _ in octt.bench.layouts]
    return {each["evseId"]: each["connectorStatus"] for each in told}


def reset(octt: Octt, kind: str, **place: int) -> str:
    return str(octt.ask("Reset", type=kind, **place)["status"])


# ---- the station ----


def test_TC_B_20_CS_on_idle_without_a_transaction():
    octt = Octt(evses=2)
    assert reset(octt, "OnIdle") == "Accepted"  # 1, 2
    came_back(octt)  # 3, 4
    assert statuses(octt) == {1: "Available", 2: "Available"}  # 5, 6


def test_TC_B_21_CS_on_idle_with_a_transaction_that_the_driver_ends():
    octt = Octt(QUIET, stop="Authorized")
    octt.energy_transfer_started()
    assert reset(octt, "OnIdle") == "Scheduled"  # 1, 2
    octt.stop_authorized()  # 3
    assert came_back(octt)["reason"] == "ScheduledReset"  # 7, 8
    assert statuses(octt) == {1: "Occupied"}  # 9, 10
    assert octt.bench.security[0]["type"] in ("StartupOfTheDevice", "ResetOrReboot")  # 11, 12


def test_TC_B_21_CS_on_idle_with_a_transaction_that_ends_when_the_vehicle_leaves():
    octt = Octt(QUIET, stop="EVConnected")
    octt.energy_transfer_started()
    assert reset(octt, "OnIdle") == "Scheduled"
    octt.stop_authorized()
    octt.ev_connected_post_session()  # 4
    octt.bench.pass_time(RESET_PATIENCE_S)
    assert octt.bench.restarts == []
    octt.ev_disconnected()  # 5
    assert came_back(octt)["reason"] == "ScheduledReset"
    assert statuses(octt) == {1: "Available"}


def test_TC_B_22_CS_immediate_with_a_transaction():
    octt = Octt(QUIET, evses=2)
    octt.energy_transfer_started()
    assert reset(octt, "Immediate") == "Accepted"  # 1, 2
    ended = octt.expect_event("Ended", trigger="ResetCommand", state="EVConnected", reason="ImmediateReset")  # 3, 4
    assert "idToken" not in ended
    assert came_back(octt)["reason"] == "RemoteReset"  # 5, 6
    assert statuses(octt) == {1: "Occupied", 2: "Available"}  # 7, 8


def test_TC_B_23_CS_unavailable_persists():
    octt = Octt(evses=2)
    octt.unavailable(evse=1)
    assert reset(octt, "OnIdle") == "Accepted"
    assert came_back(octt)["reason"] == "RemoteReset"
    assert statuses(octt) == {1: "Unavailable", 2: "Available"}


@pytest.mark.proves("B11.FR.05")
def test_TC_B_24_CS_reserved_persists():
    octt = Octt(evses=2)
    until = (octt.bench.now.wall + timedelta(hours=1)).isoformat()
    wanted = {"id": 1, "idToken": TOKEN, "expiryDateTime": until, "evseId": 1}
    assert octt.ask("ReserveNow", **wanted) == {"status": "Accepted"}
    octt.expect_status("Reserved")
    assert reset(octt, "OnIdle") == "Accepted"  # 1, 2
    assert came_back(octt)["reason"] == "RemoteReset"  # 3, 4
    assert statuses(octt) == {1: "Reserved", 2: "Available"}  # 5, 6


def test_TC_B_41_CS_on_idle_with_several_transactions():
    octt = Octt(QUIET, stop="Authorized", evses=2)
    octt.energy_transfer_started()
    octt.bench.plug_in(evse=2)
    octt.bench.swipe(OTHER_CARD, evse=2)
    octt.bench.take_sent()
    assert reset(octt, "OnIdle") == "Scheduled"  # 1, 2
    octt.stop_authorized()  # 3
    octt.ev_connected_post_session()  # 4
    octt.ev_disconnected()  # 5
    octt.bench.pass_time(600)
    assert octt.bench.restarts == []
    octt.bench.swipe(OTHER_CARD, evse=2)  # 7
    assert octt.bench.take_events()[-1]["eventType"] == "Ended"
    assert came_back(octt)["reason"] == "ScheduledReset"  # 11, 12
    assert statuses(octt) == {1: "Available", 2: "Occupied"}  # 13, 14


# ---- one EVSE ----


def test_TC_B_25_CS_an_evse_without_a_transaction():
    octt = Octt(evses=2)
    assert reset(octt, "OnIdle", evseId=1) == "Accepted"
    octt.bench.pass_time(EVSE_RESET_S)
    assert octt.bench.restarts == []
    assert octt.bench.evse(1).in_service(1)


def test_TC_B_26_CS_an_evse_on_idle_with_a_transaction():
    octt = Octt(QUIET, stop="EVConnected", evses=2)
    octt.energy_transfer_started()
    assert reset(octt, "OnIdle", evseId=1) == "Scheduled"
    octt.stop_authorized()
    octt.ev_connected_post_session()
    octt.bench.pass_time(600)
    octt.bench.unplug()
    octt.expect_event("Ended", trigger="EVCommunicationLost", state="Idle")
    octt.bench.pass_time(EVSE_RESET_S)
    assert octt.bench.restarts == []
    assert octt.bench.evse(1).in_service(1)


def test_TC_B_27_CS_an_evse_immediate_with_a_transaction():
    octt = Octt(QUIET, evses=2)
    octt.energy_transfer_started()
    assert reset(octt, "Immediate", evseId=1) == "Accepted"  # 1, 2
    octt.expect_event("Ended", trigger="ResetCommand", state="EVConnected", reason="ImmediateReset")  # 3, 4
    octt.bench.pass_time(EVSE_RESET_S)
    assert octt.bench.restarts == []


def test_TC_B_28_CS_an_evse_of_a_station_that_cannot_reset_one():
    octt = Octt(evses=2, resettable=False)
    assert reset(octt, "OnIdle", evseId=1) == "Rejected"


def test_TC_B_29_CS_an_evse_with_a_transaction_of_a_station_that_cannot_reset_one():
    octt = Octt(QUIET, evses=2, resettable=False)
    octt.energy_transfer_started()
    assert reset(octt, "OnIdle", evseId=1) == "Rejected"
    octt.bench.pass_time(60)
    octt.expect_nothing()
