"""The station's own keys and certificates: made here, in a folder that nobody else may read.  Knows no message.

A key never leaves its file.  For each use there are up to three: the key that a certificate was asked for
(``asked``), the chain that came with its key (``trial``), and what the CSMS has taken (``used``).  One file is written
by one rename, so a power cut between any two leaves a certificate that works.  Each begins with a line that says what
is in it: nothing is parsed at the start.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, get_args

import msgspec
from msgspec.structs import replace

from agent.edge.certificates import CSMS_ROOT, V2G_ROOT, CertificateStore
from agent.edge.durable import drop, keep, rename
from agent.edge.own_certificate import Unfit, chain_in, check, content_of, describe, pem_of, request_for
from agent.vocabulary.certificates import (
    CertificateNews,
    EndTrial,
    JudgeSigned,
    KeyMade,
    MakeKey,
    OwnCertificate,
    OwnCertificatesTold,
    SignedJudged,
)
from agent.vocabulary.values import SigningUse

if TYPE_CHECKING:  # costs memory: imported when a key is made or a certificate comes
    from cryptography.x509 import Certificate

    from agent.edge.own_certificate import PrivateKey

log = logging.getLogger(__name__)

USES: tuple[SigningUse, ...] = get_args(SigningUse)
FOR_CSMS: SigningUse = "ChargingStationCertificate"
ASKED, TRIAL, USED = "asked", "trial", "used"

KeyJob = MakeKey | JudgeSigned | EndTrial


class KeyStore:
    """``provisioned`` is the certificate that the station was given, ``trusted`` what else it trusts a CSMS by.

    What the CSMS has signed counts until the station is given another certificate.
    """

    def __init__(
        self, folder: Path, store: CertificateStore, provisioned: Path | None = None, trusted: Iterable[Path] = ()
    ) -> None:
        self._folder = folder
        self._store = store
        self._provisioned = provisioned
        self._trusted = tuple(trusted)
        self._lock = Lock()
        self.shows_renewed = True

    def own(self) -> tuple[OwnCertificate, ...]:
        """All that there are; the provisioned one where there is none of the CSMS's."""
        found = [self._read(use, stage) for use in USES for stage in (TRIAL, USED)]
        own = tuple(each for each in found if each is not None)
        if self._read(FOR_CSMS, USED) is None and (given := self._given()) is not None:
            own += (given,)
        return own

    def shown(self, use: SigningUse = FOR_CSMS) -> Path | None:
        """The file with chain and key that is shown; None: there is none but the provisioned one."""
        trial, used = self._path(use, TRIAL), self._path(use, USED)
        if trial.is_file() and self.shows_renewed:
            return trial
        return used if used.is_file() else None

    def obey(self, job: KeyJob) -> CertificateNews:
        """Do it, whatever comes of it.  From any thread."""
        with self._lock:
            try:
                return self._obey(job)
            except Exception as error:  # a disk that refuses, or a defect of ours: it costs the job
                log.debug("traceback", exc_info=True)
                return self._failed(job, str(error) or type(error).__name__)

    def _obey(self, job: KeyJob) -> CertificateNews:
        match job:
            case MakeKey():
                return self._make(job)
            case JudgeSigned():
                return self._judge(job)
            case EndTrial(renewed=renewed):
                self._end_trial(renewed=renewed)
                return OwnCertificatesTold(self.own())

    def _failed(self, job: KeyJob, reason: str) -> CertificateNews:
        match job:
            case MakeKey(use=use):
                log.error("! no key can be made: %s", reason)
                return KeyMade(use, "", reason)
            case JudgeSigned(message_id=message_id, use=use):
                return SignedJudged(message_id, use, "failed", reason, self.own())
            case EndTrial():
                log.error("! certificate of the station: %s", reason)
                return OwnCertificatesTold(self.own())

    # ---- a key ----

    def _make(self, job: MakeKey) -> KeyMade:
        from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
        from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa

        bits = job.kind.removeprefix("RSA-")
        key = generate_private_key(SECP256R1()) if bits == job.kind else generate_rsa(65537, int(bits))
        keep(self._path(job.use, ASKED), pem_of(key))
        return KeyMade(job.use, request_for(key, job.subject))

    # ---- a chain ----

    def _judge(self, job: JudgeSigned) -> SignedJudged:
        try:
            chain, key = self._matched(job)
            roots = self._roots(job.use)
            check(chain, roots, job)
        except Unfit as unfit:
            return SignedJudged(job.message_id, job.use, "invalid", str(unfit), self.own())
        entry = describe(job.use, chain, roots)
        stage = TRIAL if job.trial else USED
        keep(self._path(job.use, stage), content_of(replace(entry, on_trial=job.trial), chain, key))
        drop(self._path(job.use, ASKED))
        if job.trial:
            self.shows_renewed = True
        else:
            self._forget_others(job.use)
        return SignedJudged(job.message_id, job.use, "kept", "", self.own())

    def _matched(self, job: JudgeSigned) -> tuple[list[Certificate], PrivateKey]:
        """The chain, and which key of ours it is for."""
        chain = chain_in(job.pem)
        for stage in (ASKED, TRIAL, USED):
            key = self._key(job.use, stage)
            if key is not None and key.public_key() == chain[0].public_key():
                return chain, key
        raise Unfit("it is for no key of this station")

    def _key(self, use: SigningUse, stage: str) -> PrivateKey | None:
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        try:
            text = self._path(use, stage).read_bytes()
            return load_pem_private_key(text[text.index(b"-----BEGIN PRIVATE KEY") :], None)  # type: ignore[return-value]
        except (OSError, ValueError):
            return None

    def _roots(self, use: SigningUse) -> list[Certificate]:
        """Who may sign for this use."""
        from cryptography.x509 import load_pem_x509_certificates

        texts = [pem.encode() for pem in self._store.roots(CSMS_ROOT if use == FOR_CSMS else V2G_ROOT)]
        if use == FOR_CSMS:
            texts += [path.read_bytes() for path in _files_in(self._trusted)]
        found: list[Certificate] = []
        for text in texts:
            try:
                found += load_pem_x509_certificates(text)
            except ValueError:
                continue  # a folder of authorities may hold other files
        return found

    # ---- the end of a trial ----

    def _end_trial(self, *, renewed: bool) -> None:
        trial = self._path(FOR_CSMS, TRIAL)
        if not trial.is_file():
            return
        if renewed:
            entry = self._read(FOR_CSMS, TRIAL)
            rename(trial, self._path(FOR_CSMS, USED))
            self._forget_others(FOR_CSMS)
            log.warning(
                "= certificate of the station renewed%s", f", valid until {entry.until:%Y-%m-%d}" if entry else ""
            )
        else:
            drop(trial)

    def _forget_others(self, use: SigningUse) -> None:
        """What was signed before the station was given another certificate."""
        for path in self._folder.glob(f"{use}.*"):
            if not path.name.startswith(self._prefix(use)):
                drop(path)

    # ---- files ----

    def _path(self, use: SigningUse, stage: str) -> Path:
        return self._folder / f"{self._prefix(use)}{stage}.pem"

    def _prefix(self, use: SigningUse) -> str:
        if use != FOR_CSMS:
            return f"{use}."
        try:
            given = b"" if self._provisioned is None else self._provisioned.read_bytes()
        except OSError:
            given = b""
        return f"{use}.{sha256(given).hexdigest()[:12]}."

    def _read(self, use: SigningUse, stage: str) -> OwnCertificate | None:
        """What the first line of the file says; whether it is on trial says its name."""
        path = self._path(use, stage)
        try:
            with path.open("rb") as file:
                return replace(msgspec.json.decode(file.readline(), type=OwnCertificate), on_trial=stage == TRIAL)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError) as error:
            log.error("! certificate of the station: %s cannot be read: %s", path.name, error)
            return None

    def _given(self) -> OwnCertificate | None:
        """The provisioned certificate."""
        if self._provisioned is None:
            return None
        try:
            return describe(FOR_CSMS, chain_in(self._provisioned.read_text()), self._roots(FOR_CSMS))
        except (OSError, Unfit) as error:
            log.error("! certificate of the station: %s", error)
            return None


def _files_in(places: Iterable[Path]) -> list[Path]:
    found = [path for place in places for path in (sorted(place.iterdir()) if place.is_dir() else [place])]
    return [path for path in found if path.is_file()]
