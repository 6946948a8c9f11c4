"""A station with its power on: board, drivers, database, link and loop put together.  The only wiring of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import msgspec

from agent.blocks.b_network import FACTORY_SLOT, NetworkSetup
from agent.edge.clock import Clock
from agent.edge.collect import Collector
from agent.edge.database import Contents, Database
from agent.edge.log_memory import LogMemory
from agent.edge.network import Network
from agent.edge.tokens import TokenReader
from agent.edge.uploads import Uploads
from agent.edge.websocket import Target
from agent.errors import StartFailed
from agent.link.csms import CsmsLink
from agent.link.outbox import Outbox
from agent.loop import CLOCK_LAST, CLOCK_SHIFT, Loop
from agent.model.device import DeviceModel, Spot
from agent.model.monitors import Preset, Setting, objection_to
from agent.model.own import own_variable
from agent.model.variable import Variable
from agent.ocpp.messages.b_provisioning import ChargingStation
from agent.ocpp.tolerance import Ear, Tolerance
from agent.pages import pages_of
from agent.provision import SUBPROTOCOLS, Provision, VariableProvision
from agent.session.connector import ConnectorLayout
from agent.session.derating import DeratingLayout
from agent.session.evse import EvseLayout
from agent.session.limits import Terms, bound_of
from agent.station import Station
from agent.version import VERSION
from agent.vocabulary import ClockShift, NetworkProfile, UploadEnded
from board.descriptor import Board, Connector, Evse, OwnVariable, Part, Reader, Storage, VariableDefault
from board.descriptor import Thermometer as ThermometerPart
from hal.errors import HalError, UnknownDriver
from hal.events import Event
from hal.ports import (
    ConnectorLock,
    Driver,
    EnergyMeter,
    PilotController,
    PilotTraits,
    Place,
    Post,
    Secc,
    Thermometer,
)
from hal.registry import make_bus, make_driver

log = logging.getLogger(__name__)

DATABASE = "station.db"

P = TypeVar("P")


class Parts:
    """The drivers of a board, by what they belong to."""

    def __init__(self) -> None:
        self.pilots: dict[int, PilotController] = {}
        self.meters: dict[int, EnergyMeter] = {}
        self.locks: dict[tuple[int, int], ConnectorLock] = {}
        self.seccs: dict[int, Secc] = {}
        self.all: list[Driver] = []


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
        try:
            bus = make_bus(kind, options, f"bus.{name}")
        except UnknownDriver as error:
            raise StartFailed(f"bus.{name}.kind: {error}") from None
        (self._kept if kind == "sim" else self._made)[name] = bus
        return bus


def build_parts(board: Board, buses: Buses, post: Post) -> Parts:
    """Make the drivers of a board; none has opened anything yet.

    Raises:
        StartFailed: a driver, bus or option that does not exist; the text names the place and the choices.

    """
    parts = Parts()
    try:
        for index, evse in enumerate(board.evse):
            _build_evse(parts, evse, index, buses, post)
        for index, reader in enumerate(board.reader):
            where = Place(f"reader[{index}]", reader.evse)
            parts.all.append(_make(reader, where, buses, post, Driver))  # type: ignore[type-abstract]
    except HalError as error:
        raise StartFailed(str(error)) from None
    return parts


def _build_evse(parts: Parts, evse: Evse, index: int, buses: Buses, post: Post) -> None:
    def place(name: str, connector: int = 1) -> Place:
        return Place(f"evse[{index}].{name}", evse.id, connector, evse.limit_a, evse.phases, evse.voltage_v)

    parts.pilots[evse.id] = _make(evse.pilot, place("pilot"), buses, post, PilotController)  # type: ignore[type-abstract]
    parts.all.append(parts.pilots[evse.id])
    if evse.meter is not None:
        parts.meters[evse.id] = _make(evse.meter, place("meter"), buses, post, EnergyMeter)  # type: ignore[type-abstract]
        parts.all.append(parts.meters[evse.id])
    if evse.bay is not None:
        parts.all.append(_make(evse.bay, place("bay"), buses, post, Driver))  # type: ignore[type-abstract]
    if evse.secc is not None:
        parts.seccs[evse.id] = _make(evse.secc, place("secc"), buses, post, Secc)  # type: ignore[type-abstract]
        parts.all.append(parts.seccs[evse.id])
    for number, each in enumerate(evse.thermometer):
        where = msgspec.structs.replace(place(f"thermometer[{number}]"), spot=each.spot)
        parts.all.append(_make(each, where, buses, post, Thermometer))  # type: ignore[type-abstract]
    for connector in evse.connectors:
        if connector.lock is not None:
            where = place(f"connectors[{connector.id - 1}].lock", connector.id)
            lock = _make(connector.lock, where, buses, post, ConnectorLock)  # type: ignore[type-abstract]
            parts.locks[evse.id, connector.id] = lock
            parts.all.append(lock)


def _make(part: Part | Reader | ThermometerPart, place: Place, buses: Buses, post: Post, port: type[P]) -> P:
    try:
        made = make_driver(part.driver, part.options, place, buses.get(part.bus), post)
    except UnknownDriver as error:
        raise StartFailed(f"{place.part}.driver: {error}") from None
    if not isinstance(made, port):
        raise StartFailed(f"{place.part}.driver: {part.driver!r} is no {port.__name__}")
    return made


def layouts_of(board: Board, parts: Parts) -> tuple[EvseLayout, ...]:
    """The EVSEs as the station thinks of them."""
    return tuple(_layout(index, evse, parts.pilots[evse.id].traits) for index, evse in enumerate(board.evse))


def _layout(index: int, evse: Evse, pilot: PilotTraits) -> EvseLayout:
    limit_a = min(evse.limit_a, pilot.max_a)
    return EvseLayout(
        id=evse.id,
        limit_a=limit_a,
        phases=evse.phases,
        voltage_v=evse.voltage_v,
        connectors=tuple(_connector_layout(connector) for connector in evse.connectors),
        has_meter=evse.meter is not None,
        has_bay=evse.bay is not None,
        has_secc=evse.secc is not None,
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


class PoweredStation:
    """Everything that lives while the power is on; ``cut`` ends it as a power cut does."""

    def __init__(
        self,
        board: Board,
        provision: Provision,
        data: Path,
        buses: Buses,
        tasks: asyncio.TaskGroup,
        *,
        log_memory: LogMemory,
        on_restart: Callable[[str], None],
    ) -> None:
        loop = asyncio.get_running_loop()
        self._tasks = tasks
        self._running: list[asyncio.Task[None]] = []
        self.data = data
        self.parts = build_parts(board, buses, self._post)
        entropy = Random()
        self.station = Station(
            layouts_of(board, self.parts),
            _identity(board, provision),
            entropy,
            defaults=_defaults(board, provision),
            readers=tuple(reader.evse for reader in board.reader),
            thermometers={evse.id: [each.spot for each in evse.thermometer] for evse in board.evse},
            network=network_setup(board, provision),
            monitors=presets_of(board),
        )
        declare_own(board, self.station.model)
        check_presets(board, self.station.model)
        check_defaults(board, provision, self.station.model)
        self._database = Database(data / DATABASE, lambda call: _hand_over(loop, call), self._store_state)
        self._database.flash.budget_bytes = board.storage.flash_bytes_a_day
        contents = self._open()
        self._tokens = TokenReader(data / DATABASE)
        self.station.desk.local_list.read = self._tokens.find
        self._records = contents.records
        self._spread = not board.control.bench  # a board on a bench is alone
        self._remark = f"memory lost: the database was damaged, kept as {contents.damaged}" if contents.damaged else ""
        self.clock = Clock(last_known_time(contents.records))
        target = target_of(board, provision)
        self.link = CsmsLink(
            outbox_from(contents, board.storage),
            entropy,
            offered=board.csms.protocols if target is None else target.subprotocols,
            ear=Ear(Tolerance(board.csms.tolerance)),
        )
        self.station.desk.waiting = self.link.outbox.waiting
        self.station.desk.clock_known = self.clock.known
        self.network = Network(target, _context_of(provision, self.clock), tasks)
        self.uploads = Uploads(
            Collector(data / DATABASE, log_memory, partial(pages_of, self.station)),
            _upload_context_of(provision),
            lambda call: _hand_over(loop, call),
            self._upload_ended,
        )
        self.loop = Loop(
            self.station,
            self.link,
            clock=self.clock,
            store=self._database,
            socket=self.network,
            hardware=self.parts,
            files=self.uploads,
            on_restart=on_restart,
        )
        self.network.listener = self.loop

    def _open(self) -> Any:
        try:
            return self._database.open()
        except OSError as error:
            raise StartFailed(f"{self.data}: {error}") from None

    def _post(self, event: Event) -> None:
        self.loop.post(event)

    def _upload_ended(self, event: UploadEnded) -> None:
        self.loop.post(event)

    def _store_state(self, works: bool, text: str) -> None:
        self.loop.store_state(works, text)

    def flash_status(self) -> dict[str, int]:
        """What was written to flash."""
        flash = self._database.flash
        return {
            "written_today_bytes": flash.today_bytes,
            "budget_bytes_a_day": flash.budget_bytes,
            "written_since_power_on_bytes": flash.since_power_on_bytes,
            "commits": flash.commits,
        }

    def power_on(self) -> None:
        """Start the drivers and connect."""
        self.loop.power_on(self._records, self._remark, spread=self._spread)
        self._records = {}
        for driver in self.parts.all:
            self._running.append(self._tasks.create_task(driver.run()))

    async def power_off(self) -> None:
        """Shut down as a stopped service does: what was handed in is on disk."""
        await self._end_tasks()
        self.network.close("the station stops")
        await asyncio.sleep(0)
        self.network.cut()
        self._tokens.close()
        self._database.close()

    async def cut(self) -> None:
        """The power is gone: no farewell, nothing flushed."""
        self.loop.stop()
        self.network.cut()
        self._tokens.close()
        self._database.cut_power()
        await self._end_tasks()

    async def _end_tasks(self) -> None:
        self.loop.stop()
        self.uploads.cancel()
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)


def outbox_from(contents: Contents, storage: Storage) -> Outbox:
    """The queue as it was left, with what was learned of the clocks of earlier starts."""
    shifts: dict[int, ClockShift] = {}
    for key, value in contents.records.items():
        if key.startswith(CLOCK_SHIFT):
            try:
                shifts[int(key.removeprefix(CLOCK_SHIFT))] = msgspec.json.decode(value, type=ClockShift)
            except ValueError as error:
                _unreadable(key, error)
    return Outbox(
        next_id=contents.next_id,
        waiting=contents.waiting,
        boot=contents.boot,
        clock_shifts=shifts,
        most_events=storage.events,
        most_bytes=storage.bytes,
    )


def last_known_time(records: Mapping[str, bytes]) -> datetime | None:
    """The last time of day that was known when an event was stored."""
    try:
        return datetime.fromisoformat(records[CLOCK_LAST].decode()) if CLOCK_LAST in records else None
    except ValueError as error:
        _unreadable(CLOCK_LAST, error)
        return None


def _unreadable(key: str, error: ValueError) -> None:
    """A record that another release wrote, or a sick disk: the station starts without it."""
    log.error("! record %s cannot be read: %s", key, error)


def _hand_over(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    """From the database's thread into the loop; a loop that has ended hears nothing."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(call)


def _identity(board: Board, provision: Provision) -> ChargingStation:
    return ChargingStation(
        model=provision.model or board.station.model,
        vendor_name=provision.vendor or board.station.vendor,
        serial_number=provision.serial or board.station.serial,
        firmware_version=provision.firmware_version or VERSION,
    )


def _defaults(board: Board, provision: Provision) -> dict[Spot, str]:
    defaults = {
        Spot(each.component, each.variable, each.instance, each.evse, each.connector): each.value
        for each in board.variable
    }
    for each in provision.variables or ():
        defaults[Spot(each.component, each.variable, each.instance, each.evse, each.connector)] = each.text()
    return defaults


def declare_own(board: Board, model: DeviceModel) -> None:
    """Add the components and variables of the board file to the device model.

    Raises:
        StartFailed: a description that contradicts itself, or a variable that is there already; the text has its place.

    """
    for number, component in enumerate(board.component):
        for index, each in enumerate(component.variables):
            place = f"component[{number}].variables[{index}]"
            try:
                variable = _own_variable(component.name, each)
            except ValueError as error:
                raise StartFailed(f"{place}.{error}") from None
            spot = Spot(
                component.name, each.name, each.instance, component.evse, component.connector, component.instance
            )
            if model.find(spot) is not None:
                raise StartFailed(f"{place}.name: {variable} is there already")
            model.declare(
                variable, evse=spot.evse, connector=spot.connector, component_instance=spot.component_instance
            )


def _own_variable(component: str, each: OwnVariable) -> Variable[Any]:
    return own_variable(
        component,
        each.name,
        each.type,
        value=each.value,
        unit=each.unit,
        low=each.low,
        high=each.high,
        values=each.values,
        mutability=each.mutability,
        instance=each.instance,
    )


def presets_of(board: Board) -> tuple[Preset, ...]:
    """The monitors that the board file brings along."""
    return tuple(
        Preset(
            Spot(each.component, each.variable, each.instance, each.evse, each.connector, each.component_instance),
            Setting(each.type, each.value, each.severity, each.transaction),
        )
        for each in board.monitor
    )


def check_presets(board: Board, model: DeviceModel) -> None:
    """See that every one of them can be set.

    Raises:
        StartFailed: a variable that is not there, that cannot be watched so, or that is; the text has its place.

    """
    presets = presets_of(board)
    for index, preset in enumerate(presets):
        slot = model.find(preset.spot)
        if slot is None:
            status, _ = model.read(preset.spot)
            raise StartFailed(f"monitor[{index}]: {status} {preset.spot.component}.{preset.spot.variable}")
        objection = objection_to(slot.variable, preset.setting)
        if objection is not None:
            raise StartFailed(f"monitor[{index}]: {objection.text}")
        if any(preset.duplicates(other) for other in presets[:index]):
            raise StartFailed(f"monitor[{index}]: {slot.variable} has one of this type and severity already")


def check_defaults(board: Board, provision: Provision, model: DeviceModel) -> None:
    """See that every first value was taken: a board file is corrected, a tester may ask for more than we have.

    Raises:
        StartFailed: a variable of the board file that is not there, or a value that it cannot have.

    """
    for index, each in enumerate(board.variable):
        if why := _refusal(each, each.value, model):
            raise StartFailed(f"variable[{index}]: {why}")
    for asked in provision.variables or ():
        if why := _refusal(asked, asked.text(), model):
            log.warning("! start: %s", why)
    model.take_changes()


def _refusal(asked: VariableDefault | VariableProvision, text: str, model: DeviceModel) -> str:
    spot = Spot(asked.component, asked.variable, asked.instance, asked.evse, asked.connector)
    status, why = model.write(spot, text, by_csms=False)
    taken = status in ("Accepted", "RebootRequired")
    return "" if taken else why or f"{status} {asked.component}.{asked.variable}"


def target_of(board: Board, provision: Provision) -> Target | None:
    """Where to connect; None when nobody has said."""
    url = provision.csms_url or board.csms.url
    if url is None:
        return None
    identity = provision.identity or board.csms.identity or board.station.serial or "CS001"
    protocols = SUBPROTOCOLS.get(provision.ocpp_version or "", board.csms.protocols)
    return Target(url, identity, protocols, provision.password)


def network_setup(board: Board, provision: Provision) -> NetworkSetup:
    """What the first configuration slot holds until the CSMS says something else, and what profiles may ask for."""
    target, factory = target_of(board, provision), None
    if target is not None:
        factory = NetworkProfile(FACTORY_SLOT, target.url, security_profile_of(provision, target))
    return NetworkSetup(
        factory=factory,
        interfaces=board.csms.interfaces,
        protocols=board.csms.protocols if target is None else target.subprotocols,
        has_certificate=provision.client_cert_file is not None,
    )


def security_profile_of(provision: Provision, target: Target) -> int:
    """As the station was provisioned, or as what it was given comes to."""
    if provision.security_profile is not None:
        return provision.security_profile
    if target.url.lower().startswith("wss:"):
        return 2 if provision.client_cert_file is None else 3
    return 0 if provision.password is None else 1


def _upload_context_of(provision: Provision) -> Callable[[], Any]:
    def make() -> Any:
        from agent.edge.tls import upload_context

        return upload_context(provision)

    return make


def _context_of(provision: Provision, clock: Clock) -> Callable[[], Any]:
    def make() -> Any:
        from agent.edge.tls import context_for  # TLS costs memory; a station without it does not pay

        return context_for(provision, clock_known=clock.known)

    return make
