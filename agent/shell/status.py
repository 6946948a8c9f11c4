"""What ``status`` of the control socket says: who the station is, where it connects, and how every EVSE is."""

from __future__ import annotations

from typing import Any

from agent.model.catalogue import ACTIVE_NETWORK_PROFILE, SECURITY_PROFILE
from agent.powered import PoweredStation
from agent.session.evse import Evse
from agent.shell.limits import limits_status
from agent.station import Station

Answer = dict[str, Any]


def identity_status(station: Station) -> Answer:
    """What the station says of itself when it boots, and why it did."""
    told = station.blocks.provisioning.identity
    return {
        "vendor": told.vendor_name,
        "model": told.model,
        "serial": told.serial_number,
        "firmware": told.firmware_version,
        "boot_reason": station.desk.boot_reason,
    }


def csms_status(station: PoweredStation) -> Answer:
    """Where it connects, and as whom."""
    model, target = station.station.model, station.network.target
    return {
        "url": None if target is None else target.url,
        "identity": None if target is None else target.identity,
        "slot": model[ACTIVE_NETWORK_PROFILE],
        "security_profile": model[SECURITY_PROFILE],
    }


def evse_status(evse: Evse, station: Station) -> Answer:
    """What ``status`` says of an EVSE."""
    transaction, right = evse.transaction, evse.authorization
    sample = None if evse.reading is None else evse.reading.sample
    running = None
    if transaction is not None:
        token = None if transaction.token is None else transaction.token.id
        running = {"id": transaction.id, "token": token, "state": transaction.charging_state}
    faults = sorted(code for code, _ in evse.faults) + sorted(evse.faults.lost_parts)
    return {
        "id": evse.id,
        "plugged": evse.plugged is not None,
        "connector": evse.plugged,
        "connectors": [
            {"id": connector.id, "status": station.blocks.statuses.status_of(evse, connector)}
            for connector in evse.connectors.values()
        ],
        "authorized": None if right is None else right.token.id,
        "transaction": running,
        "fault": ", ".join(faults) or None,
        "energy_wh": None if sample is None else sample.import_wh,
        "power_w": None if sample is None else sample.power_w,
        "limits": limits_status(evse.limits),
    }
