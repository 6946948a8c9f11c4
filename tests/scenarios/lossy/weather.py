"""What happens to a link in the course of a day, at random by a seed.  Breaks what a real network and CSMS break."""

import asyncio
from collections import Counter
from random import Random

from tests.scenarios.lossy.csms import WireCsms
from tests.scenarios.lossy.wire import Wire

MEAN_CALM_S = 420.0


class Weather:
    """One misfortune after the other; ``seen`` counts them by name."""

    def __init__(self, wire: Wire, csms: WireCsms, chance: Random) -> None:
        self.seen: Counter[str] = Counter()
        self._wire = wire
        self._csms = csms
        self._chance = chance

    async def rage(self, until: float) -> None:
        """Until then, and then a fair wind."""
        misfortunes = (
            self.cut,
            self.both_ways_dead,
            self.deaf,
            self.mute,
            self.overtaken,
            self.stalled,
            self.unreachable,
            self.csms_restarts,
            self.csms_is_slow,
            self.answer_lost,
            self.csms_asks,
        )
        while self._wire.now < until:
            await asyncio.sleep(self._chance.expovariate(1 / MEAN_CALM_S))
            misfortune = self._chance.choice(misfortunes)
            self.seen[misfortune.__name__] += 1
            await misfortune()
        self._wire.stalled_until = self._wire.unreachable_until = self._csms.slow_until = self._wire.now

    async def cut(self) -> None:
        """The connection is reset."""
        for connection in self._wire.standing():
            connection.reset()

    async def both_ways_dead(self) -> None:
        """A router has forgotten the connection."""
        for connection in self._wire.standing():
            connection.die(connection.up, connection.down)

    async def deaf(self) -> None:
        """The CSMS hears nothing more."""
        for connection in self._wire.standing():
            connection.die(connection.up)

    async def mute(self) -> None:
        """The station hears nothing more."""
        for connection in self._wire.standing():
            connection.die(connection.down)

    async def overtaken(self) -> None:
        """The connection hangs for minutes; another that is opened meanwhile does not."""
        until = self._wire.now + self._chance.uniform(60, 600)
        for connection in self._wire.standing():
            connection.hold(until)

    async def stalled(self) -> None:
        """Nothing gets through at all, then everything."""
        self._wire.stalled_until = self._wire.now + self._chance.uniform(5, 300)

    async def unreachable(self) -> None:
        """No network for minutes, or an hour."""
        await self.both_ways_dead()
        self._wire.unreachable_until = self._wire.now + self._chance.choice((30, 120, 600, 3600))

    async def csms_restarts(self) -> None:
        """It says good-bye, or does not, and is away for a while."""
        self._csms.stop(politely=self._chance.random() < 0.5)
        await asyncio.sleep(self._chance.choice((0, 5, 60, 900)))
        self._csms.listening = True

    async def csms_is_slow(self) -> None:
        """Answers come about when the station stops waiting for them, or after that."""
        self._csms.slow_until = self._wire.now + self._chance.uniform(30, 300)

    async def answer_lost(self) -> None:
        """It takes what is said, and the connection breaks before it answers."""
        self._csms.answers_to_lose = self._chance.randint(1, 3)

    async def csms_asks(self) -> None:
        self._csms.ask()
