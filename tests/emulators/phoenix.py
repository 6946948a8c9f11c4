"""A Phoenix Contact EV Charge Control Basic with a vehicle on its cable, on a Modbus line.  No code of our driver's.

What the manual says is done as it says; it has no supervision of its host, so this has none either.
"""

from __future__ import annotations

import asyncio

from pymodbus.constants import ExcCodes

from tests.emulators.emulator import serve_keyboard
from tests.emulators.load import Load
from tests.emulators.pty import QUIET, Noise
from tests.emulators.rtu_controller import COILS, READ_HOLDING, READ_INPUT, EmulatedRtuController

RETENTIVE = {4000: 1, 4001: 1, 4002: 1, 4006: 0, 4007: 200, 4012: 1, 4013: 0}
RELEASE, AVAILABLE, LOCK, RCM_TEST, RESTART = 20000, 20001, 20002, 20003, 21000
BY_COIL_RELEASE, BY_COIL_AVAILABLE, BY_COIL_LOCK = 3, 2, 3
PRESET_A = 16
LOCK_S = 0.3
LOCK_ERROR, UNLOCK_ERROR, RCM_ERROR = 6, 7, 15
POWER_ERRORS = {3, 4, 12, 13, 15, 16}


class EmulatedPhoenix(EmulatedRtuController):
    """The controller, its socket lock, and the vehicle that the stimuli move."""

    last_register = 26_010
    stimuli = EmulatedRtuController.stimuli | {"fault", "clear_fault", "jam", "free"}
    keys = EmulatedRtuController.keys | {"f": "fault", "h": "clear_fault", "j": "jam"}

    def __init__(self, load: Load | None = None, noise: Noise = QUIET, speed: float = 1.0, unit: int = 1) -> None:
        super().__init__(load, noise, speed, unit)
        self.retentive = dict(RETENTIVE)
        self.wears = 0
        self.dips_on = True
        self.status_functions: tuple[int, ...] = (READ_HOLDING,)
        self.errors: set[int] = set()
        self.locked = self.jammed = False
        self.restarts = 0
        self._lock_timer: asyncio.TimerHandle | None = None
        self._forget()

    async def close(self) -> None:
        if self._lock_timer is not None:
            self._lock_timer.cancel()
        await super().close()

    def _forget(self) -> None:
        self.coils = {RELEASE: 0, AVAILABLE: 0, LOCK: 0, RCM_TEST: 0, RESTART: 0}
        self.current_a = PRESET_A

    # ---- stimuli ----

    def fault(self, number: int = RCM_ERROR) -> None:
        """A bit, from 1, of the error register."""
        self.errors.add(number)
        self._obey()

    def clear_fault(self) -> None:
        self.errors.clear()
        self._obey()

    def jam(self) -> None:
        """The bolt does not move any more."""
        self.jammed = True

    def free(self) -> None:
        self.jammed = False

    def power_cycle(self) -> None:
        self.restarts += 1
        self._forget()
        self.errors.clear()
        self._obey()

    # ---- the controller ----

    def _obey(self) -> None:
        released = self.retentive[4000] == 0 or (self.retentive[4000] == BY_COIL_RELEASE and bool(self.coils[RELEASE]))
        by_coil = self.dips_on and self.retentive[4001] == BY_COIL_AVAILABLE
        self.ev.dark = by_coil and not self.coils[AVAILABLE]
        self.ev.faulted = bool(self.errors & POWER_ERRORS)
        offered_a = min(self.current_a, self.ev.cable_a or 63) if released and not self.ev.dark else None
        self.ev.offer(offered_a)

    def _move_lock(self) -> None:
        if self.retentive[4002] != BY_COIL_LOCK:
            return
        if self._lock_timer is not None:
            self._lock_timer.cancel()
        self._lock_timer = asyncio.get_running_loop().call_later(LOCK_S / self.speed, self._arrive)

    def _arrive(self) -> None:
        wanted = bool(self.coils[LOCK])
        self.errors -= {LOCK_ERROR, UNLOCK_ERROR}
        if not self.jammed:
            self.locked = wanted
        elif self.locked != wanted:
            self.errors.add(LOCK_ERROR if wanted else UNLOCK_ERROR)

    def read(self, function: int, address: int) -> int | None:
        if function in COILS:
            return self.coils.get(address)
        if address >= 24000 and function not in self.status_functions:
            return None
        if address < 2000:
            return 0 if function == READ_INPUT else None
        return self._registers().get(address)

    def _registers(self) -> dict[int, int]:
        digit = "0" if self.ev.letter in "EF" else "2" if self.ev.offered_a is not None else "1"
        status = {
            24000: ord(self.ev.letter) << 8 | ord(digit),
            24001: 0xFFFF if 3 in self.errors else self.ev.cable_a or 0,
            24002: 0,
            24003: self.offers_a or 0,
            24004: int(not self.ev.contactor) << 3,
            24005: 0,
            24025: sum(1 << number - 1 for number in self.errors),
        }
        return self.retentive | status | {2000: 0, 2001: 0, 22000: self.current_a}

    def write(self, function: int, address: int, value: int) -> ExcCodes | None:
        if address in self.coils and function in COILS:
            self.coils[address] = value
            if address == RESTART and value:
                self.power_cycle()
            elif address == LOCK:
                self._move_lock()
        elif address in self.retentive:
            self.wears += 1
            if self.dips_on or address not in (4001, 4002):
                self.retentive[address] = value
        elif address == 22000 and 6 <= value <= 63:
            self.current_a = value
        else:
            return ExcCodes.ILLEGAL_VALUE if address == 22000 else ExcCodes.ILLEGAL_ADDRESS
        self._obey()
        return None


if __name__ == "__main__":
    part = EmulatedPhoenix()
    asyncio.run(serve_keyboard(part, lambda: f"{part.ev.letter}, {part.load.current_a:g} A, errors {part.errors}"))
