"""Block M: what vehicles are shown and judged by: roots, the station's V2G certificate, what OCSP says of it (M06).

Reads no certificate and speaks with no vehicle: it says what is to be brought to whoever does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import msgspec

from agent.blocks.base import Block, Desk, ocsp_data
from agent.ocpp.messages.m_certificates import GetCertificateStatusRequest, GetCertificateStatusResponse
from agent.vocabulary.certificates import EquipSeccs, OwnCertificate
from agent.vocabulary.commands import KeepRecord
from agent.vocabulary.facts import CameOnline, CertificateRenewed, TrustChanged
from agent.vocabulary.incoming import CallFailed
from agent.vocabulary.values import Now
from hal.events import CertificateHash

CACHED = "ocsp/"
FRESH = timedelta(days=6)
"""So old an answer of the responder is asked for anew (M06.FR.10 wants a week)."""
LOOK_EVERY_S = 12 * 3600.0


class Status(msgspec.Struct, frozen=True):
    """What the responder said last, DER in Base64, and when."""

    result: str
    at: datetime


class VehicleCertificates(Block):
    """The statuses of the station's V2G chain; each is asked for by itself, and kept over restarts."""

    letter = "M"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.own: Callable[[], tuple[OwnCertificate, ...]] = tuple
        self._cached: dict[str, Status] = {}
        self._asked: set[str] = set()
        self._look_mono: float | None = None

    @property
    def _chain(self) -> tuple[CertificateHash, ...]:
        return next((each.asked for each in self.own() if each.use == "V2GCertificate"), ())

    def remember(self, records: Mapping[str, bytes], now: Now) -> None:
        for key, value in records.items():
            if key.startswith(CACHED) and (status := self.desk.read_record(key, value, Status)) is not None:
                self._cached[key.removeprefix(CACHED)] = status
        self._equip()

    def _equip(self) -> None:
        found = (self._cached.get(each.serial) for each in self._chain)
        self.desk.tell(EquipSeccs(tuple(status.result for status in found if status is not None)))

    # ---- what changed ----

    def trust_changed(self, fact: TrustChanged, now: Now) -> None:
        self._equip()

    def renewed(self, fact: CertificateRenewed, now: Now) -> None:
        """Nothing that was said of the former chain counts for this one (M06.FR.07)."""
        if fact.use != "V2GCertificate":
            return
        for serial in self._cached:
            self.desk.tell(KeepRecord(CACHED + serial, None))
        self._cached.clear()
        self._asked.clear()
        self._equip()
        self._look(now)

    def came_online(self, fact: CameOnline, now: Now) -> None:
        self._look(now)

    facts = {TrustChanged: trust_changed, CertificateRenewed: renewed, CameOnline: came_online}

    # ---- M06: asking ----

    def next_deadline(self) -> float | None:
        return self._look_mono

    def expire(self, now: Now) -> None:
        self._look(now)

    def _look(self, now: Now) -> None:
        """M06.FR.06, M06.FR.10: ask about whatever nothing fresh is known of."""
        self._look_mono = now.mono + LOOK_EVERY_S if self._chain else None
        if not (self.desk.online and self.desk.accepted):
            return
        for each in self._chain:
            if each.serial not in self._asked and not self._is_fresh(each.serial, now):
                self._asked.add(each.serial)
                self.desk.send(GetCertificateStatusRequest(ocsp_request_data=ocsp_data(each)))

    def _is_fresh(self, serial: str, now: Now) -> bool:
        status = self._cached.get(serial)
        return status is not None and status.at <= now.wall < status.at + FRESH

    def answered(
        self, request: GetCertificateStatusRequest, outcome: GetCertificateStatusResponse | CallFailed, now: Now
    ) -> None:
        """What fails is tried again at the next look; what was known before it stays."""
        serial = request.ocsp_request_data.serial_number
        self._asked.discard(serial)
        if isinstance(outcome, CallFailed) or outcome.status != "Accepted" or outcome.ocsp_result is None:
            return
        if all(serial != each.serial for each in self._chain):
            return
        self._cached[serial] = status = Status(outcome.ocsp_result, now.wall)
        self.desk.tell(KeepRecord(CACHED + serial, msgspec.json.encode(status)))
        self._equip()

    answers = {GetCertificateStatusRequest: answered}
