"""Block K: profiles that came with a remote start and wait for the transaction that it starts (K05).  Judges none."""

from __future__ import annotations

import msgspec

from agent.blocks.base import Desk
from agent.ocpp.messages.common import ChargingProfile
from agent.session.charging_profiles import Installed, installed
from agent.session.evse import Evse
from agent.session.schedule import Profile
from agent.vocabulary.facts import RemoteStartRequested


class Waiting(msgspec.Struct):
    """``each`` is at the EVSE for which it was asked; ``granted``: its driver has had his right."""

    remote_start_id: int
    message: ChargingProfile
    each: Installed
    granted: bool = False


class RemoteStarts:
    """At most one profile an EVSE; it limits from the driver's right on, and goes with it."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._waiting: dict[int, Waiting] = {}

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def wait(self, fact: RemoteStartRequested) -> None:
        """Another remote start takes the place of one that came to nothing."""
        self._waiting.pop(fact.evse, None)
        if fact.profile is not None:
            each = installed(fact.evse, msgspec.json.encode(fact.profile))
            self._waiting[fact.evse] = Waiting(fact.remote_start_id, fact.profile, each)

    def refused(self, evse_id: int) -> None:
        """The CSMS does not accept the identifier of the remote start."""
        waiting = self._waiting.get(evse_id)
        if waiting is not None and not waiting.granted:
            del self._waiting[evse_id]

    def of(self, evse: Evse) -> Profile | None:
        """What limits the driver who has been granted his right there, and has no transaction yet."""
        waiting = self._waiting.get(evse.id)
        return waiting.each.profile if waiting is not None and _is_there(waiting, evse) else None

    def take_started(self) -> list[Installed]:
        """Those whose transaction runs by now: profiles of it from now on (F01.FR.10, F02.FR.18)."""
        started = []
        for evse_id, waiting in list(self._waiting.items()):
            evse = self._desk.site.evses[evse_id]
            there = _is_there(waiting, evse)
            waiting.granted = waiting.granted or there
            if there and evse.transaction is not None:
                started.append(bound(waiting.message, evse_id, evse.transaction.id))
            if waiting.granted and (not there or evse.transaction is not None):
                del self._waiting[evse_id]
        return started


def _is_there(waiting: Waiting, evse: Evse) -> bool:
    """Whether the driver of this remote start has his right."""
    return evse.authorization is not None and evse.authorization.remote_start_id == waiting.remote_start_id


def bound(message: ChargingProfile, evse_id: int, transaction_id: str) -> Installed:
    """The same profile, of this transaction."""
    own = msgspec.structs.replace(message, transaction_id=transaction_id)
    return installed(evse_id, msgspec.json.encode(own))
