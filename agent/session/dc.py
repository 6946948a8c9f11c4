"""The DC side of one EVSE: what its session demands, what its parts can give, and what each of them is told.

Who may charge, and the vehicle's protocol, are not known here.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from agent.vocabulary.commands import CheckInsulation, Command, SupplyDc, TellSupply
from agent.vocabulary.facts import DcPhaseEntered, Fact
from agent.vocabulary.values import Now
from hal.events import (
    DcCapability,
    DcDemanded,
    DcOutput,
    DcPhase,
    DcVehicleTold,
    DeviceLost,
    Event,
    FaultCode,
    InsulationMeasured,
    InsulationTested,
)
from hal.ports import DcSupply, DcWish

STOP_PATIENCE_S = 10.0
"""How long a session may take to end in its own way when power is no longer permitted."""

GOOD_INSULATION_OHM = 100_000.0
GOOD_FOR_S = 10.0
"""What the host judges a cable by, where it does (IEC 61851-23 CC.1, as EVerest counts it)."""

AT_ONCE: frozenset[FaultCode] = frozenset(
    {"EmergencyStop", "GroundFailure", "OverCurrentFailure", "OverVoltage", "WeldedContactor"}
)
"""Faults in which no vehicle is asked first."""

POWERED: frozenset[DcPhase] = frozenset({"cable_check", "precharge", "charging"})
PREPARING: frozenset[DcPhase] = frozenset({"setup", "authorization", "cable_check", "precharge"})

Verdict = Literal["pending", "passed", "failed"]


class DcLayout(msgspec.Struct, frozen=True):
    """A DC EVSE as the board has it; ``cable_check``: who judges the insulation."""

    max_v: float
    cable_check: Literal["host", "secc"] = "secc"


class DcTerms(msgspec.Struct, frozen=True):
    """What the EVSE says to it: whether power is permitted, how much, and whether anything must end at once."""

    plugged: bool
    permitted: bool
    limit_a: float
    at_once: bool


class DcSession:
    """``receive`` takes what the parts say; ``orders`` gives what each of them is to be told, when that is new.

    The supply follows the session's demand and nothing else: within what the modules, the wiring and the limits allow,
    and never when a part is lost.
    """

    def __init__(self, evse_id: int, layout: DcLayout) -> None:
        self._id = evse_id
        self._layout = layout
        self.demand = DcDemanded(evse_id, "idle")
        self.vehicle: DcVehicleTold | None = None
        self.output: DcOutput | None = None
        self.capability: DcCapability | None = None
        self.insulation_ohm: float | None = None
        self._tested: bool | None = None
        self._sound = {"supply": False, "insulation": False}
        self._cut = False
        self._ends_by_mono: float | None = None
        self._good_since_mono: float | None = None
        self._verdict: Verdict = "pending"
        self._limit_a = 0.0
        self._plugged = False
        self._wish = DcWish()
        self._told: DcSupply | None = None

    @property
    def preparing(self) -> bool:
        """A session is on its way to energy."""
        return self.demand.phase in PREPARING

    @property
    def soc_percent(self) -> float | None:
        """What the vehicle said last of its battery."""
        return None if self.vehicle is None else self.vehicle.soc_percent

    # ---- in ----

    def receive(self, event: Event, now: Now) -> list[Fact]:
        """Take what a part said."""
        match event:
            case DcDemanded():
                return self._demanded(event)
            case DcVehicleTold():
                self.vehicle = event
            case DcOutput():
                self.output = event
            case DcCapability():
                self.capability = event
                self._sound["supply"] = event.modules > 0
            case InsulationMeasured(ohm=ohm):
                self.insulation_ohm, self._sound["insulation"] = ohm, True
            case InsulationTested(passed=passed):
                self._tested = passed
            case DeviceLost(part=part):
                return self._lost(part.rpartition(".")[2])
        self._judge(now)
        return []

    def _demanded(self, demand: DcDemanded) -> list[Fact]:
        before, self.demand = self.demand, demand
        if demand.phase == before.phase:
            return []
        if demand.phase == "idle":
            self._cut, self.vehicle, self._tested = False, None, None
        self._good_since_mono = None
        return [DcPhaseEntered(self._id, demand.phase)]

    def _lost(self, part: str) -> list[Fact]:
        """What a lost part said last holds no more."""
        if part == "supply":
            self.output = self.capability = None
            self._sound["supply"] = False
        elif part == "insulation":
            self.insulation_ohm, self._sound["insulation"] = None, False
        elif part == "pilot":
            return self._demanded(DcDemanded(self._id, "idle"))
        return []

    # ---- out ----

    def orders(self, terms: DcTerms, now: Now) -> list[Command]:
        """What is new for the parts; the supply hears it first."""
        self._mind_the_end(terms, now)
        self._judge(now)
        if terms.permitted:
            self._limit_a = terms.limit_a
        may = not (self._cut or terms.at_once) and all(self._sound.values()) and self._tested is not False
        orders: list[Command] = []
        wish = self._wished() if may else DcWish()
        if wish != self._wish:
            self._wish = wish
            orders.append(SupplyDc(self._id, wish))
        told = self._supply(ready=may)
        if told != self._told:
            self._told = told
            orders.append(TellSupply(self._id, told))
        if terms.plugged and not self._plugged:
            orders.append(CheckInsulation(self._id))
        self._plugged = terms.plugged
        return orders

    def next_deadline(self) -> float | None:
        """When ``orders`` must be asked again."""
        good_at = self._good_since_mono
        times = [None if self._cut else self._ends_by_mono, None if good_at is None else good_at + GOOD_FOR_S]
        return min((time for time in times if time is not None), default=None)

    def _mind_the_end(self, terms: DcTerms, now: Now) -> None:
        """A session that does not end when it should loses its power."""
        if terms.permitted or self.demand.phase not in POWERED:
            self._ends_by_mono = None
        elif self._ends_by_mono is None:
            self._ends_by_mono = now.mono + STOP_PATIENCE_S
        elif now.mono >= self._ends_by_mono:
            self._cut = True

    def _wished(self) -> DcWish:
        demand = self.demand
        if demand.phase not in POWERED or demand.voltage_v <= 0:
            return DcWish()
        return DcWish(True, min(demand.voltage_v, self._max_v()), min(demand.current_a, self._max_a()))

    def _supply(self, *, ready: bool) -> DcSupply:
        output = self.output or DcOutput(self._id, 0.0, 0.0)
        return DcSupply(
            ready=ready,
            voltage_v=output.voltage_v,
            current_a=output.current_a,
            insulation_ohm=self.insulation_ohm,
            max_v=self._max_v(),
            max_a=self._max_a(),
            cable_check=self._verdict,
        )

    def _max_v(self) -> float:
        return 0.0 if self.capability is None else min(self._layout.max_v, self.capability.max_v)

    def _max_a(self) -> float:
        """Bounded by the limits of the EVSE, the modules' current, and their power at the voltage that is asked for."""
        able = self.capability
        if able is None:
            return 0.0
        volts = self.demand.voltage_v if self.demand.phase == "charging" else 0.0
        by_power_a = able.max_w / volts if volts > 0 else able.max_a
        return round(min(self._limit_a, able.max_a, by_power_a), 1)

    # ---- the cable check, where the host judges ----

    def _judge(self, now: Now) -> None:
        if self._layout.cable_check == "secc" or self.demand.phase != "cable_check":
            self._good_since_mono, self._verdict = None, "pending"
            return
        if self._tested is False:
            self._verdict = "failed"
        if self._verdict != "pending":
            return
        volts = 0.0 if self.output is None else self.output.voltage_v
        high = 0 < 0.9 * self.demand.voltage_v <= volts
        good = high and self.insulation_ohm is not None and self.insulation_ohm >= GOOD_INSULATION_OHM
        self._good_since_mono = (self._good_since_mono or now.mono) if good else None
        if self._good_since_mono is not None and now.mono - self._good_since_mono >= GOOD_FOR_S:
            self._verdict, self._good_since_mono = "passed", None
