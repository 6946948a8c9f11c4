"""A contract certificate chain (ISO 15118): what OCSP asks about it, and whether it leads to a root.  Asks nobody.

Revocation is not looked at: that is what the OCSP data are for.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import (
    AuthorityInformationAccess,
    BasicConstraints,
    Certificate,
    ExtensionNotFound,
    UniformResourceIdentifier,
    load_pem_x509_certificates,
)
from cryptography.x509.ocsp import OCSPRequestBuilder
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from hal.events import CertificateHash, ChainVerdict, Contract


def read_contract(emaid: str, chain_pem: str, roots: Sequence[Certificate], at: datetime) -> Contract:
    """A contract as the vehicle presented it, judged by these roots at this time; it must be its own."""
    try:
        chain = load_pem_x509_certificates(chain_pem.encode())
        verdict = judge(chain, roots, at) if _is_of(emaid, chain[0]) else "invalid"
        return Contract(emaid, chain_pem, hashes_of(chain, roots), verdict)
    except (ValueError, UnsupportedAlgorithm):  # whatever the vehicle sent
        return Contract(emaid, chain_pem, (), "invalid")


def hashes_of(chain: Sequence[Certificate], roots: Sequence[Certificate]) -> tuple[CertificateHash, ...]:
    """Of each certificate whose issuer is known and that names a responder."""
    found = []
    for certificate in chain:
        issuer, url = _issuer_of(certificate, [*chain, *roots]), _responder_of(certificate)
        if issuer is not None and url:
            asked = OCSPRequestBuilder().add_certificate(certificate, issuer, SHA256()).build()
            names = (asked.issuer_name_hash.hex(), asked.issuer_key_hash.hex())
            found.append(CertificateHash(*names, f"{asked.serial_number:x}", url))
    return tuple(found)


def judge(chain: Sequence[Certificate], roots: Sequence[Certificate], at: datetime) -> ChainVerdict:
    """Signatures, validity and the right to sign, from the leaf (first) up to a root."""
    if not all(_signed(child, parent) and _may_sign(parent) for child, parent in pairwise(chain)):
        return "invalid"
    root = _issuer_of(chain[-1], roots)
    if not all(_in_force(each, at) for each in (*chain, *((root,) if root else ()))):
        return "invalid"
    return "valid" if root is not None and _may_sign(root) else "unknown_root"


def _is_of(emaid: str, leaf: Certificate) -> bool:
    """Whether the certificate names the eMAID; hyphens and case say nothing."""
    names = [str(each.value) for each in leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    return any(_plain(emaid) == _plain(name) for name in names)


def _plain(emaid: str) -> str:
    return emaid.replace("-", "").casefold()


def _issuer_of(certificate: Certificate, among: Sequence[Certificate]) -> Certificate | None:
    return next((each for each in among if _signed(certificate, each)), None)


def _signed(certificate: Certificate, issuer: Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _may_sign(certificate: Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(BasicConstraints).value.ca
    except (ExtensionNotFound, ValueError):
        return False


def _in_force(certificate: Certificate, at: datetime) -> bool:
    return certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc


def _responder_of(certificate: Certificate) -> str:
    try:
        access = certificate.extensions.get_extension_for_class(AuthorityInformationAccess).value
    except (ExtensionNotFound, ValueError):
        return ""
    places = [each.access_location for each in access if each.access_method == AuthorityInformationAccessOID.OCSP]
    return next((str(place.value) for place in places if isinstance(place, UniformResourceIdentifier)), "")
