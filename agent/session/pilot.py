"""Control-pilot transitions, IEC 61851-1 Annex A.  The whole machine is this table; what is missing is a fault."""

from __future__ import annotations

from agent.vocabulary.facts import (
    EvConnected,
    EvDisconnected,
    EvNeedsVentilation,
    EvReleasedPower,
    EvRequestedPower,
    Fact,
    PilotFailed,
    PilotHealed,
)
from hal.events import CpState

A, B, C, D, E, F = CpState

TRANSITIONS: dict[tuple[CpState, CpState], tuple[type[Fact], ...]] = {
    (A, A): (),
    (A, B): (EvConnected,),
    (A, C): (EvConnected, EvRequestedPower),  # a simplified vehicle skips B
    (A, D): (EvConnected, EvNeedsVentilation),
    (A, F): (),
    (B, A): (EvDisconnected,),
    (B, B): (),
    (B, C): (EvRequestedPower,),
    (B, D): (EvNeedsVentilation,),
    (B, F): (),
    (C, A): (EvDisconnected,),
    (C, B): (EvReleasedPower,),
    (C, C): (),
    (C, D): (EvNeedsVentilation,),
    (C, F): (EvReleasedPower,),
    (D, A): (EvDisconnected,),
    (D, B): (EvReleasedPower,),
    (D, C): (EvRequestedPower,),
    (D, D): (),
    (D, F): (EvReleasedPower,),
    (E, A): (PilotHealed, EvDisconnected),
    (E, B): (PilotHealed, EvConnected),
    (E, C): (PilotHealed, EvConnected, EvRequestedPower),
    (E, D): (PilotHealed, EvConnected, EvNeedsVentilation),
    (E, E): (),
    (E, F): (PilotHealed,),
    (F, A): (EvDisconnected,),
    (F, B): (EvConnected,),
    (F, C): (EvConnected, EvRequestedPower),
    (F, D): (EvConnected, EvNeedsVentilation),
    (F, F): (),
}
"""(before, after) -> what it means.  E, a pilot shorted to earth or a controller without supply, nobody enters."""


def facts_between(before: CpState, after: CpState) -> tuple[type[Fact], ...]:
    """What a transition means; a pair that is not in the table is a ``PilotFailed``."""
    return TRANSITIONS.get((before, after), (PilotFailed,))
