"""The manufacturer's side of an update: authorities, certificates that sign bundles, and signatures over them."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

NOW = datetime(2026, 6, 1, tzinfo=UTC)

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | Any


class Signer:
    """A key with its certificate; one without an ``issuer`` is an authority of its own."""

    def __init__(
        self,
        name: str = "maker",
        issuer: Signer | None = None,
        *,
        key: Key = None,
        valid: tuple[int, int] = (-1, 1),
        more: tuple[tuple[x509.ExtensionType, bool], ...] = (),
        authority: bool | None = None,
    ) -> None:
        self.key = key if key is not None else ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, name)])
        by = issuer or self
        builder = (
            x509.CertificateBuilder()
            .subject_name(self.name)
            .issuer_name(by.name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW + timedelta(days=valid[0]))
            .not_valid_after(NOW + timedelta(days=valid[1]))
        )
        ca = issuer is None if authority is None else authority
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        for extension, critical in more:
            builder = builder.add_extension(extension, critical=critical)
        self.certificate = builder.sign(by.key, hashes.SHA256())

    @property
    def pem(self) -> str:
        """Of the certificate."""
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    def sign(self, content: bytes, scheme: Any = None) -> str:
        """As ``signature`` of an UpdateFirmwareRequest."""
        if isinstance(self.key, rsa.RSAPrivateKey):
            scheme = scheme or padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
            return b64encode(self.key.sign(content, scheme, hashes.SHA256())).decode()
        return b64encode(self.key.sign(content, ec.ECDSA(hashes.SHA256()))).decode()
