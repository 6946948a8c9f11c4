"""A Modbus RTU line that several drivers share: one request at a time, registers in and out.  Knows no device."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Annotated, Literal

from msgspec import Meta

from hal.bus.hotplug import Line
from hal.bus.serial import Baud, Parity, SerialBus
from hal.errors import BusLost, NoAnswer, PartRefused
from hal.wire.modbus import (
    READ_COILS,
    READ_HOLDING,
    READ_INPUT,
    WRITE_COIL,
    WRITE_REGISTER,
    Answer,
    Question,
    answer_in,
    reading,
    writing,
    writing_many,
)

BITS_PER_CHARACTER = 11
BUSY_CODES = (0x06, 0x0B)
"""Exception codes that mean "not now": device busy, gateway target silent."""

LONGEST_FRAME, MOST_HEARD = 256, 1024


class RtuBus:
    """The client of one line.  Requests queue up in the order in which they were asked.

    Every request raises BusLost (the line is gone), NoAnswer (the unit is silent) or PartRefused (it said no).  A unit
    that was silent gets one try at a time until it speaks again: the line belongs to the others as well.
    """

    kind = "rtu"

    class Config(Line, frozen=True):
        """``timeout_s`` is for one try and has to hold the longest answer: 165 ms at 9600 baud for 76 registers."""

        baud: Baud = 9600
        parity: Parity = "none"
        stopbits: Literal[1, 2] = 1
        timeout_s: Annotated[float, Meta(ge=0.05, le=10)] = 0.8
        retries: Annotated[int, Meta(ge=0, le=5)] = 2

    def __init__(self, config: RtuBus.Config) -> None:
        self._config = config
        self._line = SerialBus(
            SerialBus.Config(
                device=config.device,
                match=config.match,
                baud=config.baud,
                parity=config.parity,
                stopbits=config.stopbits,
            )
        )
        self._turn = asyncio.Lock()
        self._holders = 0
        self._gap_s = max(3.5 * BITS_PER_CHARACTER / config.baud, 0.00175)  # Modbus serial line 2.5.1.1
        self._free_at = 0.0
        self._question: Question | None = None
        self._answer: Answer | None = None
        self._heard = bytearray()
        self._answered = asyncio.Event()
        self._silent: set[int] = set()
        self._counters = {"requests": 0, "timeouts": 0, "refused": 0, "undecodable_bytes": 0}

    @property
    def device(self) -> str:
        return self._line.device

    @property
    def counters(self) -> dict[str, int]:
        """What happened on this line since the start."""
        return dict(self._counters)

    async def read_input(self, unit: int, address: int, count: int) -> list[int]:
        """``count`` input registers (function 4) as 16-bit words."""
        return (await self._ask(reading(READ_INPUT, unit, address, count))).words()

    async def read_holding(self, unit: int, address: int, count: int) -> list[int]:
        """``count`` holding registers (function 3) as 16-bit words."""
        return (await self._ask(reading(READ_HOLDING, unit, address, count))).words()

    async def read_coils(self, unit: int, address: int, count: int) -> list[bool]:
        """``count`` coils (function 1)."""
        return (await self._ask(reading(READ_COILS, unit, address, count))).bits(count)

    async def write_register(self, unit: int, address: int, value: int) -> None:
        """One holding register (function 6)."""
        await self._ask(writing(WRITE_REGISTER, unit, address, value))

    async def write_registers(self, unit: int, address: int, values: list[int]) -> None:
        """Several holding registers (function 16)."""
        await self._ask(writing_many(unit, address, values))

    async def write_coil(self, unit: int, address: int, value: bool) -> None:
        """One coil (function 5)."""
        await self._ask(writing(WRITE_COIL, unit, address, 0xFF00 if value else 0))

    async def wait_back(self) -> None:
        """Wait until it is worth trying the line again."""
        await self._line.wait_back()

    @contextmanager
    def held(self) -> Iterator[None]:
        """A driver runs on this line; the last one that leaves closes it."""
        self._holders += 1
        try:
            yield
        finally:
            self._holders -= 1
            if not self._holders:
                self.close()

    def close(self) -> None:
        """Let go of the device; the next request opens it again."""
        self._line.close()

    async def _ask(self, question: Question) -> Answer:
        unit = question.unit
        async with self._turn:
            for _ in range(1 if unit in self._silent else 1 + self._config.retries):
                answer = await self._try(question)
                if answer is None:
                    self._counters["timeouts"] += 1
                    continue
                self._silent.discard(unit)
                if not answer.code:
                    return answer
                self._counters["refused"] += 1
                if answer.code not in BUSY_CODES:
                    what = f"{question.function} at {question.address}, exception code {answer.code}"
                    raise PartRefused(f"{self.device} unit {unit}: refused {what}")
            self._silent.add(unit)
        raise NoAnswer(f"{self.device} unit {unit}: silent")

    async def _try(self, question: Question) -> Answer | None:
        """The answer, or None when it did not come in time."""
        try:
            if not self._line.is_open:
                await self._line.open(self._receive)
            await asyncio.sleep(max(0.0, self._free_at - monotonic()))
            self._listen_for(question)
            self._counters["requests"] += 1
            await self._line.write(question.frame)
            await self._line.wait(self._answered, self._config.timeout_s)
        except BusLost:
            self.close()
            raise
        finally:
            self._question = None
            self._free_at = monotonic() + self._gap_s
        if self._answer is None:
            self._counters["undecodable_bytes"] += len(self._heard)
        return self._answer

    def _listen_for(self, question: Question) -> None:
        self._question, self._answer = question, None
        self._heard.clear()
        self._answered.clear()

    def _receive(self, data: bytes) -> None:
        """What nobody waits for is noise, or an answer that came too late."""
        if self._question is None or self._answer is not None:
            self._counters["undecodable_bytes"] += len(data)
            return
        self._heard += data
        self._answer = answer_in(bytes(self._heard), self._question)
        if self._answer is not None:
            self._answered.set()
        elif len(self._heard) > MOST_HEARD:  # a line that never falls silent
            self._counters["undecodable_bytes"] += len(self._heard) - LONGEST_FRAME
            del self._heard[:-LONGEST_FRAME]
