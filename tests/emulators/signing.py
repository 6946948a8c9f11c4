"""What a signing meter does with its key, and what a reader of its records does with the public one."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from hal.events import SignedRecord


def public_der(key: EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def signature(key: EllipticCurvePrivateKey, measured: str) -> bytes:
    return key.sign(measured.encode(), ECDSA(SHA256()))


def signed(key: EllipticCurvePrivateKey, measured: str, algorithm: str) -> str:
    """An OCMF record."""
    section = {"SA": algorithm, "SD": signature(key, measured).hex().upper()}
    return f"OCMF|{measured}|{json.dumps(section)}"


def verified(record: SignedRecord) -> dict[str, Any]:
    """What was measured, as the customer's software finds it: with the key that came along.

    Raises:
        InvalidSignature: it was not this meter that signed this.

    """
    head, measured, section = b64decode(record.data).decode().split("|")
    assert (head, record.encoding) == ("OCMF", "OCMF")
    scheme, _, der = b64decode(record.public_key).decode().rpartition(":")
    assert scheme == "oca:base16:asn1"
    key = load_der_public_key(bytes.fromhex(der))
    assert isinstance(key, EllipticCurvePublicKey)
    key.verify(bytes.fromhex(json.loads(section)["SD"]), measured.encode(), ECDSA(SHA256()))
    told: dict[str, Any] = json.loads(measured)
    return told
