"""Who signed a bundle, and whether he may.  Knows neither where a bundle is from nor what becomes of it.

Signed is the SHA-256 of the whole file: with RSASSA-PSS, or ECDSA (L01.FR.04; ECSchnorr is in no library here).
Imported when an update comes: cryptography costs memory.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import (
    Certificate,
    ExtendedKeyUsage,
    KeyUsage,
    UnrecognizedExtension,
    load_pem_x509_certificates,
)
from cryptography.x509.oid import ExtendedKeyUsageOID

from agent.edge.job import Job
from agent.errors import AgentError
from hal.chain import judge, why_not_in_force, why_weak

HASHED_AT_ONCE_BYTES = 1 << 20

MAY_SIGN_CODE = {ExtendedKeyUsageOID.CODE_SIGNING, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}


class Refused(AgentError):
    """A certificate or a signature that is not taken; the text is why."""

    hopeless = True


def check_signer(pem: str, roots: Sequence[str], at: datetime | None) -> None:
    """See that an authority of the manufacturer lets this certificate sign firmware; no other stands between (L01).

    Raises:
        Refused: it does not.

    """
    try:
        signer = _signer(pem)
        authorities = [each for root in roots for each in load_pem_x509_certificates(root.encode())]
        if why := _objection(signer, at):
            raise Refused(why)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:  # the library's words for what is malformed
        raise Refused(f"no certificate that can be judged: {error}") from None
    if not authorities:
        raise Refused("no ManufacturerRootCertificate is installed")
    verdict = judge([signer], authorities, at)
    if verdict != "valid":
        why = "its authority is out of date" if verdict == "invalid" else "no authority of the manufacturer issued it"
        raise Refused(why)


def check_file(path: Path, pem: str, signature: str, job: Job) -> None:
    """See that the owner of this certificate signed the file; reads it once, a little at a time.

    Raises:
        Refused: he did not.
        OSError: it cannot be read.
        Canceled: by ``job.cancel``.

    """
    try:
        signed = b64decode("".join(signature.split()), validate=True)
    except (binascii.Error, ValueError):
        raise Refused("the signature is no Base64") from None
    if not signed:
        raise Refused("there is no signature")
    key, digest, hashed = _signer(pem).public_key(), _digest(path, job), Prehashed(SHA256())
    try:
        if isinstance(key, RSAPublicKey):
            key.verify(signed, digest, PSS(MGF1(SHA256()), PSS.AUTO), hashed)
        elif isinstance(key, EllipticCurvePublicKey):
            key.verify(signed, digest, ECDSA(hashed))
        else:
            raise Refused(f"{type(key).__name__}: neither RSA nor an elliptic curve")
    except InvalidSignature:
        raise Refused("the file is not what was signed, or signed with another key") from None


def _signer(pem: str) -> Certificate:
    found = load_pem_x509_certificates(pem.encode())
    if len(found) != 1:
        raise Refused(f"{len(found)} certificates; the manufacturer's authority signs firmware without another between")
    return found[0]


def _objection(signer: Certificate, at: datetime | None) -> str:
    key = signer.public_key()
    if not isinstance(key, (RSAPublicKey, EllipticCurvePublicKey)):
        return "its key is neither RSA nor of an elliptic curve"
    return why_weak(key) or why_not_in_force(signer, at) or _objection_to_use(signer)


def _objection_to_use(signer: Certificate) -> str:
    """What it says of itself; A00.FR.514 recommends that it says nothing of the extended use."""
    for extension in signer.extensions:
        value = extension.value
        if isinstance(value, KeyUsage) and not value.digital_signature:
            return "its key is not for signatures"
        if isinstance(value, ExtendedKeyUsage) and MAY_SIGN_CODE.isdisjoint(value):
            return "its key is not for signing code"
        if isinstance(value, UnrecognizedExtension) and extension.critical:
            return f"a critical extension is not known here: {extension.oid.dotted_string}"
    return ""


def _digest(path: Path, job: Job) -> bytes:
    hashed = sha256()
    job.size, job.done = path.stat().st_size, 0
    with path.open("rb") as file:
        while piece := file.read(HASHED_AT_ONCE_BYTES):
            hashed.update(piece)
            job.moved(len(piece))
    return hashed.digest()
