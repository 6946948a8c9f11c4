"""Certification cases of block A: certificates renewed at the wish of the CSMS (A02), and security profiles (A05)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench import Bench, Payload
from tests.blocks.network import connection
from tests.blocks.signing import (
    FOR_VEHICLES,
    SERIAL,
    authority,
    bring,
    keyed,
    leaf_of,
    requests,
    sound,
    triggered,
    trusting,
)
from tests.edge.authority import Authority

PRIORITY = "OCPPCommCtrlr.NetworkConfigurationPriority"
WAIT_S = 60


@pytest.fixture
def root() -> Authority:
    return authority("OCTT")


@pytest.fixture
def octt(tmp_path: Path, root: Authority) -> Bench:
    """The active profile is one of security profile 3; the root of the tool is installed."""
    return trusting(keyed(tmp_path, provisioned=root.written(tmp_path, SERIAL)), root)


def other_slot(security_profile: int) -> Payload:
    return connection(f"{'wss' if security_profile > 1 else 'ws'}://octt-2.example/ocpp", security_profile)


def test_TC_A_11_CS_the_certificate_for_the_csms_is_renewed(octt: Bench, root: Authority):
    csr = triggered(octt)  # 1 to 4
    sound(csr)
    chain = root.sign(csr)
    attempts = len(octt.shown_certificates)
    assert bring(octt, chain) == "Accepted"  # 5, 6
    assert len(octt.shown_certificates) == attempts + 1  # 7: it reconnects, with the new one
    assert leaf_of(octt.shown_certificates[-1]) == leaf_of(chain)
    assert octt.link.state == "open"


def test_TC_A_12_CS_the_certificate_for_vehicles_is_renewed(tmp_path: Path, root: Authority):
    octt = trusting(keyed(tmp_path, secc=True), root, "V2GRootCertificate")
    for name, value in (("V2GCertificateInstallationEnabled", True), ("CountryName", "NL"), ("SeccId", "NL-OCA-S-1")):
        assert octt.set(f"ISO15118Ctrlr.{name}", value) == "Accepted"
    csr = triggered(octt, FOR_VEHICLES)  # 1 to 4
    assert "CN=NL-OCA-S-1" in sound(csr).subject.rfc4514_string()
    assert bring(octt, root.below("SubCA1").below("SubCA2").sign(csr), FOR_VEHICLES) == "Accepted"  # 5, 6


def test_TC_A_14_CS_a_certificate_that_is_not_valid_is_rejected_and_noted(octt: Bench):
    sound(triggered(octt))  # 1 to 4
    assert bring(octt, authority("Somebody else").pem) == "Rejected"  # 5, 6
    assert octt.security[-1]["type"] == "InvalidChargingStationCertificate"  # 7, 8


def test_TC_A_15_CS_the_csms_rejects_the_request(octt: Bench):
    octt.script["SignCertificate"] = {"status": "Rejected"}
    sound(triggered(octt))  # 1 to 4
    octt.pass_time(WAIT_S * 10)
    assert requests(octt) == []


def test_TC_A_23_CS_the_certificate_does_not_come_in_time(octt: Bench, root: Authority):
    assert octt.set("SecurityCtrlr.CertSigningWaitMinimum", WAIT_S) == "Accepted"
    assert octt.set("SecurityCtrlr.CertSigningRepeatTimes", 1) == "Accepted"
    csr = triggered(octt)  # 1 to 4
    for wait_s in (WAIT_S, 2 * WAIT_S):  # 5 to 10
        octt.pass_time(wait_s - 1)
        assert requests(octt) == []
        octt.pass_time(1)
        (again,) = requests(octt)
        sound(again["csr"])
    assert bring(octt, root.sign(csr)) == "Accepted"  # 11, 12
    for _ in range(2):  # erratum 6.2.5: one for each request
        assert bring(octt, root.sign(csr)) == "Accepted"
    assert "InvalidChargingStationCertificate" not in [each["type"] for each in octt.security]


def test_TC_A_21_CS_no_upgrade_without_a_certificate_of_the_station(tmp_path: Path, root: Authority):
    octt = trusting(keyed(tmp_path, security_profile=2), root)
    told = octt.ask("SetNetworkProfile", configurationSlot=2, connectionData=other_slot(3))
    assert told == {"status": "Accepted"}  # 1, 2
    assert octt.set(PRIORITY, "2,1") == "Rejected"  # 3, 4
    assert octt.get(PRIORITY) == "1"


@pytest.mark.proves("A05.FR.10", "A00.FR.005")
@pytest.mark.parametrize(("active", "wanted"), [(3, 2), (3, 1), (2, 1)])
def test_TC_A_22_CS_no_way_back_to_a_less_secure_profile(tmp_path: Path, root: Authority, active: int, wanted: int):
    octt = trusting(keyed(tmp_path, security_profile=active), root)
    told = octt.ask("SetNetworkProfile", configurationSlot=2, connectionData=other_slot(wanted))
    assert isinstance(told, dict)
    assert told["status"] == "Rejected"  # 1, 2
    assert octt.set(PRIORITY, "2,1") == "Rejected"
    assert octt.set("SecurityCtrlr.SecurityProfile", wanted) == "Rejected"
    assert octt.ask("DataTransfer", vendorId="Table", data={"securityProfile": wanted}) != {"status": "Accepted"}
    assert octt.get("SecurityCtrlr.SecurityProfile") == str(active)


def migrated(octt: Bench, wanted: int) -> None:
    """Slot 2 first, and a restart."""
    told = octt.ask("SetNetworkProfile", configurationSlot=2, connectionData=other_slot(wanted))
    assert told == {"status": "Accepted"}
    assert octt.set(PRIORITY, "2,1") == "RebootRequired"  # A05.FR.04
    octt.dialed.clear()
    octt.power_cycle()
    octt.accept()


@pytest.mark.proves("A05.FR.04", "A05.FR.05", "A05.FR.06")
def test_up_it_goes_with_the_next_start_and_what_is_less_secure_is_forgotten(tmp_path: Path, root: Authority):
    octt = trusting(keyed(tmp_path, security_profile=2, provisioned=root.written(tmp_path, SERIAL)), root)
    migrated(octt, 3)
    assert [each.url for each in octt.dialed if each is not None] == ["wss://octt-2.example/ocpp"]
    assert octt.get("SecurityCtrlr.SecurityProfile") == "3"
    assert octt.get(PRIORITY) == "2"
    assert octt.set(PRIORITY, "2,1") == "Rejected"


@pytest.mark.proves("A05.FR.08", "A05.FR.09")
def test_where_downgrades_are_allowed_it_goes_from_3_to_2_and_never_to_1(tmp_path: Path, root: Authority):
    octt = trusting(keyed(tmp_path, provisioned=root.written(tmp_path, SERIAL)), root)
    assert octt.set("SecurityCtrlr.AllowSecurityProfileDowngrade", True) == "Accepted"
    migrated(octt, 2)
    assert octt.get("SecurityCtrlr.SecurityProfile") == "2"
    told = octt.ask("SetNetworkProfile", configurationSlot=3, connectionData=other_slot(1))
    assert isinstance(told, dict)
    assert told["status"] == "Rejected"
    assert octt.set(PRIORITY, "3") == "Rejected"
