"""A simulated SECC: speaks ISO 15118 for the vehicle that is plugged in, by a script.  Does not know who may charge."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

from hal.bus.sim import SimBus
from hal.bus.sim_evse import Vehicle
from hal.drivers.sim_part import SimPart
from hal.events import Contract, ContractPresented, EimChosen
from hal.ports import Place, Post, SeccIntent

A_YEAR = timedelta(days=365)


class SimSecc(SimPart):
    """Session of one EVSE's vehicle.  One that would pay by contract does when it may; refused, it leaves it to a card.

    It has the root of the simulated operator, and no other.
    """

    role = "secc"

    def __init__(self, config: SimPart.Config, place: Place, bus: SimBus, post: Post) -> None:
        super().__init__(config, place, bus, post)
        self._wish = SeccIntent()
        self._chosen: Literal["contract", "eim"] | None = None
        self._refused = False

    def tell_vehicle(self, intent: SeccIntent) -> None:
        self._wish = intent
        if self._answers:
            self._world.sense_soon(self)

    def forget(self) -> None:
        super().forget()
        self._end_session()

    def report(self) -> None:
        """Say what the vehicle chooses, when that is another choice than its last."""
        vehicle = self._truth.vehicle
        if vehicle is None or vehicle.protocol == "iec61851":
            self._end_session()
            return
        self._refused = self._refused or (self._chosen == "contract" and self._wish.authorization == "refused")
        choice = self._choice(vehicle)
        if choice == self._chosen or (self._chosen is not None and self._wish.authorization == "granted"):
            return
        self._chosen = choice
        evse = self.place.evse
        self._post(ContractPresented(evse, contract_of(vehicle)) if choice == "contract" else EimChosen(evse))

    def _choice(self, vehicle: Vehicle) -> Literal["contract", "eim"]:
        may = self._wish.contract or self._chosen == "contract"
        return "contract" if vehicle.payment == "contract" and may and not self._refused else "eim"

    def _end_session(self) -> None:
        self._chosen, self._refused = None, False


def contract_of(vehicle: Vehicle) -> Contract:
    """What the vehicle presents, and what is made of it here."""
    # cryptography costs memory: who plugs in no such vehicle does not pay
    from hal.drivers.contract_chain import read_contract
    from hal.drivers.sim_operator import operator

    now = datetime.now(UTC)
    founded = datetime(now.year, 1, 1, tzinfo=UTC)
    ours, other = operator("Simulated", founded), operator("Foreign", founded)
    until = now - timedelta(days=1) if vehicle.contract == "expired" else now + A_YEAR
    issuer = other if vehicle.contract == "foreign" else ours
    chain_pem = issuer.contract_pem(vehicle.emaid, since=now - A_YEAR, until=until)
    return read_contract(vehicle.emaid, chain_pem, (ours.root,), now)
