"""A port of a board of the EVerest family: the host sets the PWM and permits power.  Knows no session."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from time import monotonic
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from hal.bus.serial import SerialBus
from hal.drivers.everest_mcu_line import KEEP_ALIVE_S, McuLine, line_of
from hal.drivers.everest_mcu_states import Seen, duty_of, offers
from hal.drivers.presence import Presence
from hal.errors import BadOptions
from hal.ports import PilotIntent, PilotTraits, Place, Post
from hal.wire.duty import MOST_A
from hal.wire.everest_mcu import STATE_F, Alive, Name, Told, permit, reset_rcd, set_duty, use_phases

MOTOR_LOCKS = {"none": -1, "hella": 1, "valeo": 2}


class EverestMcu:
    """Duty and permission go out when they change and once a second; pilot, contactor, cable and errors come back.

    **What the board does when the agent is gone is up to its firmware, which was not read**: it is counted as one that
    goes on charging.  On a clean end the driver withdraws its permission.
    """

    bus_type = SerialBus
    line_type = McuLine
    wants_liveness = True
    traits = PilotTraits(style="direct", on_host_loss="continues", keepalive_s=KEEP_ALIVE_S)

    class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        """``port``, ``motor_lock`` and ``socket`` are for phyVERSO, which has two ports and asks what is wired to them.

        ``stop_s``: how long a vehicle may go on drawing after the pilot has stopped offering, before the contactor
        opens under load.  ``phase_switch``: the board may go to one phase and back.
        """

        board: Name = "yeti"
        port: Annotated[int, Meta(ge=1, le=2)] = 1
        stop_s: Annotated[float, Meta(ge=0, le=6)] = 6.0
        phase_switch: bool = False
        motor_lock: Literal["none", "hella", "valeo"] = "none"
        socket: bool = False

    def __init__(self, config: Config, place: Place, bus: SerialBus, post: Post) -> None:
        self._config = config
        self._place = place
        self._post = post
        self._line = line_of(bus, config.board, place.part)
        self._model = self._line.model
        self._port = port_of(self._line, config.port, place.part)
        if config.phase_switch and self._model.phases is None:
            raise BadOptions(f"{place.part}: {self._model.title} cannot switch phases")
        most_a = min(place.limit_a, MOST_A)
        self.traits = msgspec.structs.replace(self.traits, max_a=most_a, phase_switch=config.phase_switch)
        if self._line.liveness is None:
            self._line.liveness = place.liveness
        self._line.wiring[config.port] = (MOTOR_LOCKS[config.motor_lock], config.socket)
        self._presence = Presence(place, post)
        self._seen = Seen(place.evse, place.connector)
        self._intent = PilotIntent()
        self._min_a, self._max_a = self.traits.min_a, most_a
        self._allowed = False
        self._stop_by: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def counters(self) -> dict[str, int]:
        """What went wrong on this line since the start, and how many frames were good."""
        return self._line.counters

    def apply(self, intent: PilotIntent) -> None:
        self._intent = intent
        self._line.say(self.wish())

    def clear_fault(self) -> None:
        """Let the residual current device close again where that is all, else let the board start anew."""
        if self._seen.has_tripped and self._model.rcd is not None:
            self._line.say([reset_rcd(self._model.rcd, self._model, self._port)])
        elif self._seen.is_faulted:
            self._line.restart()

    async def run(self) -> None:
        if self._port in self._line.pilots:
            self._presence.lost(f"{self._line.device}: used by another part of this board")
            await asyncio.Event().wait()
        self._line.pilots[self._port] = self
        try:
            await self._line.attend(self)
        finally:
            del self._line.pilots[self._port]
            self._cancel_timer()

    # ---- what the line tells ----

    def begin(self, alive: Alive) -> None:
        self._seen.forget()
        self._allowed, self._stop_by = False, None
        self._max_a = min(self.traits.max_a, alive.max_a or self.traits.max_a)
        self._min_a = max(self.traits.min_a, alive.min_a)
        self._presence.found(f"{self._model.title} firmware {alive.software or 'unknown'}")
        if self._max_a < self.traits.max_a:
            text = f"offers at most {self._max_a:g} A, the board file says {self._place.limit_a:g} A"
            self._presence.warn("range", text)

    def hear(self, told: Told) -> None:
        if told.port not in (0, self._port):
            return
        for event in self._seen.look(told):
            self._post(event)
        if self._stop_by is not None and not self._seen.is_drawing:
            self._line.say(self.wish())

    def restarted(self, by_watchdog: bool) -> None:
        self._seen.forget()
        self._allowed, self._stop_by = False, None
        why = "its watchdog bit" if by_watchdog else "nobody here asked it to"
        self._presence.warn("restart", f"the board has started anew: {why}")

    def lost(self, reason: str) -> None:
        self._seen.forget()
        self._cancel_timer()
        self._presence.lost(reason)

    # ---- what it shall do ----

    def wish(self) -> Iterator[bytes]:
        duty = duty_of(self._intent, self._min_a, self._max_a, self._model)
        self._allowed = self._may_close(duty)
        frames = [set_duty(self._model, duty, self._port), permit(self._model, self._allowed, self._port)]
        if duty == STATE_F:
            frames.reverse()
        if self._config.phase_switch and self._model.phases is not None:
            frames.insert(0, use_phases(self._model.phases, self._intent.phases != 1))
        yield from frames

    def farewell(self) -> Iterator[bytes]:
        yield set_duty(self._model, self._model.x1, self._port)
        yield permit(self._model, False, self._port)

    def _may_close(self, duty: int) -> bool:
        """A vehicle that is told to stop opens its own switch first: a contactor that opens under load wears out."""
        if offers(duty) or duty == STATE_F or not (self._allowed and self._seen.is_drawing):
            self._cancel_timer()
            return offers(duty) and self._intent.permit_power
        if self._stop_by is None:
            self._stop_by = monotonic() + self._config.stop_s
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._config.stop_s, lambda: self._line.say(self.wish()))
        return monotonic() < self._stop_by

    def _cancel_timer(self) -> None:
        self._stop_by = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def port_of(line: McuLine, port: int, part: str) -> int:
    """The number of a port as the board says it; 0 where it has one.

    Raises:
        BadOptions: the board has no such port.

    """
    if port > line.model.ports:
        raise BadOptions(f"{part}: {line.model.title} has {line.model.ports} port, not {port}")
    return port if line.model.ports > 1 else 0
