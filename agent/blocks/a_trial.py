"""Block A: a renewed certificate that the CSMS has not taken yet, and the one before it.  Asks for none.

Where the CSMS does not take the new one, the former one is shown in turn, and whichever it takes is kept (A02.FR.10,
A02.FR.28, with the errata of 2025-09).
"""

from __future__ import annotations

from agent.blocks.base import Desk
from agent.model.catalogue import NETWORK_CONFIGURATION_PRIORITY, NETWORK_PROFILE_CONNECTION_ATTEMPTS, SECURITY_PROFILE
from agent.vocabulary.certificates import EndTrial, ShowCertificate
from agent.vocabulary.commands import RenewLink
from agent.vocabulary.facts import SecurityNoted


class Trial:
    """``runs``: there are two; told by whoever keeps them.  A start begins with the new one."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._linked = False
        self._failures = 0
        self._shows_renewed = True
        self.runs = False

    @property
    def is_needed(self) -> bool:
        """Whether the CSMS is shown a certificate at all."""
        return self._desk.model[SECURITY_PROFILE] == 3

    def begin(self) -> None:
        """A02.FR.08."""
        self._failures, self._shows_renewed = 0, True
        self._desk.tell(RenewLink("there is a new certificate of the station"))

    def link_opened(self) -> None:
        """The CSMS has taken the one that was shown: the other one goes (A02.FR.10)."""
        self._linked, self._failures = True, 0
        if not self.runs or not self.is_needed:
            return
        self._desk.tell(EndTrial(self._shows_renewed))
        if not self._shows_renewed:  # A02.FR.29
            self._desk.post(SecurityNoted(0, "DiscardedRenewedClientCertificate", "the CSMS did not take it"))
        self._shows_renewed = True

    def link_lost(self) -> None:
        """After every configured entry had its attempts, the other certificate has its turn (A02.FR.28)."""
        linked, self._linked = self._linked, False
        if linked or not self.runs:
            return
        self._failures += 1
        model = self._desk.model
        if self._failures >= len(model[NETWORK_CONFIGURATION_PRIORITY]) * model[NETWORK_PROFILE_CONNECTION_ATTEMPTS]:
            self._failures, self._shows_renewed = 0, not self._shows_renewed
            self._desk.tell(ShowCertificate(self._shows_renewed))
