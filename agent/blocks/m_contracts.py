"""Block M: vehicles that have a contract certificate installed or updated (M01, M02).  Understands none of it.

What the vehicle says and what it is answered are EXI, which only the vehicle and the CSMS's side read.
"""

from __future__ import annotations

from agent.blocks.base import Block, Desk
from agent.model.catalogue import CONTRACT_CERTIFICATE_INSTALLATION_ENABLED
from agent.ocpp.messages.m_certificates import Get15118EVCertificateRequest, Get15118EVCertificateResponse
from agent.vocabulary.commands import BringContract
from agent.vocabulary.facts import ContractWanted
from agent.vocabulary.incoming import CallFailed
from agent.vocabulary.values import Now


class ContractInstallation(Block):
    """A vehicle waits for its answer, so there is one, whatever the CSMS does."""

    letter = "M"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._asked: list[tuple[int, Get15118EVCertificateRequest]] = []

    def wanted(self, fact: ContractWanted, now: Now) -> None:
        if not (self.desk.accepted and self.desk.online and self.desk.model[CONTRACT_CERTIFICATE_INSTALLATION_ENABLED]):
            self.desk.tell(BringContract(fact.evse, None))
            return
        request = Get15118EVCertificateRequest(
            iso15118_schema_version=fact.schema_version, certificate_action=fact.action, exi_request=fact.exi
        )
        self._asked.append((fact.evse, request))
        self.desk.send(request)

    facts = {ContractWanted: wanted}

    def answered(
        self,
        request: Get15118EVCertificateRequest,
        outcome: Get15118EVCertificateResponse | CallFailed,
        now: Now,
    ) -> None:
        """Whoever asked first with these words is answered first."""
        place = next((index for index, (_, asked) in enumerate(self._asked) if asked == request), None)
        if place is not None:
            evse, _ = self._asked.pop(place)
            brought = not isinstance(outcome, CallFailed) and outcome.status == "Accepted"
            self.desk.tell(BringContract(evse, outcome.exi_response if brought else None))  # type: ignore[union-attr]

    answers = {Get15118EVCertificateRequest: answered}
