"""Carlo Gavazzi EM580: its register map, and sessions that it signs with a key of its own.

It closes a session when its power goes and keeps the record until somebody confirms that he has read it.
"""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from time import monotonic

from cryptography.hazmat.primitives.asymmetric.ec import BrainpoolP256R1, generate_private_key
from pymodbus.constants import ExcCodes

from tests.emulators.carlo_gavazzi import instantaneous
from tests.emulators.emulator import serve_keyboard
from tests.emulators.load import Load
from tests.emulators.pty import QUIET, Noise
from tests.emulators.rtu_meter import READ_HOLDING, READ_INPUT, RtuMeter, low_first, text
from tests.emulators.signing import public_der, signed

IDENTIFICATION_TYPES = {0: "NONE", 10: "ISO14443", 11: "ISO15693", 20: "EMAID", 21: "EVCCID", 60: "CENTRAL"}
NOT_READY, RUNNING, READY, CORRUPTED = range(4)
SIGNING_S, STARTING_S = 0.3, 2.0


class EmulatedEm580(RtuMeter):
    """``records`` are the sessions that it has signed."""

    stimuli = frozenset({"mute", "unmute", "power_cycle"})
    keys = {"m": "mute", "o": "unmute", "c": "power_cycle"}
    functions = (READ_HOLDING, READ_INPUT)
    last_register = 0x7110 + 2031

    def __init__(
        self, load: Load | None = None, noise: Noise = QUIET, speed: float = 1.0, unit: int | None = None
    ) -> None:
        super().__init__(load, noise, speed, unit)
        self.key = generate_private_key(BrainpoolP256R1())
        self.state = NOT_READY
        self.records: list[str] = []
        self.clock_s: int | None = None
        self.clock_writes = 0
        self.has_key = True
        self.began: dict[str, object] = {}
        self._holding: dict[int, int] = {}
        self._file = b""
        self._powered_at = monotonic()
        self._signed_at = 0.0

    def power_cycle(self) -> None:
        """Its power goes and comes: a session that runs is closed, its record waits."""
        if self.state == RUNNING:
            self._close()
        self.clock_s, self._powered_at, self._signed_at = None, monotonic(), 0.0

    def image(self) -> dict[int, bytes]:
        wh = int(self.load.energy_wh)
        self._finish()
        return instantaneous(self.load) | {
            0x500: low_first(wh, 4),
            0x51C: low_first(0, 4),
            0x24FF: (0 if self.has_key else 2).to_bytes(2, "big"),
            0x2600: public_der(self.key).ljust(92, b"\x00"),
            0x6900: self._text(0x6900, 126).encode() + b"\x00",
            0x7100: self.state.to_bytes(2, "big"),
            0x7101: ((len(self._file) + 1) // 2).to_bytes(2, "big"),
            0x7110: self._file,
        }

    def write(self, address: int, values: list[int]) -> ExcCodes | None:
        if len(values) > 123:
            return ExcCodes.ILLEGAL_VALUE
        self._finish()
        if address == 0x7032:
            return self._take_time(values)
        if address == 0x7040:
            return self._obey(chr(values[0]))
        if address == 0x7100:
            if self.state in (READY, CORRUPTED) and values == [NOT_READY]:
                self.state, self._file = NOT_READY, b""
                return None
            return ExcCodes.ILLEGAL_VALUE
        if not 0x6900 <= address < 0x7040 or (self.state == RUNNING and address >= 0x7000):
            return ExcCodes.ILLEGAL_ADDRESS
        self._holding.update(enumerate(values, address))
        return None

    def _take_time(self, values: list[int]) -> ExcCodes | None:
        if monotonic() - self._powered_at < STARTING_S / self.speed:
            return ExcCodes.DEVICE_FAILURE
        self.clock_s = sum(word << 16 * index for index, word in enumerate(values))
        self.clock_writes += 1
        return None

    def _obey(self, command: str) -> ExcCodes | None:
        if command == "B" and self.state == NOT_READY:
            self.state = RUNNING
            self.began = self._reading("B")
            return None
        if command == "E" and self.state == RUNNING:
            self._signed_at = monotonic() + SIGNING_S / self.speed
            return None
        return ExcCodes.ILLEGAL_VALUE

    def _finish(self) -> None:
        if self._signed_at and monotonic() >= self._signed_at:
            self._signed_at = 0.0
            self._close()

    def _close(self) -> None:
        kind = IDENTIFICATION_TYPES.get(self._holding.get(0x7006, 0), "?")
        measured = {
            "FV": "1.1",
            "GI": "Carlo Gavazzi Controls EM580",
            "TT": self._text(0x6900, 126),
            "IS": bool(self._holding.get(0x7000, 0)),
            "IT": kind,
            "ID": self._text(0x7007, 20),
            "CT": "EVSEID",
            "CI": self._text(0x701C, 20),
            "RD": [self.began, self._reading("E")],
        }
        record = signed(self.key, json.dumps(measured), "ECDSA-brainpool256r1-SHA256")
        self.records.append(record)
        self.state, self._file = READY, text(record)

    def _reading(self, kind: str) -> dict[str, object]:
        at = datetime.fromtimestamp(self.clock_s or 0, UTC).strftime("%Y-%m-%dT%H:%M:%S,000+0000")
        status = "U" if self.clock_s is None else "S"
        return {"TM": f"{at} {status}", "TX": kind, "RV": round(self.load.energy_wh / 1000, 3), "RU": "kWh", "ST": "G"}

    def _text(self, address: int, words: int) -> str:
        data = b"".join(self._holding.get(address + index, 0).to_bytes(2, "big") for index in range(words))
        return data.partition(b"\x00")[0].decode("ascii")


if __name__ == "__main__":
    meter = EmulatedEm580()
    meter.load.current_a = 10.0
    asyncio.run(serve_keyboard(meter, lambda: f"state {meter.state}, {len(meter.records)} records"))
