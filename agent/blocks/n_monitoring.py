"""Block N: the CSMS sets, replaces and clears monitors, and says which may speak (N03 to N06).  Reports none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from msgspec.structs import replace

from agent.blocks.base import NO_ROOM, Block, Desk, bound, spot_of
from agent.blocks.events import EventNotices
from agent.blocks.n_monitoring_roster import Roster
from agent.blocks.n_monitoring_watch import Watch
from agent.model.catalogue import (
    ACTIVE_MONITORING_BASE,
    ACTIVE_MONITORING_LEVEL,
    BYTES_PER_CLEAR_MONITORING,
    BYTES_PER_SET_MONITORING,
    ITEMS_PER_CLEAR_MONITORING,
    ITEMS_PER_SET_MONITORING,
)
from agent.model.device import Slot
from agent.model.monitors import (
    GREATEST_SEVERITY,
    LEAST_SEVERITY,
    MOST_CUSTOM,
    THRESHOLDS,
    Monitor,
    Preset,
    Setting,
    objection_to,
    reading,
)
from agent.ocpp.messages import n_diagnostics as m
from agent.ocpp.messages.common import StatusInfo
from agent.vocabulary.facts import EvDisconnected, TransactionEnded, TransactionStarted
from agent.vocabulary.values import Now

Undo = list[Callable[[], None]]
"""What takes back, in reverse, what was done."""


class MonitorRefused(Exception):
    """A monitor that is not set; ``reason`` is a reason code of the appendix."""

    def __init__(self, status: m.SetMonitoringStatus, reason: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.reason = reason


class Monitoring(Block):
    """What the CSMS may do with monitors; ``roster`` has them all, ``watch`` asks them."""

    letter = "N"

    def __init__(self, desk: Desk, notices: EventNotices, presets: tuple[Preset, ...] = ()) -> None:
        super().__init__(desk)
        self.roster = Roster(desk, presets)
        self.watch = Watch(desk, notices, self.roster)

    # ---- set (N04) ----

    def set(self, request: m.SetVariableMonitoringRequest, now: Now) -> None:
        """Stored before it is answered; what the disk refuses is as it was before."""
        model, wanted = self.desk.model, request.set_monitoring_data
        bound(request, len(wanted), model[ITEMS_PER_SET_MONITORING], model[BYTES_PER_SET_MONITORING])  # N04.FR.09
        undo: Undo = []
        results = tuple(self._set(item, now, undo) for item in wanted)
        unkept = m.SetVariableMonitoringResponse(set_monitoring_result=tuple(map(unset, results)))
        response = m.SetVariableMonitoringResponse(set_monitoring_result=results)
        self.desk.promise(response, unkept, partial(take_back, undo))

    def _set(self, item: m.SetMonitoringData, now: Now, undo: Undo) -> m.SetMonitoringResult:
        try:
            id, status, info = self._install(item, now, undo), "Accepted", None
        except MonitorRefused as refused:
            id, status = None, refused.status
            info = StatusInfo(reason_code=refused.reason, additional_info=str(refused)[:512])
        return m.SetMonitoringResult(
            status=status,  # type: ignore[arg-type]
            type=item.type,
            component=item.component,
            variable=item.variable,
            severity=item.severity,
            id=id,
            status_info=info,
        )

    def _install(self, item: m.SetMonitoringData, now: Now, undo: Undo) -> int:
        """Watch the variable so.

        Raises:
            MonitorRefused: it stays as it was.

        """
        slot = self._slot(item)
        if not self.desk.disk_works:
            raise MonitorRefused("Rejected", NO_ROOM.reason_code, NO_ROOM.additional_info or "")
        setting = self._setting(item, slot)
        replaced = self._to_replace(item, slot)
        known = self.roster.monitors.duplicate(slot.spot, setting, item.id)
        if known is not None:  # N04.FR.10
            raise MonitorRefused("Duplicate", "InvalidValue", f"monitor {known.id} has this type and severity already")
        id = self.roster.monitors.next_id() if replaced is None else replaced.id
        if id is None:
            raise MonitorRefused("Rejected", "OutOfStorage", f"{MOST_CUSTOM} monitors are set, and no more can be")
        monitor = Monitor(id, slot.spot, setting, "CustomMonitor")  # N04.FR.15
        self._begin(monitor, slot, replaced)
        self.roster.put(slot, monitor, now)
        self.roster.keep(monitor, slot)
        undo.append(partial(self.roster.put_back, id, slot, replaced, now))
        return id

    def _slot(self, item: m.SetMonitoringData) -> Slot:
        spot = spot_of(item.component, item.variable)
        slot = self.desk.model.find(spot)
        if slot is None:  # N04.FR.03, N04.FR.04
            status, _ = self.desk.model.read(spot)
            unknown: m.SetMonitoringStatus = "UnknownComponent" if status == "UnknownComponent" else "UnknownVariable"
            raise MonitorRefused(unknown, "NotFound", f"there is no {spot.component}.{spot.variable} at this place")
        return slot

    def _setting(self, item: m.SetMonitoringData, slot: Slot) -> Setting:
        if item.type in ("TargetDelta", "TargetDeltaRelative"):
            raise MonitorRefused("UnsupportedMonitorType", "UnsupportedParam", "no variable here has a target")
        setting = Setting(item.type, item.value, item.severity, item.transaction or False)  # type: ignore[arg-type]
        objection = objection_to(slot.variable, setting)
        if objection is not None:
            raise MonitorRefused(*objection)
        return setting

    def _to_replace(self, item: m.SetMonitoringData, slot: Slot) -> Monitor | None:
        if item.id is None:
            return None
        known = self.roster.monitors.get(item.id)
        if known is None:  # N04.FR.13
            raise MonitorRefused("Rejected", "NotFound", f"there is no monitor {item.id}")
        if known.origin == "HardWiredMonitor":  # N04.FR.18
            raise MonitorRefused("Rejected", "InvalidValue", f"monitor {item.id} is hard-wired")
        if known.spot != slot.spot:  # N04.FR.16
            raise MonitorRefused("Rejected", "InvalidValue", f"monitor {item.id} watches {known.spot.variable}")
        return known

    def _begin(self, monitor: Monitor, slot: Slot, replaced: Monitor | None) -> None:
        """A difference counts from now (N07.FR.18); what an old limit has told, a new one may end (N07.FR.11)."""
        value = slot.read()
        if value is not None:
            monitor.told = reading(slot.variable, value)
        if replaced is not None and monitor.setting.kind in THRESHOLDS:
            monitor.exceeded = replaced.exceeded

    # ---- clear (N06) ----

    def clear(self, request: m.ClearVariableMonitoringRequest, now: Now) -> None:
        """Stored before it is answered; what the disk refuses stays."""
        model = self.desk.model
        most, most_bytes = model[ITEMS_PER_CLEAR_MONITORING], model[BYTES_PER_CLEAR_MONITORING]
        bound(request, len(request.id), most, most_bytes)  # N06.FR.06, N06.FR.07
        undo: Undo = []
        results = tuple(self._clear(id, now, undo) for id in request.id)
        unkept = m.ClearVariableMonitoringResponse(clear_monitoring_result=tuple(map(uncleared, results)))
        response = m.ClearVariableMonitoringResponse(clear_monitoring_result=results)
        self.desk.promise(response, unkept, partial(take_back, undo))

    def _clear(self, id: int, now: Now, undo: Undo) -> m.ClearMonitoringResult:
        known = self.roster.monitors.get(id)
        if known is None:
            return m.ClearMonitoringResult(status="NotFound", id=id)
        slot = self.desk.model.find(known.spot)
        if known.origin == "HardWiredMonitor" or slot is None:  # N06.FR.03
            return m.ClearMonitoringResult(status="Rejected", id=id)
        if not self.desk.disk_works:
            return uncleared(m.ClearMonitoringResult(status="Accepted", id=id))
        self.roster.forget(known)
        undo.append(partial(self.roster.put_back, id, slot, known, now))
        return m.ClearMonitoringResult(status="Accepted", id=id)

    # ---- base and level (N03, N05) ----

    def base(self, request: m.SetMonitoringBaseRequest, now: Now) -> None:
        """Stored before it is answered; what the disk refuses is as it was before."""
        undo = partial(self._put_base_back, self.desk.model[ACTIVE_MONITORING_BASE], self.roster.settable(), now)
        if request.monitoring_base != "All":  # N03.FR.04, N03.FR.05
            self.roster.drop_custom()
        if request.monitoring_base == "HardWiredOnly":
            self.roster.drop_presets()
        else:
            self.roster.restore_presets(now)
        self.desk.model.set(ACTIVE_MONITORING_BASE, request.monitoring_base)
        unkept = m.SetMonitoringBaseResponse(status="Rejected", status_info=NO_ROOM)
        self.desk.promise(m.SetMonitoringBaseResponse(status="Accepted"), unkept, undo)

    def _put_base_back(self, base: str, monitors: list[Monitor], now: Now) -> None:
        self.desk.model.set(ACTIVE_MONITORING_BASE, base)
        if base == "HardWiredOnly":
            self.roster.drop_presets()
        self.roster.put_all_back(monitors, now)

    def level(self, request: m.SetMonitoringLevelRequest, now: Now) -> m.SetMonitoringLevelResponse | None:
        """Stored before it is answered; what the disk refuses is as it was before."""
        if not GREATEST_SEVERITY <= request.severity <= LEAST_SEVERITY:  # N05.FR.02
            text = f"severity {request.severity} is not between {GREATEST_SEVERITY} and {LEAST_SEVERITY}"
            info = StatusInfo(reason_code="ValueOutOfRange", additional_info=text)
            return m.SetMonitoringLevelResponse(status="Rejected", status_info=info)
        undo = partial(self.desk.model.set, ACTIVE_MONITORING_LEVEL, self.desk.model[ACTIVE_MONITORING_LEVEL])
        self.desk.model.set(ACTIVE_MONITORING_LEVEL, request.severity)
        unkept = m.SetMonitoringLevelResponse(status="Rejected", status_info=NO_ROOM)
        self.desk.promise(m.SetMonitoringLevelResponse(status="Accepted"), unkept, undo)
        return None

    calls = {
        m.SetVariableMonitoringRequest: set,
        m.ClearVariableMonitoringRequest: clear,
        m.SetMonitoringBaseRequest: base,
        m.SetMonitoringLevelRequest: level,
    }

    # ---- what is watched ----

    def transaction_started(self, fact: TransactionStarted, now: Now) -> None:
        self.watch.vehicle_left(fact.evse)
        self.watch.transactions_changed()

    def transaction_ended(self, fact: TransactionEnded, now: Now) -> None:
        self.watch.transaction_ended(fact.evse, fact.transaction_id)

    def vehicle_left(self, fact: EvDisconnected, now: Now) -> None:
        self.watch.vehicle_left(fact.evse)

    facts = {
        TransactionStarted: transaction_started,
        TransactionEnded: transaction_ended,
        EvDisconnected: vehicle_left,
    }

    def remember(self, records: Mapping[str, bytes], now: Now) -> None:
        self.roster.remember(records, now)
        self.watch.start(now)

    def next_deadline(self) -> float | None:
        return self.watch.next_deadline()

    def expire(self, now: Now) -> None:
        self.watch.expire(now)


def take_back(undo: Undo) -> None:
    """As it was before."""
    while undo:
        undo.pop()()


def unset(result: m.SetMonitoringResult) -> m.SetMonitoringResult:
    """The same where the disk has refused it."""
    if result.status != "Accepted":
        return result
    return replace(result, status="Rejected", id=None, status_info=NO_ROOM)


def uncleared(result: m.ClearMonitoringResult) -> m.ClearMonitoringResult:
    """The same where the disk has refused it."""
    return replace(result, status="Rejected", status_info=NO_ROOM) if result.status == "Accepted" else result
