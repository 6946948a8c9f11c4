"""What the vehicle of an EVSE hears in its ISO 15118 session.  Does not know who decides."""

from __future__ import annotations

from agent.session.evse import Evse
from agent.vocabulary.commands import TellVehicle
from hal.ports import SeccIntent


def told(evse: Evse, *, offered: bool, refused: bool) -> TellVehicle:
    """Contracts are ``offered`` or not; its own was ``refused``, which a right that came otherwise makes good."""
    if evse.authorization is not None:
        return TellVehicle(evse.id, SeccIntent(offered, "granted"))
    return TellVehicle(evse.id, SeccIntent(offered, "refused" if refused else "waiting"))
