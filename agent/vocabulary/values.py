"""What events, facts and commands carry: a moment, a token, a network profile, a certificate."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

import msgspec

from hal.events import TokenKind


class Now(msgspec.Struct, frozen=True):
    """One moment: ``wall`` for reporting (UTC), ``mono`` (seconds, monotonic) for every timeout."""

    wall: datetime
    mono: float


class Token(msgspec.Struct, frozen=True):
    """An identifier as OCPP writes it.  Compared without regard to case, as identifierString is."""

    id: str
    kind: TokenKind = "ISO14443"

    def same(self, other: Token | None) -> bool:
        """Whether it is the same identifier."""
        return other is not None and self.kind == other.kind and self.id.casefold() == other.id.casefold()


class ClockShift(msgspec.Struct, frozen=True):
    """In one start of the station everything stamped from ``since`` on was off by ``by_s`` seconds.

    What is older was stamped in an earlier start: a clock that is not known begins behind the last stored time.
    """

    by_s: float
    since: datetime

    def corrected(self, at: datetime) -> datetime:
        """When it really was."""
        return at + timedelta(seconds=self.by_s) if at >= self.since else at


class LastEnd(msgspec.Struct, frozen=True):
    """How the process before this one ended, in the service manager's words: ``watchdog killed ABRT``.

    Source: systemd.exec(5), $SERVICE_RESULT, $EXIT_CODE, $EXIT_STATUS.
    """

    result: str
    code: str
    status: str

    @property
    def died(self) -> bool:
        """Nobody had asked for it."""
        return self.result != "success"

    def __str__(self) -> str:
        return f"{self.result}, {self.code} {self.status}"


class NetworkProfile(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a CSMS is and how it is reached: what a configuration slot holds (NetworkConnectionProfile).

    What is None is as the station was provisioned.  ``security_profile`` 0: neither password nor TLS.
    """

    slot: int
    url: str
    security_profile: int = 0
    message_timeout_s: int | None = None
    protocol: str | None = None
    identity: str | None = None
    password: str | None = None

    def __repr__(self) -> str:
        return f"NetworkProfile({self.slot}, {self.url!r}, security profile {self.security_profile})"


SigningUse = Literal["ChargingStationCertificate", "V2GCertificate"]
"""To whom the station shows a certificate: to its CSMS, or to a vehicle."""

CertificateOutcome = Literal["Accepted", "Rejected", "Failed", "NotFound"]


class InstalledCertificate(msgspec.Struct, frozen=True):
    """A certificate by what it is for and its hash data (SHA-256, hexadecimal)."""

    type: str
    issuer_name_hash: str
    issuer_key_hash: str
    serial_number: str

    def same_as(self, other: InstalledCertificate) -> bool:
        """Whether both hash data are of one certificate, whatever it is for and however the digits are written."""
        return self._digits() == other._digits()

    def same_issue(self, other: InstalledCertificate) -> bool:
        """By issuer and serial number, which no two certificates share."""
        mine, its = self._digits(), other._digits()
        return (mine[0], mine[2]) == (its[0], its[2])

    def _digits(self) -> tuple[str, str, str]:
        serial_number = self.serial_number.lower().lstrip("0")
        return self.issuer_name_hash.lower(), self.issuer_key_hash.lower(), serial_number
