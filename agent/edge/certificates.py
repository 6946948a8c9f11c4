"""Root certificates that the CSMS installs: a file each in a folder, named by what it is for and its hash data.

Knows no message and trusts nobody.  Nothing but a new certificate is ever parsed: the names are the index.
"""

from __future__ import annotations

import errno
import logging
import ssl
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from agent.edge.durable import drop, keep
from agent.vocabulary.certificates import CertificateJobEnded, RemoveCertificate, StoreCertificate
from agent.vocabulary.values import CertificateOutcome, InstalledCertificate

if TYPE_CHECKING:  # costs memory: imported when a certificate comes
    from cryptography.x509 import Certificate

log = logging.getLogger(__name__)

CSMS_ROOT, MANUFACTURER_ROOT = "CSMSRootCertificate", "ManufacturerRootCertificate"
V2G_ROOT, MO_ROOT = "V2GRootCertificate", "MORootCertificate"
SUFFIX = ".pem"
LONGEST_SERIAL = 40
"""Hexadecimal digits, as CertificateHashData has room for."""

Job = StoreCertificate | RemoveCertificate


class CertificateRefused(Exception):
    """It is not done; ``code`` is a reason code of the appendix."""

    def __init__(self, status: CertificateOutcome, code: str, why: str) -> None:
        super().__init__(why)
        self.status: CertificateOutcome = status
        self.code = code


class CertificateStore:
    """Roots alone: the certificates of the station itself are kept elsewhere, and nobody removes them from here."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = Lock()

    def installed(self) -> tuple[InstalledCertificate, ...]:
        """What is there, in the order of the names; a folder that is not there yet, or cannot be read, holds none."""
        try:
            names = sorted(path.name for path in self._folder.iterdir())
        except OSError:
            return ()
        return tuple(found for name in names if (found := _from_name(name)) is not None)

    def roots(self, *types: str) -> tuple[str, ...]:
        """Those for these purposes, as PEM; a file that cannot be read is left out and told."""
        found = []
        for each in self.installed():
            if each.type in types:
                try:
                    found.append(self._path(each).read_text(encoding="ascii"))
                except (OSError, ValueError) as error:
                    log.error("! certificate %s cannot be read: %s", each.serial_number, error)
        return tuple(found)

    def obey(self, job: Job) -> CertificateJobEnded:
        """Do it, whatever comes of it.  From any thread."""
        with self._lock:
            try:
                self._store(job) if isinstance(job, StoreCertificate) else self._remove(job)
                return CertificateJobEnded(job.message_id, "Accepted", "", "", self.installed())
            except CertificateRefused as refused:
                told = refused.status, refused.code, str(refused)
            except OSError as error:
                full = error.errno in (errno.ENOSPC, errno.EDQUOT)
                told = "Failed", "OutOfStorage" if full else "InternalError", str(error)
            except Exception as error:  # a defect of ours costs the job, and the CSMS hears of it
                log.debug("traceback", exc_info=True)
                told = "Failed", "InternalError", f"a defect of the agent: {type(error).__name__}"
            return CertificateJobEnded(job.message_id, *told, self.installed())

    def _store(self, job: StoreCertificate) -> None:
        entry, pem = read_root(job.type, job.pem, job.at)
        present = self.installed()
        if entry not in present and len(present) >= job.most:  # M05.FR.06, M05.FR.17
            raise CertificateRefused("Rejected", "OutOfStorage", f"{job.most} certificates are installed already")
        keep(self._path(entry), pem)

    def _remove(self, job: RemoveCertificate) -> None:
        found = [each for each in self.installed() if each.same_as(job.certificate)]
        if not found:
            raise CertificateRefused("NotFound", "NotFound", "no such certificate is installed")
        for each in found:
            drop(self._path(each))

    def _path(self, entry: InstalledCertificate) -> Path:
        parts = entry.type, entry.issuer_name_hash, entry.issuer_key_hash, entry.serial_number
        return self._folder / (".".join(parts) + SUFFIX)


def read_root(type: str, pem: str, at: datetime | None) -> tuple[InstalledCertificate, bytes]:
    """A root certificate that can be trusted from now on (M05.FR.07); ``at`` None: nobody knows what time it is.

    Raises:
        CertificateRefused: it is none, or none that is of use.

    """
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509 import DuplicateExtension, ExtensionNotFound, InvalidVersion, load_pem_x509_certificates

    try:
        found = load_pem_x509_certificates(pem.encode())
        if len(found) != 1:
            raise ValueError(f"{len(found)} certificates in one")
        (certificate,) = found
        certificate.verify_directly_issued_by(certificate)
        if why := _objection(certificate, at):
            raise ValueError(why)
        return entry_of(type, certificate, certificate), certificate.public_bytes(Encoding.PEM)
    except InvalidSignature:
        why = "it is not signed by itself"
    except (
        ValueError,
        TypeError,
        UnsupportedAlgorithm,
        DuplicateExtension,
        ExtensionNotFound,
        InvalidVersion,
    ) as error:
        why = str(error)
    raise CertificateRefused("Rejected", "InvalidCertificate", f"no root certificate: {why}")


def _objection(certificate: Certificate, at: datetime | None) -> str:
    from cryptography.x509 import BasicConstraints

    from hal.chain import why_not_in_force, why_weak

    if why := why_not_in_force(certificate, at) or why_weak(certificate.public_key()):
        return why
    if len(f"{certificate.serial_number:x}") > LONGEST_SERIAL:
        return "its serial number is too long"
    authority = certificate.extensions.get_extension_for_class(BasicConstraints).value.ca
    return "" if authority else "it may sign no other"


def entry_of(type: str, certificate: Certificate, issuer: Certificate) -> InstalledCertificate:
    """A certificate by its hash data."""
    from hal.chain import hash_of

    found = hash_of(certificate, issuer)
    return InstalledCertificate(type, found.issuer_name, found.issuer_key, found.serial)


def _from_name(name: str) -> InstalledCertificate | None:
    parts = name.removesuffix(SUFFIX).split(".")
    return InstalledCertificate(*parts) if name.endswith(SUFFIX) and len(parts) == 4 else None


def trust(context: ssl.SSLContext, roots: tuple[str, ...]) -> None:
    """Take these for authorities as well; one that OpenSSL does not take is told, and locks nobody out."""
    for pem in roots:
        try:
            context.load_verify_locations(cadata=pem)
        except ssl.SSLError as error:
            log.error("! an installed certificate is of no use: %s", error)
