"""The words of certificates and keys: what is to be kept, made, judged or shown, and what came of it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from agent.vocabulary.commands import Command
from agent.vocabulary.incoming import Incoming
from agent.vocabulary.values import CertificateOutcome, InstalledCertificate, SigningUse
from hal.events import CertificateHash

KeyKind = Literal["P-256", "RSA-2048", "RSA-3072"]


class Subject(msgspec.Struct, frozen=True):
    """Whom a certificate is for."""

    common_name: str
    organization: str
    country: str = ""


class OwnCertificate(msgspec.Struct, frozen=True):
    """A certificate of the station: its hash data and those of the authorities below the root, and what OCSP asks.

    ``on_trial``: the CSMS has not taken it yet, and the one before is still there.
    """

    use: SigningUse
    until: datetime
    chain: tuple[InstalledCertificate, ...]
    asked: tuple[CertificateHash, ...] = ()
    on_trial: bool = False


class CertificateOrder(Command, frozen=True):
    """For whoever keeps certificates and keys; what comes of it is a ``CertificateNews``."""


class StoreCertificate(CertificateOrder, frozen=True):
    """Judge this root certificate and keep it, but no more than so many; comes back as ``CertificateJobEnded``."""

    message_id: str
    type: str
    pem: str
    most: int
    at: datetime | None = None


class RemoveCertificate(CertificateOrder, frozen=True):
    """Keep the certificate with these hash data no longer; comes back as ``CertificateJobEnded``."""

    message_id: str
    certificate: InstalledCertificate


class MakeKey(CertificateOrder, frozen=True):
    """Make a new key and what asks for its certificate; comes back as ``KeyMade``."""

    use: SigningUse
    subject: Subject
    kind: KeyKind = "P-256"


class JudgeSigned(CertificateOrder, frozen=True):
    """Keep this chain when it is for a key and a subject of ours; comes back as ``SignedJudged``.

    ``trial``: the one before stays until ``EndTrial``.  ``at`` None: nobody knows what time it is.
    """

    message_id: str
    use: SigningUse
    pem: str
    subject: Subject
    trial: bool
    at: datetime | None = None


class ShowCertificate(CertificateOrder, frozen=True):
    """Which of two certificates the CSMS is shown from the next attempt to connect on."""

    renewed: bool


class EndTrial(CertificateOrder, frozen=True):
    """Keep the certificate that the CSMS has taken, and no other; comes back as ``OwnCertificatesTold``."""

    renewed: bool


class EquipSeccs(CertificateOrder, frozen=True):
    """Give every SECC the roots for contracts, the station's V2G certificate, and what OCSP says of it."""

    ocsp: tuple[str, ...] = ()


class CertificateNews(Incoming, frozen=True):
    """What is kept of certificates and keys now."""


class CertificateJobEnded(CertificateNews, frozen=True):
    """A certificate was stored or removed, or was not; ``installed`` are all that there are now."""

    message_id: str
    status: CertificateOutcome
    reason_code: str
    reason: str
    installed: tuple[InstalledCertificate, ...]


class KeyMade(CertificateNews, frozen=True):
    """The signing request for a new key, as PEM; without one there is a reason."""

    use: SigningUse
    csr: str
    reason: str = ""


class SignedJudged(CertificateNews, frozen=True):
    """A chain that the CSMS sent is kept, is of no use, or could not be kept; ``own`` are all that there are now."""

    message_id: str
    use: SigningUse
    verdict: Literal["kept", "invalid", "failed"]
    reason: str
    own: tuple[OwnCertificate, ...]


class OwnCertificatesTold(CertificateNews, frozen=True):
    """All certificates of the station."""

    own: tuple[OwnCertificate, ...]
