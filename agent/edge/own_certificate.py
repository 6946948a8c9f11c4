"""A certificate of the station: the request for one, what it must be, and the file that holds it.  Keeps none."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec

from agent.edge.certificates import entry_of
from agent.vocabulary.certificates import JudgeSigned, OwnCertificate, Subject
from agent.vocabulary.values import InstalledCertificate, SigningUse

if TYPE_CHECKING:  # costs memory: imported when a key is made or a certificate comes
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.x509 import Certificate

    PrivateKey = EllipticCurvePrivateKey | RSAPrivateKey

STRONG_HASHES = ("sha256", "sha384", "sha512")


class Unfit(Exception):
    """What is wrong with a chain that the CSMS sent."""


def pem_of(key: PrivateKey) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def request_for(key: PrivateKey, subject: Subject) -> str:
    """A CSR (RFC 2986) as PEM."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509 import CertificateSigningRequestBuilder, Name, NameAttribute
    from cryptography.x509.oid import NameOID

    parts = (
        (NameOID.COUNTRY_NAME, subject.country),
        (NameOID.ORGANIZATION_NAME, subject.organization),  # A00.FR.509
        (NameOID.COMMON_NAME, subject.common_name),  # A00.FR.511
    )
    name = Name([NameAttribute(oid, text) for oid, text in parts if text])
    request = CertificateSigningRequestBuilder().subject_name(name).sign(key, SHA256())
    return request.public_bytes(Encoding.PEM).decode()


def chain_in(pem: str) -> list[Certificate]:
    from cryptography.x509 import load_pem_x509_certificates

    try:
        return load_pem_x509_certificates(pem.encode())
    except ValueError as error:
        raise Unfit(f"it is no chain of certificates: {error}") from None


def check(chain: list[Certificate], roots: list[Certificate], job: JudgeSigned) -> None:
    """A02.FR.06: its time, its properties (A00.FR.5xx), and the authorities above it."""
    from cryptography.x509.oid import NameOID

    from hal.chain import in_force, judge, names_of

    leaf = chain[0]
    if job.at is not None and not in_force(leaf, job.at):
        since, until = leaf.not_valid_before_utc, leaf.not_valid_after_utc
        raise Unfit(
            f"it is valid from {since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M}, and it is {job.at:%Y-%m-%d %H:%M}"
        )
    if names_of(leaf) != [job.subject.common_name]:
        raise Unfit(f"its common name is not {job.subject.common_name}")
    if not names_of(leaf, NameOID.ORGANIZATION_NAME):
        raise Unfit("it names no organization")
    for each in chain:
        if each.signature_hash_algorithm is None or each.signature_hash_algorithm.name not in STRONG_HASHES:
            raise Unfit("it is signed by an algorithm that is not secure")
    verdict = judge(chain, roots, job.at)
    if verdict != "valid":
        raise Unfit("no authority above it is trusted here" if verdict == "unknown_root" else "its chain is not valid")


def describe(use: SigningUse, chain: list[Certificate], roots: list[Certificate]) -> OwnCertificate:
    from hal.chain import hashes_of, issuer_of

    below = [each for each in chain if each not in roots]
    entries = tuple(_entry(each, issuer_of(each, [*chain, *roots])) for each in below)
    return OwnCertificate(use, chain[0].not_valid_after_utc, entries, hashes_of(below, roots))


def _entry(certificate: Certificate, issuer: Certificate | None) -> InstalledCertificate:
    """Hash data; of an issuer that is not known there is the name."""
    if issuer is not None:
        return entry_of("", certificate, issuer)
    issuer_name = sha256(certificate.issuer.public_bytes()).hexdigest()
    return InstalledCertificate("", issuer_name, "", f"{certificate.serial_number:x}")


def content_of(entry: OwnCertificate, chain: list[Certificate], key: PrivateKey) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    pems = b"".join(each.public_bytes(Encoding.PEM) for each in chain)
    return msgspec.json.encode(entry) + b"\n" + pems + pem_of(key)
