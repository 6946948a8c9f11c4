"""What all simulated parts share: they sit in a world, look when told to, and post what is new."""

from __future__ import annotations

from asyncio import get_running_loop
from collections.abc import Iterable
from typing import ClassVar

import msgspec

from hal.bus.sim import SimBus
from hal.bus.sim_evse import Role, SimEvse
from hal.events import DeviceFound, DeviceLost, Event
from hal.ports import Place, Post


class SimPart:
    """A part of a simulated board.  It keeps what it said last, and says what differs from that."""

    bus_type = SimBus
    role: ClassVar[Role]

    class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        """No options."""

    def __init__(self, config: Config, place: Place, bus: SimBus, post: Post) -> None:
        self.place = place
        self.connectors: Iterable[int] = (place.connector,)
        self._world = bus.world
        self._post = post
        self._answers: bool | None = None
        self._said: dict[tuple[object, ...], Event] = {}

    async def run(self) -> None:
        """Be there until cancelled."""
        self._world.attach(self)
        try:
            await get_running_loop().create_future()
        finally:
            self._world.detach(self)

    def sense(self) -> None:
        """Look, and say what is new."""
        if not self._world.attached(self):
            return
        if self.role in self._truth.lost:
            self._go_silent()
        elif self._answers:
            self.report()
        else:
            self._come_back()

    def forget(self) -> None:
        """Nothing has been said."""
        self._answers = None
        self._said.clear()

    def report(self) -> None:
        """Say what is true."""
        raise NotImplementedError

    def obey(self) -> None:
        """Repeat the last wish to the device."""

    def say(self, event: Event, *about: object) -> None:
        """Post, unless it was the last thing said of its kind (and of what it is ``about``)."""
        key = (type(event), *about)
        if self._said.get(key) != event:
            self._said[key] = event
            self._post(event)

    @property
    def _truth(self) -> SimEvse:
        return self._world.at(self.place.evse)

    def _go_silent(self) -> None:
        if self._answers is not False:
            self.forget()
            self._answers = False
            self._post(DeviceLost(self.place.evse, self.place.part, "the simulated wire is off"))

    def _come_back(self) -> None:
        self._answers = True
        self._post(DeviceFound(self.place.evse, self.place.part, f"simulated {self.role}"))
        self.report()
        self.obey()
