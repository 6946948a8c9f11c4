"""Every part of a board file that has an emulator, on its lines.  The parts of one EVSE share one load."""

from __future__ import annotations

from typing import Self

from board.descriptor import Board, Evse, Part, parts_of
from tests.emulators import EMULATORS, emulator_of
from tests.emulators.emulator import Emulator
from tests.emulators.load import Load
from tests.emulators.pty import QUIET, Noise


class EmulatedBoard:
    """``devices`` has the device path for every bus of the board that an emulator stands behind.

    ``pilots`` and ``meters`` have the emulators by EVSE number, ``loads`` what flows; ``readers`` are in the order of
    the board file; ``gpio`` has what hangs on GPIO lines, by its place there.
    """

    def __init__(self, board: Board, noise: Noise = QUIET, speed: float = 1.0, energy_speed: float = 1.0) -> None:
        self.devices: dict[str, str] = {}
        self.loads = {evse.id: _load(evse, energy_speed) for evse in board.evse}
        self.pilots: dict[int, Emulator] = {}
        self.meters: dict[int, Emulator] = {}
        self.supplies: dict[int, Emulator] = {}
        self.insulation: dict[int, Emulator] = {}
        self.readers: list[Emulator] = []
        self.gpio: dict[str, Emulator] = {}
        self._noise, self._speed = noise, speed
        self._on_bus: dict[str, list[Emulator]] = {}
        for evse in board.evse:
            self._place(evse, evse.pilot, self.pilots)
            if evse.meter is not None:
                self._place(evse, evse.meter, self.meters)
            for part, places in ((evse.supply, self.supplies), (evse.insulation, self.insulation)):
                if part is not None:
                    self._place(evse, part, places)
        self._place_gpio(board)
        for reader in board.reader:
            if reader.driver in EMULATORS and reader.bus is not None:
                emulator = emulator_of(reader.driver).for_part(reader.options, Load(), noise, speed)
                self.readers.append(emulator)
                self._on_bus.setdefault(reader.bus, []).append(emulator)
        self._lines: list[Emulator] = []

    def _place(self, evse: Evse, part: Part, places: dict[int, Emulator]) -> None:
        if part.driver not in EMULATORS or part.bus is None:
            return
        emulator = emulator_of(part.driver).for_part(part.options, self.loads[evse.id], self._noise, self._speed)
        places[evse.id] = emulator
        self._on_bus.setdefault(part.bus, []).append(emulator)

    def _place_gpio(self, board: Board) -> None:
        for place, part in parts_of(board):
            if part.bus is not None and board.bus[part.bus].get("kind") == "gpio":
                emulator = emulator_of(part.driver).for_part(part.options, Load(), self._noise, self._speed)
                self.gpio[place] = emulator
                self._on_bus.setdefault(part.bus, []).append(emulator)

    async def open(self) -> dict[str, str]:
        for bus, parts in self._on_bus.items():
            first, *others = parts
            for other in others:
                first.share_line(other)
            self._lines.append(first)
            self.devices[bus] = await first.open()
        return self.devices

    async def close(self) -> None:
        while self._lines:
            await self._lines.pop().close()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _load(evse: Evse, energy_speed: float) -> Load:
    """What the meter counts: the EVSE's output, or on a DC station the mains in front of the modules."""
    if evse.supply is not None:
        return Load(speed=energy_speed)
    return Load(evse.phases, evse.voltage_v, speed=energy_speed)
