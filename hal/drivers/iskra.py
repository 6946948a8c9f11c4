"""Iskra WM3M4 and WM3M4C over Modbus RTU: readings, and sessions that it signs (OCMF).  Knows no charging.

The head of the record is written by the host, before the session and again after a power cut: a meter that lost its
power in a session stays in it until it is ended.
"""

from __future__ import annotations

from typing import Any

import msgspec

from hal.drivers.rtu_meter import Unit
from hal.drivers.signing_meter import SigningMeter
from hal.errors import PartRefused
from hal.ports import SignedSession
from hal.wire import ocmf
from hal.wire.registers import Malformed, Register, blocks

WM3M4 = (
    Register("frequency_hz", 105, "unsigned_decimal24", unit="Hz"),
    Register("voltage_v", 107, "unsigned_decimal24", unit="V", phase=1),
    Register("voltage_v", 109, "unsigned_decimal24", unit="V", phase=2),
    Register("voltage_v", 111, "unsigned_decimal24", unit="V", phase=3),
    Register("current_a", 126, "decimal24", unit="A", phase=1),
    Register("current_a", 128, "decimal24", unit="A", phase=2),
    Register("current_a", 130, "decimal24", unit="A", phase=3),
    Register("power_w", 140, "decimal24", unit="W"),
    Register("power_phase_w", 142, "decimal24", unit="W", phase=1),
    Register("power_phase_w", 144, "decimal24", unit="W", phase=2),
    Register("power_phase_w", 146, "decimal24", unit="W", phase=3),
    Register("reactive_var", 148, "decimal24", unit="var"),
    Register("import_wh", 418, "int32", unit="Wh", exponent_at=414),
    Register("export_wh", 420, "int32", unit="Wh", exponent_at=415),
)
"""Input registers; addresses are the manual's without their leading 3."""

STATE, COMMAND, STATUS = 7000, 7051, 7052
TIME_ZONE, TIME = 7053, 7054
HEAD_LENGTH, RESULT_LENGTH, SIGNATURE_LENGTH = 7056, 7057, 7058
ALGORITHM, CLOCK_STATUS = 7059, 7071
HEAD, RESULT, PUBLIC_KEY, SIGNATURE = 7100, 7612, 8124, 8188

IDLE, ACTIVE, AFTER_POWER_LOSS, AFTER_RESET = range(4)
BEGIN, END = ord("B") << 8, ord("r") << 8
SIGNED, ERRORS_FROM = 15, 128
SYNCHRONIZED = 2

ERRORS = {
    128: "invalid date or time",
    129: "wrong checksum",
    130: "invalid command",
    131: "invalid state",
    132: "invalid measurement",
    133: "test mode",
}

KEY_WORDS = 32
KEY_HEAD = bytes.fromhex("3059301306072A8648CE3D020106082A8648CE3D03010703420004")
"""What stands before the bare point of a P-256 key in its DER form."""

LONGEST_TEXT, LONGEST_SIGNATURE = 1024, 128
STATE_PATIENCE_S, SIGNATURE_PATIENCE_S = 2.0, 15.0


class Wm3m4(SigningMeter):
    """Three phases, 115200 baud, unit 33; its clock is set when a session begins."""

    model = "Iskra WM3M4"
    requests = blocks(WM3M4, 60, gap=20)

    class Config(SigningMeter.Config, frozen=True, forbid_unknown_fields=True):
        """As every meter that signs."""

        unit: Unit = 33

    async def settle(self, session: SignedSession | None, *, running: bool) -> None:
        if not self._public_key:
            point = await self._bus.read_holding(self._config.unit, PUBLIC_KEY, KEY_WORDS)
            self._public_key = ocmf.told_key(KEY_HEAD + ocmf.bytes_of(point))
        state = await self._word(STATE)
        if running and session is not None:
            if state in (ACTIVE, AFTER_RESET) and await self._head() == self._head_of(session):
                return
            if state != IDLE:
                await self._end(state, session)
            await self._begin(session)
        elif state != IDLE:
            await self._end(state, session)

    async def _begin(self, session: SignedSession) -> None:
        await self._set_clock()
        await self._put(ALGORITHM, 0)
        await self._write_head(session)
        await self._put(COMMAND, BEGIN)
        await self._until("beginning", self._active, STATE_PATIENCE_S)
        await self._until("signing", self._signed, SIGNATURE_PATIENCE_S)

    async def _end(self, state: int, session: SignedSession | None) -> None:
        """The record is of the session that the meter is in; one that nobody knows is ended and not told."""
        if state == AFTER_POWER_LOSS:
            await self._set_clock()
            await self._write_head(session or SignedSession(""))
        mine = session is not None and await self._head() == self._head_of(session)
        await self._put(COMMAND, END)
        await self._until("ending", self._idle, STATE_PATIENCE_S)
        await self._until("signing", self._signed, SIGNATURE_PATIENCE_S)
        if mine and session is not None:
            await self._tell(await self._record(), session.transaction_id)
        else:
            self._presence.warn("record", "the meter was in a session that nobody knows; it was ended")

    async def _active(self) -> bool:
        return await self._word(STATE) == ACTIVE

    async def _idle(self) -> bool:
        return await self._word(STATE) == IDLE

    async def _signed(self) -> bool:
        status = await self._word(STATUS)
        if status >= ERRORS_FROM:
            reason = ERRORS.get(status, f"error {status}")
            raise PartRefused(f"{self._bus.device} unit {self._config.unit}: does not sign: {reason}")
        return status == SIGNED

    async def _record(self) -> str:
        measured = ocmf.text_of(await self._text(RESULT_LENGTH, RESULT, LONGEST_TEXT))
        length = await self._length(SIGNATURE_LENGTH, LONGEST_SIGNATURE)
        signature = ocmf.bytes_of(await self._long(SIGNATURE, (length + 1) // 2), length)
        return ocmf.checked(ocmf.assembled(measured, ocmf.tidied(signature)))

    async def _text(self, length_at: int, address: int, longest: int) -> list[int]:
        length = await self._length(length_at, longest)
        words = await self._long(address, (length + 1) // 2)
        return ocmf.words_of_bytes(ocmf.bytes_of(words, length))

    async def _length(self, address: int, longest: int) -> int:
        length = await self._word(address)
        if not 0 < length <= longest:
            raise Malformed(f"a length of {length} at {address}")
        return length

    def _head_of(self, session: SignedSession) -> str:
        """The head of the record: who charges where; what the meter knows better is left to it."""
        head: dict[str, Any] = dict.fromkeys(("GI", "GS", "GV", "PG", "MV", "MM", "MS", "MF"), "")
        kind = ocmf.IDENTIFICATION_TYPES.get(session.token_kind, "NONE")
        flags = ["RFID_PLAIN"] if kind.startswith("ISO") else []
        person = {"IS": bool(session.token), "IF": flags, "IT": kind, "ID": ocmf.plain(session.token)}
        head = {"FV": "1.0"} | head | person | {"CT": "EVSEID", "CI": self._point, "RD": []}
        return msgspec.json.encode(head).decode()

    async def _write_head(self, session: SignedSession) -> None:
        data = self._head_of(session).encode("ascii", "replace")
        await self._write(HEAD, ocmf.words_of_bytes(data))
        await self._put(HEAD_LENGTH, len(data))

    async def _head(self) -> str:
        length = await self._word(HEAD_LENGTH)
        if not 0 < length <= LONGEST_TEXT:
            return ""
        return ocmf.text_of(await self._long(HEAD, (length + 1) // 2), length)

    async def _set_clock(self) -> None:
        wall = self._place.time_of_day()
        if wall is None:
            return
        seconds = int(wall.timestamp())
        await self._put(TIME, seconds >> 16 & 0xFFFF)
        await self._put(TIME + 1, seconds & 0xFFFF)
        await self._put(TIME_ZONE, 0)
        await self._put(CLOCK_STATUS, SYNCHRONIZED)

    async def _put(self, address: int, value: int) -> None:
        await self._bus.write_register(self._config.unit, address, value)
