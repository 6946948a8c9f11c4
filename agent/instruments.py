"""The parts of the hardware in the device model: meter, contactor, pilot, locks, sensors, readers.  Decides nothing.

Source: OCPP 2.0.1 Part 2 Appendices, components (physical) and variables.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from agent.model.device import DeviceModel
from agent.model.variable import Variable
from agent.session.connector import Connector
from agent.session.dc import DcSession
from agent.session.evse import Evse
from agent.session.site import Site
from hal.events import CpState, DeviceFound, DeviceLost, Event, FaultCode, MeterSampled, TemperatureMeasured

LINES = ("L1", "L2", "L3")

FEED = "ElectricalFeed"
METER, PILOT = "FiscalMetering", "CPPWMController"
CONTACTOR, LOCK = "PowerContactor", "ConnectorPlugRetentionLock"
BAY, READER, THERMOMETER = "BayOccupancySensor", "TokenReader", "TemperatureSensor"
RCD, SUPPLY, INSULATION = "RCD", "AcDcConverter", "GroundIsolationProtection"


def flag(component: str, name: str) -> Variable[bool]:
    """A state that is or is not."""
    return Variable(component, name, False, mutability="ReadOnly")


def number(component: str, name: str, unit: str, instance: str | None = None) -> Variable[float | None]:
    """A measured value; None until it was measured."""
    return Variable(component, name, None, unit, instance=instance, data_type="decimal", mutability="ReadOnly")


def supply_phases(component: str, phases: int | None) -> Variable[int | None]:
    """How many phases of alternating current are there; 0: it is direct current, None: not known (2.13.6)."""
    return Variable(component, "SupplyPhases", phases, data_type="integer", mutability="ReadOnly")


def mains_phases(site: Site) -> int | None:
    """What the EVSEs get of the mains; a DC supply does not say how it is fed."""
    return max((evse.layout.phases for evse in site.evses.values() if evse.dc is None), default=None)


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
        if evse.layout.has_rcd:
            _declare_rcd(model, evse)
        if evse.dc is not None:
            _declare_dc(model, evse, evse.dc)
        for connector in evse.connectors.values():
            if connector.layout.has_lock:
                _declare_lock(model, evse, connector)


def _declare_feed(model: DeviceModel, site: Site) -> None:
    """The mains: what the EVSEs say of its voltage."""
    codes: tuple[FaultCode, ...] = ("OverVoltage", "UnderVoltage")
    model.declare(present(FEED))
    model.declare(supply_phases(FEED, mains_phases(site)))
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
    given = number(METER, "EnergyExportRegister", "Wh")
    declare(given, live=partial(read, evse, lambda sample: sample.export_wh))
    for index, line in enumerate(LINES[: evse.layout.phases]):
        volts, amps = number(METER, "ACVoltage", "V", line), number(METER, "ACCurrent", "A", line)
        declare(volts, live=partial(read, evse, partial(phase, "voltage_v", index)))
        declare(amps, live=partial(read, evse, partial(phase, "current_a", index)))


def _declare_bay(model: DeviceModel, evse: Evse) -> None:
    model.declare(present(BAY), evse=evse.id)
    model.declare(flag(BAY, "Active"), evse=evse.id, live=lambda: evse.bay_occupied)


def _declare_rcd(model: DeviceModel, evse: Evse) -> None:
    declare = partial(model.declare, evse=evse.id)
    declare(present(RCD))
    declare(flag(RCD, "Tripped"), live=partial(has_problem, evse, ("GroundFailure",)))
    declare(flag(RCD, "Problem"), live=partial(has_problem, evse, (), "rcd"))


def _declare_dc(model: DeviceModel, evse: Evse, dc: DcSession) -> None:
    """What makes the direct current, and what watches its insulation."""
    declare = partial(model.declare, evse=evse.id)
    declare(present(SUPPLY))
    declare(flag(SUPPLY, "Problem"), live=partial(has_problem, evse, (), "supply"))
    declare(number(SUPPLY, "DCVoltage", "V"), live=lambda: None if dc.output is None else dc.output.voltage_v)
    declare(number(SUPPLY, "DCCurrent", "A"), live=lambda: None if dc.output is None else dc.output.current_a)
    declare(present(INSULATION))
    declare(flag(INSULATION, "Problem"), live=partial(has_problem, evse, (), "insulation"))
    declare(number(INSULATION, "Impedance", "Ohm"), live=lambda: dc.insulation_ohm)


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
