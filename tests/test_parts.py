"""From a board file to its drivers: what they are given."""

from __future__ import annotations

from agent.parts import Buses, build_parts
from board.descriptor import find_board, read_board
from hal.events import DeviceFound, HardwareFaulted, HardwareHealed
from tests.hal.rig import Heard, running


async def test_the_fault_of_a_part_carries_its_place_on_the_board() -> None:
    board = read_board(find_board("sim"))
    heard, buses = Heard(), Buses(board, {}, {})
    parts = build_parts(board, buses, heard)
    world = buses.get("world").world
    async with running(parts.pilots[2]):
        await heard.until(DeviceFound)
        world.fault(2, "GroundFailure")
        await heard.until(HardwareFaulted(2, "GroundFailure", part="evse[1].pilot"))
        world.clear_fault(2)
        await heard.until(HardwareHealed(2, "GroundFailure", part="evse[1].pilot"))
