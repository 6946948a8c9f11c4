"""Block H: EVSEs that the CSMS keeps for somebody.  Does not know who may charge, nor how it is told of a connector."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import partial

import msgspec

from agent.blocks.base import NO_ROOM, Block, Desk, token_of
from agent.model.catalogue import RESERVATION_ENABLED, RESERVATION_NON_EVSE_SPECIFIC
from agent.ocpp.messages import h_reservation as m
from agent.ocpp.messages.common import StatusInfo
from agent.session.evse import Evse
from agent.session.reservation import Reservation
from agent.vocabulary.commands import KeepRecord, Send
from agent.vocabulary.facts import CameOnline, Fact, Registered, ReservationUsed
from agent.vocabulary.values import Now

PREFIX = "reservation/"


class ReservationBlock(Block):
    """ReserveNow, CancelReservation, and the end of a reservation that nobody used."""

    letter = "H"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._kept = desk.site.reservations
        self._kept.enabled = lambda: desk.model[RESERVATION_ENABLED]
        self._due_mono: float | None = None

    # ---- what the CSMS wants ----

    def reserve(self, request: m.ReserveNowRequest, now: Now) -> m.ReserveNowResponse | None:
        """Stored before it is answered (B01.FR.13); what the disk refuses is as it was before."""
        wanted = Reservation(
            id=request.id,
            token=token_of(request.id_token),
            expires_at=request.expiry_date_time,
            group=None if request.group_id_token is None else token_of(request.group_id_token),
            evse=request.evse_id or 0,
            connector_type=request.connector_type,
        )
        targets = [evse for evse in self.desk.site.evses.values() if wanted.fits(evse)]
        code, why = self._objection(request, wanted, targets, now)
        if why:
            return m.ReserveNowResponse(
                status="Rejected", status_info=StatusInfo(reason_code=code, additional_info=why)
            )
        if not self._kept.has_room_for(wanted):
            return m.ReserveNowResponse(status=_why_not(targets))
        undo = partial(self._put_back, wanted.id, self._kept.get(wanted.id), now)
        self._put(wanted, now)
        unkept = m.ReserveNowResponse(status="Rejected", status_info=NO_ROOM)
        self.desk.promise(m.ReserveNowResponse(status="Accepted"), unkept, undo)
        return None

    def _objection(
        self, request: m.ReserveNowRequest, wanted: Reservation, targets: list[Evse], now: Now
    ) -> tuple[str, str]:
        model = self.desk.model
        if not model[RESERVATION_ENABLED]:  # H01.FR.01
            return "NotEnabled", "reservations are switched off"
        if request.evse_id is None and not model[RESERVATION_NON_EVSE_SPECIFIC]:  # H01.FR.19
            return "MissingParam", "an evseId is needed"
        if request.evse_id is not None and not targets:
            return "UnknownEvse", f"there is no EVSE {request.evse_id}"
        if not targets:
            return "UnknownConnectorType", f"no EVSE has a {request.connector_type}"
        if wanted.expires_at <= now.wall:
            return "InvalidValue", f"it has expired at {wanted.expires_at:%FT%TZ}"
        return "", ""

    def cancel(self, request: m.CancelReservationRequest, now: Now) -> m.CancelReservationResponse | None:
        """Stored before it is answered; what the disk refuses stays."""
        cancelled = self._forget(request.reservation_id)
        if cancelled is None:  # H02.FR.01
            return m.CancelReservationResponse(status="Rejected", status_info=StatusInfo(reason_code="NotFound"))
        self._plan(now)
        unkept = m.CancelReservationResponse(status="Rejected", status_info=NO_ROOM)
        self.desk.promise(m.CancelReservationResponse(status="Accepted"), unkept, partial(self._put, cancelled, now))
        return None

    def _put(self, reservation: Reservation, now: Now) -> None:
        self._kept.put(reservation)
        self.desk.tell(KeepRecord(f"{PREFIX}{reservation.id}", msgspec.json.encode(reservation)))
        self._plan(now)

    def _put_back(self, id: int, before: Reservation | None, now: Now) -> None:
        """The one that had this number before; None: there was none."""
        self._forget(id)
        if before is not None:
            self._put(before, now)
        self._plan(now)

    calls = {m.ReserveNowRequest: reserve, m.CancelReservationRequest: cancel}

    # ---- what becomes of a reservation ----

    def used(self, fact: ReservationUsed, now: Now) -> None:
        self.desk.tell(KeepRecord(f"{PREFIX}{fact.id}", None))
        self._plan(now)

    def look(self, now: Now) -> None:
        """A reservation that no EVSE can serve any more is taken back (H01.FR.16, H01.FR.17)."""
        for reservation in self._kept:
            targets = (evse for evse in self.desk.site.evses.values() if reservation.fits(evse))
            if all(_status_of(evse) in ("Faulted", "Unavailable") and not evse.updating for evse in targets):
                self._end(reservation, "Removed")
        self._kept.look()

    def may_have_moved(self, fact: Fact, now: Now) -> None:
        """The clock may have been set."""
        self._plan(now)

    facts = {
        ReservationUsed: used,
        CameOnline: may_have_moved,
        Registered: may_have_moved,
    }

    def _end(self, reservation: Reservation, status: m.ReservationUpdateStatus) -> None:
        self._forget(reservation.id)
        request = m.ReservationStatusUpdateRequest(reservation_id=reservation.id, reservation_update_status=status)
        self.desk.tell(Send(request, durable=True))

    def _forget(self, id: int) -> Reservation | None:
        self.desk.tell(KeepRecord(f"{PREFIX}{id}", None))
        return self._kept.drop(id)

    # ---- time ----

    def _plan(self, now: Now) -> None:
        ends = min((each.expires_at for each in self._kept), default=None)
        self._due_mono = None if ends is None else now.mono + (ends - now.wall) / timedelta(seconds=1)

    def next_deadline(self) -> float | None:
        return self._due_mono

    def expire(self, now: Now) -> None:
        for reservation in self._kept:
            if reservation.expires_at <= now.wall:
                self._end(reservation, "Expired")  # H04.FR.01
        self._plan(now)

    def remember(self, records: Mapping[str, bytes], now: Now) -> None:
        """What was kept when the power went is kept again (B01.FR.13, B11.FR.05)."""
        for key, record in records.items():
            kept = self.desk.read_record(key, record, Reservation) if key.startswith(PREFIX) else None
            if kept is not None:
                self._kept.put(kept)
        self._plan(now)


def _why_not(targets: list[Evse]) -> m.ReserveNowStatus:
    """What is said of these EVSEs together (H01.FR.11, H01.FR.12, H01.FR.14)."""
    found = {_status_of(evse) for evse in targets}
    return found.pop() if len(found) == 1 else "Occupied"


def _status_of(evse: Evse) -> m.ReserveNowStatus:
    if all(evse.faulted(connector) for connector in evse.connectors):
        return "Faulted"
    return "Occupied" if any(evse.in_service(connector) for connector in evse.connectors) else "Unavailable"
