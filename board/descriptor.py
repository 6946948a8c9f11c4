"""A board file, read and checked: which parts, on which wires, within which limits.  Knows no driver by name."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from re import sub
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

Amps = Annotated[float, Meta(ge=6, le=500)]
LimitAmps = Annotated[float, Meta(ge=0, le=500)]
EachPhase = Annotated[tuple[LimitAmps, ...], Meta(min_length=1, max_length=3)]
Celsius = Annotated[float, Meta(ge=-50, le=200)]
Lease = Annotated[float, Meta(gt=0, le=31_536_000)]
Name = Annotated[str, Meta(min_length=1, max_length=50)]


class BoardError(Exception):
    """A board file that cannot be used; the text names the file, the place and the choices."""


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class Station(_Table, frozen=True, kw_only=True):
    """What BootNotification says of the station; lengths as OCPP bounds them."""

    vendor: Name
    model: Annotated[str, Meta(min_length=1, max_length=20)]
    serial: Annotated[str, Meta(max_length=25)] | None = None


class Csms(_Table, frozen=True, kw_only=True):
    """Where to connect when nothing else is said; the data directory and the command line win over it."""

    url: str | None = None
    identity: Annotated[str, Meta(min_length=1, max_length=48)] | None = None
    protocols: tuple[Literal["ocpp2.0.1", "ocpp2.1"], ...] = ("ocpp2.0.1",)
    tolerance: Literal["off", "known", "all"] = "known"
    key: Literal["P-256", "RSA-2048", "RSA-3072"] = "P-256"
    interfaces: tuple[
        Literal["Wired0", "Wired1", "Wired2", "Wired3", "Wireless0", "Wireless1", "Wireless2", "Wireless3"], ...
    ] = ("Wired0",)


class Storage(_Table, frozen=True, kw_only=True):
    """Budgets of the ledger and of the flash.  Over ``events`` or ``bytes`` intermediate readings are thinned out."""

    events: Annotated[int, Meta(ge=1000, le=10_000_000)] = 100_000
    bytes: Annotated[int, Meta(ge=1_000_000, le=100_000_000_000)] = 100_000_000
    flash_bytes_a_day: Annotated[int, Meta(ge=1_000_000)] = 200_000_000


class Firmware(_Table, frozen=True, kw_only=True):
    """Whose signed updates are taken beside those of the authorities that the CSMS installs (``roots``: a PEM file)."""

    roots: str | None = None
    most_bytes: Annotated[int, Meta(ge=1_000_000, le=100_000_000_000)] = 1_000_000_000


class Control(_Table, frozen=True, kw_only=True):
    """``bench`` offers the commands that play vehicle and driver: simulated boards only, never a product."""

    bench: bool = False


class Part(_Table, frozen=True, kw_only=True):
    """A driver, the bus it sits on, and its options (checked by the driver)."""

    driver: str
    bus: str | None = None
    options: dict[str, Any] = {}


class Connector(_Table, frozen=True, kw_only=True):
    """A socket, or a cable that is permanently attached.  ``type`` as OCPP spells connector types."""

    id: Annotated[int, Meta(ge=1, le=99)] = 1
    type: str = "cType2"
    attached: bool = True
    lock: Part | None = None


class Limit(_Table, frozen=True, kw_only=True):
    """What holds of a source of limits while it is silent: from power-on, and ``lease_s`` after it spoke last."""

    source: Literal["local", "site"]
    fallback_a: LimitAmps | EachPhase
    phases: Literal[1, 2, 3] | None = None
    lease_s: Lease | None = None


class Derate(_Table, frozen=True, kw_only=True):
    """From ``from_c`` to ``to_c`` the current falls in a line to ``to_a``, from ``stop_c`` on there is none."""

    from_c: Celsius
    to_c: Celsius
    stop_c: Celsius
    to_a: LimitAmps = 6.0
    hysteresis_c: Annotated[float, Meta(ge=0, le=50)] = 3.0
    lease_s: Lease = 60.0
    fallback_a: LimitAmps = 6.0


class Thermometer(_Table, frozen=True, kw_only=True):
    """A thermometer of an EVSE, and how much current its spot takes away when it is hot."""

    spot: Name
    driver: str
    bus: str | None = None
    options: dict[str, Any] = {}
    derate: Derate | None = None


class Evse(_Table, frozen=True, kw_only=True):
    """One EVSE: its limits as wired, its parts."""

    id: Annotated[int, Meta(ge=1, le=999)]
    limit_a: Amps = 32.0
    phases: Literal[1, 2, 3] = 3
    voltage_v: Annotated[float, Meta(ge=50, le=1500)] = 230.0
    connectors: tuple[Connector, ...] = (Connector(),)
    pilot: Part
    meter: Part | None = None
    bay: Part | None = None
    secc: Part | None = None
    rcd: Part | None = None
    supply: Part | None = None
    insulation: Part | None = None
    limit: tuple[Limit, ...] = ()
    thermometer: tuple[Thermometer, ...] = ()


class Reader(_Table, frozen=True, kw_only=True):
    """A token reader; ``evse`` 0 belongs to the whole station."""

    driver: str
    bus: str | None = None
    options: dict[str, Any] = {}
    evse: Annotated[int, Meta(ge=0, le=999)] = 0


class Safety(Reader, frozen=True, kw_only=True):
    """What watches over the station or an EVSE: emergency stop, door, tilt, water, the contact of a contactor."""


class VariableDefault(_Table, frozen=True, kw_only=True):
    """A first value for a variable of the device model; what is stored wins."""

    component: str
    variable: str
    value: str
    evse: int | None = None
    connector: int | None = None
    instance: str | None = None


class OwnVariable(_Table, frozen=True, kw_only=True):
    """A variable that only this board has: told to the CSMS, set by it and kept; ``low``, ``high`` bound a number."""

    name: Name
    type: Literal["string", "decimal", "integer", "dateTime", "boolean", "OptionList", "SequenceList", "MemberList"]
    value: str | None = None
    instance: Name | None = None
    unit: Annotated[str, Meta(max_length=16)] = ""
    low: float | None = None
    high: float | None = None
    values: tuple[str, ...] = ()
    mutability: Literal["ReadOnly", "WriteOnly", "ReadWrite"] = "ReadWrite"


class Component(_Table, frozen=True, kw_only=True):
    """A component that only this board has, or one that gets more variables here."""

    name: Name
    instance: Name | None = None
    evse: Annotated[int, Meta(ge=1, le=999)] | None = None
    connector: Annotated[int, Meta(ge=1, le=99)] | None = None
    variables: Annotated[tuple[OwnVariable, ...], Meta(min_length=1)]


class Monitor(_Table, frozen=True, kw_only=True):
    """A monitor that the manufacturer sets on a variable; the CSMS may replace and clear it."""

    component: Name
    variable: Name
    type: Literal["UpperThreshold", "LowerThreshold", "Delta", "Periodic", "PeriodicClockAligned"]
    value: float
    severity: Annotated[int, Meta(ge=0, le=9)] = 5
    transaction: bool = False
    evse: int | None = None
    connector: int | None = None
    instance: str | None = None
    component_instance: str | None = None


class Board(_Table, frozen=True, kw_only=True):
    """A whole board."""

    station: Station
    csms: Csms = Csms()
    control: Control = Control()
    storage: Storage = Storage()
    firmware: Firmware = Firmware()
    bus: dict[str, dict[str, Any]] = {}
    evse: Annotated[tuple[Evse, ...], Meta(min_length=1)]
    reader: tuple[Reader, ...] = ()
    safety: tuple[Safety, ...] = ()
    variable: tuple[VariableDefault, ...] = ()
    component: tuple[Component, ...] = ()
    monitor: tuple[Monitor, ...] = ()


def find_board(name: str) -> Path:
    """The file of a board: a path, or the name of one that ships with the agent.

    Raises:
        BoardError: there is none; the text lists those that ship.

    """
    path = Path(name)
    shipped = Path(__file__).parent
    for candidate in (path, shipped / path.name, shipped / f"{name}.toml"):
        if candidate.is_file():
            return candidate
    names = ", ".join(file.stem for file in shipped_boards())
    raise BoardError(f"{name}: no such board file; boards that ship: {names}")


def shipped_boards() -> list[Path]:
    """The board files that come with the agent, by name."""
    return sorted(Path(__file__).parent.glob("*.toml"))


def read_board(path: Path) -> Board:
    """Read and check a board file.

    Raises:
        BoardError: not readable, not TOML, an unknown key, a value out of range, a number used twice.

    """
    table = read_table(path)
    try:
        board = msgspec.convert(table, Board)
    except msgspec.ValidationError as error:
        raise BoardError(f"{path}: {error}{_choices(str(error))}") from None
    for fault in faults_of(board):
        raise BoardError(f"{path}: {fault}")
    return board


def read_table(path: Path) -> dict[str, Any]:
    """The TOML of a board file, as it stands there.

    Raises:
        BoardError: not readable, not TOML.

    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BoardError(f"{path}: cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise BoardError(f"{path}: not TOML: {error}") from None


def faults_of(board: Board) -> Iterator[str]:
    """Everything that contradicts itself in a board whose keys and ranges are right, each with its place."""
    yield from faults_of_numbers(board)
    yield from _check_buses(board)
    yield from _check_limits(board)
    yield from _check_components(board)


_TABLES: dict[str, type[_Table]] = {
    "": Board,
    "station": Station,
    "csms": Csms,
    "control": Control,
    "storage": Storage,
    "evse": Evse,
    "limit": Limit,
    "thermometer": Thermometer,
    "derate": Derate,
    "connectors": Connector,
    "reader": Reader,
    "safety": Safety,
    "variable": VariableDefault,
    "component": Component,
    "variables": OwnVariable,
    "monitor": Monitor,
    "pilot": Part,
    "meter": Part,
    "lock": Part,
    "bay": Part,
    "secc": Part,
    "rcd": Part,
    "supply": Part,
    "insulation": Part,
}


def _choices(text: str) -> str:
    """The keys that the table named in a msgspec error knows, for an unknown or a missing key."""
    if "field" not in text:
        return ""
    place = text.rpartition("$")[2].rstrip("`")
    last = [word for word in sub(r"\[[^]]*\]", "", place).split(".") if word]
    table = _TABLES.get(last[-1] if last else "")
    return f"; keys: {', '.join(table.__struct_fields__)}" if table else ""


def faults_of_numbers(board: Board) -> Iterator[str]:
    """Numbers out of order, a lock of a cable that is attached, readers of an EVSE that is not there."""
    numbers = [evse.id for evse in board.evse]
    if numbers != list(range(1, len(numbers) + 1)):
        yield f"$.evse[...].id: EVSEs are numbered 1, 2, 3... in order, not {numbers}"
    for index, evse in enumerate(board.evse):
        ids = [connector.id for connector in evse.connectors]
        if ids != list(range(1, len(ids) + 1)):
            yield f"$.evse[{index}].connectors: numbered 1, 2, 3... in order, not {ids}"
        for number, connector in enumerate(evse.connectors):
            if connector.attached and connector.lock is not None:
                yield f"$.evse[{index}].connectors[{number}].lock: a cable that is attached has no lock"
    for name, parts in (("reader", board.reader), ("safety", board.safety)):
        for index, part in enumerate(parts):
            if part.evse not in (0, *numbers):
                yield f"$.{name}[{index}].evse: no evse {part.evse}; there are 0 (all), {numbers}"


def _check_limits(board: Board) -> Iterator[str]:
    for index, evse in enumerate(board.evse):
        where = f"$.evse[{index}]"
        yield from _check_once([each.source for each in evse.limit], f"{where}.limit[...].source")
        yield from _check_once([each.spot for each in evse.thermometer], f"{where}.thermometer[...].spot")
        for number, limit in enumerate(evse.limit):
            yield from _check_limit(limit, evse, f"{where}.limit[{number}]")
        for number, thermometer in enumerate(evse.thermometer):
            if thermometer.derate is not None:
                yield from _check_derate(thermometer.derate, evse, f"{where}.thermometer[{number}].derate")


def _check_once(names: list[str], where: str) -> Iterator[str]:
    twice = dict.fromkeys(name for name in names if names.count(name) > 1)
    yield from (f"{where}: {name!r} is there twice" for name in twice)


def _check_limit(limit: Limit, evse: Evse, where: str) -> Iterator[str]:
    if isinstance(limit.fallback_a, tuple) and len(limit.fallback_a) != evse.phases:
        yield f"{where}.fallback_a: {len(limit.fallback_a)} currents; the EVSE has {evse.phases} phases"
    if limit.phases is not None and limit.phases > evse.phases:
        yield f"{where}.phases: {limit.phases}; the EVSE has {evse.phases}"


def _check_derate(derate: Derate, evse: Evse, where: str) -> Iterator[str]:
    if not derate.from_c < derate.to_c <= derate.stop_c:
        found = f"{derate.from_c:g}, {derate.to_c:g}, {derate.stop_c:g}"
        yield f"{where}: from_c < to_c <= stop_c, not {found}"
    for name, amps in (("to_a", derate.to_a), ("fallback_a", derate.fallback_a)):
        if amps > evse.limit_a:
            yield f"{where}.{name}: {amps:g} is more than the EVSE's limit_a, {evse.limit_a:g}"


def _check_components(board: Board) -> Iterator[str]:
    for index, each in enumerate(board.component):
        if each.connector is not None and each.evse is None:
            yield f"$.component[{index}].connector: {each.connector} of which evse?"
        if each.evse is None:
            continue
        if each.evse > len(board.evse):
            yield f"$.component[{index}].evse: no evse {each.evse}; there are {len(board.evse)}"
            continue
        there = len(board.evse[each.evse - 1].connectors)
        if each.connector is not None and each.connector > there:
            yield f"$.component[{index}].connector: no {each.connector}; there are {there}"


def _check_buses(board: Board) -> Iterator[str]:
    for place, part in parts_of(board):
        if part.bus is not None and part.bus not in board.bus:
            known = ", ".join(sorted(board.bus)) or "none"
            yield f"$.{place}.bus: no bus {part.bus!r}; buses: {known}"
    for name, bus in board.bus.items():
        if "kind" not in bus:
            yield f"$.bus.{name}: missing key 'kind'"


def parts_of(board: Board) -> list[tuple[str, Part | Reader | Thermometer]]:
    """Every part with its place in the file, in the order of the file."""
    found: list[tuple[str, Part | Reader | Thermometer]] = []
    for index, evse in enumerate(board.evse):
        found.append((f"evse[{index}].pilot", evse.pilot))
        for name in ("meter", "bay", "secc", "rcd", "supply", "insulation"):
            part: Part | None = getattr(evse, name)
            if part is not None:
                found.append((f"evse[{index}].{name}", part))
        found += ((f"evse[{index}].thermometer[{number}]", each) for number, each in enumerate(evse.thermometer))
        for number, connector in enumerate(evse.connectors):
            if connector.lock is not None:
                found.append((f"evse[{index}].connectors[{number}].lock", connector.lock))
    found.extend((f"reader[{index}]", reader) for index, reader in enumerate(board.reader))
    found.extend((f"safety[{index}]", each) for index, each in enumerate(board.safety))
    return found
