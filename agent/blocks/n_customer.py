"""Block N: what is kept of a customer, told and forgotten (N09, N10).  Does not know how it is kept.

A customer is known here by his idToken alone.  Events that wait for the CSMS are told to it anyway and are not
forgotten before; the local list is the CSMS's own (N10.FR.02).
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from agent.blocks.base import token_of
from agent.blocks.paging import Report, Reporting
from agent.ocpp.messages import n_diagnostics as m
from agent.ocpp.messages.common import StatusInfo
from agent.session.tokens import Entry
from agent.vocabulary.values import Now, Token

PART_CHARACTERS = 512
NOTHING_KEPT = ""
"""No data was found (TC_N_62)."""

CLEARED = "cleared"


class CustomerInformation(Reporting[str]):
    """What is kept of somebody, in parts of a text."""

    letter = "N"

    def asked(self, request: m.CustomerInformationRequest, now: Now) -> m.CustomerInformationResponse | None:
        named = (request.id_token, request.customer_certificate, request.customer_identifier)
        if sum(each is not None for each in named) != 1:  # N09.FR.09
            return _refusal("Invalid", "name one of idToken, customerCertificate, customerIdentifier")
        if not request.report and not request.clear:  # N09.FR.07, N10.FR.07
            return _refusal("Rejected", "neither report nor clear")
        busy = self.busy()
        if busy is not None:  # N09.FR.03, N10.FR.05
            return m.CustomerInformationResponse(status="Rejected", status_info=busy)
        token = None if request.id_token is None else token_of(request.id_token)
        found = [] if token is None else list(self._kept(token))
        if request.clear and token is not None:
            self._forget(token)
        text = "\n".join(found) if request.report else CLEARED
        self.begin(request.request_id, parts(text), m.CustomerInformationResponse(status="Accepted"), now)
        return None

    calls = {m.CustomerInformationRequest: asked}
    answers = {m.NotifyCustomerInformationRequest: Reporting.answered}

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

    def message(self, report: Report[str], now: Now) -> m.NotifyCustomerInformationRequest:
        (part,) = report.page
        return m.NotifyCustomerInformationRequest(
            data=part,
            seq_no=report.seq_no,
            generated_at=now.wall,
            request_id=report.request_id,
            tbc=report.more,
        )


def parts(text: str) -> Iterator[tuple[str]]:
    """A message has room for so much; at least one part."""
    for at in range(0, len(text) or 1, PART_CHARACTERS):
        yield (text[at : at + PART_CHARACTERS] or NOTHING_KEPT,)


def _told(entry: Entry) -> str:
    return msgspec.json.encode(entry).decode()


def _refusal(status: m.CustomerInformationStatus, text: str) -> m.CustomerInformationResponse:
    return m.CustomerInformationResponse(
        status=status, status_info=StatusInfo(reason_code="InvalidValue", additional_info=text)
    )
