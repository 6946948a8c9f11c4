"""The tables of the documentation, made from what runs: boards, parts, messages, variables, imports, figures.

``python -m tests.tools.docs_tables`` rewrites what stands between the marks; a test fails when it would change a file.
A mark is ``<!-- table: NAME ... -->``, the table ends at ``<!-- end of table -->``.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields
from datetime import datetime
from functools import cache
from importlib import import_module
from inspect import cleandoc
from pathlib import Path
from random import Random
from typing import Any

import msgspec
from msgspec import NODEFAULT, inspect

from agent import provision
from agent.model.catalogue import STATION_VARIABLES
from agent.model.device import Slot
from agent.model.variable import Variable
from agent.ocpp.messages.actions import ACTIONS, ACTIONS_SINCE_21
from agent.ocpp.messages.b_provisioning import ChargingStation
from agent.parts import Buses, build_parts
from agent.session.connector import ConnectorLayout
from agent.session.dc import DcLayout
from agent.session.layout import EvseLayout
from agent.shell.boards.words import silence_words
from agent.station import Station
from board import descriptor
from board.descriptor import Board, Evse, Part, parts_of, read_board
from hal.bus import sim
from hal.drivers.rtu_meter import RtuMeter
from hal.drivers.signing_meter import SigningMeter
from hal.drivers.sim_part import SimPart
from hal.ports import PilotTraits
from hal.registry import BUSES, DRIVERS
from tests.emulators import EMULATORS
from tests.house.test_imports import MAY_IMPORT
from tests.perf.report import Figure, Goal, number

ROOT = Path(__file__).parents[2]
FIGURES = ROOT / "docs" / "figures.json"
MARKED = re.compile(
    r"(<!-- table: (?P<name>[a-z]+)(?: (?P<of>\w+))? [^>]*-->\n).*?(?=<!-- end of table -->)", re.DOTALL
)

Row = Sequence[str]


def documents() -> Iterator[Path]:
    """Every page that may have a table."""
    yield from sorted(ROOT.glob("*.md"))
    yield from sorted((ROOT / "docs").rglob("*.md"))


def rendered(text: str) -> str:
    """The page with its tables made anew."""
    return MARKED.sub(lambda mark: f"{mark[1]}\n{made(mark['name'], mark['of'])}\n\n", text)


def made(name: str, of: str | None) -> str:
    """One table.

    Raises:
        KeyError: there is no table of this name.

    """
    return TABLES[name]() if of is None else TABLES_OF[name](of)


def table(heading: Row, rows: Iterable[Row]) -> str:
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join("| " + " | ".join(cell or "-" for cell in line) + " |" for line in lines)


def code(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


# ---- boards and parts ----


def boards() -> dict[str, Board]:
    return {path.stem: read_board(path) for path in sorted((ROOT / "board").glob("*.toml"))}


def boards_table() -> str:
    heading = ("board file", "EVSE: phases x limit", "pilot and contactor", "meter", "other parts", "`bench` commands")
    return table(heading, (board_row(name, board) for name, board in boards().items()))


def board_row(name: str, board: Board) -> Row:
    others = [part.driver for place, part in parts_of(board) if not place.endswith((".pilot", ".meter"))]
    return (
        f"[`board/{name}.toml`](board/{name}.toml) ([page](docs/boards/{name}.md))",
        ", ".join(evse_words(evse) for evse in board.evse),
        drivers_of(evse.pilot for evse in board.evse),
        drivers_of(evse.meter for evse in board.evse),
        code(dict.fromkeys(others)),
        "yes" if board.control.bench else "no",
    )


def evse_words(evse: Evse) -> str:
    return f"{evse.id}: {evse.phases} x {evse.limit_a:g} A"


def drivers_of(parts: Iterable[Part | None]) -> str:
    return code(dict.fromkeys(part.driver for part in parts if part is not None))


def parts_table() -> str:
    return table(("driver", "part", "bus", "tested against"), (part_row(name, target) for name, target in known()))


def part_row(name: str, target: str) -> Row:
    module = import_module(target.partition(":")[0])
    emulator = EMULATORS.get(name, "hal.bus.sim:").partition(":")[0].replace(".", "/") + ".py"
    bus = code(filter(None, [getattr(class_at(target).bus_type, "kind", None)]))  # a part may need none
    return f"`{name}`", sentence(module).rstrip("."), bus, f"`{emulator}`"


def known() -> Iterator[tuple[str, str]]:
    """The drivers, those of real parts first."""
    return iter(sorted(DRIVERS.items(), key=lambda item: (issubclass(class_at(item[1]), SimPart), item[0])))


def meters_table() -> str:
    """Meters on a Modbus line: what is asked of each, what it tells, what it signs."""
    heading = ("driver", "meter", "unit as delivered", "asked for", "tells", "signs sessions")
    meters = [(name, meter) for name, target in sorted(DRIVERS.items()) if is_meter(meter := class_at(target))]
    return table(heading, (meter_row(name, meter) for name, meter in meters))


def is_meter(part: Any) -> bool:
    return isinstance(part, type) and issubclass(part, RtuMeter)


def meter_row(name: str, meter: type[RtuMeter]) -> Row:
    function = "function 3" if meter.reads == "holding" else "function 4"
    asked = ", ".join(f"{block.count} words at {block.address}" for block in meter.requests)
    told = dict.fromkeys(register.quantity for block in meter.requests for register in block.registers)
    unit = next(field.default for field in msgspec.structs.fields(meter.Config) if field.name == "unit")
    return (
        f"`{name}`",
        meter.model,
        str(unit),
        f"{function}: {asked}",
        code(told),
        "yes" if issubclass(meter, SigningMeter) else "no",
    )


@cache
def class_at(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)


def sentence(thing: Any) -> str:
    """The first sentence of what it says of itself."""
    return re.split(r"(?<=\.)\s", cleandoc(thing.__doc__))[0].replace("\n", " ").replace("``", "`")


def silence_table() -> str:
    """What every board does when the host goes silent, as the drivers declare it."""
    rows = (row for name, board in boards().items() for row in silence_rows(name, board))
    return table(("board", "EVSE", "driver", "when the host goes silent", "offers"), rows)


def silence_rows(name: str, board: Board) -> Iterator[Row]:
    pilots = build_parts(board, Buses(board, {}, {}), lambda event: None).pilots
    for evse in board.evse:
        traits = pilots[evse.id].traits
        yield f"`{name}`", str(evse.id), f"`{evse.pilot.driver}`", silence(traits), offer(traits)


def silence(traits: PilotTraits) -> str:
    return re.sub("^(stops|continues|goes on charging)", r"**\1**", silence_words(traits))


def offer(traits: PilotTraits) -> str:
    return f"{traits.min_a:g} to {traits.max_a:g} A"


def options_table(name: str) -> str:
    """The options of a driver or of a bus in a board file."""
    return fields_table(class_at({**DRIVERS, **BUSES}[name]).Config)


def keys_table(name: str) -> str:
    """The keys of a table of the board file."""
    return fields_table(next(getattr(module, name) for module in (descriptor, provision, sim) if hasattr(module, name)))


def fields_table(kind: Any) -> str:
    told: Any = inspect.type_info(kind)
    return table(("key", "value", "default"), (field_row(field) for field in told.fields))


def field_row(field: inspect.Field) -> Row:
    words = kind_words(field.type)
    shown = field.default not in (NODEFAULT, None) and "table" not in words
    default = f"`{json.dumps(msgspec.to_builtins(field.default))}`" if shown else ""
    return f"`{field.name}`", words, "required" if field.required else default


def kind_words(kind: Any) -> str:
    match kind:
        case inspect.UnionType(types=types):
            return " or ".join(kind_words(each) for each in types if not isinstance(each, inspect.NoneType))
        case inspect.LiteralType(values=values):
            return code(json.dumps(value) for value in values)
        case inspect.VarTupleType(item_type=inspect.StructType()):
            return "list of tables"
        case inspect.VarTupleType(item_type=item):
            return f"list of {kind_words(item)}"
        case inspect.StructType() | inspect.DictType():
            return "table"
        case inspect.BoolType():
            return "`true`, `false`"
        case inspect.StrType(min_length=low, max_length=high):
            return "text" if high is None else f"text, {f'{low} to' if low else 'at most'} {high} characters"
    return number_words(kind)


def number_words(kind: inspect.IntType | inspect.FloatType) -> str:
    name = "whole number" if isinstance(kind, inspect.IntType) else "number"
    if kind.gt is not None:
        name += f" above {_plain(kind.gt)}"
    if kind.ge is not None:
        name += f", at least {_plain(kind.ge)}" if kind.le is None else f", {_plain(kind.ge)} to {_plain(kind.le)}"
    elif kind.le is not None:
        name += f", at most {_plain(kind.le)}"
    return name


def _plain(number: float) -> str:
    return str(number) if isinstance(number, int) else f"{number:.9g}"


# ---- OCPP ----


@cache
def station() -> Station:
    """A station with an EVSE that has every part, and one for direct current, as the agent makes it."""
    socket = ConnectorLayout(attached=False, has_lock=True)
    identity = ChargingStation(model="-", vendor_name="-", serial_number="-", firmware_version="-")
    evse = EvseLayout(1, connectors=(socket,), has_bay=True, has_rcd=True)
    direct = EvseLayout(2, dc=DcLayout(1000))
    return Station((evse, direct), identity, Random(0), readers=(0,), thermometers={1: ("inlet",)})


def answered() -> set[str]:
    """What the CSMS may ask, by the blocks' own tables."""
    return {request.action for block in station().blocks for request in block.calls}


@cache
def sent() -> frozenset[str]:
    """What the station asks: the requests that its blocks build."""
    built = {name for path in (ROOT / "agent" / "blocks").glob("*.py") for name in calls_in(path)}
    listened = {request.action for block in station().blocks for request in block.answers}
    found = frozenset(name.removesuffix("Request") for name in built if name.removesuffix("Request") in ACTIONS)
    assert listened <= found, f"answers to what nobody sends: {listened - found}"
    return found


def calls_in(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, (ast.Name, ast.Attribute)):
            name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            if name.endswith("Request"):
                yield name


def messages_table() -> str:
    blocks: dict[str, list[str]] = defaultdict(list)
    for action in sorted(set(ACTIONS) - ACTIONS_SINCE_21):
        blocks[ACTIONS[action]].append(action)
    heading = ("block", "answered (the CSMS asks)", "sent (the station asks)", "not there yet")
    rows = table(heading, (block_row(module, actions) for module, actions in sorted(blocks.items())))
    return f"{rows}\n\n{message_count()}"


def block_row(module: str, actions: list[str]) -> Row:
    letter, _, name = module.partition("_")
    there = answered() | sent()
    return (
        f"{letter.upper()} {name.replace('_', ' ')}",
        ", ".join(action for action in actions if action in answered()),
        ", ".join(action for action in actions if action in sent()),
        ", ".join(action for action in actions if action not in there),
    )


def message_count() -> str:
    known, newer, there = set(ACTIONS) - ACTIONS_SINCE_21, ACTIONS_SINCE_21, answered() | sent()
    return (
        f"Of the {len(known)} messages of OCPP 2.0.1, {len(answered() & known)} are answered, {len(sent() & known)} "
        f"are sent, {len(known - there)} are not there yet.  Of the {len(newer)} that are new in OCPP 2.1, "
        f"{len(there & newer)} are there."
    )


# ---- the device model ----


def variables_table() -> str:
    heading = ("component", "variable", "type", "access", "default", "values")
    return table(heading, (variable_row(each) for each in STATION_VARIABLES))


def variable_row(variable: Variable[Any]) -> Row:
    name = f"{variable.name}[{variable.instance}]" if variable.instance else variable.name
    access = variable.mutability + (", after a restart" if variable.reboot else "")
    default = code(filter(None, [variable.to_text(variable.default)]))
    return f"`{variable.component}`", f"`{name}`", variable.data_type, access, default, values_of(variable)


def values_of(variable: Variable[Any]) -> str:
    unit = f" {variable.unit}" if variable.unit else ""
    if variable.choices:
        return code(variable.choices)
    if variable.low is not None and variable.high is not None:
        return f"{variable.low:g} to {variable.high:g}{unit}"
    return f"at least {variable.low:g}{unit}" if variable.low is not None else unit.strip()


def hardware_table() -> str:
    """The variables that the board file makes: each once, however many EVSEs have it."""
    settings = {id(variable) for variable in STATION_VARIABLES}
    slots = [slot for slot in station().model.slots() if id(slot.variable) not in settings]
    rows = dict.fromkeys(map(hardware_row, slots))
    return table(("component", "for each", "variable", "type", "access", "value"), rows)


def hardware_row(slot: Slot) -> Row:
    where = "connector" if slot.spot.connector else "EVSE" if slot.spot.evse else "station"
    variable, live = slot.variable, "as it is now" if slot.live else "fixed at start" if slot.fixed else "as it was set"
    value = live + (f", {variable.unit}" if variable.unit else "")
    name = f"{variable.name}[{variable.instance}]" if variable.instance else variable.name
    return f"`{variable.component}`", where, f"`{name}`", variable.data_type, variable.mutability, value


# ---- the house ----


def imports_table() -> str:
    rows = ((f"`{row}`", room(row), code(allowed)) for row, allowed in MAY_IMPORT.items())
    return table(("room or file", "what it is", "may import, besides itself"), rows)


def room(row: str) -> str:
    """The first sentence of a package or a module."""
    return sentence(import_module(row.removesuffix(".__init__")))


# ---- figures ----


def figures_table() -> str:
    told = json.loads(FIGURES.read_text(encoding="utf-8"))
    heading = ("measured", "agent", "beside it", "unit", "ratio", "goal", "met")
    rows = (row for section in told["sections"] for row in figure_rows(section))
    return f"{table(heading, rows)}\n\n{machine_words(told['machine'])}"


def figure_rows(section: dict[str, Any]) -> Iterator[Row]:
    names = {field.name for field in fields(Figure)}
    note = f" ({section['note']})" if section["note"] else ""
    yield f"**{section['title']}**{note}", "", section["beside"], "", "", "", ""
    for each in section["figures"]:
        kept = {name: value for name, value in each.items() if name in names}
        figure = Figure(**{**kept, "goals": tuple(Goal(**goal) for goal in kept["goals"])})
        yield figure_row(figure)


def figure_row(figure: Figure) -> Row:
    ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}x"
    goals = ", ".join(goal.words(figure.unit) for goal in figure.goals)
    met = {True: "yes", False: "**no**", None: ""}[figure.met]
    return figure.name, number(figure.ours), number(figure.beside), figure.unit, ratio, goals, met


def machine_words(machine: dict[str, Any]) -> str:
    day = datetime.fromisoformat(machine["at"])
    return (
        f"Measured on {day:%Y-%m-%d}: {machine['machine']}, {machine['processors']} processors, "
        f"Linux {machine['kernel']}, Python {machine['python']}."
    )


TABLES: dict[str, Callable[[], str]] = {
    "boards": boards_table,
    "parts": parts_table,
    "meters": meters_table,
    "silence": silence_table,
    "messages": messages_table,
    "variables": variables_table,
    "hardware": hardware_table,
    "imports": imports_table,
    "figures": figures_table,
}
TABLES_OF: dict[str, Callable[[str], str]] = {"options": options_table, "keys": keys_table}


def main() -> int:
    for path in documents():
        before = path.read_text(encoding="utf-8")
        after = rendered(before)
        if after != before:
            path.write_text(after, encoding="utf-8")
            print(f"rewrote {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
