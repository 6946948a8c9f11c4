"""Iskra WM3M4C: its register map, and sessions that it signs with a key of its own.

It stays in a session when its power goes, and then wants the time and the head of the record once more.  Its
signatures have leading zeros where DER allows none.
"""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from time import monotonic
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from pymodbus.constants import ExcCodes

from tests.emulators.emulator import serve_keyboard
from tests.emulators.load import Load
from tests.emulators.pty import QUIET, Noise
from tests.emulators.rtu_meter import READ_HOLDING, READ_INPUT, RtuMeter
from tests.emulators.signing import public_der, signature

IDLE, ACTIVE, AFTER_POWER_LOSS = range(3)
SIGNING, SIGNED, INVALID_TIME, INVALID_STATE = 2, 15, 128, 131
SIGNING_S = 0.5


def decimal24(value: float, decimals: int) -> bytes:
    """T5 and T6: an exponent of ten and 24 bits."""
    number: int = round(value * 10.0**decimals) & 0xFFFFFF
    return (-decimals & 0xFF).to_bytes(1, "big") + number.to_bytes(3, "big")


def padded(data: bytes) -> bytes:
    """A signature as the firmware writes it: 33 bytes for each number, whatever they need."""
    numbers = [b"\x02\x21" + number.to_bytes(33, "big") for number in decode_dss_signature(data)]
    return b"\x30\x46" + b"".join(numbers)


class EmulatedWm3m4(RtuMeter):
    """``records`` counts the sessions that it has signed."""

    stimuli = frozenset({"mute", "unmute", "power_cycle"})
    keys = {"m": "mute", "o": "unmute", "c": "power_cycle"}
    functions = (READ_INPUT, READ_HOLDING)
    default_unit = 33
    last_register = 8400

    def __init__(
        self, load: Load | None = None, noise: Noise = QUIET, speed: float = 1.0, unit: int | None = None
    ) -> None:
        super().__init__(load, noise, speed, unit)
        self.key = generate_private_key(SECP256R1())
        self.state, self.status = IDLE, 1
        self.records = 0
        self.clock_s: int | None = None
        self.began: dict[str, Any] = {}
        self._holding: dict[int, int] = {}
        self._head_fresh = False
        self._signed_at = 0.0
        self._result = self._signature = b""

    def power_cycle(self) -> None:
        """Its power goes and comes: it knows neither the time nor who charges."""
        self.state = AFTER_POWER_LOSS if self.state != IDLE else IDLE
        self.status, self.clock_s, self._head_fresh = 1, None, False

    def read(self, function: int, address: int, count: int) -> list[int] | ExcCodes:
        if function == READ_INPUT:
            return super().read(function, address, count)
        self._finish()
        held = {register: value.to_bytes(2, "big") for register, value in self._holding.items()}
        own = {
            7000: self.state.to_bytes(2, "big"),
            7052: self.status.to_bytes(2, "big"),
            7057: len(self._result).to_bytes(2, "big"),
            7058: len(self._signature).to_bytes(2, "big"),
            7071: (0 if self.clock_s is None else 2).to_bytes(2, "big"),
            7612: self._result,
            8124: public_der(self.key)[-64:],
            8188: self._signature,
        }
        words = [0] * count
        for start, data in (held | own).items():
            for offset in range(0, len(data), 2):
                if 0 <= start + offset // 2 - address < count:
                    word = data[offset : offset + 2].ljust(2, b"\x00")
                    words[start + offset // 2 - address] = int.from_bytes(word, "big")
        return words

    def image(self) -> dict[int, bytes]:
        load = self.load
        image = {
            105: decimal24(load.frequency_hz, 3),
            140: decimal24(load.power_w, 1),
            148: decimal24(0, 1),
            414: b"\x00\x00\x00\x00",
            418: int(load.energy_wh).to_bytes(4, "big", signed=True),
            420: bytes(4),
        }
        for phase in range(load.phases):
            image[107 + 2 * phase] = decimal24(load.voltage_v, 2)
            image[126 + 2 * phase] = decimal24(load.current_a, 3)
            image[142 + 2 * phase] = decimal24(load.current_a * load.voltage_v, 1)
        return image

    def write(self, address: int, values: list[int]) -> ExcCodes | None:
        self._finish()
        if address == 7051:
            self._obey(values[0])
            return None
        if not 7053 <= address < 7612:
            return ExcCodes.ILLEGAL_ADDRESS
        self._holding.update(enumerate(values, address))
        if address == 7071 and values == [2]:
            self.clock_s = self._holding[7054] << 16 | self._holding[7055]
        if address == 7056:
            self._head_fresh = True
        return None

    def _obey(self, command: int) -> None:
        self.status = SIGNING
        if command == 0x4200 and self.state == IDLE and self._head_fresh:
            self.state, self.began = ACTIVE, self._reading("B")
        elif command == 0x7200 and self.state != IDLE and self._head_fresh:
            self.state = IDLE
            measured = json.dumps(json.loads(self._head()) | {"RD": [self.began, self._reading("E")]})
            self._result = measured.encode()
            self._signature = padded(signature(self.key, measured))
            self.records += 1
        else:
            self.status = INVALID_STATE
            return
        self._signed_at = monotonic() + SIGNING_S / self.speed
        if self.clock_s is None:
            self.status = INVALID_TIME

    def _finish(self) -> None:
        if self.status == SIGNING and monotonic() >= self._signed_at:
            self.status = SIGNED

    def _head(self) -> bytes:
        length = self._holding.get(7056, 0)
        words = (self._holding.get(7100 + index, 0) for index in range((length + 1) // 2))
        return b"".join(word.to_bytes(2, "big") for word in words)[:length]

    def _reading(self, kind: str) -> dict[str, Any]:
        at = datetime.fromtimestamp(self.clock_s or 0, UTC).strftime("%Y-%m-%dT%H:%M:%S,000+0000")
        return {"TM": f"{at} S", "TX": kind, "RV": round(self.load.energy_wh / 1000, 3), "RU": "kWh", "ST": "G"}


if __name__ == "__main__":
    meter = EmulatedWm3m4()
    meter.load.current_a = 10.0
    asyncio.run(serve_keyboard(meter, lambda: f"state {meter.state}, {meter.records} records"))
