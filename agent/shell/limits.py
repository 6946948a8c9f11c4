"""The limits of an EVSE at the control socket: what ``status`` shows of them, and ``limit``.  Decides nothing."""

from __future__ import annotations

from datetime import datetime
from math import isfinite
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from agent.errors import BenchRefused
from agent.session.layout import EvseLayout
from agent.session.limits import Bound, Limits, PhaseLimit, Said
from agent.vocabulary.incoming import LimitSet
from agent.vocabulary.times import time_text

Answer = dict[str, Any]
Amps = Annotated[float, Meta(ge=0, le=500)]


class Limit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``limit``; with neither current, power nor phases the source lets go of its limit."""

    evse: int
    source: Literal["local", "site"] = "local"
    limit_a: Amps | Annotated[tuple[Amps, ...], Meta(min_length=1, max_length=3)] | None = None
    limit_w: Annotated[float, Meta(ge=0, le=1e6)] | None = None
    phases: Literal[1, 2, 3] | None = None
    lease_s: Annotated[float, Meta(gt=0, le=31_536_000)] | None = None


def limit_set(asked: Limit, layout: EvseLayout) -> LimitSet:
    """What is asked for, as the station hears it; power counts as evenly spread over the phases.

    Raises:
        BenchRefused: it does not fit the EVSE, or contradicts itself.

    """
    phases = asked.phases or layout.phases
    if asked.limit_a is not None and asked.limit_w is not None:
        raise BenchRefused("limit_a and limit_w: one of them")
    if phases > layout.phases:
        raise BenchRefused(f"phases {phases}: evse {layout.id} has {layout.phases}")
    if isinstance(asked.limit_a, tuple) and len(asked.limit_a) != layout.phases:
        raise BenchRefused(f"limit_a: {len(asked.limit_a)} currents; evse {layout.id} has {layout.phases} phases")
    limit_a = asked.limit_a if asked.limit_w is None else asked.limit_w / (layout.voltage_v * phases)
    if asked.lease_s is not None and limit_a is None and asked.phases is None:
        raise BenchRefused("lease_s of what? There is no limit_a, limit_w or phases")
    return LimitSet(layout.id, asked.source, limit_a, asked.phases, asked.lease_s)


def limits_status(limits: Limits) -> Answer:
    """What may be offered, phase by phase why, and what each source says."""
    return {
        "offer_a": limits.offer.limit_a,
        "phases": limits.offer.phases,
        "in_force": [_phase(each) for each in limits.explain()],
        "sources": [_source(limits, said) for said in limits.held],
    }


def _phase(limit: PhaseLimit) -> Answer:
    return {
        "phase": limit.phase,
        "limit_a": limit.limit_a,
        "sources": list(limit.sources),
        "since": _time(limit.since),
        "until": _time(limit.until),
        "next_a": limit.next_a,
        "next_sources": list(limit.next_sources),
    }


def _source(limits: Limits, said: Said) -> Answer:
    terms = limits.terms_of(said.source)
    return {
        "source": said.source,
        "limit_a": _amps(said.bound, limits.wired_phases),
        "phases": said.bound.phases,
        "since": _time(said.since),
        "until": _time(said.until),
        "silent": said.silent,
        "fallback_a": None if terms is None else _amps(terms.fallback, limits.wired_phases),
    }


def _amps(bound: Bound, phases: int) -> list[float | None]:
    """A current a phase; null where there is no bound."""
    return [each if isfinite(each) else None for each in bound.phase_a[:phases]]


def _time(at: datetime | None) -> str | None:
    return None if at is None else time_text(at)
