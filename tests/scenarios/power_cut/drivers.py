"""Drivers and their vehicles, meters, a technician, and somebody who trips over the cable.  They know no message."""

import asyncio
from contextlib import suppress
from random import Random
from typing import Any

from tests.csms.line import CallError, NotConnected
from tests.csms.practice import PracticeCsms
from tests.scenarios.station import ID, Driven

EVSES = (1, 2, 3)
PACE_S = 0.02
START_PATIENCE_S = 0.3
TRIGGER: dict[str, Any] = {"requestedMessage": "TransactionEvent"}


class Street:
    """What does not lose its power: registers that go on counting, and the vehicles that are plugged in.

    ``shown_wh`` is all that each meter has ever shown, ``guests`` the token of whoever is plugged in.
    """

    def __init__(self) -> None:
        self.shown_wh: dict[int, list[float]] = {evse: [0.0] for evse in EVSES}
        self.guests: dict[int, str] = {}

    def register_wh(self, evse: int) -> float:
        return self.shown_wh[evse][-1]

    def count(self, evse: int, energy_wh: int) -> float:
        self.shown_wh[evse].append(self.register_wh(evse) + energy_wh)
        return self.register_wh(evse)


class LifeOver(Exception):
    """Everything is done that this life was to see."""


class Drivers:
    """Everybody comes, charges and leaves, again and again."""

    def __init__(self, agent: Driven, csms: PracticeCsms, street: Street, dice: Random) -> None:
        self._agent, self._csms, self._street, self._dice = agent, csms, street, dice
        self._deeds_left = 0
        self.sessions = 0

    async def meet(self) -> None:
        """The station learns what its meters show; some vehicles have left in the dark.

        Raises:
            ConnectionError: it has gone again.

        """
        for evse in EVSES:
            await self._agent.cmd("meter", evse=evse, energy_wh=self._street.register_wh(evse))
        for evse in list(self._street.guests):
            if self._dice.random() < 0.3:
                del self._street.guests[evse]

    async def play(self, deeds: int) -> None:
        """Until so much was done at the station: a life is as long on a slow machine.

        Raises:
            LifeOver, ConnectionError, TimeoutError: in a group; it is done, the station is gone, or it hangs.

        """
        self._deeds_left = deeds
        async with asyncio.TaskGroup() as roles:
            await self.meet()
            for evse in EVSES:
                roles.create_task(self._drive(evse, Random(self._dice.random())))
            roles.create_task(self._trip(Random(self._dice.random())))
            roles.create_task(self._serve(Random(self._dice.random())))

    def _on(self) -> bool:
        """Asked too: ``wait_for`` may swallow a cancellation that meets its answer (Python 3.11)."""
        return self._deeds_left > 0

    async def _do(self, name: str, **arguments: Any) -> None:
        if not self._on():
            raise LifeOver
        self._deeds_left -= 1
        await self._agent.cmd(name, **arguments)

    async def _drive(self, evse: int, dice: Random) -> None:
        while self._on():
            await self._session(evse, dice)
            self.sessions += 1

    async def _session(self, evse: int, dice: Random) -> None:
        await self._arrive(evse, dice)
        for _ in range(dice.randint(0, 5)):
            await self._something(evse, dice)
            await asyncio.sleep(dice.random() * PACE_S)
        if dice.random() < 0.5:
            await self._do("swipe", token=self._street.guests[evse], evse=evse)
        elif dice.random() < 0.3:
            await self._do("ev", evse=evse, state="done")
        await asyncio.sleep(dice.choice((0, PACE_S)))
        await self._do("unplug", evse=evse)
        del self._street.guests[evse]
        await asyncio.sleep(dice.random() * PACE_S)

    async def _arrive(self, evse: int, dice: Random) -> None:
        """Somebody new, or who stood here when the power went."""
        stayed = evse in self._street.guests
        token = self._street.guests.setdefault(evse, f"CARD{evse}{dice.randrange(100)}")
        await self._do("plug_in", evse=evse, ev={"current_a": 0, "simplified": dice.random() < 0.2})
        if stayed:
            return
        await self._do("swipe", token=token, evse=evse)
        if dice.random() < 0.7:
            with suppress(TimeoutError):
                await self._agent.control.events.take(started(evse), START_PATIENCE_S)

    async def _something(self, evse: int, dice: Random) -> None:
        match dice.choice(("meter", "meter", "ready", "paused", "ask")):
            case "meter":
                await self._do("meter", evse=evse, energy_wh=self._street.count(evse, dice.randint(1, 999)))
            case "ask":
                with suppress(CallError, NotConnected, TimeoutError):
                    await self._csms.call(ID, "TriggerMessage", TRIGGER, timeout_s=0.5)
            case state:
                await self._do("ev", evse=evse, state=state)

    async def _trip(self, dice: Random) -> None:
        while self._on():
            await asyncio.sleep(dice.random() * 2)
            await self._do("link", up=False)
            await asyncio.sleep(dice.random() * 0.2)
            await self._do("link", up=True)

    async def _serve(self, dice: Random) -> None:
        while self._on():
            await asyncio.sleep(dice.random() * 2)
            await self._do("ledger_resend")


def started(evse: int) -> Any:
    """Whether an event of the control socket says that a transaction has started there."""
    wanted = ("TransactionStarted", evse)
    return lambda told: told["event"] == "facts" and (told["what"]["fact"], told["what"]["evse"]) == wanted
