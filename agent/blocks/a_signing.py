"""Block A: certificates that the CSMS signs for the station (A02, A03).  Makes no key and sees none.

A certificate for the connection to the CSMS is on trial until the CSMS has taken it.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import msgspec

from agent.blocks.a_trial import Trial
from agent.blocks.base import Block, Desk
from agent.model.catalogue import (
    CERT_SIGNING_REPEAT_TIMES,
    CERT_SIGNING_WAIT_MINIMUM,
    IDENTITY,
    ISO15118_COUNTRY_NAME,
    ISO15118_ORGANIZATION_NAME,
    ISO15118_SECC_ID,
    MAX_CERTIFICATE_CHAIN_SIZE,
    ORGANIZATION_NAME,
    V2G_CERTIFICATE_INSTALLATION_ENABLED,
)
from agent.ocpp.messages import a_security as m
from agent.ocpp.messages.common import StatusInfo
from agent.vocabulary.certificates import (
    JudgeSigned,
    KeyKind,
    KeyMade,
    MakeKey,
    OwnCertificate,
    OwnCertificatesTold,
    SignedJudged,
    Subject,
)
from agent.vocabulary.commands import Answer
from agent.vocabulary.facts import CameOnline, CertificateRenewed, SecurityNoted, TriggerRequested
from agent.vocabulary.incoming import CallFailed, LinkLost, LinkOpened
from agent.vocabulary.values import Now, SigningUse

FOR_CSMS: SigningUse = "ChargingStationCertificate"
FOR_VEHICLES: SigningUse = "V2GCertificate"
TRIGGERS: dict[str, SigningUse] = {
    "SignChargingStationCertificate": FOR_CSMS,
    "SignV2GCertificate": FOR_VEHICLES,
}
BEFORE_EXPIRY = timedelta(days=30)
LOOK_EVERY_S = 12 * 3600.0


class SigningSetup(msgspec.Struct, frozen=True):
    """Whom certificates are for, as far as nobody sets it, and what keys are made."""

    common_name: str = ""
    organization: str = ""
    key: KeyKind = "P-256"


class Asked:
    """A certificate that the CSMS was asked for, or is going to be."""

    def __init__(self, *, by_csms: bool) -> None:
        self.by_csms = by_csms
        self.csr = ""
        self.doublings = 0
        self.due_mono: float | None = None


class Signing(Block):
    """``own`` are the certificates of the station, told by whoever keeps them."""

    letter = "A"

    def __init__(self, desk: Desk, setup: SigningSetup) -> None:
        super().__init__(desk)
        self._setup = setup
        self._own: tuple[OwnCertificate, ...] = ()
        self._asked: dict[SigningUse, Asked] = {}
        self._given_up: set[SigningUse] = set()
        self._look_mono: float | None = None
        self.trial = Trial(desk)
        for message, use in TRIGGERS.items():
            desk.triggers[message] = partial(self._may_ask_for, use)

    @property
    def own(self) -> tuple[OwnCertificate, ...]:
        return self._own

    @own.setter
    def own(self, own: tuple[OwnCertificate, ...]) -> None:
        self._own = own
        self.trial.runs = any(each.on_trial for each in own)

    def has_certificate(self) -> bool:
        """Whether there is one to show to a CSMS (A05.FR.03)."""
        known = self.desk.clock_known
        return any(each.use == FOR_CSMS and (not known or self.desk.wall <= each.until) for each in self.own)

    # ---- asking ----

    def triggered(self, fact: TriggerRequested, now: Now) -> None:
        """A02.FR.02; what was given up may be asked for again (A02.FR.19)."""
        if use := TRIGGERS.get(fact.message):
            self._begin(use, by_csms=True)

    def _begin(self, use: SigningUse, *, by_csms: bool) -> None:
        self._given_up.discard(use)
        self._asked[use] = Asked(by_csms=by_csms)
        kind = self._setup.key if use == FOR_CSMS else "P-256"  # ISO 15118 has no other
        self.desk.tell(MakeKey(use, self._subject(use), kind))

    def _subject(self, use: SigningUse) -> Subject:
        model = self.desk.model
        name = self._setup.common_name or model[IDENTITY]
        organization = model[ORGANIZATION_NAME] or self._setup.organization
        if use == FOR_CSMS:
            return Subject(name, organization)
        owner = model[ISO15118_ORGANIZATION_NAME] or organization
        return Subject(model[ISO15118_SECC_ID] or name, owner, model[ISO15118_COUNTRY_NAME])

    def made(self, event: KeyMade, now: Now) -> None:
        asked = self._asked.get(event.use)
        if asked is None:
            return
        asked.csr = event.csr
        if event.csr:
            self._send(event.use, asked)
        else:
            del self._asked[event.use]

    def _send(self, use: SigningUse, asked: Asked) -> None:
        """Always with its type: the keys are never the same (A02.FR.13)."""
        asked.due_mono = None
        self.desk.send(m.SignCertificateRequest(csr=asked.csr, certificate_type=use), asked_for=asked.by_csms)

    def answered(
        self, request: m.SignCertificateRequest, outcome: m.SignCertificateResponse | CallFailed, now: Now
    ) -> None:
        """Accepted: it comes, or is asked for again (A02.FR.17); else a renewal waits a while."""
        use = next((use for use, asked in self._asked.items() if asked.csr == request.csr), None)
        if use is None:
            return
        asked = self._asked[use]
        if isinstance(outcome, CallFailed) or outcome.status != "Accepted":
            del self._asked[use]
        elif asked.doublings <= self.desk.model[CERT_SIGNING_REPEAT_TIMES]:
            asked.due_mono = now.mono + self.desk.model[CERT_SIGNING_WAIT_MINIMUM] * 2**asked.doublings
        else:  # A02.FR.19
            self._give_up(use)

    def _give_up(self, use: SigningUse) -> None:
        """It may still come; it is asked for no more until the CSMS wants that (A02.FR.19, A02.FR.20)."""
        self._asked.pop(use, None)
        self._given_up.add(use)

    answers = {m.SignCertificateRequest: answered}

    # ---- by itself, in time ----

    def came_online(self, fact: CameOnline, now: Now) -> None:
        """A03.FR.02."""
        self._look(now)

    facts = {TriggerRequested: triggered, CameOnline: came_online}

    def next_deadline(self) -> float | None:
        resend = [asked.due_mono for asked in self._asked.values() if asked.due_mono is not None]
        return min([*resend, *([] if self._look_mono is None else [self._look_mono])], default=None)

    def expire(self, now: Now) -> None:
        for use, asked in self._asked.items():
            if asked.due_mono is not None and now.mono >= asked.due_mono:
                asked.doublings += 1  # A02.FR.18
                self._send(use, asked)
        if self._look_mono is not None and now.mono >= self._look_mono:
            self._look(now)

    def _look(self, now: Now) -> None:
        """Whether a certificate ends soon."""
        self._look_mono = now.mono + LOOK_EVERY_S if self.own else None
        if not (self.desk.online and self.desk.clock_known):
            return
        for each in self.own:
            busy = each.on_trial or each.use in self._asked or each.use in self._given_up
            if not busy and each.until - BEFORE_EXPIRY <= now.wall and self._may_ask_for(each.use):
                self._begin(each.use, by_csms=False)

    def _may_ask_for(self, use: SigningUse) -> bool:
        """For vehicles only where there is somebody to show it to them."""
        if use == FOR_CSMS:
            return True
        has_secc = any(evse.layout.has_secc for evse in self.desk.site.evses.values())
        return has_secc and self.desk.model[V2G_CERTIFICATE_INSTALLATION_ENABLED]

    # ---- it comes ----

    def signed(self, request: m.CertificateSignedRequest, now: Now) -> m.CertificateSignedResponse | None:
        """Answered when it was judged and is on disk."""
        most = self.desk.model[MAX_CERTIFICATE_CHAIN_SIZE]
        if len(request.certificate_chain.encode()) > most:  # A02.FR.16
            info = StatusInfo(reason_code="InvalidCertificate", additional_info=f"more than {most} bytes")
            return m.CertificateSignedResponse(status="Rejected", status_info=info)
        use = request.certificate_type or FOR_CSMS
        if use == "V2G20Certificate":
            info = StatusInfo(reason_code="UnsupportedParam", additional_info="there is no key for ISO 15118-20")
            return m.CertificateSignedResponse(status="Rejected", status_info=info)
        job = JudgeSigned(
            message_id=self.desk.message_id,
            use=use,
            pem=request.certificate_chain,
            subject=self._subject(use),
            trial=use == FOR_CSMS and self.trial.is_needed,
            at=now.wall if self.desk.clock_known else None,
        )
        self.desk.tell(job)
        return None

    calls = {m.CertificateSignedRequest: signed}

    def told(self, event: OwnCertificatesTold, now: Now) -> None:
        self.own = event.own

    def judged(self, event: SignedJudged, now: Now) -> None:
        self.own = event.own
        if event.verdict == "kept":
            self._kept(event, now)
            return
        code = "InvalidCertificate" if event.verdict == "invalid" else "InternalError"
        info = StatusInfo(reason_code=code, additional_info=event.reason[:512])
        self.desk.tell(Answer(event.message_id, m.CertificateSignedResponse(status="Rejected", status_info=info)))
        if event.verdict == "invalid":  # A02.FR.07, A02.FR.20
            self._give_up(event.use)
            self._note("InvalidChargingStationCertificate", event.reason)

    def _kept(self, event: SignedJudged, now: Now) -> None:
        self._asked.pop(event.use, None)
        self._look_mono = now.mono + LOOK_EVERY_S
        self.desk.tell(Answer(event.message_id, m.CertificateSignedResponse(status="Accepted")))
        self._note("ReconfigurationOfSecurityParameters", f"a new {event.use} was taken")
        self.desk.post(CertificateRenewed(0, event.use))
        if self.trial.runs:
            self.trial.begin()

    # ---- on trial ----

    def link_opened(self, event: LinkOpened, now: Now) -> None:
        self.trial.link_opened()

    def link_lost(self, event: LinkLost, now: Now) -> None:
        self.trial.link_lost()

    incoming = {
        KeyMade: made,
        SignedJudged: judged,
        OwnCertificatesTold: told,
        LinkOpened: link_opened,
        LinkLost: link_lost,
    }

    def _note(self, type: str, what: str) -> None:
        self.desk.post(SecurityNoted(0, type, what))
