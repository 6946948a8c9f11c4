"""A Modbus RTU meter that signs sessions: the wish of the station against the state of the meter.  Knows no model.

A meter that cannot sign, or is not able to keep its clock, is complained of; it is read all the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Annotated

from msgspec import Meta

from hal.bus.rtu import RtuBus
from hal.drivers.rtu_meter import RtuMeter
from hal.errors import BusLost, HalError, NoAnswer
from hal.events import SignedRecord
from hal.ports import Place, Post, SignedSession
from hal.wire import ocmf
from hal.wire.registers import Malformed

CHUNK = 100
"""Words in one request for a long text."""

LONGEST_WRITE = 123
"""Words in one write, as Modbus bounds it."""


class SigningMeter(RtuMeter):
    """``settle`` is what a model has to have: bring the meter to where the wish wants it, and tell its records."""

    class Config(RtuMeter.Config, frozen=True, forbid_unknown_fields=True):
        """``evse_id`` stands in the records; empty: the number of the EVSE."""

        evse_id: Annotated[str, Meta(max_length=39)] = ""

    def __init__(self, config: Config, place: Place, bus: RtuBus, post: Post) -> None:
        super().__init__(config, place, bus, post)
        self._point = ocmf.plain(config.evse_id or str(place.evse))
        self._session: SignedSession | None = None
        self._running = False
        self._settled = False
        self._public_key = ""
        self._counters |= {"records": 0, "unsigned": 0}

    def begin(self, session: SignedSession) -> None:
        self._wish(session, running=True)

    def end(self, session: SignedSession | None) -> None:
        self._wish(session, running=False)

    def _wish(self, session: SignedSession | None, *, running: bool) -> None:
        self._session, self._running, self._settled = session, running, False
        self._asked.set()

    async def settle(self, session: SignedSession | None, *, running: bool) -> None:
        """One look at the meter's state, and what follows from it.

        Raises:
            HalError: it refused or is silent; tried again with the next reading.

        """
        raise NotImplementedError

    async def keep_time(self) -> None:
        """Set the meter's clock when that is due and the station knows the time."""

    async def _attend(self) -> None:
        """Read first: who is silent is asked one thing, not three."""
        if self._missed:
            self._settled, self._public_key = False, ""
        await self._read()
        try:
            if not self._settled:
                session, running = self._session, self._running
                await self.settle(session, running=running)
                self._settled = (session, running) == (self._session, self._running)
            await self.keep_time()
        except BusLost:
            raise
        except (HalError, Malformed) as error:
            self._counters["unsigned"] += 1
            self._presence.warn("signing", f"cannot sign: {error}")

    async def _tell(self, record: str, transaction_id: str) -> None:
        """A reading with what the meter signed."""
        self._counters["records"] += 1
        key, data = self._public_key, ocmf.told_record(record)
        await self._read(SignedRecord(data, "OCMF", public_key=key, transaction_id=transaction_id))

    async def _until(self, what: str, holds: Callable[[], Awaitable[bool]], patience_s: float) -> None:
        by = monotonic() + patience_s
        while not await holds():
            if monotonic() >= by:
                raise NoAnswer(f"{self._bus.device} unit {self._config.unit}: {what} took more than {patience_s:g} s")
            await asyncio.sleep(0.1)

    async def _write(self, address: int, words: list[int]) -> None:
        for start in range(0, len(words), LONGEST_WRITE):
            part = words[start : start + LONGEST_WRITE]
            await self._bus.write_registers(self._config.unit, address + start, part)

    async def _long(self, address: int, count: int) -> list[int]:
        words: list[int] = []
        for start in range(0, count, CHUNK):
            part = min(CHUNK, count - start)
            words += await self._bus.read_holding(self._config.unit, address + start, part)
        return words

    async def _word(self, address: int) -> int:
        (word,) = await self._bus.read_holding(self._config.unit, address, 1)
        return word
