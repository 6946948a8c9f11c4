"""Block K: the charging profiles that there are, reported page by page (K09).  Installs none."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, groupby
from typing import NamedTuple

import msgspec

from agent.blocks.base import CallRefused
from agent.blocks.k_external_limits import external_profiles
from agent.blocks.k_smart_charging import must_be_enabled
from agent.blocks.paging import Report, Reporting, pages
from agent.ocpp.messages import k_smart_charging as m
from agent.ocpp.messages.common import ChargingProfile
from agent.ocpp.shape import to_shape
from agent.vocabulary.values import Now

PAGE_PROFILES = 20


class Told(NamedTuple):
    """A profile, where it is installed, and who set it."""

    evse: int
    source: m.ChargingLimitSource
    profile: ChargingProfile


class ProfileReports(Reporting[Told]):
    """Which charging profiles are installed."""

    letter = "K"

    def report(self, request: m.GetChargingProfilesRequest, now: Now) -> m.GetChargingProfilesResponse | None:
        must_be_enabled(self.desk)
        busy = self.busy()
        if busy is not None:  # there is no status for it
            raise CallRefused("GenericError", str(busy.additional_info))
        found = [each for each in self._all(now) if _fits(each, request)]
        if not found:
            return m.GetChargingProfilesResponse(status="NoProfiles")
        together = groupby(found, key=lambda each: (each.evse, each.source))
        paged = chain.from_iterable(pages(group, PAGE_PROFILES, _size) for _, group in together)
        self.begin(request.request_id, paged, m.GetChargingProfilesResponse(status="Accepted"), now)
        return None

    calls = {m.GetChargingProfilesRequest: report}
    answers = {m.ReportChargingProfilesRequest: Reporting.answered}

    def _all(self, now: Now) -> Iterator[Told]:
        for each in self.desk.profiles:
            yield Told(each.evse, "CSO", msgspec.json.decode(each.message, type=ChargingProfile, dec_hook=to_shape))
        for evse in self.desk.site.evses.values():
            for source, profile in external_profiles(evse, now):
                yield Told(evse.id, source, profile)

    def message(self, report: Report[Told], now: Now) -> m.ReportChargingProfilesRequest:
        first = report.page[0]
        return m.ReportChargingProfilesRequest(
            request_id=report.request_id,
            charging_limit_source=first.source,
            charging_profile=tuple(each.profile for each in report.page),
            evse_id=first.evse,
            tbc=report.more,
        )


def _fits(each: Told, request: m.GetChargingProfilesRequest) -> bool:
    """Whether all that the request names fits (K09.FR.04 to K09.FR.06); an id says it all (K09.FR.03)."""
    criteria, profile = request.charging_profile, each.profile
    if request.evse_id not in (None, each.evse):
        return False
    if criteria.charging_profile_id:
        return profile.id in criteria.charging_profile_id
    return (
        criteria.charging_profile_purpose in (None, profile.charging_profile_purpose)
        and criteria.stack_level in (None, profile.stack_level)
        and (not criteria.charging_limit_source or each.source in criteria.charging_limit_source)
    )


def _size(each: Told) -> int:
    return len(msgspec.json.encode(each.profile))
