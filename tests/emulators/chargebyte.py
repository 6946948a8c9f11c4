"""chargebyte's safety controller with a vehicle on its cable, behind a pseudo-terminal.  No code of our driver's.

It behaves as the public documents say: INIT until the first ChargeControl1, a state frame every 100 ms, answers to
inquiries, contactors only when asked for in state C, and a safe state that only a reset ends.  How long it waits for
the host is not published; here it is ``host_timeout_s``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from struct import pack
from typing import Any, Literal, Self

from tests.emulators.emulator import serve_keyboard
from tests.emulators.load import Load
from tests.emulators.on_pty import PtyEmulator
from tests.emulators.pty import QUIET, Noise

PERIOD_S = 0.1
ANSWER_S = 0.02
STARTUP_S = 0.3
CONTACTOR_S = 0.05
VEHICLE_STARTS_S, VEHICLE_STOPS_S = 0.2, 0.5
HOST_TIMEOUT_S = 2.0
CP_CODES = {"A": 1, "B": 2, "C": 3, "D": 4, "E": 5, "F": 6}
CABLES = {13: 1, 20: 2, 32: 3, 63: 4}
NO_REASON, HOST_SILENT, FIRST_ESTOP, RCM_TRIPPED, RCM_TEST_FAILED = 0, 2, 16, 20, 21
RCM_TEST_S = 2.0

Mode = Literal["init", "running", "safe", "off"]


def crc(data: bytes) -> int:
    """Bit by bit, as the standard has it."""
    value = 0xFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value << 1) ^ 0x11D if value & 0x80 else value << 1
    return value ^ 0xFF


class EmulatedChargebyte(PtyEmulator):
    """The part, and the vehicle that the stimuli move."""

    stimuli = frozenset(
        {"plug_in", "unplug", "ready", "pause", "fault", "press_estop", "release_estop", "heat", "power_cycle", "mute"}
    )
    keys = {"p": "plug_in", "u": "unplug", "r": "ready", "x": "pause", "f": "fault", "c": "power_cycle"}

    def __init__(
        self,
        load: Load | None = None,
        noise: Noise = QUIET,
        speed: float = 1.0,
        firmware: tuple[int, int, int] = (0, 4, 1),
        host_timeout_s: float = HOST_TIMEOUT_S,
    ) -> None:
        super().__init__(load, noise, speed)
        self.firmware, self.platform, self.application = firmware, 0x81, 3
        self.host_timeout_s = host_timeout_s
        self.mode: Mode = "init"
        self.reason = NO_REASON
        self.muted = False
        self.heard: list[tuple[int, int]] = []
        self.resets = 0
        self.fitted = 1  # contactors
        self.closed: set[int] = set()
        self.estops: set[int] = set()
        self.celsius: list[float | None] = [25.0, None, None, None]
        self.rcm = 1  # 0 not fitted, 1 monitoring, 2 testing, 3 fault
        self.rcm_broken = False
        self.hot: set[int] = set()
        self.broken: set[int] = set()
        # what the host asked for last
        self._pwm, self._duty, self._asked = False, 0, frozenset[int]()
        # the vehicle
        self.plugged = self.wants = self.s2 = False
        self.stubborn = False  # keeps drawing when nothing is offered any more
        self.diode = True
        self.cable_a: int | None = None
        self.vehicle_a = 0.0
        self._buffer = bytearray()

    @classmethod
    def for_part(cls, options: Mapping[str, Any], load: Load, noise: Noise = QUIET, speed: float = 1.0) -> Self:
        made = cls(load, noise, speed)
        made.fitted = max(options.get("contactors", (1,)))
        return made

    async def open(self) -> str:
        path = await super().open()
        self._tick()
        return path

    # ---- what a test may look at ----

    @property
    def offers_a(self) -> int | None:
        """What the pilot's duty tells the vehicle, in whole amps; None: no oscillator."""
        return round(self._amps()) if self._oscillates() else None

    @property
    def powered(self) -> bool:
        return bool(self.closed)

    # ---- stimuli ----

    def plug_in(self, current_a: float = 16.0, ready_after: float | None = 0.0) -> None:
        """``ready_after`` None: the vehicle waits for ``ready``."""
        self.plugged, self.vehicle_a = True, current_a
        self._evaluate()
        if ready_after is not None:
            self._after("ready", ready_after, self.ready)

    def unplug(self) -> None:
        self.plugged = self.wants = self.s2 = False
        self._cancel("ready", "s2")
        self._evaluate()

    def ready(self) -> None:
        """The vehicle wants energy."""
        self.wants = self.plugged
        self._evaluate()

    def pause(self) -> None:
        """The vehicle has had enough for now: it opens S2 by itself."""
        self.wants = self.s2 = False
        self._cancel("ready", "s2")
        self._evaluate()

    def fault(self, reason: int = RCM_TRIPPED) -> None:
        """Something that the controller supervises is wrong: it latches its safe state."""
        if self.mode in ("init", "running"):
            self.mode, self.reason = "safe", reason
            self._open_contactors()
            self._evaluate()
            self._say_state()

    def press_estop(self, number: int = 1) -> None:
        self.estops.add(number)
        self.fault(FIRST_ESTOP + number - 1)

    def release_estop(self, number: int = 1) -> None:
        self.estops.discard(number)

    def trip(self) -> None:
        """A residual current flows."""
        self.fault(RCM_TRIPPED)

    def heal(self) -> None:
        """It flows no more, and somebody has switched the power off and on."""
        self.power_cycle()

    def heat(self, celsius: float, channel: int = 1) -> None:
        self.celsius[channel - 1] = celsius

    def mute(self) -> None:
        self.muted = True

    def power_cycle(self) -> None:
        """Its power goes off and on; a pulse on its reset line does the same."""
        self.resets += 1
        self.mode, self.reason = "off", NO_REASON
        self._pwm, self._duty, self._asked = False, 0, frozenset()
        self._cancel("host", "test")
        self.rcm = min(self.rcm, 1)
        self._open_contactors()
        self._evaluate()
        self._after("boot", STARTUP_S, self._boot)

    # ---- the controller ----

    def _boot(self) -> None:
        self.mode = "init"
        self._buffer.clear()

    def _control(self, word: int) -> None:
        self._pwm, self._duty = bool(word >> 63), word >> 48 & 0x3FF
        self._asked = frozenset(number for number in (1, 2, 3) if word >> 39 + number & 1 and number <= self.fitted)
        if self.mode == "init":
            self.mode = "running"
        # The host's clock is the real one, so this delay is not the faster one of ``speed``.
        self._after("host", self.host_timeout_s * self.speed, lambda: self.fault(HOST_SILENT))
        self._evaluate()

    def cp(self) -> str:
        """The state that is measured on the pilot."""
        if self.mode == "safe" or (self._pwm and self._duty == 0):
            return "F"
        if not self._pwm:
            return "E"
        return "A" if not self.plugged else "C" if self.s2 else "B"

    def _oscillates(self) -> bool:
        return self.mode == "running" and self._pwm and 0 < self._duty < 1000

    def _amps(self) -> float:
        percent = self._duty / 10
        return percent * 0.6 if percent <= 85 else (percent - 64) * 2.5

    def _evaluate(self) -> None:
        if self._oscillates() and self.plugged and not self.diode:
            self.fault(14)
            return
        self._vehicle_reacts()
        wanted = self._asked if self.mode == "running" and self.cp() == "C" else frozenset()
        if wanted < self.closed or (self.closed and not wanted):
            self._open_contactors()
        if wanted != self.closed and "contactor" not in self._timers:
            self._after("contactor", CONTACTOR_S, self._close)
        self._draw()

    def _close(self) -> None:
        self._cancel("contactor")
        if self.mode == "running" and self.cp() == "C":
            self.closed = set(self._asked)
        self._draw()

    def _open_contactors(self) -> None:
        self._cancel("contactor")
        self.closed.clear()
        self._draw()

    # ---- the vehicle ----

    def _vehicle_reacts(self) -> None:
        if "s2" in self._timers:
            return
        if self.wants and self._oscillates() and not self.s2:
            self._after("s2", VEHICLE_STARTS_S, lambda: self._switch_s2(True))
        elif self.s2 and not self._oscillates() and not self.stubborn:
            self._after("s2", VEHICLE_STOPS_S, lambda: self._switch_s2(False))

    def _switch_s2(self, closed: bool) -> None:
        self._cancel("s2")
        self.s2 = closed and self.plugged
        self._evaluate()

    def _draw(self) -> None:
        offered_a = self._amps() if self._oscillates() else self.vehicle_a if self.stubborn else 0.0
        self.load.current_a = min(self.vehicle_a, offered_a) if self.closed and self.s2 else 0.0

    # ---- frames ----

    def _tick(self) -> None:
        self._say_state()
        self._say(0x08, self._temperatures())
        # Not with the whole ``speed``: the line would be full of nothing else.
        self._after("tick", PERIOD_S * self.speed / min(self.speed, 4.0), self._tick)

    def _say_state(self) -> None:
        self._say(0x07, self._old_state() if self.firmware[1] < 3 else self._new_state())

    def _common(self) -> int:
        word = int(self._pwm and self.mode == "running") << 63 | CP_CODES[self.cp()] << 40
        word |= (self._duty if self.mode == "running" else 0) << 48
        return word | CABLES.get(self.cable_a or 0, 0) << 32

    def _new_state(self) -> int:
        word = self._common() | int(self.mode == "safe") << 58 | self.reason << 8 | self.rcm << 22
        for number in (1, 2, 3):
            state = 3 if number > self.fitted else 2 if number in self.closed else 1
            word |= state << 24 + 2 * (number - 1)
            word |= int(number in self.estops) << 16 + 2 * (number - 1)
        return word if self.reason != RCM_TRIPPED else word | 3 << 22

    def _old_state(self) -> int:
        word = self._common() | int(self.reason == RCM_TRIPPED) << 19
        for number in (1, 2):
            word |= int(number in self.closed) << 23 + number
        for number in (1, 2, 3):
            word |= int(number in self.estops) << 15 + number
        return word

    def _temperatures(self) -> int:
        words = [
            0x1FFF << 2
            if celsius is None
            else (round(celsius * 10) & 0x3FFF) << 2 | int(channel in self.hot) | int(channel in self.broken) << 1
            for channel, celsius in enumerate(self.celsius, 1)
        ]
        return int.from_bytes(pack(">4H", *words), "big")

    def _version(self) -> int:
        return int.from_bytes(bytes((*self.firmware, self.platform, self.application, 0, 2, 0)), "big")

    def say(self, com: int, word: int) -> None:
        """Any frame, with the right checksum."""
        self._say(com, word)

    def _say(self, com: int, word: int) -> None:
        if self.muted or self.mode == "off":
            return
        covered = bytes((com,)) + word.to_bytes(8, "big")
        self._pty.send(b"\xa5" + covered + bytes((crc(covered), 3)))

    def _receive(self, data: bytes) -> None:
        if self.mode == "off":
            return
        self._buffer += data
        while (start := self._buffer.find(0xA5)) >= 0 and len(self._buffer) >= start + 12:
            raw = bytes(self._buffer[start : start + 12])
            good = raw[11] == 3 and crc(raw[1:10]) == raw[10]
            del self._buffer[: start + (12 if good else 1)]
            if good:
                self._obey(raw[1], int.from_bytes(raw[2:10], "big"))

    def _obey(self, com: int, word: int) -> None:
        self.heard.append((com, word))
        if com == 0x06:
            self._control(word)
        elif com == 0xFF:
            answers = {0x0A: (0x0A, self._version()), 0x0B: (0x0B, 0x0123456789ABCDEF), 0xFE: (0xFE, word << 8)}
            if word >> 48 == 0xFE01 and self.rcm and self.mode != "safe":
                self.rcm = 2
                self._say_state()
                self._after("test", RCM_TEST_S, self._tested)
            if (answer := answers.get(word >> 56)) is not None:
                com, told = answer
                self._after("answer", ANSWER_S, lambda: self._say(com, told & 0xFFFF_FFFF_FFFF_FFFF))

    def _tested(self) -> None:
        self.rcm = 3 if self.rcm_broken else 1
        if self.rcm_broken:
            self.fault(RCM_TEST_FAILED)


if __name__ == "__main__":
    part = EmulatedChargebyte()
    asyncio.run(serve_keyboard(part, lambda: f"{part.mode} {part.reason}, CP {part.cp()}, {part.load.current_a:g} A"))
