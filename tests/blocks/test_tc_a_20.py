"""Certification case A_20: no upgrade to TLS without a root to judge the CSMS by (A05.FR.02)."""

from __future__ import annotations

from pathlib import Path

from agent.blocks.b_network import FACTORY_SLOT, NetworkSetup
from agent.edge.certificates import CertificateStore
from agent.vocabulary.values import NetworkProfile
from tests.bench import Bench
from tests.blocks.network import connection
from tests.blocks.test_m_certificates import CSMS, data_of, delete, install
from tests.edge.test_certificates import root

PRIORITY = "OCPPCommCtrlr.NetworkConfigurationPriority"


def station(folder: Path) -> Bench:
    """With security profile 1, and nobody to trust; slot 2 has a profile with TLS."""
    network = NetworkSetup(NetworkProfile(FACTORY_SLOT, "ws://octt-1.example/ocpp", 1), has_root=False)
    bench = Bench(network=network, certificates=CertificateStore(folder / "certs"))
    bench.accept()
    data = connection("wss://octt-2.example/ocpp", 2)
    told = bench.ask("SetNetworkProfile", configurationSlot=2, connectionData=data)  # 1, 2
    assert isinstance(told, dict)
    assert told["status"] == "Accepted"
    return bench


def test_TC_A_20_CS_A05_FR_02_no_upgrade_without_a_root_of_the_csms(tmp_path: Path):
    bench = station(tmp_path)
    assert bench.set(PRIORITY, "2,1") == "Rejected"  # 3, 4
    assert bench.get(PRIORITY) == "1"
    assert bench.get("SecurityCtrlr.SecurityProfile") == "1"


def test_with_a_root_that_was_installed_it_goes_and_without_it_no_more(tmp_path: Path):
    bench, pem = station(tmp_path), root()
    assert install(bench, root(), "MORootCertificate") == "Accepted"
    assert bench.set(PRIORITY, "2,1") == "Rejected"  # whom a contract is judged by says nothing of a CSMS
    assert install(bench, pem, CSMS) == "Accepted"
    assert bench.set(PRIORITY, "2,1") == "RebootRequired"
    assert bench.set(PRIORITY, "1") == "RebootRequired"
    assert delete(bench, data_of(pem)) == "Accepted"
    assert bench.set(PRIORITY, "2") == "Rejected"
