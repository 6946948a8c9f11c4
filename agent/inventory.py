"""The hardware in the device model: station, EVSEs and connectors with their live values.  Measures nothing.

Source: OCPP 2.0.1 Part 2, 2.13 (charging infrastructure related).  Their parts are in ``agent/instruments.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

from agent.instruments import flag, mains_phases, present, supply_phases
from agent.model.catalogue import (
    CACHE_STORAGE,
    CHARGING_PROFILE_ENTRIES,
    LOCAL_LIST_ENTRIES,
    LOCAL_LIST_STORAGE,
    PNC_ENABLED,
    STATION_VARIABLES,
    UNLOCK_ON_EV_SIDE_DISCONNECT,
)
from agent.model.device import DeviceModel
from agent.model.variable import Variable
from agent.session.cache import AuthorizationCache
from agent.session.charging_profiles import ChargingProfiles
from agent.session.connector import Connector
from agent.session.evse import Evse
from agent.session.local_list import LocalList
from agent.session.site import Site
from agent.vocabulary.times import EPOCH

AVAILABILITY = ("Available", "Occupied", "Reserved", "Unavailable", "Faulted")

StatusOf = Callable[[Evse, Connector], str]


def _state(component: str) -> Variable[str]:
    return Variable(
        component,
        "AvailabilityState",
        "Available",
        choices=AVAILABILITY,
        mutability="ReadOnly",
        data_type="OptionList",
    )


def declare_clock(model: DeviceModel, wall: Callable[[], datetime], known: Callable[[], bool]) -> None:
    """Declare the clock: what it says, and whether that is known to be true."""
    model.declare(Variable("ClockCtrlr", "DateTime", EPOCH, mutability="ReadOnly"), live=wall)
    model.declare(flag("ClockCtrlr", "Problem"), live=lambda: not known())


def declare_identity(model: DeviceModel, name: str, vendor: str, serial: str | None, firmware: str | None) -> None:
    """Declare what the station says of itself when it boots."""
    told = {"Model": name, "VendorName": vendor, "SerialNumber": serial, "FirmwareVersion": firmware}
    for variable, text in told.items():
        if text:
            model.declare(Variable("ChargingStation", variable, text, mutability="ReadOnly"))


def declare_tokens(model: DeviceModel, cache: AuthorizationCache, local_list: LocalList) -> None:
    """Declare how much is kept of who may charge."""
    model.declare(CACHE_STORAGE, live=lambda: cache.bytes)
    model.declare(LOCAL_LIST_ENTRIES, live=lambda: local_list.state.entries)
    model.declare(LOCAL_LIST_STORAGE, live=lambda: local_list.state.bytes)


def declare_smart_charging(model: DeviceModel, site: Site, profiles: ChargingProfiles) -> None:
    """Declare how many charging profiles there are, and whether all EVSEs can leave phases out."""
    model.declare(CHARGING_PROFILE_ENTRIES, live=lambda: len(profiles))
    switch = all(evse.layout.switches_phases for evse in site.evses.values())
    model.declare(Variable("SmartChargingCtrlr", "Phases3to1", switch, mutability="ReadOnly"))


def declare_hardware(model: DeviceModel, site: Site, status_of: StatusOf) -> None:
    """Declare what the board file says is there."""
    model.declare(_state("ChargingStation"), live=partial(station_state, site, status_of))
    model.declare(present("ChargingStation"))
    model.declare(flag("ChargingStation", "Problem"), live=lambda: any(evse.faulted() for evse in site.evses.values()))
    model.declare(supply_phases("ChargingStation", mains_phases(site)))
    cables = [connector.layout for evse in site.evses.values() for connector in evse.connectors.values()]
    if all(cable.attached for cable in cables):  # 2.1.12: nothing to unlock
        model.fix(UNLOCK_ON_EV_SIDE_DISCONNECT, False)
    if not any(evse.layout.has_secc for evse in site.evses.values()):
        for each in STATION_VARIABLES:
            if each.component == PNC_ENABLED.component:
                model.withdraw(each)
    for evse in site.evses.values():
        _declare_evse(model, evse, status_of)


def _declare_evse(model: DeviceModel, evse: Evse, status_of: StatusOf) -> None:
    model.declare(_state("EVSE"), evse=evse.id, live=partial(evse_state, evse, status_of))
    model.declare(present("EVSE"), evse=evse.id)
    model.declare(flag("EVSE", "Problem"), evse=evse.id, live=evse.faulted)
    model.declare(Variable("EVSE", "AllowReset", evse.layout.resettable, mutability="ReadOnly"), evse=evse.id)
    model.declare(supply_phases("EVSE", evse.layout.supply_phases), evse=evse.id)
    power = Variable("EVSE", "Power", 0.0, "W", high=evse.layout.max_power_w, mutability="ReadOnly")
    model.declare(power, evse=evse.id, live=partial(evse_power_w, evse))
    for connector in evse.connectors.values():
        _declare_connector(model, evse, connector, status_of)


def _declare_connector(model: DeviceModel, evse: Evse, connector: Connector, status_of: StatusOf) -> None:
    declare = partial(model.declare, evse=evse.id, connector=connector.id)
    declare(_state("Connector"), live=partial(status_of, evse, connector))
    declare(present("Connector"))
    declare(flag("Connector", "Problem"), live=partial(evse.faulted, connector.id))
    kind = Variable("Connector", "ConnectorType", connector.layout.type, mutability="ReadOnly")
    declare(kind)
    declare(supply_phases("Connector", evse.layout.supply_phases))


def station_state(site: Site, status_of: StatusOf) -> str:
    """The most useful thing that can be said of all EVSEs together."""
    states = [evse_state(evse, status_of) for evse in site.evses.values()]
    return next((state for state in ("Available", "Occupied", "Unavailable") if state in states), "Faulted")


def evse_state(evse: Evse, status_of: StatusOf) -> str:
    """Occupied when one of its connectors is; else what its connectors can still do."""
    states = [status_of(evse, connector) for connector in evse.connectors.values()]
    order = ("Occupied", "Reserved", "Available", "Unavailable", "Faulted")
    return next(state for state in order if state in states)


def evse_power_w(evse: Evse) -> float:
    """What it gives now, as the meter said last."""
    return 0.0 if evse.reading is None else evse.reading.sample.power_w or 0.0
