"""Block C: contracts of vehicles that speak ISO 15118 (C07), and what their sessions hear.  Grants nothing."""

from __future__ import annotations

from agent.blocks.base import Desk, ocsp_data
from agent.model.catalogue import CENTRAL_CONTRACT_VALIDATION_ALLOWED, CONTRACT_VALIDATION_OFFLINE, PNC_ENABLED
from agent.ocpp.messages.c_authorization import AuthorizeRequest, AuthorizeResponse
from agent.ocpp.messages.common import IdToken
from agent.session.vehicle import told
from agent.vocabulary.commands import TellVehicle
from agent.vocabulary.facts import PaymentChosen
from agent.vocabulary.values import Token
from hal.events import Contract

MOST_HASHES = 4
"""What an AuthorizeRequest carries."""


class Contracts:
    """Which contract each vehicle presented, what speaks against it, and what its session was told last."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._presented: dict[int, Token] = {}
        self._refused: set[int] = set()
        self._told: dict[int, TellVehicle] = {}

    def chosen(self, fact: PaymentChosen) -> None:
        """The vehicle made its choice, or another one."""
        self.gone(fact.evse)
        if fact.contract is not None:
            self._presented[fact.evse] = token_of_contract(fact.contract)

    def gone(self, evse: int) -> None:
        """The session is over."""
        self._presented.pop(evse, None)
        self._refused.discard(evse)

    def refused(self, evse: int, token: Token) -> None:
        """This token gives no right; the vehicle hears it when it was its contract."""
        if token.same(self._presented.get(evse)):
            self._refused.add(evse)

    def objection(self, contract: Contract, asks_csms: bool) -> str:
        """What speaks against a contract before anybody is asked, or nothing."""
        model = self._desk.model
        if not model[PNC_ENABLED]:
            return "PnCDisabled"
        if not asks_csms and not model[CONTRACT_VALIDATION_OFFLINE]:  # C07.FR.07
            return "Offline"
        if contract.verdict == "invalid":
            return "CertChainError"
        centrally = asks_csms and model[CENTRAL_CONTRACT_VALIDATION_ALLOWED]
        if contract.verdict == "unknown_root" and not centrally:  # C07.FR.08
            return "NoCertificateAvailable"
        return ""

    def tell_vehicles(self, online: bool) -> None:
        """Let every session hear what is new."""
        offered = self._desk.model[PNC_ENABLED] and (online or self._desk.model[CONTRACT_VALIDATION_OFFLINE])
        for evse in self._desk.site.evses.values():
            news = told(evse, offered=offered, refused=evse.id in self._refused)
            if evse.layout.has_secc and news != self._told.get(evse.id):
                self._told[evse.id] = news
                self._desk.tell(news)


def token_of_contract(contract: Contract) -> Token:
    """Who pays by it."""
    return Token(contract.emaid, "eMAID")


def asking_about(contract: Contract) -> AuthorizeRequest:
    """C07.FR.02: with what OCSP asks; C07.FR.06: with the chain, where nobody here can validate it."""
    return AuthorizeRequest(
        id_token=IdToken(id_token=contract.emaid, type="eMAID"),
        certificate=contract.chain_pem if contract.verdict == "unknown_root" else None,
        iso15118_certificate_hash_data=tuple(ocsp_data(each) for each in contract.hashes[:MOST_HASHES]) or None,
    )


def refusal(request: AuthorizeRequest, response: AuthorizeResponse) -> str:
    """Why the CSMS gives no right, or nothing.

    A chain that was validated here needs no word of the CSMS about it; one that was not needs its consent (C07.FR.14).
    """
    status, certificate = response.id_token_info.status, response.certificate_status
    if certificate is None:
        certificate = "Accepted" if request.certificate is None else "NoCertificateAvailable"
    return next((word for word in (certificate, status) if word != "Accepted"), "")
