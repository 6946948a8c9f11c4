"""Block K: charging profiles of the CSMS, set, cleared and reckoned up.  How they limit an EVSE is ``k_limits``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from functools import partial
from typing import Any

import msgspec

from agent.blocks.base import NO_ROOM, Block, CallRefused, Desk
from agent.blocks.k_external_limits import is_external
from agent.blocks.k_limits import ProfileLimits
from agent.blocks.k_priority import Priorities
from agent.blocks.k_ready import Readiness
from agent.blocks.k_remote_start import RemoteStarts
from agent.model.catalogue import (
    CHARGING_PROFILE_ENTRIES,
    PERIODS_PER_SCHEDULE,
    PROFILE_STACK_LEVEL,
    RATE_UNIT,
    SMART_CHARGING_ENABLED,
)
from agent.ocpp.messages import k_smart_charging as m
from agent.ocpp.messages.c_authorization import AuthorizeRequest, AuthorizeResponse
from agent.ocpp.messages.common import ChargingProfile, ChargingRateUnit, ChargingSchedulePeriod, StatusInfo
from agent.ocpp.messages.e_transactions import TransactionEventRequest, TransactionEventResponse
from agent.session.charging_profiles import TX_PROFILE, Installed, KeptProfile, Wanted, installed
from agent.session.composite import schedule_of
from agent.session.evse import Evse
from agent.session.profile_rules import Objection, ProfileTerms, conflict, objection
from agent.session.schedule import Profile
from agent.vocabulary.commands import KeepRecord
from agent.vocabulary.facts import RemoteStartRequested, TokenRefused
from agent.vocabulary.incoming import CallFailed
from agent.vocabulary.times import ms_of
from agent.vocabulary.values import ClockShift, Now

PREFIX = "charging_profile/"


class SmartCharging(Block):
    """SetChargingProfile, ClearChargingProfile, GetCompositeSchedule, and the profile of a remote start."""

    letter = "K"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._ready = Readiness(desk)
        self._remote_starts = RemoteStarts(desk)
        self.limits = ProfileLimits(desk, self._ready, self._remote_starts)
        self.most_schedules: Callable[[int], int] = lambda evse_id: 1
        self._priorities = Priorities()
        self.limits.priority = self._priorities.of
        self._running: Set[str] | None = None  # not known before the first look
        desk.judge_profile = self.judge_remote_start

    # ---- what the CSMS wants ----

    def set(self, request: m.SetChargingProfileRequest, now: Now) -> m.SetChargingProfileResponse | None:
        """Stored before it is answered; what the disk refuses is as it was before."""
        must_be_enabled(self.desk)
        wrong = self._wrong(request.evse_id, request.charging_profile, now)
        if wrong is not None:
            return _rejected(wrong)
        each = _installed(request.evse_id, request.charging_profile)
        before = self._drop(Wanted(ids=(each.profile.id,)))
        self._install(each)
        unkept = m.SetChargingProfileResponse(status="Rejected", status_info=NO_ROOM)
        undo = partial(self._take_back, each, before)
        self.desk.promise(m.SetChargingProfileResponse(status="Accepted"), unkept, undo)
        return None

    def _take_back(self, each: Installed, before: list[Installed]) -> None:
        self._drop(Wanted(ids=(each.profile.id,)))
        for other in before:
            self._install(other)

    def clear(self, request: m.ClearChargingProfileRequest, now: Now) -> m.ClearChargingProfileResponse:
        """An id says it all (K10.FR.03); else everything that is named has to fit (K10.FR.04)."""
        must_be_enabled(self.desk)
        criteria = request.charging_profile_criteria or m.ClearChargingProfile()
        wanted = Wanted(
            evse=criteria.evse_id, purpose=criteria.charging_profile_purpose, stack_level=criteria.stack_level
        )
        if request.charging_profile_id is not None:
            wanted = Wanted(ids=(request.charging_profile_id,))
        dropped = self._drop(wanted)
        return m.ClearChargingProfileResponse(status="Accepted" if dropped else "Unknown")  # K10.FR.01

    def composite(self, request: m.GetCompositeScheduleRequest, now: Now) -> m.GetCompositeScheduleResponse:
        must_be_enabled(self.desk)
        units = self.desk.model[RATE_UNIT]
        usual = "W" if "W" in units and self._is_dc else units[0]
        unit: Any = request.charging_rate_unit or usual
        if request.evse_id != 0 and request.evse_id not in self.desk.site.evses:  # K08.FR.05
            return _no_schedule("UnknownEvse", f"there is no EVSE {request.evse_id}")
        if unit not in units:  # K08.FR.07
            return _no_schedule("UnsupportedRateUnit", f"chargingRateUnit {unit} is not one of {', '.join(units)}")
        if request.duration <= 0:
            return _no_schedule("InvalidValue", f"duration {request.duration} is no time")
        return m.GetCompositeScheduleResponse(status="Accepted", schedule=self._reckon(request, unit, now))

    calls = {
        m.SetChargingProfileRequest: set,
        m.ClearChargingProfileRequest: clear,
        m.GetCompositeScheduleRequest: composite,
    }

    @property
    def _is_dc(self) -> bool:
        return any(evse.dc is not None for evse in self.desk.site.evses.values())

    def _reckon(self, request: m.GetCompositeScheduleRequest, unit: ChargingRateUnit, now: Now) -> m.CompositeSchedule:
        start = now.wall.replace(microsecond=0)
        from_ms, outlook = ms_of(start), self.limits.outlook(now)
        party = next((each for each in outlook.parties if each.layout.id == request.evse_id), None)
        steps, until_ms = schedule_of(outlook, party, unit, from_ms, from_ms + 1000 * request.duration)
        return m.CompositeSchedule(
            evse_id=request.evse_id,
            duration=(until_ms - from_ms) // 1000,
            schedule_start=start,
            charging_rate_unit=unit,
            charging_schedule_period=tuple(
                ChargingSchedulePeriod(start_period=step.start_s, limit=step.limit, number_phases=step.phases)
                for step in steps
            ),
        )

    # ---- what speaks against a profile ----

    def _wrong(self, evse_id: int, profile: ChargingProfile, now: Now) -> Objection | None:
        evse = self.desk.site.evses.get(evse_id)
        if is_external(self.desk.site.evses.values(), profile.id, now):  # K01.FR.05
            return "InvalidProfile", f"profile {profile.id} is an external limit"
        if evse is None and evse_id != 0:  # K01.FR.28
            return "UnknownEvse", f"there is no EVSE {evse_id}"
        if profile.charging_profile_purpose == TX_PROFILE and evse is not None:
            running = evse.transaction
            if running is None or running.ending is not None:  # K01.FR.09
                return "TxNotFound", f"EVSE {evse_id} has no transaction"
            if profile.transaction_id != running.id:  # K01.FR.03, K01.FR.33
                return "TxNotFound", f"the transaction of EVSE {evse_id} is another one"
        return self._unfit(evse_id, profile)

    def _unfit(self, evse_id: int, profile: ChargingProfile) -> Objection | None:
        """By itself, and beside the others."""
        model, layouts = self.desk.model, [evse.layout for evse in self.desk.site.evses.values()]
        most = int(CHARGING_PROFILE_ENTRIES.high or 0)
        terms = ProfileTerms(model[RATE_UNIT], model[PROFILE_STACK_LEVEL], model[PERIODS_PER_SCHEDULE], most)
        try:
            each = _installed(evse_id, profile)
        except msgspec.ValidationError as error:
            return "InvalidProfile", str(error)
        concerned = [layout for layout in layouts if evse_id in (0, layout.id)]
        schedules = self.most_schedules(evse_id)
        return objection(each, concerned, terms, schedules=schedules) or conflict(each, self.desk.profiles, terms)

    def judge_remote_start(self, evse: Evse, profile: ChargingProfile) -> StatusInfo | None:
        """F01.FR.26, F02.FR.27; where smart charging is switched off it is ignored (F01.FR.12)."""
        if not self.desk.model[SMART_CHARGING_ENABLED]:
            return None
        if profile.charging_profile_purpose != TX_PROFILE or profile.transaction_id is not None:
            return _info(("InvalidProfile", f"a {TX_PROFILE} without a transactionId is needed"))
        running = None if evse.transaction is None else evse.transaction.id
        wrong = self._unfit(evse.id, msgspec.structs.replace(profile, transaction_id=running))
        return None if wrong is None else _info(wrong)

    # ---- what becomes of them ----

    def remote_start(self, fact: RemoteStartRequested, now: Now) -> None:
        if self.desk.model[SMART_CHARGING_ENABLED]:
            self._remote_starts.wait(fact)

    def refused(self, fact: TokenRefused, now: Now) -> None:
        self._remote_starts.refused(fact.evse)

    facts = {RemoteStartRequested: remote_start, TokenRefused: refused}

    def authorized(self, request: AuthorizeRequest, outcome: AuthorizeResponse | CallFailed, now: Now) -> None:
        if not isinstance(outcome, CallFailed):
            self._priorities.authorized(request, outcome)

    def event_answered(
        self, request: TransactionEventRequest, outcome: TransactionEventResponse | CallFailed, now: Now
    ) -> None:
        if not isinstance(outcome, CallFailed):
            self._priorities.told(request, outcome)

    answers = {AuthorizeRequest: authorized, TransactionEventRequest: event_answered}

    def look(self, now: Now) -> None:
        """Transactions and drivers may have come or gone; the time may have."""
        for evse in self.desk.site.evses.values():
            self._ready.look(evse, now)
        for each in self._remote_starts.take_started():
            self._install(each)
        running = {evse.transaction.id for evse in self.desk.site.running() if evse.transaction is not None}
        if running != self._running:
            self._running = running
            self._drop_what_is_over(running)
        self.limits.look(now)

    def _drop_what_is_over(self, running: Set[str]) -> None:
        """Profiles of transactions that are no more (K02.FR.05)."""
        profiles = [each.profile for each in self.desk.profiles if each.profile.purpose == TX_PROFILE]
        over = tuple(profile.id for profile in profiles if profile.transaction_id not in running)
        if over:
            self._drop(Wanted(ids=over))

    def _install(self, each: Installed) -> None:
        self.desk.profiles.put(each)
        self.desk.tell(KeepRecord(f"{PREFIX}{each.profile.id}", each.record))  # K01.FR.27

    def _drop(self, wanted: Wanted) -> list[Installed]:
        dropped = self.desk.profiles.drop(wanted)
        for each in dropped:
            self.desk.tell(KeepRecord(f"{PREFIX}{each.profile.id}", None))
        return dropped

    def next_deadline(self) -> float | None:
        return self.limits.due_mono

    def remember(self, records: Mapping[str, bytes], now: Now) -> None:
        """What was installed when the power went."""
        for key, record in records.items():
            if key.startswith(PREFIX):
                self._take_up(key, record)
        self._ready.take_up(records)

    def _take_up(self, key: str, record: bytes) -> None:
        """One of an EVSE that is gone is forgotten."""
        kept = self.desk.read_record(key, record, KeptProfile)
        if kept is None:
            return
        message = bytes(kept.message)
        profile = self.desk.read_record(key, message, Profile)
        if kept.evse != 0 and kept.evse not in self.desk.site.evses:
            self.desk.forget_record(key)
        elif profile is not None:
            self.desk.profiles.put(Installed(kept.evse, message, profile))

    def move_times(self, shift: ClockShift) -> None:
        """The time of day became known."""
        self._ready.move_times(shift)


def must_be_enabled(desk: Desk) -> None:
    """Without smart charging nothing of this block is there (K01.FR.29).

    Raises:
        CallRefused: it is switched off.

    """
    if not desk.model[SMART_CHARGING_ENABLED]:
        raise CallRefused("NotSupported", "smart charging is switched off (SmartChargingCtrlr.Enabled)")


def _installed(evse_id: int, profile: ChargingProfile) -> Installed:
    return installed(evse_id, msgspec.json.encode(profile))


def _info(wrong: Objection) -> StatusInfo:
    code, why = wrong
    return StatusInfo(reason_code=code, additional_info=why[:512])


def _rejected(wrong: Objection) -> m.SetChargingProfileResponse:
    return m.SetChargingProfileResponse(status="Rejected", status_info=_info(wrong))


def _no_schedule(code: str, why: str) -> m.GetCompositeScheduleResponse:
    return m.GetCompositeScheduleResponse(status="Rejected", status_info=_info((code, why)))
