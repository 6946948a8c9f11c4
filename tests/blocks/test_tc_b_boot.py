"""Certification cases of block B, the boot: accepted, pending, rejected; what changed while offline; reconnecting."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.bench import TOKEN, Bench, Payload
from tests.blocks.reusable import Octt

TIME = "2026-01-01T00:00:00Z"
HEARTBEAT_S = 120
THRESHOLD_S = 60
BACK_OFF_S = 5
BACK_OFF = {"OCPPCommCtrlr.RetryBackOffRandomRange": 0, "OCPPCommCtrlr.RetryBackOffWaitMinimum": BACK_OFF_S}


def rebooted(status: str, **options: object) -> Octt:
    """The manual action: reboot; then the answer to its BootNotification."""
    octt = Octt(**options)  # type: ignore[arg-type]
    octt.bench.script["BootNotification"] = boot_answer(status)
    octt.bench.power_cycle()
    octt.bench.connect()
    octt.expect("BootNotification")
    return octt


def boot_answer(status: str) -> Payload:
    return {"currentTime": TIME, "interval": HEARTBEAT_S, "status": status}


def told(octt: Octt) -> set[tuple[int, int, str]]:
    """What the CSMS has just been told of connectors."""
    return set(octt.bench.take_statuses())


def heard_statuses(octt: Octt) -> set[tuple[int, int, str]]:
    """The same, behind messages that were expected before."""
    heard = [octt.expect("StatusNotification") for _ in all_available(octt)]
    return {(each["evseId"], each["connectorId"], each["connectorStatus"]) for each in heard}


def all_available(octt: Octt) -> set[tuple[int, int, str]]:
    return {(evse.id, each.id, "Available") for evse in octt.bench.layouts for each in evse.connectors}


def test_TC_B_01_CS_cold_boot_accepted():
    Octt(evses=2, connectors=2).booted(by_power=True)


def test_TC_B_02_CS_cold_boot_pending():
    octt = rebooted("Pending", evses=2)
    bench = octt.bench
    assert bench.set("OCPPCommCtrlr.OfflineThreshold", 300) == "Accepted"  # 3, 4
    assert bench.get("OCPPCommCtrlr.OfflineThreshold") == "300"  # 5, 6
    assert octt.ask("GetBaseReport", requestId=1, reportBase="FullInventory") == {"status": "Accepted"}  # 7, 8
    reports = [octt.expect("NotifyReport")]  # 9, 10
    while reports[-1].get("tbc"):
        reports.append(octt.expect("NotifyReport"))
    assert [report["seqNo"] for report in reports] == list(range(len(reports)))
    remote = octt.ask("RequestStartTransaction", idToken=TOKEN, remoteStartId=1, evseId=1)  # 11, 12
    assert remote["status"] == "Rejected"
    bench.script["BootNotification"] = boot_answer("Accepted")
    assert octt.ask("TriggerMessage", requestedMessage="BootNotification") == {"status": "Accepted"}  # 13, 14
    assert octt.expect("BootNotification")["reason"] == "Triggered"  # 15, 16
    assert heard_statuses(octt) == all_available(octt)  # 17, 18


def test_TC_B_03_CS_cold_boot_rejected():
    octt = rebooted("Rejected", evses=2)
    bench = octt.bench
    bench.script["BootNotification"] = boot_answer("Accepted")
    bench.pass_time(HEARTBEAT_S - 1)
    octt.expect_nothing()
    bench.pass_time(1)
    octt.expect("BootNotification")  # 3, 4
    assert heard_statuses(octt) == all_available(octt)  # 5, 6


def test_TC_B_30_CS_rejected_every_call_of_the_csms_is_refused():
    octt = rebooted("Rejected")
    assert octt.bench.ask("GetBaseReport", requestId=1, reportBase="FullInventory") == "SecurityError"  # 3, 4


@pytest.mark.parametrize(
    ("offline_s", "case"), [(THRESHOLD_S + 2, "TC_B_51"), (THRESHOLD_S - 2, "TC_B_52")], ids=["longer", "shorter"]
)
def test_TC_B_51_CS_TC_B_52_CS_what_changed_while_offline_is_told(offline_s: int, case: str):
    settings = {
        "OCPPCommCtrlr.OfflineThreshold": THRESHOLD_S,
        "OCPPCommCtrlr.RetryBackOffWaitMinimum": offline_s,
        "OCPPCommCtrlr.RetryBackOffRandomRange": 0,
    }
    octt = Octt(settings, evses=2)
    bench = octt.bench
    bench.take_sent()
    bench.disconnect()  # 1
    bench.plug_in()  # 2
    bench.connect()  # 3
    elsewhere = {(2, 1, "Available")} if case == "TC_B_51" else set()
    assert told(octt) == {(1, 1, "Occupied")} | elsewhere  # 4, 5


def test_TC_B_57_CS_each_attempt_to_reconnect_waits_twice_as_long():
    settings = BACK_OFF | {
        "OCPPCommCtrlr.RetryBackOffRepeatTimes": 2,
        "OCPPCommCtrlr.NetworkProfileConnectionAttempts": 3,
    }
    bench = Octt(settings).bench
    assert reconnected_after(bench, refusals=0) == [BACK_OFF_S]  # 1 to 3
    assert reconnected_after(bench, refusals=1) == [BACK_OFF_S, 2 * BACK_OFF_S]  # 4 to 8


def reconnected_after(bench: Bench, refusals: int) -> list[float]:
    """The CSMS closes the connection, refuses so many attempts and takes the next; the waits before each."""
    moments = [bench.mono]
    bench.disconnect("closed by the CSMS")
    while bench.link.state != "open":
        due = bench.link.reconnect.next_deadline()
        assert due is not None
        bench.network_up = len(moments) > refusals
        bench.pass_time(due - bench.mono)
        moments.append(bench.mono)
    return [later - earlier for earlier, later in pairwise(moments)]
