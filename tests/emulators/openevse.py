"""An OpenEVSE controller with a vehicle on its cable, behind a pseudo-terminal.  Shares no code with our driver.

It behaves as the public description of firmware 8.2.3 (RAPI 5.2.1) says, with its traps: a command buffer of 32
bytes, asynchronous frames at any time, a relay that opens up to 3 s after a sleep without telling, a heartbeat that
only lowers the current and whose interval is computed in 16 bits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import reduce
from operator import xor

from tests.emulators.emulator import serve_keyboard
from tests.emulators.load import Load
from tests.emulators.on_pty import PtyEmulator
from tests.emulators.pty import QUIET, Noise

A, B, C = 0x01, 0x02, 0x03
GFI, NO_GROUND, STUCK_RELAY, OVER_TEMPERATURE, SLEEPING, DISABLED = 0x06, 0x07, 0x08, 0x0A, 0xFE, 0xFF
FIRST_FAULT, LAST_FAULT = 0x05, 0x0E
HARD_FAULT, RELAY_ON, EV_CONNECTED = 0x0002, 0x0040, 0x0100
AUTH_LOCKED, BOOT_LOCKED, MENNEKES_MANUAL = 0x0008, 0x4000, 0x8000
ANNOUNCED_FLAGS = 0x0008 | EV_CONNECTED | 0x0010 | 0x2000 | HARD_FAULT
BUFFER_BYTES, MOST_TOKENS = 32, 10

DEBOUNCE_S, DEBOUNCE_TO_A_S = 0.25, 0.025
SLEEP_OPENS_S = 3.0
VEHICLE_STARTS_S, VEHICLE_STOPS_S = 0.2, 0.5
BOOT_S = 1.0

Answer = tuple[bool, str]


class EmulatedOpenEvse(PtyEmulator):
    """The part, and the vehicle that the stimuli move."""

    stimuli = frozenset(
        {
            *("plug_in", "unplug", "ready", "pause", "fault", "clear_fault"),
            *("press_button", "switch_by_hand", "power_cycle", "heat"),
        }
    )
    keys = {"p": "plug_in", "u": "unplug", "r": "ready", "x": "pause", "f": "fault", "c": "clear_fault"}

    def __init__(
        self, load: Load | None = None, noise: Noise = QUIET, speed: float = 1.0, max_a: int = 32, flags: int = 0x0021
    ) -> None:
        super().__init__(load, noise, speed)
        self.firmware, self.rapi = "8.2.3", "5.2.1"
        self.max_a, self.flags = max_a, flags
        self.state = self.pilot_state = A
        self.amps = self._capacity = max_a
        self.relay = False
        self.muted = False
        self.heard: list[str] = []
        self.eeprom_writes = 0
        self.heartbeat_s, self.fallback_a, self.trigger = 0, 0, 0
        self.celsius: list[float | None] = [25.3, None, None]  # clock chip, ambient, infrared
        self.trips = {GFI: 0, NO_GROUND: 0, STUCK_RELAY: 0}
        self.extra_flags = 0
        self.postcode = 0
        self.locked = self.lock_by_host = False
        self.lock_pulses = 0
        # the vehicle
        self.plugged = self.wants = self.s2 = False
        self.stubborn = False  # keeps drawing when the pilot's oscillator stops
        self.vehicle_a = 0.0
        self._session_from_wh = self.load.energy_wh
        # the wire
        self._buffer: bytearray | None = None
        self._busy = self._booting = False
        self._told: tuple[int, ...] = self._announcement()

    # ---- what a test may look at ----

    @property
    def offers_a(self) -> int | None:
        """What the pilot's duty tells the vehicle; None: no oscillator."""
        return self.amps if self.state in (B, C) else None

    @property
    def powered(self) -> bool:
        return self.relay

    # ---- stimuli ----

    def plug_in(self, current_a: float = 16.0, ready_after: float | None = 0.0) -> None:
        """``ready_after`` None: the vehicle waits for ``ready``."""
        self.plugged, self.vehicle_a, self._session_from_wh = True, current_a, self.load.energy_wh
        self._sense()
        if ready_after is not None:
            self._after("ready", ready_after, self.ready)

    def unplug(self) -> None:
        self.plugged = self.wants = self.s2 = False
        self._cancel("ready", "s2")
        self._draw()
        self._sense()

    def ready(self) -> None:
        """The vehicle wants energy."""
        self.wants = self.plugged
        self._vehicle_reacts()

    def pause(self) -> None:
        """The vehicle has had enough for now: it opens S2 by itself."""
        self.wants = self.s2 = False
        self._cancel("ready", "s2")
        self._draw()
        self._sense()

    def fault(self, code: int = 0x06) -> None:
        self.state = code
        if code in self.trips:
            self.trips[code] = min(0xFF, self.trips[code] + 1)
        self._open_relay()
        self._vehicle_reacts()
        self._announce()

    def clear_fault(self) -> None:
        if FIRST_FAULT <= self.state <= LAST_FAULT:
            self.state = self.pilot_state
            self._evaluate()

    def heat(self, celsius: float) -> None:
        self.celsius[0] = celsius

    def press_button(self, length: int = 0) -> None:
        self._say(f"AN {length}")

    def switch_by_hand(self) -> None:
        """Somebody puts it to sleep, or wakes it, at its own panel."""
        self._sleep() if self.state != SLEEPING else self._enable()
        self._announce()

    def power_cycle(self) -> None:
        """It restarts, enabled and at full current, and says so."""
        self._booting = True
        self._open_relay()
        self._buffer = None
        self._after("boot", BOOT_S, self._boot)

    def say(self, text: str) -> None:
        """Any frame, with the right checksum."""
        self._say(text)

    # ---- the controller ----

    def _boot(self) -> None:
        self._booting = False
        self.amps = self._capacity = self.max_a
        self.trigger = 0
        self.lock_by_host = False
        self.state = self.pilot_state = self._pilot_on_the_wire()
        self._say(f"AB {self.postcode:02X} {self.firmware}")
        self._evaluate()

    def _pilot_on_the_wire(self) -> int:
        return A if not self.plugged else C if self.s2 else B

    def _sense(self) -> None:
        """The pilot voltage has changed; believe it when it has been so for a while."""
        self._after("debounce", DEBOUNCE_S if self.plugged else DEBOUNCE_TO_A_S, self._settle)

    def _settle(self) -> None:
        if self.state == DISABLED:
            return  # -12 V: the vehicle cannot be seen
        self.pilot_state = self._pilot_on_the_wire()
        self._evaluate()

    def _evaluate(self) -> None:
        if FIRST_FAULT <= self.state <= LAST_FAULT:
            if self.pilot_state == A and self.state != STUCK_RELAY:
                self.state = A
        elif self.state == SLEEPING:
            if self.pilot_state != C:
                self._open_relay()
        elif self.state != DISABLED:
            self.state = self.pilot_state
            if self.state == C:
                self._cancel("sleep")
                self.relay = True
            else:
                self._open_relay()
        self._draw()
        self._vehicle_reacts()
        self._announce()

    def _open_relay(self) -> None:
        self._cancel("sleep")
        self.relay = False
        self._draw()

    def _enable(self) -> None:
        if self.state in (SLEEPING, DISABLED):
            self.state = self.pilot_state = self._pilot_on_the_wire()
            self._evaluate()

    def _sleep(self) -> None:
        self.state = SLEEPING
        if self.relay:
            self._after("sleep", SLEEP_OPENS_S, self._open_relay)  # no frame tells it
        self._vehicle_reacts()

    def _miss(self) -> None:
        self.trigger = 2
        self.amps = max(6, self.fallback_a)
        self._draw()
        self._announce()

    def _supervise(self) -> None:
        self._cancel("heartbeat")
        if self.heartbeat_s:
            # The firmware multiplies in 16 bits: 66 s become 0.46 s.
            # The host's clock is the real one, so this delay is not the faster one of ``speed``.
            self._after("heartbeat", (self.heartbeat_s * 1000 & 0xFFFF) / 1000 * self.speed, self._miss)

    # ---- the vehicle ----

    def _vehicle_reacts(self) -> None:
        oscillates = self.state in (B, C)
        if self.wants and oscillates and not self.s2:
            self._after("s2", VEHICLE_STARTS_S, lambda: self._switch_s2(True))
        elif self.s2 and not oscillates and not self.stubborn:
            self._after("s2", VEHICLE_STOPS_S, lambda: self._switch_s2(False))

    def _switch_s2(self, closed: bool) -> None:
        self.s2 = closed
        self._draw()
        self._sense()

    def _draw(self) -> None:
        offered_a = self.amps if self.state in (B, C) or self.stubborn else 0
        self.load.current_a = min(self.vehicle_a, offered_a) if self.relay and self.s2 else 0.0

    # ---- frames ----

    def _vflags(self) -> int:
        flags = self.extra_flags | (RELAY_ON if self.relay else 0)
        flags |= MENNEKES_MANUAL if self.lock_by_host else 0
        flags |= EV_CONNECTED if self.pilot_state != A else 0
        return flags | (HARD_FAULT if FIRST_FAULT <= self.state <= LAST_FAULT else 0)

    def _announcement(self) -> tuple[int, ...]:
        return self.state, self.pilot_state, self.amps, self._vflags() & ANNOUNCED_FLAGS

    def _announce(self) -> None:
        if self._busy or self._booting or self._announcement() == self._told:
            return
        self._told = self._announcement()
        self._say(f"AT {self.state:02X} {self.pilot_state:02X} {self.amps} {self._vflags():04X}")

    def _say(self, text: str) -> None:
        body = f"${text}".encode("ascii")
        self._pty.send(body + b"^%02X\r" % reduce(xor, body))

    def _receive(self, data: bytes) -> None:
        for byte in data:
            if byte == ord("$"):
                self._buffer = bytearray(b"$")
            elif self._buffer is None or self.muted or self._booting:
                self._buffer = None
            elif byte == 0x0D:
                line, self._buffer = bytes(self._buffer), None
                self._obey(line)
            elif len(self._buffer) < BUFFER_BYTES - 1:
                self._buffer.append(byte)
            else:
                self._buffer = None

    def _obey(self, line: bytes) -> None:
        words = _words(line)
        if words is None:
            self._say("NK")
            return
        sequence = f" {words.pop()}" if words and words[-1].startswith(":") else ""
        self.heard.append(" ".join(words))
        self._busy = True
        answer = self._answer(words)
        self._busy = False
        if answer is not None:
            ok, text = answer
            self._say(f"{'OK' if ok else 'NK'}{' ' if text else ''}{text}{sequence}")
        self._announce()

    def _answer(self, words: list[str]) -> Answer | None:
        name, parameters = (words[0], words[1:]) if words else ("", [])
        if name == "FR":
            self.power_cycle()
            return None
        handler = self.commands.get(name)
        if handler is None or len(words) > MOST_TOKENS:
            return False, ""
        try:
            return handler(self, parameters)
        except (ValueError, IndexError):
            return False, ""

    def _get_status(self, _: list[str]) -> Answer:
        return True, f"{self.state:02X} 0 {self.pilot_state:02X} {self._vflags():04X}"

    def _get_settings(self, _: list[str]) -> Answer:
        return True, f"{self.amps} {self.flags:04X}"

    def _get_energy(self, _: list[str]) -> Answer:
        session_wh = self.load.energy_wh - self._session_from_wh
        return True, f"{round(session_wh * 3600)} {round(self.load.energy_wh)}"

    def _get_current(self, _: list[str]) -> Answer:
        return True, f"{round(self.load.current_a * 1000)} {round(self.load.voltage_v * 1000)}"

    def _get_connected(self, _: list[str]) -> Answer:
        return True, "2" if self.state == DISABLED else str(int(self.plugged))

    def _set_current(self, parameters: list[str]) -> Answer:
        wanted = int(parameters[0])
        if len(parameters) < 2:
            self.eeprom_writes += 1
        if self.state == OVER_TEMPERATURE and wanted > self.amps:
            return False, str(self.amps)
        self.amps = self._capacity = min(max(wanted, 6), self.max_a)
        self._draw()
        return self.amps == wanted, str(self.amps)

    def _heartbeat(self, parameters: list[str]) -> Answer:
        ok = True
        if parameters == ["165"]:
            self.trigger = 1 if self.trigger else 0
            self.amps = self._capacity
            self._draw()
        elif parameters:
            self.heartbeat_s, self.fallback_a = int(parameters[0]), int(parameters[1])
            self.eeprom_writes += 1
        else:
            ok = self.trigger != 2
        self._supervise()
        return ok, self._get_heartbeat([])[1]

    def _get_heartbeat(self, _: list[str]) -> Answer:
        return True, f"{self.heartbeat_s} {self.fallback_a} {self.trigger}"

    def _get_temperatures(self, _: list[str]) -> Answer:
        return True, " ".join("-2560" if each is None else str(round(each * 10)) for each in self.celsius)

    def _clear_flag(self, flag: int) -> Answer:
        self.extra_flags &= ~flag
        return True, ""

    def _set_lock(self, parameters: list[str]) -> Answer:
        (wanted,) = parameters
        if wanted in ("A", "M"):
            self.lock_by_host = wanted == "M"
        elif wanted not in ("0", "1") or not self.lock_by_host:
            return False, ""
        else:
            self.locked = wanted == "1"
            self.lock_pulses += 1
        return True, ""

    def _do_enable(self, _: list[str]) -> Answer:
        self._enable()
        return True, ""

    def _do_sleep(self, _: list[str]) -> Answer:
        self._sleep()
        return True, ""

    def _do_disable(self, _: list[str]) -> Answer:
        self.state = DISABLED
        self._open_relay()
        self._vehicle_reacts()
        return True, ""

    def _accept(self, _: list[str]) -> Answer:
        return True, ""

    commands: dict[str, Callable[[EmulatedOpenEvse, list[str]], Answer]] = {
        "GV": lambda self, _: (True, f"{self.firmware} {self.rapi}"),
        "GS": _get_status,
        "GE": _get_settings,
        "GC": lambda self, _: (True, f"6 80 {self.amps} {self.max_a}"),
        "GF": lambda self, _: (True, " ".join(f"{count:X}" for count in self.trips.values())),
        "GG": _get_current,
        "GU": _get_energy,
        "GP": _get_temperatures,
        "G5": lambda self, _: (True, str(int(self.locked))),
        "GY": _get_heartbeat,
        "G0": _get_connected,
        "SC": _set_current,
        "SY": _heartbeat,
        "SB": lambda self, _: self._clear_flag(BOOT_LOCKED),
        "S4": lambda self, words: self._clear_flag(AUTH_LOCKED) if words == ["0"] else (True, ""),
        "S5": _set_lock,
        "SL": _accept,
        "SV": _accept,
        "FB": _accept,
        "FP": _accept,
        "F0": _accept,
        "F1": _accept,
        "FE": _do_enable,
        "FS": _do_sleep,
        "FD": _do_disable,
    }

    # ---- time ----


def _words(line: bytes) -> list[str] | None:
    """The words of a command; None: the checksum is wrong.  XOR, the older sum, or none at all."""
    for mark, total in ((b"^", lambda text: reduce(xor, text)), (b"*", lambda text: sum(text) & 0xFF)):
        text, found, digits = line.rpartition(mark)
        if found:
            return text[1:].decode("latin-1").split() if digits.upper() == b"%02X" % total(text) else None
    return line[1:].decode("latin-1").split()


if __name__ == "__main__":
    evse = EmulatedOpenEvse()
    asyncio.run(serve_keyboard(evse, lambda: f"state {evse.state:02X}, relay {evse.relay}, {evse.load.current_a:g} A"))
