"""Certification cases of block B, network profiles: rejected, migration, and what happens when nobody is there."""

from __future__ import annotations

from agent.blocks.b_network import FACTORY_SLOT, NetworkSetup
from agent.vocabulary.values import NetworkProfile
from tests.bench import Bench
from tests.blocks.network import connection
from tests.blocks.reusable import Octt

FIRST, SECOND = "ws://octt-1.example/ocpp", "ws://octt-2.example/ocpp"
BACK_OFF_S = 5


def connected(settings: dict[str, object] | None = None) -> Octt:
    """Connected to the tool's first endpoint; the second is free."""
    return Octt(settings, bench=Bench(network=NetworkSetup(NetworkProfile(FACTORY_SLOT, FIRST, 1)), evses=2))


def set_profile(octt: Octt, slot: int) -> str:
    data = connection(SECOND, 1)
    return str(octt.ask("SetNetworkProfile", configurationSlot=slot, connectionData=data)["status"])


def migrating(octt: Octt) -> Bench:
    """Steps 1 to 6, and the station is down."""
    assert octt.bench.get("OCPPCommCtrlr.ActiveNetworkProfile") == "1"  # erratum 6.2.17
    assert set_profile(octt, 2) == "Accepted"  # 1, 2
    assert octt.bench.set("OCPPCommCtrlr.NetworkConfigurationPriority", "2,1") in ("Accepted", "RebootRequired")  # 3, 4
    assert octt.ask("Reset", type="OnIdle")["status"] == "Accepted"  # 5, 6
    octt.bench.pass_time(5)
    assert len(octt.bench.restarts) == 1
    octt.bench.take_sent()
    octt.bench.dialed.clear()
    octt.bench.power_cycle(off_s=0)
    return octt.bench


def dialed(bench: Bench) -> list[str]:
    return [profile.url for profile in bench.dialed if profile is not None]


def booted(octt: Octt) -> None:
    """The end of the reusable state: BootNotification accepted, every connector told."""
    octt.expect("BootNotification")
    told = [octt.expect("StatusNotification") for _ in octt.bench.layouts]
    assert [(each["evseId"], each["connectorStatus"]) for each in told] == [(1, "Available"), (2, "Available")]


def test_TC_B_43_CS_a_profile_for_a_slot_that_is_not_there():
    assert set_profile(connected(), 999) == "Rejected"


def test_TC_B_45_CS_the_station_moves_to_the_other_endpoint():
    octt = connected()
    bench = migrating(octt)
    bench.accept()
    assert dialed(bench) == [SECOND]
    booted(octt)  # 7


def test_TC_B_46_CS_the_other_endpoint_does_not_answer_twice():
    octt = connected({"OCPPCommCtrlr.NetworkProfileConnectionAttempts": 2})
    octt.bench.dark = {SECOND}
    bench = migrating(octt)
    bench.accept()
    assert dialed(bench) == [SECOND, SECOND, FIRST]  # 7, 8
    booted(octt)  # 9


def test_TC_B_49_CS_neither_endpoint_answers_then_the_last_good_one_does():
    octt = connected(
        {
            "OCPPCommCtrlr.NetworkProfileConnectionAttempts": 1,
            "OCPPCommCtrlr.RetryBackOffRepeatTimes": 0,
            "OCPPCommCtrlr.RetryBackOffRandomRange": 0,
            "OCPPCommCtrlr.RetryBackOffWaitMinimum": BACK_OFF_S,
        }
    )
    bench = migrating(octt)
    bench.disconnect()
    bench.pass_time(BACK_OFF_S)
    assert dialed(bench) == [SECOND, FIRST]  # 7 to 10
    bench.network_up = True
    bench.pass_time(BACK_OFF_S - 1)
    assert len(bench.dialed) == 2
    bench.pass_time(1)
    assert dialed(bench) == [SECOND, FIRST, FIRST]  # 11, 12
    booted(octt)  # 13
