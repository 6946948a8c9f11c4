"""What is true of a station now, written down for whoever supports it.  Tells no secret and decides nothing."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from agent.station import Station


def pages_of(station: Station) -> Mapping[str, bytes]:
    """Files of a diagnostics archive: who this is, and every variable with its value."""
    return {"station.json": _identity(station), "variables.txt": _variables(station)}


def _identity(station: Station) -> bytes:
    desk = station.desk
    known = {
        "station": station.blocks.provisioning.identity,
        "boot_reason": desk.boot_reason,
        "registration": desk.registration,
        "online": desk.online,
        "time": desk.wall,
        "time_known": desk.clock_known,
        "transactions": [evse.transaction.id for evse in desk.site.running() if evse.transaction is not None],
    }
    return msgspec.json.format(msgspec.json.encode(known))


def _variables(station: Station) -> bytes:
    lines = []
    for slot in station.model.slots():
        text = slot.text()
        lines.append(f"{slot.spot} = {'(not told)' if text is None else text}\n")
    return "".join(lines).encode()
