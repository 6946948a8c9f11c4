"""Parts of real boards, behind pseudo-terminals.  An emulator is loaded when its driver is named."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.emulators.emulator import Emulator

EMULATORS = {
    "advantics_secc": "tests.emulators.advantics:EmulatedAdvantics",
    "bender_isocha425": "tests.emulators.isocha:EmulatedIsoCha",
    "carlo_gavazzi_em340": "tests.emulators.carlo_gavazzi:EmulatedEm340",
    "carlo_gavazzi_em580": "tests.emulators.carlo_gavazzi_em580:EmulatedEm580",
    "chargebyte": "tests.emulators.chargebyte:EmulatedChargebyte",
    "chargebyte_pt1000": "tests.emulators.chargebyte:EmulatedChargebyte",
    "chargebyte_rcm": "tests.emulators.chargebyte:EmulatedChargebyte",
    "eastron_sdm120": "tests.emulators.eastron:EmulatedSdm120",
    "eastron_sdm230": "tests.emulators.eastron:EmulatedSdm120",
    "eastron_sdm630": "tests.emulators.eastron:EmulatedSdm630",
    "eastron_sdm72": "tests.emulators.eastron:EmulatedSdm72",
    "everest_mcu": "tests.emulators.everest_mcu:EmulatedEverestMcu",
    "everest_mcu_lock": "tests.emulators.everest_mcu:EmulatedEverestMcu",
    "everest_mcu_meter": "tests.emulators.everest_mcu:EmulatedEverestMcu",
    "iskra_wm3m4": "tests.emulators.iskra:EmulatedWm3m4",
    "gpio_contactor_feedback": "tests.emulators.gpio:EmulatedGpioContactor",
    "gpio_lock": "tests.emulators.gpio:EmulatedGpioLock",
    "gpio_rcd": "tests.emulators.gpio:EmulatedGpioRcd",
    "gpio_safety": "tests.emulators.gpio:EmulatedGpioSafety",
    "infypower": "tests.emulators.infypower:EmulatedInfyPower",
    "klefr_693x": "tests.emulators.klefr:EmulatedKlefr693x",
    "openevse": "tests.emulators.openevse:EmulatedOpenEvse",
    "openevse_lock": "tests.emulators.openevse:EmulatedOpenEvse",
    "openevse_thermometer": "tests.emulators.openevse:EmulatedOpenEvse",
    "sysfs_thermometer": "tests.emulators.sysfs:EmulatedSysfsThermometer",
    "phoenix": "tests.emulators.phoenix:EmulatedPhoenix",
    "phoenix_lock": "tests.emulators.phoenix:EmulatedPhoenix",
    "pn532": "tests.emulators.pn532:EmulatedPn532",
    "simpleevse": "tests.emulators.simpleevse:EmulatedSimpleEvse",
}
"""Driver name to ``module:Class`` of the emulator of its part."""


def emulator_of(driver: str) -> type[Emulator]:
    """The class that can stand in the place of this driver's part; KeyError: there is none."""
    module, _, name = EMULATORS[driver].partition(":")
    found: type[Emulator] = getattr(import_module(module), name)
    return found
