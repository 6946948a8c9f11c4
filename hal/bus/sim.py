"""The simulated physical world: cables, vehicles, contactors, registers.  Knows no station and posts nothing.

The world outlives the station's power: a vehicle stays plugged in and a register stays while the station is dark.
A *stimulus* (somebody plugs in) changes the truth at once and tells the parts of that EVSE before it returns.  A
*wish* (a driver offers current) changes the truth at once and never tells from inside the call: its outcome follows
with the stimulus that caused it, or on the loop's next turn.  Nothing here ticks: energy is power x elapsed time,
counted when somebody asks, and a timer is only set for a vehicle or a contactor that is about to act.
"""

from __future__ import annotations

from asyncio import get_running_loop
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from math import isfinite
from typing import Protocol, get_args, runtime_checkable

from hal.bus.sim_evse import Demand, Role, SimConfig, SimEvse, Timer, Vehicle
from hal.errors import HalError
from hal.events import FaultCode, HardwareFaulted, TokenKind
from hal.ports import PilotIntent, Place


class WorldError(HalError):
    """A stimulus that makes no sense in this world; ``unsupported`` opens the text where the board lacks the part."""


class Clock(Protocol):
    """The part of an asyncio loop that the world needs; a test brings its own."""

    def time(self) -> float: ...

    def call_soon(self, callback: Callable[[], object], /) -> object: ...

    def call_at(self, when: float, callback: Callable[[], object], /) -> Timer: ...


class Part(Protocol):
    """A driver, as the world sees it."""

    @property
    def role(self) -> Role: ...

    @property
    def place(self) -> Place: ...

    @property
    def connectors(self) -> Iterable[int]:
        """Those that it serves."""

    def sense(self) -> None:
        """Something may have changed: look, and say what is new."""

    def forget(self) -> None:
        """The supply is gone, and with it whatever the part had in mind."""


@runtime_checkable
class CardSlot(Part, Protocol):
    """A part that cards are held to."""

    def present(self, token: str, kind: TokenKind, evse: int) -> None: ...


class World:
    """Every EVSE's truth, what may happen to it, and who is told."""

    def __init__(self, config: SimConfig, clock: Clock | None = None) -> None:
        self._config = config
        self._clock = clock
        self._evses: dict[int, SimEvse] = {}
        self._parts: list[Part] = []
        self._powered = True
        self._untold: deque[Callable[[], None]] = deque()
        self._telling = False

    @property
    def clock(self) -> Clock:
        """Time and timers: the running loop's, when no other was given."""
        return self._clock or get_running_loop()

    # ---- stimuli: what people, vehicles and accidents do ----

    def plug_in(self, evse: int, connector: int = 1, ev: Vehicle | None = None) -> None:
        """Cable in."""
        truth = self._known(evse, connector=connector)
        if truth.vehicle is not None:
            raise WorldError("already plugged in")
        with self._changing(truth):
            truth.vehicle = ev or Vehicle()
            truth.connector = connector
            truth.demand = "ready"
            truth.ready_after_s = truth.vehicle.ready_after_ms / 1000

    def unplug(self, evse: int) -> None:
        """Cable out, at any moment and locked or not: it may be pulled at the vehicle, or torn out."""
        truth = self._plugged(evse)
        with self._changing(truth):
            truth.vehicle = truth.soc_percent = truth.set_power_w = None

    def ev(self, evse: int, state: Demand) -> None:
        """The vehicle wants energy now (``ready``), not now (``paused``), or no more in this session (``done``)."""
        truth = self._plugged(evse)
        if state not in get_args(Demand):
            raise WorldError(f"no such vehicle state {state!r}; there are {', '.join(get_args(Demand))}")
        with self._changing(truth):
            truth.demand = state
            truth.ready_at, truth.ready_after_s = None, 0.0

    def swipe(self, token: str, type: str = "ISO14443", evse: int = 0) -> None:
        """Card at the EVSE's own reader, or at the station's with this EVSE chosen (0: none chosen)."""
        if evse and evse not in self._evses:
            raise WorldError("no such evse")
        kind = next((kind for kind in get_args(TokenKind) if kind == type), None)
        if kind is None:
            raise WorldError(f"no such token type {type!r}; there are {', '.join(get_args(TokenKind))}")
        where = next((at for at in (evse, 0) if at in self._evses and "reader" in self._evses[at].roles), None)
        if where is None:
            raise WorldError("unsupported: no card reader")
        slots = [part for part in self._parts if isinstance(part, CardSlot) and part.place.evse == where]
        self._untold.extend(partial(slot.present, token, kind, evse) for slot in slots)
        self._tell_all()

    def bay(self, evse: int, occupied: bool) -> None:
        """A vehicle drives into the parking bay, or out."""
        truth = self._known(evse, "bay")
        with self._changing(truth):
            truth.bay_occupied = occupied

    def temperature(self, evse: int, spot: str, celsius: float) -> None:
        """A spot with a thermometer gets hotter or cooler."""
        truth = self._known(evse, "thermometer")
        if spot not in truth.celsius:
            raise WorldError(f"no such spot {spot!r}; there are {', '.join(sorted(truth.celsius))}")
        if not (isfinite(celsius) and -273.15 <= celsius <= 1000):
            raise WorldError(f"celsius {celsius} is out of range; -273.15 to 1000")
        with self._changing(truth):
            truth.celsius[spot] = celsius

    def meter(
        self, evse: int, energy_wh: float | None = None, power_w: float | None = None, soc: float | None = None
    ) -> None:
        """Set the register, the power that flows (until it is cut off), or the vehicle's state of charge in percent."""
        truth = self._known(evse, "meter")
        for name, value, most in (("energy_wh", energy_wh, 1e12), ("power_w", power_w, 1e9), ("soc", soc, 100)):
            if value is not None and not (isfinite(value) and 0 <= value <= most):
                raise WorldError(f"{name} {value} is out of range; 0 to {most:g}")
        with self._changing(truth):
            truth.register_wh = truth.register_wh if energy_wh is None else energy_wh
            truth.set_power_w = truth.set_power_w if power_w is None else power_w
            truth.soc_percent = truth.soc_percent if soc is None else soc
            truth.meter_settings += 1

    def fault(self, evse: int, code: str, connector: int | None = None, vendor_code: str | None = None) -> None:
        """Something breaks.  ``code`` as OCPP 1.6 names it; one that has no name here is an ``OtherError``."""
        truth = self._known(evse, connector=connector)
        if code == "NoError":
            raise WorldError("NoError is no fault; see clear_fault")
        known = next((name for name in get_args(FaultCode) if name == code), None)
        name: FaultCode = known or "OtherError"
        text = "" if known else code
        fault = HardwareFaulted(evse, name, connector, vendor_code or text, text)
        with self._changing(truth):
            truth.faults[name, connector] = fault

    def clear_fault(self, evse: int) -> None:
        """Everything that broke at this EVSE works again."""
        truth = self._known(evse)
        with self._changing(truth):
            truth.faults.clear()

    def lose(self, evse: int, part: Role) -> None:
        """The wire to a part comes off; ``evse`` 0 for the station's reader.  A pilot without its host stops."""
        truth = self._known(evse, part)
        with self._changing(truth):
            truth.lost.add(part)
            if part == "pilot":
                truth.intent = PilotIntent()

    def find(self, evse: int, part: Role) -> None:
        """The wire is on again."""
        truth = self._known(evse, part)
        with self._changing(truth):
            truth.lost.discard(part)

    def power_lost(self) -> None:
        """The supply fails: contactors open, parts go dark and are not told; what is plugged in stays."""
        self._powered = False
        for part in self._parts:
            part.forget()
        self._parts.clear()
        for truth in self._evses.values():
            with self._changing(truth):
                truth.intent = PilotIntent()
                truth.set_power_w = None

    def power_restored(self) -> None:
        """The supply is back; drivers are made anew, and learn what is true when they attach."""
        self._powered = True
        self._tell(self._parts)

    def plugged(self, evse: int) -> int | None:
        """The connector that a vehicle is plugged into."""
        truth = self._known(evse)
        return None if truth.vehicle is None else truth.connector

    # ---- what drivers do ----

    def attach(self, part: Part) -> None:
        """A part is there from now on, and is told at once what is true."""
        truth = self._evses.setdefault(part.place.evse, SimEvse(part.place, self._config))
        truth.roles.add(part.role)
        truth.connectors.update(part.connectors)
        if part.role == "pilot":
            truth.place = part.place
        if part.role == "lock":
            truth.locked.setdefault(part.place.connector, False)
        self._parts.append(part)
        self._parts.sort(key=lambda each: get_args(Role).index(each.role))
        self._tell(self._parts_of(truth))

    def detach(self, part: Part) -> None:
        """The driver is gone.  A pilot without its host stops."""
        if part not in self._parts:
            return
        self._parts.remove(part)
        part.forget()
        if part.role == "pilot":
            self.apply(part.place.evse, PilotIntent())

    def attached(self, part: Part) -> bool:
        """Whether the part has its supply."""
        return self._powered and part in self._parts

    def at(self, evse: int) -> SimEvse:
        """The truth, for the parts of this EVSE."""
        return self._evses[evse]

    def apply(self, evse: int, intent: PilotIntent) -> None:
        """The wish of a pilot driver."""
        truth = self._evses[evse]
        with self._changing(truth, wish=True):
            truth.intent = intent

    def move_lock(self, evse: int, connector: int, locked: bool) -> None:
        """The wish of a lock driver."""
        truth = self._evses[evse]
        with self._changing(truth, wish=True):
            if not truth.lock_stuck(connector):
                truth.locked[connector] = locked

    def sense_soon(self, part: Part) -> None:
        """Tell this part, after everybody who is about to be told."""
        self._untold.append(part.sense)
        if not self._telling:
            self.clock.call_soon(self._tell_all)

    # ---- inside ----

    def _known(self, evse: int, role: Role = "pilot", connector: int | None = None) -> SimEvse:
        truth = self._evses.get(evse)
        if truth is None or (evse == 0 and role != "reader"):
            raise WorldError("no such evse")
        if role not in truth.roles:
            raise WorldError(f"unsupported: evse {evse} has no simulated {role}")
        if connector is not None and connector not in truth.connectors:
            raise WorldError("no such connector")
        return truth

    def _plugged(self, evse: int) -> SimEvse:
        truth = self._known(evse)
        if truth.vehicle is None:
            raise WorldError("not plugged in")
        return truth

    def _parts_of(self, truth: SimEvse) -> list[Part]:
        return [part for part in self._parts if part.place.evse == truth.place.evse]

    @contextmanager
    def _changing(self, truth: SimEvse, wish: bool = False, not_before: float = 0.0) -> Iterator[None]:
        """One change: count what flowed until now, change, let physics follow, then tell."""
        now = max(self.clock.time(), not_before)
        truth.count(now)
        yield
        truth.settle(now)
        self._arm(truth, now)
        self._tell(self._parts_of(truth), soon=wish)

    def _arm(self, truth: SimEvse, now: float) -> None:
        if truth.timer is not None:
            truth.timer.cancel()
            truth.timer = None
        when = truth.next_moment(now)
        if when is not None:
            truth.timer = self.clock.call_at(when, partial(self._moment_came, truth, when))

    def _moment_came(self, truth: SimEvse, when: float) -> None:
        with self._changing(truth, not_before=when):  # a loop's timer may be a tick of its clock early
            truth.timer = None

    def _tell(self, parts: Iterable[Part], soon: bool = False) -> None:
        self._untold.extend(part.sense for part in parts)
        if not soon:
            self._tell_all()
        elif self._untold and not self._telling:
            self.clock.call_soon(self._tell_all)

    def _tell_all(self) -> None:
        """What a part says may lead to wishes; those whom they concern are told by the outermost call."""
        if self._telling:
            return
        self._telling = True
        try:
            while self._untold:
                self._untold.popleft()()
        finally:
            self._telling = False


class SimBus:
    """What simulated drivers sit on: one world, kept over power cuts."""

    kind = "sim"

    Config = SimConfig

    def __init__(self, config: SimConfig, clock: Clock | None = None) -> None:
        self.config = config
        self.world = World(config, clock)
