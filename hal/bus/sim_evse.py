"""What is true at one simulated EVSE: vehicle, pilot, contactor, register.  Tells nobody and sets no timer."""

from __future__ import annotations

from typing import Annotated, Literal, Protocol

import msgspec
from msgspec import Meta

from hal.events import CpState, FaultCode, HardwareFaulted
from hal.ports import PilotIntent, Place

Role = Literal["meter", "pilot", "lock", "bay", "reader", "secc", "thermometer"]
"""What a part is, in the order in which parts are told: a reading comes before the change that it belongs to."""

Demand = Literal["ready", "paused", "done"]

PILOT_MIN_A = 6.0  # IEC 61851-1: the pilot cannot offer less

OFF_THE_POWER_PATH: frozenset[FaultCode] = frozenset({"ReaderFailure"})
"""Faults that no board opens its contactor for."""


class Vehicle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A vehicle with its cable.

    ``simplified``: no switch for state B, it shows C (or D) from plug to unplug.  ``ventilation``: asks with D.
    ``cable_a``: coding of the cable, read by a socket.  ``protocol`` and ``payment`` are what it would speak.  Its
    contract is ``emaid``'s, issued by the simulated operator; ``expired`` it is one of the past, ``foreign`` one of an
    operator whose root nobody here has by itself, ``missing`` it has to be installed first and ``old`` updated.  Its
    session asks for ``energy_wh``; it takes the first schedule that it is offered, at most with its own current.
    """

    protocol: Literal["iec61851", "iso15118-ac", "iso15118-dc"] = "iec61851"
    payment: Literal["eim", "contract"] = "eim"
    emaid: Annotated[str, Meta(min_length=1, max_length=36)] = "NLSIMC00000001"
    contract: Literal["good", "expired", "foreign", "missing", "old"] = "good"
    current_a: Annotated[float, Meta(ge=0, le=1000)] = 32.0
    phases: Annotated[int, Meta(ge=1, le=3)] = 3
    ready_after_ms: Annotated[float, Meta(ge=0)] = 0
    simplified: bool = False
    ventilation: bool = False
    cable_a: Literal[13, 20, 32, 63] = 63
    energy_wh: Annotated[float, Meta(ge=0, le=1e6)] = 30_000.0


class Timer(Protocol):
    """Something that is going to happen."""

    def cancel(self) -> None: ...


class SimConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``speed`` multiplies energy, not time.  ``autonomous_delay_ms``: how long a board waits before it closes."""

    speed: Annotated[float, Meta(ge=0, le=1e6)] = 1.0
    autonomous_delay_ms: Annotated[float, Meta(ge=0, le=60_000)] = 0.0


class SimEvse:
    """What is true at one EVSE.  The board's own safety is here: it closes by permission only, and opens by itself."""

    def __init__(self, place: Place, config: SimConfig) -> None:
        self.place = place
        self.config = config
        self.roles: set[Role] = set()
        self.lost: set[Role] = set()
        self.connectors: set[int] = set()
        self.locked: dict[int, bool] = {}
        self.faults: dict[tuple[FaultCode, int | None], HardwareFaulted] = {}
        self.bay_occupied = False
        self.celsius: dict[str, float] = {}
        self.intent = PilotIntent()
        self.vehicle: Vehicle | None = None
        self.connector = 1
        self.demand: Demand = "ready"
        self.ready_after_s = 0.0
        self.ready_at: float | None = None
        self.state = CpState.A
        self.close_at: float | None = None
        self.closed = False
        self.set_power_w: float | None = None
        self.soc_percent: float | None = None
        self.meter_settings = 0
        self.counted_at = 0.0
        self.register_wh = 0.0
        self.timer: Timer | None = None

    @property
    def offered_a(self) -> float:
        """What the pilot offers the vehicle; 0: no oscillator (x1)."""
        limit_a = self.intent.limit_a or 0.0
        if self.vehicle is None or not self.intent.available or limit_a < PILOT_MIN_A:
            return 0.0
        return min(limit_a, self.place.limit_a)

    @property
    def phases(self) -> int:
        """Phases that the contactor connects when it closes."""
        return min(self.place.phases, self.intent.phases or self.place.phases)

    @property
    def loaded_phases(self) -> int:
        """Phases that carry current."""
        return min(self.phases, self.vehicle.phases) if self.vehicle else self.phases

    @property
    def power_w(self) -> float:
        """What flows through the meter, as computed or as set."""
        if self.set_power_w is not None:
            return self.set_power_w
        if self.vehicle is None or not self.closed or self.demand != "ready":
            return 0.0
        return self.place.voltage_v * min(self.vehicle.current_a, self.offered_a) * self.loaded_phases

    def register_at(self, now: float) -> float:
        """The lifetime register in Wh."""
        elapsed_s = max(0.0, now - self.counted_at)
        return self.register_wh + self.power_w * elapsed_s * self.config.speed / 3600

    def count(self, now: float) -> None:
        """Bring the register up to date, before the power changes."""
        self.register_wh, self.counted_at = self.register_at(now), now

    def settle(self, now: float) -> None:
        """Let the vehicle answer the pilot, then the contactor answer both."""
        wants = self.offered_a > 0 and self.demand == "ready"
        self.ready_at = _due(self.ready_at, wants, now + self.ready_after_s)
        self.state = self._shown(now)
        self.close_at = _due(self.close_at, self._may_close(), now + self.config.autonomous_delay_ms / 1000)
        closed = self.close_at is not None and now >= self.close_at
        if self.closed and not closed:
            self.set_power_w = None  # the load that was set is cut off
        self.closed = closed

    def next_moment(self, now: float) -> float | None:
        """When something happens here without anybody doing anything."""
        return min((at for at in (self.ready_at, self.close_at) if at is not None and at > now), default=None)

    def lock_stuck(self, connector: int) -> bool:
        """The lock of this connector does not move."""
        return any(("ConnectorLockFailure", where) in self.faults for where in (None, connector))

    def _shown(self, now: float) -> CpState:
        if self.vehicle is None:
            return CpState.A
        if self.vehicle.simplified or (self.ready_at is not None and now >= self.ready_at):
            return CpState.D if self.vehicle.ventilation else CpState.C
        return CpState.B

    def _may_close(self) -> bool:
        permitted = self.intent.permit_power and self.intent.available
        healthy = all(code in OFF_THE_POWER_PATH for code, _ in self.faults)
        return permitted and healthy and self.state in (CpState.C, CpState.D)


def _due(running: float | None, wanted: bool, fresh: float) -> float | None:
    """A moment that is set when it is first wanted, and dropped when it is not."""
    if not wanted:
        return None
    return fresh if running is None else running
