"""M01, M02, M06: contracts that vehicles have installed, and what an SECC holds: roots, certificate, OCSP."""

from __future__ import annotations

from base64 import b64encode
from datetime import timedelta
from pathlib import Path

import pytest

from hal.events import CertificateAction, ContractCertificateAsked
from tests.bench import Bench, Payload
from tests.blocks.signing import FOR_VEHICLES, authority, keyed, leaf_of, renewed, trusting
from tests.edge.authority import Authority

EXI, BROUGHT = b64encode(b"what the vehicle says").decode(), b64encode(b"what it hears").decode()
SCHEMA = "urn:iso:15118:2:2013:MsgDef"
OCSP = b64encode(b"good").decode()
ENABLED = "ISO15118Ctrlr.ContractCertificateInstallationEnabled"
DAY_S = timedelta(days=1).total_seconds()


@pytest.fixture
def root() -> Authority:
    return authority("V2G")


@pytest.fixture
def bench(tmp_path: Path, root: Authority) -> Bench:
    bench = trusting(keyed(tmp_path, secc=True), root, "V2GRootCertificate")
    bench.script["GetCertificateStatus"] = {"status": "Accepted", "ocspResult": OCSP}
    bench.take_sent()
    return bench


def statuses(bench: Bench) -> list[Payload]:
    """What was asked about certificates since the last call."""
    return [said.payload["ocspRequestData"] for said in bench.take_sent() if said.action == "GetCertificateStatus"]


def signed(bench: Bench, root: Authority) -> str:
    """The chain of a new certificate for vehicles, over two sub-authorities."""
    return renewed(bench, root.below("SubCA1").below("SubCA2"), FOR_VEHICLES)


def vehicle_asks(bench: Bench, action: CertificateAction = "Install") -> None:
    bench.plug_in()
    bench.post(ContractCertificateAsked(1, action, SCHEMA, EXI))


# ---- M01, M02 ----


@pytest.mark.proves("M01.FR.01", "M02.FR.01")
@pytest.mark.parametrize("action", ["Install", "Update"])
def test_what_the_vehicle_asks_for_goes_to_the_csms_and_its_answer_to_the_vehicle(
    bench: Bench, action: CertificateAction
):
    bench.script["Get15118EVCertificate"] = {"status": "Accepted", "exiResponse": BROUGHT}
    vehicle_asks(bench, action)
    (request,) = [said.payload for said in bench.take_sent() if said.action == "Get15118EVCertificate"]
    assert request == {"iso15118SchemaVersion": SCHEMA, "action": action, "exiRequest": EXI}
    assert bench.contracts_brought == [(1, BROUGHT)]


@pytest.mark.parametrize(
    "answer", [{"status": "Failed", "exiResponse": BROUGHT}, {"status": "Failed"}, "InternalError"]
)
def test_what_fails_at_the_csms_is_told_to_the_vehicle(bench: Bench, answer: Payload | str):
    bench.script["Get15118EVCertificate"] = answer
    vehicle_asks(bench)
    bench.pass_time(60)
    assert bench.contracts_brought == [(1, None)]


@pytest.mark.parametrize("why", ["offline", "ContractCertificateInstallationEnabled"])
def test_who_cannot_be_asked_keeps_no_vehicle_waiting(bench: Bench, why: str):
    if why == "offline":
        bench.disconnect()
    else:
        assert bench.set(ENABLED, False) == "Accepted"
    bench.take_sent()
    vehicle_asks(bench)
    assert bench.contracts_brought == [(1, None)]
    assert "Get15118EVCertificate" not in [said.action for said in bench.take_sent()]


def test_the_answer_goes_to_the_vehicle_that_asked(tmp_path: Path):
    bench = keyed(tmp_path, secc=True, evses=2)
    bench.script["Get15118EVCertificate"] = lambda asked: {
        "status": "Accepted",
        "exiResponse": asked["exiRequest"][::-1],
    }
    for evse in (1, 2):
        bench.plug_in(evse)
        bench.post(ContractCertificateAsked(evse, "Install", SCHEMA, f"of {evse}"))
    assert bench.contracts_brought == [(1, "1 fo"), (2, "2 fo")]


# ---- what an SECC holds ----


def test_roots_for_contracts_are_with_the_secc_as_soon_as_they_are_installed_and_after_a_power_cut(
    bench: Bench, root: Authority
):
    operator, csms = authority("MO"), authority("CSMS")
    trusting(bench, operator, "MORootCertificate")
    trusting(bench, csms)
    for _ in range(2):
        assert {leaf_of(pem) for pem in bench.secc_holds.roots} == {root.certificate, operator.certificate}
        bench.power_cycle()
        bench.accept()


def test_the_certificate_for_vehicles_is_with_the_secc(bench: Bench, root: Authority):
    chain = signed(bench, root)
    assert leaf_of(Path(bench.secc_holds.own_file).read_text()) == leaf_of(chain)


# ---- M03.FR.05 ----


def test_M03_FR_05_the_chain_is_listed_with_the_authorities_as_children(bench: Bench, root: Authority):
    chain = signed(bench, root)
    told = bench.ask("GetInstalledCertificateIds", certificateType=["V2GCertificateChain"])
    assert isinstance(told, dict)
    (entry,) = told["certificateHashDataChain"]
    assert entry["certificateType"] == "V2GCertificateChain"
    assert entry["certificateHashData"]["serialNumber"] == f"{leaf_of(chain).serial_number:x}"
    assert len(entry["childCertificateHashData"]) == 2


@pytest.mark.proves("M04.FR.06")
@pytest.mark.parametrize("use", ["ChargingStationCertificate", "V2GCertificate"])
def test_a_certificate_of_the_station_itself_is_not_deleted(tmp_path: Path, root: Authority, use: str):
    bench = trusting(trusting(keyed(tmp_path, secc=True), root, "V2GRootCertificate"), root)
    renewed(bench, root, FOR_VEHICLES if use == FOR_VEHICLES else "ChargingStationCertificate")
    (own,) = [each for each in bench.station.blocks.signing.own if each.use == use]
    leaf = own.chain[0]
    data = {
        "hashAlgorithm": "SHA256",
        "issuerNameHash": leaf.issuer_name_hash,
        "issuerKeyHash": leaf.issuer_key_hash,
        "serialNumber": leaf.serial_number,
    }
    told = bench.ask("DeleteCertificate", certificateHashData=data)
    assert isinstance(told, dict)
    assert told["status"] == "Failed"
    assert bench.station.blocks.signing.own == (own,)


# ---- M06 ----


@pytest.mark.proves("M06.FR.06", "M06.FR.07")
def test_after_a_new_certificate_the_status_of_each_of_its_chain_is_asked_for_and_kept(bench: Bench, root: Authority):
    chain = signed(bench, root)
    asked = statuses(bench)
    assert asked[0]["serialNumber"] == f"{leaf_of(chain).serial_number:x}"
    assert len(asked) == 3  # the leaf and both authorities
    assert bench.secc_holds.ocsp == (OCSP,) * 3
    bench.power_cycle()
    bench.accept()
    assert bench.secc_holds.ocsp == (OCSP,) * 3  # from the disk
    assert statuses(bench) == []
    signed(bench, root)
    assert len(statuses(bench)) == 3  # nothing of the former chain counts


def test_M06_FR_10_the_status_is_asked_for_again_within_a_week(bench: Bench, root: Authority):
    signed(bench, root)
    statuses(bench)
    bench.pass_time(5 * DAY_S)
    assert statuses(bench) == []
    bench.pass_time(2 * DAY_S)
    assert len(statuses(bench)) == 3


def test_who_was_offline_asks_when_the_csms_is_back(bench: Bench, root: Authority):
    signed(bench, root)
    bench.disconnect()
    bench.pass_time(30 * DAY_S)
    statuses(bench)
    bench.connect()
    assert len(statuses(bench)) == 3


@pytest.mark.parametrize("answer", [{"status": "Failed"}, "InternalError"])
def test_what_fails_is_asked_for_again_later_and_what_was_known_stays(
    bench: Bench, root: Authority, answer: Payload | str
):
    signed(bench, root)
    bench.script["GetCertificateStatus"] = answer
    bench.pass_time(8 * DAY_S)
    assert len(statuses(bench)) > 3
    assert bench.secc_holds.ocsp == (OCSP,) * 3


def test_without_an_secc_nobody_asks_about_anything(tmp_path: Path, root: Authority):
    bench = trusting(keyed(tmp_path), root, "V2GRootCertificate")
    bench.pass_time(DAY_S)
    assert statuses(bench) == []
    assert bench.secc_holds.roots == ()
