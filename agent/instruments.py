"""The parts of the hardware in the device model: meter, contactor, pilot, locks, sensors, readers.  Decides nothing.

Source: OCPP 2.0.1 Part 2 Appendices, components (physical) and variables.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from agent.model.device import DeviceModel
from agent.model.variable import Variable
from agent.session.connector import Connector
from agent.session.evse import Evse
from agent.session.site import Site
from hal.events import CpState, DeviceFound, DeviceLost, Event, FaultCode, MeterSampled, TemperatureMeasured

LINES = ("L1", "L2", "L3")

FEED = "ElectricalFeed"
METER, PILOT = "FiscalMetering", "CPPWMController"
CONTACTOR, LOCK = "PowerContactor", "ConnectorPlugRetentionLock"
BAY, READER, THERMOMETER = "BayOccupancySensor", "TokenReader", "TemperatureSensor"


def flag(component: str, name: str) -> Variable[bool]:
    """A state that is or is not."""
    return Variable(component, name, False, mutability="ReadOnly")


def number(component: str, name: str, unit: str, instance: str | None = None) -> Variable[float | None]:
    """A measured value; None until it was measured."""
    return Variable(component, name, None, unit, instance=instance, data_type="decimal", mutability="ReadOnly")


class Instruments:
    """What parts say that no EVSE keeps: temperatures, and which readers do not answer."""

    def __init__(self, model: DeviceModel) -> None:
        self._model = model
        self._celsius: dict[tuple[int, str], float] = {}
        self._lost: set[str] = set()

    def receive(self, event: Event) -> None:
        """Take what the hardware said."""
        match event:
            case TemperatureMeasured(evse=evse, spot=spot, celsius=celsius):
                self._celsius[evse, spot] = celsius
            case DeviceLost(part=part):
                self._lost.add(part)
            case DeviceFound(part=part):
                self._lost.discard(part)

    def declare_readers(self, evses: Sequence[int]) -> None:
        """Declare the token readers, in the order of the board file; 0 is the whole station's."""
        for index, evse in enumerate(evses):
            many = evses.count(evse) > 1
            instance = str(index + 1) if many else None
            declare = partial(self._model.declare, evse=evse or None, component_instance=instance)
            declare(present(READER))
            declare(flag(READER, "Problem"), live=partial(self._is_lost, f"reader[{index}]"))

    def declare_thermometers(self, evse: int, spots: Sequence[str]) -> None:
        """Declare the thermometers of an EVSE, in the order of the board file."""
        for index, spot in enumerate(spots):
            declare = partial(self._model.declare, evse=evse, component_instance=spot)
            declare(present(THERMOMETER))
            part = f"evse[{evse - 1}].thermometer[{index}]"
            declare(flag(THERMOMETER, "Problem"), live=partial(self._is_lost, part))
            celsius = number(THERMOMETER, "Temperature", "Celsius")
            declare(celsius, live=partial(self._celsius.get, (evse, spot)))

    def _is_lost(self, part: str) -> bool:
        return part in self._lost


def present(component: str) -> Variable[bool]:
    """It is there and wired."""
    return Variable(component, "Available", True, mutability="ReadOnly")


def declare_parts(model: DeviceModel, site: Site) -> None:
    """Declare what feeds the station, and the parts of every EVSE that the board file names."""
    _declare_feed(model, site)
    for evse in site.evses.values():
        _declare_pilot(model, evse)
        if evse.layout.has_relay_feedback:
            _declare_contactor(model, evse)
        if evse.layout.has_meter:
            _declare_meter(model, evse)
        if evse.layout.has_bay:
            _declare_bay(model, evse)
        for connector in evse.connectors.values():
            if connector.layout.has_lock:
                _declare_lock(model, evse, connector)


def _declare_feed(model: DeviceModel, site: Site) -> None:
    """The mains: what the EVSEs say of its voltage."""
    phases = max((evse.layout.phases for evse in site.evses.values()), default=0)
    codes: tuple[FaultCode, ...] = ("OverVoltage", "UnderVoltage")
    model.declare(present(FEED))
    model.declare(Variable(FEED, "SupplyPhases", phases, mutability="ReadOnly"))
    problem = flag(FEED, "Problem")
    model.declare(problem, live=lambda: any(has_problem(evse, codes) for evse in site.evses.values()))


def _declare_pilot(model: DeviceModel, evse: Evse) -> None:
    declare = partial(model.declare, evse=evse.id)
    state = Variable(PILOT, "State", CpState.A.value, mutability="ReadOnly")
    declare(present(PILOT))
    declare(state, live=lambda: evse.pilot.value)
    declare(flag(PILOT, "Problem"), live=partial(has_problem, evse, ("PilotFailure",), "pilot"))


def _declare_contactor(model: DeviceModel, evse: Evse) -> None:
    declare = partial(model.declare, evse=evse.id)
    declare(present(CONTACTOR))
    declare(flag(CONTACTOR, "Active"), live=lambda: evse.power_closed)
    stuck = partial(has_problem, evse, ("WeldedContactor", "PowerSwitchFailure"), "pilot")
    declare(flag(CONTACTOR, "Problem"), live=stuck)


def _declare_meter(model: DeviceModel, evse: Evse) -> None:
    declare = partial(model.declare, evse=evse.id)
    declare(present(METER))
    declare(flag(METER, "Problem"), live=lambda: evse.faults.meter_is_gone)
    register = number(METER, "EnergyImportRegister", "Wh")
    declare(register, live=partial(read, evse, lambda sample: sample.import_wh))
    for index, line in enumerate(LINES[: evse.layout.phases]):
        volts, amps = number(METER, "ACVoltage", "V", line), number(METER, "ACCurrent", "A", line)
        declare(volts, live=partial(read, evse, partial(phase, "voltage_v", index)))
        declare(amps, live=partial(read, evse, partial(phase, "current_a", index)))


def _declare_bay(model: DeviceModel, evse: Evse) -> None:
    model.declare(present(BAY), evse=evse.id)
    model.declare(flag(BAY, "Active"), evse=evse.id, live=lambda: evse.bay_occupied)


def _declare_lock(model: DeviceModel, evse: Evse, connector: Connector) -> None:
    declare = partial(model.declare, evse=evse.id, connector=connector.id)
    declare(present(LOCK))
    declare(flag(LOCK, "Active"), live=lambda: connector.lock_position == "locked")
    declare(flag(LOCK, "Problem"), live=lambda: connector.lock_failed)


def read(evse: Evse, value: Callable[[MeterSampled], float | None]) -> float | None:
    """What the meter said last; None where it has not said it."""
    return None if evse.reading is None else value(evse.reading.sample)


def phase(values: str, index: int, sample: MeterSampled) -> float | None:
    """The value of one phase."""
    measured: tuple[float, ...] = getattr(sample, values)
    return measured[index] if index < len(measured) else None


def has_problem(evse: Evse, codes: tuple[FaultCode, ...], part: str = "") -> bool:
    """Whether one of these faults is reported, or the part (where there is one to ask) does not answer."""
    lost = any(each.endswith(part) for each in evse.faults.lost_parts) if part else False
    return lost or any(code in codes for code, _ in evse.faults)
