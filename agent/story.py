"""The story of a charge in about ten lines: what the board said, what was decided, what the CSMS answered.

Turns what the loop shows to its observers into lines for people.  Decides nothing.
"""

from __future__ import annotations

import logging

from agent.ocpp.messages.base import Request, Response
from agent.vocabulary.facts import (
    AuthorizationEnded,
    AuthorizationGranted,
    DcPhaseEntered,
    EvConnected,
    EvDisconnected,
    EvReleasedPower,
    EvRequestedPower,
    EvseFaulted,
    EvseHealed,
    Fact,
    LimitChanged,
    PowerPathClosed,
    PowerPathOpened,
    TokenPresented,
    TokenRefused,
    TransactionEnded,
    TransactionStarted,
)
from agent.vocabulary.incoming import CallFailed, CsmsAnswered, CsmsCalled, LinkOpened
from agent.vocabulary.values import Token
from hal.events import DeviceFound, DeviceLost, HardwareWarned

log = logging.getLogger("station")


def tell(topic: str, seen: object) -> None:
    """Log one line for what is worth one, at INFO; the first glyph says which way it went."""
    line = None
    if topic == "facts" and isinstance(seen, Fact):
        line = fact_line(seen)
    elif topic == "csms":
        line = csms_line(seen)
    elif topic == "hal":
        line = hal_line(seen)
    if line is not None:
        log.info("%s", line)


def hal_line(event: object) -> str | None:
    """A line for what hardware says of itself."""
    match event:
        case DeviceFound(part=part, detail=detail) if not detail.startswith("simulated"):
            return f"< {part} answers{': ' if detail else ''}{detail}"
        case DeviceLost(part=part, reason=reason):
            return f"! {part} lost: {reason}"
        case HardwareWarned(part=part, text=text):
            return f"! {part}: {text}"
    return None


def fact_line(fact: Fact) -> str | None:
    """A line for a fact."""
    where = f"evse {fact.evse}"
    match fact:
        case EvConnected():
            return f"< {where} vehicle connected"
        case EvDisconnected():
            return f"< {where} vehicle disconnected"
        case EvRequestedPower():
            return f"< {where} vehicle asks for power"
        case EvReleasedPower():
            return f"< {where} vehicle pauses"
        case DcPhaseEntered(phase=phase):
            return f"< {where} DC session: {phase.replace('_', ' ')}"
        case PowerPathClosed():
            return f"< {where} contactor closed"
        case PowerPathOpened():
            return f"< {where} contactor open"
        case EvseFaulted(code=code, text=text):
            return f"! {where} fault {code}{': ' if text else ''}{text}"
        case EvseHealed(code=code):
            return f"= {where} fault {code} is gone"
        case LimitChanged(limit_a=limit_a, phases=phases):
            return f"= {where} may offer {phases} x {limit_a:g} A" if limit_a else f"= {where} may offer no current"
        case TokenPresented(token=token):
            return f"< {token.kind} token {hidden(token)} presented"
        case TokenRefused(token=token, reason=reason):
            return f"= token {hidden(token)} refused: {reason}"
        case AuthorizationGranted():
            return f"= {where} authorized: power is permitted"
        case AuthorizationEnded(trigger=trigger):
            return f"= {where} authorization ended ({trigger}): power is withdrawn"
        case TransactionStarted(transaction_id=id):
            return f"= {where} transaction {id[:8]} started"
        case TransactionEnded(transaction_id=id, energy_wh=energy_wh, register_final=final):
            energy = "unknown energy" if energy_wh is None else f"{energy_wh / 1000:.3f} kWh"
            doubt = "" if final else " as last known: no reading after the contactor opened"
            return f"= {where} transaction {id[:8]} ended, {energy}{doubt}"
    return None


def csms_line(event: object) -> str | None:
    """A line for what went to the CSMS and what came back."""
    match event:
        case LinkOpened(subprotocol=subprotocol):
            return f"= connected to the CSMS, speaking {subprotocol}"
        case CsmsCalled(request=request):
            return f"< CSMS asks {request.action}{detail(request)}"
        case CsmsAnswered(request=request, outcome=outcome) if request.action not in ("Heartbeat",):
            return f"> {request.action}{detail(request)} - {verdict(outcome)}"
    return None


def detail(request: Request) -> str:
    """The few words that tell one message of an action from another."""
    fields = ("event_type", "trigger_reason", "connector_status", "requested_message", "type", "status")
    words = [str(getattr(request, field)) for field in fields if getattr(request, field, None) is not None]
    seq_no = getattr(request, "seq_no", None)
    if seq_no is not None:
        words.append(f"#{seq_no}")
    return " " + " ".join(words) if words else ""


def verdict(outcome: Response | CallFailed) -> str:
    """What the CSMS made of it."""
    if isinstance(outcome, CallFailed):
        return f"failed: {outcome.code} {outcome.reason}".rstrip()
    info = getattr(outcome, "id_token_info", None)
    status = getattr(outcome, "status", None) or (None if info is None else info.status)
    cost = getattr(outcome, "total_cost", None)
    told = "answered" if status is None else f"answered {status}"
    return told if cost is None else f"{told}, total cost {cost:.2f}"


def hidden(token: Token) -> str:
    """A token as it may stand in a log; a key code may not at all (C04.FR.04)."""
    return f"...{token.id[-4:]}" if len(token.id) > 4 and token.kind != "KeyCode" else "..."
