"""A simulated connector lock with feedback.  Does not know whether a plug is there."""

from __future__ import annotations

from hal.bus.sim import SimBus
from hal.drivers.sim_part import SimPart
from hal.events import LockMoved
from hal.ports import Place, Post


class SimLock(SimPart):
    """Lock of one socket.  Every command is answered with the position that the lock ends in, moved or not."""

    role = "lock"

    def __init__(self, config: SimPart.Config, place: Place, bus: SimBus, post: Post) -> None:
        super().__init__(config, place, bus, post)
        self._wish: bool | None = None

    def lock(self) -> None:
        self._wish = True
        self.obey()

    def unlock(self) -> None:
        self._wish = False
        self.obey()

    def obey(self) -> None:
        if self._answers and self._wish is not None:
            self._said.clear()
            self._world.move_lock(self.place.evse, self.place.connector, self._wish)

    def report(self) -> None:
        locked = self._truth.locked[self.place.connector]
        self.say(LockMoved(self.place.evse, "locked" if locked else "unlocked", self.place.connector))
