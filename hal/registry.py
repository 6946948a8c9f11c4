"""Drivers and buses by name, imported only when a board names them.  What is not here is an entry point or an error."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import msgspec

from hal.errors import BadOptions, UnknownDriver
from hal.ports import Driver, Place, Post

DRIVERS = {
    "advantics_secc": "hal.drivers.advantics:AdvanticsSecc",
    "bender_isocha425": "hal.drivers.isocha:IsoCha425",
    "carlo_gavazzi_em340": "hal.drivers.carlo_gavazzi:Em340",
    "carlo_gavazzi_em580": "hal.drivers.carlo_gavazzi_em580:Em580",
    "chargebyte": "hal.drivers.chargebyte:Chargebyte",
    "chargebyte_pt1000": "hal.drivers.chargebyte_pt1000:ChargebytePt1000",
    "chargebyte_rcm": "hal.drivers.chargebyte_rcm:ChargebyteRcm",
    "eastron_sdm120": "hal.drivers.eastron:Sdm120",
    "eastron_sdm230": "hal.drivers.eastron:Sdm230",
    "eastron_sdm630": "hal.drivers.eastron:Sdm630",
    "eastron_sdm72": "hal.drivers.eastron:Sdm72",
    "everest_mcu": "hal.drivers.everest_mcu:EverestMcu",
    "everest_mcu_lock": "hal.drivers.everest_mcu_lock:EverestMcuLock",
    "everest_mcu_meter": "hal.drivers.everest_mcu_meter:EverestMcuMeter",
    "iskra_wm3m4": "hal.drivers.iskra:Wm3m4",
    "gpio_contactor_feedback": "hal.drivers.gpio_safety:GpioContactorFeedback",
    "gpio_lock": "hal.drivers.gpio_lock:GpioLock",
    "gpio_rcd": "hal.drivers.gpio_rcd:GpioRcd",
    "gpio_safety": "hal.drivers.gpio_safety:GpioSafety",
    "infypower": "hal.drivers.infypower:InfyPower",
    "klefr_693x": "hal.drivers.klefr:Klefr693x",
    "openevse": "hal.drivers.openevse:OpenEvse",
    "openevse_lock": "hal.drivers.openevse_parts:OpenEvseLock",
    "openevse_thermometer": "hal.drivers.openevse_parts:OpenEvseThermometer",
    "phoenix": "hal.drivers.phoenix:PhoenixPilot",
    "phoenix_lock": "hal.drivers.phoenix_lock:PhoenixLock",
    "pn532": "hal.drivers.pn532:Pn532",
    "sim_bay": "hal.drivers.sim_bay:SimBay",
    "sim_lock": "hal.drivers.sim_lock:SimLock",
    "sim_meter": "hal.drivers.sim_meter:SimMeter",
    "sim_pilot": "hal.drivers.sim_pilot:SimPilot",
    "sim_reader": "hal.drivers.sim_reader:SimReader",
    "sim_secc": "hal.drivers.sim_secc:SimSecc",
    "sim_thermometer": "hal.drivers.sim_thermometer:SimThermometer",
    "sysfs_thermometer": "hal.drivers.sysfs_thermometer:SysfsThermometer",
    "simpleevse": "hal.drivers.simpleevse:SimpleEvse",
}
"""Driver name to ``module:Class``."""

BUSES = {
    "can": "hal.bus.can:CanBus",
    "gpio": "hal.bus.gpio:GpioBus",
    "rtu": "hal.bus.rtu:RtuBus",
    "serial": "hal.bus.serial:SerialBus",
    "sim": "hal.bus.sim:SimBus",
}
"""Bus kind to ``module:Class``."""

ENTRY_POINT_GROUP = "station_agent.drivers"


def _load(kind: str, name: str, known: dict[str, str]) -> Any:
    target = known.get(name)
    if target is not None:
        module, _, attribute = target.partition(":")
        return getattr(import_module(module), attribute)
    if kind == "driver":
        from importlib.metadata import entry_points  # only outsiders pay for it

        for outsider in entry_points(group=ENTRY_POINT_GROUP, name=name):
            return outsider.load()
    raise UnknownDriver(f"unknown {kind} {name!r}; known: {', '.join(sorted(known))}")


def _configure(owner: Any, options: dict[str, Any], where: str) -> Any:
    try:
        return msgspec.convert(options, owner.Config)
    except msgspec.ValidationError as error:
        fields = ", ".join(owner.Config.__struct_fields__) or "none"
        raise BadOptions(f"{where}: {error}; options: {fields}") from None


def driver_class(name: str) -> Any:
    """The class of a driver, without making one.

    Raises:
        UnknownDriver: no driver of this name.

    """
    return _load("driver", name, DRIVERS)


def bus_class(kind: str) -> Any:
    """The class of a bus, without making one.

    Raises:
        UnknownDriver: no bus of this kind.

    """
    return _load("bus", kind, BUSES)


def make_bus(kind: str, options: dict[str, Any], where: str) -> Any:
    """A bus that is not yet open.

    Raises:
        UnknownDriver: no bus of this kind.
        BadOptions: an option that it does not have, or out of range; the text starts with ``where``.

    """
    bus = bus_class(kind)
    return bus(_configure(bus, options, where))


def make_driver(name: str, options: dict[str, Any], place: Place, bus: Any, post: Post) -> Driver:
    """A driver that has opened nothing yet.

    Raises:
        UnknownDriver: no driver of this name.
        BadOptions: an option that it does not have, out of range, or a bus of the wrong kind.

    """
    driver = driver_class(name)
    config = _configure(driver, options, place.part)
    if not isinstance(bus, driver.bus_type):
        kind = getattr(driver.bus_type, "kind", None)
        needs = "no bus" if kind is None else f"a bus of kind {kind!r}"
        raise BadOptions(f"{place.part}: driver {name!r} needs {needs}")
    made: Driver = driver(config, place, bus, post)
    return made
