"""Monitors and events as a technician sees them: the same that the CSMS is told.  Sets none, and knows no socket."""

from __future__ import annotations

from typing import Any

from agent.blocks.base import spot_of
from agent.blocks.events import Noticed
from agent.model.catalogue import (
    ACTIVE_MONITORING_BASE,
    ACTIVE_MONITORING_LEVEL,
    MONITORING_ENABLED,
    OFFLINE_QUEUING_SEVERITY,
)
from agent.model.device import Slot
from agent.model.monitors import THRESHOLDS, Monitor
from agent.shell.variables import place_status
from agent.station import Station
from agent.vocabulary.times import time_text

Answer = dict[str, Any]


def monitors_status(station: Station) -> Answer:
    """What ``monitors`` says."""
    model, monitors = station.model, station.blocks.monitoring.watch.monitors
    return {
        "enabled": model[MONITORING_ENABLED],
        "base": model[ACTIVE_MONITORING_BASE],
        "level": model[ACTIVE_MONITORING_LEVEL],
        "offline_queuing_severity": model[OFFLINE_QUEUING_SEVERITY],
        "monitors": [_monitor_status(monitor, monitors.places[monitor.spot].slot) for monitor in monitors],
    }


def _monitor_status(monitor: Monitor, slot: Slot) -> Answer:
    setting = monitor.setting
    return {
        "id": monitor.id,
        **place_status(monitor.spot),
        "type": setting.kind,
        "value": setting.value,
        "severity": setting.severity,
        "transaction": setting.transaction,
        "origin": monitor.origin,
        "exceeded": monitor.exceeded if setting.kind in THRESHOLDS else None,
        "actual": slot.text(),
    }


def event_status(noticed: Noticed) -> Answer:
    """What ``events`` says of one."""
    event = noticed.event
    return {
        "id": event.event_id,
        "at": time_text(event.timestamp),
        **place_status(spot_of(event.component, event.variable)),
        "trigger": event.trigger,
        "actual": event.actual_value,
        "cleared": event.cleared or False,
        "severity": noticed.severity,
        "origin": event.event_notification_type,
        "monitor": event.variable_monitoring_id,
        "transaction": event.transaction_id,
        "info": event.tech_info or event.tech_code,
        "way": noticed.way,
    }
