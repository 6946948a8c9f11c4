"""A simulated parking-bay sensor.  Does not know what a plug is."""

from __future__ import annotations

from hal.drivers.sim_part import SimPart
from hal.events import BayChanged


class SimBay(SimPart):
    """Sensor of one bay."""

    role = "bay"

    def report(self) -> None:
        self.say(BayChanged(self.place.evse, self._truth.bay_occupied))
