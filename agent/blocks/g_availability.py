"""Block G, availability: taking the station, an EVSE or a connector out of service and back, and clearing its faults.

Tells no status itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from agent.blocks.base import NO_ROOM, Block, Desk
from agent.blocks.g_status import ConnectorStatuses
from agent.ocpp.messages import g_availability as m
from agent.vocabulary.commands import ClearFault, KeepRecord
from agent.vocabulary.facts import AuthorizationEnded
from agent.vocabulary.incoming import TechnicianAsked
from agent.vocabulary.values import Now

RESETS = ("RemoteReset", "ScheduledReset", "LocalReset")

Wish = tuple[int, int]
"""(EVSE, connector); 0 stands for the whole station or the whole EVSE."""


class Availability(Block):
    """What the CSMS opens and closes (G03, G04); each part keeps its own setting."""

    letter = "G"

    def __init__(self, desk: Desk, statuses: ConnectorStatuses) -> None:
        super().__init__(desk)
        self._statuses = statuses

    def change(self, request: m.ChangeAvailabilityRequest, now: Now) -> m.ChangeAvailabilityResponse | None:
        """Stored before it is answered (G03.FR.08); what the disk refuses is as it was before."""
        wish = self._wish(request)
        if wish is None:
            return m.ChangeAvailabilityResponse(status="Rejected")
        unkept = m.ChangeAvailabilityResponse(status="Rejected", status_info=NO_ROOM)
        if not self.desk.disk_works:  # nobody is sent away for it
            return unkept
        operative = request.operational_status == "Operative"
        undo = partial(self._keep, wish, self._is_operative(wish))
        if self._is_operative(wish) is operative:
            self._statuses.tell_again(*wish)  # asked again, told again (TC_G_12, TC_G_13)
        self._keep(wish, operative)
        if not operative:
            self._send_away()
        waits = not operative and self._in_use(wish)  # G03.FR.05, G04.FR.06
        self.desk.promise(m.ChangeAvailabilityResponse(status="Scheduled" if waits else "Accepted"), unkept, undo)
        return None

    calls = {m.ChangeAvailabilityRequest: change}

    def _wish(self, request: m.ChangeAvailabilityRequest) -> Wish | None:
        if request.evse is None or request.evse.id == 0:
            return 0, 0
        evse = self.desk.site.evses.get(request.evse.id)
        connector = request.evse.connector_id or 0
        if evse is None or (connector and connector not in evse.connectors):
            return None
        return evse.id, connector

    def _is_operative(self, wish: Wish) -> bool:
        evse_id, connector = wish
        if evse_id == 0:
            return self.desk.site.operative
        evse = self.desk.site.evses[evse_id]
        return evse.connectors[connector].operative if connector else evse.operative

    def _keep(self, wish: Wish, operative: bool) -> None:
        """From now on, over power cuts."""
        self._switch(wish, operative)
        self.desk.tell(KeepRecord(f"availability/{wish[0]}/{wish[1]}", None if operative else b"false"))

    def _in_use(self, wish: Wish) -> bool:
        evse_id, connector = wish
        return any(
            evse_id in (0, evse.id) and (connector == 0 or evse.plugged in (None, connector))
            for evse in self.desk.site.running()
        )

    def _send_away(self) -> None:
        """Who was authorized and had not begun yet cannot begin any more."""
        for evse in self.desk.site.evses.values():
            if evse.authorization is not None and evse.transaction is None and not evse.serves(evse.plugged):
                evse.deauthorize()
                self.desk.post(AuthorizationEnded(evse.id, "StopAuthorized", "Other"))

    def _switch(self, wish: Wish, operative: bool) -> None:
        evse_id, connector = wish
        if evse_id == 0:
            self.desk.site.set_operative(operative)
        elif connector:
            self.desk.site.evses[evse_id].connectors[connector].operative = operative
        else:
            self.desk.site.evses[evse_id].operative = operative

    def remember(self, records: Mapping[str, bytes], now: Now) -> None:
        """Out of service stays out of service (B01.FR.07, G03.FR.08); a reset is a new start for the parts as well."""
        if self.desk.boot_reason in RESETS:
            self.clear_faults(0)
        for key in records:
            kind, *place = key.split("/")
            if kind != "availability":
                continue
            if len(place) == 2 and all(number.isdecimal() for number in place):
                self._take_out((int(place[0]), int(place[1])))
            else:
                self.desk.forget_record(key)

    def _take_out(self, wish: Wish) -> None:
        evse = self.desk.site.evses.get(wish[0])
        if wish[0] == 0 or (evse is not None and wish[1] in (0, *evse.connectors)):
            self._switch(wish, operative=False)

    def clear_faults(self, evse_id: int) -> None:
        """Ask the pilot controller of an EVSE, or (0) of each, to leave a latched fault.

        Whoever resets the station, or stands before it, wants that.  ChangeAvailability does not: it says who may use
        the station and nothing of its hardware, and a CSMS repeats it without a thought.
        """
        for evse in self.desk.site.evses.values():
            if evse_id in (0, evse.id):
                self.desk.tell(ClearFault(evse.id))

    def asked_locally(self, event: TechnicianAsked, now: Now) -> None:
        if event.wish == "clear_fault":
            self.clear_faults(event.evse)

    incoming = {TechnicianAsked: asked_locally}
