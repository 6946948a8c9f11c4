"""The boards that ship: their EVSEs, their parts, and what each does when the host goes silent.  Runs none of them."""

from __future__ import annotations

from collections.abc import Iterator

from agent.errors import StartFailed
from agent.parts import Buses, build_parts
from agent.shell.boards.words import silence_words
from board.descriptor import Board, BoardError, Connector, Evse, Part, Reader, Thermometer, read_board, shipped_boards
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
        for evse in board.evse:
            yield from _evse_lines(evse, pilots[evse.id].traits)
        yield from (f"  reader      {_part_words(reader)}" for reader in board.reader)
        yield from _bench_line(board)
        yield ""


def _evse_lines(evse: Evse, traits: PilotTraits) -> Iterator[str]:
    connectors = ", ".join(_connector_words(connector) for connector in evse.connectors)
    yield f"  evse {evse.id}      {evse.phases} x {evse.limit_a:g} A, {connectors}"
    yield f"    pilot     {_part_words(evse.pilot)}"
    yield f"    silence   {silence_words(traits)}"
    for name, part in (("meter", evse.meter), ("bay", evse.bay), ("secc", evse.secc)):
        if part is not None:
            yield f"    {name:<9} {_part_words(part)}"
    for connector in evse.connectors:
        if connector.lock is not None:
            yield f"    lock      {_part_words(connector.lock)}"
    for each in evse.thermometer:
        yield f"    {each.spot:<9} {_part_words(each)}"


def _bench_line(board: Board) -> Iterator[str]:
    if board.control.bench:
        yield "  bench = true: vehicle and driver can be played; not for a product"


def _connector_words(connector: Connector) -> str:
    return f"{connector.type} {'cable' if connector.attached else 'socket'}"


def _part_words(part: Part | Reader | Thermometer) -> str:
    return part.driver if part.bus is None else f"{part.driver} on bus {part.bus}"
