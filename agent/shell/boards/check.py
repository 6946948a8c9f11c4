"""Everything that is wrong with a board file, each with its place.  Opens no device and starts nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from random import Random
from typing import Any

import msgspec

from agent.app import check_provision
from agent.errors import StartFailed
from agent.given import faults_of_defaults, faults_of_own, faults_of_presets
from agent.parts import Buses, build_parts, dc_faults
from agent.powered import station_of
from agent.provision import Provision
from agent.shell.boards.lines import AnyPart, Lines, Taken, sharing_faults, taken_by
from board.descriptor import (
    Board,
    BoardError,
    Evse,
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
    TokenReader,
)
from hal.registry import driver_class, make_driver

PORTS: dict[str, Any] = {
    "pilot": PilotController,
    "meter": EnergyMeter,
    "secc": Secc,
    "lock": ConnectorLock,
    "thermometer": Thermometer,
    "reader": TokenReader,
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
        notes = [f"{path}: mind: {note}" for note in notes_of(msgspec.convert(table, Board))]
        return [f"{path}: good: {_counted(table)}", *notes], True
    return [*(f"{path}: {fault}" for fault in faults), f"{path}: {_number(len(faults), 'fault')}"], False


def faults_in_board(table: dict[str, Any]) -> list[str]:
    """All of them, in the order: keys and ranges, lines, parts, contradictions, the device model."""
    faults = list(faults_in(table, Board, "$"))
    board = None if faults else msgspec.convert(table, Board)
    if board is None and (rest := mended(table, Board)) is not None:
        faults += faults_of_numbers(msgspec.convert(rest, Board))
    lines = Lines(table)
    faults += lines.faults
    faults += _part_faults(table, lines)
    faults += _dc_faults(table)
    fit = board is not None and not faults
    if board is not None:
        faults += faults_of(board)
        faults += _csms_faults(board)
    if fit and board is not None:
        faults += _model_faults(board)
    elif any(table.get(key) for key in ("variable", "component", "monitor")):
        faults.append(f"$: {REST_LATER}")
    return list(dict.fromkeys(faults))


def notes_of(board: Board) -> Iterator[str]:
    """What may be meant so in a board without faults, but not on most."""
    parts = build_parts(board, Buses(board, {}, {}), _unheard)
    for index, evse in enumerate(board.evse):
        most_a = parts.pilots[evse.id].traits.max_a
        if evse.meter is None:
            yield f"$.evse[{index}]: no meter: no energy is measured, none can be billed"
        if most_a < evse.limit_a:
            yield f"$.evse[{index}].limit_a: {evse.limit_a:g}; {evse.pilot.driver!r} offers at most {most_a:g} A"
    if board.control.bench:
        yield "$.control.bench: vehicle and driver can be played; not for a product"


def _part_faults(table: dict[str, Any], lines: Lines) -> Iterator[str]:
    on_line: dict[str, list[tuple[str, AnyPart]]] = {}
    taken: Taken = {}
    for where, part in _parts_in(table):
        if part.bus is not None and part.bus not in lines.named:
            yield f"{where}.bus: no bus {part.bus!r}; buses: {', '.join(sorted(lines.named)) or 'none'}"
        elif part.bus is not None:
            on_line.setdefault(part.bus, []).append((where, part))
        yield from _driver_faults(where, part, lines, taken)
    for name, parts in on_line.items():
        if getattr(lines.made.get(name), "exclusive", False):
            yield from sharing_faults(name, parts)


def _parts_in(table: dict[str, Any]) -> Iterator[tuple[str, AnyPart]]:
    for where, each in tables_in(table, Board, "$"):
        if {"driver", "bus", "options"} <= set(each.__struct_fields__):
            yield where, each


def _dc_faults(table: dict[str, Any]) -> Iterator[str]:
    for where, evse in tables_in(table, Board, "$"):
        if isinstance(evse, Evse):
            with suppress(UnknownDriver):  # told with the parts
                runs_dc = hasattr(driver_class(evse.pilot.driver), "tell_supply")
                yield from dc_faults(where, evse, runs_dc=runs_dc)


def _driver_faults(where: str, part: AnyPart, lines: Lines, taken: Taken) -> Iterator[str]:
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
    if unit is not None and (first := taken_by(where, part, unit, taken)):
        yield f"{where}.options.unit: {unit} on bus {part.bus!r} is {first}"
    for line in getattr(made, "lines", ()):
        if first := taken_by(where, part, line, taken):
            yield f"{where}.options: line {line!r} of bus {part.bus!r} is taken by {first}"


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
