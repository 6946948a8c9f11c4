"""From a board file to its drivers and buses, and to the EVSEs as the station thinks of them.  Starts nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from agent.errors import StartFailed
from agent.session.connector import ConnectorLayout
from agent.session.dc import DcLayout
from agent.session.derating import DeratingLayout
from agent.session.layout import EvseLayout
from agent.session.limits import Terms, bound_of
from board.descriptor import Board, Connector, Evse, Part, Reader
from board.descriptor import Thermometer as ThermometerPart
from hal.errors import HalError, UnknownDriver
from hal.events import Event, HardwareFaulted, HardwareHealed
from hal.liveness import Liveness
from hal.ports import (
    ConnectorLock,
    DcSecc,
    DcSource,
    Driver,
    EnergyMeter,
    InsulationMonitor,
    PilotController,
    Place,
    Post,
    ResidualCurrentMonitor,
    SafetyInput,
    Secc,
    SignedMeter,
    Thermometer,
    TokenReader,
)
from hal.registry import make_bus, make_driver

log = logging.getLogger(__name__)

P = TypeVar("P", bound=Driver)

TimeOfDay = Callable[[], datetime | None]


def unknown() -> datetime | None:
    """No time of day."""
    return None


class Parts:
    """The drivers of a board, by what they belong to; ``all`` has the place of each."""

    def __init__(self, buses: Buses, post: Post, time_of_day: TimeOfDay = unknown) -> None:
        self._buses = buses
        self._post = post
        self._time_of_day = time_of_day
        self.pilots: dict[int, PilotController] = {}
        self.meters: dict[int, EnergyMeter] = {}
        self.signers: dict[int, SignedMeter] = {}
        self.locks: dict[tuple[int, int], ConnectorLock] = {}
        self.seccs: dict[int, Secc] = {}
        self.rcds: dict[int, ResidualCurrentMonitor] = {}
        self.dc_seccs: dict[int, DcSecc] = {}
        self.supplies: dict[int, DcSource] = {}
        self.insulation: dict[int, InsulationMonitor] = {}
        self.all: dict[Driver, Place] = {}
        self.liveness = Liveness()
        self.wants_liveness = False

    def make(self, part: Part | Reader | ThermometerPart, place: Place, port: type[P]) -> P:
        """Make the driver of a part."""
        place = msgspec.structs.replace(place, liveness=self.liveness, time_of_day=self._time_of_day)
        try:
            post = _signed(self._post, place.part)
            made = make_driver(part.driver, part.options, place, self._buses.get(part.bus), post)
        except UnknownDriver as error:
            raise StartFailed(f"{place.part}.driver: {error}") from None
        if not isinstance(made, port):
            raise StartFailed(f"{place.part}.driver: {part.driver!r} is no {port.__name__}")
        self.all[made] = place
        self.wants_liveness = self.wants_liveness or getattr(made, "wants_liveness", False)
        return made


def _signed(post: Post, part: str) -> Post:
    """What a part says of its faults, with its place: another part's fault of the same code is another fault."""

    def sign(event: Event) -> None:
        if isinstance(event, HardwareFaulted | HardwareHealed):
            event = msgspec.structs.replace(event, part=part)
        post(event)

    return sign


class Buses:
    """The buses of a board, made when a part names them.  Simulated ones outlive the power."""

    def __init__(self, board: Board, devices: Mapping[str, str], kept: dict[str, Any]) -> None:
        self._board = board
        self._devices = devices
        self._kept = kept
        self._made: dict[str, Any] = {}

    def get(self, name: str | None) -> Any:
        """The bus of this name; None where a part names none."""
        if name is None:
            return None
        for made in (self._kept, self._made):
            if name in made:
                return made[name]
        options = dict(self._board.bus[name])
        kind = str(options.pop("kind"))
        if name in self._devices:
            options["device"] = self._devices[name]
            options.pop("match", None)
        try:
            bus = make_bus(kind, options, f"bus.{name}")
        except UnknownDriver as error:
            raise StartFailed(f"bus.{name}.kind: {error}") from None
        (self._kept if kind == "sim" else self._made)[name] = bus
        return bus


def build_parts(board: Board, buses: Buses, post: Post, time_of_day: TimeOfDay = unknown) -> Parts:
    """Make the drivers of a board; none has opened anything yet.

    Raises:
        StartFailed: a driver, bus or option that does not exist; the text names the place and the choices.

    """
    parts = Parts(buses, post, time_of_day)
    try:
        for index, evse in enumerate(board.evse):
            _build_evse(parts, evse, index)
        for index, reader in enumerate(board.reader):
            parts.make(reader, Place(f"reader[{index}]", reader.evse), TokenReader)  # type: ignore[type-abstract]
        for index, each in enumerate(board.safety):
            parts.make(each, Place(f"safety[{index}]", each.evse), SafetyInput)  # type: ignore[type-abstract]
    except HalError as error:
        raise StartFailed(str(error)) from None
    return parts


def _build_evse(parts: Parts, evse: Evse, index: int) -> None:
    def place(name: str, connector: int = 1) -> Place:
        return Place(f"evse[{index}].{name}", evse.id, connector, evse.limit_a, evse.phases, evse.voltage_v)

    parts.pilots[evse.id] = parts.make(evse.pilot, place("pilot"), PilotController)  # type: ignore[type-abstract]
    _build_dc(parts, evse, index)
    if evse.meter is not None:
        meter = parts.make(evse.meter, place("meter"), EnergyMeter)  # type: ignore[type-abstract]
        parts.meters[evse.id] = meter
        if isinstance(meter, SignedMeter):
            parts.signers[evse.id] = meter
    if evse.bay is not None:
        parts.make(evse.bay, place("bay"), Driver)  # type: ignore[type-abstract]
    if evse.secc is not None:
        parts.seccs[evse.id] = parts.make(evse.secc, place("secc"), Secc)  # type: ignore[type-abstract]
    if evse.rcd is not None:
        parts.rcds[evse.id] = parts.make(evse.rcd, place("rcd"), ResidualCurrentMonitor)  # type: ignore[type-abstract]
    for number, each in enumerate(evse.thermometer):
        where = msgspec.structs.replace(place(f"thermometer[{number}]"), spot=each.spot)
        parts.make(each, where, Thermometer)  # type: ignore[type-abstract]
    for connector in evse.connectors:
        if connector.lock is not None:
            where = place(f"connectors[{connector.id - 1}].lock", connector.id)
            lock = parts.make(connector.lock, where, ConnectorLock)  # type: ignore[type-abstract]
            parts.locks[evse.id, connector.id] = lock


def dc_faults(where: str, evse: Evse, *, runs_dc: bool) -> Iterator[str]:
    """A pilot that runs DC sessions speaks with the vehicle, too, and needs a supply and an insulation monitor."""
    for name, part in (("supply", evse.supply), ("insulation", evse.insulation)):
        if runs_dc and part is None:
            yield f"{where}.{name}: missing; the pilot {evse.pilot.driver!r} runs DC sessions"
        if not runs_dc and part is not None:
            yield f"{where}.{name}: the pilot {evse.pilot.driver!r} runs no DC sessions"


def _build_dc(parts: Parts, evse: Evse, index: int) -> None:
    where = f"evse[{index}]"
    pilot = parts.pilots[evse.id]
    for fault in dc_faults(where, evse, runs_dc=isinstance(pilot, DcSecc)):
        raise StartFailed(fault)
    if not isinstance(pilot, DcSecc) or evse.supply is None or evse.insulation is None:
        return
    place = Place("", evse.id, 1, evse.limit_a, evse.phases, evse.voltage_v)
    supply = msgspec.structs.replace(place, part=f"{where}.supply")
    insulation = msgspec.structs.replace(place, part=f"{where}.insulation")
    parts.supplies[evse.id] = parts.make(evse.supply, supply, DcSource)  # type: ignore[type-abstract]
    parts.insulation[evse.id] = parts.make(evse.insulation, insulation, InsulationMonitor)  # type: ignore[type-abstract]
    parts.dc_seccs[evse.id] = parts.seccs[evse.id] = pilot


def layouts_of(board: Board, parts: Parts) -> tuple[EvseLayout, ...]:
    """The EVSEs as the station thinks of them."""
    return tuple(_layout(index, evse, parts, signs=evse.id in parts.signers) for index, evse in enumerate(board.evse))


def _layout(index: int, evse: Evse, parts: Parts, *, signs: bool) -> EvseLayout:
    pilot, secc = parts.pilots[evse.id].traits, parts.dc_seccs.get(evse.id)
    limit_a = min(evse.limit_a, pilot.max_a)
    dc = None if secc is None else DcLayout(evse.voltage_v, secc.cable_check)
    return EvseLayout(
        id=evse.id,
        limit_a=limit_a,
        phases=evse.phases,
        voltage_v=evse.voltage_v,
        connectors=tuple(_connector_layout(connector) for connector in evse.connectors),
        has_meter=evse.meter is not None,
        signs_sessions=signs,
        has_bay=evse.bay is not None,
        has_rcd=evse.rcd is not None,
        has_secc=evse.secc is not None or dc is not None,
        dc=dc,
        has_relay_feedback=pilot.relay_feedback,
        resettable=pilot.resettable,
        min_a=pilot.min_a,
        switches_phases=pilot.phase_switch,
        limits=tuple(Terms(each.source, bound_of(each.fallback_a, each.phases), each.lease_s) for each in evse.limit),
        derating=tuple(_derating(index, evse, limit_a)),
    )


def _derating(index: int, evse: Evse, rated_a: float) -> Iterator[DeratingLayout]:
    for number, each in enumerate(evse.thermometer):
        if each.derate is not None:
            numbers = msgspec.structs.asdict(each.derate)
            part = f"evse[{index}].thermometer[{number}]"
            yield DeratingLayout(spot=each.spot, part=part, rated_a=rated_a, **numbers)


def _connector_layout(connector: Connector) -> ConnectorLayout:
    return ConnectorLayout(connector.id, connector.type, connector.attached, connector.lock is not None)
