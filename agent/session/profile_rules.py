"""What speaks against a charging profile: the rules of K01 that a station has to hold.  Installs nothing."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import msgspec

from agent.session.charging_profiles import EXTERNAL, MAX_PROFILE, TX_PROFILE, ChargingProfiles, Installed
from agent.session.layout import EvseLayout
from agent.session.schedule import Period, Profile, Schedule

Objection = tuple[str, str]
"""A reason code of OCPP, and what is wrong in words."""


class ProfileTerms(msgspec.Struct, frozen=True):
    """What this station takes (SmartChargingCtrlr)."""

    units: tuple[str, ...]
    stack_level: int
    periods: int
    entries: int


def objection(
    each: Installed, layouts: Iterable[EvseLayout], terms: ProfileTerms, *, schedules: int = 1
) -> Objection | None:
    """What is wrong with a profile by itself, at these EVSEs; ``schedules``: how many it may bring."""
    profile = each.profile
    if profile.stack_level not in range(terms.stack_level + 1):
        return "InvalidStackLevel", f"stackLevel {profile.stack_level} is not between 0 and {terms.stack_level}"
    wrong = _purpose(each) or _kind(profile)
    if wrong:
        return "InvalidProfile", wrong
    if len(profile.schedules) > schedules:  # K01.FR.34
        return "InvalidSchedule", f"{len(profile.schedules)} schedules; at most {schedules} here"
    for schedule in profile.schedules:
        if schedule.unit not in terms.units:  # K01.FR.26
            return "UnsupportedRateUnit", f"chargingRateUnit {schedule.unit} is not one of {', '.join(terms.units)}"
        wrong = _schedule(schedule, profile, terms.periods) or _phases(schedule, layouts)
        if wrong:
            return "InvalidSchedule", wrong
    return None


def conflict(each: Installed, among: ChargingProfiles, terms: ProfileTerms) -> Objection | None:
    """What is wrong with it beside those that are installed."""
    rival = among.rival(each)
    if rival is not None:
        return "DuplicateProfile", f"{rival} has stackLevel {rival.stack_level} too"
    if each.profile.id not in among and len(among) >= terms.entries:
        return "TooManyElements", f"{terms.entries} profiles are installed already"
    return None


def _purpose(each: Installed) -> str:
    profile = each.profile
    if profile.purpose == EXTERNAL:  # K01.FR.22
        return f"{EXTERNAL} is not for the CSMS to set"
    if profile.purpose == MAX_PROFILE and each.evse != 0:  # K04.FR.03
        return f"{MAX_PROFILE} is for EVSE 0"
    if profile.purpose == TX_PROFILE and each.evse == 0:  # K01.FR.16
        return f"{TX_PROFILE} is for one EVSE"
    if profile.purpose != TX_PROFILE and profile.transaction_id is not None:
        return f"{profile.purpose} is for no transaction"
    return ""


def _kind(profile: Profile) -> str:
    begins = [schedule.start is not None for schedule in profile.schedules]
    if profile.kind == "Relative" and profile.purpose == MAX_PROFILE:  # K01.FR.38
        return f"{MAX_PROFILE} cannot be Relative"
    if profile.kind == "Relative" and any(begins):  # K01.FR.41
        return "a Relative profile has no startSchedule"
    if profile.kind != "Relative" and not all(begins):  # K01.FR.40
        return f"a profile that is {profile.kind} needs a startSchedule"
    if (profile.kind == "Recurring") is not (profile.recurrency is not None):
        return "recurrencyKind is for a profile that is Recurring, and needed there"
    valid_from_ms, valid_to_ms = profile.valid_ms
    return "" if valid_from_ms < valid_to_ms else "validTo is not behind validFrom"


def _schedule(schedule: Schedule, profile: Profile, most: int) -> str:
    starts = [period.start_period for period in schedule.periods]
    if len(starts) > most:
        return f"{len(starts)} periods; at most {most}"
    if starts[0] != 0:  # K01.FR.31
        return f"the first period begins at {starts[0]}, not at 0"
    if any(later <= earlier for earlier, later in pairwise(starts)):  # K01.FR.35
        return "the periods are not in the order of startPeriod"
    if schedule.duration is not None and schedule.duration <= 0:
        return f"duration {schedule.duration} is no time"
    if any(period.limit < 0 for period in schedule.periods):
        return "a limit below 0"
    return ""


def _phases(schedule: Schedule, layouts: Iterable[EvseLayout]) -> str:
    wired = [layout for layout in layouts if layout.dc is None]  # K01.FR.44
    named = {(period.number_phases, period.phase_to_use): period for period in schedule.periods}
    wrong = (_phases_of(period, layout) for period in named.values() for layout in wired)
    return next(filter(None, wrong), "")


def _phases_of(period: Period, layout: EvseLayout) -> str:
    number, phase = period.number_phases, period.phase_to_use
    if number is not None and number not in (1, 2, 3):
        return f"numberPhases {number}"
    if number is not None and number < layout.phases and not layout.switches_phases:  # K01.FR.43
        return f"numberPhases {number}: EVSE {layout.id} cannot leave phases out"
    if phase is not None and number != 1:  # K01.FR.19
        return "phaseToUse is for numberPhases 1"
    if phase not in (None, 1):  # K01.FR.48; where it leaves phases out, L1 is what it keeps
        return f"phaseToUse {phase}: EVSE {layout.id} uses phase 1"
    return ""
