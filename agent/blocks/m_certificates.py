"""Block M: certificates that the CSMS installs, lists and deletes (M03, M04, M05).  Reads none itself.

What is installed is told by whoever keeps the files, at the start and with the end of every job.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from agent.blocks.base import Block, Desk
from agent.model.catalogue import CERTIFICATE_ENTRIES
from agent.ocpp.messages import m_certificates as m
from agent.ocpp.messages.common import CertificateHashData, StatusInfo
from agent.vocabulary.certificates import CertificateJobEnded, OwnCertificate, RemoveCertificate, StoreCertificate
from agent.vocabulary.commands import Answer
from agent.vocabulary.facts import SecurityNoted, TrustChanged
from agent.vocabulary.values import InstalledCertificate, Now

V2G_CHAIN: Literal["V2GCertificateChain"] = "V2GCertificateChain"
KINDS = ("CSMSRootCertificate", "ManufacturerRootCertificate", "V2GRootCertificate", "MORootCertificate")


MOST_CHILDREN = 4
"""What an entry carries."""


class Certificates(Block):
    """``installed`` is the index; a job is answered when the disk has it."""

    letter = "M"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.installed: tuple[InstalledCertificate, ...] = ()
        self.own: Callable[[], tuple[OwnCertificate, ...]] = tuple
        self._jobs: dict[str, StoreCertificate | RemoveCertificate] = {}
        desk.model.declare(CERTIFICATE_ENTRIES, live=lambda: len(self.installed))

    def has_csms_root(self) -> bool:
        """Whether one is installed to judge a CSMS by."""
        return any(each.type == "CSMSRootCertificate" for each in self.installed)

    def ids(self, request: m.GetInstalledCertificateIdsRequest, now: Now) -> m.GetInstalledCertificateIdsResponse:
        """No type means all of them."""
        wanted = request.certificate_type
        found = tuple(_chain_of(each) for each in self.installed if wanted is None or each.type in wanted)
        if wanted is None or V2G_CHAIN in wanted:
            found += tuple(_v2g_chain(each.chain) for each in self.own() if each.use == "V2GCertificate")
        if not found:  # M03.FR.02
            return m.GetInstalledCertificateIdsResponse(status="NotFound")
        return m.GetInstalledCertificateIdsResponse(status="Accepted", certificate_hash_data_chain=found)

    def delete(self, request: m.DeleteCertificateRequest, now: Now) -> m.DeleteCertificateResponse | None:
        """The last one of its kind goes as well: a CSMS that asks for it knows why (M04, remarks)."""
        asked = request.certificate_hash_data
        if asked.hash_algorithm != "SHA256":  # M04.FR.07
            info = StatusInfo(reason_code="NotFound", additional_info="certificates are listed here by SHA256")
            return m.DeleteCertificateResponse(status="NotFound", status_info=info)
        wanted = InstalledCertificate("", asked.issuer_name_hash, asked.issuer_key_hash, asked.serial_number)
        if any(mine.same_issue(wanted) for each in self.own() for mine in each.chain):  # M04.FR.06
            info = StatusInfo(reason_code="InvalidCertificate", additional_info="a certificate of the station itself")
            return m.DeleteCertificateResponse(status="Failed", status_info=info)
        self._begin(RemoveCertificate(self.desk.message_id, wanted))
        return None

    def install(self, request: m.InstallCertificateRequest, now: Now) -> m.InstallCertificateResponse | None:
        if request.certificate_type not in KINDS:
            info = StatusInfo(reason_code="UnsupportedParam", additional_info=f"there are {', '.join(KINDS)}")
            return m.InstallCertificateResponse(status="Rejected", status_info=info)
        job = StoreCertificate(
            message_id=self.desk.message_id,
            type=request.certificate_type,
            pem=request.certificate,
            most=int(CERTIFICATE_ENTRIES.high or 0),
            at=now.wall if self.desk.clock_known else None,
        )
        self._begin(job)
        return None

    calls = {
        m.GetInstalledCertificateIdsRequest: ids,
        m.DeleteCertificateRequest: delete,
        m.InstallCertificateRequest: install,
    }

    def _begin(self, job: StoreCertificate | RemoveCertificate) -> None:
        self._jobs[job.message_id] = job
        self.desk.tell(job)

    def ended(self, event: CertificateJobEnded, now: Now) -> None:
        """Answer what was asked for."""
        before, self.installed = self.installed, event.installed
        job = self._jobs.pop(event.message_id, None)
        if job is None:
            return
        if event.status == "Accepted":
            self._note(job, before)
        info = StatusInfo(reason_code=event.reason_code, additional_info=event.reason[:512]) if event.reason else None
        self.desk.tell(Answer(event.message_id, _answer_to(job, event, info)))

    incoming = {CertificateJobEnded: ended}

    def _note(self, job: StoreCertificate | RemoveCertificate, before: tuple[InstalledCertificate, ...]) -> None:
        """Whom the station trusts is a security parameter."""
        if isinstance(job, StoreCertificate):
            what = f"{job.type} was installed"
        else:
            gone = [each for each in before if each.same_as(job.certificate)]
            what = f"{' and '.join(each.type for each in gone)} was deleted"
        self.desk.post(SecurityNoted(0, "ReconfigurationOfSecurityParameters", what))
        self.desk.post(TrustChanged(0))


def _answer_to(
    job: StoreCertificate | RemoveCertificate, event: CertificateJobEnded, info: StatusInfo | None
) -> m.InstallCertificateResponse | m.DeleteCertificateResponse:
    if isinstance(job, StoreCertificate):
        return m.InstallCertificateResponse(
            status="Failed" if event.status == "NotFound" else event.status, status_info=info
        )
    return m.DeleteCertificateResponse(
        status="Failed" if event.status == "Rejected" else event.status, status_info=info
    )


def _chain_of(entry: InstalledCertificate) -> m.CertificateHashDataChain:
    return m.CertificateHashDataChain(certificate_hash_data=_data(entry), certificate_type=entry.type)  # type: ignore[arg-type]


def _v2g_chain(chain: tuple[InstalledCertificate, ...]) -> m.CertificateHashDataChain:
    """The leaf, with the authorities above it as its children (M03.FR.05)."""
    return m.CertificateHashDataChain(
        certificate_hash_data=_data(chain[0]),
        certificate_type=V2G_CHAIN,
        child_certificate_hash_data=tuple(map(_data, chain[1 : MOST_CHILDREN + 1])) or None,
    )


def _data(entry: InstalledCertificate) -> CertificateHashData:
    return CertificateHashData(
        hash_algorithm="SHA256",
        issuer_name_hash=entry.issuer_name_hash,
        issuer_key_hash=entry.issuer_key_hash,
        serial_number=entry.serial_number,
    )
