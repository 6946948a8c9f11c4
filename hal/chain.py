"""A chain of certificates (X.509): whether it leads to a root, and what OCSP asks about it.  Asks nobody.

Revocation is not looked at: that is what the OCSP data are for.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import (
    AuthorityInformationAccess,
    BasicConstraints,
    Certificate,
    ExtensionNotFound,
    UniformResourceIdentifier,
)
from cryptography.x509.ocsp import OCSPRequestBuilder
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID, ObjectIdentifier

from hal.events import CertificateHash, ChainVerdict

LEAST_RSA_BITS, LEAST_EC_BITS = 2048, 224


def judge(chain: Sequence[Certificate], roots: Sequence[Certificate], at: datetime | None) -> ChainVerdict:
    """Signatures, validity and the right to sign, from the leaf (first) up to a root.

    ``at`` None: nobody knows what time it is, and no validity is judged.
    """
    if not all(_signed(child, parent) and _may_sign(parent) for child, parent in pairwise(chain)):
        return "invalid"
    root = issuer_of(chain[-1], roots)
    if at is not None and not all(in_force(each, at) for each in (*chain, *((root,) if root else ()))):
        return "invalid"
    return "valid" if root is not None and _may_sign(root) else "unknown_root"


def hashes_of(chain: Sequence[Certificate], roots: Sequence[Certificate]) -> tuple[CertificateHash, ...]:
    """Of each certificate whose issuer is known and that names a responder."""
    found = []
    for certificate in chain:
        issuer, url = issuer_of(certificate, [*chain, *roots]), _responder_of(certificate)
        if issuer is not None and url:
            found.append(hash_of(certificate, issuer, url))
    return tuple(found)


def hash_of(certificate: Certificate, issuer: Certificate, url: str = "") -> CertificateHash:
    """As OCSP and OCPP name a certificate."""
    asked = OCSPRequestBuilder().add_certificate(certificate, issuer, SHA256()).build()
    return CertificateHash(asked.issuer_name_hash.hex(), asked.issuer_key_hash.hex(), f"{asked.serial_number:x}", url)


def issuer_of(certificate: Certificate, among: Sequence[Certificate]) -> Certificate | None:
    """Who signed it, if he is there."""
    return next((each for each in among if _signed(certificate, each)), None)


def in_force(certificate: Certificate, at: datetime) -> bool:
    """Whether it is valid at this time."""
    return certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc


def why_not_in_force(certificate: Certificate, at: datetime | None) -> str:
    """In words; empty where it is valid, or (None) nobody knows what time it is."""
    if at is None or in_force(certificate, at):
        return ""
    return f"it is valid from {certificate.not_valid_before_utc:%Y-%m-%d} to {certificate.not_valid_after_utc:%Y-%m-%d}"


def why_weak(key: object) -> str:
    """In words; empty where an RSA key or one of an elliptic curve is long enough (A00.FR.502, A00.FR.503)."""
    if not isinstance(key, (RSAPublicKey, EllipticCurvePublicKey)):
        return ""
    least = LEAST_RSA_BITS if isinstance(key, RSAPublicKey) else LEAST_EC_BITS
    return f"a key of {key.key_size} bits is too short" if key.key_size < least else ""


def names_of(certificate: Certificate, oid: ObjectIdentifier = NameOID.COMMON_NAME) -> list[str]:
    """What the subject says there."""
    return [str(each.value) for each in certificate.subject.get_attributes_for_oid(oid)]


def _signed(certificate: Certificate, issuer: Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _may_sign(certificate: Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(BasicConstraints).value.ca
    except (ExtensionNotFound, ValueError):
        return False


def _responder_of(certificate: Certificate) -> str:
    try:
        access = certificate.extensions.get_extension_for_class(AuthorityInformationAccess).value
    except (ExtensionNotFound, ValueError):
        return ""
    places = [each.access_location for each in access if each.access_method == AuthorityInformationAccessOID.OCSP]
    return next((str(place.value) for place in places if isinstance(place, UniformResourceIdentifier)), "")
