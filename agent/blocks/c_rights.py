"""Block C: what comes of an identifier: a right to charge, the end of one, or a refusal.  Decides about nobody."""

from __future__ import annotations

from agent.blocks.base import Desk
from agent.model.catalogue import MASTER_PASS_GROUP_ID
from agent.session.authorization import Authorization
from agent.session.evse import Evse
from agent.session.key_codes import KeyCodePatience
from agent.session.tokens import Entry
from agent.vocabulary.facts import (
    AuthorizationEnded,
    AuthorizationGranted,
    RemoteStartRequested,
    ReservationUsed,
    TokenRefused,
)
from agent.vocabulary.values import Now, Token
from hal.events import Contract


class Asked:
    """A token that the CSMS is being asked about, and what for: a card, a remote start or a vehicle's contract."""

    def __init__(
        self, token: Token, evse: int, remote: RemoteStartRequested | None = None, contract: Contract | None = None
    ) -> None:
        self.token = token
        self.evse = evse
        self.remote = remote
        self.contract = contract

    @property
    def may_end(self) -> bool:
        """Whether it ends what it covers: a card that is shown again does."""
        return self.remote is None and self.contract is None

    @property
    def typed(self) -> bool:
        """Whether it is a key code that somebody entered at a reader."""
        return self.may_end and self.token.kind == "KeyCode"


class Rights:
    """Where rights to charge are granted and ended."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.key_codes = KeyCodePatience()

    def accepted(self, asked: Asked, entry: Entry) -> None:
        """He may: he begins, or ends what he covers."""
        if asked.typed:
            self.key_codes.right(asked.evse)
        if self._is_master_pass(entry):
            self._end_all(asked)
            return
        holder = self._desk.site.covered_by(asked.token, entry.group, asked.evse)
        if holder is not None and asked.may_end:  # E08.FR.02
            self.end(holder, asked.token)
        else:
            self.grant(asked.token, entry.group, asked.evse, entry.evses, asked.remote)

    def _is_master_pass(self, entry: Entry) -> bool:
        master = self._desk.model[MASTER_PASS_GROUP_ID].casefold()
        return bool(master) and entry.group is not None and entry.group.id.casefold() == master

    def _end_all(self, asked: Asked) -> None:
        """C16.FR.02: there is no display to choose at; C16.FR.03, C12.FR.09: never a start."""
        for evse in self._desk.site.running() if asked.may_end else ():
            evse.deauthorize()
            self._desk.post(AuthorizationEnded(evse.id, "StopAuthorized", "MasterPass", asked.token))
        self._desk.post(TokenRefused(asked.evse, asked.token, "MasterPass"))

    def refuse(self, asked: Asked, reason: str, now: Now) -> None:
        """He may not; a wrong key code is remembered (C04.FR.06)."""
        if asked.typed:
            self.key_codes.wrong(asked.evse, now.mono)
        self._desk.post(TokenRefused(asked.evse, asked.token, reason))

    def grant(
        self,
        token: Token,
        group: Token | None,
        evse_id: int,
        allowed: tuple[int, ...],
        remote: RemoteStartRequested | None = None,
    ) -> None:
        """The right to charge, where there is room for it."""
        site = self._desk.site
        if site.reservations.used_by(token) is None:  # nothing was for him alone: for his group?
            self.use_reservation(token, group, evse_id)
        evse = site.free_for(token, evse_id, allowed, group=group, anew=remote is not None)
        if evse is None or not self._desk.may_charge:  # C01.FR.21, C01.FR.23, B02.FR.03
            self._desk.post(TokenRefused(evse_id, token, "no free EVSE" if evse is None else "NotAccepted"))
            return
        reserved = site.reservations.take_used(token)
        right = Authorization(
            reservation_id=None if reserved is None else reserved.id,
            token=token,
            group=group,
            trigger="Authorized" if remote is None else "RemoteStart",
            remote_start_id=None if remote is None else remote.remote_start_id,
            evses=allowed,
            pinned=evse_id != 0 or len(self._desk.site.evses) == 1,
        )
        evse.authorize(right)
        self._desk.post(AuthorizationGranted(evse.id))

    def use_reservation(self, token: Token, group: Token | None, evse_id: int) -> None:
        """H03.FR.09: whoever it was kept for is there, whatever becomes of him."""
        used = self._desk.site.reservations.use(token, group, evse_id)
        if used is not None:
            self._desk.post(ReservationUsed(evse_id, used.id))

    def end(self, evse: Evse, token: Token) -> None:
        """Whoever began it, or one of his group, ends it."""
        evse.deauthorize()
        self._desk.post(AuthorizationEnded(evse.id, "StopAuthorized", "Local", token))  # E07.FR.02
