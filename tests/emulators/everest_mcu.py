"""A board of the EVerest family with vehicles on its cables, behind a pseudo-terminal.  Shares no code with our driver.

It speaks the public protocol.  What the firmware does by itself is assumed here, and ``docs/boards/`` says so: that it
tells all its states after a start and repeats them once a second, that it closes the contactor in state C or D
while power is permitted, and that it goes on charging when its host falls silent.
"""

from __future__ import annotations

import asyncio
from binascii import crc32
from collections.abc import Iterator, Mapping
from struct import pack
from typing import Any, Self

from tests.emulators.emulator import Emulator, serve_keyboard
from tests.emulators.load import Load
from tests.emulators.on_pty import PtyEmulator
from tests.emulators.pty import QUIET, Noise

BOOT_S, TICK_S, RELAY_S, LOCK_S = 0.2, 1.0, 0.05, 0.3
VEHICLE_STARTS_S, VEHICLE_STOPS_S = 0.2, 0.5
HOST_SILENT_S = 5.0
NO_CABLE, CABLE_32 = 0, 3
F_HOST_SILENT = 7

YETI: dict[str, dict[Any, Any]] = {
    "hears": {100: "alive", 102: "lock", 103: "pwm", 104: "permit", 105: "reset", 106: "phases"},
    "says": {"alive": 3, "reset": 101, "cp": 102, "relay": 103, "errors": 104, "pp": 106, "lock": 107, "meter": 108},
}
TIDA = {
    "hears": {2: "alive", 3: "lock", 4: "pwm", 5: "permit", 6: "reset", 8: "rcd"},
    "says": {"alive": 1, "reset": 2, "cp": 3, "relay": 4, "errors": 5, "pp": 7, "lock": 8},
}
PHYVERSO = {
    "hears": {1: "alive", 3: "lock", 4: "pwm", 5: "coil", 6: "reset", 8: "config", 10: "rcd"},
    "says": {"alive": 1, "reset": 2, "cp": 3, "coil": 4, "errors": 5, "pp": 8, "lock": 10, "config": 11},
}
UMWC = {"hears": YETI["hears"], "says": {name: number for name, number in YETI["says"].items() if name != "meter"}}
AD = {"hears": YETI["hears"], "says": {name: number for name, number in YETI["says"].items() if name != "lock"}}
BOARDS: dict[str, Any] = {
    "yeti": YETI,
    "umwc": UMWC,
    "tida_010939": TIDA,
    "ad_acevse22kwz": AD,
    "phyverso": PHYVERSO,
}


class EmulatedEverestMcu(PtyEmulator):
    """One port and its vehicle; the first one on a line is the board itself as well."""

    stimuli = frozenset({"plug_in", "unplug", "ready", "pause", "fault", "clear_fault", "jam", "power_cycle"})
    keys = {"p": "plug_in", "u": "unplug", "r": "ready", "x": "pause", "f": "fault", "c": "clear_fault"}

    def __init__(
        self,
        load: Load | None = None,
        noise: Noise = QUIET,
        speed: float = 1.0,
        board: str = "yeti",
        port: int = 1,
        max_a: float = 32.0,
    ) -> None:
        super().__init__(load, noise, speed)
        self.board, self.max_a = board, max_a
        self.port = port if board == "phyverso" else 0
        self.main = self
        self.ports: dict[int, EmulatedEverestMcu] = {self.port: self}
        # the port
        self.duty, self.permitted, self.relay = 0, False, False
        self.flags: set[int] = set()
        self.locked, self.jammed, self.cable = False, False, NO_CABLE
        self.three_phases = True
        self.opened_under_load = 0
        self._locking = False
        # the vehicle
        self.plugged = self.wants = self.s2 = self.stubborn = False
        self.vehicle_a = self._drawn_a = 0.0
        # the board
        self.muted = False
        self.config = b""
        self.heard: list[tuple[str, int, int]] = []
        self._pending = b""
        self._booting = False

    @classmethod
    def for_part(cls, options: Mapping[str, Any], load: Load, noise: Noise = QUIET, speed: float = 1.0) -> Self:
        return cls(load, noise, speed, options.get("board", "yeti"), options.get("port", 1))

    def share_line(self, other: Emulator) -> None:
        if not isinstance(other, EmulatedEverestMcu) or other.board != self.board:
            raise ValueError("another part on the line of a board")
        other.main = self
        self.ports.setdefault(other.port, other)

    async def open(self) -> str:
        path = await super().open()
        self._after("tick", TICK_S, self._tick)
        self._host_lives()
        return path

    async def close(self) -> None:
        for each in self.ports.values():
            each._cancel(*each._timers)
        await super().close()

    # ---- what a test may look at ----

    @property
    def oscillates(self) -> bool:
        return 0 < self.duty < 10_000

    @property
    def offers_a(self) -> int | None:
        """What the duty tells the vehicle, whole amps; None: it may draw nothing."""
        if not self.oscillates:
            return None
        percent = self.duty / 100
        return round(percent * 0.6 if percent <= 85 else (percent - 64) * 2.5)

    @property
    def powered(self) -> bool:
        return self.relay

    @property
    def shown_w(self) -> float:
        """What its meter says."""
        return self.load.power_w

    @property
    def cp(self) -> int:
        """A to F as 0 to 5."""
        if self.duty == 0:
            return 5
        return 0 if not self.plugged else 2 if self.s2 else 1

    # ---- stimuli ----

    def plug_in(self, current_a: float = 16.0, ready_after: float | None = 0.0, cable: int = CABLE_32) -> None:
        """``ready_after`` None: the vehicle waits for ``ready``."""
        self.plugged, self.vehicle_a, self.cable = True, current_a, cable
        self._evaluate()
        if ready_after is not None:
            self._after("ready", ready_after, self.ready)

    def unplug(self) -> None:
        self.plugged = self.wants = self.s2 = False
        self.cable = NO_CABLE
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

    def fault(self, flag: int = 3) -> None:
        self.flags.add(flag)
        self._evaluate()

    def clear_fault(self) -> None:
        self.flags.clear()
        self._evaluate()

    def jam(self) -> None:
        """The bolt does not move any more."""
        self.jammed = True

    def power_cycle(self) -> None:
        """The watchdog bites: it starts anew, and says so."""
        self.main._restart(by_watchdog=True)

    # ---- the board ----

    def _restart(self, by_watchdog: bool) -> None:
        self._booting, self._pending = True, b""
        for each in self.ports.values():
            each.duty, each.permitted = 0, False
            each.flags.clear()
            each._evaluate()
        self._after("boot", BOOT_S, lambda: self._boot(by_watchdog))

    def _boot(self, by_watchdog: bool) -> None:
        self._booting = False
        self._say("reset", number(self._says["reset"], int(by_watchdog)))
        if "config" in self._says:
            self._say("config", text(self._says["config"], b""))
        self._tell_all()

    def _tick(self) -> None:
        self._after("tick", TICK_S, self._tick)
        if not self._booting:
            self._say("alive", text(self._says["alive"], b"".join(self._capabilities())))
            self._tell_all()

    def _capabilities(self) -> Iterator[bytes]:
        yield number(1, 1) + number(4, 1) + text(6, b"1.4.0")
        yield real(7, self.max_a) + real(8, 6.0) + number(9, 3) + number(10, 1) + number(11, 1)

    def _host_lives(self) -> None:
        for each in self.ports.values():
            if self.board == "phyverso" and F_HOST_SILENT in each.flags:
                each.flags.discard(F_HOST_SILENT)
        if self.board == "phyverso":
            # The host's clock is the real one, so this delay is not the faster one of ``speed``.
            self._after("host", HOST_SILENT_S * self.speed, self._host_is_silent)

    def _host_is_silent(self) -> None:
        for each in self.ports.values():
            each.flags.add(F_HOST_SILENT)
            each._tell("errors")

    def _evaluate(self) -> None:
        """The vehicle answers the pilot, the contactor the vehicle."""
        if self.wants and self.oscillates and not self.s2:
            self._after("s2", VEHICLE_STARTS_S, lambda: self._switch_s2(True))
        elif self.s2 and not self.oscillates and not self.stubborn:
            self._after("s2", VEHICLE_STOPS_S, lambda: self._switch_s2(False))
        harmless = {F_HOST_SILENT} if self.board == "phyverso" else set()
        may_close = self.permitted and self.cp in (2, 3) and not self.flags - harmless
        if may_close and not self.relay:
            self._after("relay", RELAY_S, lambda: self._switch(True))
        elif not may_close:
            self._cancel("relay")
            self._switch(False)
        self._draw()
        self._tell_all()

    def _switch_s2(self, closed: bool) -> None:
        self.s2 = closed
        self._evaluate()

    def _switch(self, closed: bool) -> None:
        if closed != self.relay:
            self.relay = closed
            self.opened_under_load += self.s2 and not closed
            self._draw()
            self._tell("relay")

    def _draw(self) -> None:
        offered_a = self.offers_a or (self.vehicle_a if self.stubborn else 0)
        drawn_a = min(self.vehicle_a, offered_a) if self.relay and self.s2 else 0.0
        if drawn_a != self._drawn_a:
            self._drawn_a = self.load.current_a = drawn_a

    # ---- what it says ----

    @property
    def _says(self) -> dict[str, int]:
        says: dict[str, int] = BOARDS[self.board]["says"]
        return says

    def _tell_all(self) -> None:
        for each in self.main.ports.values():
            for name in ("errors", "cp", "relay", "pp", "lock", "meter"):
                each._tell(name)

    def _tell(self, name: str) -> None:
        key = "coil" if name == "relay" and "coil" in self._says else name
        if key not in self._says or self.main._booting:
            return
        self.main._say(key, self._content(key, self._says[key]) + (number(6, self.port) if self.port else b""))

    def _content(self, name: str, field: int) -> bytes:
        match name:
            case "cp":
                return number(field, self.cp)
            case "relay":
                return number(field, self.relay)
            case "coil":
                return text(field, number(1, 1) + (number(2, 1) if self.relay else b""))
            case "errors":
                return text(field, b"".join(number(flag, 1) for flag in sorted(self.flags)))
            case "pp":
                return number(field, self.cable)
            case "lock":
                return number(field, 3 if self._locking and self.board == "phyverso" else 2 if self.locked else 1)
        return text(field, b"".join(self._meter()))

    def _meter(self) -> Iterator[bytes]:
        """What is zero is not written."""
        load = self.load
        amps = load.current_a
        share_wh = load.energy_wh / load.phases
        for phase in range(load.phases):
            yield real(2 + phase, load.voltage_v) + real(20 + phase, load.frequency_hz) + real(9 + phase, share_wh)
            if amps:
                yield real(5 + phase, amps) + real(17 + phase, amps * load.voltage_v)
        yield real(12, load.energy_wh)

    def _say(self, name: str, message: bytes) -> None:
        if not self.muted:
            whole = message + (crc32(message) ^ 0xFFFFFFFF).to_bytes(4, "little")
            self._pty.send(stuff(whole))

    # ---- what it hears ----

    def _receive(self, data: bytes) -> None:
        *frames, self._pending = (self._pending + data).split(b"\0")
        self._pending = self._pending[-300:]
        for frame in frames:
            message = unstuff(frame)
            if message and not self._booting and crc32(message) ^ 0xFFFFFFFF == 0:
                self._obey(dict(split(message[:-4])))

    def _obey(self, said: dict[int, Any]) -> None:
        hears = BOARDS[self.board]["hears"]
        port = said.pop(7, 0) if self.board == "phyverso" else 0
        for field, value in said.items():
            name = hears.get(field, "")
            each = self.ports.get(port)
            if name == "alive":
                self._host_lives()
            elif name == "reset":
                self._restart(by_watchdog=False)
            elif name == "config":
                self.config = value
            elif each is not None:
                each._obey_port(name, value)
            if name != "alive":
                self.heard.append((name, port, value if isinstance(value, int) else len(value)))

    def _obey_port(self, name: str, value: Any) -> None:
        if name == "pwm":
            self.duty = value
        elif name == "permit":
            self.permitted = bool(value)
        elif name == "coil":
            self.permitted = bool(dict(split(value)).get(2))
        elif name == "phases":
            self.three_phases = bool(value)
        elif name == "rcd":
            self.flags.discard(3)
        elif name == "lock":
            self._locking = True
            self._after("lock", LOCK_S, lambda: self._bolt(bool(value)))
        self._evaluate()

    def _bolt(self, locked: bool) -> None:
        self._locking = False
        if not self.jammed:
            self.locked = locked
        self._tell("lock")


# ---- the wire, written a second time ----


def number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(int(value))


def text(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def real(field: int, value: float) -> bytes:
    return _varint(field << 3 | 5) + pack("<f", value)


def _varint(value: int) -> bytes:
    return bytes([value & 0x7F | 0x80]) + _varint(value >> 7) if value > 0x7F else bytes([value])


def split(message: bytes) -> Iterator[tuple[int, Any]]:
    """Fields of a message that came with a good checksum."""
    rest = message
    while rest:
        tag, rest = _take(rest)
        value, rest = _take(rest)
        if tag & 7 == 2:
            value, rest = rest[:value], rest[value:]  # type: ignore[assignment]
        yield tag >> 3, value


def _take(data: bytes) -> tuple[int, bytes]:
    value = 0
    for place, byte in enumerate(data):
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value, data[place + 1 :]
    return value, b""


def stuff(data: bytes) -> bytes:
    """COBS for less than 254 bytes."""
    return b"".join(bytes([len(run) + 1]) + run for run in data.split(b"\0")) + b"\0"


def unstuff(frame: bytes) -> bytes | None:
    out = bytearray()
    while frame:
        run, frame = frame[1 : frame[0]], frame[frame[0] :]
        out += run + (b"\0" if frame else b"")
    return bytes(out)


if __name__ == "__main__":
    part = EmulatedEverestMcu()
    asyncio.run(
        serve_keyboard(part, lambda: f"pilot {'ABCDEF'[part.cp]}, relay {part.relay}, {part.load.current_a:g} A")
    )
