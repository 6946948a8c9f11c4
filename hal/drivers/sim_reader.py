"""A simulated card reader, of one EVSE or of the whole station.  Does not know whom a card belongs to."""

from __future__ import annotations

from typing import get_args

from hal.drivers.sim_part import SimPart
from hal.events import CardPresented, TokenKind


class SimReader(SimPart):
    """Reader that cards are held to."""

    role = "reader"
    tokens: tuple[TokenKind, ...] = get_args(TokenKind)

    def present(self, token: str, kind: TokenKind, evse: int) -> None:
        """A card at the reader, with the EVSE that its holder chose (0: none)."""
        if self._answers:
            self._post(CardPresented(self.place.evse or evse, token, kind))

    def report(self) -> None:
        """A reader has no state: there is a card, or nothing to say."""
