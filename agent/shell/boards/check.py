"""Everything that is wrong with a board file, each with its place.  Opens no device and starts nothing."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import msgspec

from agent.app import check_provision
from agent.errors import StartFailed
from agent.given import faults_of_defaults, faults_of_own, faults_of_presets
from agent.parts import Buses, build_parts
from agent.powered import station_of
from agent.provision import Provision
from board.descriptor import (
    Board,
    BoardError,
    faults_of,
    faults_of_numbers,
    find_board,
    read_table,
)
from board.walk import faults_in, mended, tables_in
from hal.errors import HalError, UnknownDriver
from hal.ports import (
    ConnectorLock,
    DcSource,
    EnergyMeter,
    InsulationMonitor,
    PilotController,
    Place,
    ResidualCurrentMonitor,
    SafetyInput,
    Secc,
    Thermometer,
)
from hal.registry import bus_class, driver_class, make_bus, make_driver

AnyPart = Any
"""A table of the board file that names a driver, a bus and options."""

PORTS: dict[str, Any] = {
    "pilot": PilotController,
    "meter": EnergyMeter,
    "secc": Secc,
    "lock": ConnectorLock,
    "thermometer": Thermometer,
    "rcd": ResidualCurrentMonitor,
    "supply": DcSource,
    "insulation": InsulationMonitor,
    "safety": SafetyInput,
}
"""What a part must be, by the last word of its place; a part that is not here may be any."""

REST_LATER = "variables, components and monitors are looked at when the rest is right"


def check(names: list[str]) -> tuple[list[str], int]:
    """What to print of these files, and the exit status: 2 when one of them cannot be used."""
    lines: list[str] = []
    status = 0
    for name in names:
        told, good = _check_file(name)
        lines += told
        status = status if good else 2
    return lines, status


def _check_file(name: str) -> tuple[list[str], bool]:
    try:
        path = find_board(name)
        table = read_table(path)
    except BoardError as error:
        return [str(error)], False
    faults = faults_in_board(table)
    if not faults:
        return [f"{path}: good: {_counted(table)}"], True
    return [*(f"{path}: {fault}" for fault in faults), f"{path}: {_number(len(faults), 'fault')}"], False


def faults_in_board(table: dict[str, Any]) -> list[str]:
    """All of them, in the order: keys and ranges, lines, parts, contradictions, the device model."""
    faults = list(faults_in(table, Board, "$"))
    board = None if faults else msgspec.convert(table, Board)
    if board is None and (rest := mended(table, Board)) is not None:
        faults += faults_of_numbers(msgspec.convert(rest, Board))
    lines = _Lines(table)
    faults += lines.faults
    faults += _part_faults(table, lines)
    fit = board is not None and not faults
    if board is not None:
        faults += faults_of(board)
        faults += _csms_faults(board)
    if fit and board is not None:
        faults += _model_faults(board)
    elif any(table.get(key) for key in ("variable", "component", "monitor")):
        faults.append(f"$: {REST_LATER}")
    return list(dict.fromkeys(faults))


class _Lines:
    """The buses of a file: their faults, and those that can be made."""

    def __init__(self, table: dict[str, Any]) -> None:
        found = table.get("bus")
        self.named: dict[str, Any] = found if isinstance(found, dict) else {}
        self.made: dict[str, Any] = {}
        self.faults: list[str] = []
        self._owners: dict[str, str] = {}
        for name, bus in self.named.items():
            if isinstance(bus, dict):
                self.faults += self._look(name, bus)

    def _look(self, name: str, bus: dict[str, Any]) -> Iterator[str]:
        where = f"$.bus.{name}"
        options = {key: value for key, value in bus.items() if key != "kind"}
        if "kind" not in bus:
            yield f"{where}: missing key 'kind'"
            return
        try:
            kind = bus_class(str(bus["kind"]))
        except UnknownDriver as error:
            yield f"{where}.kind: {error}"
            return
        faults = list(faults_in(options, kind.Config, where))
        yield from faults
        if not faults:
            self.made[name] = make_bus(str(bus["kind"]), options, where)
            yield from self._shared_device(name, options, where)

    def _shared_device(self, name: str, options: dict[str, Any], where: str) -> Iterator[str]:
        """A device is opened by one bus."""
        for key in ("device", "match"):
            if key in options:
                owner = self._owners.setdefault(f"{key} {options[key]}", name)
                if owner != name:
                    yield f"{where}.{key}: {options[key]!r} is what bus {owner!r} opens"


def _part_faults(table: dict[str, Any], lines: _Lines) -> Iterator[str]:
    on_line: dict[str, list[tuple[str, AnyPart]]] = {}
    units: dict[tuple[str | None, str, int], str] = {}
    for where, part in _parts_in(table):
        if part.bus is not None and part.bus not in lines.named:
            yield f"{where}.bus: no bus {part.bus!r}; buses: {', '.join(sorted(lines.named)) or 'none'}"
        elif part.bus is not None:
            on_line.setdefault(part.bus, []).append((where, part))
        yield from _driver_faults(where, part, lines, units)
    for name, parts in on_line.items():
        if getattr(lines.made.get(name), "exclusive", False):
            yield from _sharing_faults(name, parts)


def _parts_in(table: dict[str, Any]) -> Iterator[tuple[str, AnyPart]]:
    for where, each in tables_in(table, Board, "$"):
        if {"driver", "bus", "options"} <= set(each.__struct_fields__):
            yield where, each


def _sharing_faults(name: str, parts: list[tuple[str, AnyPart]]) -> Iterator[str]:
    """A line of one part may be shared by different parts of one device."""
    (first, first_part), *others = parts
    seen = [(first_part.driver, first_part.options)]
    for where, part in others:
        line = _line_type(part)
        if line is None or line is not _line_type(first_part):
            yield f"{where}.bus: bus {name!r} belongs to one part, and {first} is on it"
        elif (part.driver, part.options) in seen:
            yield f"{where}: {part.driver!r} with these options is on bus {name!r} already"
        seen.append((part.driver, part.options))


def _line_type(part: AnyPart) -> object:
    """What the drivers of one device with several parts share a line through; None: they have it for themselves."""
    try:
        return getattr(driver_class(part.driver), "line_type", None)
    except UnknownDriver:
        return None


def _driver_faults(
    where: str, part: AnyPart, lines: _Lines, units: dict[tuple[str | None, str, int], str]
) -> Iterator[str]:
    try:
        driver = driver_class(part.driver)
    except UnknownDriver as error:
        yield f"{where}.driver: {error}"
        return
    faults = list(faults_in(part.options, driver.Config, f"{where}.options"))
    yield from faults
    if faults or (part.bus is not None and part.bus not in lines.made):
        return
    try:
        made = make_driver(part.driver, part.options, Place(where, 1), lines.made.get(part.bus or ""), _unheard)
    except HalError as error:
        yield str(error)
        return
    port = PORTS.get(where.rpartition(".")[2].partition("[")[0])
    if port is not None and not isinstance(made, port):
        yield f"{where}.driver: {part.driver!r} is no {port.__name__}"
    unit = getattr(msgspec.convert(part.options, driver.Config), "unit", None)
    if unit is not None:
        first = units.setdefault((part.bus, part.driver, unit), where)
        if first != where:
            yield f"{where}.options.unit: {unit} on bus {part.bus!r} is {first}"


def _csms_faults(board: Board) -> Iterator[str]:
    try:
        check_provision(Provision(), board)
    except StartFailed as error:
        yield f"$.csms.url: {str(error).removeprefix('csms: ')}"


def _model_faults(board: Board) -> Iterator[str]:
    """What the device model of this board does not take."""
    try:
        parts = build_parts(board, Buses(board, {}, {}), _unheard)
        model = station_of(board, parts, Provision(), Random(0)).model
    except StartFailed as error:
        yield f"$.{error}"
        return
    for faults in (faults_of_own, faults_of_presets, faults_of_defaults):
        yield from (f"$.{fault}" for fault in faults(board, model))


def _unheard(event: object) -> None:
    """Nothing runs, so nothing is said."""


def _counted(table: dict[str, Any]) -> str:
    parts = len(list(_parts_in(table)))
    buses = _number(len(table.get("bus", ())), "bus", "buses")
    return f"{_number(len(table['evse']), 'EVSE')}, {_number(parts, 'part')} on {buses}"


def _number(count: int, one: str, many: str = "") -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"
