"""Certification cases C_50 to C_55: contracts judged by the roots that the CSMS has installed, here or at the CSMS."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.x509 import load_pem_x509_certificate

from hal.drivers.contract_chain import read_contract
from hal.events import Contract
from tests.bench import Bench, Payload
from tests.blocks.reusable import Octt
from tests.blocks.signing import FOR_VEHICLES, authority, keyed, renewed, trusting
from tests.blocks.test_d_local_auth_list import send
from tests.edge.authority import Authority, name_of, new_key, pem_of

EMAID = "DEABCC00000042"
ISO = "ISO15118Ctrlr."
BACK_OFF_S, DURATION_S = 30, 120.0
QUICK = {
    "OCPPCommCtrlr.OfflineThreshold": BACK_OFF_S + 60,
    "OCPPCommCtrlr.RetryBackOffWaitMinimum": BACK_OFF_S,
    "OCPPCommCtrlr.RetryBackOffRandomRange": 0,
    "AuthCtrlr.OfflineTxForUnknownIdEnabled": True,
}


@pytest.fixture
def operator() -> Authority:
    """Whose contract the vehicle has."""
    return authority("MO")


def prepared(folder: Path, operator: Authority | None, settings: Payload, start: str = "EVConnected") -> Octt:
    """The configuration and memory states; ``operator`` None: his root is not installed."""
    v2g = authority("V2G")
    bench = trusting(keyed(folder, secc=True), v2g, "V2GRootCertificate")
    if operator is not None:
        trusting(bench, operator, "MORootCertificate")
    renewed(bench, v2g.below("SubCA1").below("SubCA2"), FOR_VEHICLES)
    configuration = {"AuthCtrlr.Enabled": True, f"{ISO}PnCEnabled": True, **settings}
    return Octt(configuration, start=start, stop="Authorized", bench=bench)


def presented(bench: Bench, operator: Authority) -> Contract:
    """As an SECC reads it with the roots that it holds."""
    chain = (operator.issue(name_of(EMAID), new_key().public_key()), *operator.chain)
    roots = [load_pem_x509_certificate(pem.encode()) for pem in bench.secc_holds.roots]
    contract = read_contract(EMAID, "".join(map(pem_of, chain)), roots, bench.now.wall)
    bench.present_contract(contract)
    return contract


def answered(octt: Octt, status: str, certificate: str) -> None:
    """What the CSMS says of the contract."""
    info = {"status": status}
    octt.bench.script["Authorize"] = {"idTokenInfo": info, "certificateStatus": certificate}
    octt.bench.script["TransactionEvent"] = lambda asked: {"idTokenInfo": info} if "idToken" in asked else {}


def asked_for_contract(octt: Octt) -> Payload:
    asked = octt.expect("Authorize")
    assert asked["idToken"] == {"idToken": EMAID, "type": "eMAID"}
    return asked


def charges_by_contract(octt: Octt) -> None:
    """Steps 3 to 5."""
    octt.expect_event(trigger="Authorized")
    octt.expect_event(trigger="ChargingStateChanged", state="Charging")


def charges_not(octt: Octt) -> None:
    octt.bench.pass_time(60)
    told = octt.expect_events()
    assert all(each["triggerReason"] != "Authorized" for each in told)
    assert all(each["transactionInfo"].get("chargingState") != "Charging" for each in told)
    assert not octt.transfers_energy()


LOCAL = {f"{ISO}CentralContractValidationAllowed": False}
CENTRAL = {f"{ISO}CentralContractValidationAllowed": True}


def test_TC_C_50_CS_a_contract_that_is_validated_here(tmp_path: Path, operator: Authority):
    octt = prepared(tmp_path, operator, LOCAL)
    octt.ev_connected_pre_session()
    answered(octt, "Accepted", "Accepted")
    presented(octt.bench, operator.below("MO SubCA"))
    asked = asked_for_contract(octt)  # 1, 2
    assert asked["iso15118CertificateHashData"]
    assert "certificate" not in asked
    charges_by_contract(octt)


def test_TC_C_51_CS_a_contract_that_the_csms_refuses(tmp_path: Path, operator: Authority):
    octt = prepared(tmp_path, operator, LOCAL)
    octt.ev_connected_pre_session()
    answered(octt, "Invalid", "ContractCancelled")
    presented(octt.bench, operator.below("MO SubCA"))
    assert asked_for_contract(octt)["iso15118CertificateHashData"]  # 1, 2
    charges_not(octt)


def test_TC_C_52_CS_a_contract_that_the_csms_validates(tmp_path: Path, operator: Authority):
    octt = prepared(tmp_path, None, CENTRAL)
    octt.ev_connected_pre_session()
    answered(octt, "Accepted", "Accepted")
    contract = presented(octt.bench, operator.below("MO SubCA"))
    assert asked_for_contract(octt)["certificate"] == contract.chain_pem  # 1, 2
    charges_by_contract(octt)


def test_TC_C_53_CS_a_contract_that_the_csms_finds_revoked(tmp_path: Path, operator: Authority):
    octt = prepared(tmp_path, None, CENTRAL)
    octt.ev_connected_pre_session()
    answered(octt, "Invalid", "CertificateRevoked")
    contract = presented(octt.bench, operator.below("MO SubCA"))
    assert asked_for_contract(octt)["certificate"] == contract.chain_pem  # 1, 2
    charges_not(octt)


def offline(folder: Path, operator: Authority, *, allowed: bool) -> Octt:
    """Until step 2: a vehicle with a contract came while the CSMS was away."""
    octt = prepared(folder, operator, {**QUICK, f"{ISO}ContractValidationOffline": allowed})
    entry = {"idToken": {"idToken": EMAID, "type": "eMAID"}, "idTokenInfo": {"status": "Accepted"}}
    assert send(octt.bench, 1, entry) == "Accepted"
    octt.bench.disconnect()  # 1
    octt.connect()
    presented(octt.bench, operator.below("MO SubCA"))
    octt.bench.pass_time(DURATION_S)
    octt.bench.connect()  # 2
    return octt


def plugged_in_offline(octt: Octt) -> None:
    """Steps 3 to 6."""
    octt.expect_status("Occupied")
    octt.bench.pass_time(DURATION_S)
    assert octt.expect_event("Started", trigger="CablePluggedIn", state="EVConnected")["offline"]


def test_TC_C_54_CS_offline_a_contract_is_validated_here_where_that_is_allowed(tmp_path: Path, operator: Authority):
    octt = offline(tmp_path, operator, allowed=True)
    plugged_in_offline(octt)
    assert octt.expect_event(trigger="Authorized")["offline"]  # 7, 8
    octt.expect_event(trigger="ChargingStateChanged", state="Charging")  # 9
    assert octt.transfers_energy()


def test_TC_C_55_CS_offline_no_contract_counts_where_that_is_not_allowed(tmp_path: Path, operator: Authority):
    octt = offline(tmp_path, operator, allowed=False)
    plugged_in_offline(octt)
    charges_not(octt)  # 7
