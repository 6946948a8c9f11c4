"""Block C: who may charge, as the CSMS says or as is known here.  Does not know what a transaction is."""

from __future__ import annotations

from collections.abc import Mapping

from agent.blocks.base import Block, Desk, entry_of, token_of
from agent.blocks.c_contract import Contracts, asking_about, refusal, token_of_contract
from agent.blocks.c_known import NOT_KEPT, KnownTokens
from agent.blocks.c_rights import Asked, Rights
from agent.model.catalogue import (
    AUTH_ENABLED,
    AUTHORIZE_REMOTE_START,
    DISABLE_REMOTE_AUTHORIZATION,
    LOCAL_AUTHORIZE_OFFLINE,
    LOCAL_PRE_AUTHORIZE,
    OFFLINE_TX_FOR_UNKNOWN_ID,
)
from agent.ocpp.messages import c_authorization as m
from agent.ocpp.messages.common import IdToken, StatusInfo
from agent.ocpp.messages.e_transactions import TransactionEventRequest, TransactionEventResponse
from agent.session.evse import Evse
from agent.session.tokens import Entry
from agent.vocabulary.commands import Answer
from agent.vocabulary.facts import (
    EvConnected,
    EvDisconnected,
    PaymentChosen,
    Registered,
    RemoteStartRequested,
    TokenPresented,
    TokenRefused,
)
from agent.vocabulary.incoming import CacheCleared, CallFailed, TokenNoted
from agent.vocabulary.values import Now, Token
from hal.events import Contract


class AuthorizationBlock(Block):
    """A token in, a right to charge out."""

    letter = "C"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._asked: list[Asked] = []
        self._known = KnownTokens(desk)
        self._contracts = Contracts(desk)
        self._rights = Rights(desk)

    def presented(self, fact: TokenPresented, now: Now) -> None:
        token, evse = identifier(fact.token), fact.evse
        if token.kind == "KeyCode" and not self._rights.key_codes.may_try(evse, now.mono):
            self.desk.post(TokenRefused(evse, token, "TooManyAttempts"))  # C04.FR.06: not looked at
            return
        holder = self.desk.site.covered_by(token, None, evse)
        keeper = self.desk.site.holding_for(token, evse)
        if holder is not None:  # C01.FR.03: without asking
            self._rights.end(holder, token)
        elif keeper is not None:  # E05.FR.11, E09.FR.03: he comes for his cable
            keeper.release()
        elif not self.desk.model[AUTH_ENABLED] or token.kind == "NoAuthorization":  # C02: a start button
            self._rights.grant(token, None, evse, ())
        elif not any(asked.token.same(token) for asked in self._asked):
            self._rights.use_reservation(token, None, evse)
            self._decide(Asked(token, evse), now)

    def payment_chosen(self, fact: PaymentChosen, now: Now) -> None:
        """C07; with external means (C08) it is the driver's turn, at a reader or by the CSMS."""
        self._drop_contract(fact.evse)
        self._contracts.chosen(fact)
        held = self.desk.site.evses[fact.evse].authorization is not None
        if fact.contract is not None and self.desk.model[AUTH_ENABLED] and not held:
            asked = Asked(token_of_contract(fact.contract), fact.evse, contract=fact.contract)
            if self._online and not self.desk.model[DISABLE_REMOTE_AUTHORIZATION]:
                self._ask_about_contract(asked, fact.contract, now)
            else:
                self._without_csms(asked, "NotAccepted" if self.desk.online else "Offline", now)

    def disconnected(self, fact: EvDisconnected, now: Now) -> None:
        self._drop_contract(fact.evse)
        self._contracts.gone(fact.evse)

    def refused(self, fact: TokenRefused, now: Now) -> None:
        self._contracts.refused(fact.evse, fact.token)

    def _drop_contract(self, evse: int) -> None:
        """Whoever presented it is gone, or wants something else."""
        self._asked = [asked for asked in self._asked if asked.contract is None or asked.evse != evse]

    def remote_start(self, fact: RemoteStartRequested, now: Now) -> None:
        wanted = self.desk.model[AUTHORIZE_REMOTE_START] and self.desk.model[AUTH_ENABLED]
        self._rights.use_reservation(fact.token, fact.group, fact.evse)
        asked = Asked(fact.token, fact.evse, fact)
        if wanted and fact.token.kind not in NOT_KEPT:  # F01.FR.01; C03.FR.01, C05.FR.01
            self._decide(asked, now)
        else:  # F01.FR.02
            self._rights.accepted(asked, Entry(status="Accepted", group=fact.group))

    def connected(self, fact: EvConnected, now: Now) -> None:
        self._free_for_all(self.desk.site.evses[fact.evse])

    def registered(self, fact: Registered, now: Now) -> None:
        for evse in self.desk.site.evses.values():
            self._free_for_all(evse)

    def _free_for_all(self, evse: Evse) -> None:
        """Without authorization, connecting is enough."""
        if not self.desk.model[AUTH_ENABLED] and self.desk.may_charge and evse.plugged and evse.authorization is None:
            self._rights.grant(Token("", "NoAuthorization"), None, evse.id, ())  # C02.FR.01

    facts = {
        TokenPresented: presented,
        RemoteStartRequested: remote_start,
        PaymentChosen: payment_chosen,
        TokenRefused: refused,
        EvConnected: connected,
        EvDisconnected: disconnected,
        Registered: registered,
    }

    def answered(self, request: m.AuthorizeRequest, outcome: m.AuthorizeResponse | CallFailed, now: Now) -> None:
        asked = self._take(request.id_token)
        if isinstance(outcome, CallFailed):
            if asked is not None:
                self._without_csms(asked, outcome.code, now)
            return
        why = refusal(request, outcome)
        if not why or outcome.id_token_info.status != "Accepted":  # nothing is learned from a contradiction
            self._known.learn(token_of(request.id_token), outcome.id_token_info, now.wall)  # C10.FR.04
        if asked is not None and why:
            self._rights.refuse(asked, why, now)
        elif asked is not None:
            self._rights.accepted(asked, entry_of(outcome.id_token_info))

    def event_answered(
        self, request: TransactionEventRequest, outcome: TransactionEventResponse | CallFailed, now: Now
    ) -> None:
        if isinstance(outcome, CallFailed) or request.id_token is None or outcome.id_token_info is None:
            return
        self._known.learn(token_of(request.id_token), outcome.id_token_info, now.wall)  # C10.FR.05

    answers = {m.AuthorizeRequest: answered, TransactionEventRequest: event_answered}

    def clear_cache(self, request: m.ClearCacheRequest, now: Now) -> m.ClearCacheResponse | None:
        kept = m.ClearCacheResponse(status="Rejected", status_info=StatusInfo(reason_code="InternalError"))
        if not self.desk.disk_works:  # C11.FR.05: it would be back after the next start
            return kept
        if not self._known.clear():  # C11.FR.04
            return m.ClearCacheResponse(status="Rejected", status_info=StatusInfo(reason_code="NotEnabled"))
        cleared = m.ClearCacheResponse(status="Accepted")  # C11.FR.03
        self.desk.tell(Answer(self.desk.message_id, cleared, unless_stored=kept))
        return None

    calls = {m.ClearCacheRequest: clear_cache}

    def remember(self, records: Mapping[str, bytes], now: Now) -> None:
        self._known.take_up(records)

    def note(self, event: TokenNoted, now: Now) -> None:
        """The service port puts an entry into the cache, in use or not."""
        if event.where == "cache":
            self._known.keep(event.token, Entry(status=event.status, group=event.group), now.wall)

    def cleared(self, event: CacheCleared, now: Now) -> None:
        """The service port empties the cache, in use or not."""
        self._known.forget_all()

    incoming = {TokenNoted: note, CacheCleared: cleared}

    def tell_vehicles(self) -> None:
        """Let the vehicles that speak ISO 15118 hear what has come of it."""
        self._contracts.tell_vehicles(self._online)

    # ---- who decides ----

    def _decide(self, asked: Asked, now: Now) -> None:
        """By what is known here, by the CSMS, or without it."""
        known = self._known.find(asked.token, now.wall)
        if known is not None and known.accepted and (self._local_is_enough() or self._ends_group(asked, known.entry)):
            self._by_entry(asked, known.entry)
        elif not self._online:  # B02.FR.02: not accepted yet, and we may not ask
            self._without_csms(asked, "NotAccepted" if self.desk.online else "Offline", now)
        elif self.desk.model[DISABLE_REMOTE_AUTHORIZATION]:
            self._rights.refuse(asked, "Unknown" if known is None else known.entry.status, now)
        elif known is not None and not known.accepted and not known.ask_again:
            self._rights.refuse(asked, known.entry.status, now)
        else:
            self._ask(asked)

    def _local_is_enough(self) -> bool:
        model = self.desk.model
        if self._online:  # C12, C14
            return model[LOCAL_PRE_AUTHORIZE] or model[DISABLE_REMOTE_AUTHORIZATION]
        return model[LOCAL_AUTHORIZE_OFFLINE]  # C13

    def _ends_group(self, asked: Asked, entry: Entry) -> bool:
        """C01.FR.03, C09.FR.07: one of the same group, known here as valid, is not asked about."""
        return asked.may_end and self.desk.site.covered_by(asked.token, entry.group, asked.evse) is not None

    @property
    def _online(self) -> bool:
        return self.desk.online and self.desk.accepted

    def _by_entry(self, asked: Asked, entry: Entry) -> None:
        self._known.used(asked.token)
        self._rights.accepted(asked, entry)

    def _ask(self, asked: Asked) -> None:
        self._asked.append(asked)
        token = IdToken(id_token=asked.token.id, type=asked.token.kind)
        self.desk.send(m.AuthorizeRequest(id_token=token))  # C01.FR.02

    def _ask_about_contract(self, asked: Asked, contract: Contract, now: Now) -> None:
        """C07.FR.01: also where the eMAID is known here."""
        objection = self._contracts.objection(contract, asks_csms=True)
        if objection:
            self._rights.refuse(asked, objection, now)
        else:
            self._asked.append(asked)
            self.desk.send(asking_about(contract))

    def _take(self, token: IdToken) -> Asked | None:
        for asked in self._asked:
            if (asked.token.id, asked.token.kind) == (token.id_token, token.type):
                self._asked.remove(asked)
                return asked
        return None

    def _without_csms(self, asked: Asked, reason: str, now: Now) -> None:
        objection = "" if asked.contract is None else self._contracts.objection(asked.contract, asks_csms=False)
        known = self._known.find(asked.token, now.wall)
        if objection:
            self._rights.refuse(asked, objection, now)
        elif known is not None and known.accepted and self.desk.model[LOCAL_AUTHORIZE_OFFLINE]:  # C13.FR.02, C07.FR.09
            self._by_entry(asked, known.entry)
        elif known is None and self.desk.model[OFFLINE_TX_FOR_UNKNOWN_ID] and self.desk.may_charge:  # C15.FR.08
            self._rights.accepted(asked, Entry(status="Accepted"))
        else:
            self._rights.refuse(asked, reason if known is None or known.accepted else known.entry.status, now)


def identifier(token: Token) -> Token:
    """A start button identifies nobody, whatever its maker calls it (C02.FR.01)."""
    return Token("", "NoAuthorization") if token.kind == "NoAuthorization" else token
