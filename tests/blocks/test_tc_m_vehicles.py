"""Certification cases of block M with a vehicle: its V2G chain, the status of it (M06), contracts (M01, M02)."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest

from hal.events import CertificateAction, ContractCertificateAsked
from tests.bench import Bench, Payload
from tests.blocks.signing import FOR_VEHICLES, SERIAL, authority, keyed, leaf_of, renewed, trusting
from tests.blocks.test_c_contract import EMAID, contract
from tests.edge.authority import Authority

OCSP, EXI = b64encode(b"an OCSPResponse").decode(), b64encode(b"a CertificateInstallationRes").decode()
SCHEMA = "urn:iso:15118:2:2013:MsgDef"


@pytest.fixture
def v2g() -> Authority:
    return authority("V2G")


@pytest.fixture
def octt(tmp_path: Path, v2g: Authority) -> Bench:
    """The memory states CertificateInstalled for V2GRootCertificate and MORootCertificate."""
    bench = trusting(keyed(tmp_path, secc=True), v2g, "V2GRootCertificate")
    return trusting(bench, authority("MO"), "MORootCertificate")


def renew_v2g(octt: Bench, v2g: Authority) -> str:
    """The memory state RenewV2GChargingStationCertificate."""
    return renewed(octt, v2g.below("SubCA1").below("SubCA2"), FOR_VEHICLES)


def asked_about(octt: Bench) -> list[Payload]:
    return [said.payload for said in octt.take_sent() if said.action == "GetCertificateStatus"]


def test_TC_M_15_CS_the_v2g_chain_is_listed(octt: Bench, v2g: Authority):
    renew_v2g(octt, v2g)
    told = octt.ask("GetInstalledCertificateIds", certificateType=["V2GCertificateChain"])  # 1
    assert isinstance(told, dict)
    assert told["status"] == "Accepted"
    assert any(
        each["certificateType"] == "V2GCertificateChain" and each["childCertificateHashData"]
        for each in told["certificateHashDataChain"]
    )


def test_TC_M_23_CS_the_certificate_of_the_station_is_not_deleted(tmp_path: Path):
    root = authority("CSMS")
    octt = trusting(keyed(tmp_path, provisioned=root.written(tmp_path, SERIAL)), root)
    chain = renewed(octt, root)
    listed = octt.ask("GetInstalledCertificateIds")  # 1
    assert isinstance(listed, dict)
    assert listed["status"] == "Accepted"
    (own,) = octt.station.blocks.signing.own
    data = {
        "hashAlgorithm": "SHA256",
        "issuerNameHash": own.chain[0].issuer_name_hash,
        "issuerKeyHash": own.chain[0].issuer_key_hash,
        "serialNumber": f"{leaf_of(chain).serial_number:x}",
    }
    told = octt.ask("DeleteCertificate", certificateHashData=data)  # 2, 3
    assert isinstance(told, dict)
    assert told["status"] == "Failed"


def test_TC_M_24_CS_the_status_of_the_chain_is_asked_for(octt: Bench, v2g: Authority):
    octt.script["GetCertificateStatus"] = {"status": "Accepted", "ocspResult": OCSP}
    chain = renew_v2g(octt, v2g)
    asked = asked_about(octt)  # 1, 2: the leaf and both authorities
    assert len(asked) == 3
    assert asked[0]["ocspRequestData"]["serialNumber"] == f"{leaf_of(chain).serial_number:x}"


def test_TC_M_25_CS_a_status_that_is_not_to_be_had_changes_nothing(octt: Bench, v2g: Authority):
    octt.script["GetCertificateStatus"] = {"status": "Failed"}
    renew_v2g(octt, v2g)
    assert len(asked_about(octt)) == 3  # 1, 2
    assert octt.link.state == "open"
    assert octt.secc_holds.ocsp == ()


def vehicle_asks(octt: Bench, action: CertificateAction, answer: Payload) -> None:
    """Steps 1 and 2, from state EVConnectedPreSession; a vehicle that got a contract pays by it."""
    octt.script["Get15118EVCertificate"] = answer
    octt.plug_in()
    octt.take_sent()
    octt.post(ContractCertificateAsked(1, action, SCHEMA, EXI))
    (request,) = [said.payload for said in octt.sent if said.action == "Get15118EVCertificate"]
    assert request["action"] == action
    ((_, brought),) = octt.contracts_brought
    if brought is None:
        octt.choose_eim()
    else:
        octt.present_contract(contract())


def authorizes(octt: Bench) -> list[Payload]:
    return [said.payload["idToken"] for said in octt.take_sent() if said.action == "Authorize"]


ACCEPTED, FAILED = {"status": "Accepted", "exiResponse": EXI}, {"status": "Failed", "exiResponse": ""}


def test_TC_M_26_CS_a_contract_is_installed(octt: Bench):
    vehicle_asks(octt, "Install", ACCEPTED)
    assert authorizes(octt) == [{"idToken": EMAID, "type": "eMAID"}]  # 3, 4


def test_TC_M_27_CS_a_contract_that_cannot_be_installed_authorizes_nobody(octt: Bench):
    vehicle_asks(octt, "Install", FAILED)
    octt.pass_time(60)
    assert authorizes(octt) == []  # 3


def test_TC_M_28_CS_a_contract_is_updated(octt: Bench):
    vehicle_asks(octt, "Update", ACCEPTED)
    assert authorizes(octt) == [{"idToken": EMAID, "type": "eMAID"}]  # 3, 4


def test_TC_M_29_CS_a_contract_that_cannot_be_updated_authorizes_nobody(octt: Bench):
    vehicle_asks(octt, "Update", {"status": "Failed"})
    octt.pass_time(60)
    assert authorizes(octt) == []  # 3
