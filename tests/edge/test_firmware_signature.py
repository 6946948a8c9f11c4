"""Who may sign a bundle, and whether he did."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from agent.edge import signature as module
from agent.edge.job import Canceled, Job
from agent.edge.signature import Refused, check_file, check_signer
from tests.edge.signing import NOW, Signer

ROOT = Signer("root")
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
BUNDLE = b"bundle" * 1000

USES = {
    "digital_signature": False,
    "content_commitment": False,
    "key_encipherment": False,
    "data_encipherment": False,
    "key_agreement": False,
    "key_cert_sign": False,
    "crl_sign": False,
    "encipher_only": False,
    "decipher_only": False,
}


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    path = tmp_path / "bundle"
    path.write_bytes(BUNDLE)
    return path


# ---- the certificate ----


@pytest.mark.proves("L01.FR.12")
@pytest.mark.parametrize("key", [None, RSA], ids=["elliptic curve", "RSA"])
def test_a_certificate_that_the_manufacturers_authority_issued_may_sign(key: Any) -> None:
    check_signer(Signer("signer", ROOT, key=key).pem, [Signer("another root").pem, ROOT.pem], NOW)


@pytest.mark.parametrize(("uses", "fine"), [({"digital_signature": True}, True), ({"key_encipherment": True}, False)])
def test_what_a_key_is_for_counts(uses: dict[str, bool], fine: bool) -> None:
    signer = Signer("signer", ROOT, more=((x509.KeyUsage(**{**USES, **uses}), True),))
    if fine:
        check_signer(signer.pem, [ROOT.pem], NOW)
    else:
        with pytest.raises(Refused, match="not for signatures"):
            check_signer(signer.pem, [ROOT.pem], NOW)


def test_a_certificate_of_a_server_signs_no_code() -> None:
    of_a_server = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    for_code = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING])
    check_signer(Signer("signer", ROOT, more=((for_code, False),)).pem, [ROOT.pem], NOW)
    with pytest.raises(Refused, match="not for signing code"):
        check_signer(Signer("signer", ROOT, more=((of_a_server, False),)).pem, [ROOT.pem], NOW)


def test_a_critical_extension_that_nobody_knows_is_refused() -> None:
    strange = x509.UnrecognizedExtension(ObjectIdentifier("1.2.3.4"), b"\x05\x00")
    check_signer(Signer("signer", ROOT, more=((strange, False),)).pem, [ROOT.pem], NOW)
    with pytest.raises(Refused, match=r"1\.2\.3\.4"):
        check_signer(Signer("signer", ROOT, more=((strange, True),)).pem, [ROOT.pem], NOW)


@pytest.mark.parametrize("days", [-2, 2])
def test_a_certificate_counts_while_it_is_valid_and_for_a_station_without_a_time_always(days: int) -> None:
    signer, root = Signer("signer", ROOT), ROOT.pem
    with pytest.raises(Refused, match="it is valid from 2026-05-31 to 2026-06-02"):
        check_signer(signer.pem, [root], NOW + timedelta(days=days))
    check_signer(signer.pem, [root], None)


def test_an_authority_that_is_out_of_date_vouches_for_nobody() -> None:
    old = Signer("root", valid=(-400, -300))
    with pytest.raises(Refused, match="its authority is out of date"):
        check_signer(Signer("signer", old).pem, [old.pem], NOW)


@pytest.mark.parametrize(
    ("pem", "roots", "why"),
    [
        (Signer("signer", Signer("root")).pem, [ROOT.pem], "no authority of the manufacturer issued it"),
        (Signer("signer").pem, [ROOT.pem], "no authority of the manufacturer issued it"),
        (Signer("signer", Signer("between", ROOT, authority=True)).pem, [ROOT.pem], "no authority"),
        (Signer("signer", Signer("root", authority=False)).pem, [], "no ManufacturerRootCertificate is installed"),
        (ROOT.pem + ROOT.pem, [ROOT.pem], "2 certificates"),
        ("-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----\n", [ROOT.pem], "no certificate"),
        ("nothing", [ROOT.pem], "no certificate"),
        ("", [ROOT.pem], "no certificate"),
        (Signer("s", ROOT, key=rsa.generate_private_key(65537, 1024)).pem, [ROOT.pem], "1024 bits is too short"),
        (Signer("s", ROOT, key=ec.generate_private_key(ec.SECP192R1())).pem, [ROOT.pem], "192 bits is too short"),
        (Signer("s", ROOT, key=ed25519.Ed25519PrivateKey.generate()).pem, [ROOT.pem], "neither RSA nor"),
    ],
)
def test_what_is_no_good_certificate_is_refused_in_one_line(pem: str, roots: list[str], why: str) -> None:
    with pytest.raises(Refused, match=why) as refused:
        check_signer(pem, roots, NOW)
    assert "\n" not in str(refused.value)


def test_one_who_was_signed_by_somebody_who_may_not_is_refused() -> None:
    no_authority = Signer("root", authority=False)
    with pytest.raises(Refused, match="no authority of the manufacturer issued it"):
        check_signer(Signer("signer", no_authority).pem, [no_authority.pem], NOW)


# ---- the file ----


@pytest.mark.proves("L01.FR.04")
@pytest.mark.parametrize("salt", [padding.PSS.DIGEST_LENGTH, padding.PSS.MAX_LENGTH], ids=["hash", "longest"])
def test_rsa_signs_with_pss_whatever_the_salt(bundle: Path, salt: Any) -> None:
    signer = Signer("signer", ROOT, key=RSA)
    job = Job()
    check_file(bundle, signer.pem, signer.sign(BUNDLE, padding.PSS(padding.MGF1(hashes.SHA256()), salt)), job)
    assert (job.done, job.size) == (len(BUNDLE), len(BUNDLE))


@pytest.mark.proves("L01.FR.04")
@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.BrainpoolP256R1()], ids=lambda curve: curve.name)
def test_elliptic_curves_sign_with_ecdsa(bundle: Path, curve: ec.EllipticCurve) -> None:
    signer = Signer("signer", ROOT, key=ec.generate_private_key(curve))
    check_file(bundle, signer.pem, signer.sign(BUNDLE), Job())


def test_the_old_padding_of_rsa_is_none(bundle: Path) -> None:
    signer = Signer("signer", ROOT, key=RSA)
    with pytest.raises(Refused):
        check_file(bundle, signer.pem, signer.sign(BUNDLE, padding.PKCS1v15()), Job())


@pytest.mark.parametrize("key", [None, RSA], ids=["elliptic curve", "RSA"])
def test_one_bit_is_enough(bundle: Path, key: Any) -> None:
    signer = Signer("signer", ROOT, key=key)
    signature = signer.sign(BUNDLE)
    bundle.write_bytes(BUNDLE[:-1] + bytes([BUNDLE[-1] ^ 1]))
    with pytest.raises(Refused, match="not what was signed"):
        check_file(bundle, signer.pem, signature, Job())


def test_another_key_is_another_signature(bundle: Path) -> None:
    with pytest.raises(Refused, match="another key"):
        check_file(bundle, Signer("signer", ROOT).pem, Signer("other", ROOT).sign(BUNDLE), Job())


@pytest.mark.parametrize(("signature", "why"), [("", "no signature"), ("%%%", "no Base64"), ("YQ==", "not what")])
def test_what_is_no_signature_is_refused(bundle: Path, signature: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        check_file(bundle, Signer("signer", ROOT).pem, signature, Job())


def test_a_signature_may_be_broken_into_lines(bundle: Path) -> None:
    signer = Signer("signer", ROOT, key=RSA)
    signature = signer.sign(BUNDLE)
    check_file(bundle, signer.pem, "\r\n".join(signature[at : at + 64] for at in range(0, len(signature), 64)), Job())


def test_the_file_is_read_a_little_at_a_time_and_can_be_ended(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HASHED_AT_ONCE_BYTES", 100)
    signer, job = Signer("signer", ROOT), Job()
    check_file(bundle, signer.pem, signer.sign(BUNDLE), job)
    job.cancel()
    with pytest.raises(Canceled):
        check_file(bundle, signer.pem, signer.sign(BUNDLE), job)
    assert job.done == 100


def test_a_file_that_is_not_there_is_no_matter_of_its_signature(tmp_path: Path) -> None:
    signer = Signer("signer", ROOT)
    with pytest.raises(FileNotFoundError):
        check_file(tmp_path / "none", signer.pem, signer.sign(BUNDLE), Job())
