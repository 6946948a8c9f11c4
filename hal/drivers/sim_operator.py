"""A simulated mobility operator: a root, two sub-CAs under it, and the contracts that it issues.  Knows no station."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import (
    AccessDescription,
    AuthorityInformationAccess,
    BasicConstraints,
    Certificate,
    CertificateBuilder,
    Name,
    NameAttribute,
    UniformResourceIdentifier,
    random_serial_number,
)
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

RESPONDER = "http://ocsp.operator.example"
A_LONG_TIME = timedelta(days=3650)


class Issuer:
    """A certificate with its key."""

    def __init__(
        self, name: str, since: datetime, until: datetime, above: Issuer | None = None, ca: bool = True
    ) -> None:
        self._key = generate_private_key(SECP256R1())
        self._name = Name([NameAttribute(NameOID.COMMON_NAME, name)])
        signer, signed_by = (self._key, self._name) if above is None else (above._key, above._name)
        self.certificate = _signed(self._key, self._name, signer, signed_by, (since, until), ca)


class Operator:
    """One with a root of its own."""

    def __init__(self, name: str, at: datetime) -> None:
        since, until = at - A_LONG_TIME, at + A_LONG_TIME
        root = Issuer(f"{name} MO Root", since, until)
        self.root = root.certificate
        self._upper = Issuer(f"{name} MO Sub-CA 1", since, until, root)
        self._lower = Issuer(f"{name} MO Sub-CA 2", since, until, self._upper)

    def contract_pem(self, emaid: str, *, since: datetime, until: datetime) -> str:
        """The chain of a new contract, from the leaf up to below the root."""
        leaf = Issuer(emaid, since, until, self._lower, ca=False)
        chain = (leaf, self._lower, self._upper)
        return "".join(each.certificate.public_bytes(Encoding.PEM).decode() for each in chain)


@cache
def operator(name: str, at: datetime) -> Operator:
    """The operator of this name, always the same one."""
    return Operator(name, at)


def _signed(
    key: EllipticCurvePrivateKey,
    name: Name,
    signer: EllipticCurvePrivateKey,
    signed_by: Name,
    term: tuple[datetime, datetime],
    ca: bool,
) -> Certificate:
    responder = AccessDescription(AuthorityInformationAccessOID.OCSP, UniformResourceIdentifier(RESPONDER))
    return (
        CertificateBuilder()
        .subject_name(name)
        .issuer_name(signed_by)
        .public_key(key.public_key())
        .serial_number(random_serial_number())
        .not_valid_before(term[0])
        .not_valid_after(term[1])
        .add_extension(BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(AuthorityInformationAccess([responder]), critical=False)
        .sign(signer, SHA256())
    )
