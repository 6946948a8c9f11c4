"""InfyPower REG/CEG modules on CAN: n modules that feed one output.  Knows no vehicle and no session."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from time import monotonic
from typing import Annotated

import msgspec
from msgspec import Meta

from hal.bus.can import CanBus
from hal.drivers.infypower_modules import DISABLING, Fleet
from hal.drivers.presence import Presence
from hal.errors import BusLost, HalError, NoAnswer
from hal.events import DcCapability, DcOutput, FaultCode, HardwareFaulted, HardwareHealed
from hal.ports import DcTraits, DcWish, Place, Post
from hal.wire import infypower as infy

SWITCHES_OFF_S = 10.0
"""A module that hears nothing for this long switches itself off."""

REPEAT_S = 2.0
RATING_S = 30.0
SILENT_S = 3.0
ALL_THERE_S = 2.0
"""How long one that answers waits for the others to be told together."""


Job = tuple[infy.Frame, float]
"""A frame, and how often it is to be said while it stays the same."""


class InfyPower:
    """The modules ``first`` to ``first + modules - 1`` of one bus; the current is shared equally by those that work.

    Every module hears its set point and its switch every two seconds, changed or not: that is its keep-alive, and what
    brings one that restarted back.  They go on for 10 s without the host, then they switch off.
    """

    bus_type = CanBus
    dc_traits = DcTraits(on_host_loss="stops", keepalive_s=SWITCHES_OFF_S)

    class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        """``gap_s`` is the silence after each frame; ``gone_s`` has to be longer than the 10 s of the modules."""

        modules: Annotated[int, Meta(ge=1, le=12)] = 2
        first: Annotated[int, Meta(ge=0, le=48)] = 0
        gap_s: Annotated[float, Meta(ge=0.01, le=0.2)] = 0.05
        poll_s: Annotated[float, Meta(ge=0.1, le=5)] = 1.0
        gone_s: Annotated[float, Meta(ge=10.5, le=60)] = 15.0

    def __init__(self, config: Config, place: Place, bus: CanBus, post: Post) -> None:
        self._config = config
        self._place = place
        self._post = post
        self._presence = Presence(place, post)
        self._line = bus.line(self._hear, [infy.FROM_MODULES])
        self._fleet = Fleet(range(config.first, config.first + config.modules), config.gone_s)
        self._wish = DcWish()
        self._wake = asyncio.Event()
        self._said: dict[int, tuple[bytes, float]] = {}
        self._polls_turn = False
        self._posted: dict[type, DcOutput | DcCapability] = {}
        self._fault: FaultCode | None = None
        self._missing: set[int] = set()
        self._counters = {"frames": 0, "senseless": 0, "foreign": 0, "refused": 0}

    @property
    def counters(self) -> dict[str, int]:
        """What the modules said; the counters of the line are the bus's."""
        return dict(self._counters)

    def supply(self, wish: DcWish) -> None:
        """Off is said to all of them at once, whatever else waits."""
        off = self._wish.on and not wish.on
        self._wish = wish
        if off:
            self._say_off()
        self._wake.set()

    async def run(self) -> None:
        try:
            while True:
                try:
                    self._line.open()
                    await self._serve()
                except HalError as error:
                    self._presence.lost(str(error))
                    self._posted.clear()
                self._line.close()
                await self._line.wait_back()
        finally:
            self._say_off()
            self._line.close()

    def _say_off(self) -> None:
        with suppress(BusLost):  # then they end by themselves
            self._send(infy.switch(infy.BROADCAST, on=False))

    async def _serve(self) -> None:
        self._fleet.forget()
        self._said.clear()
        opened_at = monotonic()
        while True:
            now = monotonic()
            if now - max(self._fleet.heard_mono(), opened_at) > SILENT_S:
                raise NoAnswer(f"{self._line.device}: no module answers")
            self._look(now, opened_at)
            due = self._next(now)
            if due is not None:
                self._send(due)
            # After a frame the gap has to pass, whatever is wished meanwhile.
            await (asyncio.sleep(self._config.gap_s) if due else self._line.wait(self._wake, self._config.gap_s * 2))
            self._wake.clear()
            self._line.check()

    # ---- what is said ----

    def _next(self, now: float) -> infy.Frame | None:
        """The most overdue command or question; where both wait they take turns."""
        commands, polls = self._due(self._commands(now), now), self._due(self._polls(now), now)
        self._polls_turn = not self._polls_turn
        return (polls or commands) if self._polls_turn else (commands or polls)

    def _due(self, jobs: list[Job], now: float) -> infy.Frame | None:
        best: tuple[float, infy.Frame] | None = None
        for frame, period_s in jobs:
            data, at = self._said.get(frame.id, (b"", float("-inf")))
            if data == frame.data and now - at < period_s:
                continue
            if best is None or at < best[0]:
                best = at, frame
        return None if best is None else best[1]

    def _commands(self, now: float) -> list[Job]:
        jobs: list[Job] = []
        active = self._fleet.active(now)
        for address in self._fleet.modules:
            on = self._wish.on and address in active
            if on:
                set_point = infy.set_point(address, self._wish.voltage_v, self._wish.current_a / len(active))
                jobs.append((set_point, REPEAT_S))
                if self._said.get(set_point.id, (b"", 0.0))[0] != set_point.data:
                    continue  # nothing is switched on before it knows how much
            jobs.append((infy.switch(address, on), REPEAT_S))
        return jobs

    def _polls(self, now: float) -> list[Job]:
        jobs: list[Job] = []
        for address, module in self._fleet.modules.items():
            jobs.append((infy.ask(infy.READ, address), 0.0 if self._wish.on else self._config.poll_s))
            jobs.append((infy.ask(infy.STATUS, address), self._config.poll_s))
            jobs.append((infy.ask(infy.CAPABILITY, address), RATING_S if module.rating else self._config.poll_s))
        return jobs

    def _send(self, frame: infy.Frame) -> None:
        self._said[frame.id] = (frame.data, monotonic())
        self._line.send(frame.id, frame.data)

    # ---- what is heard ----

    def _hear(self, id: int, data: bytes) -> None:
        now = monotonic()
        said = infy.read(id, data)
        if said is None:
            self._counters["senseless"] += 1
        elif not self._fleet.take(said, now):
            self._counters["foreign"] += 1
        else:
            self._counters["frames"] += 1
            if isinstance(said, infy.Done) and said.error not in (infy.OK, infy.STARTING):
                self._counters["refused"] += 1
                words = infy.ERRORS.get(said.error, f"error {said.error}")
                self._presence.warn("refused", f"module {said.module} refused command {said.command:#04x}: {words}")
            self._tell(self._fleet.output(self._place.evse, now))

    def _look(self, now: float, opened_at: float) -> None:
        """Who is there and what they can do together, told when it changes."""
        capability = self._fleet.capability(self._place.evse, now)
        if capability.modules or DcCapability in self._posted:
            self._tell(capability)
        if capability.modules == self._config.modules or (capability.modules and now - opened_at > ALL_THERE_S):
            count = f"{capability.modules} of {self._config.modules} modules"
            self._presence.found(f"InfyPower, {count}, {capability.max_v:g} V, {capability.max_a:g} A")
        self._look_for_missing(now, opened_at)
        self._look_for_faults(now)

    def _look_for_missing(self, now: float, opened_at: float) -> None:
        missing = set(self._fleet.modules) - set(self._fleet.present(now))
        if now - opened_at >= self._config.gone_s:
            for address in sorted(missing - self._missing):
                self._presence.warn(f"missing {address}", f"module {address} does not answer")
        self._missing = missing

    def _look_for_faults(self, now: float) -> None:
        """The output has a fault when nobody is left who gives power; before that it is a warning."""
        troubles = self._fleet.troubles(now)
        for address, trouble in troubles.items():
            self._presence.warn(f"{trouble} {address}", f"module {address}: {trouble}")
        bit = None if not troubles or self._fleet.active(now) else next(iter(troubles.values()))
        code = None if bit is None else DISABLING[bit]
        if code == self._fault:
            return
        if self._fault is not None:
            self._post(HardwareHealed(self._place.evse, self._fault))
        self._fault = code
        if code is not None:
            self._post(HardwareFaulted(self._place.evse, code, vendor_code=str(bit), text=f"power modules: {bit}"))

    def _tell(self, event: DcOutput | DcCapability | None) -> None:
        if event is not None and self._posted.get(type(event)) != event:
            self._posted[type(event)] = event
            self._post(event)
