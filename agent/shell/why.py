"""``why`` at the control socket: what an EVSE does not know of itself is gathered here.  Judges nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal

import msgspec

from agent.instruments import READER
from agent.model.device import DeviceModel
from agent.powered import PoweredStation
from agent.session.why import Refusal, Surroundings, why
from agent.station import Station
from agent.story import hidden
from agent.vocabulary.facts import AuthorizationGranted, TokenRefused

REFUSAL_COUNTS_S = 600.0
"""How long a refused card is the answer to the question why nobody charges."""

Answer = dict[str, Any]


class WhyAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``why``: of one EVSE, or of all."""

    evse: int | None = None


class Refusals:
    """The last identifier that each reader heard in vain (0: the station's), until somebody may charge there."""

    def __init__(self, mono: Callable[[], float]) -> None:
        self._mono = mono
        self._last: dict[int, tuple[float, Refusal]] = {}

    def see(self, topic: str, seen: object) -> None:
        """One thing that the loop shows to its observers."""
        match seen:
            case TokenRefused(evse=evse, token=token, reason=reason):
                self._last[evse] = self._mono(), Refusal(hidden(token), reason)
            case AuthorizationGranted(evse=evse):
                self._last.pop(evse, None)
                self._last.pop(0, None)

    def lately(self, evse: int) -> Refusal | None:
        """The last one here or at the station's reader."""
        oldest = self._mono() - REFUSAL_COUNTS_S
        told = [self._last[where] for where in (evse, 0) if where in self._last]
        at, refusal = max(told, key=lambda each: each[0], default=(float("-inf"), None))
        return refusal if at > oldest else None


def why_status(powered: PoweredStation, refusals: Refusals, evses: Iterable[int]) -> Answer:
    """What ``why`` says of these EVSEs."""
    station, mono = powered.station, powered.clock.now().mono
    told = [why(station.site.evses[id], mono, _around(station, refusals.lately(id), id)) for id in evses]
    return {"evses": [msgspec.to_builtins(each) for each in told]}


def _around(station: Station, refused: Refusal | None, evse: int) -> Surroundings:
    return Surroundings(
        registration=station.desk.registration,
        may_begin=station.desk.may_charge,
        online=station.desk.online,
        reader=_reader(station.model, evse),
        refused=refused,
    )


def _reader(model: DeviceModel, evse: int) -> Literal["works", "lost", "none"]:
    """Whether any reader works that a driver at this EVSE can use."""
    problems = [
        slot.read()
        for slot in model.slots()
        if (slot.spot.component, slot.spot.variable) == (READER, "Problem") and slot.spot.evse in (None, evse)
    ]
    if not problems:
        return "none"
    return "lost" if all(problems) else "works"
