"""Block K: whose transaction is served first where there is not enough for all (chargingPriority).  Shares nothing."""

from __future__ import annotations

from agent.ocpp.messages.c_authorization import AuthorizeRequest, AuthorizeResponse
from agent.ocpp.messages.e_transactions import TransactionEventRequest, TransactionEventResponse
from agent.session.evse import Evse

MOST_TOKENS = 100


class Priorities:
    """What the CSMS said last, of a transaction or of an identifier; 0 where it said nothing (K03.FR.06)."""

    def __init__(self) -> None:
        self._of_transaction: dict[str, int] = {}
        self._of_token: dict[str, int] = {}

    def of(self, evse: Evse) -> int:
        """That of the transaction counts more than that of its driver (K03.FR.05)."""
        transaction, right = evse.transaction, evse.authorization
        own = None if transaction is None else self._of_transaction.get(transaction.id)
        if own is not None:
            return own
        return 0 if right is None else self._of_token.get(right.token.id.casefold(), 0)

    def authorized(self, request: AuthorizeRequest, response: AuthorizeResponse) -> None:
        """The CSMS was asked about an identifier."""
        self._note(request.id_token.id_token, response.id_token_info.charging_priority)

    def told(self, request: TransactionEventRequest, response: TransactionEventResponse) -> None:
        """The CSMS answered an event; of its transaction it says more than of its identifier."""
        info = response.id_token_info
        if request.id_token is not None and info is not None:
            self._note(request.id_token.id_token, info.charging_priority)
        if response.charging_priority is not None:
            self._of_transaction[request.transaction_info.transaction_id] = response.charging_priority
        if request.event_type == "Ended":
            self._of_transaction.pop(request.transaction_info.transaction_id, None)

    def _note(self, token: str, priority: int | None) -> None:
        if priority is None:
            return
        key = token.casefold()
        self._of_token.pop(key, None)
        self._of_token[key] = priority  # the one that was heard last is the last to go
        if len(self._of_token) > MOST_TOKENS:
            del self._of_token[next(iter(self._of_token))]
