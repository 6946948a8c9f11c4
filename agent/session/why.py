"""Why an EVSE does not charge: a chain of what must hold, and the first link that is missing, in a plain sentence.

Changes nothing and knows no message.  A fault or a closed EVSE is looked at before the cable and the authorization: it
keeps cards out as well.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec

from agent.session.connector import Connector
from agent.session.evse import Evse
from agent.session.evse_state import OFFER_GRACE_S
from agent.session.faults import HARMLESS_FAULTS, kind_of
from agent.session.limits import CSMS, Limits, Said
from agent.session.metering import READING_LASTS_S
from agent.session.remedies import FAULTS, PARTS, REFUSALS, WHO, WITH_ITS_ISSUER
from hal.events import CpState

Reason = Literal[
    "part_lost",
    "fault",
    "pilot_off",
    "restarting",
    "updating",
    "station_closed",
    "evse_closed",
    "connector_closed",
    "cable_held",
    "cable_without_vehicle",
    "no_cable",
    "lock_moving",
    "lock_open",
    "ending",
    "stopped",
    "not_accepted",
    "refused",
    "reader_lost",
    "no_reader",
    "offline",
    "not_authorized",
    "blocked",
    "limit_phases",
    "limit_silent",
    "limit",
    "ventilation",
    "vehicle_ended",
    "vehicle_thinking",
    "vehicle_paused",
    "vehicle_silent",
    "contactor_open",
    "meter_silent",
    "no_current",
]

NOTHING_W = 50.0
"""Less than this is what a meter shows of a vehicle that stands still."""


class Missing(msgspec.Struct, frozen=True):
    """What does not hold, and what to do about it."""

    reason: Reason
    sentence: str
    advice: str


class Refusal(msgspec.Struct, frozen=True):
    """An identifier that gave no right, fit to be shown, and why."""

    token: str
    reason: str


class Surroundings(msgspec.Struct, frozen=True):
    """What an EVSE does not know of itself.

    ``may_begin``: the station may charge as far as its CSMS has said.  ``refused``: the last identifier that gave no
    right here lately.
    """

    registration: str | None = "Accepted"
    may_begin: bool = True
    online: bool = True
    reader: Literal["works", "lost", "none"] = "works"
    refused: Refusal | None = None


class Why(msgspec.Struct, frozen=True):
    """What is said of an EVSE.

    ``chain``: each link in order, True where it holds, False for the one that is missing, None for those behind it.
    """

    evse: int
    charges: bool
    link: str | None
    reason: Reason | None
    sentence: str
    advice: str
    chain: dict[str, bool | None]


def why(evse: Evse, mono: float, around: Surroundings) -> Why:
    """The first link that is missing; none: it charges."""
    chain: dict[str, bool | None] = dict.fromkeys(CHAIN)
    for name, look in CHAIN.items():
        missing = look(evse, mono, around)
        chain[name] = missing is None
        if missing is not None:
            return Why(evse.id, False, name, missing.reason, missing.sentence, missing.advice, chain)
    return Why(evse.id, True, None, None, _charges(evse), "", chain)


def _charges(evse: Evse) -> str:
    power_w = None if evse.reading is None else evse.reading.sample.power_w
    told = "It charges" if power_w is None else f"It charges with {power_w / 1000:.1f} kW"
    offer = evse.limits.offer
    return f"{told}; {offer.limit_a:g} A on {offer.phases} phase{'s' * (offer.phases > 1)} are offered."


# ---- fault ----


def _fault(evse: Evse, mono: float, around: Surroundings) -> Missing | None:
    for part, reason in evse.faults.lost_parts.items():
        if (kind := kind_of(part)) in PARTS:
            sentence, name = PARTS[kind]
            return Missing("part_lost", f"{sentence}  ({part}: {reason})", f"Look at the {name}'s supply and wires.")
    places = evse.connectors if evse.plugged is None else (evse.plugged,)
    if all(evse.faulted(each) for each in places):
        return _worst(evse)
    if evse.pilot is CpState.F and evse.intent().available:
        return Missing(
            "pilot_off",
            "The pilot controller keeps the pilot off (state F) and tells no fault.",
            "Take the controller's power away for ten seconds.",
        )
    return None


def _worst(evse: Evse) -> Missing:
    held = [code for code, where in evse.faults if code not in HARMLESS_FAULTS and _counts(evse, where)]
    sentence, advice = FAULTS[held[0]]
    more = f"  There is more: {', '.join(sorted(set(held[1:])))}." if held[1:] else ""
    return Missing("fault", f"{sentence}  ({held[0]}){more}", advice)


def _counts(evse: Evse, where: int | None) -> bool:
    return where is None or evse.plugged is None or where == evse.plugged


# ---- availability ----


def _availability(evse: Evse, mono: float, around: Surroundings) -> Missing | None:
    places = evse.connectors if evse.plugged is None else (evse.plugged,)
    if any(evse.in_service(each) for each in places):
        return None
    if evse.resetting:
        return Missing("restarting", "It is being started anew.", "Wait a minute.")
    if evse.updating:
        return Missing("updating", "New firmware is installed: it takes no new session.", "Wait until it is.")
    if not evse.station_operative:
        return _closed("station_closed", "The whole station")
    return _closed("connector_closed", "The connector") if evse.operative else _closed("evse_closed", "This EVSE")


def _closed(reason: Reason, what: str) -> Missing:
    return Missing(
        reason,
        f"{what} was taken out of service by the CSMS (Inoperative).",
        "Ask its operator to make it Operative again.",
    )


# ---- cable ----


def _cable(evse: Evse, mono: float, around: Surroundings) -> Missing | None:
    if evse.plugged is None:
        return _no_vehicle(evse)
    connector = evse.connectors[evse.plugged]
    if evse.authorization is None or connector.secured:
        return None
    return _not_locked(connector)


def _no_vehicle(evse: Evse) -> Missing:
    if evse.holds_cable() and evse.authorization is None:
        return Missing(
            "cable_held",
            "The cable of the last driver is locked in.",
            "He gets it with the same card; otherwise ask the operator for UnlockConnector.",
        )
    if any(connector.cable_in for connector in evse.connectors.values()):
        return Missing(
            "cable_without_vehicle",
            "A cable is in the socket, but there is no vehicle at its other end.",
            "Plug it into the vehicle, all the way; if it is, the cable's pilot wire is broken: try another cable.",
        )
    return Missing(
        "no_cable",
        "No vehicle is connected.",
        "Plug in, all the way; if it is, try another cable and another vehicle.",
    )


def _not_locked(connector: Connector) -> Missing:
    if connector.locking and not connector.lock_failed:
        return Missing("lock_moving", "The plug is being locked.", "Wait ten seconds.")
    return Missing(
        "lock_open",
        f"The plug could not be locked: the lock is {connector.lock_position}.",
        "Pull the plug and push it in again, all the way; if it stays, look at the lock for dirt, ice and wear.",
    )


# ---- authorization ----


def _authorization(evse: Evse, mono: float, around: Surroundings) -> Missing | None:
    transaction = evse.transaction
    if transaction is not None and transaction.ending is not None:
        return Missing("ending", "The transaction has ended; its last meter reading is awaited.", "Wait a minute.")
    if evse.authorization is None:
        stopped = None if transaction is None else transaction.stopped_reason
        return _nobody(evse, around) if stopped is None else _stopped(stopped)
    if transaction is not None and transaction.energy_blocked:
        return Missing(
            "blocked",
            "The CSMS does not accept the driver's identifier any more; it withholds the energy.",
            WITH_ITS_ISSUER,
        )
    return None


def _stopped(reason: str) -> Missing:
    return Missing(
        "stopped",
        f"The session was stopped ({reason}).",
        "Unplug, or identify yourself again with the same card.",
    )


def _nobody(evse: Evse, around: Surroundings) -> Missing:
    if not around.may_begin:
        state = around.registration or "no answer to BootNotification"
        return Missing(
            "not_accepted",
            f"The CSMS has not accepted this station ({state}).",
            "Is it connected (`status`)?  Ask the operator whether the CSMS knows the identity of this station.",
        )
    if around.refused is not None:
        return Missing(
            "refused",
            f"The driver's identifier {around.refused.token} was refused: {around.refused.reason}.",
            REFUSALS.get(around.refused.reason, WITH_ITS_ISSUER),
        )
    return _not_identified(evse, around)


def _not_identified(evse: Evse, around: Surroundings) -> Missing:
    own_lost = any(part.startswith("reader") for part in evse.faults.lost_parts)
    if own_lost or any(code == "ReaderFailure" for code, _ in evse.faults) or around.reader == "lost":
        return Missing(
            "reader_lost",
            "Nobody has identified himself, and the card reader does not work.",
            "Look at the reader's supply and wires; meanwhile the CSMS can start the session.",
        )
    if around.reader == "none":
        return Missing(
            "no_reader",
            "The session was not started, and there is no card reader here.",
            "Start it in the app or from the CSMS; `AuthCtrlr.Enabled` false would let anybody charge.",
        )
    if not around.online:
        return Missing(
            "offline",
            "Nobody has identified himself, and the CSMS cannot be reached.",
            "Show a card that this station knows, and look at the network (`status` says what is wrong with it).",
        )
    return Missing("not_authorized", "Nobody has identified himself.", "Show a card, or start it in the app.")


# ---- limits ----


def _limits(evse: Evse, mono: float, around: Surroundings) -> Missing | None:
    limits = evse.limits
    if limits.offer.limit_a > 0:
        return None
    if limits.in_force.phases < limits.offer.phases:
        holding = [said for said in limits.held if said.bound.phases == limits.in_force.phases]
        what = f"allows {limits.in_force.phases} of {limits.offer.phases} phases; this board cannot leave phases out"
        return _limited(evse, holding[0], "limit_phases", what)
    said, limit_a = _strictest(limits)
    what = f"allows {limit_a:g} A; a vehicle needs an offer of {evse.layout.min_a:g} A"
    return _limited(evse, said, "limit", what)


def _strictest(limits: Limits) -> tuple[Said, float]:
    phase = min(limits.explain(), key=lambda each: each.limit_a)
    return next(said for said in limits.held if said.source == phase.sources[0]), phase.limit_a


def _limited(evse: Evse, said: Said, reason: Reason, what: str) -> Missing:
    kind, _, which = said.source.partition(":")
    who, advice = WHO.get(kind, (said.source, "Ask who set it."))
    if which:
        who += f" ({which})" if kind == CSMS else f" at {which}"
    if said.silent:
        return Missing(
            "limit_silent",
            f"Nothing was heard of {who}, and its fallback {what}.",
            "Find out why it is silent: its wires, its network, its program.",
        )
    until = "" if said.until is None else f", until {said.until:%H:%M} UTC"
    return Missing(reason, f"Charging pauses: {who} {what}{until}.", advice.format(evse=evse.id))


# ---- vehicle, contactor, meter ----


def _vehicle(evse: Evse, mono: float, around: Surroundings) -> Missing | None:
    if evse.wants_ventilation:
        return Missing("ventilation", *FAULTS["VentilationRequired"])
    if evse.vehicle_ended:
        return Missing(
            "vehicle_ended", "The vehicle has ended the session: it wants no more.", "To go on, unplug and plug in."
        )
    if evse.pilot in (CpState.C, CpState.D):
        return None
    if evse.offered_at_mono is None or mono < evse.offered_at_mono + OFFER_GRACE_S:
        return Missing("vehicle_thinking", "The vehicle was offered current just now.", "Give it ten seconds.")
    if evse.took_offer or evse.has_drawn:
        return Missing(
            "vehicle_paused",
            "The vehicle has paused: it is full, too hot or cold, or waits for its own time.",
            "Look at the vehicle's display or app.",
        )
    return Missing(
        "vehicle_silent",
        f"The vehicle is offered {evse.limits.offer.limit_a:g} A and does not ask for it.",
        "Look for a charging time or limit in the vehicle; unlock it, unplug and plug in; try another vehicle.",
    )


def _contactor(evse: Evse, mono: float, around: Surroundings) -> Missing | None:
    if evse.power_closed or not evse.layout.has_relay_feedback:
        return None
    return Missing(
        "contactor_open",
        "The vehicle asks and may charge, but the contactor does not close.",
        "Wait ten seconds; then look at the contactor's coil and supply, and at what the board checks before.",
    )


def _meter(evse: Evse, mono: float, around: Surroundings) -> Missing | None:
    if not evse.layout.has_meter or evse.transaction is None:
        return None
    if evse.reading is None or mono >= evse.read_at_mono + READING_LASTS_S:
        return Missing(
            "meter_silent",
            "The contactor is closed, but the meter has told nothing lately.",
            "Look at the meter's bus: its wires, its address, other devices on it.",
        )
    power_w = evse.reading.sample.power_w
    if power_w is None or abs(power_w) >= NOTHING_W:
        return None
    return Missing(
        "no_current",
        "The contactor is closed, but the meter measures no power.",
        "The vehicle may be about to begin; else look at the fuses, and whether the meter sits behind the contactor.",
    )


CHAIN: dict[str, Callable[[Evse, float, Surroundings], Missing | None]] = {
    "fault": _fault,
    "availability": _availability,
    "cable": _cable,
    "authorization": _authorization,
    "limits": _limits,
    "vehicle": _vehicle,
    "contactor": _contactor,
    "meter": _meter,
}
"""What must hold, in the order in which it is looked at."""
