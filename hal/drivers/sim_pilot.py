"""A simulated pilot controller.  Offers and permits; the board behind it closes and opens the contactor by itself."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from hal.bus.sim import SimBus
from hal.drivers.sim_part import SimPart
from hal.events import CableRated, Event, HardwareFaulted, HardwareHealed, PilotChanged, PowerChanged, VehicleEnded
from hal.ports import PilotIntent, PilotTraits, Place, Post


class SimPilot(SimPart):
    """Control pilot and contactor of one EVSE; also tells the cable's coding and the EVSE's faults."""

    role = "pilot"

    class Config(SimPart.Config, frozen=True, forbid_unknown_fields=True):
        """``connectors``: how many cables or sockets the EVSE has; one is used at a time."""

        connectors: Annotated[int, Meta(ge=1, le=99)] = 1

    def __init__(self, config: Config, place: Place, bus: SimBus, post: Post) -> None:
        super().__init__(config, place, bus, post)
        self.connectors = range(1, config.connectors + 1)
        self.traits = PilotTraits(
            style="direct", on_host_loss="stops", max_a=place.limit_a, shows_state_f=False, phase_switch=True
        )
        self._wish = PilotIntent()
        self._vehicle_ended: bool | None = None

    def apply(self, intent: PilotIntent) -> None:
        self._wish = intent
        self.obey()

    def clear_fault(self) -> None:
        """Nothing latches here: a simulated fault lasts until the world heals it."""

    def obey(self) -> None:
        if self._answers:
            self._world.apply(self.place.evse, self._wish)

    def forget(self) -> None:
        super().forget()
        self._vehicle_ended = None

    def report(self) -> None:
        """Causes first: a fault before the contactor that it opens, the vehicle's wish before its pilot state."""
        news = self._look()  # at one moment: what is posted may already change the truth
        self._report_faults()
        self._report_end()
        for event, connector in news:
            self.say(event, connector)

    def _look(self) -> list[tuple[Event, int]]:
        """What is true, each with the connector that it is told apart by; the pilot's pins break before the cable's."""
        truth, evse = self._truth, self.place.evse
        coded_a = {truth.connector: float(truth.vehicle.cable_a)} if truth.vehicle else {}
        cables: list[tuple[Event, int]] = [
            (CableRated(evse, coded_a.get(socket), socket), socket) for socket in truth.locked
        ]
        pilot: list[tuple[Event, int]] = [
            (PilotChanged(evse, truth.state, truth.connector, pwm=truth.offered_a > 0), 0),
            (PowerChanged(evse, truth.closed, truth.phases if truth.closed else None), 0),
        ]
        return cables + pilot if truth.vehicle else pilot + cables

    def _report_faults(self) -> None:
        faults = self._truth.faults
        for key, said in list(self._said.items()):
            if isinstance(said, HardwareFaulted) and (said.code, said.connector) not in faults:
                del self._said[key]
                self._post(HardwareHealed(said.evse, said.code, said.connector))
        for key, fault in list(faults.items()):
            self.say(fault, *key)

    def _report_end(self) -> None:
        known, self._vehicle_ended = self._vehicle_ended, self._truth.demand == "done"
        if self._vehicle_ended and known is False:  # what ended before the power cut is no news
            self._post(VehicleEnded(self.place.evse))
