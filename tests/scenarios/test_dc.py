"""A DC station from plug to TransactionEvent: the agent as a process, emulated parts on two CAN buses and a line."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from board.descriptor import find_board, read_board
from tests.csms.practice import PracticeCsms
from tests.emulators.board import EmulatedBoard
from tests.hal.rig import eventually
from tests.scenarios.sessions import all_ended, faults_of
from tests.scenarios.station import ID, AgentProcess

SPEED = 4.0
SECC_STORY = [1, 2, 11, 3, 4, 5, 6, 7, 8, 9, 10, 1]
"""Waiting, negotiating, authorisation, connected, insulation test, precharge, waiting, charging, ending..., waiting."""


class Dc:
    """The station, and what it hangs on."""

    def __init__(self, agent: AgentProcess, world: EmulatedBoard, csms: PracticeCsms) -> None:
        self.agent, self.csms = agent, csms
        self.secc: Any = world.pilots[1]
        self.modules: Any = world.supplies[1]
        self.monitor: Any = world.insulation[1]

    async def begin(self, amps: float = 50.0) -> None:
        await self.agent.said("evse[0].supply answers")
        await self.agent.said("evse[0].insulation answers")
        await self.csms.wait_for(lambda: self.statuses()[-1:] == ["Available"])
        self.secc.plug_in(current_a=amps)
        await self.agent.fact("EvConnected", 1)
        await self.agent.cmd("swipe", token="ABCD")
        await self.agent.fact("PowerPathClosed", 1)

    def statuses(self) -> list[str]:
        return self.csms.station(ID).statuses[1, 1]


@asynccontextmanager
async def station(folder: Path) -> AsyncIterator[Dc]:
    async with PracticeCsms() as csms, EmulatedBoard(read_board(find_board("dc")), speed=SPEED) as world:
        devices = [f"--device={bus}={device}" for bus, device in world.devices.items()]
        async with AgentProcess(folder, "--csms", csms.url, "--id", ID, *devices, board="dc", wait=False) as agent:
            yield Dc(agent, world, csms)


async def test_a_session_goes_through_cable_check_precharge_demand_stop_and_welding_detection(folder: Path) -> None:
    async with station(folder) as dc:
        await dc.begin(50.0)
        await eventually(lambda: dc.modules.link.current_a == 50)
        assert {module.current_a for module in dc.modules.modules.values()} == {25.0}
        await dc.agent.cmd("swipe", token="ABCD")
        await dc.agent.fact("TransactionEnded", 1)
        dc.secc.unplug()
        await dc.agent.fact("EvDisconnected", 1)
        record = await all_ended(dc.csms, 1)
        assert faults_of(record) == []
        (transaction,) = record.transactions.values()
        assert transaction.types == ["Started", "Updated", "Ended"]
        states = [event["transactionInfo"].get("chargingState") for event in transaction.events]
        assert states[:2] == ["EVConnected", "Charging"]
        assert dc.secc.story == SECC_STORY
        assert dc.monitor.tests == 1
        assert not any(module.on for module in dc.modules.modules.values())


async def test_a_vehicle_that_has_enough_ends_its_session_and_the_station_stays_as_it_is(folder: Path) -> None:
    async with station(folder) as dc:
        await dc.begin()
        dc.secc.stop_vehicle()
        await dc.agent.fact("EvEndedSession", 1)
        await dc.agent.fact("PowerPathOpened", 1)
        await eventually(lambda: dc.secc.story == SECC_STORY)
        dc.secc.unplug()
        await dc.agent.fact("EvDisconnected", 1)
        await dc.agent.cmd("swipe", token="ABCD")
        record = await all_ended(dc.csms, 1)
        assert faults_of(record) == []


async def test_modules_that_are_gone_end_the_session_as_an_emergency(folder: Path) -> None:
    async with station(folder) as dc:
        await dc.begin()
        await dc.modules.take_away()
        await dc.agent.said("evse[0].supply lost")
        await dc.agent.fact("PowerPathOpened", 1)
        assert 10 not in dc.secc.story
        assert dc.secc.emergency_origin == 1
        await dc.csms.wait_for(lambda: dc.statuses()[-1] == "Faulted")


async def test_insulation_that_breaks_down_within_a_session_ends_it(folder: Path) -> None:
    async with station(folder) as dc:
        await dc.begin()
        dc.monitor.earth_fault()
        await dc.agent.fact("PowerPathOpened", 1)
        assert dc.secc.emergency_origin == 1
        await eventually(lambda: not any(module.on for module in dc.modules.modules.values()))


async def test_an_agent_that_is_killed_leaves_no_power_behind(folder: Path) -> None:
    async with station(folder) as dc:
        dc.modules.switches_off_s = 1.0
        await dc.begin()
        await dc.agent.kill()
        await eventually(lambda: not dc.secc.powered)
        await eventually(lambda: not any(module.on for module in dc.modules.modules.values()))
        assert dc.secc.emergency_origin == 1
