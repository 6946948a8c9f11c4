"""M03, M04, M05: root certificates that the CSMS installs are listed by their hash data, replaced, and deleted."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.edge.certificates import CertificateStore
from agent.vocabulary.certificates import CertificateJobEnded
from tests.bench import Bench, Payload
from tests.edge.test_certificates import hash_data, root

CSMS, MANUFACTURER, V2G, MO = (
    "CSMSRootCertificate",
    "ManufacturerRootCertificate",
    "V2GRootCertificate",
    "MORootCertificate",
)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(certificates=CertificateStore(tmp_path / "certs"))
    bench.accept()
    return bench


def install(bench: Bench, pem: str, type: str = CSMS) -> str:
    return str(answer(bench, "InstallCertificate", certificateType=type, certificate=pem)["status"])


def delete(bench: Bench, data: Payload) -> str:
    return str(answer(bench, "DeleteCertificate", certificateHashData=data)["status"])


def listed(bench: Bench, *types: str) -> Payload:
    """The answer to GetInstalledCertificateIds."""
    return answer(bench, "GetInstalledCertificateIds", **({"certificateType": list(types)} if types else {}))


def chains(bench: Bench, *types: str) -> list[tuple[str, str]]:
    """What is installed, as (type, serial number)."""
    told = listed(bench, *types)
    assert told["status"] == "Accepted"
    found = told["certificateHashDataChain"]
    return sorted((each["certificateType"], each["certificateHashData"]["serialNumber"]) for each in found)


def answer(bench: Bench, action: str, **payload: object) -> Payload:
    told = bench.ask(action, **payload)
    assert isinstance(told, dict), told
    return told


def data_of(pem: str) -> Payload:
    """Hash data as the CSMS writes them."""
    data = hash_data(pem)
    return {
        "hashAlgorithm": "SHA256",
        "issuerNameHash": data.issuer_name_hash,
        "issuerKeyHash": data.issuer_key_hash,
        "serialNumber": data.serial_number,
    }


def serial(pem: str) -> str:
    return hash_data(pem).serial_number


def notes(bench: Bench) -> list[str]:
    return [each.tech_info for each in bench.security_log if each.type == "ReconfigurationOfSecurityParameters"]


@pytest.mark.proves("M03.FR.01")
def test_M03_FR_02_nothing_of_this_kind_is_not_found(bench: Bench):
    assert listed(bench) == {"status": "NotFound"}
    install(bench, root())
    assert listed(bench, MO, "V2GCertificateChain") == {"status": "NotFound"}


@pytest.mark.proves("M03.FR.03", "M03.FR.04")
def test_every_certificate_of_the_kinds_that_are_asked_for_is_listed(bench: Bench):
    first, second, other = root(), root(), root()
    for pem, type in ((first, CSMS), (second, CSMS), (other, MO)):
        assert install(bench, pem, type) == "Accepted"
    both = sorted([(CSMS, serial(first)), (CSMS, serial(second))])
    assert chains(bench, CSMS) == both
    assert chains(bench, CSMS, V2G) == both
    assert chains(bench) == sorted([*both, (MO, serial(other))])
    (entry,) = listed(bench, MO)["certificateHashDataChain"]
    assert entry == {"certificateType": MO, "certificateHashData": data_of(other)}


@pytest.mark.proves("M04.FR.01")
def test_M04_FR_02_what_is_there_is_deleted_and_stays_so(bench: Bench):
    pem = root()
    install(bench, pem)
    assert delete(bench, data_of(pem)) == "Accepted"
    assert listed(bench)["status"] == "NotFound"
    bench.power_cycle()
    bench.accept()
    assert listed(bench)["status"] == "NotFound"


@pytest.mark.proves("M04.FR.04")
def test_what_is_not_there_is_not_found(bench: Bench):
    assert delete(bench, data_of(root())) == "NotFound"
    pem = root()
    install(bench, pem)
    assert delete(bench, data_of(pem) | {"hashAlgorithm": "SHA512"}) == "NotFound"
    assert chains(bench) == [(CSMS, serial(pem))]


@pytest.mark.proves("M04.FR.03")
def test_a_disk_that_keeps_it_is_a_failure(bench: Bench, tmp_path: Path):
    pem = root()
    install(bench, pem)
    (path,) = (tmp_path / "certs").iterdir()
    path.unlink()
    path.mkdir()  # what cannot be unlinked
    assert delete(bench, data_of(pem)) == "Failed"
    assert chains(bench) == [(CSMS, serial(pem))]


@pytest.mark.proves("M05.FR.01", "M05.FR.02")
def test_what_is_installed_outlives_the_power(bench: Bench):
    pem = root()
    assert install(bench, pem) == "Accepted"
    bench.power_cycle()
    bench.accept()
    assert chains(bench) == [(CSMS, serial(pem))]


def test_M05_FR_03_a_disk_that_takes_nothing_is_a_failure(bench: Bench, tmp_path: Path):
    (tmp_path / "certs").write_text("a file in the place of the folder")
    assert install(bench, root()) == "Failed"


def test_M05_FR_06_no_more_than_CertificateEntries_says(bench: Bench):
    (entries,) = (slot for slot in bench.station.model.slots() if slot.variable.name == "CertificateEntries")
    most = int(entries.variable.high or 0)
    pems = [root() for _ in range(most)]
    assert {install(bench, pem) for pem in pems} == {"Accepted"}
    assert bench.get("SecurityCtrlr.CertificateEntries") == str(most)
    assert install(bench, root()) == "Rejected"
    assert install(bench, pems[0]) == "Accepted"  # M05.FR.17
    delete(bench, data_of(pems[1]))
    assert bench.get("SecurityCtrlr.CertificateEntries") == str(most - 1)
    assert install(bench, root()) == "Accepted"


@pytest.mark.parametrize("pem", [root(days=(-10, -1)), root(authority=False), "no certificate"])
def test_M05_FR_07_what_is_no_certificate_of_use_is_rejected_with_a_reason(bench: Bench, pem: str):
    told = answer(bench, "InstallCertificate", certificateType=CSMS, certificate=pem)
    assert (told["status"], told["statusInfo"]["reasonCode"]) == ("Rejected", "InvalidCertificate")
    assert listed(bench)["status"] == "NotFound"


def test_M05_FR_17_the_same_certificate_again_is_replaced(bench: Bench):
    pem = root()
    assert [install(bench, pem), install(bench, pem)] == ["Accepted", "Accepted"]
    assert chains(bench) == [(CSMS, serial(pem))]


def test_whom_the_station_trusts_is_in_the_security_log(bench: Bench):
    pem = root()
    install(bench, pem)
    delete(bench, data_of(pem))
    install(bench, "no certificate")
    assert notes(bench) == [f"{CSMS} was installed", f"{CSMS} was deleted"]


def test_a_job_that_nobody_waits_for_any_more_is_answered_to_nobody(bench: Bench):
    bench.notice(CertificateJobEnded("of another start", "Accepted", "", "", (hash_data(root()),)))
    assert len(chains(bench)) == 1
    assert notes(bench) == []
