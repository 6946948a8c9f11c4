"""Block A: the password by which the station says at its CSMS who it is (A01).  Knows no connection and tells nobody.

A CSMS may never have read that we took its new password (A01.FR.04): the former one is kept until the CSMS has taken
the new one, and where the CSMS refuses that, both are tried in turn.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from agent.blocks.base import Block, Desk
from agent.model.catalogue import BASIC_AUTH_PASSWORD, SECURITY_PROFILE
from agent.model.device import Spot
from agent.vocabulary.commands import KeepRecord, RenewLink, UsePassword
from agent.vocabulary.facts import PasswordChanged, SecurityNoted
from agent.vocabulary.incoming import LinkLost, LinkOpened
from agent.vocabulary.values import Now

FORMER = "password/former"
CHANGED_UNDER = "password/changed-under"

PLACE = Spot(BASIC_AUTH_PASSWORD.component, BASIC_AUTH_PASSWORD.name)
WITH_PASSWORD = (1, 2)
"""The security profiles in which the station authenticates itself so."""


class Password(Block):
    """``provisioned`` is a fingerprint: a station that is provisioned anew forgets what the last CSMS has set."""

    letter = "A"

    def __init__(self, desk: Desk, provisioned: str = "") -> None:
        super().__init__(desk)
        self._provisioned = provisioned
        self._password = ""  # empty: as provisioned
        self._former: str | None = None
        self._over_slots = self._former_over_slots = False
        self._tries_former = False
        self._refusal = ""

    def remember(self, records: Mapping[str, bytes], now: Now) -> None:
        """What the CSMS has set holds until the station is provisioned anew."""
        if CHANGED_UNDER in records and records[CHANGED_UNDER] != self._provisioned.encode():
            self.desk.model.reset(PLACE)
            self._forget_former()
            self.desk.tell(KeepRecord(CHANGED_UNDER, None))
        elif FORMER in records:
            self._former = self.desk.read_record(FORMER, records[FORMER], str)
        self._password = self.desk.model[BASIC_AUTH_PASSWORD]
        if self._password:
            self._use(self._password)

    def look(self, now: Now) -> None:
        """Somebody may have set it: known to the security log, without its text, and used at once (A01.FR.11, 12)."""
        password = self.desk.model[BASIC_AUTH_PASSWORD]
        if password == self._password:
            return
        self._former, self._former_over_slots = self._password, self._over_slots
        self._password, self._over_slots, self._tries_former = password, True, False
        self.desk.tell(KeepRecord(FORMER, msgspec.json.encode(self._former)))
        self.desk.tell(KeepRecord(CHANGED_UNDER, self._provisioned.encode()))
        self._note("BasicAuthPassword was changed")
        self.desk.post(PasswordChanged(0))
        self._use(password)
        if self.desk.model[SECURITY_PROFILE] in WITH_PASSWORD:
            self.desk.tell(RenewLink("there is a new password"))

    def link_opened(self, event: LinkOpened, now: Now) -> None:
        """The CSMS has taken the one that was tried."""
        if self._former is None or self.desk.model[SECURITY_PROFILE] not in WITH_PASSWORD:
            return
        if self._tries_former:  # it still counts, so the new one does not (A01.FR.04)
            self._password, self._over_slots = self._former, self._former_over_slots
            self._note("the CSMS has taken the former BasicAuthPassword: the change is undone")
            if not self.desk.model.set(BASIC_AUTH_PASSWORD, self._former):
                self.desk.model.reset(PLACE)
        self._forget_former()

    def link_lost(self, event: LinkLost, now: Now) -> None:
        """An attempt that the CSMS refused is followed by one with the other password."""
        if self._former is None or not event.reason or event.reason != self._refusal:
            return
        self._tries_former = not self._tries_former
        if self._tries_former:
            self._use(self._former, over_slots=self._former_over_slots)
        else:
            self._use(self._password)

    incoming = {LinkOpened: link_opened, LinkLost: link_lost}

    def refused(self, fact: SecurityNoted, now: Now) -> None:
        """``tech_info`` is what the lost connection is going to give as its reason."""
        if fact.type == "FailedToAuthenticateAtCsms":
            self._refusal = fact.tech_info

    facts = {SecurityNoted: refused}

    def _use(self, password: str, *, over_slots: bool | None = None) -> None:
        self.desk.tell(UsePassword(password, self._over_slots if over_slots is None else over_slots))

    def _forget_former(self) -> None:
        self._former, self._tries_former = None, False
        self.desk.tell(KeepRecord(FORMER, None))

    def _note(self, what: str) -> None:
        self.desk.post(SecurityNoted(0, "ReconfigurationOfSecurityParameters", what))
