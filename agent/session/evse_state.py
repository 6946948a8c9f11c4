"""One EVSE as it stands: who may take energy, which transaction runs, what it wants of the hardware.  Hears nothing."""

from __future__ import annotations

from agent.session.authorization import Authorization
from agent.session.connector import Connector
from agent.session.dc import AT_ONCE, DcSession, DcTerms
from agent.session.faults import Faults
from agent.session.layout import EvseLayout
from agent.session.transaction import ChargingState, Reading, Transaction
from agent.vocabulary.commands import BeginSigned, Command, EndSigned
from agent.vocabulary.values import ClockShift, Now, Token
from hal.events import CpState
from hal.ports import PilotIntent, SignedSession

OFFER_GRACE_S = 10.0
"""How long a vehicle that is offered current, at first or again, may think before it counts as SuspendedEV."""


class EvseState:
    """What is true of an EVSE now, and what follows from it.  ``Evse`` changes it."""

    def __init__(self, layout: EvseLayout) -> None:
        self.layout = layout
        self.connectors = {each.id: Connector(each) for each in layout.connectors}
        self.operative = True
        self.pilot = CpState.A
        self.plugged: int | None = None
        self.power_closed = False
        self.phases_used = layout.phases
        self.bay_occupied = False
        self.faults = Faults(layout.id)
        self.limits = layout.made_limits()
        self.dc = None if layout.dc is None else DcSession(layout.id, layout.dc)
        self.reading: Reading | None = None
        self.read_at_mono = float("-inf")
        self.opened_at_mono = float("-inf")
        self.offered_at_mono: float | None = None
        self.has_drawn = False
        self.took_offer = False
        self.wants_ventilation = False
        self.vehicle_ended = False
        self.authorization: Authorization | None = None
        self.transaction: Transaction | None = None
        self._signing: BeginSigned | EndSigned = EndSigned(layout.id, None)
        self.station_operative = True
        self.resetting = False
        self.pilot_off = False
        self.updating = False

    @property
    def id(self) -> int:
        """Number on the station, from 1."""
        return self.layout.id

    # ---- what it wants of the hardware ----

    def faulted(self, connector: int | None = None) -> bool:
        """Whether a fault of the EVSE, or of this connector, holds it."""
        return self.faults.hold(connector)

    def lock_faulted(self, connector: int) -> bool:
        """Whether the lock of this connector reports a fault, or is gone."""
        lost = any(part.endswith(f"connectors[{connector - 1}].lock") for part in self.faults.lost_parts)
        return lost or any(code == "ConnectorLockFailure" and where in (None, connector) for code, where in self.faults)

    def in_service(self, connector: int) -> bool:
        """Operative; what is in use goes out of service when its transaction has ended (G03.FR.05, G04.FR.06)."""
        in_use = self.transaction is not None
        here = in_use and self.plugged in (None, connector)
        return (in_use or (self.station_operative and self.operative and not self._held_back)) and (
            here or self.connectors[connector].operative
        )

    @property
    def _held_back(self) -> bool:
        """Out of service for a moment, by no wish of the CSMS."""
        return self.resetting or self.updating

    def closed(self, connector: int) -> bool:
        """Set out of service, at once or as soon as the transaction has ended."""
        return not (self.station_operative and self.operative and self.connectors[connector].operative)

    def serves(self, connector: int | None = None) -> bool:
        """In service and without a fault; with no connector named, any that is will do."""
        if connector is None:
            return any(self.serves(each) for each in self.connectors)
        return self.in_service(connector) and not self.faulted(connector)

    def open_to(self, token: Token | None) -> bool:
        """Whether a driver can begin here: nobody has, and no cable is locked in.

        A transaction that was authorized before goes on with the same identifier only (C01.FR.23); ``token`` None asks
        for one that never was (F01.FR.24).
        """
        transaction = self.transaction
        if self.authorization is not None or not self.serves(self.plugged):
            return False
        if any(connector.held_for is not None for connector in self.connectors.values()):
            return False
        if transaction is None or (transaction.ending is None and transaction.token is None):
            return True
        return transaction.ending is None and token is not None and token.same(transaction.token)

    def may_give_power(self) -> bool:
        """Everything the agent can say in favour; the board has the last word."""
        return self.limits.offer.limit_a > 0 and self.could_give_power()

    def could_give_power(self) -> bool:
        """The same, whatever the limits are."""
        transaction = self.transaction
        return (
            self.authorization is not None
            and self.plugged is not None
            and self.pilot in (CpState.B, CpState.C)
            and not self.wants_ventilation
            and self.serves(self.plugged)
            and self.connectors[self.plugged].secured
            and not (transaction is not None and (transaction.energy_blocked or transaction.ending is not None))
        )

    def intent(self) -> PilotIntent:
        """What the pilot controller should do now."""
        permit, offer = self.may_give_power(), self.limits.offer
        available = self.plugged is not None or any(self.in_service(each) for each in self.connectors)
        available = available and not self.pilot_off
        return PilotIntent(
            available=available,
            limit_a=offer.limit_a if permit else None,
            permit_power=permit,
            phases=offer.phases,
        )

    def signing(self) -> BeginSigned | EndSigned:
        """What a meter that signs sessions should do now: from the driver's first right to the open power path."""
        session, known = self._signable(), self._signing.session
        if session is not None and known is not None and session.transaction_id == known.transaction_id:
            session = known  # it is the driver who began who is told
        ending = self.transaction is not None and self.transaction.ending is not None and not self.power_closed
        if session is None or ending:
            self._signing = EndSigned(self.id, session or known)
        else:
            self._signing = BeginSigned(self.id, session)
        return self._signing

    def _signable(self) -> SignedSession | None:
        """The transaction, where it is known of whom it is, and that it is here."""
        transaction = self.transaction
        if not self.layout.signs_sessions or transaction is None or transaction.connector is None:
            return None
        token = transaction.token
        return None if token is None else SignedSession(transaction.id, token.id, token.kind)

    def dc_orders(self, now: Now) -> list[Command]:
        """What the parts of a DC EVSE are to be told."""
        if self.dc is None:
            return []
        permitted = self.may_give_power()
        at_once = any(code in AT_ONCE for code, _ in self.faults) or self.faults.pilot_is_gone
        return self.dc.orders(DcTerms(self.plugged is not None, permitted, self.limits.offer.limit_a, at_once), now)

    # ---- who may take energy ----

    def authorize(self, right: Authorization) -> None:
        """Somebody may take energy; his cable is locked in as soon as it is there (C01, E10.FR.01)."""
        self.authorization = right
        if self.plugged is not None:
            self._hold(self.plugged)

    def deauthorize(self, *, keep_cable: bool = False) -> None:
        """Nobody may any more; the cable is free, unless its owner is to come for it."""
        self.authorization = None
        self.has_drawn = False
        if not keep_cable:
            self.release()

    def holds_cable(self) -> bool:
        """A cable is locked in and waits for its owner."""
        return any(connector.held_for is not None and connector.cable_in for connector in self.connectors.values())

    def release(self) -> None:
        """No cable is held any more."""
        for connector in self.connectors.values():
            connector.held_for = None

    def _hold(self, connector: int) -> None:
        right = self.authorization
        if right is not None:
            self.authorization = right.at()
            self.connectors[connector].hold(right.token)

    # ---- what it means ----

    def conditions(self) -> frozenset[str]:
        """The transaction start and stop points that hold now (TxStartPoint, TxStopPoint)."""
        authorized, connected = self.authorization is not None, self.plugged is not None
        held = {
            "ParkingBayOccupancy": self.bay_occupied if self.layout.has_bay else connected,
            "EVConnected": connected,
            "Authorized": authorized,
            "PowerPathClosed": authorized and connected,
            "EnergyTransfer": self.energy_flows(),
        }
        return frozenset(name for name, holds in held.items() if holds)

    def energy_flows(self) -> bool:
        """The vehicle draws and the power path is closed."""
        drawing = self.pilot in (CpState.C, CpState.D) and not self.vehicle_ended
        closed = self.power_closed if self.layout.has_relay_feedback else self.may_give_power()
        return drawing and closed

    def charging_state(self, mono: float) -> ChargingState:
        """The state as ChargingStateEnumType defines it."""
        if self.plugged is None:
            return "Idle"
        if self.energy_flows():
            return "Charging"
        if self.authorization is None:
            return "EVConnected"
        if not self.may_give_power():
            return "EVConnected" if self.connectors[self.plugged].locking else "SuspendedEVSE"
        if self.dc is not None and self.dc.preparing:
            return "EVConnected"
        patient = self.offered_at_mono is None or mono < self.offered_at_mono + OFFER_GRACE_S
        if self.took_offer or not patient:
            return "SuspendedEV"
        return "SuspendedEVSE" if self.has_drawn else "EVConnected"  # it had to stop, and has not answered yet

    def final_reading_is_in(self) -> bool:
        """Whether the last reading was taken after the power path opened."""
        if not self.layout.has_meter or self.faults.meter_is_gone:
            return True
        settled = self.reading is not None and not self.power_closed and self.read_at_mono >= self.opened_at_mono
        return settled and not self._record_is_due()

    def _record_is_due(self) -> bool:
        """Whether the meter owes what it signed of the session."""
        if self.transaction is None or self._signable() is None:
            return False
        signed = None if self.reading is None else self.reading.sample.signed
        return signed is None or signed.transaction_id != self.transaction.id

    def move_times(self, shift: ClockShift) -> None:
        """The times of day that are kept here were stamped by a clock that was wrong."""
        if self.reading is not None:
            self.reading = self.reading.moved(shift)
        if self.transaction is not None:
            self.transaction.move_times(shift)
        self.limits.move_times(shift)
