"""Whether a part is there: said once when it goes and once when it comes; complaints in small doses.  Knows no part."""

from __future__ import annotations

from time import monotonic

from hal.events import DeviceFound, DeviceLost, HardwareWarned
from hal.ports import Place, Post

SAME_COMPLAINT_S = 60.0


class Presence:
    """What every driver says of its device."""

    def __init__(self, place: Place, post: Post) -> None:
        self._place = place
        self._post = post
        self._there: bool | None = None
        self._said: dict[str, float] = {}

    def found(self, detail: str = "") -> None:
        """The device answers."""
        if self._there is not True:
            self._there = True
            self._post(DeviceFound(self._place.evse, self._place.part, detail))

    def lost(self, reason: str) -> None:
        """The device does not answer, or has never done so."""
        if self._there is not False:
            self._there = False
            self._post(DeviceLost(self._place.evse, self._place.part, reason))

    def warn(self, topic: str, text: str) -> None:
        """Complain, about one topic at most once a minute."""
        now = monotonic()
        if now - self._said.get(topic, -SAME_COMPLAINT_S) >= SAME_COMPLAINT_S:
            self._said[topic] = now
            self._post(HardwareWarned(self._place.evse, self._place.part, text))
