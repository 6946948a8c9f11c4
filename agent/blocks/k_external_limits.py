"""Block K: limits that the building or a technician has set, as the CSMS is told of them (K11 to K13).  Sets none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import isinf

from agent.blocks.base import Block, Desk
from agent.model.catalogue import (
    LIMIT_CHANGE_SIGNIFICANCE,
    NOTIFY_CHARGING_LIMIT_WITH_SCHEDULES,
    SMART_CHARGING_ENABLED,
)
from agent.ocpp.messages import k_smart_charging as m
from agent.ocpp.messages.common import ChargingProfile, ChargingSchedule, ChargingSchedulePeriod
from agent.session.charging_profiles import EXTERNAL
from agent.session.composite import Grant
from agent.session.evse import Evse
from agent.session.limits import LOCAL, SITE, Said
from agent.vocabulary.values import Now

SOURCES: dict[str, m.ChargingLimitSource] = {SITE: "EMS", LOCAL: "Other"}
"""Who else limits, by the names of OCPP; none of them is the CSO (K11.FR.05, K12.FR.04)."""


class ExternalLimits(Block):
    """NotifyChargingLimit and ClearedChargingLimit, of each EVSE."""

    letter = "K"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._told: dict[tuple[int, str], float] = {}

    def look(self, now: Now) -> None:
        """What has changed by enough is told; what changed in the dark, when there is light again."""
        if self.desk.online and self.desk.accepted and self.desk.model[SMART_CHARGING_ENABLED]:
            for evse in self.desk.site.evses.values():
                for source in SOURCES:
                    self._compare(evse, source, now)

    def _compare(self, evse: Evse, source: str, now: Now) -> None:
        key, said = (evse.id, source), external(evse, source)
        told_a = self._told.get(key)
        if said is None:
            if told_a is not None:
                del self._told[key]
                self.desk.send(m.ClearedChargingLimitRequest(charging_limit_source=SOURCES[source], evse_id=evse.id))
            return
        rate_a = rate_of(evse, said)
        if told_a is None or _changed_percent(told_a, rate_a) > self.desk.model[LIMIT_CHANGE_SIGNIFICANCE]:
            self._told[key] = rate_a
            self.desk.send(self._notice(evse, source, said, now))

    def _notice(self, evse: Evse, source: str, said: Said, now: Now) -> m.NotifyChargingLimitRequest:
        with_schedule = self.desk.model[NOTIFY_CHARGING_LIMIT_WITH_SCHEDULES]  # K11.FR.03, K12.FR.03
        return m.NotifyChargingLimitRequest(
            charging_limit=m.ChargingLimit(charging_limit_source=SOURCES[source]),
            charging_schedule=(schedule_of(evse, said, now),) if with_schedule else None,
            evse_id=evse.id,
        )


def external(evse: Evse, source: str) -> Said | None:
    """What such a source says; its fallback is the board's word."""
    said = evse.limits.said_by(source)
    return None if said is None or said.silent else said


def external_profiles(evse: Evse, now: Now) -> Iterator[tuple[m.ChargingLimitSource, ChargingProfile]]:
    """The same as profiles, with ids that no CSMS uses (K11.FR.06, K12.FR.05)."""
    for index, (source, name) in enumerate(SOURCES.items()):
        said = external(evse, source)
        if said is not None:
            yield (
                name,
                ChargingProfile(
                    id=-(len(SOURCES) * evse.id + index),
                    stack_level=0,
                    charging_profile_purpose=EXTERNAL,
                    charging_profile_kind="Absolute",
                    charging_schedule=(schedule_of(evse, said, now),),
                ),
            )


def is_external(evses: Iterable[Evse], id: int, now: Now) -> bool:
    """Whether such a profile has this id."""
    return any(profile.id == id for evse in evses for _, profile in external_profiles(evse, now))


def schedule_of(evse: Evse, said: Said, now: Now) -> ChargingSchedule:
    """One period, as long as the lease."""
    grant = _grant(evse, said)
    start = said.since or now.wall
    return ChargingSchedule(
        id=1,
        charging_rate_unit="A",
        start_schedule=start,
        duration=None if said.until is None else max(1, int((said.until - start).total_seconds())),
        charging_schedule_period=(
            ChargingSchedulePeriod(start_period=0, limit=round(grant.limit_a, 1), number_phases=grant.phases),
        ),
    )


def rate_of(evse: Evse, said: Said) -> float:
    """Over all phases."""
    grant = _grant(evse, said)
    return grant.limit_a * grant.phases


def _grant(evse: Evse, said: Said) -> Grant:
    """A source that only leaves phases out leaves the current as it is wired."""
    phases = min(said.bound.phases, evse.layout.phases)
    limit_a = min(said.bound.phase_a[: evse.layout.phases])
    return Grant(evse.layout.limit_a if isinf(limit_a) else limit_a, phases)


def _changed_percent(before: float, after: float) -> float:
    return 100 * abs(after - before) / before if before else 100.0 * bool(after)
