"""A simulated SECC: speaks ISO 15118 for the vehicle that is plugged in, by a script.  Does not know who may charge."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Literal

from hal.bus.sim import SimBus
from hal.bus.sim_evse import Vehicle
from hal.drivers.sim_part import SimPart
from hal.events import (
    CertificateAction,
    Contract,
    ContractCertificateAsked,
    ContractPresented,
    EimChosen,
    EvNeeds,
    EvNeedsTold,
    EvScheduleChosen,
)
from hal.ports import Place, Post, ScheduleOffer, SeccCertificates, SeccIntent

A_YEAR = timedelta(days=365)
SCHEMA = "urn:iso:15118:2:2013:MsgDef"
ASKS: dict[str, CertificateAction] = {"missing": "Install", "old": "Update"}


class SimSecc(SimPart):
    """Session of one EVSE's vehicle.  One that would pay by contract does when it may; refused, it leaves it to a card.

    It has the root of the simulated operator, and those that the station gives it.
    """

    role = "secc"

    def __init__(self, config: SimPart.Config, place: Place, bus: SimBus, post: Post) -> None:
        super().__init__(config, place, bus, post)
        self._wish = SeccIntent()
        self._chosen: Literal["contract", "eim"] | None = None
        self._refused = False
        self._certificates = SeccCertificates()
        self._asked = False
        self._needs_told = False
        self._offers: tuple[ScheduleOffer, ...] = ()

    def hold(self, certificates: SeccCertificates) -> None:
        self._certificates = certificates

    def bring_contract(self, exi: str | None) -> None:
        """With none the vehicle has nothing to pay by; with one it presents what it got."""
        vehicle = self._truth.vehicle
        if vehicle is None or not self._asked or self._chosen is not None:
            return
        if exi is None:
            self._refused = True
        self._choose(vehicle, "eim" if exi is None else "contract")

    def offer(self, offers: tuple[ScheduleOffer, ...]) -> None:
        """The vehicle takes the first."""
        self._offers = offers
        if self._answers:
            self._world.sense_soon(self)

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
        if self._wish.authorization == "granted":
            self._negotiate(vehicle)
        self._refused = self._refused or (self._chosen == "contract" and self._wish.authorization == "refused")
        choice = self._choice(vehicle)
        if choice == self._chosen or (self._chosen is not None and self._wish.authorization == "granted"):
            return
        if choice == "contract" and vehicle.contract in ASKS and not self._asked:
            self._asked = True
            self._post(ContractCertificateAsked(self.place.evse, ASKS[vehicle.contract], SCHEMA, exi_of(vehicle)))
        elif choice == "eim" or not self._waits_for_contract(vehicle):
            self._choose(vehicle, choice)

    def _negotiate(self, vehicle: Vehicle) -> None:
        """Once it may charge: what it needs, then what it takes of what it is offered."""
        if not self._needs_told:
            self._needs_told = True
            self._post(EvNeedsTold(self.place.evse, needs_of(vehicle, self.place.voltage_v)))
        if self._offers:
            first, self._offers = self._offers[0], ()
            most = vehicle.current_a if first.unit == "A" else vehicle.current_a * self.place.voltage_v
            limits = tuple((start_s, min(limit, most)) for start_s, limit in first.limits)
            self._post(EvScheduleChosen(self.place.evse, first.id, limits))

    def _waits_for_contract(self, vehicle: Vehicle) -> bool:
        return vehicle.contract in ASKS and self._asked and self._chosen is None

    def _choose(self, vehicle: Vehicle, choice: Literal["contract", "eim"]) -> None:
        self._chosen = choice
        evse = self.place.evse
        if choice == "eim":
            self._post(EimChosen(evse))
        else:
            self._post(ContractPresented(evse, contract_of(vehicle, self._certificates.roots)))

    def _choice(self, vehicle: Vehicle) -> Literal["contract", "eim"]:
        may = self._wish.contract or self._chosen == "contract"
        return "contract" if vehicle.payment == "contract" and may and not self._refused else "eim"

    def _end_session(self) -> None:
        self._chosen, self._refused, self._asked = None, False, False
        self._needs_told, self._offers = False, ()


def needs_of(vehicle: Vehicle, voltage_v: float) -> EvNeeds:
    """What it asks for, as it is wired."""
    if vehicle.protocol == "iso15118-dc":
        return EvNeeds("DC", vehicle.current_a, voltage_v, energy_wh=vehicle.energy_wh)
    transfer: Literal["AC_single_phase", "AC_three_phase"]
    transfer = "AC_single_phase" if vehicle.phases == 1 else "AC_three_phase"
    return EvNeeds(transfer, vehicle.current_a, voltage_v, 6.0, vehicle.energy_wh)


def exi_of(vehicle: Vehicle) -> str:
    """What stands for the vehicle's request; nobody here reads EXI."""
    return b64encode(f"{vehicle.contract} {vehicle.emaid}".encode()).decode()


def contract_of(vehicle: Vehicle, roots: tuple[str, ...] = ()) -> Contract:
    """What the vehicle presents, and what is made of it here with these roots besides its own."""
    # cryptography costs memory: who plugs in no such vehicle does not pay
    from cryptography.x509 import load_pem_x509_certificate

    from hal.drivers.contract_chain import read_contract
    from hal.drivers.sim_operator import operator

    now = datetime.now(UTC)
    founded = datetime(now.year, 1, 1, tzinfo=UTC)
    ours, other = operator("Simulated", founded), operator("Foreign", founded)
    until = now - timedelta(days=1) if vehicle.contract == "expired" else now + A_YEAR
    issuer = other if vehicle.contract == "foreign" else ours
    chain_pem = issuer.contract_pem(vehicle.emaid, since=now - A_YEAR, until=until)
    trusted = (ours.root, *(load_pem_x509_certificate(pem.encode()) for pem in roots))
    return read_contract(vehicle.emaid, chain_pem, trusted, now)
