"""The words between the rooms: facts (past tense), commands (imperative), and the time they carry.  No behaviour."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

import msgspec

from agent.ocpp.errors import ErrorCode
from agent.ocpp.messages.base import Request, Response
from hal.events import Contract, DcPhase, FaultCode, TokenKind
from hal.ports import DcSupply, DcWish, PilotIntent, SeccIntent, SignedSession


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

    def _digits(self) -> tuple[str, str, str]:
        serial_number = self.serial_number.lower().lstrip("0")
        return self.issuer_name_hash.lower(), self.issuer_key_hash.lower(), serial_number


# ---- what came in from the CSMS's side: events to the station like any other --------------------------------------


class Incoming(msgspec.Struct, frozen=True, tag_field="event", tag=True):
    """Something that came over the link, or happened to it."""


class LinkOpened(Incoming, frozen=True):
    """The CSMS took the connection and speaks this subprotocol; with the profile of this slot and URL."""

    subprotocol: str
    slot: int = 1
    url: str = ""


class LinkLost(Incoming, frozen=True):
    """The connection is gone, or was not made; the next attempt is after ``retry_s``."""

    reason: str
    retry_s: float = 0.0


class CsmsCalled(Incoming, frozen=True):
    """The CSMS asks for something."""

    message_id: str
    request: Request


class CallFailed(msgspec.Struct, frozen=True):
    """We asked and got no answer: an error code of the RPC framework, ``Offline``, ``Timeout`` or ``Unsayable``."""

    code: str
    reason: str = ""


class CsmsAnswered(Incoming, frozen=True):
    """The outcome of something we asked."""

    request: Request
    outcome: Response | CallFailed


class LinkWarned(Incoming, frozen=True):
    """Something came that means nothing; told, otherwise ignored."""

    text: str


class OutboxDrained(Incoming, frozen=True):
    """Nothing durable waits any more."""


class TechnicianAsked(Incoming, frozen=True):
    """A local request, said by whoever has the right to: a restart, or to leave a latched fault of an EVSE."""

    wish: Literal["restart", "clear_fault"]
    evse: int = 0


class UploadEnded(Incoming, frozen=True):
    """An attempt to upload a log is over; ``status`` as LogStatusNotification says it."""

    request_id: int
    status: Literal["Uploaded", "UploadFailure", "BadMessage", "PermissionDenied", "NotSupportedOperation"]
    reason: str = ""


class CertificateJobEnded(Incoming, frozen=True):
    """A certificate was stored or removed, or was not; ``installed`` are all that there are now."""

    message_id: str
    status: CertificateOutcome
    reason_code: str
    reason: str
    installed: tuple[InstalledCertificate, ...]


class SecurityNoticed(Incoming, frozen=True):
    """An edge saw something that belongs into the security log; the names of ``type`` are those of OCPP."""

    type: str
    tech_info: str = ""


class TokenNoted(Incoming, frozen=True):
    """The service port says what is known of a token, in the cache or in the local list."""

    where: Literal["cache", "list"]
    token: Token
    status: str
    group: Token | None = None


class CacheCleared(Incoming, frozen=True):
    """The service port empties the authorization cache."""


class LimitSet(Incoming, frozen=True):
    """An installer, a technician or the building limits an EVSE; ``limit_a`` one current, or one for each phase.

    ``lease_s`` None: for good.  With neither a current nor a number of phases: he lets go of his limit.
    """

    evse: int
    source: Literal["local", "site"]
    limit_a: float | tuple[float, ...] | None = None
    phases: int | None = None
    lease_s: float | None = None


# ---- facts: what the events mean for charging ----------------------------------------------------------------------


class Fact(msgspec.Struct, frozen=True, tag_field="fact", tag=True):
    """Something that is now true."""

    evse: int


class EvConnected(Fact, frozen=True):
    """A vehicle is connected through this connector."""

    connector: int = 1


class EvDisconnected(Fact, frozen=True):
    """The vehicle is gone from this connector."""

    connector: int = 1


class EvRequestedPower(Fact, frozen=True):
    """The vehicle closed its switch: state C."""


class EvReleasedPower(Fact, frozen=True):
    """The vehicle opened its switch."""


class EvNeedsVentilation(Fact, frozen=True):
    """State D: no power without ventilation, and no board here has any."""


class EvEndedSession(Fact, frozen=True):
    """The vehicle wants no more energy in this session (ISO 15118 SessionStop)."""


class PilotFailed(Fact, frozen=True):
    """The pilot went where no vehicle takes it."""


class PilotHealed(Fact, frozen=True):
    """The pilot makes sense again."""


class PowerPathClosed(Fact, frozen=True):
    """The contactor reports closed."""


class PowerPathOpened(Fact, frozen=True):
    """The contactor reports open."""


class DcPhaseEntered(Fact, frozen=True):
    """The DC session of this EVSE is in another phase."""

    phase: DcPhase


class MeterRead(Fact, frozen=True):
    """A reading arrived; the EVSE has it."""


class BayOccupied(Fact, frozen=True):
    """A vehicle stands in the parking bay."""


class BayLeft(Fact, frozen=True):
    """The parking bay is empty."""


class EvseFaulted(Fact, frozen=True):
    """A fault holds this EVSE (or one connector); it gives no power."""

    code: FaultCode
    connector: int | None = None
    vendor_code: str = ""
    text: str = ""


class EvseHealed(Fact, frozen=True):
    """This fault is gone."""

    code: FaultCode
    connector: int | None = None


class LimitChanged(Fact, frozen=True):
    """What a vehicle may be offered here changed; 0 A: charging pauses."""

    limit_a: float
    phases: int


class LockReported(Fact, frozen=True):
    """The connector lock reports its position."""

    connector: int
    position: str


class TokenPresented(Fact, frozen=True):
    """Somebody identifies himself.  ``evse`` 0: at the station's reader, for whichever EVSE."""

    token: Token


class PaymentChosen(Fact, frozen=True):
    """The vehicle said how it pays: by this contract, or (None) as its driver shows at the station (C07, C08)."""

    contract: Contract | None


class RemoteStartRequested(Fact, frozen=True):
    """The CSMS wants this EVSE to charge for this token."""

    token: Token
    remote_start_id: int
    group: Token | None = None


class TokenRefused(Fact, frozen=True):
    """The identifier gives no right to charge here; ``reason`` is for the display and the log."""

    token: Token
    reason: str


class AuthorizationGranted(Fact, frozen=True):
    """The EVSE may give energy; its ``authorization`` says for whom."""


class AuthorizationEnded(Fact, frozen=True):
    """The right to take energy ended."""

    trigger: str
    stopped_reason: str
    token: Token | None = None


class TransactionStarted(Fact, frozen=True):
    """A transaction runs on this EVSE."""

    transaction_id: str


class TransactionEnded(Fact, frozen=True):
    """The transaction is over and its last event is with the outbox.

    ``register_final``: the register was read after the power path had opened, or there is none to read.
    """

    transaction_id: str
    energy_wh: float | None = None
    register_final: bool = True


class ConnectorStatusChanged(Fact, frozen=True):
    """What the CSMS is told of a connector changed."""

    connector: int
    status: str


RegistrationStatus = Literal["Accepted", "Pending", "Rejected"]


class Registered(Fact, frozen=True):
    """The CSMS answered BootNotification (``evse`` 0)."""

    status: RegistrationStatus


class CameOnline(Fact, frozen=True):
    """The link is open and the CSMS knows us; ``offline_s`` how long it was not (``evse`` 0)."""

    offline_s: float


class WentOffline(Fact, frozen=True):
    """The link is gone (``evse`` 0)."""

    reason: str


class TriggerRequested(Fact, frozen=True):
    """The CSMS wants to hear this message (``evse`` 0: of every EVSE)."""

    message: str
    connector: int | None = None


class SecurityNoted(Fact, frozen=True):
    """Something of interest for security happened (``evse`` 0)."""

    type: str
    tech_info: str = ""


class PasswordChanged(Fact, frozen=True):
    """SecurityCtrlr.BasicAuthPassword has a new value, which counts for every configuration slot (``evse`` 0)."""


class ReservationUsed(Fact, frozen=True):
    """Whom a reservation was kept for is there (``evse`` 0: at the station's reader)."""

    id: int


class ResetRequested(Fact, frozen=True):
    """The station is to restart (``evse`` 0); running transactions end with these reasons first."""

    trigger: str
    stopped_reason: str


# ---- commands: hardware first, then disk, then network -------------------------------------------------------------


class Command(msgspec.Struct, frozen=True, tag_field="command", tag=True):
    """Something to be done by an edge."""


class ApplyIntent(Command, frozen=True):
    """Make this the wish for the EVSE's pilot and power path."""

    evse: int
    intent: PilotIntent


class LockConnector(Command, frozen=True):
    """Lock the plug in."""

    evse: int
    connector: int


class UnlockConnector(Command, frozen=True):
    """Let the plug go."""

    evse: int
    connector: int


class ClearFault(Command, frozen=True):
    """Ask the EVSE's pilot controller to leave a latched fault; it stays where its cause does."""

    evse: int


class TellVehicle(Command, frozen=True):
    """Make this what the vehicle hears in its ISO 15118 session."""

    evse: int
    intent: SeccIntent


class SupplyDc(Command, frozen=True):
    """Make this the wish for the EVSE's DC supply."""

    evse: int
    wish: DcWish


class TellSupply(Command, frozen=True):
    """Let the EVSE's DC session know this of the supply."""

    evse: int
    supply: DcSupply


class CheckInsulation(Command, frozen=True):
    """Let the EVSE's insulation monitor test itself."""

    evse: int


class SampleMeter(Command, frozen=True):
    """Read the meter now, and at this pace from now on."""

    evse: int
    period_s: float


class BeginSigned(Command, frozen=True):
    """Let the meter sign this session from now on."""

    evse: int
    session: SignedSession


class EndSigned(Command, frozen=True):
    """This session is over for the meter, if any is known; its record comes with a reading."""

    evse: int
    session: SignedSession | None


class KeepRecord(Command, frozen=True):
    """Remember this under the key; None forgets it."""

    key: str
    value: bytes | None


class UploadLog(Command, frozen=True):
    """Bring this log to a URL; how it went comes as ``UploadEnded``."""

    request_id: int
    log_type: str
    url: str
    filename: str
    oldest: datetime | None = None
    latest: datetime | None = None


class CancelUpload(Command, frozen=True):
    """The upload under way is not wanted any more."""


class StoreCertificate(Command, frozen=True):
    """Judge this root certificate and keep it, but no more than so many; comes back as ``CertificateJobEnded``."""

    message_id: str
    type: str
    pem: str
    most: int
    at: datetime | None = None


class RemoveCertificate(Command, frozen=True):
    """Keep the certificate with these hash data no longer; comes back as ``CertificateJobEnded``."""

    message_id: str
    certificate: InstalledCertificate


class LogSecurityEvent(Command, frozen=True):
    """Keep this in the security log."""

    type: str
    at: datetime
    tech_info: str


class ChangeLocalList(Command, frozen=True):
    """Change the local authorization list on disk: replace it or not, then drop keys, then put entries."""

    replace: bool
    put: tuple[tuple[bytes, bytes], ...] = ()
    drop: tuple[bytes, ...] = ()


class Send(Command, frozen=True):
    """Ask the CSMS.  What is not ``durable`` is lost when offline, and its sender hears so.

    ``worth`` 0: never given up; 1: a periodic reading; 2: another event in the course of a transaction (E04.FR.07).
    ``asked_for``: the CSMS asked for this message, so it may go before the CSMS has accepted us (B02.FR.02).
    """

    request: Request
    durable: bool = False
    asked_for: bool = False
    transaction_id: str = ""
    seq_no: int = 0
    worth: int = 0


class Answer(Command, frozen=True):
    """Answer a call of the CSMS; goes out after what the answer promises is on disk.

    With a disk that refuses, ``unless_stored`` goes out instead where there is one.
    """

    message_id: str
    response: Response
    unless_stored: Response | None = None


class Refuse(Command, frozen=True):
    """Answer a call of the CSMS with a CALLERROR."""

    message_id: str
    code: ErrorCode
    reason: str


class AdmitMessages(Command, frozen=True):
    """What may be sent now: only BootNotification, also what the CSMS asks for, or everything."""

    which: Literal["boot", "asked", "all"]


class SetClock(Command, frozen=True):
    """Somebody told the time: the CSMS in an answer, or the system, whose clock a time server keeps by now."""

    wall: datetime
    source: Literal["Heartbeat", "NTP"] = "Heartbeat"


class TuneLink(Command, frozen=True):
    """The numbers of the device model that the link works with."""

    timeout_s: float
    ping_interval_s: float
    back_off_minimum_s: float
    back_off_random_s: float
    back_off_doublings: int
    attempts: int
    attempt_interval_s: float
    profile_attempts: int = 3


class UseNetwork(Command, frozen=True):
    """Connect by these profiles, first choice first; ``good`` worked last."""

    entries: tuple[NetworkProfile, ...]
    good: NetworkProfile | None = None


class UsePassword(Command, frozen=True):
    """Authenticate by this password from the next connection on; an empty one is that of the provisioning.

    ``over_slots``: it is newer than what network profiles bring along.
    """

    password: str
    over_slots: bool = False

    def __repr__(self) -> str:
        return "UsePassword(***)"


class RenewLink(Command, frozen=True):
    """Close the connection, if there is one, and connect anew at once; what waits goes on waiting."""

    reason: str


class Restart(Command, frozen=True):
    """Start anew, from what is on disk."""

    reason: str
