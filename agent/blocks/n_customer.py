"""Block N: what is kept of a customer, told and forgotten (N09, N10).  Does not know how it is kept.

A customer is known here by his idToken alone.  Events that wait for the CSMS are told to it anyway and are not
forgotten before; the local list is the CSMS's own (N10.FR.02).
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from agent.blocks.base import Block, Desk, token_of
from agent.ocpp.messages import n_diagnostics as m
from agent.ocpp.messages.common import StatusInfo
from agent.session.tokens import Entry
from agent.vocabulary import CallFailed, CustomerReported, Now, Token

PART_CHARACTERS = 512
NOTHING_KEPT = ""
"""No data was found (TC_N_62)."""

CLEARED = "cleared"


class CustomerInformation(Block):
    """One request at a time; a part is told when the one before it was answered."""

    letter = "N"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._parts: list[str] = []
        self._seq_no = 0
        self._request_id = 0

    def asked(self, request: m.CustomerInformationRequest, now: Now) -> m.CustomerInformationResponse:
        named = (request.id_token, request.customer_certificate, request.customer_identifier)
        if sum(each is not None for each in named) != 1:  # N09.FR.09
            return _answer("Invalid", "InvalidValue", "name one of idToken, customerCertificate, customerIdentifier")
        if not request.report and not request.clear:  # N09.FR.07, N10.FR.07
            return _answer("Rejected", "InvalidValue", "neither report nor clear")
        if self._parts:  # N09.FR.03, N10.FR.05
            return _answer("Rejected", "Unspecified", f"request {self._request_id} is being answered")
        token = None if request.id_token is None else token_of(request.id_token)
        found = list(self._kept(token)) if token is not None else []
        if request.clear and token is not None:
            self._forget(token)
        text = "\n".join(found) if request.report else CLEARED
        self._parts = [text[at : at + PART_CHARACTERS] for at in range(0, len(text), PART_CHARACTERS)] or [NOTHING_KEPT]
        self._request_id, self._seq_no = request.request_id, 0
        self.desk.post(CustomerReported(0, request.request_id))
        return m.CustomerInformationResponse(status="Accepted")

    calls = {m.CustomerInformationRequest: asked}

    def _kept(self, token: Token) -> Iterator[str]:
        """A line for each place in which something of the customer stands."""
        cached = self.desk.cache.recall(token)
        if cached is not None:
            yield f"authorization cache: {_told(cached.entry)}, updated {cached.updated_at.isoformat()}"
        listed = self.desk.local_list.find(token)
        if listed is not None:
            yield f"local authorization list: {_told(listed)}"
        for evse in self.desk.site.running():
            if evse.transaction is not None and token.same(evse.transaction.token):
                yield f"running transaction: {evse.transaction.id} on EVSE {evse.id}"

    def _forget(self, token: Token) -> None:
        self.desk.cache.drop(token)
        for change in self.desk.cache.take_changes():
            self.desk.tell(change)

    def accepted(self, fact: CustomerReported, now: Now) -> None:
        """The answer is on its way; what is kept follows it."""
        self._say(now)

    facts = {CustomerReported: accepted}

    def _say(self, now: Now) -> None:
        self.desk.send(
            m.NotifyCustomerInformationRequest(
                data=self._parts[0],
                seq_no=self._seq_no,
                generated_at=now.wall,
                request_id=self._request_id,
                tbc=len(self._parts) > 1,
            ),
            asked_for=True,
        )

    def answered(
        self,
        request: m.NotifyCustomerInformationRequest,
        outcome: m.NotifyCustomerInformationResponse | CallFailed,
        now: Now,
    ) -> None:
        """The next part; when the CSMS cannot take one, the rest is not told: it asks again."""
        if isinstance(outcome, CallFailed):
            self._parts.clear()
            return
        self._parts.pop(0)
        self._seq_no += 1
        if self._parts:
            self._say(now)

    answers = {m.NotifyCustomerInformationRequest: answered}


def _told(entry: Entry) -> str:
    return msgspec.json.encode(entry).decode()


def _answer(status: m.CustomerInformationStatus, code: str, text: str) -> m.CustomerInformationResponse:
    return m.CustomerInformationResponse(status=status, status_info=StatusInfo(reason_code=code, additional_info=text))
