"""The boards that ship: their EVSEs, their parts, and what each does when the host goes silent.  Runs none of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agent.errors import StartFailed
from agent.parts import Buses, build_parts
from agent.shell.boards.words import silence_words
from board.descriptor import Board, BoardError, Connector, parts_of, read_board, shipped_boards
from hal.ports import Driver


def listing() -> Iterator[str]:
    """The lines to print."""
    for path in shipped_boards():
        try:
            board = read_board(path)
            built = build_parts(board, Buses(board, {}, {}), lambda event: None)
        except (BoardError, StartFailed) as error:
            yield f"{path.stem}: {error}"
            continue
        yield f"{path.stem}: {board.station.vendor} {board.station.model}  ({path})"
        yield from _board_lines(board, {place.part: driver for driver, place in built.all.items()})
        yield ""


def _board_lines(board: Board, drivers: dict[str, Driver]) -> Iterator[str]:
    lines = [(place, line) for place, part in parts_of(board) for line in _part_lines(place, part, drivers.get(place))]
    for index, evse in enumerate(board.evse):
        connectors = ", ".join(_connector_words(connector) for connector in evse.connectors)
        yield f"  evse {evse.id}: {evse.phases} x {evse.limit_a:g} A, {connectors}"
        yield from (f"    {line}" for place, line in lines if place.startswith(f"evse[{index}]."))
    yield from (f"  {line}" for place, line in lines if not place.startswith("evse["))
    yield from _bench_line(board)


def _part_lines(place: str, part: Any, driver: Driver | None) -> Iterator[str]:
    name = place.partition(".")[2] or place
    yield f"{name:<20} {part.driver}{'' if part.bus is None else f' on bus {part.bus}'}"
    for traits in ("traits", "dc_traits"):
        declared = getattr(driver, traits, None)
        if declared is not None:
            yield f"{'':<20} when the host goes silent it {silence_words(declared)}"


def _bench_line(board: Board) -> Iterator[str]:
    if board.control.bench:
        yield "  bench = true: vehicle and driver can be played; not for a product"


def _connector_words(connector: Connector) -> str:
    return f"{connector.type} {'cable' if connector.attached else 'socket'}"
