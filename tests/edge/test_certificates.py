"""Installed certificates as files: what is taken and found again; what bad ones, a full store and a full disk do."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.ocsp import OCSPRequestBuilder
from cryptography.x509.oid import NameOID

from agent.edge.certificates import CSMS_ROOT, CertificateStore
from agent.edge.tls import context_for
from agent.provision import Provision
from agent.vocabulary.certificates import CertificateJobEnded, RemoveCertificate, StoreCertificate
from agent.vocabulary.values import InstalledCertificate

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CSMS = "CSMSRootCertificate"

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def root(
    name: str = "Root",
    *,
    key: Key | None = None,
    signed_by: Key | None = None,
    days: tuple[int, int] = (-10, 10),
    authority: bool = True,
    serial: int | None = None,
) -> str:
    """A certificate that names itself as its issuer, as PEM."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(NOW + timedelta(days=days[0]))
        .not_valid_after(NOW + timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    return built.sign(signed_by or key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def hash_data(pem: str, type: str = CSMS) -> InstalledCertificate:
    """What the CSMS computes of it."""
    certificate = x509.load_pem_x509_certificate(pem.encode())
    asked = OCSPRequestBuilder().add_certificate(certificate, certificate, hashes.SHA256()).build()
    return InstalledCertificate(
        type, asked.issuer_name_hash.hex(), asked.issuer_key_hash.hex(), f"{certificate.serial_number:x}"
    )


@pytest.fixture
def store(tmp_path: Path) -> CertificateStore:
    return CertificateStore(tmp_path / "certs")


def install(
    store: CertificateStore, pem: str, type: str = CSMS, most: int = 20, at: datetime | None = NOW
) -> CertificateJobEnded:
    return store.obey(StoreCertificate("1", type, pem, most, at))


def remove(store: CertificateStore, wanted: InstalledCertificate) -> CertificateJobEnded:
    return store.obey(RemoveCertificate("2", wanted))


def test_what_was_installed_is_found_by_another_start(store: CertificateStore, tmp_path: Path):
    one, other = root("One"), root("Other")
    assert install(store, one).status == "Accepted"
    ended = install(store, other, "MORootCertificate")
    assert set(ended.installed) == {hash_data(one), hash_data(other, "MORootCertificate")}
    assert CertificateStore(tmp_path / "certs").installed() == ended.installed
    assert store.roots(CSMS_ROOT) == (one,)


def test_installed_again_it_is_one_and_the_same(store: CertificateStore):
    pem = root()
    assert install(store, pem, most=1).status == "Accepted"
    again = install(store, pem, most=1)
    assert (again.status, len(again.installed)) == ("Accepted", 1)


def test_one_that_is_for_two_things_goes_with_one_request(store: CertificateStore):
    pem = root()
    install(store, pem)
    install(store, pem, "ManufacturerRootCertificate")
    assert remove(store, hash_data(pem, "")).installed == ()


def test_no_more_than_there_is_room_for(store: CertificateStore):
    first = root()
    install(store, first, most=1)
    told = install(store, root(), most=1)
    assert (told.status, told.reason_code, told.installed) == ("Rejected", "OutOfStorage", (hash_data(first),))


def unfit() -> Iterator[tuple[str, str]]:
    """Certificates that are no roots, with a word of why."""
    sound = root()
    yield "expired", root(days=(-10, -1))
    yield "not valid yet", root(days=(1, 10))
    yield "no authority", root(authority=False)
    yield "of another key", root(signed_by=ec.generate_private_key(ec.SECP256R1()))
    yield "of a weak key", root(key=rsa.generate_private_key(65537, 1024))
    yield "changed", sound[:200] + ("A" if sound[200] != "A" else "B") + sound[201:]
    yield "two", sound + root()
    yield "a leaf", trustme.CA().issue_cert("localhost").cert_chain_pems[0].bytes().decode()
    yield "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    yield "no text of its kind", "a root certificate, honestly \x00 ü"
    yield "nothing", ""


UNFIT = tuple(unfit())


@pytest.mark.parametrize(("why", "pem"), UNFIT, ids=[why for why, _ in UNFIT])
def test_what_is_no_root_is_rejected_and_leaves_nothing_behind(store: CertificateStore, why: str, pem: str):
    told = install(store, pem)
    assert (told.status, told.reason_code, told.installed) == ("Rejected", "InvalidCertificate", ()), why
    assert told.reason.startswith("no root certificate: ")


def test_nobody_knows_the_time_and_no_certificate_is_too_old(store: CertificateStore):
    assert install(store, root(days=(-10, -1)), at=None).status == "Accepted"


def test_a_disk_that_refuses_is_told_and_what_was_there_stays(tmp_path: Path):
    (tmp_path / "certs").write_text("a file in the place of the folder")
    told = install(CertificateStore(tmp_path / "certs"), root())
    assert (told.status, told.reason_code, told.installed) == ("Failed", "InternalError", ())


def test_what_is_not_there_is_not_found(store: CertificateStore):
    install(store, root())
    told = remove(store, hash_data(root()))
    assert (told.status, len(told.installed)) == ("NotFound", 1)


def test_hash_data_are_found_however_their_digits_are_written(store: CertificateStore):
    pem = root(serial=0xABC)
    install(store, pem)
    data = hash_data(pem)
    asked = InstalledCertificate("", data.issuer_name_hash.upper(), data.issuer_key_hash.upper(), "00ABC")
    assert remove(store, asked).status == "Accepted"


def test_what_else_is_in_the_folder_is_no_certificate(store: CertificateStore, tmp_path: Path):
    install(store, root())
    for name in ("notes.txt", "half-written.new", "too.few.pem"):
        (tmp_path / "certs" / name).write_text("?")
    assert len(store.installed()) == 1


def test_a_file_that_was_damaged_keeps_no_connection_from_being_made(store: CertificateStore, tmp_path: Path):
    good, bad = root("Good"), root("Bad")
    install(store, good)
    install(store, bad)
    damaged = hash_data(bad)
    (path,) = (tmp_path / "certs").glob(f"*.{damaged.serial_number}.pem")
    path.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    context = context_for(Provision(ca_file=str(tmp_path / "ca.pem")), roots=store.roots(CSMS_ROOT))
    names = [dict(part[0] for part in each["subject"]).get("commonName") for each in context.get_ca_certs()]
    assert "Good" in names
    assert "Bad" not in names
    assert context.verify_mode is ssl.CERT_REQUIRED
