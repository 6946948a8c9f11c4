"""Certification case N_48: a monitor on what may only be written tells that it changed, and not what it is."""

from __future__ import annotations

from agent.blocks.b_network import FACTORY_SLOT, NetworkSetup
from agent.vocabulary.values import NetworkProfile
from tests.bench import Bench
from tests.blocks.reusable import Octt
from tests.blocks.test_n_monitoring import place, watching
from tests.blocks.test_tc_n_monitoring import install

PASSWORD = place("SecurityCtrlr", "BasicAuthPassword")


def test_TC_N_48_CS_a_new_password_is_told_without_it():
    network = NetworkSetup(NetworkProfile(FACTORY_SLOT, "ws://octt.example/ocpp", 1))
    octt = Octt({"MonitoringCtrlr.Enabled": True}, bench=Bench(network=network))
    (monitor,) = install(octt, watching(PASSWORD, "Delta", 1))
    assert octt.bench.set("SecurityCtrlr.BasicAuthPassword", "generated-password") in ("Accepted", "RebootRequired")
    octt.bench.pass_time(0)
    (event,) = octt.expect("NotifyEvent")["eventData"]  # 4
    assert (event["actualValue"], event["variableMonitoringId"]) == ("", monitor)
