"""The boards that ship: their EVSEs, their parts, and what each does when the host goes silent.  Runs none of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from agent.errors import StartFailed
from agent.parts import Buses, build_parts
from agent.shell.boards.words import silence_words
from board.descriptor import Board, BoardError, Connector, Evse, parts_of, read_board, shipped_boards
from hal.ports import PilotTraits


def listing() -> Iterator[str]:
    """The lines to print."""
    for path in shipped_boards():
        try:
            board = read_board(path)
            pilots = build_parts(board, Buses(board, {}, {}), lambda event: None).pilots
        except (BoardError, StartFailed) as error:
            yield f"{path.stem}: {error}"
            continue
        yield f"{path.stem}: {board.station.vendor} {board.station.model}  ({path})"
        parts = parts_of(board)
        for index, evse in enumerate(board.evse):
            yield from _evse_lines(evse, pilots[evse.id].traits)
            yield from _part_lines(parts, f"evse[{index}].", indent=4)
        yield from _part_lines([each for each in parts if not each[0].startswith("evse[")], "", indent=2)
        yield from _bench_line(board)
        yield ""


def _evse_lines(evse: Evse, traits: PilotTraits) -> Iterator[str]:
    connectors = ", ".join(_connector_words(connector) for connector in evse.connectors)
    yield f"  evse {evse.id}: {evse.phases} x {evse.limit_a:g} A, {connectors}"
    yield f"    when the host goes silent it {silence_words(traits)}"


def _part_lines(parts: Sequence[tuple[str, Any]], prefix: str, indent: int) -> Iterator[str]:
    for place, part in parts:
        if place.startswith(prefix):
            bus = "" if part.bus is None else f" on bus {part.bus}"
            yield f"{' ' * indent}{place.removeprefix(prefix):<20} {part.driver}{bus}"


def _bench_line(board: Board) -> Iterator[str]:
    if board.control.bench:
        yield "  bench = true: vehicle and driver can be played; not for a product"


def _connector_words(connector: Connector) -> str:
    return f"{connector.type} {'cable' if connector.attached else 'socket'}"
