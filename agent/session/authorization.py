"""Who may take energy, and since when.  Does not know how a token is checked."""

from __future__ import annotations

import msgspec

from agent.vocabulary.values import Token


class Authorization(msgspec.Struct, frozen=True, kw_only=True):
    """The right to take energy at one EVSE.

    ``trigger`` is told with the next TransactionEvent (Authorized or RemoteStart).  ``pinned`` False: the driver may
    still plug in at another EVSE, and the right moves with him, as far as ``evses`` goes (empty: all of them).
    """

    token: Token
    group: Token | None = None
    trigger: str = "Authorized"
    remote_start_id: int | None = None
    pinned: bool = True
    evses: tuple[int, ...] = ()
    reservation_id: int | None = None

    def covers(self, token: Token, group: Token | None = None) -> bool:
        """Whether ``token`` may end it: the same identifier, or one of the same group (C01.FR.03, E08.FR.02)."""
        return token.same(self.token) or (group is not None and group.same(self.group))

    def good_at(self, evse_id: int) -> bool:
        """Whether it may be used at this EVSE (C01.FR.21)."""
        return not self.evses or evse_id in self.evses

    def at(self) -> Authorization:
        """The same right, used here: it does not move any more."""
        return msgspec.structs.replace(self, pinned=True)
