"""Questions to an OpenEVSE over a line that garbles, for all drivers on it.  Knows no meaning."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from hal.bus.serial import SerialBus
from hal.errors import NoAnswer, PartRefused
from hal.wire.rapi import Frame, Malformed, Parser, Reply, Values, command

REPLY_TIMEOUT_S = 0.5
TRIES = 3

V = TypeVar("V", bound=Values)


class Question:
    """A frame that was sent, and what came of it.

    ``overtaken``: before anybody looked at the reply, the controller said something by itself, which is newer.
    """

    def __init__(self, sequence: int) -> None:
        self.sequence = sequence
        self.answered = asyncio.Event()
        self.reply: Reply | None = None
        self.overtaken = False


class RapiLine:
    """One controller's line.  Frames that answer nothing go to those who ``listen``, from the loop's reader.

    Questions wait for one another; one that was begun by itself waits for none.  The line is open while somebody holds
    it.  ``openings`` grows when it was opened anew: what the controller was told before may have been forgotten.
    """

    def __init__(self, bus: SerialBus) -> None:
        self.device = bus.device
        self.wait = bus.wait
        self.wait_back = bus.wait_back
        self.openings = 0
        self._holders: set[object] = set()
        self._turn = asyncio.Lock()
        self._ears: list[Callable[[Frame], None]] = []
        self._bus = bus
        self._parser = Parser()
        self._counters = {"timeouts": 0, "refused": 0, "unread": 0, "senseless": 0, "stale_replies": 0}
        self._sequence = 0
        self._asked: dict[int, Question] = {}
        """What nobody has taken the reply of yet, oldest first."""

    @property
    def counters(self) -> dict[str, int]:
        return self._parser.counters | self._counters

    @property
    def noise(self) -> int:
        """Grows when bytes come that are no frame, or frames that make no sense."""
        counters = self._parser.counters
        return counters["garbage_bytes"] + counters["checksum_errors"] + counters["malformed"]

    def listen(self, hear: Callable[[Frame], None]) -> None:
        """Hand what the controller says by itself to ``hear`` as well."""
        self._ears.append(hear)

    async def open(self, holder: object) -> None:
        """Hold the line, until ``close``."""
        if not self._bus.is_open:
            self._parser.reset()
            self._asked.clear()
            await self._bus.open(self._receive)
            self.openings += 1
        self._holders.add(holder)

    def close(self, holder: object) -> None:
        """Let go, also if it is not held; the last one closes the device."""
        self._holders.discard(holder)
        if not self._holders:
            self._bus.close()

    def begin(self, name: str, *parameters: int | str) -> Question:
        """Send a question at once, whatever else is not answered yet; ``ask`` goes on with it."""
        self._sequence = self._sequence % 255 + 1
        question = self._asked[self._sequence] = Question(self._sequence)
        self._bus.send(command(name, *parameters, sequence=self._sequence))
        return question

    async def ask(self, kind: type[V], name: str, *parameters: int | str, begun: Question | None = None) -> V:
        """Ask until a reply makes sense; ``begun`` is the first try, where it was sent already.

        Raises:
            BusLost: the line is gone.
            NoAnswer: three times nothing that makes sense.
            PartRefused: the controller said no.

        """
        refused = False
        for _ in range(TRIES):
            reply = await (self._exchange(name, *parameters) if begun is None else self._reply_to(begun))
            begun = None
            if reply is None:
                self._counters["timeouts"] += 1
            elif not reply.ok:
                refused = True
                if reply.sequence:
                    break
                self._counters["unread"] += 1  # it could not read the frame, or does not know it
            else:
                try:
                    return kind.from_words(reply.words)
                except Malformed:
                    self._counters["senseless"] += 1
        if not refused:
            raise NoAnswer(f"{self.device}: no answer to {name}")
        self._counters["refused"] += 1
        raise PartRefused(f"{self.device}: refused {name}")

    async def tell(self, name: str) -> None:
        """Send what is not answered."""
        await self._bus.write(command(name))

    async def _exchange(self, name: str, *parameters: int | str) -> Reply | None:
        async with self._turn:
            return await self._reply_to(self.begin(name, *parameters))

    async def _reply_to(self, question: Question) -> Reply | None:
        try:
            await self._bus.wait(question.answered, REPLY_TIMEOUT_S)
        finally:
            self._asked.pop(question.sequence, None)
        return question.reply

    def _receive(self, data: bytes) -> None:
        for frame in self._parser.receive(data):
            if isinstance(frame, Reply):
                self._take_reply(frame)
            else:
                for question in self._asked.values():
                    question.overtaken = question.answered.is_set()
                for hear in self._ears:
                    hear(frame)

    def _take_reply(self, reply: Reply) -> None:
        sequence = reply.sequence
        if not reply.ok and not sequence:  # a frame that it could not read: it answers in order
            sequence = next((each.sequence for each in self._asked.values() if not each.answered.is_set()), 0)
        question = self._asked.get(sequence)
        if question is None or question.answered.is_set():
            self._counters["stale_replies"] += 1
        else:
            question.reply = reply
            question.answered.set()


def line_of(bus: SerialBus) -> RapiLine:
    """The line of this bus, the same for every driver that asks."""
    line = bus.shared
    if not isinstance(line, RapiLine):
        line = bus.shared = RapiLine(bus)
    return line
