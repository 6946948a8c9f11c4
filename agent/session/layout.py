"""An EVSE as the board has it: what is wired, what its parts can do, who may limit it.  Nothing here ever changes."""

from __future__ import annotations

import msgspec

from agent.session.connector import ConnectorLayout
from agent.session.dc import DcLayout
from agent.session.derating import DeratingLayout
from agent.session.limits import Limits, Terms, phases_used


class EvseLayout(msgspec.Struct, frozen=True):
    """An EVSE as the board has it."""

    id: int
    limit_a: float = 32.0
    phases: int = 3
    voltage_v: float = 230.0
    connectors: tuple[ConnectorLayout, ...] = (ConnectorLayout(),)
    has_meter: bool = True
    signs_sessions: bool = False
    has_bay: bool = False
    has_rcd: bool = False
    has_secc: bool = False
    has_relay_feedback: bool = True
    min_a: float = 6.0
    switches_phases: bool = False
    limits: tuple[Terms, ...] = ()
    derating: tuple[DeratingLayout, ...] = ()
    resettable: bool = True
    dc: DcLayout | None = None

    @property
    def supply_phases(self) -> int:
        """Of alternating current, as SupplyPhases counts them: none where the vehicle gets direct current."""
        return 0 if self.dc is not None else self.phases

    @property
    def max_power_w(self) -> float:
        """What it can give at most."""
        return self.limit_a * self.phases * self.voltage_v

    def phases_used(self, allowed: int) -> int:
        """On how many phases a vehicle is offered current, where it may be so many."""
        return phases_used(allowed, self.phases, switches=self.switches_phases)

    def made_limits(self) -> Limits:
        """The limits that the board alone sets."""
        return Limits(
            self.limit_a,
            self.phases,
            min_a=self.min_a,
            switches_phases=self.switches_phases,
            terms=(*self.limits, *(each.terms for each in self.derating)),
        )
