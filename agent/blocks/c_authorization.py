"""Block C: who may charge, asked at the CSMS.  Does not know what a transaction is."""

from __future__ import annotations

from typing import Any, cast

from agent.blocks.base import Block, Desk
from agent.model.catalogue import (
    AUTH_ENABLED,
    AUTHORIZE_REMOTE_START,
    OFFLINE_TX_FOR_UNKNOWN_ID,
)
from agent.ocpp.messages import c_authorization as m
from agent.ocpp.messages.common import IdToken, IdTokenInfo
from agent.session.authorization import Authorization
from agent.session.evse import Evse
from agent.vocabulary import (
    AuthorizationEnded,
    AuthorizationGranted,
    CallFailed,
    EvConnected,
    Now,
    Registered,
    RemoteStartRequested,
    Token,
    TokenPresented,
    TokenRefused,
)


class Asked:
    """A token that the CSMS is being asked about, and what for."""

    def __init__(self, token: Token, evse: int, remote: RemoteStartRequested | None) -> None:
        self.token = token
        self.evse = evse
        self.remote = remote


class AuthorizationBlock(Block):
    """A token in, a right to charge out."""

    letter = "C"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._asked: list[Asked] = []

    def presented(self, fact: TokenPresented, now: Now) -> None:
        holder = self.desk.site.covered_by(fact.token, None, fact.evse)
        keeper = self.desk.site.holding_for(fact.token, fact.evse)
        if holder is not None:  # C01.FR.03: without asking
            self._end(holder, fact.token)
        elif keeper is not None:  # E05.FR.11, E09.FR.03: he comes for his cable
            keeper.release()
        elif not self.desk.model[AUTH_ENABLED] or fact.token.kind == "NoAuthorization":  # C02: a start button
            self._grant(fact.token, None, fact.evse, ())
        elif not any(asked.token.same(fact.token) for asked in self._asked):
            self._ask(Asked(fact.token, fact.evse, None))

    def remote_start(self, fact: RemoteStartRequested, now: Now) -> None:
        if self.desk.model[AUTHORIZE_REMOTE_START] and self.desk.model[AUTH_ENABLED]:  # F01.FR.01
            self._ask(Asked(fact.token, fact.evse, fact))
        else:  # F01.FR.02
            self._grant(fact.token, fact.group, fact.evse, (), fact)

    def connected(self, fact: EvConnected, now: Now) -> None:
        self._free_for_all(self.desk.site.evses[fact.evse])

    def registered(self, fact: Registered, now: Now) -> None:
        for evse in self.desk.site.evses.values():
            self._free_for_all(evse)

    def _free_for_all(self, evse: Evse) -> None:
        """Without authorization, connecting is enough."""
        if not self.desk.model[AUTH_ENABLED] and self.desk.may_charge and evse.plugged and evse.authorization is None:
            self._grant(Token("", "NoAuthorization"), None, evse.id, ())  # C02.FR.01

    facts = {
        TokenPresented: presented,
        RemoteStartRequested: remote_start,
        EvConnected: connected,
        Registered: registered,
    }

    def answered(self, request: m.AuthorizeRequest, outcome: m.AuthorizeResponse | CallFailed, now: Now) -> None:
        asked = self._take(request.id_token)
        if asked is None:
            return
        if isinstance(outcome, CallFailed):
            self._without_csms(asked, outcome.code)
        elif outcome.id_token_info.status == "Accepted":
            self._accepted(asked, outcome.id_token_info)
        else:
            self._refuse(asked, outcome.id_token_info.status)

    answers = {m.AuthorizeRequest: answered}

    def _ask(self, asked: Asked) -> None:
        if not self.desk.accepted:  # B02.FR.02: we may not ask
            self._without_csms(asked, "NotAccepted")
            return
        self._asked.append(asked)
        token = IdToken(id_token=asked.token.id, type=asked.token.kind)
        self.desk.send(m.AuthorizeRequest(id_token=token))  # C01.FR.02

    def _take(self, token: IdToken) -> Asked | None:
        for asked in self._asked:
            if (asked.token.id, asked.token.kind) == (token.id_token, token.type):
                self._asked.remove(asked)
                return asked
        return None

    def _accepted(self, asked: Asked, info: IdTokenInfo) -> None:
        group = info.group_id_token
        group_token = None if group is None else Token(group.id_token, cast("Any", group.type))
        holder = self.desk.site.covered_by(asked.token, group_token, asked.evse)
        if holder is not None and asked.remote is None:  # E08.FR.02
            self._end(holder, asked.token)
            return
        self._grant(asked.token, group_token, asked.evse, tuple(info.evse_id or ()), asked.remote)

    def _without_csms(self, asked: Asked, reason: str) -> None:
        if self.desk.model[OFFLINE_TX_FOR_UNKNOWN_ID] and self.desk.may_charge:  # C15.FR.08
            self._grant(asked.token, None, asked.evse, (), asked.remote)
        else:
            self._refuse(asked, reason)

    def _refuse(self, asked: Asked, reason: str) -> None:
        self.desk.post(TokenRefused(asked.evse, asked.token, reason))

    def _grant(
        self,
        token: Token,
        group: Token | None,
        evse_id: int,
        allowed: tuple[int, ...],
        remote: RemoteStartRequested | None = None,
    ) -> None:
        evse = self.desk.site.free_for(token if remote is None else None, evse_id, allowed)
        if evse is None or not self.desk.may_charge:  # C01.FR.21, C01.FR.23, B02.FR.03
            self.desk.post(TokenRefused(evse_id, token, "no free EVSE" if evse is None else "NotAccepted"))
            return
        right = Authorization(
            token=token,
            group=group,
            trigger="Authorized" if remote is None else "RemoteStart",
            remote_start_id=None if remote is None else remote.remote_start_id,
            pinned=evse_id != 0 or len(self.desk.site.evses) == 1,
        )
        evse.authorize(right)
        self.desk.post(AuthorizationGranted(evse.id))

    def _end(self, evse: Evse, token: Token) -> None:
        evse.deauthorize()
        self.desk.post(AuthorizationEnded(evse.id, "StopAuthorized", "Local", token))  # E07.FR.02
