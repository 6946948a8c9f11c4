"""A session from plug to the last TransactionEvent on every board that ships, with emulated parts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from board.descriptor import find_board, parts_of, read_board, shipped_boards
from tests.csms.practice import PracticeCsms
from tests.csms.record import Transaction
from tests.emulators import EMULATORS
from tests.emulators.board import EmulatedBoard
from tests.hal.rig import eventually
from tests.scenarios.sessions import all_ended, faults_of
from tests.scenarios.station import ID, AgentProcess

SPEED = 4.0
TOKEN = "04A2B3C4D5E680"
AWAY_POLLS = 6
"""So often a reader finds no card before the same one is another visit: four times a second, for over a second."""
BOARDS = [path.stem for path in shipped_boards() if path.stem != "sim"]
"""The simulated one has no emulators: the other scenarios play on it."""


class Visit:
    """Somebody with a vehicle and a card at EVSE 1 of a board."""

    def __init__(self, name: str, agent: AgentProcess, world: EmulatedBoard, csms: PracticeCsms) -> None:
        self.agent, self.world, self.csms = agent, world, csms
        self.pilot: Any = world.pilots[1]
        self._parts = [place for place, part in parts_of(read_board(find_board(name))) if part.driver in EMULATORS]

    async def begin(self) -> None:
        """Plugged in, authorized, charging."""
        for place in self._parts:
            await self.agent.said(f"{place} answers")
        await self.csms.wait_for("StatusNotification")
        self.pilot.plug_in(current_a=16.0)
        await self.agent.fact("EvConnected", 1)
        await self.show_card()
        await self.agent.fact("TransactionStarted", 1)
        await self.csms.wait_for(lambda: "Charging" in self.states())

    async def show_card(self) -> None:
        if not self.world.readers:
            await self.agent.cmd("swipe", token=TOKEN)
            return
        reader: Any = self.world.readers[0]
        reader.present(TOKEN)
        await self.agent.fact("TokenPresented")
        reader.withdraw()
        asked = len(reader.heard)
        await eventually(lambda: len(reader.heard) > asked + AWAY_POLLS)

    async def end(self) -> Transaction:
        """Stopped by the card, and gone."""
        await self.show_card()
        await self.agent.fact("TransactionEnded", 1)
        return await self.leave()

    async def leave(self) -> Transaction:
        self.pilot.unplug()
        await self.agent.fact("EvDisconnected", 1)
        record = await all_ended(self.csms, 1)
        assert faults_of(record) == []
        (transaction,) = record.transactions.values()
        return transaction

    def states(self) -> list[str]:
        told = [event for each in self.csms.station(ID).transactions.values() for event in each.events]
        return [event["transactionInfo"].get("chargingState") for event in told]


def end_of(transaction: Transaction) -> tuple[str, str]:
    last = transaction.events[-1]
    return last["triggerReason"], last["transactionInfo"]["stoppedReason"]


@asynccontextmanager
async def visit(name: str, folder: Path) -> AsyncIterator[Visit]:
    async with PracticeCsms() as csms, EmulatedBoard(read_board(find_board(name)), speed=SPEED) as world:
        devices = [f"--device={bus}={device}" for bus, device in world.devices.items()]
        async with AgentProcess(folder, "--csms", csms.url, "--id", ID, *devices, board=name, wait=False) as agent:
            yield Visit(name, agent, world, csms)


@pytest.mark.parametrize("name", BOARDS)
async def test_a_session_on_each_board_that_ships(name: str, folder: Path) -> None:
    async with visit(name, folder) as guest:
        await guest.begin()
        transaction = await guest.end()
        assert (transaction.types[0], transaction.types[-1]) == ("Started", "Ended")
        assert end_of(transaction) == ("StopAuthorized", "Local")


async def test_the_parts_of_the_combined_wallbox_act_together(folder: Path) -> None:
    async with visit("wallbox", folder) as guest:
        await guest.begin()
        lock: Any = guest.world.gpio["evse[0].connectors[0].lock"]
        assert lock.locked
        assert guest.pilot.offers_a == 10  # while nobody says anything for the site
        guest.pilot.heat(81.0)
        await eventually(lambda: guest.pilot.offers_a == 6)
        guest.pilot.heat(40.0)
        await eventually(lambda: guest.pilot.offers_a == 10)
        transaction = await guest.end()
        signed = [
            sampled["signedMeterValue"]["encodingMethod"]
            for value in transaction.events[-1]["meterValue"]
            for sampled in value["sampledValue"]
            if "signedMeterValue" in sampled
        ]
        assert set(signed) == {"OCMF"}
        await eventually(lambda: not lock.locked)


async def test_the_emergency_stop_of_the_wallbox_ends_its_session(folder: Path) -> None:
    async with visit("wallbox", folder) as guest:
        await guest.begin()
        switch: Any = guest.world.gpio["safety[0]"]
        switch.trip()
        await guest.agent.fact("TransactionEnded", 1)
        await eventually(lambda: not guest.pilot.powered)
        switch.heal()
        await guest.agent.fact("EvseHealed", 1)
        transaction = await guest.leave()
        assert end_of(transaction) == ("AbnormalCondition", "EmergencyStop")
