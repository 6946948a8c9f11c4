"""A certificate authority of a test: a root or one below it, which issues certificates and signs what is asked for."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey

RESPONDER = "http://ocsp.authority.example"


def new_key() -> Key:
    return ec.generate_private_key(ec.SECP256R1())


def name_of(common_name: str, organization: str = "Operator") -> x509.Name:
    parts = ((NameOID.ORGANIZATION_NAME, organization), (NameOID.COMMON_NAME, common_name))
    return x509.Name([x509.NameAttribute(oid, text) for oid, text in parts if text])


def pem_of(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


class Authority:
    """``at`` is the middle of its own time; ``above`` None makes it a root."""

    def __init__(
        self,
        name: str = "Root",
        *,
        at: datetime | None = None,
        above: Authority | None = None,
        key: Key | None = None,
        years: int = 10,
    ) -> None:
        self.at, self.above, self.key = at or datetime.now(UTC), above, key or new_key()
        signer, days = above or self, 365 * years
        self.name = name_of(name)
        self.certificate = signer.issue(self.name, self.key.public_key(), days=(-days, days), ca=True)
        self.pem = pem_of(self.certificate)

    def below(self, name: str = "Sub-CA") -> Authority:
        """An authority that this one vouches for."""
        return Authority(name, at=self.at, above=self)

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """Itself and those above it, without the root."""
        return () if self.above is None else (self.certificate, *self.above.chain)

    def issue(
        self,
        subject: x509.Name,
        key: PublicKey,
        *,
        days: tuple[int, int] = (-1, 365),
        hosts: Sequence[str] = (),
        ca: bool = False,
        responder: str = RESPONDER,
    ) -> x509.Certificate:
        built = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.at + timedelta(days=days[0]))
            .not_valid_after(self.at + timedelta(days=days[1]))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if hosts:
            built = built.add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts]), False)
        if responder:
            place = x509.UniformResourceIdentifier(responder)
            access = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, place)
            built = built.add_extension(x509.AuthorityInformationAccess([access]), critical=False)
        return built.sign(self.key, SHA256())

    def sign(self, csr_pem: str, *, subject: x509.Name | None = None, days: tuple[int, int] = (-1, 365)) -> str:
        """The chain for a signing request, leaf first and without the root; by default with the subject asked for."""
        csr = x509.load_pem_x509_csr(csr_pem.encode())
        key = csr.public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey)
        return "".join(pem_of(each) for each in (self.issue(subject or csr.subject, key, days=days), *self.chain))

    def written(self, folder: Path, common_name: str, *, days: tuple[int, int] = (-1, 365)) -> Path:
        """A file with a new key and a certificate for it."""
        key = new_key()
        chain = (self.issue(name_of(common_name), key.public_key(), days=days), *self.chain)
        path = folder / f"{common_name}.pem"
        path.write_text("".join(pem_of(each) for each in chain) + private_pem(key))
        return path

    def server(
        self,
        common_name: str = "localhost",
        *,
        hosts: Sequence[str] = (),
        days: tuple[int, int] = (-1, 365),
        key: Key | None = None,
    ) -> ssl.SSLContext:
        """A TLS server with a certificate of this authority."""
        key = key or new_key()
        chain = (self.issue(name_of(common_name), key.public_key(), days=days, hosts=hosts), *self.chain)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with TemporaryDirectory() as folder:
            path = Path(folder) / "server.pem"
            path.write_text("".join(pem_of(each) for each in chain) + private_pem(key))
            context.set_ciphers("DEFAULT:@SECLEVEL=0")
            context.load_cert_chain(path)
        return context


def private_pem(key: Key) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
