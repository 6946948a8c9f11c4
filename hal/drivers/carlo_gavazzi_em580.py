"""Carlo Gavazzi EM580 over Modbus RTU: readings, and sessions that it signs (OCMF).  Knows no charging.

A record stays in the meter until the next session begins: an agent that ends before the record is on its disk, or a
power cut that closes the session, leaves it there to be read again.  The transaction's id is the last word of the
record's tariff text.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Annotated

from msgspec import Meta

from hal.bus.rtu import RtuBus
from hal.drivers.carlo_gavazzi import INSTANTANEOUS
from hal.drivers.signing_meter import SigningMeter
from hal.errors import PartRefused
from hal.ports import Place, Post, SignedSession
from hal.wire import ocmf
from hal.wire.registers import Malformed, Register, blocks

EM580 = (
    *INSTANTANEOUS,
    Register("import_wh", 0x500, "int64_low_first", 1, "Wh"),
    Register("export_wh", 0x51C, "int64_low_first", 1, "Wh"),
)

SIGNATURE_TYPE, PUBLIC_KEY, TARIFF_TEXT = 0x24FF, 0x2600, 0x6900
IDENTIFIED, LEVEL, FLAGS, IDENTIFICATION_TYPE, IDENTIFICATION = 0x7000, 0x7001, 0x7002, 0x7006, 0x7007
POINT_TYPE, POINT = 0x701B, 0x701C
TIME_ZONE, UTC_TIME = 0x7031, 0x7032
MODALITY, COMMAND = 0x7036, 0x7040
STATE, SIZE, FILE = 0x7100, 0x7101, 0x7110

NOT_READY, RUNNING, READY, CORRUPTED = range(4)
BEGIN, END = ord("B"), ord("E")

KEY_WORDS = {0: 46, 1: 62}
"""By the type of the signature: brainpool P256r1 and P384r1; any other meter has no key."""

LONGEST_FILE = 2031
TEXT_WORDS, TARIFF_WORDS = 20, 126

TYPES = {
    "NONE": 0,
    "ISO14443": 10,
    "ISO15693": 11,
    "EMAID": 20,
    "EVCCID": 21,
    "CENTRAL": 60,
    "LOCAL": 70,
    "KEY_CODE": 90,
}

POWERED_UP_S = 2.0
"""How long after its power came on the meter takes no time."""

CLOCK_EVERY_S = 3600.0
READY_PATIENCE_S = 5.0


class Em580(SigningMeter):
    """Three phases, signed sessions; its clock is kept while no session runs, where the station knows the time."""

    model = "Carlo Gavazzi EM580"
    requests = blocks(EM580, 0x34, gap=30)

    class Config(SigningMeter.Config, frozen=True, forbid_unknown_fields=True):
        """``tariff`` stands in the records, before the id of the transaction."""

        tariff: Annotated[str, Meta(max_length=200)] = ""

    def __init__(self, config: Config, place: Place, bus: RtuBus, post: Post) -> None:
        super().__init__(config, place, bus, post)
        self._tariff = ocmf.plain(config.tariff)
        self._told = ""
        self._met_at = 0.0
        self._clock_at = float("-inf")

    async def settle(self, session: SignedSession | None, *, running: bool) -> None:
        await self._learn_key()
        state = await self._word(STATE)
        if state == RUNNING and not (running and session is not None and await self._runs(session)):
            state = await self._end()
        if state == READY:
            await self._tell_once()
        if running and session is not None and state != RUNNING:
            await self._begin(session, state)

    async def _learn_key(self) -> None:
        if self._public_key:
            return
        self._met_at, self._clock_at = monotonic(), float("-inf")
        count = KEY_WORDS.get(await self._word(SIGNATURE_TYPE))
        if count is None:
            raise PartRefused(f"{self._bus.device} unit {self._config.unit}: the meter has no key to sign with")
        der = ocmf.bytes_of(await self._bus.read_holding(self._config.unit, PUBLIC_KEY, count))
        if der[0] != 0x30 or der[1] + 2 > len(der):
            raise Malformed(f"no public key: {der[:8].hex()}")
        self._public_key = ocmf.told_key(der[: der[1] + 2])

    async def _runs(self, session: SignedSession) -> bool:
        """Whether what the meter signs is this session: the agent was away, the meter was not."""
        text = ocmf.text_of(await self._long(TARIFF_TEXT, TARIFF_WORDS))
        return text.split()[-1:] == [session.transaction_id]

    async def _end(self) -> int:
        await self._write(COMMAND, [END])
        await self._until("signing", self._signed, READY_PATIENCE_S)
        return await self._word(STATE)

    async def _signed(self) -> bool:
        return await self._word(STATE) != RUNNING

    async def _tell_once(self) -> None:
        """A record that was told and is still there is told again only by a new start: it may not have been kept."""
        size = await self._word(SIZE)
        if not 0 < size <= LONGEST_FILE:
            raise Malformed(f"a record of {size} words")
        record = ocmf.checked(ocmf.text_of(await self._long(FILE, size)))
        if record != self._told:
            transaction_id = (ocmf.tariff_text(record).split() or ["unknown"])[-1]
            await self._tell(record, transaction_id)
            self._told = record

    async def _begin(self, session: SignedSession, state: int) -> None:
        if state == CORRUPTED:
            self._presence.warn("record", "the meter has lost the record of a session")
        if state != NOT_READY:
            await self._write(STATE, [NOT_READY])  # the record has been read
        await self._set_clock()
        kind = ocmf.IDENTIFICATION_TYPES.get(session.token_kind, "NONE")
        await self._write(IDENTIFIED, [int(bool(session.token))])
        await self._write(LEVEL, [0])
        await self._write(FLAGS, [0, 0, 0, 0])
        await self._write(IDENTIFICATION_TYPE, [TYPES[kind]])
        await self._write(IDENTIFICATION, ocmf.words_of(ocmf.plain(session.token), TEXT_WORDS))
        await self._write(POINT_TYPE, [0])
        await self._write(POINT, ocmf.words_of(self._point, TEXT_WORDS))
        tariff = f"{self._tariff} {session.transaction_id}".strip()
        await self._write(TARIFF_TEXT, ocmf.words_of(tariff, TARIFF_WORDS))
        await self._write(MODALITY, [0])
        await self._write(COMMAND, [BEGIN])
        await self._until("beginning", self._begun, READY_PATIENCE_S)

    async def _begun(self) -> bool:
        return await self._word(STATE) == RUNNING

    async def keep_time(self) -> None:
        """Never in a session, and not at once after the meter was found: it may have just been powered."""
        rested = monotonic() - self._met_at >= POWERED_UP_S
        if rested and not self._running and monotonic() - self._clock_at >= CLOCK_EVERY_S:
            await self._set_clock()

    async def _set_clock(self) -> None:
        """A meter that does not take the time is complained of: it signs all the same, and says that in the record."""
        if self._place.time_of_day() is None:
            return
        await asyncio.sleep(max(0.0, self._met_at + POWERED_UP_S - monotonic()))
        wall = self._place.time_of_day()
        if wall is None:
            return
        seconds = int(wall.timestamp())
        self._clock_at = monotonic()
        try:
            await self._write(UTC_TIME, [seconds >> shift & 0xFFFF for shift in (0, 16, 32, 48)])
            await self._write(TIME_ZONE, [0])
        except PartRefused as error:
            self._presence.warn("clock", f"the meter does not take the time: {error}")
